"""Expectations of `zador.theory.rate_point`."""

import math

import pytest

from zador.errors import UsageError
from zador.theory.rate_point import RatePoint


def test_a_rate_point_prints_its_units() -> None:
    """Whoever prints the pair sees what each number means."""
    assert str(RatePoint(2.0, 0.5, "measured")) == "2 bits per vector, squared error 0.5 (measured)"


def test_conversions_are_explicit() -> None:
    """Nats, per-coordinate values and decibels are asked for by name."""
    point = RatePoint(2.0, 0.5, "measured")
    assert point.rate_nats == pytest.approx(2 * math.log(2), rel=1e-15)
    assert point.per_dim(4) == (0.5, 0.125)
    assert point.gap_db(0.05) == pytest.approx(10.0, rel=1e-14)


@pytest.mark.parametrize(("rate", "distortion"), [(-1.0, 1.0), (1.0, -1.0), (math.nan, 1.0), (1.0, math.nan)])
def test_what_is_no_rate_or_distortion_is_refused(rate: float, distortion: float) -> None:
    """Negative numbers and NaN are nobody's rate."""
    with pytest.raises(UsageError, match="expected"):
        RatePoint(rate, distortion, "measured")


def test_a_gap_needs_a_positive_reference() -> None:
    """Decibels above zero error do not exist."""
    with pytest.raises(UsageError, match="above 0"):
        RatePoint(1.0, 1.0, "measured").gap_db(0.0)
