"""One-sided questions about a difference: above a number, below it, within a margin, beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from zador.errors import UsageError
from zador.studies.statistics.difference import reversed_arms
from zador.studies.statistics.interval import FEW, interval_of_mean, is_constant
from zador.studies.statistics.sign_flips import sign_flip_p, signed_ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.studies.statistics.difference import Difference

__all__ = ["Equivalence", "above", "below", "equivalent"]


@dataclass(frozen=True)
class Equivalence:
    """Whether a difference is too small to matter.

    Attributes:
        margin: what is too small to matter, in the metric's own unit.
        p: of "the difference is the margin or more" (two one-sided tests); small where the arms are shown to be equal.
        p_beyond: of "the difference is the margin or less"; small where they are shown not to be.
        low: lower end of the interval that lies within the margin when the arms are equal: of confidence 1 - 2 alpha.
        high: upper end.
    """

    margin: float
    p: float
    p_beyond: float
    low: float
    high: float


def above(
    difference: Difference, threshold: float | NDArray[np.float64] = 0.0, *, seed: int | np.random.Generator = 0
) -> float:
    """Return the p-value of "the mean difference is `threshold` or less"; NaN for a single pair.

    The same tests as those of `compare`, on the side above alone.

    Args:
        difference: from `compare`.
        threshold: in the metric's own unit, one number or one a pair: `above(compare(a, b), 0.01 * b)` asks whether a is
            more than 1 % above b without taking the mean of b for known.
        seed: of random sign flips.

    >>> from zador.studies.statistics import compare
    >>> above(compare([3.0, 3.1, 3.0, 3.2], [2.0, 2.0, 2.1, 2.0]), 0.5) < 0.05
    True
    """
    shifted = np.asarray(difference.differences) - threshold
    if len(shifted) == 1:
        return float("nan")
    if difference.failures:
        return sign_flip_p(signed_ranks(shifted), one_sided=True, seed=seed)
    if len(shifted) < FEW and not is_constant(np.asarray(difference.differences)):
        return float(stats.ttest_1samp(shifted, 0.0, alternative="greater").pvalue)
    return sign_flip_p(shifted, one_sided=True, seed=seed)


def below(
    difference: Difference, threshold: float | NDArray[np.float64] = 0.0, *, seed: int | np.random.Generator = 0
) -> float:
    """Return the p-value of "the mean difference is `threshold` or more"; NaN for a single pair. Arguments as of `above`."""
    return above(reversed_arms(difference), -threshold, seed=seed)


def equivalent(
    difference: Difference, margin: float, *, alpha: float = 0.05, seed: int | np.random.Generator = 0
) -> Equivalence:
    """Return whether `-margin < mean difference < margin` is shown: two one-sided tests (schuirmann1987comparison).

    A difference that is not resolved is no equality; this is the test that shows one. A run that failed has no value to be
    equal to: where one did, nothing is shown, and p = 1.

    Args:
        difference: from `compare`.
        margin: in the metric's own unit.
        alpha: level of the tests, for the interval.
        seed: of bootstrap and random sign flips.

    Raises:
        UsageError: the margin is not positive and finite.

    >>> from zador.studies.statistics import compare
    >>> same = equivalent(compare([3.0, 3.1, 3.0, 3.2], [3.0, 3.1, 3.1, 3.1]), 0.5)
    >>> same.p < 0.05 < same.p_beyond
    True
    """
    if not 0 < margin < np.inf:
        raise UsageError(f"margin: expected a positive number in the metric's own unit, got {margin!r}")
    over, under = above(difference, margin, seed=seed), below(difference, -margin, seed=seed)
    p_beyond = min(1.0, 2 * min(over, under))
    if difference.failures:
        return Equivalence(margin, 1.0, p_beyond, difference.low, difference.high)
    p = max(above(difference, -margin, seed=seed), below(difference, margin, seed=seed))
    low, high, _ = interval_of_mean(np.asarray(difference.differences), 1 - 2 * alpha, seed)
    return Equivalence(margin, p, p_beyond, low, high)
