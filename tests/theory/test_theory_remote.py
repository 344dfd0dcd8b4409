"""Remote sources: closed forms, Monte Carlo, and the two targets kept apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zador.errors import DataError, UsageError
from zador.theory.gaussian import distortion_rate
from zador.theory.remote import remote


@pytest.mark.parametrize("noise", [1e-9, 0.01, 1.0, 100.0])
def test_isotropic_noise_in_closed_form(noise):
    """Floor Σ t σ²/(t + σ²), water over t²/(t + σ²)."""
    signal = np.array([4.0, 1.0, 0.25, 0.0])
    source = remote(signal, noise, target="clean")
    assert source.floor == pytest.approx((signal * noise / (signal + noise)).sum(), rel=1e-9)
    assert source.spectrum == pytest.approx(signal**2 / (signal + noise), rel=1e-9, abs=1e-12)
    assert source.distortion_rate(0.0) == pytest.approx(signal.sum(), rel=1e-9)


def test_the_observed_target_is_an_ordinary_source():
    """Against x = u + n the source is N(0, C + N), with no floor."""
    source = remote(np.diag([4.0, 1.0, 0.0]), 0.5, target="observed")
    assert source.floor == 0.0
    assert source.distortion_rate(2.0) == pytest.approx(distortion_rate([4.5, 1.5, 0.5], 2.0), rel=1e-12)


def test_the_estimator_reaches_the_floor():
    """E|u - A x|² over 200000 draws of a rank-2 signal in coloured noise is the floor within 4 standard errors."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((4, 2))
    noise = np.diag([0.1, 0.5, 1.0, 0.2]) + 0.05
    source = remote(mixing @ mixing.T, noise, target="clean")
    u = rng.standard_normal((200_000, 2)) @ mixing.T
    x = u + rng.multivariate_normal(np.zeros(4), noise, len(u))
    errors = ((u - x @ source.estimator.T) ** 2).sum(axis=1)
    assert abs(errors.mean() - source.floor) < 4 * errors.std() / math.sqrt(len(u))
    assert source.floor + source.spectrum.sum() == pytest.approx((mixing**2).sum(), rel=1e-9)
    assert source.spectrum[2:] == pytest.approx([0.0, 0.0], abs=1e-9)


def test_no_noise_is_no_remote_source():
    """Without noise both targets are the signal itself, of whatever rank."""
    signal = np.diag([4.0, 1.0, 0.0])
    clean, observed = remote(signal, 0.0, target="clean"), remote(signal, 0.0, target="observed")
    assert clean.floor == pytest.approx(0.0, abs=1e-12)
    assert clean.distortion_rate(3.0) == pytest.approx(observed.distortion_rate(3.0), rel=1e-12)


def test_more_rate_never_passes_the_floor():
    """D(R) falls towards the floor, R(D(R)) = R, and below the floor no rate is enough."""
    source = remote([1.0, 1.0], 0.25, target="clean")
    curve = [source.distortion_rate(bits) for bits in (0.0, 1.0, 2.0, 8.0)]
    assert curve == sorted(curve, reverse=True)
    assert curve[-1] > source.floor
    assert source.rate_distortion(curve[2]) == pytest.approx(2.0, rel=1e-12)
    assert source.rate_distortion(0.5 * source.floor) == math.inf


def test_rate_spent_on_noise_is_wasted():
    """Coding x for its own sake and then denoising is no better for u than coding E[u|x]."""
    clean = remote([4.0, 0.1], [[0.1, 0.0], [0.0, 3.0]], target="clean")
    assert clean.distortion_rate(3.0) < 4.1
    assert clean.spectrum[0] == pytest.approx(16 / 4.1, rel=1e-12)


@pytest.mark.parametrize(
    ("signal", "noise", "target", "error", "words"),
    [
        ([1.0], 0.1, "true", UsageError, "'clean' or 'observed'"),
        ([1.0], -0.1, "clean", UsageError, "noise"),
        ([1.0], math.nan, "clean", UsageError, "noise"),
        ([1.0, 1.0], np.eye(3), "clean", DataError, r"\(2, 2\)"),
        ([1.0, -1.0], 0.1, "clean", DataError, "negative"),
        ([1.0], [[-1.0]], "clean", DataError, "negative"),
    ],
)
def test_mistakes_are_named(signal, noise, target, error, words):
    """An unnamed target, bad noise and bad signals are refused."""
    with pytest.raises(error, match=words):
        remote(signal, noise, target=target)
