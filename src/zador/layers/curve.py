"""The layer whose codewords are the corners of a curve, on all of which it quantizes while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional

from zador.layers.bottleneck import Bottleneck
from zador.noise import drawn_key, uniform
from zador.quantizers.codes import Asked, Quantized, TabledCode, context_of, masked
from zador.search.traced import traced_nearest

if TYPE_CHECKING:
    from torch import Tensor

    from zador.estimators import NoisyEstimator
    from zador.layers.curve_table import CurveTable
    from zador.layers.lesson import Lesson
    from zador.layers.losses import Weight
    from zador.layers.space import Space
    from zador.quantizers.codes import Pass, Watch

__all__ = ["CurveBottleneck", "CurveCode"]

# Numbers of the streams of λ: after those of tables and of the noise of estimators, however many processes there are.
_STREAMS = 1 << 32


class CurveCode(TabledCode):
    """In training one point on each segment is a candidate, `c_k + λ_k (c_(k+1) - c_k)`, λ_k ~ U(0, 1) [vali2025diveq].

    Every pass draws other points, so that the whole curve is quantized upon, and all of it has to lie where vectors are. The
    index of a training pass is that of the segment, from 0 to K - 2. In evaluation, and to encode, candidates are the K
    codewords themselves.

    Attributes:
        draws: a layer is to count its passes.
    """

    draws = True

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return the nearest codeword of each vector, or in a training pass the nearest of the points on the curve."""
        context = context_of(watch)
        if watch is None or context is None or not self.training:
            return super().select(x, valid, watch, exact=exact)
        watch.before(self.table, x, valid)
        codewords = self.table.look()
        hard = codewords.detach()
        points = torch.lerp(hard[:-1], hard[1:], self.places(context).to(hard.dtype)[:, None])
        indices, squared = traced_nearest(x, points, exact=exact)
        indices, values, squared = masked(valid, indices, functional.embedding(indices, points), squared)
        watch.after(self.table, Asked(x, indices, squared, codewords))
        return Quantized(indices[:, None], values, None, squared, squared)

    def places(self, context: Pass) -> Tensor:
        """Return λ (K - 1,) of a pass, float32 in [0, 1)."""
        seed = cast("CurveTable", self.table).learner.seed
        return uniform(drawn_key(seed, context.draw, _STREAMS + context.rank), [self.table.codebook_size - 1])


class CurveBottleneck(Bottleneck):
    """SF-DiVeQ: `y = (1 - λ) ŷ_a + λ ŷ_b`, ŷ what the estimator makes of both ends of the segment [vali2025diveq].

    Without noise that is the point on the curve; its gradient reaches the vector and both codewords. In evaluation y is the
    nearest codeword. (The authors' package evaluates on the curve, which no index of log2 K bits can name.)

    Args:
        quantizer: the codewords.
        space: which axis, and the projections.
        estimator: `zador.estimators.DiVeQ`, or another that takes noise.
        commitment: β, of the distance to the point on the curve.
    """

    estimator: NoisyEstimator
    quantizer: CurveCode

    def __init__(
        self, quantizer: CurveCode, space: Space, *, estimator: NoisyEstimator, commitment: float | Weight = 0.0
    ) -> None:
        super().__init__(quantizer, space, estimator=estimator, commitment=commitment)

    def _estimate(self, z: Tensor, quantized: Quantized, lesson: Lesson) -> Tensor:
        if not self.training:
            return super()._estimate(z, quantized, lesson)
        segment = quantized.indices[:, 0].clamp(min=0)
        codewords = self.quantizer.table.look()
        place = self.quantizer.places(lesson.context)[segment, None].to(z.dtype)
        key = drawn_key(self.estimator.seed, lesson.context.draw, lesson.context.rank)
        first, second = uniform(key, [2, *z.shape]).unbind()
        ends = (functional.embedding(segment + more, codewords).to(z.dtype) for more in (0, 1))
        start, stop = (self.estimator(z, end, noise) for end, noise in zip(ends, (first, second), strict=True))
        return torch.lerp(start, stop, place)
