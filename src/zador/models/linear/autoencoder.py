"""The model: an encoder with orthonormal rows, a codebook behind it, and its transpose as the decoder; S of them stacked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks import Codebook
from zador.errors import DataError, UsageError
from zador.models.linear.nearest import chosen, nearest_of_each
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LinearAutoencoder"]


@dataclass(frozen=True, eq=False)
class LinearAutoencoder:
    """z = W (x - μ), code k = argmin_k ||z - e_k||², x̂ = μ + Wᵀ e_k; S members (seeds) stacked along the first axis.

    Since W Wᵀ = I, the nearest e_k of z is the nearest μ + Wᵀ e_k of x: a member is a codebook of K codewords in D
    dimensions that lie in an m-dimensional subspace, see `member`.

    Attributes:
        encoder: W (S, m, D) float64, orthonormal rows.
        codewords: E (S, K, m) float64.
        mean: μ (S, D) float64, subtracted before the encoder and added behind the decoder; zeros in protocol A.

    Raises:
        DataError: shapes that do not fit.

    Example:
        >>> model = LinearAutoencoder(np.eye(2)[None, :1], np.array([[[-1.0], [1.0]]]), np.zeros((1, 2)))
        >>> codes = model.encode(np.array([[0.7, 5.0], [-3.0, 0.0]]))
        >>> codes.tolist(), model.decode(codes).tolist()
        ([[1, 0]], [[[1.0, 0.0], [-1.0, 0.0]]])
    """

    encoder: NDArray[np.float64]
    codewords: NDArray[np.float64]
    mean: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit, before they broadcast."""
        shapes = np.shape(self.encoder), np.shape(self.codewords), np.shape(self.mean)
        if tuple(map(len, shapes)) != (3, 3, 2) or not (
            shapes[0][0] == shapes[1][0] == shapes[2][0] and shapes[0][1] == shapes[1][2] and shapes[0][2] == shapes[2][1]
        ):
            raise DataError(
                "LinearAutoencoder: expected encoder (S, m, D), codewords (S, K, m) and mean (S, D), "
                f"got {shapes[0]}, {shapes[1]} and {shapes[2]}"
            )

    @property
    def members(self) -> int:
        """S, the number of models in the stack."""
        return len(self.encoder)

    @property
    def codebook_size(self) -> int:
        """K, the number of codewords of each."""
        return int(self.codewords.shape[1])

    @property
    def encoder_dim(self) -> int:
        """m, the number of coordinates that a codeword has."""
        return int(self.codewords.shape[2])

    @property
    def bits(self) -> float:
        """`log2 K`: bits per vector of an index of fixed length."""
        return float(np.log2(self.codebook_size))

    def project(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return z (S, N, m) of x (S, N, D), or of one x (N, D) for all members."""
        return np.asarray((x - self.mean[:, None, :]) @ self.encoder.transpose(0, 2, 1), np.float64)

    def encode(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """Return (S, N) int64 indices of x (S, N, D), or of one x (N, D) for all members; finite numbers, unchecked."""
        return nearest_of_each(self.project(x), self.codewords)

    def decode(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return x̂ (S, N, D) of (S, N) indices."""
        return np.asarray(chosen(self.codewords, indices) @ self.encoder + self.mean[:, None, :], np.float64)

    def member(self, number: int, usage: NDArray[np.float64] | None = None) -> Codebook:
        """Return member `number` (from 0) as the D-dimensional table E W + μ, which is the same quantizer.

        Args:
            number: which.
            usage: (K,) what the codebook says of its usage; ones if not given.
        """
        if as_count(number, "number", least=0) >= self.members:
            raise UsageError(f"member: expected 0 to {self.members - 1}, got {number}")
        table = self.codewords[number] @ self.encoder[number] + self.mean[number]
        return Codebook(
            table, np.ones(len(table)) if usage is None else usage, {"encoder_dim": self.encoder_dim, "member": number}
        )

    def select(self, numbers: list[int]) -> LinearAutoencoder:
        """Return the stack of the members `numbers`."""
        return LinearAutoencoder(self.encoder[numbers], self.codewords[numbers], self.mean[numbers])
