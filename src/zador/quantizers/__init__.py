"""Quantizers: vectors → indices → vectors. Hard values only: no gradient, no losses."""

from __future__ import annotations

from zador.quantizers.base import Quantizer
from zador.quantizers.load import load, load_quantizer
from zador.quantizers.vector import VectorQuantizer

__all__ = ["Quantizer", "VectorQuantizer", "load", "load_quantizer"]
