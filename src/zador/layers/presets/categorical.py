"""The layer that draws its codewords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from zador.codebooks import Gradient
from zador.estimators import Exponential, GumbelSoftmax
from zador.layers.categorical import CategoricalBottleneck
from zador.layers.presets.options import SpaceOptions, check_options, space_of
from zador.layers.presets.tables import head_dim, learned_codes
from zador.quantizers.codes import Product
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.codebooks import Learner

__all__ = ["GumbelOptions", "gumbel_vq"]


class GumbelOptions(SpaceOptions, total=False):
    """Options of a layer that draws its codewords.

    Attributes:
        heads: H parts of a vector, a table each.
        codebook_dim: d of a codeword (of one head), with linear maps in and out; by default an equal share of D.
        prior: weight of the prior loss, in bits.
    """

    heads: int
    codebook_dim: int
    prior: float


def gumbel_vq(
    dim: int,
    codebook_size: int,
    *,
    estimator: GumbelSoftmax = GumbelSoftmax(Exponential(1.0, 0.1, steps=10_000)),  # noqa: B008 - frozen
    learner: Learner = Gradient(),  # noqa: B008 - frozen
    **options: Unpack[GumbelOptions],
) -> CategoricalBottleneck:
    """Return a quantizer that draws its codeword in training, `k ~ p(k | z) ∝ exp(-||z - c_k||²)` [jang2017categorical].

    In evaluation it takes the most probable codeword, which is the nearest. A batch holds N × K probabilities.

    Args:
        dim: D.
        codebook_size: K.
        estimator: the temperature, fixed, scheduled or learned, and whether values are one codeword or a mixture.
        learner: how codewords start and revive; with `Gradient` they also learn through the estimator.
        **options: `axis`, `heads`, `codebook_dim`, `prior`, `on_nonfinite`, `seed`; see `zador.layers.GumbelOptions`.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = gumbel_vq(dim=8, codebook_size=16)
        >>> out = layer(torch.ones(5, 8))
        >>> out.indices.shape, sorted(out.info.other)
        (torch.Size([5]), ['prior'])
    """
    check_options("gumbel_vq", options, GumbelOptions)
    heads = as_count(options.get("heads", 1), "heads")
    width = head_dim(dim, heads, options.get("codebook_dim"))
    codes = learned_codes([as_count(codebook_size, "codebook_size")] * heads, [width] * heads, learner)
    return CategoricalBottleneck(
        Product(codes),
        space_of(dim, heads * width, options),
        relaxation=estimator,
        **({"prior": options["prior"]} if "prior" in options else {}),
    )
