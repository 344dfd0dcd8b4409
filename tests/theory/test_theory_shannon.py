"""Shannon's lower bound: where it is exact, and that it is below everything."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zador.errors import UsageError
from zador.theory import differential_entropy, gaussian
from zador.theory.scalar import lloyd_max
from zador.theory.shannon import absolute_rate_distortion, distortion_rate, rate_distortion

spectra = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6)
NAMES = ["gaussian", "laplace", "uniform", "logistic"]


@given(spectra, st.floats(0.0, 30.0))
def test_below_water_filling_and_equal_under_all_axes(spectrum, bits):
    """For a Gaussian the bound is D(R) once every axis gets bits, and below it before."""
    h = differential_entropy.gaussian(spectrum)
    exact = gaussian.distortion_rate(spectrum, bits)
    bound = distortion_rate(h, len(spectrum), bits)
    assert bound <= exact * (1 + 1e-12)
    if gaussian.water_level(spectrum, bits) <= min(spectrum):
        assert bound == pytest.approx(exact, rel=1e-12)


@given(spectra, st.floats(0.0, 30.0))
def test_rate_of_the_distortion_is_the_rate(spectrum, bits):
    """R(D(R)) = R."""
    h = differential_entropy.gaussian(spectrum)
    assert rate_distortion(h, len(spectrum), distortion_rate(h, len(spectrum), bits)) == pytest.approx(bits, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("distortion", [0.9, 0.3, 0.01])
def test_below_the_gaussian_bound(name, distortion):
    """At unit variance SLB <= ½ log2(1/D), the Gaussian upper bound, with equality for the Gaussian."""
    low = rate_distortion(differential_entropy.of_density(name), 1, distortion)
    high = gaussian.rate_distortion([1.0], distortion)
    assert low <= high + 1e-14
    assert (high - low < 1e-12) == (name == "gaussian")


def test_laplace_constant():
    """D_SLB = (e/π) v 2^(-2R), .8653 of the variance at no rate."""
    h = differential_entropy.of_density("laplace")
    assert distortion_rate(h, 1, 0.0) == pytest.approx(math.e / math.pi, rel=1e-14)
    assert distortion_rate(h, 1, 2.0) == pytest.approx(math.e / math.pi / 16, rel=1e-14)


def test_exact_where_noise_was_added():
    """X = ±1 + N(0, θ): at D = θ the bound is I(X; Y) of that channel, integrated independently."""
    theta = 0.3
    noise = stats.norm(scale=math.sqrt(theta))
    x = np.linspace(-8.0, 8.0, 200_001)
    density = 0.5 * (noise.pdf(x - 1) + noise.pdf(x + 1))
    h = -np.trapezoid(density * np.log2(density), x)
    likelihood = noise.pdf(x - 1)
    information = np.trapezoid(likelihood * np.log2(likelihood / density), x)  # the other input is its mirror
    assert rate_distortion(h, 1, theta) == pytest.approx(information, rel=1e-10)


@pytest.mark.parametrize("error", [0.5, 0.1, 1e-6])
def test_absolute_error_of_a_laplacian_is_exact(error):
    """log2(b/A), which is what the channel Y -> Y + Laplace(A) attains."""
    b = 0.7
    assert absolute_rate_distortion(differential_entropy.laplace(b), error) == pytest.approx(math.log2(b / error), abs=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_no_scalar_quantizer_is_below(name):
    """The entropy of any Lloyd-Max index is above the bound at its distortion."""
    h = differential_entropy.of_density(name)
    for levels in (2, 5, 32, 256):
        best = lloyd_max(name, levels)
        assert best.entropy_bits >= rate_distortion(h, 1, best.distortion)


def test_ends():
    """No rate from the largest entropy of an error on; infinite at no error; nothing to say of a subspace."""
    assert rate_distortion(2.0, 1, 100.0) == 0.0
    assert rate_distortion(2.0, 1, 0.0) == math.inf
    assert absolute_rate_distortion(2.0, 0.0) == math.inf
    assert rate_distortion(-math.inf, 2, 0.0) == 0.0
    assert absolute_rate_distortion(-math.inf, 0.0) == 0.0
    assert distortion_rate(-math.inf, 2, 1.0) == 0.0
    assert distortion_rate(2.0, 1, np.array([0.0, 1.0])).shape == (2,)


@pytest.mark.parametrize(
    "call",
    [
        lambda: distortion_rate(math.nan, 1, 1.0),
        lambda: distortion_rate(math.inf, 1, 1.0),
        lambda: distortion_rate(1.0, 0, 1.0),
        lambda: distortion_rate(1.0, 1, -1.0),
        lambda: rate_distortion(1.0, 1, math.nan),
        lambda: absolute_rate_distortion(1.0, -0.1),
    ],
)
def test_mistakes_are_named(call):
    """Entropies, dimensions, rates and errors that make no sense are refused."""
    with pytest.raises(UsageError, match="expected"):
        call()
