"""How a product quantizer shares out coordinates among its slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Slicing", "balanced_slices", "equal_slices"]


class Slicing(Protocol):
    """Coordinates, by their variances, to the columns of each slice."""

    def __call__(self, variances: NDArray[np.float64], slices: int, /) -> tuple[NDArray[np.int64], ...]:
        """Return `slices` ascending index arrays that together hold each of the D coordinates once."""


def equal_slices(variances: NDArray[np.float64], slices: int, /) -> tuple[NDArray[np.int64], ...]:
    """Return neighbouring coordinates in slices of D / slices, the first ones longer by one if that is no whole number.

    Neighbours of pictures and sounds are correlated, which a codebook over them exploits. Source: jegou2011product.

    >>> [part.tolist() for part in equal_slices(np.ones(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    return tuple(np.array_split(np.arange(len(variances)), slices))


def balanced_slices(variances: NDArray[np.float64], slices: int, /) -> tuple[NDArray[np.int64], ...]:
    """Return slices of the same length with nearly the same product of variances: eigenvalue allocation [ge2013optimized].

    Coordinates are taken by falling variance, each by the slice with the smallest product so far that has room. For
    independent Gaussian coordinates equal products are what equal rates on the slices call for.

    >>> [part.tolist() for part in balanced_slices(np.array([8.0, 4.0, 2.0, 1.0]), 2)]
    [[0, 3], [1, 2]]
    """
    room = [len(part) for part in np.array_split(np.arange(len(variances)), slices)]
    # A coordinate that does not vary must not draw all later ones into its slice: it counts as a very small variance.
    logs = np.log(np.maximum(variances, 1e-12 * max(float(variances.max()), np.finfo(float).tiny)))
    logs -= logs.min()
    members: list[list[int]] = [[] for _ in range(slices)]
    product = np.zeros(slices)
    for column in np.argsort(-variances, kind="stable"):
        open_slices = [s for s in range(slices) if len(members[s]) < room[s]]
        chosen = min(open_slices, key=lambda s: (product[s], s))
        members[chosen].append(int(column))
        product[chosen] += logs[column]
    return tuple(np.array(sorted(part), np.int64) for part in members)
