"""One promise over every method that yields K points: Shannon <= K-point floor <= what it measures on fresh vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zador.studies.comparison.method import Room
from zador.studies.comparison.methods import METHODS
from zador.theory import gaussian, kpoint

DIM, BITS = 4, 4
FITTED, FRESH = 20_000, 50_000
ROOM = Room(distinct=FITTED, dim=DIM)
FIXED_RATE = [method for method in METHODS if not method.entropy_coded and method.serves(BITS, ROOM)]


@pytest.fixture(name="fresh", scope="module")
def _fresh():
    return np.random.default_rng(1).standard_normal((FRESH, DIM))


def test_the_floor_is_above_shannon():
    """The floor for 16 points in 4 dimensions is a third above D(R), and enclosed."""
    floor = kpoint.lower_bound(np.ones(DIM), 1 << BITS)
    assert floor.certified
    assert floor.distortion > 1.3 * gaussian.distortion_rate(np.ones(DIM), float(BITS))


@pytest.mark.parametrize("method", FIXED_RATE, ids=[method.name for method in FIXED_RATE])
def test_no_fixed_rate_method_gets_below_the_floor(method, fresh):
    """Fitted to 20,000 Gaussian vectors and measured on 50,000 others, within three standard errors."""
    x = np.random.default_rng(0).standard_normal((FITTED, DIM))
    quantizer = method.fit(x, BITS, 0)
    errors = np.square(fresh - quantizer.decode(quantizer.encode(fresh))).sum(axis=1)
    size = math.prod(quantizer.sizes)
    floor = kpoint.lower_bound(np.ones(DIM), size).distortion
    assert errors.mean() + 3 * errors.std() / math.sqrt(FRESH) >= floor
