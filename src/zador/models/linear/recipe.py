"""A training run as data: frozen records of numbers and functions, so that a variant changes one thing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zador.errors import UsageError
from zador.models.linear.batches import generator_stream
from zador.models.linear.directions import per_batch, plain
from zador.models.linear.optimisers import Sgd
from zador.models.linear.retractions import polar
from zador.models.schedules import constant
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.models.linear.batches import Batches
    from zador.models.linear.directions import CodebookGradient, EncoderGradient
    from zador.models.linear.optimisers import Optimiser
    from zador.models.linear.retractions import Retraction
    from zador.models.schedules import Schedule

__all__ = ["Loss", "Rates", "Recipe", "Step"]


@dataclass(frozen=True)
class Loss:
    """Mean over the batch of ‖x - Wᵀẑ‖² + α ‖sg(z) - q‖² + β ‖z - sg(q)‖², each summed over coordinates.

    Attributes:
        codebook_weight: α.
        commitment: β.

    Raises:
        UsageError: a weight that is negative or not finite.
    """

    codebook_weight: float = 1.0
    commitment: float = 0.25

    def __post_init__(self) -> None:
        """Refuse weights that turn a term around."""
        _at_least_zero("codebook_weight", self.codebook_weight)
        _at_least_zero("commitment", self.commitment)


@dataclass(frozen=True)
class Rates:
    """Learning rates.

    Attributes:
        encoder: of W.
        codebook: of E.
        schedule: (step, steps) -> factor on both: `constant`, `cosine`, `Warmup(...)`, or a function of your own.

    Raises:
        UsageError: a rate that is negative or not finite.
    """

    encoder: float = 0.05
    codebook: float = 0.2
    schedule: Schedule = constant

    def __post_init__(self) -> None:
        """Refuse rates that climb."""
        _at_least_zero("encoder", self.encoder)
        _at_least_zero("codebook", self.codebook)


@dataclass(frozen=True)
class Step:
    """What a step is made of.

    Attributes:
        encoder_gradient: `plain` or `tangent`.
        codebook_gradient: `per_batch` or `per_code`.
        retraction: `polar` or `signed_qr`; `qr`, which flips rows, only to show what that does.
        optimiser: `Sgd()`, `Sgd(momentum=0.9)`, `Adam()`; it sees the gradients as the two functions above leave them.
    """

    encoder_gradient: EncoderGradient = plain
    codebook_gradient: CodebookGradient = per_batch
    retraction: Retraction = polar
    optimiser: Optimiser = field(default_factory=Sgd)


@dataclass(frozen=True)
class Recipe:
    """How to train; the engine, which computes the gradients, is not part of it.

    Attributes:
        steps: number of updates.
        batch_size: B, vectors a step.
        rates: learning rates and their schedule.
        loss: weights of the loss.
        step: what a step is made of.
        batches: (seed, vectors, batch size) -> stream of indices: `generator_stream` or `legacy_stream`.
        record_every: steps between two points of the curve.

    Raises:
        UsageError: a count below 1.

    Example:
        >>> from dataclasses import replace
        >>> base = Recipe(steps=200)
        >>> replace(base, rates=Rates(encoder=1.0, codebook=2.0)).rates.codebook
        2.0
    """

    steps: int = 500
    batch_size: int = 1024
    rates: Rates = field(default_factory=Rates)
    loss: Loss = field(default_factory=Loss)
    step: Step = field(default_factory=Step)
    batches: Batches = generator_stream
    record_every: int = 25

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        as_count(self.steps, "steps", least=0)
        as_count(self.batch_size, "batch_size")
        as_count(self.record_every, "record_every")


def _at_least_zero(name: str, value: float) -> None:
    if not 0.0 <= value < math.inf:
        raise UsageError(f"{name}: expected a finite number of at least 0, got {value!r}")
