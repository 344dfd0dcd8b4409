"""The layer of codes behind maps: the gradient crosses in each space where something is chosen, and so reaches the maps."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor

from zador.errors import UsageError
from zador.estimators import Estimator, NoisyEstimator, straight_through
from zador.layers.bottleneck import Bottleneck
from zador.layers.losses import Batch, Regulariser, Weight, committed
from zador.quantizers.codes import Code, Heads, Once, Product, Projected, Quantized, Residual, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zador.layers.lesson import Lesson
    from zador.layers.space import Rows, Space

__all__ = ["FactorisedBottleneck"]


class FactorisedBottleneck(Bottleneck):
    """`y = Σ_s y_s`, `y_s = out_s(v_s)`, `v_s = estimator(into_s(r_s), c_s)`, `r_{s+1} = r_s - y_s` [kumar2023high].

    A bottleneck for codes that contain `Projected` ones. The estimator is applied behind every map, where codewords are, so
    that a gradient reaches both maps of every stage. It passes the subtraction too: `out_s(into_s(·))` is no identity as in a
    plain residual code, the two terms do not cancel, and the gradient to x is that of `x - r_{S+1}`. Losses are those behind
    the maps: commitment `β Σ_s ||into_s(r_s) - sg c_s||²`, and the codebook's. Values are those of `Bottleneck`.

    Args:
        quantizer: `Projected` codes, alone or in products, heads and residuals.
        space: which axis, and projections of the whole.
        estimator: (z, q) → y without noise, from `zador.estimators` or your own.
        commitment: β, as in `Bottleneck`.
        regularisers: further losses of the vectors.

    Raises:
        UsageError: an estimator that needs noise.
    """

    def __init__(
        self,
        quantizer: Code,
        space: Space,
        *,
        estimator: Estimator = straight_through,
        commitment: float | Weight = 0.25,
        regularisers: Sequence[Regulariser] = (),
    ) -> None:
        if isinstance(estimator, NoisyEstimator):
            raise UsageError(f"estimator={estimator!r}: noise is drawn for whole vectors, not behind maps; pass a plain one")
        super().__init__(quantizer, space, estimator=estimator, commitment=commitment, regularisers=regularisers)

    def _cross(self, rows: Rows, lesson: Lesson) -> tuple[Tensor, Quantized, dict[str, Tensor]]:
        self._recomputation.recognise(rows.x, learns=lesson.learns)
        z = self.quantizer.enter(rows.x)
        crossing = _Crossing(self.estimator, self._weight(rows.x), lesson.count, rows.valid, exact=not self.training)
        crossed = crossing.of(self.quantizer, z, lesson)
        batch = Batch(rows.valid, lesson.count, self.step, lesson.peers)
        losses = {each.name: each(z, self.quantizer, batch) for each in self.regularisers}
        commitment = crossed.commitment
        return (
            crossed.y,
            crossed.quantized,
            {
                "commitment": commitment,
                "codebook": lesson.codebook_loss(commitment),
                **losses,
            },
        )


class _Crossed(NamedTuple):
    """What became of vectors in one space: y (N, D) with its gradient, what was selected, and the commitment loss, 0-d."""

    y: Tensor
    quantized: Quantized
    commitment: Tensor


class _Crossing:
    """One pass: an estimator and a weight, for whatever is chosen anywhere in a code of codes."""

    def __init__(
        self,
        estimator: Callable[[Tensor, Tensor], Tensor],
        weight: Tensor | float,
        count: Tensor | int,
        valid: Tensor | None,
        *,
        exact: bool,
    ) -> None:
        self.estimator, self.weight, self.count, self.valid, self.exact = estimator, weight, count, valid, exact

    def of(self, code: Code, z: Tensor, watch: Watch) -> _Crossed:
        """Return what becomes of z (N, D), which has entered the code."""
        if not any(isinstance(part, Projected) for part in code.modules()):
            return self._chosen(code, z, watch)
        if isinstance(code, Projected):
            return self._projected(code, z, watch)
        if isinstance(code, Residual):
            return self._residual(code, z, watch)
        if isinstance(code, Product):
            parts = zip(cast("list[Code]", list(code.parts)), torch.split(z, code.widths, dim=1), strict=True)
            return self._side_by_side(z, [self.of(part, piece.contiguous(), watch) for part, piece in parts])
        if isinstance(code, Heads):
            once = Once(watch)
            heads = [self.of(code.each, piece.contiguous(), once) for piece in torch.split(z, code.each.dim, dim=1)]
            once.tell()
            return self._side_by_side(z, heads)
        raise UsageError(f"quantizer: no gradient is known that crosses a {type(code).__name__} of projected codes")

    def _chosen(self, code: Code, z: Tensor, watch: Watch) -> _Crossed:
        found = code.select(z.detach(), self.valid, watch, exact=self.exact)
        if self.valid is not None and found.left_over is None:
            found = found._replace(left_over=(z.detach() - found.values).where(self.valid[:, None], 0.0))
        z, commitment = committed(z, found, self.count, self.weight)
        return _Crossed(self.estimator(z, found.values.to(z.dtype)), found, commitment)

    def _projected(self, code: Projected, z: Tensor, watch: Watch) -> _Crossed:
        inner = self.of(code.each, code.inward(z), watch)
        y = code.outward(inner.y, inner.quantized.indices)
        return inner._replace(y=y, quantized=self._seen(z, y, [inner], inner.quantized.indices))

    def _residual(self, code: Residual, z: Tensor, watch: Watch) -> _Crossed:
        once = Once(watch) if code.repeats > 1 else None
        rest, stages = z, []
        for stage in cast("list[Code]", list(code.stages) * code.repeats):
            stages.append(self.of(stage, rest, once or watch))
            rest = rest - stages[-1].y
        if once is not None:
            once.tell()
        y = functools.reduce(torch.add, [stage.y for stage in stages])
        indices = torch.cat([stage.quantized.indices for stage in stages], dim=1)
        return _Crossed(y, self._seen(z, y, stages, indices), _sum([stage.commitment for stage in stages]))

    def _side_by_side(self, z: Tensor, parts: list[_Crossed]) -> _Crossed:
        y = torch.cat([part.y for part in parts], dim=1)
        indices = torch.cat([part.quantized.indices for part in parts], dim=1)
        return _Crossed(y, self._seen(z, y, parts, indices), _sum([part.commitment for part in parts]))

    def _seen(self, z: Tensor, y: Tensor, parts: list[_Crossed], indices: Tensor) -> Quantized:
        """Return the record of what was selected: squared errors where it was chosen, the error on this side."""
        error = ((z - y) ** 2).sum(dim=1).detach()
        error = error if self.valid is None else error.where(self.valid, 0.0)
        return Quantized(indices, y.detach(), None, _sum([part.quantized.squared for part in parts]), error)


def _sum(terms: list[Tensor]) -> Tensor:
    return functools.reduce(torch.add, terms)
