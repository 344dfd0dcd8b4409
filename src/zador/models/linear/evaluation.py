"""How good the members of a stack are on vectors that they were not trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.metrics import dead_codes, entropy_bits, usage_counts
from zador.models.linear.members import as_members
from zador.models.linear.nearest import nearest_of_each
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.models.linear.autoencoder import LinearAutoencoder

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One number a member (S,), float64; squared errors are summed over coordinates.

    Attributes:
        reconstruction_mse: mean of ‖x - x̂‖².
        in_subspace_distortion: mean of ‖z - e_k‖², the part that the codebook is to blame for.
        usage_entropy_bits: entropy of how often each codeword was chosen, bits per vector.
        dead_fraction: share of codewords that nothing chose.
    """

    reconstruction_mse: NDArray[np.float64]
    in_subspace_distortion: NDArray[np.float64]
    usage_entropy_bits: NDArray[np.float64]
    dead_fraction: NDArray[np.float64]

    @property
    def usage_entropy_nats(self) -> NDArray[np.float64]:
        """The same entropy in nats per vector, as the reports print it."""
        return np.asarray(self.usage_entropy_bits * NATS_PER_BIT)

    @property
    def perplexity(self) -> NDArray[np.float64]:
        """`2 ** usage_entropy_bits`."""
        return np.exp2(self.usage_entropy_bits)


def evaluate(model: LinearAutoencoder, x: Any) -> Evaluation:
    """Return the figures of every member, computed in float64.

    Args:
        model: S members.
        x: (N, D) for all members, or (S, N, D), one matrix a member.

    Raises:
        DataError: shapes that do not fit.
        NonFiniteError: NaN or infinity.

    Example:
        >>> from zador.models.linear import LinearAutoencoder
        >>> model = LinearAutoencoder(np.eye(2)[None, :1], np.array([[[-1.0], [1.0]]]), np.zeros((1, 2)))
        >>> found = evaluate(model, np.array([[1.0, 2.0], [-3.0, 0.0]]))
        >>> found.reconstruction_mse.tolist(), found.in_subspace_distortion.tolist(), found.usage_entropy_bits.tolist()
        ([4.0], [2.0], [1.0])
    """
    return evaluate_clean(model, as_members(x, model.members, "x"))


def evaluate_clean(model: LinearAutoencoder, data: list[NDArray[Any]]) -> Evaluation:
    """Return what `evaluate` returns for S finite matrices (N, D)."""
    figures = np.array([_figures(model, number, x) for number, x in enumerate(data)])
    return Evaluation(*np.ascontiguousarray(figures.T))


def _figures(model: LinearAutoencoder, number: int, x: NDArray[Any]) -> tuple[float, float, float, float]:
    encoder, codewords = model.encoder[number], model.codewords[number]
    centred = x - model.mean[number]
    z = centred @ encoder.T
    indices = nearest_of_each(z[None], codewords[None])[0]
    q = codewords[indices]
    # A diverged member has errors beyond the largest number; that is what its figures say.
    with np.errstate(over="ignore", invalid="ignore"):
        centred = centred - q @ encoder
        reconstruction = np.einsum("nd,nd->", centred, centred) / len(x)
        z = z - q
        in_subspace = np.einsum("nm,nm->", z, z) / len(x)
    counts = usage_counts(indices, len(codewords))
    return float(reconstruction), float(in_subspace), entropy_bits(counts), dead_codes(counts) / len(codewords)
