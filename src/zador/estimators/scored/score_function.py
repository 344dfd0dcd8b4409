"""The score function estimator, REINFORCE: losses weigh the score of what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.estimators.scored.baselines import Baseline, ConstantBaseline
from zador.estimators.scored.problem import Problem, Scored, attached

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["ScoreFunction"]


@dataclass(frozen=True)
class ScoreFunction:
    """∂/∂logits E f(c_k) ≈ 1/M Σ_m (f(c_{k_m}) - b_m)(e_{k_m} - p), k_m ~ p = softmax(logits) [williams1992simple].

    Unbiased for any baseline b that does not depend on the draw, since E (e_k - p) = 0; the baseline only decides the
    variance. f is asked for values alone: it need not have a derivative in the codewords.

    Attributes:
        baseline: b, from the losses (M, ...) of M draws: `ConstantBaseline()` for none, `MovingAverage()`, or with M >= 2
            `leave_one_out`, which in expectation is best of those that know nothing else.

    Example:
        >>> import torch
        >>> from zador.noise import new_key, uniform
        >>> logits = torch.zeros(1, 2, requires_grad=True)
        >>> codewords = torch.tensor([[1.0], [3.0]])
        >>> found = ScoreFunction()(lambda q: q.sum(-1), logits, codewords, uniform(new_key(0), [1, 2]))
        >>> found.loss.sum().backward()
        >>> found.indices.tolist(), found.loss.tolist(), logits.grad.tolist()
        ([0], [1.0], [[0.5, -0.5]])
    """

    baseline: Baseline = ConstantBaseline()  # noqa: RUF009 - frozen

    def __call__(self, loss: Callable[[Tensor], Tensor], logits: Tensor, values: Tensor, noise: Tensor) -> Scored:
        """Return the loss with this gradient; see `ScoredEstimator`.

        Raises:
            DataError: shapes that do not belong together.
        """
        problem = Problem.of(loss, logits, values, noise, name="ScoreFunction")
        losses = problem.drawn()
        hard = losses.detach()
        gradient = (problem.spread(hard - self.baseline(hard)) * problem.score).mean(0)
        return problem.result(attached(losses.mean(0), logits, gradient))
