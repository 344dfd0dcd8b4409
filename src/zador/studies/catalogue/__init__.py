"""One study a file, each a function that returns its design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.catalogue.adaptive_commitment import (
    adaptive_commitment,
    adaptive_commitment_adam,
    adaptive_commitment_revival,
)
from zador.studies.catalogue.batch_size import batch_size
from zador.studies.catalogue.codebook_size import codebook_size
from zador.studies.catalogue.commitment import commitment
from zador.studies.catalogue.convergence import convergence
from zador.studies.catalogue.cost import cost
from zador.studies.catalogue.difficult_data import difficult_data
from zador.studies.catalogue.distortion_law import distortion_law
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
from zador.studies.catalogue.learned_projection import learned_projection
from zador.studies.catalogue.learning_rate import learning_rate
from zador.studies.catalogue.optimisers import optimisers
from zador.studies.catalogue.plane import plane
from zador.studies.catalogue.real_data import real_data, real_data_8_bits, real_data_dead_codes
from zador.studies.catalogue.revival_patience import revival_patience
from zador.studies.catalogue.scale import scale
from zador.studies.catalogue.structure import structure, structure_12_bits, structure_layers, structure_maps
from zador.studies.catalogue.verification import verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.studies.design import Design

__all__ = [
    "ATLAS",
    "COMMITMENT",
    "COMPARISON",
    "GROUPS",
    "INITIALISATION",
    "PICTURES",
    "PROTOCOL_A",
    "REAL_DATA",
    "SCALE",
    "STRUCTURE",
    "STUDIES",
    "TRAINING",
    "ZOO",
]

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

PICTURES: tuple[Callable[..., Design], ...] = (plane,)
"""The study that draws what it does."""

ZOO: tuple[Callable[..., Design], ...] = (estimator_zoo_linear, estimator_zoo_mlp, estimator_zoo_cost)
"""The studies of the estimator zoo: linear maps, networks, cost."""

INITIALISATION: tuple[Callable[..., Design], ...] = (
    initialisation_start,
    initialisation_lloyd,
    initialisation_lloyd_revival,
    initialisation_sgd,
    initialisation_sgd_revival,
    initialisation_ema,
    initialisation_ema_revival,
    revival_patience,
)
"""The studies of how a codebook starts: by itself, under three learners without and with revival, and when to revive."""

COMPARISON: tuple[Callable[..., Design], ...] = (
    estimator_comparison,
    estimator_comparison_noise,
    estimator_comparison_commitment,
)
"""The studies of the reports' protocol B, in the order of the report."""

COMMITMENT: tuple[Callable[..., Design], ...] = (
    adaptive_commitment,
    adaptive_commitment_revival,
    adaptive_commitment_adam,
)
"""The studies of what the commitment weight does, and of weights that change."""

TRAINING: tuple[Callable[..., Design], ...] = (learned_projection, optimisers)
"""The studies of a projection before the codebook, and of how it is trained."""

SCALE: tuple[Callable[..., Design], ...] = (scale, distortion_law)
"""The studies of 512 dimensions and codewords, and of the law of distortion against K."""

REAL_DATA: tuple[Callable[..., Design], ...] = (real_data, real_data_8_bits, real_data_dead_codes)
"""The studies of real vectors: at 6 bits, at 8, and where dead codes come from."""

STRUCTURE: tuple[Callable[..., Design], ...] = (structure, structure_12_bits, structure_layers, structure_maps)
"""The studies of codes with structure against one table of their rate: fitted at 8 and 12 bits, as layers, on maps."""

STUDIES = (
    *PROTOCOL_A,
    *ATLAS,
    *COMPARISON,
    *INITIALISATION,
    *PICTURES,
    *ZOO,
    *COMMITMENT,
    *TRAINING,
    *SCALE,
    *REAL_DATA,
    *STRUCTURE,
)
"""Every study: `study(quick=True)` is a short form of it."""

GROUPS: dict[str, tuple[Callable[..., Design], ...]] = {
    "protocol-a": PROTOCOL_A,
    "protocol-b": COMPARISON,
    "atlas": ATLAS,
    "initialisation": INITIALISATION,
    "zoo": ZOO,
    "commitment-weights": COMMITMENT,
    "training": TRAINING,
    "scaling": SCALE,
    "data": REAL_DATA,
    "structures": STRUCTURE,
}
"""Studies that answer one question together, by what the command line calls them."""
