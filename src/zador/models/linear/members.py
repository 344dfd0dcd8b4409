"""The data of a stack: one matrix for every member, or one that all share without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.validation import as_count, as_vectors, is_torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["as_members", "as_seeds", "each_once"]

_MATRIX, _STACK = 2, 3


def as_seeds(seeds: Sequence[int]) -> list[int]:
    """Return the seeds, one a member.

    Raises:
        UsageError: not a sequence, empty, or not whole numbers of at least 0.
    """
    if not isinstance(seeds, Sequence | np.ndarray) or len(seeds) == 0:
        raise UsageError(f"seeds: expected at least one whole number in a sequence, got {seeds!r}; for one seed write [42]")
    return [as_count(seed, "seeds", least=0) for seed in seeds]


def as_members(x: Any, members: int, name: str) -> list[NDArray[Any]]:
    """Return `members` finite matrices (N, D) float32 or float64; float arrays keep their memory.

    Args:
        x: (S, N, D), or one (N, D) that all members share, or a sequence of S matrices (N, D): arrays or CPU tensors.
        members: S.
        name: what the caller calls it, for the message.

    Raises:
        DataError: another number of matrices, no numbers, no vectors, or different D.
        NonFiniteError: NaN or infinity.
    """
    given = x if is_torch(x) or isinstance(x, np.ndarray) or (len(x) and np.ndim(x[0]) == _MATRIX) else np.asarray(x)
    axes = _STACK if isinstance(given, list | tuple) else given.ndim
    if axes == _MATRIX:
        matrices = [as_vectors(given, name)] * members
    elif axes == _STACK and len(given) == members:
        matrices = each_once(list(given), lambda matrix: as_vectors(matrix, name))
    else:
        got = f"{len(given)} matrices" if isinstance(given, list | tuple) else f"shape {tuple(given.shape)}"
        raise DataError(f"{name}: expected (N, D) for all, or {members} of it (one for each seed), got {got}")
    dims = sorted({matrix.shape[1] for matrix in matrices})
    if len(dims) > 1 or min(map(len, matrices)) == 0:
        raise DataError(f"{name}: expected at least one vector of one length D for each seed, got D of {dims}")
    return matrices


def each_once(matrices: list[Any], work: Callable[[Any], Any]) -> list[Any]:
    """Return `work(matrix)` for each, computed once for a matrix that several members share."""
    done: dict[int, Any] = {}
    for matrix in matrices:
        if id(matrix) not in done:
            done[id(matrix)] = work(matrix)
    return [done[id(matrix)] for matrix in matrices]
