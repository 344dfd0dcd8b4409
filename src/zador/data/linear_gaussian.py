"""The testbed: Gaussian vectors near a low-dimensional subspace, where the theory knows every answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.errors import UsageError
from zador.validation import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LowRankGaussian", "low_rank_gaussian"]

_LARGEST, _SMALLEST = 4.0, 0.25


@dataclass(frozen=True, eq=False)
class LowRankGaussian:
    """Draws of x ~ N(0, U diag(lambda) U' + v I), with what generated them.

    Attributes:
        train: (N, D) float64, vectors to fit on.
        evaluation: (M, D) float64, independent vectors to judge on.
        basis: U (D, r), orthonormal columns, in the order of `signal_variances`.
        signal_variances: lambda (r,), variances along U before the noise, largest first.
        noise_variance: v, added in all D directions.
        covariance: (D, D), of the source, not of the draws.
    """

    train: NDArray[np.float64]
    evaluation: NDArray[np.float64]
    basis: NDArray[np.float64]
    signal_variances: NDArray[np.float64]
    noise_variance: float
    covariance: NDArray[np.float64]

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """The D eigenvalues of `covariance`, largest first: lambda + v, then v; exact, not by a decomposition."""
        values = np.full(len(self.covariance), self.noise_variance)
        values[: len(self.signal_variances)] += self.signal_variances
        return values


def low_rank_gaussian(
    *,
    dim: int = 64,
    rank: int = 6,
    noise_variance: float = 0.0,
    train: int = 20_000,
    evaluation: int = 4_000,
    seed: int | np.random.Generator = 42,
) -> LowRankGaussian:
    """Draw from N(0, U diag(lambda) U' + v I), lambda = geomspace(4, 1/4, r), U the Q factor of a D x r normal matrix.

    The order of the draws is part of the promise: the D x r matrix, the training vectors, the evaluation vectors. The
    same seed on the same machine gives the same bits.

    Args:
        dim: D, of the vectors.
        rank: r, of the subspace; at most D.
        noise_variance: v >= 0, a variance and not a standard deviation.
        train: N, vectors to fit on.
        evaluation: M, vectors to judge on.
        seed: a number >= 0, or a generator.

    Raises:
        UsageError: a number is out of its range.

    >>> source = low_rank_gaussian(train=100, evaluation=20)
    >>> source.train.shape, source.evaluation.shape, source.basis.shape
    ((100, 64), (20, 64), (64, 6))
    >>> source.signal_variances.round(2)
    array([4.  , 2.3 , 1.32, 0.76, 0.44, 0.25])
    """
    if not 1 <= rank <= dim:
        raise UsageError(f"rank: expected 1 <= rank <= dim, got rank={rank} with dim={dim}; lower the rank")
    if not 0.0 <= noise_variance < np.inf:
        raise UsageError(f"noise_variance: expected a finite number >= 0, got {noise_variance}")
    if train < 1 or evaluation < 1:
        raise UsageError(f"expected at least 1 vector in each part, got train={train} and evaluation={evaluation}")
    rng = generator(seed)
    basis = np.linalg.qr(rng.standard_normal((dim, rank))).Q
    signal_variances = np.geomspace(_LARGEST, _SMALLEST, rank)
    covariance = basis @ np.diag(signal_variances) @ basis.T + noise_variance * np.eye(dim)
    mean = np.zeros(dim)
    # The covariance is positive semidefinite by construction; NumPy's check of it may warn about rounding, and its
    # outcome never changes the draws.
    return LowRankGaussian(
        train=rng.multivariate_normal(mean=mean, cov=covariance, size=train, check_valid="ignore"),
        evaluation=rng.multivariate_normal(mean=mean, cov=covariance, size=evaluation, check_valid="ignore"),
        basis=basis,
        signal_variances=signal_variances,
        noise_variance=float(noise_variance),
        covariance=covariance,
    )
