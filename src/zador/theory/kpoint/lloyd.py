"""Lloyd's algorithm on weighted nodes: codebooks to hold a floor against. Codebooks for use are fitted elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zador.theory.kpoint.particles import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.kpoint.nodes import Nodes

    Matrix = NDArray[np.float64]

__all__ = ["Run", "best_of_starts", "lloyd"]

_STEPS = 50


class Run(NamedTuple):
    """Where Lloyd's algorithm ended.

    Attributes:
        codebook: (K, d).
        distortion: on the nodes, before the last step.
    """

    codebook: Matrix
    distortion: float


def lloyd(nodes: Nodes, codebook: Matrix) -> Run:
    """Return the codebook after 50 steps; a codeword that no node is nearest to starts anew where the error is largest.

    Args:
        nodes: all mirror images spelled out.
        codebook: (K, d) to start from.
    """
    distortion = np.inf
    for _ in range(_STEPS):
        squared, index = (column[:, 0] for column in nearest(nodes.x, codebook, 1))
        distortion = float(nodes.weights @ squared)
        mass = np.bincount(index, nodes.weights, len(codebook))
        sums = np.stack([np.bincount(index, nodes.weights * axis, len(codebook)) for axis in nodes.x.T], axis=1)
        empty = mass == 0
        codebook = sums / np.where(empty, 1.0, mass)[:, None]
        codebook[empty] = nodes.x[np.argsort(-nodes.weights * squared, kind="stable")[: empty.sum()]]
    return Run(codebook, distortion)


def best_of_starts(nodes: Nodes, size: int, starts: int, rng: np.random.Generator) -> Matrix:
    """Return the (K, d) best codebook of a few runs from k-means++ starts.

    Args:
        nodes: all mirror images spelled out.
        size: K, at most the number of nodes.
        starts: number of runs.
        rng: draws the starts.
    """
    runs = [lloyd(nodes, _plus_plus(nodes, size, rng)) for _ in range(starts)]
    return min(runs, key=lambda run: run.distortion).codebook


def _plus_plus(nodes: Nodes, size: int, rng: np.random.Generator) -> Matrix:
    chosen = [int(rng.choice(len(nodes.x), p=nodes.weights))]
    closest = np.full(len(nodes.x), np.inf)
    while len(chosen) < size:
        closest = np.minimum(closest, np.square(nodes.x - nodes.x[chosen[-1]]).sum(axis=1))
        wanted = nodes.weights * closest
        total = wanted.sum()
        # Where every node is a codeword already, any is as good.
        chosen.append(int(rng.choice(len(nodes.x), p=wanted / total if total > 0 else nodes.weights)))
    return nodes.x[chosen]
