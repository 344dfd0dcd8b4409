"""Constructors of layers: one function for what everybody asks for, an object for what only some do."""

from __future__ import annotations

from zador.layers.presets.categorical import CategoricalOptions, categorical_vq, gumbel_vq
from zador.layers.presets.curve import CurveOptions, sf_diveq
from zador.layers.presets.grids import GridOptions, bsq, fsq, lfq, rfsq
from zador.layers.presets.linear import ResidualTransformedOptions, TransformedOptions, rsimvq, simvq
from zador.layers.presets.multiscale import multiscale
from zador.layers.presets.options import CodebookOptions, LayerOptions, ProjectedOptions, SpaceOptions, TableOptions
from zador.layers.presets.random import random_projection
from zador.layers.presets.residual import ResidualOptions, grvq, rvq
from zador.layers.presets.vector import pq, vq

__all__ = [
    "CategoricalOptions",
    "CodebookOptions",
    "CurveOptions",
    "GridOptions",
    "LayerOptions",
    "ProjectedOptions",
    "ResidualOptions",
    "ResidualTransformedOptions",
    "SpaceOptions",
    "TableOptions",
    "TransformedOptions",
    "bsq",
    "categorical_vq",
    "fsq",
    "grvq",
    "gumbel_vq",
    "lfq",
    "multiscale",
    "pq",
    "random_projection",
    "rfsq",
    "rsimvq",
    "rvq",
    "sf_diveq",
    "simvq",
    "vq",
]
