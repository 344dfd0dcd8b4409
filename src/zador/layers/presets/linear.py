"""Layers whose codewords move together: tables seen through a map that learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from zador.codebooks import Gradient, LinearTransform
from zador.estimators import Estimator, straight_through
from zador.layers.bottleneck import Bottleneck
from zador.layers.presets.options import ProjectedOptions, check_options, layer_of, space_of
from zador.layers.transformed_table import TransformedTable
from zador.quantizers.codes import Residual, TabledCode
from zador.validation import as_count, as_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.codebooks import CodebookTransform
    from zador.quantizers.codes import QuantizerDropout

__all__ = ["ResidualTransformedOptions", "TransformedOptions", "rsimvq", "simvq"]


class TransformedOptions(ProjectedOptions, total=False):
    """Options of layers whose codewords are seen through a map.

    Attributes:
        transform: the map, from `zador.codebooks`: `LinearTransform()` (default), `AffineTransform()`, `MlpTransform()`.
    """

    transform: CodebookTransform


class ResidualTransformedOptions(TransformedOptions, total=False):
    """Options of those in stages.

    Attributes:
        dropout: how many stages each sample goes through in training, `QuantizerDropout()`; by default all.
    """

    dropout: QuantizerDropout | None


def simvq(
    dim: int,
    codebook_size: int,
    *,
    estimator: Estimator = straight_through,
    learner: Gradient = Gradient(revive=None),  # noqa: B008 - frozen
    **options: Unpack[TransformedOptions],
) -> Bottleneck:
    """Return SimVQ: codewords `c_k = W b_k + t` of which only the map learns [zhu2024addressing].

    W and t are parameters: give them to your optimiser with the rest of the model. With another `transform` codewords are
    seen through that.

    Args:
        dim: D.
        codebook_size: K.
        estimator: how the gradient crosses.
        learner: a `Gradient(revive=None)`: its weight is that of the codebook loss, its `start` places the codewords.
        **options: `transform`, `axis`, `codebook_dim`, `commitment`, `regularisers`, `on_nonfinite`, `seed`; see
            `zador.layers.TransformedOptions`.

    Raises:
        UsageError: sizes or options that make no sense, or a learner that revives codewords.

    Example:
        >>> import torch
        >>> layer = simvq(dim=8, codebook_size=16)
        >>> sorted(name.split(".")[-1] for name, _ in layer.named_parameters()), layer(torch.ones(3, 8)).indices.shape
        (['bias', 'weight'], torch.Size([3]))
    """
    check_options("simvq", options, TransformedOptions)
    width = as_count(options.get("codebook_dim", dim), "codebook_dim")
    transform = options.get("transform", LinearTransform())
    code = TabledCode(TransformedTable(codebook_size, width, learner, transform=transform))
    return Bottleneck(code, space_of(dim, width, options), estimator=estimator, **layer_of(options))


def rsimvq(
    dim: int,
    codebook_size: int | Sequence[int],
    stages: int,
    *,
    estimator: Estimator = straight_through,
    learner: Gradient = Gradient(revive=None),  # noqa: B008 - frozen
    **options: Unpack[ResidualTransformedOptions],
) -> Bottleneck:
    """Return residual SimVQ: S stages, each with a table and a map of its own; see `rvq` and `simvq`.

    Args:
        dim: D.
        codebook_size: K, or one for each stage.
        stages: S.
        estimator: how the gradient crosses.
        learner: a `Gradient(revive=None)`.
        **options: as for `simvq`, and `dropout`; see `zador.layers.ResidualTransformedOptions`.

    Raises:
        UsageError: sizes or options that make no sense, or a learner that revives codewords.

    Example:
        >>> import torch
        >>> rsimvq(dim=8, codebook_size=16, stages=3)(torch.ones(5, 8)).indices.shape
        torch.Size([5, 3])
    """
    check_options("rsimvq", options, ResidualTransformedOptions)
    width = as_count(options.get("codebook_dim", dim), "codebook_dim")
    sizes = as_counts(codebook_size, "codebook_size", as_count(stages, "stages"))
    transform = options.get("transform", LinearTransform())
    tables = [TransformedTable(size, width, learner, transform=transform, stream=stage) for stage, size in enumerate(sizes)]
    code = Residual([TabledCode(table) for table in tables], dropout=options.get("dropout"))
    return Bottleneck(code, space_of(dim, width, options), estimator=estimator, **layer_of(options))
