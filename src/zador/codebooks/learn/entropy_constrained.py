"""Entropy-constrained vector quantization: Lloyd's algorithm where a codeword costs what its index costs to send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks.learn.lloyd import cell_sums
from zador.metrics import entropy_bits
from zador.search import nearest_of_clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EntropyConstrained",
    "EntropyConstrainedInfo",
    "EntropyConstrainedResult",
    "EntropyConstrainedState",
    "as_penalties",
    "assign",
    "lifted",
    "move",
    "penalised_nearest",
]


@dataclass(frozen=True, eq=False)
class EntropyConstrainedState:
    """What the next step needs.

    Attributes:
        codewords: (K, d), in the dtype of the data.
        lengths: (K,) bits that an index costs, at least 0.
    """

    codewords: NDArray[Any]
    lengths: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EntropyConstrainedInfo:
    """What a step saw, before it moved the codewords.

    Attributes:
        indices: (N,) codeword of each vector.
        usage: (K,) how many vectors chose each codeword.
        multiplier: λ, squared error that a bit was worth.
        distortion: D, mean squared error, summed over coordinates.
        rate: mean length of the chosen indices, in bits per vector; never below `entropy`.
        entropy: H of the usage, bits per vector.
    """

    indices: NDArray[np.int64]
    usage: NDArray[np.float64]
    multiplier: float
    distortion: float
    rate: float
    entropy: float

    @property
    def objective(self) -> float:
        """`D + λ H`, in squared error."""
        return self.distortion + self.multiplier * self.entropy


@dataclass(frozen=True, eq=False)
class EntropyConstrainedResult:
    """Where a run ended.

    Attributes:
        codewords: (K', d) in the dtype of the data, K' <= K: those that are chosen.
        lengths: (K',) bits by which the vectors were assigned to them.
        usage: (K',) training vectors of each codeword.
        multiplier: λ, squared error that a bit was worth.
        distortion: D of the training vectors, summed over coordinates.
        entropy: H of the usage, bits per vector.
        history: the objective of the learner after each update; it never increases.
        converged: whether the tolerance was met, rather than the iterations used up.
    """

    codewords: NDArray[Any]
    lengths: NDArray[np.float64]
    usage: NDArray[np.float64]
    multiplier: float
    distortion: float
    entropy: float
    history: tuple[float, ...]
    converged: bool

    @classmethod
    def of(
        cls, state: EntropyConstrainedState, info: EntropyConstrainedInfo, history: list[float], *, converged: bool
    ) -> EntropyConstrainedResult:
        """Return `state` and what was seen of it, without the codewords that nobody chose."""
        used = info.usage > 0
        return cls(
            codewords=state.codewords[used],
            lengths=state.lengths[used],
            usage=info.usage[used],
            multiplier=info.multiplier,
            distortion=info.distortion,
            entropy=info.entropy,
            history=tuple(history),
            converged=converged,
        )


@dataclass(frozen=True)
class EntropyConstrained:
    """Minimise `D + λ H` by turns over assignment, codewords and code lengths [chou1989entropy].

    A vector goes to `argmin_k ||x - c_k||² + λ l_k`; a codeword to the mean of its vectors; `l_k` becomes `-log2 p_k`, p the
    usage; codewords that nobody chose are dropped. None of these can raise `D + λ H`. Since `dD/dR = -2 θ ln 2` per bit at
    an error of θ per coordinate, `λ = 2 θ ln 2` leads to about that error at high rate. To hit a rate instead, take
    `EntropyBudget`.

    Attributes:
        multiplier: λ, squared error (summed over coordinates) that a bit is worth; 0 is Lloyd's algorithm.
        iterations: most updates.
        tolerance: stop when an update lowers the objective by less than this share of it; 0 stops when it no longer falls.

    Example:
        The codeword at 1.1 is worth less than its bits, and is dropped.

        >>> x = np.array([[0.0]] * 6 + [[1.0]] * 2 + [[9.0]] * 8)
        >>> result = EntropyConstrained(multiplier=1.0).fit(x, start=np.array([[0.0], [1.1], [9.0]]))
        >>> result.codewords.ravel().tolist(), result.entropy, result.distortion
        ([0.25, 9.0], 1.0, 0.09375)
    """

    multiplier: float
    iterations: int = 300
    tolerance: float = 1e-5

    def init(self, codewords: NDArray[Any], lengths: NDArray[np.float64] | None = None) -> EntropyConstrainedState:
        """Return the state that starts from `codewords` (K, d), of `lengths` (K,) bits or log2 K each."""
        equal = np.full(len(codewords), np.log2(len(codewords)))
        return EntropyConstrainedState(codewords, equal if lengths is None else lengths)

    def step(
        self, state: EntropyConstrainedState, x: NDArray[Any]
    ) -> tuple[EntropyConstrainedState, EntropyConstrainedInfo]:
        """Assign, then move every codeword to the mean of its vectors and let it cost what its usage says.

        Args:
            state: codewords (K, d) and lengths (K,).
            x: (N, d) finite vectors of the same dtype.

        Returns:
            The state without the codewords that nobody chose, and what the assignment to the old ones looked like.
        """
        info = assign(state, x, self.multiplier)
        return move(info, x), info

    def fit(
        self, x: NDArray[Any], start: NDArray[Any], lengths: NDArray[np.float64] | None = None
    ) -> EntropyConstrainedResult:
        """Run from `start` (K, d) until the tolerance is met or the iterations are used up.

        Args:
            x: (N, d) finite vectors, float32 or float64.
            start: (K, d) finite codewords.
            lengths: (K,) bits, or None for log2 K each.
        """
        state = self.init(np.ascontiguousarray(start, x.dtype), lengths)
        info = assign(state, x, self.multiplier)
        history = [info.objective]
        for _ in range(self.iterations):
            moved = move(info, x)
            seen = assign(moved, x, self.multiplier)
            if seen.objective >= history[-1]:
                # Rounding of the codewords can undo the last digit of an update: the better codewords stay.
                return EntropyConstrainedResult.of(state, info, history, converged=True)
            state, info = moved, seen
            history.append(info.objective)
            if history[-2] - history[-1] <= self.tolerance * history[-2]:
                return EntropyConstrainedResult.of(state, info, history, converged=True)
        return EntropyConstrainedResult.of(state, info, history, converged=False)


def assign(state: EntropyConstrainedState, x: NDArray[Any], multiplier: float) -> EntropyConstrainedInfo:
    """Return what `argmin_k ||x_n - c_k||² + λ l_k` looks like for x (N, d); exact, the lowest index on ties."""
    penalties = as_penalties(state.lengths, multiplier, x.dtype)
    indices, penalised = penalised_nearest(x, lifted(state.codewords, penalties))
    usage = np.bincount(indices, minlength=len(penalties)).astype(np.float64)
    # The penalty as it was added, root and rounding included, is what has to go again.
    paid = float(usage @ lifted(state.codewords, penalties)[:, -1].astype(np.float64) ** 2)
    distortion = max(0.0, float(penalised.sum(dtype=np.float64)) - paid) / len(x)
    return EntropyConstrainedInfo(
        indices, usage, multiplier, distortion, float(usage @ state.lengths) / len(x), entropy_bits(usage)
    )


def move(info: EntropyConstrainedInfo, x: NDArray[Any]) -> EntropyConstrainedState:
    """Return the mean of the vectors x (N, d) of each codeword, and -log2 of their share; unused codewords are dropped."""
    used = info.usage > 0
    usage = info.usage[used]
    means = cell_sums(x, None, info.indices, len(used))[used] / usage[:, None]
    return EntropyConstrainedState(means.astype(x.dtype), np.log2(len(x) / usage))


def as_penalties(lengths: NDArray[np.float64], multiplier: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return `λ l_k` (K,) in the float type of the codewords, a quarter of its largest number at most."""
    with np.errstate(over="ignore"):
        return np.minimum(multiplier * lengths, float(np.finfo(dtype).max) / 4).astype(dtype)


def lifted(codewords: NDArray[Any], penalties: NDArray[Any]) -> NDArray[Any]:
    """Return `(c_k, √penalty_k)` (K, d + 1): a vector `(x, 0)` is as far from it as `||x - c_k||² + penalty_k` says.

    So the certified search for the nearest codeword also settles a penalised distance.

    Args:
        codewords: (K, d).
        penalties: (K,) squared error, at least 0, of the same dtype.
    """
    return np.concatenate([codewords, np.sqrt(penalties)[:, None]], axis=1)


def penalised_nearest(x: NDArray[Any], table: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return `argmin_k ||x_n - c_k||² + penalty_k` (N,), and the minima (N,).

    Args:
        x: (N, d) finite vectors.
        table: (K, d + 1) codewords and penalties as `lifted` returns them, of the same dtype.
    """
    found = nearest_of_clean(np.concatenate([x, np.zeros((len(x), 1), x.dtype)], axis=1), table)
    return found.indices, found.squared_distances
