"""Layers: where a hard quantizer, an estimator, a learner and losses meet."""

from __future__ import annotations

from zador.layers.assignment import Assignment, EntropyCoded, Nearest, OptimalTransport
from zador.layers.bottleneck import Bottleneck
from zador.layers.categorical import CategoricalBottleneck
from zador.layers.categorical_marginal import BlahutArimotoBottleneck, Marginal
from zador.layers.curve import CurveBottleneck, CurveCode
from zador.layers.curve_table import CurveTable, chained
from zador.layers.entropy import Entropy, EntropyLoss, codebook_entropy, log_odds, per_sample_entropy
from zador.layers.entropy_coded_table import EntropyCodedTable
from zador.layers.expected import expected_loss
from zador.layers.factorised import FactorisedBottleneck
from zador.layers.linear_table import LinearLearnedTable
from zador.layers.losses import Batch, Regulariser, Weight
from zador.layers.maps import MapSpace
from zador.layers.migration import from_dac, from_encodec, from_vector_quantize_pytorch
from zador.layers.parallel import codebook_parameters, set_process_group
from zador.layers.presets import (
    CategoricalOptions,
    CodebookOptions,
    CurveOptions,
    GridOptions,
    LayerOptions,
    ProjectedOptions,
    ResidualOptions,
    ResidualTransformedOptions,
    SpaceOptions,
    TableOptions,
    TransformedOptions,
    bsq,
    categorical_vq,
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
    sf_diveq,
    simvq,
    vq,
)
from zador.layers.record import Info, LayerOutput
from zador.layers.regularise import MMD, Diversity, GaussianKernel, Orthogonal, Rate, Wasserstein, energy_kernel
from zador.layers.space import Space
from zador.layers.table import LearnedTable
from zador.layers.tally import Tally
from zador.layers.transformed_table import TransformedTable
from zador.layers.transport import LinearTransport, ModuleTransport, OrthogonalTransport, Transport
from zador.layers.weights import AdaptiveCommitment, Annealed, CosineWarmUp, Scheduled, WarmUp
from zador.quantizers.codes import QuantizerDropout

__all__ = [
    "MMD",
    "AdaptiveCommitment",
    "Annealed",
    "Assignment",
    "Batch",
    "BlahutArimotoBottleneck",
    "Bottleneck",
    "CategoricalBottleneck",
    "CategoricalOptions",
    "CodebookOptions",
    "CosineWarmUp",
    "CurveBottleneck",
    "CurveCode",
    "CurveOptions",
    "CurveTable",
    "Diversity",
    "Entropy",
    "EntropyCoded",
    "EntropyCodedTable",
    "EntropyLoss",
    "FactorisedBottleneck",
    "GaussianKernel",
    "GridOptions",
    "Info",
    "LayerOptions",
    "LayerOutput",
    "LearnedTable",
    "LinearLearnedTable",
    "LinearTransport",
    "MapSpace",
    "Marginal",
    "ModuleTransport",
    "Nearest",
    "OptimalTransport",
    "Orthogonal",
    "OrthogonalTransport",
    "ProjectedOptions",
    "QuantizerDropout",
    "Rate",
    "Regulariser",
    "ResidualOptions",
    "ResidualTransformedOptions",
    "Scheduled",
    "Space",
    "SpaceOptions",
    "TableOptions",
    "Tally",
    "TransformedOptions",
    "TransformedTable",
    "Transport",
    "WarmUp",
    "Wasserstein",
    "Weight",
    "bsq",
    "categorical_vq",
    "chained",
    "codebook_entropy",
    "codebook_parameters",
    "energy_kernel",
    "expected_loss",
    "from_dac",
    "from_encodec",
    "from_vector_quantize_pytorch",
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
    "set_process_group",
    "sf_diveq",
    "simvq",
    "vq",
]
