"""Layers with one codeword a vector, or one a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from zador.codebooks import Ema
from zador.errors import UsageError
from zador.estimators import Estimator, straight_through
from zador.layers.assignment import Nearest
from zador.layers.bottleneck import Bottleneck
from zador.layers.presets.options import CodebookOptions, TableOptions, check_options, layer_of, space_of
from zador.layers.presets.tables import head_dim, learned_codes, with_heads
from zador.quantizers.codes import Product
from zador.validation import as_count, as_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.codebooks import Learner

__all__ = ["pq", "vq"]


def vq(
    dim: int,
    codebook_size: int | Sequence[int],
    *,
    estimator: Estimator = straight_through,
    learner: Learner | Sequence[Learner] = Ema(),  # noqa: B008 - frozen
    **options: Unpack[TableOptions],
) -> Bottleneck:
    """Return a vector quantizer: `i = argmin_k ||z - c_k||²`, `q = c_i` [oord2017neural].

    Codewords start from k-means++ on the first vectors of training, follow the means of their members, and those that
    nobody chooses are moved to where the error is; all of that is the learner's, and can be changed there.

    Args:
        dim: D, coordinates of the network's vectors.
        codebook_size: K, or one for each head.
        estimator: how the gradient crosses, from `zador.estimators`.
        learner: how codewords start, move and revive, from `zador.codebooks`: `Ema()`, `Gradient()`, `OnlineKMeans()`, …;
            one for all heads, or one each.
        **options: `axis`, `heads`, `shared_codebook`, `codebook_dim`, `cosine`, `assignment`, `commitment`,
            `regularisers`, `on_nonfinite`, `seed`; see `zador.layers.TableOptions`.

    Returns:
        A layer: `layer(x)` gives `LayerOutput`, `layer.encode(x)` indices, `layer.decode(indices)` vectors.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = vq(dim=8, codebook_size=16)
        >>> out = layer(torch.randn(4, 100, 8, generator=torch.Generator().manual_seed(0)))
        >>> out.quantized.shape, out.indices.shape, layer.bits
        (torch.Size([4, 100, 8]), torch.Size([4, 100]), 4.0)
    """
    check_options("vq", options, TableOptions)
    heads = as_count(options.get("heads", 1), "heads")
    width = head_dim(dim, heads, options.get("codebook_dim"))
    tables = 1 if options.get("shared_codebook", False) else heads
    sizes = as_counts(codebook_size, "codebook_size", tables)
    assignment = options.get("assignment", Nearest())
    codes = learned_codes(sizes, [width] * tables, learner, assignment=assignment, cosine=options.get("cosine", False))
    space = space_of(dim, heads * width, options)
    return Bottleneck(with_heads(codes, heads), space, estimator=estimator, **layer_of(options))


def pq(
    dim: int,
    codebook_size: int | Sequence[int],
    parts: int,
    *,
    estimator: Estimator = straight_through,
    learner: Learner | Sequence[Learner] = Ema(),  # noqa: B008 - frozen
    **options: Unpack[CodebookOptions],
) -> Bottleneck:
    """Return a product quantizer: P parts of a vector, a codebook each: K^P codewords for P·K [jegou2011product].

    Args:
        dim: D; parts are runs of coordinates whose lengths differ by at most 1.
        codebook_size: K, or one for each part.
        parts: P.
        estimator: how the gradient crosses.
        learner: how codewords start, move and revive; one for all parts, or one each.
        **options: `axis`, `codebook_dim` (of all parts together, with projections), `assignment`, `commitment`,
            `regularisers`, `on_nonfinite`, `seed`; see `zador.layers.CodebookOptions`.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = pq(dim=10, codebook_size=16, parts=3)
        >>> layer(torch.zeros(5, 10)).indices.shape, layer.bits
        (torch.Size([5, 3]), 12.0)
    """
    check_options("pq", options, CodebookOptions)
    width = as_count(options.get("codebook_dim", dim), "codebook_dim")
    sizes = as_counts(codebook_size, "codebook_size", as_count(parts, "parts"))
    if parts > width:
        raise UsageError(f"parts: {width} coordinates make at most {width} parts, got {parts}")
    dims = [width // parts + (part < width % parts) for part in range(parts)]
    space = space_of(dim, width, options)
    codes = learned_codes(sizes, dims, learner, assignment=options.get("assignment", Nearest()))
    return Bottleneck(Product(codes), space, estimator=estimator, **layer_of(options))
