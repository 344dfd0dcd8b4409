"""Warnings that limits and measurements share: said when due, and not otherwise."""

from __future__ import annotations

import math

import pytest

from zador.errors import UsageError
from zador.theory.cautions import floor_warnings, measured_warnings, sample_warnings
from zador.theory.kpoint import KPointBound


@pytest.mark.parametrize(
    ("measured", "error", "lines"), [(2.0, 0.0, 0), (1.999, 0.0, 2), (1.9, 0.05, 0), (1.89, 0.05, 2), (0.4, 0.0, 1)]
)
def test_below_the_floor_beyond_the_standard_error(measured, error, lines):
    """At the floor and within two standard errors nothing is said; four coordinates may explain down to a quarter of it."""
    said = measured_warnings(measured, floor=2.0, dim=4, standard_error=error)
    assert len(said) == lines
    assert all(word in " ".join(said) for word in ("below the K-point floor", "units or leakage?")[: lines > 0])


def test_a_mean_over_coordinates_is_suspected_only_of_several():
    """One coordinate has no mean; four whose sum is above the floor do."""
    assert len(measured_warnings(1.0, floor=2.0, dim=1)) == 1
    assert "a mean over coordinates?" in measured_warnings(0.5, floor=2.0, dim=4)[1]
    assert len(measured_warnings(0.4999, floor=2.0, dim=4)) == 1


def test_an_unknown_standard_error_accuses_nobody():
    """A single vector has no standard error, and proves nothing."""
    assert measured_warnings(0.0, floor=2.0, dim=4, standard_error=math.nan) == ()


def test_ten_samples_a_dimension_are_enough():
    """Ten times d is the boundary; it is enough."""
    assert sample_warnings(640, 64) == ()
    assert sample_warnings(639, 64)[0].startswith("covariance from n = 639 < 10 d = 640 samples")


def test_a_certified_floor_needs_no_word():
    """An estimate is called one."""
    assert floor_warnings(KPointBound(1.0, certified=True, how="radial prices")) == ()
    assert "(Monte Carlo)" in floor_warnings(KPointBound(1.0, certified=False, how="Monte Carlo"))[0]


@pytest.mark.parametrize("wrong", [{"measured": -1.0}, {"measured": math.nan}, {"floor": -1.0}, {"dim": 0}])
def test_mistakes_are_named(wrong):
    """Distortions are at least 0, a dimension at least 1."""
    arguments = {"measured": 1.0, "floor": 1.0, "dim": 1, **wrong}
    with pytest.raises(UsageError, match=next(iter(wrong))):
        measured_warnings(arguments.pop("measured"), **arguments)
    with pytest.raises(UsageError, match="count"):
        sample_warnings(0, 1)
