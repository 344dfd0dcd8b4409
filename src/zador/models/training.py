"""The training loop of models that hold a layer: batches, steps, a warm-up without quantization, and what is noticed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from torch import Tensor, nn

from zador.errors import DataError, NonFiniteError, UsageError
from zador.models.autoencoder import squared_error
from zador.models.divergence import divergence
from zador.models.optimisers import Adam
from zador.models.schedules import constant
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.models.autoencoder import Objective
    from zador.models.optimisers import MakeOptimiser
    from zador.models.schedules import Schedule

__all__ = ["Fitted", "Training", "fit"]

T = TypeVar("T")


@dataclass(frozen=True)
class Training:
    """How to train.

    Attributes:
        steps: number of updates, those of the warm-up included.
        batch_size: B, samples a step, drawn with replacement.
        optimiser: parameters -> optimiser: `Adam(rate)`, or a function of your own.
        schedule: (step, steps) -> factor on the optimiser's rates: `constant`, `cosine`, `Warmup(...)`.
        warm_up: steps without quantization, before the layer sees its first vectors.
        clip: largest norm of the gradient of all parameters together; None for no limit.
        objective: what is made small, see `squared_error`.
        record_every: steps between two looks of the observer.

    Raises:
        UsageError: a count below its least, or a limit that is not positive.

    Example:
        >>> from dataclasses import replace
        >>> replace(Training(steps=200), optimiser=Adam(3e-3)).optimiser.rate
        0.003
    """

    steps: int = 1000
    batch_size: int = 256
    optimiser: MakeOptimiser = field(default_factory=Adam)
    schedule: Schedule = constant
    warm_up: int = 0
    clip: float | None = None
    objective: Objective = squared_error
    record_every: int = 100

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        as_count(self.steps, "steps", least=0)
        as_count(self.batch_size, "batch_size")
        as_count(self.warm_up, "warm_up", least=0)
        as_count(self.record_every, "record_every")
        if self.clip is not None and not self.clip > 0:
            raise UsageError(f"clip: expected a positive number, or None for no limit, got {self.clip!r}")


@dataclass(frozen=True, eq=False)
class Fitted(Generic[T]):
    """Where a run ended.

    Attributes:
        losses: of every batch, before its step.
        steps: updates done when the observer looked: 0, `record_every`, …, the last; empty without one.
        observed: what it returned there.
        failure: None, or "diverged at step 41, loss 3e8": a loss that is not finite, or above 1000 times the loss of a model
            that says nothing, mean ‖x - μ‖². A run that diverged goes on, and its figures are as bad as they are; where the
            gradient would no longer be finite the model stays as it was before that step.
    """

    losses: tuple[float, ...]
    steps: tuple[int, ...]
    observed: tuple[T, ...]
    failure: str | None


def fit(
    model: nn.Module,
    train: Tensor,
    recipe: Training,
    *,
    seed: int,
    observe: Callable[[int, nn.Module], T] | None = None,
) -> Fitted[T]:
    """Train `model` in place, and return how that went.

    A step draws a batch, asks the objective for its loss and moves all parameters along the gradient. The first
    `recipe.warm_up` steps leave the layer out. Batches are drawn from `seed` and nothing else; with layers of zador, whose
    random numbers are their own, the same seed gives the same bits at one number of threads, and no global generator is
    touched.

    Args:
        model: an `Autoencoder`, or what the objective takes; it keeps the mode it is in.
        train: (N, …) samples, on the device of the model.
        recipe: how to train.
        seed: of the batches.
        observe: called as (updates done, model), in evaluation mode and without gradients; what it returns is kept.

    Raises:
        UsageError: no seed, or nothing to train: no parameters, or none that the loss depends on.
        DataError: no samples, or no floats.
        NonFiniteError: NaN or infinity in the samples.

    Example:
        >>> import zador
        >>> from zador.models import Autoencoder, mlp
        >>> x = torch.randn(2000, 8, generator=torch.Generator().manual_seed(0))
        >>> model = Autoencoder(mlp([8, 2]), zador.vq(2, 16), mlp([2, 8]))
        >>> done = fit(model, x, Training(steps=60, warm_up=20), seed=0, observe=lambda _, found: found(x).loss.item())
        >>> done.steps, len(done.losses), done.failure, done.losses[-1] < done.losses[0]
        ((0, 60), 60, None, True)
    """
    run = _Run(model, _checked(train), recipe, as_count(seed, "seed", least=0))
    trained = model.training
    steps, observed = [], []
    for number in range(recipe.steps + 1):
        if observe is not None and (number % recipe.record_every == 0 or number == recipe.steps):
            model.eval()
            with torch.no_grad():
                observed.append(observe(number, model))
            steps.append(number)
        if number < recipe.steps and run.stopped < 0:
            model.train()
            run.advance(number)
    model.train(trained)
    return Fitted(tuple(run.losses), tuple(steps), tuple(observed), divergence(run.losses, run.stopped, run.zero_rate))


class _Run:
    """A model on its way.

    Attributes:
        losses: so far.
        stopped: the step that would have left the finite numbers; -1 as long as there was none.
        zero_rate: loss of a model that says nothing.
    """

    def __init__(self, model: nn.Module, train: Tensor, recipe: Training, seed: int) -> None:
        self.model, self.train, self.recipe = model, train, recipe
        self.generator = torch.Generator().manual_seed(seed)
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        if not self.parameters:
            raise UsageError("fit: the model has no parameters to train; a layer alone learns by being called")
        self.optimiser = recipe.optimiser(self.parameters)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.losses: list[float] = []
        self.stopped = -1
        self.zero_rate = float(train.var(dim=0, correction=0).sum())

    def advance(self, number: int) -> None:
        """Take a step, unless it would leave the finite numbers."""
        rows = torch.randint(len(self.train), (self.recipe.batch_size,), generator=self.generator)
        self.optimiser.zero_grad(set_to_none=True)
        try:
            loss = self.recipe.objective(
                self.model, self.train[rows.to(self.train.device)], quantize=number >= self.recipe.warm_up
            )
        except NonFiniteError:  # a layer was given vectors beyond the largest number
            self.losses.append(math.nan)
            self.stopped = number
            return
        if not loss.requires_grad:
            raise UsageError(
                "fit: no parameter has a part in the loss"
                + (" without quantization; train with warm_up=0" if number < self.recipe.warm_up else "")
            )
        self.losses.append(loss.item())
        loss.backward()  # type: ignore[no-untyped-call]
        if not self._limit():
            self.stopped = number
            return
        factor = self.recipe.schedule(number, self.recipe.steps)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = factor * rate
        self.optimiser.step()

    def _limit(self) -> bool:
        """Shorten the gradient to what the recipe allows; return whether it is finite."""
        moved = [parameter for parameter in self.parameters if parameter.grad is not None]
        norm = nn.utils.get_total_norm([parameter.grad for parameter in moved if parameter.grad is not None])
        if not torch.isfinite(norm):
            return False
        if self.recipe.clip is not None:
            nn.utils.clip_grads_with_norm_(moved, self.recipe.clip, norm)
        return True


def _checked(train: Tensor) -> Tensor:
    if not isinstance(train, Tensor) or not train.is_floating_point() or train.ndim < 2 or not len(train):  # noqa: PLR2004
        got = f"{train.dtype} {tuple(train.shape)}" if isinstance(train, Tensor) else type(train).__name__
        raise DataError(f"train: expected a tensor of floats (N, …) with N >= 1, one sample a row, got {got}")
    bad = int((~torch.isfinite(train)).flatten(1).any(dim=1).sum())
    if bad:
        raise NonFiniteError(f"train: {bad} of {len(train)} samples hold NaN or infinity; remove or impute them first")
    return train
