"""Layers in stages: each quantizes what the ones before it left over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from zador.codebooks import Ema
from zador.errors import UsageError
from zador.estimators import Estimator, straight_through
from zador.layers.assignment import Nearest
from zador.layers.bottleneck import Bottleneck
from zador.layers.presets.options import CodebookOptions, check_options, layer_of, space_of
from zador.layers.presets.tables import learned_codes
from zador.quantizers.codes import Product, Residual
from zador.validation import as_count, as_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.codebooks import Learner
    from zador.quantizers.codes import QuantizerDropout

__all__ = ["ResidualOptions", "grvq", "rvq"]


class ResidualOptions(CodebookOptions, total=False):
    """Options of layers in stages.

    Attributes:
        dropout: how many stages each sample goes through in training, `QuantizerDropout()`; by default all.
        shared_codebook: one table for all stages.
    """

    dropout: QuantizerDropout | None
    shared_codebook: bool


def rvq(
    dim: int,
    codebook_size: int | Sequence[int],
    stages: int,
    *,
    estimator: Estimator = straight_through,
    learner: Learner | Sequence[Learner] = Ema(),  # noqa: B008 - frozen
    **options: Unpack[ResidualOptions],
) -> Bottleneck:
    """Return a residual quantizer: `r_1 = z`, `r_{s+1} = r_s - q_s`, `q = Σ q_s` [zeghidour2022soundstream].

    The estimator is applied once, to the sum; stages subtract hard values, so that the commitment of every stage reaches the
    encoder. In many code bases it does not: there each stage subtracts the output of an estimator, whose gradient is that of
    its input, and the two cancel.

    Args:
        dim: D.
        codebook_size: K, or one for each stage.
        stages: S.
        estimator: how the gradient crosses.
        learner: how codewords start, move and revive; one for all stages, or one each.
        **options: `axis`, `codebook_dim`, `shared_codebook`, `assignment`, `dropout`, `commitment`, `regularisers`,
            `on_nonfinite`, `seed`; see `zador.layers.ResidualOptions`.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = rvq(dim=8, codebook_size=64, stages=4)
        >>> layer(torch.zeros(2, 50, 8)).indices.shape, layer.bits
        (torch.Size([2, 50, 4]), 24.0)
    """
    check_options("rvq", options, ResidualOptions)
    width = as_count(options.get("codebook_dim", dim), "codebook_dim")
    code = _stages(codebook_size, stages, width, learner, options)
    return Bottleneck(code, space_of(dim, width, options), estimator=estimator, **layer_of(options))


def grvq(
    dim: int,
    codebook_size: int | Sequence[int],
    stages: int,
    groups: int,
    *,
    estimator: Estimator = straight_through,
    learner: Learner | Sequence[Learner] = Ema(),  # noqa: B008 - frozen
    **options: Unpack[ResidualOptions],
) -> Bottleneck:
    """Return a grouped residual quantizer: G parts of a vector, each quantized in S stages [yang2023hifi].

    Streams are those of the first part, then of the second, …: (…, G·S).

    Args:
        dim: D, or `codebook_dim`, a multiple of `groups`.
        codebook_size: K, or one for each stage.
        stages: S.
        groups: G.
        estimator: how the gradient crosses.
        learner: how codewords start, move and revive.
        **options: as for `rvq`; `shared_codebook` is one table for all stages of a group.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> grvq(dim=8, codebook_size=16, stages=3, groups=2)(torch.zeros(5, 8)).indices.shape
        torch.Size([5, 6])
    """
    check_options("grvq", options, ResidualOptions)
    width = as_count(options.get("codebook_dim", dim), "codebook_dim")
    if width % as_count(groups, "groups"):
        raise UsageError(f"groups: {width} coordinates cannot be shared out to {groups} groups; pass codebook_dim")
    parts = [
        _stages(codebook_size, stages, width // groups, learner, options, first=group * stages) for group in range(groups)
    ]
    return Bottleneck(Product(parts), space_of(dim, width, options), estimator=estimator, **layer_of(options))


def _stages(
    codebook_size: int | Sequence[int],
    stages: int,
    width: int,
    learner: Learner | Sequence[Learner],
    options: ResidualOptions,
    *,
    first: int = 0,
) -> Residual:
    sizes = as_counts(codebook_size, "codebook_size", as_count(stages, "stages"))
    assignment, dropout = options.get("assignment", Nearest()), options.get("dropout")
    if not options.get("shared_codebook", False):
        codes = learned_codes(sizes, [width] * stages, learner, assignment=assignment, first=first)
        return Residual(codes, dropout=dropout)
    if len(set(sizes)) > 1:
        raise UsageError(f"shared_codebook: the stages are to have one codebook, but codebook_size is {codebook_size}")
    codes = learned_codes(sizes[:1], [width], learner, assignment=assignment, first=first)
    return Residual(codes, repeats=stages, dropout=dropout)
