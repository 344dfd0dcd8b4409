"""The sign-flip test: if neither arm is better, every paired difference may as well have had the other sign.

p = share of all 2^n choices of signs whose sum is at least as far out as the one seen; exact for any distribution that is
symmetric about zero under the null hypothesis, whatever its tails.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from zador.validation import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["sign_flip_p", "signed_ranks"]

_EXACT = 14
_FLIPS = 20_000
_CELLS = 1 << 22
_ROUNDING = 1e-12  # of the sum of magnitudes: sums that are equal but for the order of their terms


def sign_flip_p(differences: NDArray[np.float64], *, one_sided: bool = False, seed: int | np.random.Generator = 0) -> float:
    """Return the p-value of "the differences are symmetric about zero".

    All 2^n sign patterns are gone through for up to 14 differences; beyond, 20,000 random ones, and p = (1 + hits) / 20,001.

    Args:
        differences: (n,) finite numbers, one a pair.
        one_sided: against a sum above zero only, instead of one on either side.
        seed: of the random patterns; not used where all are gone through.

    >>> sign_flip_p(np.array([1.0, 2.0, 1.5, 3.0, 0.5]))
    0.0625
    >>> sign_flip_p(np.zeros(5))
    1.0
    """
    count = len(differences)
    least = float(differences.sum()) if one_sided else abs(float(differences.sum()))
    least -= _ROUNDING * float(np.abs(differences).sum())
    patterns = [_every_pattern(count)] if count <= _EXACT else _random_patterns(count, generator(seed))
    hits = seen = 0
    for signs in patterns:
        sums = signs @ differences
        hits += int(np.count_nonzero((sums if one_sided else np.abs(sums)) >= least))
        seen += len(sums)
    return hits / seen if count <= _EXACT else (hits + 1) / (seen + 1)


def signed_ranks(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sign(d) times the rank of |d| (wilcoxon1945individual); a pair of equals has sign 0 (pratt1959remarks).

    Infinite differences, of pairs in which one run failed, share the top ranks.

    >>> signed_ranks(np.array([0.5, -np.inf, 0.0, 0.1]))
    array([ 3., -4.,  0.,  2.])
    """
    return np.asarray(np.sign(differences) * rankdata(np.abs(differences)), np.float64)


@lru_cache(maxsize=_EXACT + 1)
def _every_pattern(count: int) -> NDArray[np.float64]:
    bits = (np.arange(1 << count)[:, None] >> np.arange(count)) & 1
    return np.asarray(2.0 * bits - 1.0, np.float64)


def _random_patterns(count: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    rows = max(1, _CELLS // count)
    for start in range(0, _FLIPS, rows):
        signs = rng.integers(0, 2, (min(rows, _FLIPS - start), count), dtype=np.int8)
        yield np.asarray(2.0 * signs - 1.0, np.float64)
