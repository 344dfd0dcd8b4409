"""The layer that draws its codewords: a categorical law over the codebook, relaxed for the gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

from zador.layers.bottleneck import Bottleneck
from zador.layers.losses import mean_over
from zador.noise import uniform
from zador.quantizers.codes import Asked, Product, Quantized, TabledCode, masked
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from zador.estimators import GumbelSoftmax
    from zador.layers.lesson import Lesson
    from zador.layers.space import Rows, Space

__all__ = ["CategoricalBottleneck"]


class CategoricalBottleneck(Bottleneck):
    """In training `k ~ p(k | z) ∝ exp(-||z - c_k||²)` and y is what was drawn; in evaluation it is the nearest codeword.

    The gradient reaches z, and the codewords if they are parameters, through the weights of `GumbelSoftmax`
    [jang2017categorical]. Squared distances are the logits, in nats: a codebook with codewords far apart in that unit draws
    the nearest. The prior loss `w KL(p(· | z) ‖ uniform)`, in bits, keeps choices open. N × K numbers are held.

    Args:
        quantizer: a product of tables, or of one.
        space: which axis, and the projections.
        relaxation: the temperature, and whether values are hard.
        prior: w >= 0.

    Attributes:
        log_scale: (H,) log of the learned factor on the temperature of each table, if the relaxation learns it.
    """

    def __init__(
        self,
        quantizer: Product,
        space: Space,
        *,
        relaxation: GumbelSoftmax,
        prior: float = 5e-4,
    ) -> None:
        super().__init__(quantizer, space, commitment=0.0)
        self.relaxation = relaxation
        self.prior = float(prior)
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
        repeating = self._recomputation.repeating
        number = self.draws - 1 if repeating else self.draws.clone()
        step = self.step - 1 if self._recomputation.after_lesson else self.step
        widths = [code.dim for code in self.codes]
        drawn = [
            self._draw(head, part.contiguous(), rows.valid, (number, step), lesson)
            for head, part in enumerate(torch.split(z, widths, dim=1))
        ]
        quantized = Quantized(
            torch.cat([each.found.indices for each in drawn], dim=1),
            torch.cat([each.found.values for each in drawn], dim=1),
            None,
            *(torch.stack([each.found.squared for each in drawn]).sum(dim=0),) * 2,
        )
        if not repeating:
            self.draws.add_(1)
        divergence = mean_over(torch.stack([each.divergence for each in drawn]).sum(), lesson.count)
        nothing = torch.zeros_like(divergence)
        losses = {"commitment": nothing, "codebook": lesson.codebook_loss(nothing), "prior": self.prior * divergence}
        return torch.cat([each.y for each in drawn], dim=1), quantized, losses

    def _draw(self, head: int, z: Tensor, valid: Tensor | None, at: tuple[Tensor, Tensor], lesson: Lesson) -> _Drawn:
        """Return what is drawn for the vectors z (N, d) of one table, `at` a number of the draw and a step."""
        number, step = at
        table = self.codes[head].table
        lesson.before(table, z.detach(), valid)
        # A copy, since a revival may write into a parameter before the backward pass has used it.
        codewords = table.look().clone()
        wide = torch.promote_types(z.dtype, codewords.dtype)
        z, codewords = z.to(wide), codewords.to(wide)
        logits = 2.0 * z @ codewords.T - (codewords**2).sum(dim=1)
        key = torch.stack([self._tables[head].key[0] + 1, number])
        log_scale = None if self.log_scale is None else self.log_scale[head]
        relaxed = self.relaxation(logits, uniform(key, list(logits.shape)), step, log_scale)
        y = relaxed.weights @ codewords
        values = nn.functional.embedding(relaxed.indices, codewords.detach())
        squared = ((z - values) ** 2).sum(dim=1).detach()
        indices, values, squared, divergence = masked(valid, relaxed.indices, values, squared, _from_uniform(logits))
        lesson.after(table, Asked(z.detach(), indices, squared, codewords))
        return _Drawn(y, Quantized(indices[:, None], values, None, squared, squared), divergence.sum())


class _Drawn(NamedTuple):
    """What became of the vectors of one table.

    Attributes:
        y: (N, d) what the weights make of the codewords, with its gradient.
        found: the codewords drawn.
        divergence: 0-d, `Σ_n KL(p(· | z_n) ‖ uniform)` in bits.
    """

    y: Tensor
    found: Quantized
    divergence: Tensor


def _from_uniform(logits: Tensor) -> Tensor:
    """Return `KL(softmax(logits) ‖ uniform)` in bits, (N,)."""
    log_p = torch.log_softmax(logits, dim=1)
    return math.log2(logits.shape[1]) + (log_p.exp() * log_p).sum(dim=1) / NATS_PER_BIT
