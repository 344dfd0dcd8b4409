"""Reverse water-filling: known values, a slow reference, and the laws of a rate-distortion function."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from references import water_filling
from zador.errors import DataError, NonFiniteError, UsageError
from zador.theory.gaussian import (
    distortion_rate,
    isotropic,
    rate_distortion,
    reproduction_variances,
    slope,
    water_level,
)

EPS = float(np.finfo(np.float64).eps)
WORKED = [4.0, 2.0, 1.0, 0.25]

variances = st.one_of(st.just(0.0), st.floats(1e-8, 1e4))
spectra = st.lists(variances, min_size=1, max_size=8).filter(any)
rates = st.floats(0.0, 40.0)


def bits_tolerance(spectrum, bits):
    """Each of d logarithms is off by eps of its size, and so is the rate: eight roundings of the sum are allowed."""
    logs = max(abs(math.log2(v)) for v in spectrum if v > 0)
    return 8 * EPS * len(spectrum) * (1 + logs + bits)


def relative_tolerance(spectrum, bits):
    """An error of the rate shows in θ as 2 ln 2 / k <= 1.4 times as much."""
    return 1.4 * bits_tolerance(spectrum, bits)


@pytest.mark.parametrize(
    ("spectrum", "bits", "level", "distortion"),
    [
        (WORKED, 3.0, 0.5, 1.75),
        (WORKED, 4.0, 0.5 / 2 ** (2 / 3), 0.25 + 1.5 / 2 ** (2 / 3)),
        (WORKED, 6.0, 2**0.25 / 8, 2**0.25 / 2),
        ([8.0, 1.0, 0.3, 0.1], 3.0, math.sqrt(8) / 8, 0.4 + math.sqrt(8) / 4),
        ([3.0, 3.0], 2.0, 0.75, 1.5),
        ([2.0, 0.0, 0.0], 1.0, 0.5, 0.5),
    ],
)
def test_worked_by_hand(spectrum, bits, level, distortion):
    """Level and distortion are the ones that pencil and paper give."""
    assert water_level(spectrum, bits) == pytest.approx(level, rel=relative_tolerance(spectrum, bits))
    assert distortion_rate(spectrum, bits) == pytest.approx(distortion, rel=relative_tolerance(spectrum, bits))


@pytest.mark.parametrize(
    ("spectrum", "bits", "printed"),
    [(WORKED, 4, 1.1949), (WORKED, 6, 0.5946), ([8, 1, 0.3, 0.1], 3, 1.1071), (np.geomspace(4, 0.25, 6), 5, 1.8994)],
)
def test_printed_values(spectrum, bits, printed):
    """D(R) rounds to the four decimals that were computed elsewhere."""
    assert distortion_rate(spectrum, bits) == pytest.approx(printed, abs=5e-5)


@given(spectra, rates)
def test_agrees_with_bisection(spectrum, bits):
    """The closed form is the 50-digit bisection, to rounding."""
    expected = water_filling.distortion_rate(spectrum, bits)
    assert distortion_rate(spectrum, bits) == pytest.approx(expected, rel=relative_tolerance(spectrum, bits))


@given(spectra, rates)
def test_rate_of_the_distortion_is_the_rate(spectrum, bits):
    """R(D(R)) = R."""
    assert rate_distortion(spectrum, distortion_rate(spectrum, bits)) == pytest.approx(
        bits, abs=4 * bits_tolerance(spectrum, bits)
    )


@given(spectra, rates, rates)
def test_falls(spectrum, one, other):
    """More bits never mean more distortion."""
    low, high = sorted((one, other))
    assert distortion_rate(spectrum, high) <= distortion_rate(spectrum, low) * (1 + relative_tolerance(spectrum, high))


@given(spectra, rates, rates)
def test_convex(spectrum, one, other):
    """D at the middle of two rates is at most the middle of the two D."""
    ends = 0.5 * (distortion_rate(spectrum, one) + distortion_rate(spectrum, other))
    middle = distortion_rate(spectrum, 0.5 * (one + other))
    assert middle <= ends * (1 + relative_tolerance(spectrum, max(one, other)))


@given(spectra, st.floats(0.5, 20.0))
def test_slope_is_minus_twice_the_level(spectrum, bits):
    """dD/dR = -2 θ ln 2 per bit lies between the secants to either side, as it must for a convex function."""
    step = 0.25
    at, left, right = (distortion_rate(spectrum, bits + shift) for shift in (0.0, -step, step))
    slope = -2 * water_level(spectrum, bits) * math.log(2)
    rounding = 2 * left * relative_tolerance(spectrum, bits) / step
    assert (at - left) / step - rounding <= slope <= (right - at) / step + rounding


@given(spectra, rates, st.floats(1e-3, 1e3))
def test_scales_with_the_variances(spectrum, bits, factor):
    """D(R) of c λ is c times D(R) of λ."""
    scaled = [factor * v for v in spectrum]
    tolerance = relative_tolerance(spectrum, bits) + relative_tolerance(scaled, bits)
    assert distortion_rate(scaled, bits) == pytest.approx(factor * distortion_rate(spectrum, bits), rel=tolerance)


@given(spectra, rates, st.randoms(use_true_random=False))
def test_order_of_eigenvalues_does_not_matter(spectrum, bits, random):
    """A permuted spectrum gives the same bits, and permuted reproduction variances."""
    order = list(range(len(spectrum)))
    random.shuffle(order)
    permuted = [spectrum[i] for i in order]
    assert distortion_rate(permuted, bits) == distortion_rate(spectrum, bits)
    assert reproduction_variances(permuted, bits).tolist() == reproduction_variances(spectrum, bits)[order].tolist()


@given(spectra, rates)
def test_reproduction_and_error_share_the_variance(spectrum, bits):
    """The variances of the reproduction and D(R) add up to the trace."""
    total = reproduction_variances(spectrum, bits).sum() + distortion_rate(spectrum, bits)
    assert total == pytest.approx(sum(spectrum), rel=relative_tolerance(spectrum, bits))


@given(spectra, st.floats(0.01, 0.99))
def test_distortion_of_the_rate_is_the_distortion(spectrum, share):
    """D(R(D)) = D for D below the trace."""
    wanted = share * sum(spectrum)
    bits = rate_distortion(spectrum, wanted)
    assert distortion_rate(spectrum, bits) == pytest.approx(wanted, rel=4 * relative_tolerance(spectrum, bits))


def test_no_bits():
    """At rate 0 the level is the largest variance, the distortion the trace, the reproduction the mean."""
    assert water_level(WORKED, 0) == 4.0
    assert distortion_rate(WORKED, 0) == 7.25
    assert reproduction_variances(WORKED, 0).tolist() == [0, 0, 0, 0]


def test_each_turn_on_is_exact():
    """At the rate where axis k turns on, the level is its variance: 0.5, 1.5, 4.5 bits for 4, 2, 1, 0.25."""
    levels = water_level(WORKED, np.array([0.0, 0.5, 1.5, 4.5]))
    assert levels == pytest.approx(WORKED, rel=relative_tolerance(WORKED, 4.5))


def test_zero_eigenvalues_change_nothing():
    """A source that never leaves a subspace needs no bits for the rest, and 1e-12 below zero is zero."""
    padded = [*WORKED, 0.0, -3e-12]
    assert distortion_rate(padded, 5.0) == distortion_rate(WORKED, 5.0)
    assert reproduction_variances(padded, 5.0)[4:].tolist() == [0.0, 0.0]


def test_tiny_eigenvalues_stay_in_range():
    """A product of eigenvalues that underflows a float is no obstacle: 40 variances of 1e-20 at 40 bits."""
    assert distortion_rate([1e-20] * 40, 40.0) == pytest.approx(1e-19, rel=relative_tolerance([1e-20] * 40, 40.0))


def test_many_bits():
    """Distortion goes on falling as 4^(-R/d) until it underflows to 0, without a warning."""
    assert distortion_rate([1.0, 1.0], 1000.0) == pytest.approx(2 * 2.0**-1000, rel=1000 * 4 * EPS)
    assert distortion_rate([1.0, 1.0], 1e6) == 0.0
    assert distortion_rate([1.0, 1.0], math.inf) == 0.0


def test_ends_of_the_rate():
    """No bits from the trace on, infinitely many for no distortion."""
    assert rate_distortion(WORKED, 7.25) == 0.0
    assert rate_distortion(WORKED, 100.0) == 0.0
    assert rate_distortion(WORKED, 0.0) == math.inf


def test_constant_source():
    """A source without variance has no distortion and needs no bits, not even for no distortion."""
    assert distortion_rate([0.0, 0.0], 3.0) == 0.0
    assert rate_distortion([0.0, 0.0], 0.0) == 0.0
    assert water_level([0.0], 1.0) == 0.0
    assert reproduction_variances([0.0, 0.0], 1.0).tolist() == [0.0, 0.0]


def test_number_in_number_out_array_in_array_out():
    """A scalar gives a float; an array gives an array of its shape, with the same values."""
    bits = np.array([[0.0, 1.0], [2.5, 7.0]])
    assert type(distortion_rate(WORKED, 3)) is float
    assert type(rate_distortion(WORKED, np.float64(1.0))) is float
    curve = distortion_rate(WORKED, bits)
    assert curve.tolist() == [[distortion_rate(WORKED, r) for r in row] for row in bits.tolist()]
    assert rate_distortion(WORKED, curve).shape == (2, 2)
    assert reproduction_variances(WORKED, bits).shape == (2, 2, 4)


@given(spectra, st.floats(1.0, 20.0))
def test_isotropic_formula_is_too_high(spectrum, bits):
    """For a given trace and dimension no source is harder than the isotropic one, d v 2^(-2R/d)."""
    assume(len(spectrum) > 1)
    dim = len(spectrum)
    isotropic = sum(spectrum) * 2 ** (-2 * bits / dim)
    assert distortion_rate(spectrum, bits) <= isotropic * (1 + relative_tolerance(spectrum, bits))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: distortion_rate([1.0, -1e-6], 1.0), DataError, "-1e-06"),
        (lambda: distortion_rate([[1.0]], 1.0), DataError, "shape"),
        (lambda: distortion_rate([], 1.0), DataError, "shape"),
        (lambda: distortion_rate([1.0, math.nan], 1.0), NonFiniteError, "1 of 2"),
        (lambda: distortion_rate([1.0], -1.0), UsageError, "bits"),
        (lambda: distortion_rate([1.0], math.nan), UsageError, "bits"),
        (lambda: water_level([1.0], [1.0, -1.0]), UsageError, "bits"),
        (lambda: rate_distortion([1.0], -0.1), UsageError, "distortion"),
        (lambda: rate_distortion([1.0], math.nan), UsageError, "distortion"),
    ],
)
def test_mistakes_are_named(call, error, words):
    """Negative variances, rates and distortions are refused in words that say which."""
    with pytest.raises(error, match=words):
        call()


@given(spectra, st.floats(0.0, 30.0))
def test_slope_is_one_over_twice_the_level(spectrum, bits):
    """-dR/dD in nats is 1/(2 θ): as a Lagrange multiplier no other rate has less R + s D."""
    price = slope(spectrum, bits)
    assert price * math.log(2) == pytest.approx(0.5 / water_level(spectrum, bits), rel=1e-14)
    others = np.array([0.0, 0.5 * bits, 0.9 * bits, 1.1 * bits, 2 * bits])
    tolerance = bits_tolerance(spectrum, 2 * bits) * (1 + price * sum(spectrum))
    assert (others + price * distortion_rate(spectrum, others)).min() >= (
        bits + price * distortion_rate(spectrum, bits) - tolerance
    )


def test_slope_of_nothing_is_infinite():
    """A level of 0, or so small that 1/θ is out of range, has an infinite slope, without a warning."""
    assert slope([0.0], 1.0) == math.inf
    assert slope([5e-324], 0.0) == math.inf
    assert slope(WORKED, np.array([3.0, 0.0])).tolist() == pytest.approx([1 / math.log(2), 0.125 / math.log(2)])


@pytest.mark.parametrize("bits", [0.0, 1.0, 100.0, 1e4])
def test_geometric_spectrum_down_to_1e_300(bits):
    """500 axes over 300 decades: the closed form agrees with 50 digits, and R(D(R)) = R, up to 10^4 bits."""
    spectrum = np.geomspace(1, 1e-300, 500)
    got = distortion_rate(spectrum, bits)
    assert got == pytest.approx(
        water_filling.distortion_rate(spectrum, bits), rel=relative_tolerance([1e-300], bits) + 1e-10
    )
    assert rate_distortion(spectrum, got) == pytest.approx(bits, abs=1e-9 * (1 + bits))


@pytest.mark.parametrize("distortion", [5e-324, 1e-320, 1e-310, 1e-5])
def test_subnormal_variances_and_distortions(distortion):
    """A share of a subnormal distortion is no zero: the rate is finite, and that of 50 digits."""
    spectrum = [1.0, 3e-310, 5e-324]
    with mpmath.workdps(50):
        axes, error = [mpmath.mpf(v) for v in spectrum], mpmath.mpf(distortion)
        low, high = mpmath.mpf(0), mpmath.mpf(1)
        for _ in range(2000):
            middle = (low + high) / 2
            low, high = (middle, high) if sum(min(v, middle) for v in axes) < error else (low, middle)
        expected = float(sum(mpmath.log(v / high, 2) / 2 for v in axes if v > high))
    assert rate_distortion(spectrum, distortion) == pytest.approx(expected, rel=1e-12)


def test_isotropic():
    """The formula d v 2^(-2R/d), as a number or as d equal variances; the general formula agrees."""
    assert isotropic(8, 1.0, 8.0) == pytest.approx(2.0, rel=1e-14)
    assert isotropic(3, [0.7, 0.7, 0.7], 4.5) == distortion_rate([0.7] * 3, 4.5)


@pytest.mark.parametrize("variance", [[1.0, 1.0, 1.001], [1.0, 1.0], [1.0, 1.0, 0.0]])
def test_isotropic_is_refused_elsewhere(variance):
    """Unequal variances, and another number of them, are refused; the message names the function that is right."""
    with pytest.raises(UsageError, match="distortion_rate" if len(variance) == 3 else "3 of them"):
        isotropic(3, variance, 1.0)
