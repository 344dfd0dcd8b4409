"""Layers: where a hard quantizer, an estimator, a learner and losses meet."""

from __future__ import annotations

from zador.layers.bottleneck import Bottleneck
from zador.layers.entropy import Entropy, EntropyLoss, codebook_entropy, log_odds, per_sample_entropy
from zador.layers.losses import Regulariser
from zador.layers.presets import (
    GridOptions,
    LayerOptions,
    ProjectedOptions,
    ResidualOptions,
    TableOptions,
    bsq,
    fsq,
    grvq,
    lfq,
    multiscale,
    pq,
    rfsq,
    rvq,
    vq,
)
from zador.layers.record import Info, LayerOutput
from zador.layers.space import Space
from zador.layers.table import LearnedTable
from zador.layers.tally import Tally

__all__ = [
    "Bottleneck",
    "Entropy",
    "EntropyLoss",
    "GridOptions",
    "Info",
    "LayerOptions",
    "LayerOutput",
    "LearnedTable",
    "ProjectedOptions",
    "Regulariser",
    "ResidualOptions",
    "Space",
    "TableOptions",
    "Tally",
    "bsq",
    "codebook_entropy",
    "fsq",
    "grvq",
    "lfq",
    "log_odds",
    "multiscale",
    "per_sample_entropy",
    "pq",
    "rfsq",
    "rvq",
    "vq",
]
