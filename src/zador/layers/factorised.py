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
from zador.quantizers.codes.residual import reaching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zador.layers.lesson import Lesson
    from zador.layers.space import Rows, Space

__all__ = ["FactorisedBottleneck"]


class FactorisedBottleneck(Bottleneck):
    """`y = Σ_s y_s`, `y_s = out_s(v_s)`, `v_s = estimator(into_s(r_s), c_s)`, `r_{s+1} = r_s - y_s` [kumar2023high].

    A bottleneck for codes that contain `Projected` ones. The estimator is applied behind every map, where codewords are, so
    that a gradient reaches both maps of every stage. It passes the subtraction too: since `out_s(into_s(·))` is no identity,
    the two terms do not cancel as they would in a plain residual code, and the gradient to x is that of `x - r_{S+1}`.
    Losses are those behind the maps: commitment `β Σ_s ||into_s(r_s) - sg c_s||²`, and the codebook's. Values are those of
    `Bottleneck`.

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
        estimator: Estimator | NoisyEstimator = straight_through,
        commitment: float | Weight = 0.25,
        regularisers: Sequence[Regulariser] = (),
    ) -> None:
        if isinstance(estimator, NoisyEstimator):
            raise UsageError(f"estimator={estimator!r}: noise is drawn for whole vectors, not behind maps; pass a plain one")
        super().__init__(quantizer, space, estimator=estimator, commitment=commitment, regularisers=regularisers)
        # β of the last pass, for its repetition: tables that have learnt since may say another one.
        self._last: Tensor | float | None = None

    def _cross(self, rows: Rows, lesson: Lesson) -> tuple[Tensor, Quantized, dict[str, Tensor]]:
        self._recomputation.recognise(rows.x, learns=lesson.learns)
        z = self.quantizer.enter(rows.x)
        crossing = _Crossing(cast("Estimator", self.estimator), self._beta(rows.x), lesson.count, exact=not self.training)
        crossed = crossing.of(self.quantizer, z, rows.valid, lesson)
        batch = Batch(rows.valid, lesson.count, self._step(), lesson.peers)
        with self._recomputation.after_learning():
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

    def _beta(self, like: Tensor) -> Tensor | float:
        if self._recomputation.after_lesson and self._last is not None:
            return self._last
        weight = self._weight(like)
        if not torch.compiler.is_compiling():
            self._last = weight
        return weight


class _Crossed(NamedTuple):
    """What became of vectors in one space: y (N, D) with its gradient, what was selected, and the commitment loss, 0-d."""

    y: Tensor
    quantized: Quantized
    commitment: Tensor


class _Crossing:
    """One pass: an estimator and a weight, for whatever is chosen anywhere in a code of codes."""

    def __init__(
        self, estimator: Callable[[Tensor, Tensor], Tensor], weight: Tensor | float, count: Tensor | int, *, exact: bool
    ) -> None:
        self.estimator, self.weight, self.count, self.exact = estimator, weight, count, exact

    def of(self, code: Code, z: Tensor, valid: Tensor | None, watch: Watch) -> _Crossed:
        """Return what becomes of z (N, D), which has entered the code."""
        if not any(isinstance(part, Projected) for part in code.modules()):
            return self._chosen(code, z, valid, watch)
        if isinstance(code, Projected):
            inner = self.of(code.each, code.inward(z), valid, watch)
            y = code.outward(inner.y, inner.quantized.indices)
            return _together(z, y, [inner], valid)
        if isinstance(code, Residual):
            return self._residual(code, z, valid, watch)
        if isinstance(code, Product):
            parts = zip(cast("list[Code]", list(code.parts)), torch.split(z, code.widths, dim=1), strict=True)
            pieces = [self.of(part, piece.contiguous(), valid, watch) for part, piece in parts]
            return _together(z, torch.cat([piece.y for piece in pieces], dim=1), pieces, valid)
        if isinstance(code, Heads):
            once = Once(watch)
            pieces = [self.of(code.each, piece.contiguous(), valid, once) for piece in torch.split(z, code.each.dim, dim=1)]
            once.tell()
            return _together(z, torch.cat([piece.y for piece in pieces], dim=1), pieces, valid)
        raise UsageError(f"quantizer: no gradient is known that crosses a {type(code).__name__} of projected codes")

    def _chosen(self, code: Code, z: Tensor, valid: Tensor | None, watch: Watch) -> _Crossed:
        found = code.select(z.detach(), valid, watch, exact=self.exact)
        if valid is not None and found.left_over is None:
            found = found._replace(left_over=(z.detach() - found.values).where(valid[:, None], 0.0))
        z, commitment = committed(z, found, self.count, self.weight)
        return _Crossed(self.estimator(z, found.values.to(z.dtype)), found, commitment)

    def _residual(self, code: Residual, z: Tensor, valid: Tensor | None, watch: Watch) -> _Crossed:
        once = Once(watch) if code.repeats > 1 else None
        depths = code.depths(z, watch)
        rest, stages = z, []
        for number, stage in enumerate(cast("list[Code]", list(code.stages) * code.repeats)):
            reached = valid if depths is None else reaching(depths, number, valid)
            stages.append(self.of(stage, rest, reached, once or watch))
            rest = rest - stages[-1].y
        if once is not None:
            once.tell()
        return _together(z, functools.reduce(torch.add, [stage.y for stage in stages]), stages, valid)


def _together(z: Tensor, y: Tensor, parts: list[_Crossed], valid: Tensor | None) -> _Crossed:
    """Return y (N, D) of z as a whole: squared errors where something was chosen, the error on this side."""
    indices = torch.cat([part.quantized.indices for part in parts], dim=1)
    error = ((z - y) ** 2).sum(dim=1).detach()
    error = error if valid is None else error.where(valid, 0.0)
    squared = functools.reduce(torch.add, [part.quantized.squared for part in parts])
    commitment = functools.reduce(torch.add, [part.commitment for part in parts])
    return _Crossed(y, Quantized(indices, y.detach(), None, squared, error), commitment)
