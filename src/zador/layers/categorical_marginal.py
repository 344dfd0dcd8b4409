"""Soft assignment with the marginal of the Blahut–Arimoto algorithm, kept over the passes of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from zador.layers.categorical import CategoricalBottleneck, Weighing
from zador.layers.losses import mean_over
from zador.layers.tally import kept_wide
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.estimators import BlahutArimoto, Relaxed
    from zador.layers.lesson import Lesson
    from zador.layers.losses import Weight
    from zador.layers.record import Info
    from zador.layers.space import Rows, Space
    from zador.quantizers.codes import Product, Quantized

__all__ = ["BlahutArimotoBottleneck", "Marginal"]


class Marginal(nn.Module):
    """r_k = E p(k | z), averaged over batches, and what the channel p(k | z) was in the last of them.

    Attributes:
        shares: (K,) float32 r, summing to 1; uniform at first.
        rate: 0-d, `E KL(p(· | z) ‖ r)` in bits per vector, r as it was before the batch.
        distortion: 0-d, `E Σ_k p(k | z) ||z - c_k||²`, summed over coordinates.
    """

    shares: Tensor
    rate: Tensor
    distortion: Tensor

    def __init__(self, codebook_size: int) -> None:
        super().__init__()
        self.register_buffer("shares", torch.full((codebook_size,), 1.0 / codebook_size))
        self.register_buffer("rate", torch.zeros(()))
        self.register_buffer("distortion", torch.zeros(()))
        # What the last pass saw, for a repetition of that pass.
        self._before: Tensor | None = None

    def seen(self, *, before: bool) -> Tensor:
        """Return r, or what it was `before` the last batch."""
        return self._before if before and self._before is not None else self.shares.clone()

    @torch.no_grad()
    def learn(self, asked: Weighing, weights: Tensor, rate: Tensor, decay: float, lesson: Lesson) -> None:
        """Take in a batch, together with those of all other processes.

        Args:
            asked: the batch.
            weights: (N, K) p(k | z_n).
            rate: (N,) `KL(p(· | z_n) ‖ r)` in bits.
            decay: γ.
            lesson: the pass.
        """
        if not torch.compiler.is_compiling():
            self._before = self.shares.clone()
        squared = (asked.z**2).sum(dim=1) - (weights * asked.logits).sum(dim=1)
        rows = torch.cat([weights, rate[:, None], squared[:, None]], dim=1)
        if asked.valid is not None:
            rows = rows.where(asked.valid[:, None], 0.0)
        sums = rows.sum(dim=0).to(self.shares.dtype)
        means = mean_over(lesson.peers.sum(sums), lesson.vectors)
        somebody = torch.as_tensor(lesson.vectors, device=sums.device) > 0
        shares = decay * self.shares + (1.0 - decay) * means[:-2]
        for buffer, value in ((self.shares, shares), (self.rate, means[-2]), (self.distortion, means[-1])):
            buffer.copy_(torch.where(somebody, value, buffer))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Marginal:  # noqa: FBT001, FBT002 - torch's
        """Follow a model to another device, or to float64, but never to a type in which averages stall."""
        self._before = None
        super()._apply(kept_wide(fn), recurse)  # type: ignore[no-untyped-call]
        return self


class BlahutArimotoBottleneck(CategoricalBottleneck):
    """In training y is the mean of the codewords under `p(k | z) ∝ r_k exp(-β ||z - c_k||²)`; in evaluation the nearest.

    The prior loss is `w E KL(p(· | z) ‖ r)`, the rate: with w = τ ln 2 and squared error as the loss of the model, their sum
    is the Lagrangian of the rate–distortion curve. In training `info.other` holds `rate` (bits per vector) and
    `soft_distortion` too, sums over the tables as of the last pass that taught; they are no part of the loss.

    Args:
        quantizer: a product of tables, or of one.
        space: which axis, and the projections.
        relaxation: the temperature 1 / β, and how long r is averaged.
        prior: w >= 0.
        commitment: β of the commitment loss.

    Attributes:
        marginals: a `Marginal` for each table.
    """

    relaxation: BlahutArimoto

    def __init__(
        self,
        quantizer: Product,
        space: Space,
        *,
        relaxation: BlahutArimoto,
        prior: float = 0.0,
        commitment: float | Weight = 0.0,
    ) -> None:
        super().__init__(quantizer, space, relaxation=relaxation, prior=prior, commitment=commitment)
        self.marginals = nn.ModuleList([Marginal(size) for size in self.sizes])

    def _weigh(self, asked: Weighing, lesson: Lesson) -> tuple[Relaxed, Tensor]:
        marginal = self._marginals()[asked.head]
        shares = marginal.seen(before=self._recomputation.after_lesson)
        log_scale = self._log_scale(asked.head)
        relaxed = self.relaxation(asked.logits, None, asked.step, log_scale, nearest=asked.nearest, marginal=shares)
        weights = relaxed.weights
        tiny = torch.finfo(weights.dtype).tiny
        nats = (weights * (weights.clamp(min=tiny).log() - shares.to(weights.dtype).clamp(min=tiny).log())).sum(dim=1)
        rate = nats / NATS_PER_BIT
        if lesson.learns:
            marginal.learn(asked, weights, rate, self.relaxation.decay, lesson)
        return relaxed, rate

    def _info(self, losses: dict[str, Tensor], quantized: Quantized, lesson: Lesson, rows: Rows) -> Info:
        info = super()._info(losses, quantized, lesson, rows)
        if not self.training:
            return info
        measured = {
            "rate": torch.stack([each.rate for each in self._marginals()]).sum(),
            "soft_distortion": torch.stack([each.distortion for each in self._marginals()]).sum(),
        }
        return info._replace(other={**info.other, **measured})

    def _marginals(self) -> list[Marginal]:
        return cast("list[Marginal]", list(self.marginals))
