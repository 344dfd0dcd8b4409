"""Codes: hard quantizers on tensors, whose tables belong to somebody who may be training them. No gradient, no losses.

A code takes vectors in the space it works in to indices and values, and indices back to values. Products, residuals and
scales are codes made of codes. Whoever moves the tables passes `watch`, and is shown what every table was asked.
"""

from __future__ import annotations

from zador.quantizers.codes.base import Asked, Code, Pass, Quantized, Table, Watch, context_of, masked
from zador.quantizers.codes.direction import DirectionCode
from zador.quantizers.codes.dropout import QuantizerDropout
from zador.quantizers.codes.grid import Grid, GridCode
from zador.quantizers.codes.heads import Heads, Product
from zador.quantizers.codes.multiscale import MultiScale
from zador.quantizers.codes.penalised import PenalisedCode, PricedTable
from zador.quantizers.codes.projected import Projected
from zador.quantizers.codes.residual import Once, Residual
from zador.quantizers.codes.tabled import TabledCode
from zador.quantizers.codes.transport import TransportCode

__all__ = [
    "Asked",
    "Code",
    "DirectionCode",
    "Grid",
    "GridCode",
    "Heads",
    "MultiScale",
    "Once",
    "Pass",
    "PenalisedCode",
    "PricedTable",
    "Product",
    "Projected",
    "Quantized",
    "QuantizerDropout",
    "Residual",
    "Table",
    "TabledCode",
    "TransportCode",
    "Watch",
    "context_of",
    "masked",
]
