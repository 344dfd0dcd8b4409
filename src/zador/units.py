"""Conversions between the units in which rate and distortion are stated.

Rates and entropies are in **bits per vector** everywhere in zador; nats only where a name ends in `_nats`. Squared error
is **summed over coordinates**; a mean over coordinates is always called `..._per_dim`.
"""

from __future__ import annotations

import math

__all__ = ["NATS_PER_BIT", "decibels", "to_bits", "to_nats"]

NATS_PER_BIT = math.log(2.0)


def to_bits(nats: float) -> float:
    """Return `nats / ln 2`.

    >>> round(to_bits(1.0), 4)
    1.4427
    """
    return nats / NATS_PER_BIT


def to_nats(bits: float) -> float:
    """Return `bits * ln 2`."""
    return bits * NATS_PER_BIT


def decibels(ratio: float) -> float:
    """Return `10 log10(ratio)` of a ratio of powers (of squared errors); 0 gives `-inf`.

    >>> decibels(100.0)
    20.0
    """
    return 10.0 * math.log10(ratio) if ratio > 0 else -math.inf
