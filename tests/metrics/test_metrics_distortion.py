"""Squared error and its decibels: definitions, errors of the mean, memory, and kinds of input."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import torch

from zador import metrics
from zador.errors import DataError, NonFiniteError, UsageError


def drawn(count, dim, seed=0):
    """Return two independent (count, dim) Gaussian matrices."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, dim)), rng.standard_normal((count, dim))


def test_sum_over_coordinates_mean_over_vectors():
    """Errors 1 and 25 have mean 13, standard deviation √288 and standard error 12."""
    measured = metrics.distortion([[0, 0], [3, 4]], [[0, 1], [0, 0]])
    assert (measured.mean, measured.count) == (13.0, 2)
    assert measured.standard_error == pytest.approx(12.0, rel=1e-15)


def test_agrees_with_the_definition():
    """The blocks together are the plain formula, to the rounding of a mean of 3000 numbers."""
    x, y = drawn(3000, 200)
    errors = ((x - y) ** 2).sum(axis=1)
    measured = metrics.distortion(x, y)
    assert measured.mean == pytest.approx(errors.mean(), rel=1e-14)
    assert measured.standard_error == pytest.approx(errors.std(ddof=1) / math.sqrt(3000), rel=1e-13)
    assert measured.count == 3000


def test_standard_error_is_honest():
    """Over 400 samples of 100 vectors the means spread as their standard errors say, within the spread of a spread.

    The ratio of the two has a relative standard error of about 1 / √(2 · 400) = 3.5 %; four of them are allowed.
    """
    samples = [metrics.distortion(*drawn(100, 3, seed)) for seed in range(400)]
    spread = np.std([s.mean for s in samples], ddof=1)
    assert spread == pytest.approx(np.sqrt(np.mean([s.standard_error**2 for s in samples])), rel=0.14)


def test_per_dim_is_the_sum_divided():
    """Mean and standard error are those of the summed error divided by D."""
    x, y = drawn(50, 8)
    summed, per_dim = metrics.distortion(x, y), metrics.distortion_per_dim(x, y)
    assert per_dim.mean == pytest.approx(summed.mean / 8, rel=1e-15)
    assert per_dim.standard_error == pytest.approx(summed.standard_error / 8, rel=1e-14)


def test_one_vector_has_no_standard_error():
    """A single error says nothing about its spread: NaN, without a warning."""
    assert math.isnan(metrics.distortion([[1.0]], [[0.0]]).standard_error)


def test_psnr():
    """An error of 0.1 in each coordinate is 20 dB below a peak of 1 and 68.13 dB below 255; no error is infinite."""
    x = np.zeros((4, 3))
    assert metrics.psnr_db(x, x + 0.1, peak=1.0) == pytest.approx(20.0, abs=1e-12)
    assert metrics.psnr_db(x, x + 0.1, peak=255) == pytest.approx(20 + 20 * math.log10(255), abs=1e-12)
    assert metrics.psnr_db(x, x, peak=1) == math.inf


def test_snr():
    """The mean as the answer is 0 dB wherever the data lie; a tenth of each deviation as error is 20 dB."""
    x = drawn(500, 5)[0] + 1000.0
    mean = x.mean(axis=0)
    assert metrics.snr_db(x, np.broadcast_to(mean, x.shape)) == pytest.approx(0.0, abs=1e-12)
    # The mean is near 1000, so deviations keep 1000 eps of their size: 1e-12 of them, in decibels 1e-11.
    assert metrics.snr_db(x, x - 0.1 * (x - mean)) == pytest.approx(20.0, abs=1e-10)
    assert metrics.snr_db(x, x) == math.inf


@pytest.mark.parametrize(("dtype", "large"), [(np.float16, 2048.0), (np.float32, 2.0**24), (np.float64, 2.0**24)])
def test_differences_are_taken_in_double(dtype, large):
    """A half taken from the largest exact integer of a type is not rounded away, and 10^5 squares of 0.1 do not drift."""
    x, y = np.full((1, 2), large, dtype), np.full((1, 2), 0.5, dtype)
    assert metrics.distortion(x, y).mean == 2 * (large - 0.5) ** 2
    tenth = np.full((100_000, 1), np.float32(0.1))
    assert metrics.distortion(tenth, np.zeros_like(tenth)).mean == pytest.approx(float(np.float32(0.1)) ** 2, rel=1e-14)


def test_tensors_are_as_good_as_arrays():
    """float32, bfloat16 and graph-bound tensors give what their values give."""
    x, y = (a.astype(np.float32) for a in drawn(20, 4))
    expected = metrics.distortion(x, y)
    assert metrics.distortion(torch.from_numpy(x).requires_grad_(), torch.from_numpy(y)) == expected
    half = torch.from_numpy(x).bfloat16()
    assert metrics.distortion(half, y) == metrics.distortion(half.float().numpy(), y)


def test_a_mapped_file_is_not_copied_whole(tmp_path):
    """200 000 x 64 float32 on disk, 51 MB each: memory stays below a quarter of one float64 copy."""
    shape = (200_000, 64)
    x = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=shape)
    x[::2] = 1.0
    tracemalloc.start()
    try:
        assert metrics.distortion(x, np.broadcast_to(np.float32(0), shape)).mean == 32.0
        assert metrics.snr_db(x, np.broadcast_to(np.float32(0), shape)) == pytest.approx(10 * math.log10(0.5), abs=1e-12)
        assert tracemalloc.get_traced_memory()[1] < 200_000 * 64 * 8 / 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("where", ["vectors", "reconstructions"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_non_finite_input_is_named(where, value):
    """NaN and infinity raise with the side and the row, even where both sides hold them and would cancel."""
    bad = np.zeros((3, 2))
    bad[1, 0] = value
    pair = (bad, np.zeros((3, 2))) if where == "vectors" else (np.zeros((3, 2)), bad)
    for measure in (metrics.distortion, metrics.distortion_per_dim, metrics.snr_db):
        with pytest.raises(NonFiniteError, match=rf"{where}: 1 of 3 rows .*rows 1"):
            measure(*pair)
    with pytest.raises(NonFiniteError):
        metrics.distortion(bad, bad)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: metrics.distortion(np.zeros((3, 2)), np.zeros((2, 3))), DataError, r"\(3, 2\).*\(2, 3\)"),
        (lambda: metrics.distortion(np.zeros((3, 2)), np.zeros((1, 2))), DataError, "one reconstruction per vector"),
        (lambda: metrics.distortion(np.zeros((0, 2)), np.zeros((0, 2))), DataError, "at least one"),
        (lambda: metrics.snr_db(np.zeros(3), np.zeros(3)), DataError, "vectors"),
        (lambda: metrics.psnr_db([[0.0]], [[1.0]], peak=0), UsageError, "peak"),
        (lambda: metrics.psnr_db([[0.0]], [[1.0]], peak=math.nan), UsageError, "peak"),
    ],
)
def test_mistakes_are_named(call, error, words):
    """Shapes that do not match are never broadcast; a peak is positive."""
    with pytest.raises(error, match=words):
        call()
