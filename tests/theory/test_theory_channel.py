"""The test channel and the law of its output: they attain the rate–distortion bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zador.errors import DataError, UsageError
from zador.theory.channel import optimal_channel
from zador.theory.gaussian import distortion_rate, rate_distortion
from zador.theory.gaussian_law import reproduction_law

COVARIANCE = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 0.3]])
MEAN = np.array([1.0, -2.0, 0.5])
COUNT = 200_000

spectra = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6)


@pytest.mark.parametrize("bits", [0.5, 2.0, 6.0])
def test_forward_attains_the_distortion(bits):
    """E|x - y|² over 200000 draws is D(R) within 4 standard errors, for a correlated source with a mean."""
    rng = np.random.default_rng(0)
    x = rng.multivariate_normal(MEAN, COVARIANCE, COUNT)
    channel = optimal_channel(COVARIANCE, bits, mean=MEAN)
    errors = ((x - channel.forward(x, rng)) ** 2).sum(axis=1)
    assert abs(errors.mean() - channel.point.distortion) < 4 * errors.std() / np.sqrt(COUNT)
    assert channel.point.distortion == pytest.approx(distortion_rate(np.linalg.eigvalsh(COVARIANCE), bits), rel=1e-12)


@pytest.mark.parametrize("bits", [0.5, 2.0, 6.0])
def test_forward_and_backward_have_one_joint_law(bits):
    """Covariances of (x, y) drawn either way agree entry by entry: 4 standard errors of a product of Gaussians."""
    rng = np.random.default_rng(1)
    channel = optimal_channel(COVARIANCE, bits, mean=MEAN)
    x = rng.multivariate_normal(MEAN, COVARIANCE, COUNT)
    one = np.hstack([x, channel.forward(x, rng)])
    y = channel.reproduction.sample(COUNT, rng)
    other = np.hstack([channel.backward(y, rng), y])
    first, second = np.cov(one.T), np.cov(other.T)
    spread = np.sqrt((np.outer(np.diag(first), np.diag(first)) + first**2) / COUNT)
    assert (np.abs(first - second) <= 4 * np.sqrt(2) * spread + 1e-12).all()
    assert np.abs(one.mean(axis=0) - other.mean(axis=0)).max() < 4 * np.sqrt(2 * 3.6 / COUNT)


@given(spectra, st.floats(0.01, 20.0))
def test_mutual_information_is_the_rate(spectrum, bits):
    """½ Σ log2(λ / min(λ, θ)), the information of the backward channel, is R; the gains give the law of y."""
    channel = optimal_channel(spectrum, bits)
    information = 0.5 * np.log2(channel.variances / channel.error_variances).sum()
    assert information == pytest.approx(bits, abs=1e-12 * (1 + bits))
    assert channel.error_variances.sum() == pytest.approx(channel.point.distortion, rel=1e-12)
    gained = channel.gains**2 * channel.variances + channel.gains * channel.error_variances
    assert gained == pytest.approx(channel.reproduction.variances, rel=1e-9, abs=1e-12 * max(spectrum))


def test_shut_axes_carry_nothing():
    """Below the level the output is the mean, exactly."""
    channel = optimal_channel([4.0, 0.5], 1.0)
    assert channel.gains.tolist() == [0.75, 0.0]
    assert (channel.forward(np.ones((5, 2)), seed=0)[:, 1] == 0).all()


def test_reproduction_law():
    """Its trace is the source's less D(R); the same seed draws the same; its covariance is what samples have."""
    law = reproduction_law(COVARIANCE, 2.0, mean=MEAN)
    assert law.variances.sum() == pytest.approx(5.3 - distortion_rate(np.linalg.eigvalsh(COVARIANCE), 2.0), rel=1e-12)
    drawn = law.sample(COUNT, seed=3)
    assert np.array_equal(drawn, law.sample(COUNT, seed=3))
    covariance = law.covariance()
    spread = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / COUNT)
    assert (np.abs(np.cov(drawn.T) - covariance) <= 4 * spread + 1e-12).all()
    assert rate_distortion(np.linalg.eigvalsh(COVARIANCE), 5.3 - law.variances.sum()) == pytest.approx(2.0, rel=1e-12)


def test_mistakes_are_named():
    """Another dimension, another mean, a negative rate are refused."""
    channel = optimal_channel([1.0, 1.0], 1.0)
    with pytest.raises(DataError, match="2 dimensions"):
        channel.forward(np.zeros((3, 3)), seed=0)
    with pytest.raises(DataError, match="mean"):
        optimal_channel([1.0, 1.0], 1.0, mean=[0.0])
    with pytest.raises(UsageError):
        optimal_channel([1.0], -1.0)
