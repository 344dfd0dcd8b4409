"""Where randomness comes from: a seed or a generator that the caller names, never a global one."""

from __future__ import annotations

import numpy as np

from zador.errors import UsageError

__all__ = ["generator"]


def generator(seed: int | np.random.Generator) -> np.random.Generator:
    """Return `numpy.random.default_rng(seed)`; a generator is handed through and advances.

    Raises:
        UsageError: neither a whole number >= 0 nor a generator. None is refused: an unnamed seed cannot be repeated.

    >>> int(generator(42).integers(100))
    8
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0:
        return np.random.default_rng(int(seed))
    raise UsageError(f"seed: expected a whole number >= 0 or a numpy.random.Generator, got {seed!r}")
