"""The K-point lower bound of data: prices from one half of the vectors, judged on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize

from zador.errors import DataError
from zador.theory.kpoint.covered import gains
from zador.theory.kpoint.judged import judged
from zador.theory.kpoint.leading import MOST_AXES
from zador.theory.kpoint.lloyd import best_of_starts
from zador.theory.kpoint.nodes import REPLICATES, of_rows
from zador.theory.kpoint.particles import nearest, serve
from zador.theory.kpoint.relaxed import relax
from zador.validation import as_count, as_vectors, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.kpoint.bound import KPointBound
    from zador.theory.kpoint.particles import Particles

__all__ = ["lower_bound_of_samples"]

_SYSTEMS = 4
_PARTICLES = 1024
_COPIES = 2, 16
_LEARNT, _JUDGED = 3 << 12, 1 << 14
_STARTS = 512
_PLACES = 384
_EVALUATIONS = 120
_NUDGE, _WORTH = 0.02, 1.05


def lower_bound_of_samples(x: Any, codebook_size: int, *, seed: int | np.random.Generator = 0) -> KPointBound:
    """Return an estimate of a distortion that no codebook of K points goes below, whatever law the vectors have.

    `E g(X) - K sup_c E (g(X) - |X - c|²)₊` with g learnt on one random half of the vectors and both expectations taken over
    the other, of which at most 16,384 are looked at. Whatever g is, that is a bound for the vectors it was judged on, but
    for the search for the supremum; and in expectation one for their law. It needs many vectors a codeword: with ten it is
    weak, with one it is 0.

    Args:
        x: (N, d) vectors, N at least 16; NumPy array or torch tensor.
        codebook_size: number K of codewords.
        seed: splits the vectors, draws particles and starts.

    Returns:
        Squared error summed over coordinates, less two standard errors, at least 0; never certified.

    Raises:
        DataError: fewer than 16 vectors, or not vectors in rows.
        NonFiniteError: they hold NaN or infinity.
        UsageError: `codebook_size` is not a whole number of at least 1.

    >>> x = np.random.default_rng(0).uniform(-1.0, 1.0, (4000, 1))
    >>> bound = lower_bound_of_samples(x, 2)  # the best two points are ±½, with squared error 1/12
    >>> bool(0.05 < bound.distortion < 1 / 12), bound.certified
    (True, False)
    """
    size = as_count(codebook_size, "codebook_size")
    rows = as_vectors(x, "x").astype(np.float64)
    if len(rows) < 2 * REPLICATES:
        raise DataError(f"lower_bound_of_samples: expected at least {2 * REPLICATES} vectors, got {len(rows)}; pass more")
    rng = generator(seed)
    order = rng.permutation(len(rows))
    half = len(rows) // 2
    learnt = rows[order[: min(half, _LEARNT)]]
    held_out = rows[order[half : half + min(len(rows) - half, _JUDGED) // REPLICATES * REPLICATES]]
    centre, axes = _principal(learnt)
    learnt, judges = (learnt - centre) @ axes, (held_out - centre) @ axes
    prices = _Prices.learnt(learnt, size, rng)
    return judged(of_rows(judges), prices(judges), size, np.concatenate([prices.places, judges[:_STARTS]]))


def _principal(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and, as columns, the axes of largest variance first."""
    centre = x.mean(axis=0)
    return centre, np.linalg.eigh((x - centre).T @ (x - centre))[1][:, ::-1]


class _Prices:
    """A mix, with weights of at least 0, of what particles ask for and of the distances to a codebook's nearest two.

    Where vectors lie in as many clumps as there are codewords the relaxed optimum is a codebook: particles gather in K
    points, and what counts is how much of the way from the nearest codeword to the second a price goes.
    """

    def __init__(self, systems: list[Particles], codebook: NDArray[np.float64], dim: int) -> None:
        self._systems, self._codebook, self._kept = systems, codebook, codebook.shape[1]
        self._mix = np.array([1.0, 0.0, 0.0])
        places = np.concatenate([*(system.points for system in systems), codebook])
        self.places = np.pad(places, ((0, 0), (0, dim - self._kept)))

    @classmethod
    def learnt(cls, x: NDArray[np.float64], size: int, rng: np.random.Generator) -> _Prices:
        """Return prices from x (N, d): particles from two thirds of it, the mix that proves most on the rest."""
        part = of_rows(x[: len(x) - len(x) // 3, :MOST_AXES])
        copies = int(np.clip(_PARTICLES // size, *_COPIES))
        systems = [relax(part, size, copies, rng) for _ in range(_SYSTEMS)]
        prices = cls(systems, best_of_starts(part, min(size, len(part.x)), _SYSTEMS, rng), x.shape[1])
        rest = x[len(x) - len(x) // 3 :]
        parts = prices._parts(rest)
        alone = np.array([1.0, 0.0, 0.0])

        def short(mix: NDArray[np.float64]) -> float:
            return -prices._proven(rest, prices._mixed(rest, parts, np.abs(mix)), size)

        found = minimize(short, alone + _NUDGE, method="Nelder-Mead", options={"maxfev": _EVALUATIONS})
        # Three numbers fitted to few vectors gain a little by chance; only what gains more is worth its noise.
        prices._mix = np.abs(found.x) if found.fun < _WORTH * short(alone) else alone
        return prices

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N,) prices."""
        return self._mixed(x, self._parts(x), self._mix)

    def _mixed(self, x: NDArray[np.float64], parts: NDArray[np.float64], mix: NDArray[np.float64]) -> NDArray[np.float64]:
        # Every axis outside the leading ones adds its own square, which is right while it is not worth coding.
        return np.asarray(parts @ mix + np.square(x[:, self._kept :]).sum(axis=1))

    def _parts(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        leading = x[:, : self._kept]
        asked = np.mean([serve(leading, system).prices for system in self._systems], axis=0)
        squared = nearest(leading, self._codebook, min(2, len(self._codebook)))[0]
        return np.stack([asked, squared[:, 0], squared[:, -1]], axis=1)

    def _proven(self, x: NDArray[np.float64], prices: NDArray[np.float64], size: int) -> float:
        places = np.concatenate([self.places[:: max(1, len(self.places) // _PLACES)], x[:_PLACES]])
        return float(prices.mean() - size * gains(x, prices, places).mean(axis=1).max())
