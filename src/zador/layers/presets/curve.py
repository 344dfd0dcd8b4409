"""The layer that trains on a curve through its codewords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from zador.codebooks import Gradient
from zador.errors import UsageError
from zador.estimators import DiVeQ, NoisyEstimator
from zador.layers.curve import CurveBottleneck, CurveCode
from zador.layers.curve_table import CurveTable
from zador.layers.presets.options import SpaceOptions, check_options, space_of
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.layers.losses import Weight

__all__ = ["CurveOptions", "sf_diveq"]


class CurveOptions(SpaceOptions, total=False):
    """Options of `sf_diveq`.

    Attributes:
        codebook_dim: d of a codeword, with linear maps in and out; by default that of the network.
        commitment: β, weight of the commitment loss; 0.
    """

    codebook_dim: int
    commitment: float | Weight


def sf_diveq(
    dim: int,
    codebook_size: int,
    *,
    estimator: NoisyEstimator = DiVeQ(),  # noqa: B008 - frozen
    learner: Gradient = Gradient(revive=None),  # noqa: B008 - frozen
    **options: Unpack[CurveOptions],
) -> CurveBottleneck:
    """Return SF-DiVeQ: a quantizer that trains on the whole curve through its codewords [vali2025diveq].

    Each codeword is an end of a segment that vectors are quantized upon. There is no codebook loss: give
    `model.parameters()`, codewords among them, to your optimiser. In training indices are those of segments, see
    `zador.layers.CurveCode`; `layer.encode(x)` gives those of codewords in any mode.

    Args:
        dim: D.
        codebook_size: K >= 2.
        estimator: a `DiVeQ`, or another that takes noise.
        learner: a `Gradient(revive=None)`: its `start` places the codewords.
        **options: `axis`, `codebook_dim`, `commitment`, `on_nonfinite`, `seed`; see `zador.layers.CurveOptions`.

    Raises:
        UsageError: sizes or options that make no sense, an estimator without noise, a learner that revives.

    Example:
        >>> import torch
        >>> layer = sf_diveq(dim=2, codebook_size=16)
        >>> x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
        >>> int(layer(x).indices.max()) <= 14, layer.bits
        (True, 4.0)
    """
    check_options("sf_diveq", options, CurveOptions)
    if not isinstance(estimator, NoisyEstimator):
        raise UsageError(f"estimator={estimator!r}: expected one that takes noise, such as zador.estimators.DiVeQ()")
    width = as_count(options.get("codebook_dim", dim), "codebook_dim")
    code = CurveCode(CurveTable(codebook_size, width, learner))
    space = space_of(dim, width, options)
    return CurveBottleneck(code, space, estimator=estimator, commitment=options.get("commitment", 0.0))
