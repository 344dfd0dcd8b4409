"""How many of the true nearest neighbours a search has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError
from zador.validation import is_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["recall"]

_BLOCK_ELEMENTS = 1 << 22


def recall(found: Any, truth: Any) -> float:
    """Return the mean over queries of `|found ∩ truth| / t`: the share of the t true neighbours that are among the k found.

    The literature has two numbers of this name. With t = 1 this is the recall@k of product quantization [jegou2011product],
    also "1-recall@k": how often the nearest one is among k. With t = k it is the recall@k of benchmarks of approximate
    search, "k-recall@k". They differ; say which.

    Args:
        found: (Q, k) whole numbers of base vectors, `Found.indices` of a search; -1 stands for nothing found.
        truth: (Q, t) those of an exact search, `Found.indices` of `nearest_neighbours`.

    Returns:
        From 0 to 1; at most k / t.

    Raises:
        DataError: no whole numbers, other shapes, no queries, or a number twice in a row of `truth`.

    >>> recall([[4, 7], [1, 2]], [[7], [3]])
    0.5
    >>> recall([[4, 7], [1, 2]], [[7, 4], [3, 2]])
    0.75
    """
    answers, neighbours = _as_numbers(found, "found"), _as_numbers(truth, "truth")
    if len(answers) != len(neighbours) or answers.size == 0 or neighbours.size == 0:
        raise DataError(
            f"recall: expected found (Q, k) and truth (Q, t) of the same Q >= 1 queries, got {answers.shape} and "
            f"{neighbours.shape}"
        )
    ordered = np.sort(neighbours, axis=1)
    doubled = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1) | (ordered[:, 0] < 0))
    if len(doubled):
        raise DataError(
            f"truth: row {doubled[0]} is {neighbours[doubled[0]].tolist()!s:.80}, expected different numbers of at least 0; "
            "pass the result of an exact search"
        )
    hits = 0
    step = max(1, _BLOCK_ELEMENTS // (answers.shape[1] * neighbours.shape[1]))
    for start in range(0, len(answers), step):
        here = slice(start, start + step)
        hits += int((neighbours[here, :, None] == answers[here, None, :]).any(axis=2).sum())
    return hits / neighbours.size


def _as_numbers(array: Any, name: str) -> NDArray[Any]:
    try:
        numbers = np.asarray(array.detach().cpu() if is_torch(array) else array)
    except ValueError:
        raise DataError(f"{name}: expected one row of numbers a query, all of one length") from None
    if numbers.ndim != 2 or numbers.dtype.kind not in "iu":  # noqa: PLR2004 - queries by neighbours
        raise DataError(
            f"{name}: expected whole numbers, one row a query, got {numbers.dtype} of shape {numbers.shape}; pass the "
            "indices of a search"
        )
    return numbers
