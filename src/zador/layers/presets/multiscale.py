"""The layer of visual autoregressive modelling: a map in scales, coarse ones first."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from zador.codebooks import Ema
from zador.errors import UsageError
from zador.estimators import Estimator, straight_through
from zador.layers.bottleneck import Bottleneck
from zador.layers.maps import MapSpace
from zador.layers.presets.options import ProjectedOptions, check_options, layer_of, space_of
from zador.layers.presets.tables import learned_codes
from zador.quantizers.codes import MultiScale
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.codebooks import Learner

__all__ = ["multiscale"]


def multiscale(
    dim: int,
    codebook_size: int,
    scales: Sequence[int | tuple[int, int]],
    *,
    estimator: Estimator = straight_through,
    learner: Learner = Ema(),  # noqa: B008 - frozen
    **options: Unpack[ProjectedOptions],
) -> Bottleneck:
    """Return a multi-scale residual quantizer of maps, with one table for all scales [tian2024visual].

    A map becomes `Σ h_s w_s` indices, the coarse scales first: what a model predicts scale by scale.

    Args:
        dim: D, channels.
        codebook_size: K.
        scales: (h_s, w_s), or one number for squares, growing; the last is the size of the maps.
        estimator: how the gradient crosses.
        learner: how codewords start, move and revive.
        **options: `axis` (1 for (B, D, H, W)), `codebook_dim`, `commitment`, `regularisers`, `on_nonfinite`, `seed`; see
            `zador.layers.ProjectedOptions`. A mask has one boolean for each map.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = multiscale(dim=16, codebook_size=64, scales=(1, 2, 4), axis=1)
        >>> out = layer(torch.zeros(3, 16, 4, 4))
        >>> out.quantized.shape, out.indices.shape
        (torch.Size([3, 16, 4, 4]), torch.Size([3, 21]))
    """
    check_options("multiscale", options, ProjectedOptions)
    width = as_count(options.get("codebook_dim", dim), "codebook_dim")
    sizes = [_as_scale(scale) for scale in scales]
    if not sizes or any(a > c or b > d for (a, b), (c, d) in itertools.pairwise(sizes)):
        raise UsageError(
            f"scales: expected sizes that grow, the last that of the maps, such as (1, 2, 4, 8), got {scales!r}"
        )
    (token,) = learned_codes([codebook_size], [width], learner)
    space = MapSpace(sizes[-1], space_of(dim, width, options))
    return Bottleneck(MultiScale(token, sizes), space, estimator=estimator, **layer_of(options))


def _as_scale(scale: int | tuple[int, int]) -> tuple[int, int]:
    height, width = scale if isinstance(scale, Sequence) else (scale, scale)
    return as_count(height, "scales"), as_count(width, "scales")
