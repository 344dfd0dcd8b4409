"""REBAR: the score function estimator with the relaxed loss as its control variate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from zador.errors import DataError
from zador.estimators.scored.problem import Problem, Scored, attached
from zador.estimators.temperature import as_temperature

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["Rebar"]


class Rebar(nn.Module):
    """∂/∂logits E f(c_k) ≈ (f(c_k) - c(z)) (e_k - p) + ρ ⊙ r - (Σ_j ρ_j r_j) p, unbiased [tucker2017rebar].

    z = log p + Gumbel noise, k = argmax z, c(z) = η f(softmax(z / τ) C) with C the codewords, r = ∂c/∂z, and

        ρ_i = exp(z_i - z_k) = ∂z_i/∂(log p)_i - ∂z̃_i/∂(log p)_i.

    The paper's estimator (f(c_k) - c(z̃)) ∇ log p(k) + ∇c(z) - ∇c(z̃) draws z̃ once more, given k. Any coupling of the two
    that leaves z̃ its law will do; with the common random numbers of the paper z̃ has the value of z and differs in its
    derivative only, which makes c one evaluation and the difference of its gradients the closed form above.

    With η = 0 it is the score function without a baseline. η and τ follow the gradient of E ||g||², which is that of the
    variance because the mean depends on neither: it comes with the backward of the loss, weighted by the mean of what
    arrives there. It differentiates f twice; `requires_grad_(False)` holds η and τ fixed, and then once is enough: so it has
    to be if f is compiled. The estimator itself, which differentiates on its way, runs outside of compiled graphs.

    Args:
        temperature: τ > 0 to start from.
        scale: η to start from.

    Attributes:
        log_temperature: ln τ, a parameter.
        scale: η, a parameter.

    Raises:
        UsageError: no temperature.

    Example:
        >>> from zador.noise import new_key, uniform
        >>> estimator = Rebar(temperature=0.5)
        >>> logits = torch.zeros(1, 2, requires_grad=True)
        >>> found = estimator(lambda q: (q**2).sum(-1), logits, torch.tensor([[1.0], [3.0]]), uniform(new_key(0), [1, 2]))
        >>> found.loss.sum().backward()
        >>> found.loss.tolist(), estimator.scale.grad is not None
        ([1.0], True)
    """

    def __init__(self, temperature: float = 0.5, scale: float = 1.0) -> None:
        super().__init__()
        self.log_temperature = nn.Parameter(torch.tensor(math.log(as_temperature(temperature, "temperature"))))
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, loss: Callable[[Tensor], Tensor], logits: Tensor, values: Tensor, noise: Tensor) -> Scored:
        """Return the loss with this gradient; see `ScoredEstimator`. f has to be differentiable, twice if η or τ learn.

        Raises:
            DataError: shapes that do not belong together, or a loss without a derivative.
        """
        problem = Problem.of(loss, logits, values, noise, name=type(self).__name__)
        losses = problem.drawn()
        if not torch.is_grad_enabled():
            return problem.result(losses.mean(0))
        learned = [parameter for parameter in self.parameters() if parameter.requires_grad]
        gradient = self._gradient(problem, losses.detach(), learns=bool(learned))
        slopes: list[Tensor] = []
        if learned:
            found = torch.autograd.grad((gradient**2).sum(), learned, allow_unused=True)
            slopes = [torch.zeros_like(p) if s is None else s for p, s in zip(learned, found, strict=True)]
        return problem.result(attached(losses.mean(0), logits, gradient.detach(), learned, slopes))

    def control(self, problem: Problem, z: Tensor) -> Tensor:
        """Return the control variate c(z), of the shape of the losses (M, ...), for z (M, ..., K)."""
        return self.scale * problem.mixed(torch.softmax(z / self.log_temperature.exp(), -1))

    def extra_repr(self) -> str:
        """Return what the printed module says of itself."""
        return f"temperature={self.log_temperature.detach().exp():.3g}, scale={self.scale.detach():.3g}"

    def _gradient(self, problem: Problem, hard: Tensor, *, learns: bool) -> Tensor:
        """Return the estimate (..., K), mean over the draws; with a graph to the parameters if it `learns`."""
        z = problem.z.clone().requires_grad_()
        control = self.control(problem, z)
        if not control.requires_grad:
            raise DataError(
                f"{type(self).__name__}: the loss has no derivative in the vectors that it is given; give it one, "
                "or use ScoreFunction, which needs values only"
            )
        (r,) = torch.autograd.grad(control.sum(), z, create_graph=learns)
        turned = torch.exp(problem.z - problem.z.amax(-1, keepdim=True)) * r
        score = problem.spread(hard - (control if learns else control.detach())) * problem.score
        return (score + turned - problem.p * turned.sum(-1, keepdim=True)).mean(0)
