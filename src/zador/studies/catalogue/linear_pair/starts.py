"""Where training starts: rows of the encoder, and codewords behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zador.codebooks import KMeansPlusPlus, Lloyd, keep_empty, principal_axes
from zador.studies.catalogue.linear_pair.pair import LinearPair, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.codebooks import Initialiser

__all__ = ["Normal", "Rows", "Start", "principal_rows", "random_orthonormal_rows", "random_rows"]

_SEEN = 8000

# (vectors (N, D), m, generator) -> W (m, D).
Rows = Callable[[NDArray[np.float64], int, np.random.Generator], NDArray[np.float64]]


def principal_rows(x: NDArray[np.float64], encoder_dim: int, _rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the leading principal axes."""
    return np.ascontiguousarray(principal_axes(x).directions[:, :encoder_dim].T)


def random_rows(x: NDArray[np.float64], encoder_dim: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return draws of N(0, 1/D)."""
    return np.asarray(rng.standard_normal((encoder_dim, x.shape[1])) / x.shape[1] ** 0.5)


def random_orthonormal_rows(x: NDArray[np.float64], encoder_dim: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return an orthonormal basis of a subspace that is drawn uniformly."""
    columns, upper = np.linalg.qr(rng.standard_normal((x.shape[1], encoder_dim)))
    return np.ascontiguousarray((columns * np.sign(np.diagonal(upper))).T)


@dataclass(frozen=True)
class Normal:
    """An initialiser that does not look: codewords N(0, deviation² I).

    Attributes:
        deviation: of each coordinate.
    """

    deviation: float = 0.1

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,  # noqa: ARG002 - the protocol's
    ) -> NDArray[np.float64]:
        """Return (K, d) codewords for vectors x (N, d)."""
        return self.deviation * rng.standard_normal((codebook_size, x.shape[1]))


@dataclass(frozen=True)
class Start:
    """Where training starts; the decoder is the pseudo-inverse of the encoder.

    Attributes:
        rows: of the encoder.
        initialiser: of the codewords, on the first 8000 projected vectors.
        updates: of Lloyd's algorithm behind it, on the same vectors.
    """

    rows: Rows = principal_rows
    initialiser: Initialiser = field(default_factory=lambda: KMeansPlusPlus(candidates=1))
    updates: int = 0

    def __call__(self, x: NDArray[np.float64], shape: Shape, seeds: Sequence[int]) -> LinearPair:
        """Return the members' models for x (S, N, D); a member depends on its vectors and its seed."""
        members = [self._one(vectors, shape, seed) for vectors, seed in zip(x, seeds, strict=True)]
        return LinearPair(*map(np.stack, zip(*members, strict=True)))

    def _one(self, x: NDArray[np.float64], shape: Shape, seed: int) -> LinearPair:
        rng = np.random.default_rng([seed, 1])
        rows = self.rows(x, shape.encoder_dim, rng)
        z = np.ascontiguousarray(x[:_SEEN] @ rows.T)
        codewords = np.asarray(self.initialiser(z, shape.codebook_size, rng), np.float64)
        if self.updates:
            codewords = Lloyd(iterations=self.updates, tolerance=0, empty=keep_empty).fit(z, codewords).codewords
        return LinearPair(rows, np.ascontiguousarray(np.linalg.pinv(rows).T), codewords)
