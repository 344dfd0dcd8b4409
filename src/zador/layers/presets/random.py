"""Targets for self-supervised learning: a projection and a codebook drawn at random, and left alone."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from zador.codebooks import Frozen
from zador.layers.bottleneck import Bottleneck
from zador.layers.presets.options import LayerOptions, check_options, layer_of, space_of
from zador.layers.presets.tables import learned_codes, with_heads
from zador.validation import as_count, generator

__all__ = ["random_projection"]


def random_projection(
    dim: int, codebook_size: int, codebook_dim: int = 16, *, codebooks: int = 1, **options: Unpack[LayerOptions]
) -> Bottleneck:
    """Return a random-projection quantizer: `argmax_k cos(c_k, A x)`, A and c_k random and fixed [chiu2022self].

    Its indices are what a model is trained to predict; nothing in it learns. Give it normalised inputs: without, the index
    depends on their mean more than on them. A has orthonormal rows, as far as D allows, codewords are uniform on the sphere.

    Args:
        dim: D.
        codebook_size: K.
        codebook_dim: d of a codeword.
        codebooks: H, each with a projection of its own; H indices a vector.
        **options: `axis`, `on_nonfinite`, `seed` (of the projection and the codewords), `regularisers`, `commitment`.

    Returns:
        A layer whose `quantized` are the codewords, H·d coordinates: nothing leads back to D.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = random_projection(dim=80, codebook_size=1024, codebooks=2)
        >>> layer.encode(torch.ones(3, 50, 80)).shape, list(layer.parameters())[0].requires_grad
        (torch.Size([3, 50, 2]), False)
    """
    check_options("random_projection", options, LayerOptions)
    sizes = [as_count(codebook_size, "codebook_size")] * as_count(codebooks, "codebooks")
    width = as_count(codebook_dim, "codebook_dim")
    rng = generator(options.get("seed", 0))
    drawn = [rng.standard_normal((size, width)) for size in sizes]
    learners = [Frozen(start=(table / np.linalg.norm(table, axis=1, keepdims=True)).astype(np.float32)) for table in drawn]
    codes = learned_codes(sizes, [width] * len(sizes), learners, cosine=True)
    space = space_of(dim, len(sizes) * width, options)
    space.out = None
    layer = Bottleneck(with_heads(codes, len(codes)), space, **{"commitment": 0.0, **layer_of(options)})
    return layer.requires_grad_(requires_grad=False)
