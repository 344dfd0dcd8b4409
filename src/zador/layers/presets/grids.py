"""Layers without a codebook to learn: the indices of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from zador.errors import UsageError
from zador.estimators import Estimator, straight_through
from zador.layers.bottleneck import Bottleneck
from zador.layers.entropy import Entropy
from zador.layers.presets.options import LayerOptions, check_options, layer_of, space_of
from zador.layers.sign_entropy import SignEntropy
from zador.layers.tally import Tally
from zador.quantizers.codes import Code, Grid, GridCode, Heads, Residual
from zador.quantizers.finite_scalar import FiniteScalar
from zador.quantizers.lookup_free import LookupFree
from zador.validation import as_count

__all__ = ["GridOptions", "bsq", "fsq", "lfq", "rfsq"]

# Usage is counted for alphabets up to this size; 12 bytes a code.
_COUNTED = 1 << 20


class GridOptions(LayerOptions, total=False):
    """Options of layers on a grid.

    Attributes:
        heads: H grids side by side; H indices a vector.
    """

    heads: int


def fsq(
    levels: Sequence[int],
    dim: int | None = None,
    *,
    estimator: Estimator = straight_through,
    symmetric: bool = False,
    **options: Unpack[GridOptions],
) -> Bottleneck:
    """Return a finite scalar quantizer: every coordinate is squashed and rounded to L_i levels [mentzer2023finite].

    Nothing is learned but the projections, and nothing can collapse; `Π L_i` codes, exact up to 2^63 - 1.

    Args:
        levels: L_i, one for each coordinate of a head, such as (8, 5, 5, 5) for 1000 codes.
        dim: D, coordinates of the network's vectors; as many as levels (times heads) by default, otherwise with projections.
        estimator: how the gradient crosses the rounding; it passes the squashing by itself.
        symmetric: levels from -1 to 1 also where their number is even; see `FiniteScalar`.
        **options: `axis`, `heads`, `commitment` (0 by default), `regularisers`, `on_nonfinite`, `seed`; see
            `zador.layers.GridOptions`.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = fsq((8, 5, 5, 5), dim=64)
        >>> layer(torch.zeros(2, 10, 64)).indices.shape, layer.sizes
        (torch.Size([2, 10]), (1000,))
    """
    check_options("fsq", options, GridOptions)
    return _on_grid(FiniteScalar(_as_levels(levels), symmetric=symmetric), dim, estimator, options)


def rfsq(
    levels: Sequence[int],
    stages: int,
    dim: int | None = None,
    *,
    estimator: Estimator = straight_through,
    **options: Unpack[GridOptions],
) -> Bottleneck:
    """Return a residual finite scalar quantizer: each stage spans half a step of the one before, with symmetric levels.

    Args:
        levels: L_i >= 3, one for each coordinate, the same in every stage.
        stages: S indices a vector.
        dim: D, as for `fsq`.
        estimator: how the gradient crosses.
        **options: as for `fsq`.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> rfsq((5, 5, 5), stages=3, dim=16)(torch.zeros(7, 16)).indices.shape
        torch.Size([7, 3])
    """
    check_options("rfsq", options, GridOptions)
    grids = FiniteScalar(_as_levels(levels), symmetric=True).stages(stages)
    return _bottleneck(Residual([_code(grid) for grid in grids]), dim, estimator, options)


def lfq(
    dim: int,
    codebook_size: int | None = None,
    *,
    entropy: Entropy | None = Entropy(),  # noqa: B008 - frozen
    estimator: Estimator = straight_through,
    **options: Unpack[GridOptions],
) -> Bottleneck:
    """Return a lookup-free quantizer: the signs of the coordinates [yu2023language].

    Args:
        dim: D, coordinates of the network's vectors.
        codebook_size: K = 2^d, with projections unless d (times heads) is D; 2^D by default.
        entropy: the loss that makes single choices sure and all choices even; None for none.
        estimator: how the gradient crosses.
        **options: `axis`, `heads`, `commitment`, `regularisers`, `on_nonfinite`, `seed`; see `zador.layers.GridOptions`.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = lfq(dim=64, codebook_size=2**10)
        >>> layer(torch.zeros(2, 10, 64)).indices.shape, layer.bits
        (torch.Size([2, 10]), 10.0)
    """
    check_options("lfq", options, GridOptions)
    return _signs(dim, codebook_size, entropy, estimator, options, spherical=False)


def bsq(
    dim: int,
    codebook_size: int | None = None,
    *,
    entropy: Entropy | None = Entropy(group=1),  # noqa: B008 - frozen
    estimator: Estimator = straight_through,
    **options: Unpack[GridOptions],
) -> Bottleneck:
    """Return a binary spherical quantizer: signs of vectors of length 1, values ±1/√d [zhao2024image].

    Args:
        dim: D, coordinates of the network's vectors.
        codebook_size: K = 2^d, with projections unless d (times heads) is D; 2^D by default.
        entropy: as for `lfq`; by default bit by bit, as in the paper, whose cost does not grow with K.
        estimator: how the gradient crosses.
        **options: as for `lfq`.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = bsq(dim=64, codebook_size=2**18)
        >>> out = layer(torch.zeros(2, 10, 64))
        >>> layer.bits, bool(out.loss.isfinite())
        (18.0, True)
    """
    check_options("bsq", options, GridOptions)
    return _signs(dim, codebook_size, entropy, estimator, options, spherical=True)


def _signs(
    dim: int,
    codebook_size: int | None,
    entropy: Entropy | None,
    estimator: Estimator,
    options: GridOptions,
    *,
    spherical: bool,
) -> Bottleneck:
    size = 2 ** (as_count(dim, "dim") // options.get("heads", 1)) if codebook_size is None else codebook_size
    if as_count(size, "codebook_size", least=2) & (size - 1):
        raise UsageError(f"codebook_size: expected a power of 2, one sign a bit, got {size}")
    signs = LookupFree(size.bit_length() - 1, spherical=spherical)
    if entropy is not None:
        options = {**options, "regularisers": (SignEntropy(entropy, signs), *options.get("regularisers", ()))}
    return _on_grid(signs, dim, estimator, {"commitment": 0.25, **options})


def _on_grid(grid: Grid, dim: int | None, estimator: Estimator, options: GridOptions) -> Bottleneck:
    heads = as_count(options.get("heads", 1), "heads")
    return _bottleneck(_code(grid) if heads == 1 else Heads(_code(grid), heads), dim, estimator, options)


def _bottleneck(code: Code, dim: int | None, estimator: Estimator, options: GridOptions) -> Bottleneck:
    space = space_of(code.dim if dim is None else dim, code.dim, options)
    return Bottleneck(code, space, estimator=estimator, **{"commitment": 0.0, **layer_of(options)})


def _code(grid: Grid) -> GridCode:
    return GridCode(grid, Tally(grid.sizes[0]) if grid.sizes[0] <= _COUNTED else None)


def _as_levels(levels: Sequence[int]) -> Sequence[int]:
    if not isinstance(levels, Sequence):
        raise UsageError(f"levels: expected the levels of each coordinate, such as (8, 5, 5, 5), got {levels!r}")
    return levels
