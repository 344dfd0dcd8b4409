"""The loss of a model where a layer draws its codewords, with the gradient of an estimator that needs the loss itself."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from zador.errors import DataError, UsageError
from zador.estimators import BlahutArimoto, Relaxed, ScoredEstimator, ScoreFunction, leave_one_out
from zador.estimators.scored.problem import perturbed
from zador.layers.categorical import CategoricalBottleneck
from zador.layers.losses import mean_over
from zador.noise import uniform
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zador.layers.record import LayerOutput
    from zador.layers.space import Rows
    from zador.quantizers.codes import Table

__all__ = ["expected_loss"]


def expected_loss(
    layer: CategoricalBottleneck,
    x: Tensor,
    loss: Callable[[Tensor], Tensor],
    *,
    estimator: ScoredEstimator = ScoreFunction(leave_one_out),  # noqa: B008 - frozen
    draws: int = 2,
    mask: Tensor | None = None,
    lengths: Tensor | None = None,
) -> LayerOutput:
    """Return what `layer` makes of x, with `E_{k ~ p(k | x)} loss(c_k)` in `out.loss` [williams1992simple].

    In training codewords are drawn as the layer draws them, with its key; x gets the gradient of the estimator, through the
    logits; codewords get the same through theirs, and the ordinary one where they were drawn. Everything that `loss` is made
    of (a decoder) gets the ordinary gradient, mean over the draws. In evaluation the nearest codewords are judged.

        out = expected_loss(layer, encoder(x), lambda q: (decoder(q) - x).square().flatten(1).sum(1))
        out.loss.backward()

    Args:
        layer: from `zador.gumbel_vq` or `zador.categorical_vq`; how it relaxes its choice plays no part here, it draws.
        x: as the layer takes it.
        loss: from vectors of the shape of x to one loss for each vector, or for each sample (of a shape that the vectors'
            begins with): never their mean over the batch. A `mask` leaves out of the mean what `loss` says of masked
            vectors; a loss for each sample has to leave them out itself.
        estimator: `ScoreFunction`, `Rebar`, `Relax`, or a `ScoredEstimator` of your own.
        draws: M codewords of each vector; `loss` is asked for each.
        mask: as the layer takes it.
        lengths: as the layer takes it.

    Returns:
        What the layer returns. `quantized` is the first draw, without a gradient to x; `loss` holds the layer's own losses
        and this one, which stands in `info.other["expected"]` too.

    Raises:
        UsageError: another kind of layer, or no draw.
        DataError: a loss of another shape.

    Example:
        >>> import zador
        >>> layer = zador.gumbel_vq(dim=2, codebook_size=4)
        >>> x = torch.randn(8, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
        >>> out = expected_loss(layer, x, lambda q: (q - x.detach()).square().sum(-1))
        >>> out.loss.backward()
        >>> x.grad.shape, out.indices.shape
        (torch.Size([8, 2]), torch.Size([8]))
    """
    if not isinstance(layer, CategoricalBottleneck) or isinstance(layer.relaxation, BlahutArimoto):
        raise UsageError(
            "expected_loss: expected a layer that can draw its codewords, from zador.gumbel_vq or zador.categorical_vq, "
            f"with any estimator but BlahutArimoto, got {type(layer).__name__}"
        )
    count = as_count(draws, "draws")
    rows = layer.space.enter(x, mask, lengths)
    if not layer.training:
        out = layer(x, mask, lengths)
        return _joined(out, _mean(_unmasked(loss(out.quantized), rows), rows))
    capture = _Capture([code.table for code in layer.codes], count)
    drawing = copy.copy(layer)  # the same tables, buffers and counts, with another way to draw
    drawing.relaxation = capture  # type: ignore[assignment]
    out = drawing(x, mask, lengths)
    logits, codewords = torch.stack(capture.logits, dim=1), torch.stack(capture.codewords)
    if rows.valid is not None:
        logits = logits.where(rows.valid[:, None, None], logits.detach())
    wide = (*rows.lead, *logits.shape[1:])

    def asked(vectors: Tensor) -> Tensor:
        return _unmasked(loss(layer.space.leave(vectors.reshape(rows.x.shape), rows)), rows)

    noise = torch.stack(capture.noise, dim=2).view(count, *wide)
    scored = estimator(asked, logits.view(wide), codewords.to(logits.dtype), noise)
    return _joined(out, _mean(scored.loss, rows))


class _Capture:
    """A relaxation that draws a codeword without a gradient, and keeps what it was asked.

    Attributes:
        logits: (N, K) of each table.
        codewords: (K, d) of each table, when it was asked: afterwards it may learn.
        noise: (M, N, K) of each table.
    """

    learnable = False
    draws = True

    def __init__(self, tables: Sequence[Table], count: int) -> None:
        self.tables, self.count = tables, count
        self.logits: list[Tensor] = []
        self.codewords: list[Tensor] = []
        self.noise: list[Tensor] = []

    def __call__(self, logits: Tensor, noise: Tensor, step: Tensor, log_scale: Tensor | None = None) -> Relaxed:
        """Return the draw; see `GumbelSoftmax`."""
        del step, log_scale
        table = self.tables[len(self.logits)]
        # Noise comes in multiples of 2^-24, so this is a whole number: other for every draw, table and process, and the same
        # wherever the layer's own draw is repeated.
        seed = (noise.sum(dtype=torch.float64) * 2.0**24).to(torch.int64)
        keys = [torch.stack([seed, torch.full_like(seed, draw)]) for draw in range(1, self.count)]
        self.logits.append(logits)
        self.codewords.append(table.look().clone())
        self.noise.append(torch.stack([noise, *(uniform(key, list(noise.shape)) for key in keys)]))
        indices = perturbed(logits.detach(), noise).argmax(-1)
        return Relaxed(functional.one_hot(indices, logits.shape[-1]).to(logits.dtype), indices)


def _unmasked(losses: Tensor, rows: Rows) -> Tensor:
    """Return the losses, 0 for vectors that are masked."""
    if not isinstance(losses, Tensor) or losses.shape != rows.lead[: losses.ndim]:
        got = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise DataError(
            f"loss: expected one for each vector, {rows.lead}, or for each sample, {rows.lead[:1]}, got {got}; do not take "
            "the mean over the batch, but over all else"
        )
    by_vector = rows.valid is not None and losses.shape == rows.lead
    return losses.where(rows.valid.view(rows.lead), 0.0) if by_vector and rows.valid is not None else losses


def _mean(losses: Tensor, rows: Rows) -> Tensor:
    by_vector = rows.valid is not None and losses.shape == rows.lead
    return mean_over(losses.sum(), rows.valid.sum() if by_vector and rows.valid is not None else losses.numel())


def _joined(out: LayerOutput, expected: Tensor) -> LayerOutput:
    other = {**out.info.other, "expected": expected.detach()}
    return out._replace(loss=out.loss + expected, info=out.info._replace(other=other))
