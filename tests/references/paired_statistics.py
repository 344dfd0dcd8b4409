"""Slow, obvious versions of paired statistics, sharing no code with zador."""

import itertools
from fractions import Fraction


def sign_flip_p(differences, *, one_sided=False):
    """Return the exact sign-flip p-value of numbers that are multiples of a power of two, in whole fractions."""
    exact = [Fraction(d) for d in differences]
    seen = sum(exact)
    hits = 0
    for signs in itertools.product((-1, 1), repeat=len(exact)):
        total = sum(sign * d for sign, d in zip(signs, exact, strict=True))
        hits += total >= seen if one_sided else abs(total) >= abs(seen)
    return hits / 2 ** len(exact)


def holm(p_values):
    """Return Holm's adjusted p-values, from his step-down procedure: the least level at which each test is rejected."""
    adjusted = []
    for p in p_values:
        at_most = [q for q in p_values if q <= p]
        # Rejected at a level iff every smaller one is rejected before it.
        adjusted.append(max(min(1.0, q * (len(p_values) - sorted(p_values).index(q))) for q in at_most))
    return adjusted


def probability_of_improvement(a, b):
    """Return the share of pairs of runs in which a is below b, ties counted half, averaged over data sets."""
    shares = []
    for first, second in zip(a, b, strict=True):
        wins = [1.0 if x < y else 0.5 if x == y else 0.0 for x in first for y in second]
        shares.append(sum(wins) / len(wins))
    return sum(shares) / len(shares)
