"""The layer that weighs all its codewords: a categorical law over the codebook, relaxed for the gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

from zador.layers.bottleneck import Bottleneck
from zador.layers.losses import committed, mean_over
from zador.noise import drawn_key, uniform
from zador.quantizers.codes import Asked, Product, Quantized, TabledCode, masked
from zador.search.traced import traced_nearest
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from zador.estimators import Relaxation, Relaxed
    from zador.layers.lesson import Lesson
    from zador.layers.losses import Weight
    from zador.layers.space import Rows, Space
    from zador.layers.table import LearnedTable

__all__ = ["CategoricalBottleneck", "Weighing"]


class Weighing(NamedTuple):
    """What a relaxation is asked for the vectors of one table.

    Attributes:
        head: which table.
        z: (N, d) the vectors.
        logits: (N, K) `-||z - c_k||²` but for `||z||²`, in nats.
        valid: (N,) which vectors count; None for all.
        nearest: (N,) certified indices, unless the relaxation draws.
        step: 0-d, batches that the layer has learnt from.
    """

    head: int
    z: Tensor
    logits: Tensor
    valid: Tensor | None
    nearest: Tensor | None
    step: Tensor


class CategoricalBottleneck(Bottleneck):
    """In training `k ~ p(k | z) ∝ exp(-||z - c_k||²)` and y is what was drawn; in evaluation it is the nearest codeword.

    What draws, or takes the nearest, or mixes, is the relaxation, and through its weights the gradient reaches z, and the
    codewords if they are parameters [jang2017categorical]. Squared distances are the logits, in nats: a codebook with
    codewords far apart in that unit draws the nearest. The prior loss `w KL(p(· | z) ‖ uniform)`, in bits, keeps choices
    open; p is at the temperature of the relaxation, unless that draws. N × K numbers are held.

    Args:
        quantizer: a product of tables, or of one.
        space: which axis, and the projections.
        relaxation: from `zador.estimators`: how it chooses, and the temperature.
        prior: w >= 0.
        commitment: β, weight of `||z - sg q||²`, q the codeword chosen: a number, or a `Weight`.

    Attributes:
        log_scale: (H,) log of the learned factor on the temperature of each table, if the relaxation learns it.
    """

    def __init__(
        self,
        quantizer: Product,
        space: Space,
        *,
        relaxation: Relaxation,
        prior: float = 5e-4,
        commitment: float | Weight = 0.0,
    ) -> None:
        super().__init__(quantizer, space, commitment=commitment)
        self.relaxation = relaxation
        self.prior = float(prior)
        self._draws = True
        self.codes = list(cast("list[TabledCode]", quantizer.parts))
        self.log_scale = nn.Parameter(torch.zeros(len(self.codes))) if relaxation.learnable else None

    def extra_repr(self) -> str:
        """Return what the printed module says of itself."""
        return f"bits={self.bits:g}, relaxation={self.relaxation!r}, prior={self.prior:g}"

    def _cross(self, rows: Rows, lesson: Lesson) -> tuple[Tensor, Quantized, dict[str, Tensor]]:
        if not self.training:
            return super()._cross(rows, lesson)
        self._recomputation.recognise(rows.x, learns=lesson.learns)
        z = self.quantizer.enter(rows.x)
        widths = [code.dim for code in self.codes]
        drawn = [
            self._draw(head, part.contiguous(), rows.valid, lesson)
            for head, part in enumerate(torch.split(z, widths, dim=1))
        ]
        values = torch.cat([each.found.values for each in drawn], dim=1)
        quantized = Quantized(
            torch.cat([each.found.indices for each in drawn], dim=1),
            values,
            None if rows.valid is None else (z.detach() - values).where(rows.valid[:, None], 0.0),
            *(torch.stack([each.found.squared for each in drawn]).sum(dim=0),) * 2,
        )
        _, commitment = committed(z, quantized, lesson.count, self._weight(quantized.squared))
        divergence = mean_over(torch.stack([each.divergence for each in drawn]).sum(), lesson.count)
        losses = {
            "commitment": commitment,
            "codebook": lesson.codebook_loss(commitment),
            "prior": self.prior * divergence,
        }
        return torch.cat([each.y for each in drawn], dim=1), quantized, losses

    def _draw(self, head: int, z: Tensor, valid: Tensor | None, lesson: Lesson) -> _Drawn:
        """Return what becomes of the vectors z (N, d) of one table."""
        table = self.codes[head].table
        lesson.before(table, z.detach(), valid)
        # A copy, since a revival may write into a parameter before the backward pass has used it.
        codewords = table.look().clone()
        wide = torch.promote_types(z.dtype, codewords.dtype)
        z, codewords = z.to(wide), codewords.to(wide)
        logits = 2.0 * z @ codewords.T - (codewords**2).sum(dim=1)
        nearest = None if self.relaxation.draws else traced_nearest(z.detach(), codewords.detach(), exact=True)[0]
        relaxed, divergence = self._weigh(Weighing(head, z, logits, valid, nearest, self._step()), lesson)
        y = relaxed.weights @ codewords
        values = nn.functional.embedding(relaxed.indices, codewords.detach())
        squared = ((z - values) ** 2).sum(dim=1).detach()
        indices, values, squared, divergence = masked(valid, relaxed.indices, values, squared, divergence)
        lesson.after(table, Asked(z.detach(), indices, squared, codewords))
        return _Drawn(y, Quantized(indices[:, None], values, None, squared, squared), divergence.sum())

    def _weigh(self, asked: Weighing, lesson: Lesson) -> tuple[Relaxed, Tensor]:
        """Return weights and indices, and the divergence (N,) from the prior, in bits."""
        log_scale = self._log_scale(asked.head)
        if self.relaxation.draws:
            noise = uniform(self._key(asked.head, lesson), list(asked.logits.shape))
            return self.relaxation(asked.logits, noise, asked.step, log_scale), _from_uniform(asked.logits)
        relaxed = self.relaxation(asked.logits, None, asked.step, log_scale, nearest=asked.nearest)
        return relaxed, _from_uniform(asked.logits / self.relaxation.temperature_at(asked.step, log_scale))

    def _log_scale(self, head: int) -> Tensor | None:
        return None if self.log_scale is None else self.log_scale[head]

    def _key(self, head: int, lesson: Lesson) -> Tensor:
        # The tables of the layer have the first streams of this seed; every process has others after those.
        seed = cast("LearnedTable", self.codes[head].table).learner.seed
        return drawn_key(seed, lesson.context.draw, (lesson.context.rank + 1) * len(self.codes) + head)


class _Drawn(NamedTuple):
    """What became of the vectors of one table.

    Attributes:
        y: (N, d) what the weights make of the codewords, with its gradient.
        found: the codewords chosen.
        divergence: 0-d, `Σ_n KL(p(· | z_n) ‖ prior)` in bits.
    """

    y: Tensor
    found: Quantized
    divergence: Tensor


def _from_uniform(logits: Tensor) -> Tensor:
    """Return `KL(softmax(logits) ‖ uniform)` in bits, (N,)."""
    log_p = torch.log_softmax(logits, dim=1)
    return math.log2(logits.shape[1]) + (log_p.exp() * log_p).sum(dim=1) / NATS_PER_BIT
