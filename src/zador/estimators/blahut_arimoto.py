"""Soft assignment as the Blahut–Arimoto algorithm has it: codewords that are used often are taken more readily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from zador.errors import UsageError
from zador.estimators.reflections import working_dtype
from zador.estimators.relaxation import Relaxed, tempered
from zador.estimators.soft_assignment import SoftAssignment

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BlahutArimoto"]


@dataclass(frozen=True)
class BlahutArimoto(SoftAssignment):
    """Weights p(k | z) ∝ r_k exp(-β ||z - c_k||²), r_k = E p(k | z) [blahut1972computation, arimoto1972algorithm].

    For codewords at rest and the slope β, the fixed point is the channel of least rate I(z; k) at its distortion: a point of
    the rate–distortion curve of the source with these reproductions. Each pass is one step towards it, r being averaged over
    passes by the layer. β = 1 / τ in nats: to anneal β upwards is a temperature that falls, `Cyclic` ones among them
    [fu2019cyclical]. A codeword that is no longer used has weight 0 for good: start at high temperatures.

    Attributes:
        temperature: τ = 1 / β, a number or a schedule, in the unit of squared distance per nat.
        decay: γ of r ← γ r + (1 - γ) mean_n p(k | z_n), from 0 (each batch for itself) to below 1.
        learnable: whether the layer learns a factor exp(log_scale) on the temperature.
        floor: least temperature that the learned one can reach.

    Raises:
        UsageError: no temperature, a floor that is none, or a decay out of range.

    Example:
        >>> r = torch.tensor([0.9, 0.1])
        >>> weights = BlahutArimoto()(torch.zeros(1, 2), None, torch.tensor(0), marginal=r).weights
        >>> torch.allclose(weights[0], r)
        True
    """

    decay: float = 0.99

    def __post_init__(self) -> None:
        """Refuse a temperature that is none, and a decay out of range."""
        super().__post_init__()
        if not (isinstance(self.decay, int | float) and 0.0 <= self.decay < 1.0):
            raise UsageError(f"decay: expected a number from 0 to below 1, got {self.decay!r}")

    def __call__(
        self,
        logits: Tensor,
        noise: Tensor | None,  # noqa: ARG002 - nothing is drawn
        step: Tensor,
        log_scale: Tensor | None = None,
        *,
        nearest: Tensor | None = None,
        marginal: Tensor | None = None,
    ) -> Relaxed:
        """Return the weights, and the largest logit.

        Args:
            logits: (..., K) `-||z - c_k||²`, up to a constant of z.
            noise: not looked at.
            step: 0-d tensor, counts from 0.
            log_scale: see `Relaxation.temperature_at`.
            nearest: (...) int64, the largest logits, if a search has found them.
            marginal: (K,) r, summing to 1, without gradient; uniform if there is none yet.
        """
        scores = logits.to(working_dtype(logits))
        temperature = self.temperature_at(step, log_scale)
        indices = scores.argmax(-1) if nearest is None else nearest
        if marginal is not None:
            limits = torch.finfo(scores.dtype)
            # What is 0 stays out; its logarithm is only to be finite, at any temperature.
            scores = scores + temperature.to(scores.dtype) * marginal.to(scores.dtype).clamp(min=limits.tiny).log()
            scores = scores.masked_fill(marginal == 0, -float("inf"))
        return Relaxed(tempered(scores, temperature)[0].to(logits.dtype), indices)
