"""Constructors of layers: one function for what everybody asks for, an object for what only some do."""

from __future__ import annotations

from zador.layers.presets.grids import GridOptions, bsq, fsq, lfq, rfsq
from zador.layers.presets.multiscale import multiscale
from zador.layers.presets.options import LayerOptions, ProjectedOptions, TableOptions
from zador.layers.presets.residual import ResidualOptions, grvq, rvq
from zador.layers.presets.vector import pq, vq

__all__ = [
    "GridOptions",
    "LayerOptions",
    "ProjectedOptions",
    "ResidualOptions",
    "TableOptions",
    "bsq",
    "fsq",
    "grvq",
    "lfq",
    "multiscale",
    "pq",
    "rfsq",
    "rvq",
    "vq",
]
