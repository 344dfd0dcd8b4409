"""Lattices with fast exact decoders: whole numbers of even sum, and unions of their translates by halves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.search.threads import in_threads
from zador.theory import high_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BW16", "D4", "E8", "LATTICES", "Lattice", "Z"]


@dataclass(frozen=True)
class Lattice:
    """`Λ = ∪_c (c/2 + y)`, y ∈ Zⁿ, of even sum (the checkerboard lattice D_n) if `even`; c from a binary code of length n.

    The integers, D4, E8 [conway1982voronoi] and the Barnes-Wall lattice in 16 dimensions are all of this form
    [conway1999sphere, ch. 4 and 20].

    Attributes:
        name: how a file calls it.
        dim: n.
        even: whether the whole numbers y have an even sum.
        code: words c of n bits, the first one all zeros.

    Example:
        >>> E8.nearest(np.array([[0.6, 0.4, 0.5, 0.5, 0.7, 0.5, 0.4, 0.3]])).tolist()
        [[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]]
        >>> E8.volume, round(E8.second_moment, 6)
        (1.0, 0.071682)
    """

    name: str
    dim: int
    even: bool
    code: tuple[tuple[int, ...], ...]

    @property
    def volume(self) -> float:
        """Volume of a cell."""
        return (2.0 if self.even else 1.0) / len(self.code)

    @property
    def second_moment(self) -> float:
        """Normalized second moment per dimension G; the error of a step s is `G s² volume^(2/n)` per coordinate."""
        return high_rate.lattice_constant(self.dim)

    def nearest(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return the lattice points (N, n) nearest to x (N, n); ties go to the first word, and there round up."""
        points = np.ascontiguousarray(x, np.float64)
        free = np.full(self.dim, np.inf)
        words, whole = self.nearest_between(points, -free, free)
        return whole + self.shifts[words]

    def nearest_between(
        self, x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the words (N,) and whole numbers y (N, n), `low <= y <= high`, of the nearest such lattice points.

        The decoder of Conway and Sloane [conway1982fast], word by word: round every coordinate into its range; if the sum
        has to be even and is odd, move the one coordinate that minds least to its next whole number within the range.
        Ranges only make two neighbours one, so what is best without them is best with them.

        Args:
            x: (N, n) C-contiguous.
            low: (n,) whole numbers or -inf.
            high: (n,) whole numbers or inf; one coordinate at least has room for two if `even`.
        """
        words, whole = np.empty(len(x), np.int64), np.empty(x.shape, np.int64)
        code = np.array(self.code, np.int64)

        def work(start: int, stop: int) -> None:
            _nearest(x[start:stop], code, self.even, low, high, words[start:stop], whole[start:stop])

        in_threads(work, len(x))
        return words, whole

    @cached_property
    def shifts(self) -> NDArray[np.float64]:
        """(words, n) halves: c/2."""
        return np.array(self.code, np.float64) / 2


def _reed_muller() -> tuple[tuple[int, ...], ...]:
    """Return the 32 words of the first-order Reed-Muller code of length 16: affine functions of four bits."""
    points = list(itertools.product((0, 1), repeat=4))
    return tuple(
        tuple((constant + sum(a * b for a, b in zip(slope, point, strict=True))) % 2 for point in points)
        for slope in itertools.product((0, 1), repeat=4)
        for constant in (0, 1)
    )


Z = Lattice("Z", 1, even=False, code=((0,),))
D4 = Lattice("D4", 4, even=True, code=((0,) * 4,))
E8 = Lattice("E8", 8, even=True, code=((0,) * 8, (1,) * 8))
BW16 = Lattice("BW16", 16, even=True, code=_reed_muller())
LATTICES = {lattice.name: lattice for lattice in (Z, D4, E8, BW16)}


@njit(nogil=True, cache=True)
def _nearest(x: Any, code: Any, even: bool, low: Any, high: Any, words: Any, whole: Any) -> None:  # noqa: FBT001
    dim = x.shape[1]
    options = np.empty((4, dim, 2))
    rounded, squared, price, move = options
    for row in range(x.shape[0]):
        _weigh(x[row], low, high, options)
        best = np.inf
        for word in range(code.shape[0]):
            total, parity, least, place = 0.0, 0.0, np.inf, -1
            for i in range(dim):
                half = code[word, i]
                total += squared[i, half]
                parity += rounded[i, half]
                if price[i, half] < least:
                    least, place = price[i, half], i
            odd = even and parity % 2.0 != 0.0
            total += least if odd else 0.0
            if total < best:
                best, words[row] = total, word
                for i in range(dim):
                    whole[row, i] = np.int64(rounded[i, code[word, i]])
                if odd:
                    whole[row, place] += np.int64(move[place, code[word, place]])


@njit(nogil=True, cache=True, inline="always")
def _weigh(x: Any, low: Any, high: Any, options: Any) -> None:
    """Write for every coordinate, as it is and less a half: whole number, squared error, and the price of its neighbour."""
    rounded, squared, price, move = options
    for i in range(x.shape[0]):
        for half in range(2):
            wanted = x[i] - 0.5 * half
            near = min(max(np.floor(wanted + 0.5), low[i]), high[i])
            error = wanted - near
            step = 1.0 if error >= 0.0 else -1.0
            if not low[i] <= near + step <= high[i]:
                step = -step
            rounded[i, half], squared[i, half], move[i, half] = near, error * error, step
            price[i, half] = 1.0 - 2.0 * step * error if low[i] <= near + step <= high[i] else np.inf
