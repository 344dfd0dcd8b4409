"""Layers that weigh all their codewords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from zador.codebooks import Gradient
from zador.errors import UsageError
from zador.estimators import BlahutArimoto, Exponential, GumbelSoftmax, IndexBackpropagation, Relaxation
from zador.layers.categorical import CategoricalBottleneck
from zador.layers.categorical_marginal import BlahutArimotoBottleneck
from zador.layers.presets.options import SpaceOptions, check_options, space_of
from zador.layers.presets.tables import head_dim, learned_codes
from zador.quantizers.codes import Product
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.codebooks import Learner
    from zador.layers.losses import Weight

__all__ = ["CategoricalOptions", "categorical_vq", "gumbel_vq"]


class CategoricalOptions(SpaceOptions, total=False):
    """Options of a layer that weighs all its codewords.

    Attributes:
        heads: H parts of a vector, a table each.
        codebook_dim: d of a codeword (of one head), with linear maps in and out; by default an equal share of D.
        prior: weight of the prior loss, in bits.
        commitment: β, weight of the commitment loss; 0.
    """

    heads: int
    codebook_dim: int
    prior: float
    commitment: float | Weight


def categorical_vq(
    dim: int,
    codebook_size: int,
    *,
    estimator: Relaxation = IndexBackpropagation(),  # noqa: B008 - frozen
    learner: Learner = Gradient(),  # noqa: B008 - frozen
    **options: Unpack[CategoricalOptions],
) -> CategoricalBottleneck:
    """Return a quantizer whose gradient reaches every codeword, through weights made of `-||z - c_k||²`.

    In evaluation it takes the nearest codeword. A batch holds N × K weights, several times: K is small, or the batch.

    Args:
        dim: D.
        codebook_size: K.
        estimator: how it chooses in training, and what the gradient is: `IndexBackpropagation()` takes the nearest,
            `GumbelSoftmax()` and `ReinMax()` draw, `SoftAssignment()` and `BlahutArimoto()` mix.
        learner: how codewords start and revive; with `Gradient` they also learn through the estimator.
        **options: `axis`, `heads`, `codebook_dim`, `prior` (0), `commitment` (0), `on_nonfinite`, `seed`; see
            `zador.layers.CategoricalOptions`.

    Raises:
        UsageError: sizes or options that make no sense, or an estimator that belongs to another layer.

    Example:
        >>> import torch
        >>> from zador.estimators import ReinMax
        >>> layer = categorical_vq(dim=8, codebook_size=16, estimator=ReinMax())
        >>> layer(torch.ones(5, 8)).indices.shape
        torch.Size([5])
    """
    check_options("categorical_vq", options, CategoricalOptions)
    if not isinstance(estimator, Relaxation):
        raise UsageError(
            f"estimator={estimator!r}: expected one that weighs all codewords, such as "
            "zador.estimators.IndexBackpropagation(); others go to zador.vq(..., estimator=...)"
        )
    heads = as_count(options.get("heads", 1), "heads")
    width = head_dim(dim, heads, options.get("codebook_dim"))
    codes = learned_codes([as_count(codebook_size, "codebook_size")] * heads, [width] * heads, learner)
    parts = (Product(codes), space_of(dim, heads * width, options))
    prior, commitment = options.get("prior", 0.0), options.get("commitment", 0.0)
    if isinstance(estimator, BlahutArimoto):
        return BlahutArimotoBottleneck(*parts, relaxation=estimator, prior=prior, commitment=commitment)
    return CategoricalBottleneck(*parts, relaxation=estimator, prior=prior, commitment=commitment)


def gumbel_vq(
    dim: int,
    codebook_size: int,
    *,
    estimator: Relaxation = GumbelSoftmax(Exponential(1.0, 0.1, steps=10_000)),  # noqa: B008 - frozen
    learner: Learner = Gradient(),  # noqa: B008 - frozen
    **options: Unpack[CategoricalOptions],
) -> CategoricalBottleneck:
    """Return a quantizer that draws its codeword in training, `k ~ p(k | z) ∝ exp(-||z - c_k||²)` [jang2017categorical].

    In evaluation it takes the most probable codeword, which is the nearest. A batch holds N × K probabilities. It is
    `categorical_vq` with other defaults.

    Args:
        dim: D.
        codebook_size: K.
        estimator: the temperature, fixed, scheduled or learned, and whether values are one codeword or a mixture.
        learner: how codewords start and revive; with `Gradient` they also learn through the estimator.
        **options: as for `categorical_vq`, but for `prior`, 5e-4.

    Raises:
        UsageError: sizes or options that make no sense.

    Example:
        >>> import torch
        >>> layer = gumbel_vq(dim=8, codebook_size=16)
        >>> out = layer(torch.ones(5, 8))
        >>> out.indices.shape, sorted(out.info.other)
        (torch.Size([5]), ['prior'])
    """
    check_options("gumbel_vq", options, CategoricalOptions)
    options.setdefault("prior", 5e-4)
    return categorical_vq(dim, codebook_size, estimator=estimator, learner=learner, **options)
