"""Gaps to a limit, in decibels and bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zador import metrics
from zador.errors import UsageError
from zador.theory.gaussian import distortion_rate


@pytest.mark.parametrize(("measured", "reference", "gap"), [(2.0, 1.0, 3.0103), (1.37, 1.0, 1.3672), (1.0, 10.0, -10.0)])
def test_gap_in_decibels(measured, reference, gap):
    """Twice the error is 3.01 dB, 37 % more is 1.37 dB, a tenth is -10 dB."""
    assert metrics.gap_db(measured, reference) == pytest.approx(gap, abs=5e-5)


def test_no_distortion_is_infinitely_far_below():
    """An error of 0 is minus infinity decibels."""
    assert metrics.gap_db(0.0, 1.0) == -math.inf


@given(st.floats(0.0, 12.0), st.floats(0.0, 5.0))
def test_bits_at_the_bound(bits, wasted):
    """A code on the bound has as many effective bits as it spends; what it spends beyond is its gap."""
    spectrum = np.geomspace(4, 0.25, 6)
    on_the_bound = distortion_rate(spectrum, bits)
    # R(D(R)) = R to within about 1e-13 for six axes and a dozen bits.
    assert metrics.effective_bits(spectrum, on_the_bound) == pytest.approx(bits, abs=1e-12)
    assert metrics.gap_bits(spectrum, on_the_bound, bits + wasted) == pytest.approx(wasted, abs=1e-12)


def test_a_collapsed_encoder_shows():
    """An error of 98 % of the variance is worth hundredths of a bit, whatever log2 K says."""
    assert 0 < metrics.effective_bits([1.0] * 4, 0.98 * 4) < 0.06
    assert metrics.effective_bits([1.0] * 4, 5.0) == 0.0


@pytest.mark.parametrize(("measured", "reference"), [(-1.0, 1.0), (1.0, 0.0), (math.nan, 1.0), (1.0, math.inf)])
def test_mistakes_are_named(measured, reference):
    """Distortions are not negative and a reference is positive."""
    with pytest.raises(UsageError, match="gap_db"):
        metrics.gap_db(measured, reference)
