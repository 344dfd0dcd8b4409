"""Codewords drawn from the law that achieves R(D) for the data themselves, Gaussian or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zador.codebooks.initialise.prediction import controlled_mean, some_rows, squared_distances
from zador.theory import blahut_arimoto
from zador.units import to_nats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.random_codebook import Expected

__all__ = ["DiscreteLaw", "ReproductionLaw"]

_MOVES = 10
_TOLERANCE = 1e-3
_ROWS = 1 << 13
_SPARE_BITS = 1.0


class DiscreteLaw(NamedTuple):
    """A law on finitely many vectors.

    Attributes:
        atoms: (m, d).
        probabilities: (m,) summing to 1.
    """

    atoms: NDArray[np.float64]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class ReproductionLaw:
    """Draw codewords from the reproduction law of the data's own R(D) at `log2 K` bits, found by Blahut–Arimoto.

    `sample` rows stand for the data. On them as reproductions Blahut–Arimoto solves for the rate [blahut1972computation];
    ten EM steps at that slope then move the reproductions to the means of what they stand for, which is maximum likelihood
    for a Gaussian mixture of noise variance 1/2s. Where the data are Gaussian this is `RateDistortion`; where they have
    clusters or gaps, no codeword falls between. The rate is held one bit below log2 of the sample: from K = sample / 2 on,
    take `FromData`.

    Attributes:
        sample: rows to solve for; the work grows as its square or more (512 take about a second).
        seed: of the choice of those rows. The law is a function of the data; only the draw from it varies with `rng`.

    Example:
        >>> x = np.repeat([[0.0], [8.0]], 50, axis=0) + np.linspace(-1, 1, 100)[:, None]
        >>> codewords = ReproductionLaw()(x, 4, np.random.default_rng(0))
        >>> bool(((codewords < 3) | (codewords > 5)).all())
        True
    """

    sample: int = 512
    seed: int = 0

    def law(self, x: NDArray[Any], codebook_size: int, weights: NDArray[np.float64] | None = None) -> DiscreteLaw:
        """Return the law that codewords are drawn from, for vectors x (N, d) with weights (N,)."""
        rows, share, _ = some_rows(x, weights, self.sample, np.random.default_rng(self.seed))
        rows, share = rows[share > 0], share[share > 0]
        points = x[rows].astype(np.float64)
        mean = share @ points
        points -= mean
        bits = min(np.log2(codebook_size), np.log2(len(points)) - _SPARE_BITS)
        if bits <= 0:
            return DiscreteLaw(mean[None], np.ones(1))
        costs = squared_distances(points, points)
        found = blahut_arimoto.solve(share / share.sum(), costs, target_rate=float(bits), tolerance=_TOLERANCE)
        if not 0 < found.slope < np.inf:
            return DiscreteLaw(points + mean, found.weights / found.weights.sum())
        used = found.weights > 0
        atoms, probabilities = _moved(points, share, points[used], found.weights[used], to_nats(found.slope))
        return DiscreteLaw(atoms + mean, probabilities)

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return (K, d) codewords, drawn independently: an atom may come twice, apart by nothing."""
        law = self.law(x, codebook_size, weights)
        return law.atoms[rng.choice(len(law.atoms), codebook_size, p=law.probabilities)]

    def predicted_distortion(
        self,
        x: NDArray[Any],
        codebook_size: int,
        weights: NDArray[np.float64] | None = None,
        *,
        seed: int = 0,
    ) -> Expected:
        """Return the expected mean squared error of the first codewords on x (N, d), at up to 8192 rows.

        With the atoms in order of distance and T_j the probability of those beyond the j-th, `Σ_j d_j (T_{j-1}^K - T_j^K)`.
        """
        law = self.law(x, codebook_size, weights)
        rows, share, complete = some_rows(x, weights, _ROWS, np.random.default_rng(seed))
        mean = np.average(x, axis=0, weights=weights)
        points = x[rows] - mean
        distances = squared_distances(points, law.atoms - mean)
        order = np.argsort(distances, axis=1)
        beyond = 1.0 - np.cumsum(law.probabilities[order], axis=1)
        none_yet = np.concatenate([np.ones((len(rows), 1)), np.clip(beyond[:, :-1], 0.0, 1.0)], axis=1) ** codebook_size
        chance = none_yet - np.concatenate([none_yet[:, 1:], np.zeros((len(rows), 1))], axis=1)
        values = (np.take_along_axis(distances, order, axis=1) * chance).sum(axis=1)
        total = float(np.average(((x - mean) ** 2).sum(axis=1), weights=weights))
        return controlled_mean(values, share, (points**2).sum(axis=1), total, complete=complete)


def _moved(
    points: NDArray[np.float64],
    share: NDArray[np.float64],
    atoms: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    slope: float,
) -> DiscreteLaw:
    """Return the law after some EM steps at a slope in nats: weights to usage, atoms to the means of what they stand for."""
    for _ in range(_MOVES):
        cost = slope * squared_distances(points, atoms)
        channel = probabilities * np.exp(cost.min(axis=1, keepdims=True) - cost)
        channel *= (share / channel.sum(axis=1))[:, None]
        usage = channel.sum(axis=0)
        used = usage > 0
        atoms, probabilities = (channel.T @ points)[used] / usage[used, None], usage[used] / usage[used].sum()
    return DiscreteLaw(atoms, probabilities)
