"""Levels for axes, against every allocation there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zador.codebooks import allocate_levels
from zador.quantizers.allocation import allocate
from zador.theory import scalar

GAUSSIAN = np.array([scalar.lloyd_max("gaussian", n).distortion for n in range(1, 65)])


def least_error(distortions, bits):
    """Try every allocation."""
    best = np.inf
    for chosen in itertools.product(*(range(len(errors)) for errors in distortions)):
        if sum(np.log2(n + 1) for n in chosen) <= bits + 1e-9:
            best = min(best, sum(errors[n] for errors, n in zip(distortions, chosen, strict=True)))
    return best


def spent(levels):
    return float(np.log2(levels).sum())


def error(distortions, levels):
    return sum(errors[n - 1] for errors, n in zip(distortions, levels, strict=True))


@given(
    seed=st.integers(0, 2**32 - 1),
    axes=st.integers(1, 4),
    share=st.floats(0, 1.2),
    kind=st.sampled_from(["any", "gaussian"]),
)
@settings(max_examples=80)
def test_no_allocation_is_better(seed, axes, share, kind):
    """Whatever the errors of each axis: the budget is kept, and no other whole numbers within it have less error."""
    rng = np.random.default_rng(seed)
    falls = [np.minimum.accumulate(np.append(1.0, rng.random(6) ** rng.integers(1, 5))) for _ in range(axes)]
    distortions = [(GAUSSIAN[:7] if kind == "gaussian" else fall) * rng.exponential() for fall in falls]
    bits = share * axes * np.log2(7)
    levels, _ = allocate(distortions, bits)
    assert spent(levels) <= bits + 1e-8
    assert error(distortions, levels) == pytest.approx(least_error(distortions, bits), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("axes", "ratio", "bits"), [(16, 0.01, 24.0), (128, 0.001, 300.7), (300, 1e-4, 128.0)])
def test_many_axes_come_close_to_the_bound_of_all_allocations(axes, ratio, bits):
    """With many axes of different variance, what whole numbers of levels cost over fractions of them is below 0.2 %."""
    distortions = [GAUSSIAN * variance for variance in np.geomspace(1, ratio, axes)]
    levels, price = allocate(distortions, bits)
    cost = np.log2(np.arange(1, 65))
    bound = sum((errors + price * cost).min() for errors in distortions) - price * bits
    assert bits - 0.1 < spent(levels) <= bits + 1e-9
    assert bound <= error(distortions, levels) <= 1.002 * bound


@pytest.mark.parametrize("size", [2, 16, 100])
def test_it_agrees_with_the_grid_of_a_codebook(size):
    """For Gaussian axes and a whole number of codewords it is as good as the dynamic program of the Lloyd-Max grid."""
    variances = np.geomspace(4.0, 0.25, 6)
    grid = allocate_levels(variances, size)
    theirs = sum(v * GAUSSIAN[n - 1] for v, n in zip(variances, (*grid, *[1] * (6 - len(grid))), strict=True))
    ours, _ = allocate([GAUSSIAN * v for v in variances], np.log2(size))
    assert error([GAUSSIAN * v for v in variances], ours) == pytest.approx(theirs, rel=1e-9)


def test_an_axis_that_needs_four_levels_at_once_gets_them():
    """Four equal heaps gain least from the third level; a step at a time would stop before it."""
    heaps = np.array([1.25, 0.5, 0.45, 0.0])
    assert allocate([heaps, GAUSSIAN[:8] * 0.5], 3.0)[0] == (4, 2)


def test_no_bits_and_too_many():
    """Without bits every axis has one level; with more than all levels cost, each has as many as still help."""
    distortions = [GAUSSIAN[:4], np.array([1.0, 0.0, 0.0, 0.0])]
    assert allocate(distortions, 0.0)[0] == (1, 1)
    assert allocate(distortions, 100.0)[0] == (4, 2)
