"""One study a file, each a function that returns its design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.catalogue.batch_size import batch_size
from zador.studies.catalogue.codebook_size import codebook_size
from zador.studies.catalogue.commitment import commitment
from zador.studies.catalogue.convergence import convergence
from zador.studies.catalogue.cost import cost
from zador.studies.catalogue.difficult_data import difficult_data
from zador.studies.catalogue.estimator_comparison import (
    estimator_comparison,
    estimator_comparison_commitment,
    estimator_comparison_noise,
)
from zador.studies.catalogue.estimator_zoo import estimator_zoo_cost, estimator_zoo_linear, estimator_zoo_mlp
from zador.studies.catalogue.gradient_atlas import (
    gradient_atlas,
    gradient_atlas_codebook_size,
    gradient_atlas_dimension,
    gradient_atlas_loss,
    gradient_atlas_noise,
)
from zador.studies.catalogue.initialisation import (
    initialisation_ema,
    initialisation_ema_revival,
    initialisation_lloyd,
    initialisation_lloyd_revival,
    initialisation_sgd,
    initialisation_sgd_revival,
    initialisation_start,
)
from zador.studies.catalogue.learning_rate import learning_rate
from zador.studies.catalogue.verification import verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.studies.design import Design

__all__ = ["ATLAS", "COMPARISON", "INITIALISATION", "PROTOCOL_A", "STUDIES", "ZOO"]

PROTOCOL_A: tuple[Callable[..., Design], ...] = (
    verification,
    convergence,
    codebook_size,
    commitment,
    learning_rate,
    batch_size,
    difficult_data,
    cost,
)
"""The studies of the reports' protocol A, in the order of the reports."""

ATLAS: tuple[Callable[..., Design], ...] = (
    gradient_atlas,
    gradient_atlas_codebook_size,
    gradient_atlas_dimension,
    gradient_atlas_loss,
    gradient_atlas_noise,
)
"""The studies of the gradient atlas."""

INITIALISATION: tuple[Callable[..., Design], ...] = (
    initialisation_start,
    initialisation_lloyd,
    initialisation_lloyd_revival,
    initialisation_sgd,
    initialisation_sgd_revival,
    initialisation_ema,
    initialisation_ema_revival,
)
"""The studies of how a codebook starts: by itself, and under three learners without and with revival."""

ZOO: tuple[Callable[..., Design], ...] = (estimator_zoo_linear, estimator_zoo_mlp, estimator_zoo_cost)
"""The studies of the estimator zoo: linear maps, networks, cost."""

COMPARISON: tuple[Callable[..., Design], ...] = (
    estimator_comparison,
    estimator_comparison_noise,
    estimator_comparison_commitment,
)
"""The studies of the reports' protocol B, in the order of the report."""

STUDIES = (*PROTOCOL_A, *ATLAS, *COMPARISON, *INITIALISATION, *ZOO)
"""Every study: `study(quick=True)` is a short form of it."""
