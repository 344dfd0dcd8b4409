"""Quantizers: vectors → indices → vectors. Hard values only: no gradient, no losses."""

from __future__ import annotations

from zador.quantizers.base import Quantizer
from zador.quantizers.fit_product import Rotation, fit_product
from zador.quantizers.fit_residual import fit_residual, refit
from zador.quantizers.frame import Frame
from zador.quantizers.load import load, load_quantizer
from zador.quantizers.product import ProductQuantizer
from zador.quantizers.residual import ResidualQuantizer
from zador.quantizers.slicing import Slicing, balanced_slices, equal_slices
from zador.quantizers.vector import VectorQuantizer

__all__ = [
    "Frame",
    "ProductQuantizer",
    "Quantizer",
    "ResidualQuantizer",
    "Rotation",
    "Slicing",
    "VectorQuantizer",
    "balanced_slices",
    "equal_slices",
    "fit_product",
    "fit_residual",
    "load",
    "load_quantizer",
    "refit",
]
