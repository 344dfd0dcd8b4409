"""Layers: where a hard quantizer, an estimator, a learner and losses meet."""

from __future__ import annotations

from zador.layers.bottleneck import Bottleneck
from zador.layers.categorical import CategoricalBottleneck
from zador.layers.entropy import Entropy, EntropyLoss, codebook_entropy, log_odds, per_sample_entropy
from zador.layers.expected import expected_loss
from zador.layers.linear_table import LinearLearnedTable
from zador.layers.losses import Batch, Regulariser, Weight
from zador.layers.maps import MapSpace
from zador.layers.presets import (
    GridOptions,
    GumbelOptions,
    LayerOptions,
    ProjectedOptions,
    ResidualOptions,
    SpaceOptions,
    TableOptions,
    bsq,
    fsq,
    grvq,
    gumbel_vq,
    lfq,
    multiscale,
    pq,
    random_projection,
    rfsq,
    rsimvq,
    rvq,
    simvq,
    vq,
)
from zador.layers.record import Info, LayerOutput
from zador.layers.regularise import MMD, Diversity, GaussianKernel, Orthogonal, Rate, Wasserstein, energy_kernel
from zador.layers.space import Space
from zador.layers.table import LearnedTable
from zador.layers.tally import Tally
from zador.layers.transport import LinearTransport, ModuleTransport, OrthogonalTransport, Transport
from zador.layers.weights import AdaptiveCommitment, Annealed, CosineWarmUp, Scheduled, WarmUp

__all__ = [
    "MMD",
    "AdaptiveCommitment",
    "Annealed",
    "Batch",
    "Bottleneck",
    "CategoricalBottleneck",
    "CosineWarmUp",
    "Diversity",
    "Entropy",
    "EntropyLoss",
    "GaussianKernel",
    "GridOptions",
    "GumbelOptions",
    "Info",
    "LayerOptions",
    "LayerOutput",
    "LearnedTable",
    "LinearLearnedTable",
    "LinearTransport",
    "MapSpace",
    "ModuleTransport",
    "Orthogonal",
    "OrthogonalTransport",
    "ProjectedOptions",
    "Rate",
    "Regulariser",
    "ResidualOptions",
    "Scheduled",
    "Space",
    "SpaceOptions",
    "TableOptions",
    "Tally",
    "Transport",
    "WarmUp",
    "Wasserstein",
    "Weight",
    "bsq",
    "codebook_entropy",
    "energy_kernel",
    "expected_loss",
    "fsq",
    "grvq",
    "gumbel_vq",
    "lfq",
    "log_odds",
    "multiscale",
    "per_sample_entropy",
    "pq",
    "random_projection",
    "rfsq",
    "rsimvq",
    "rvq",
    "simvq",
    "vq",
]
