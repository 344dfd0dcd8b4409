"""Transform coding: the nearest level on every axis, bits where they help, and the theory of Lloyd and Max."""

from __future__ import annotations

import numpy as np
import pytest

from zador.errors import DataError, FormatError, UsageError
from zador.quantizers import Frame, TransformQuantizer, fit_transform_coding, load_quantizer
from zador.theory import gaussian, scalar


def normal(seed, count, variances):
    return np.random.default_rng(seed).standard_normal((count, len(variances))) * np.sqrt(variances)


def error_of(quantizer, x):
    return float(((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_axis_gets_its_nearest_level(dtype):
    """Indices are those of the nearest level of each axis, the lower one halfway, and nothing overflows."""
    rng = np.random.default_rng(0)
    levels = (np.array([-3.0, -1.0, 0.0, 4.0], dtype), np.array([-0.5, 0.5], dtype))
    quantizer = TransformQuantizer(
        frame=Frame(np.zeros(2, dtype), np.eye(2, dtype=dtype)), levels=levels, usage=(np.ones(4), np.ones(2))
    )
    x = rng.uniform(-5, 6, (2000, 2)).astype(dtype)
    indices = quantizer.encode(x)
    for axis, line in enumerate(levels):
        np.testing.assert_array_equal(indices[:, axis], np.abs(x[:, axis, None] - line).argmin(axis=1))
    assert quantizer.encode(np.array([[-2.0, 0.0], [2.0, 9.0]], dtype)).tolist() == [[0, 0], [2, 1]]
    far = np.array([-3e38, 3e38], np.float32)
    wide = TransformQuantizer(
        frame=Frame(np.zeros(1, np.float32), np.eye(1, dtype=np.float32)), levels=(far,), usage=(np.ones(2),)
    )
    assert wide.encode(np.array([[1.0], [-1.0]], np.float32)).ravel().tolist() == [1, 0]


@pytest.mark.parametrize("count", [2, 3, 5, 8, 16])
def test_on_a_gaussian_axis_it_is_lloyd_max(count):
    """log2 n bits on N(0, 1) buy the Lloyd-Max error of n levels, within four standard errors; n need be no power of 2."""
    x, fresh = normal(0, 100_000, [1.0]), normal(1, 100_000, [1.0])
    quantizer = fit_transform_coding(x, bits=float(np.log2(count)))
    assert quantizer.sizes == (count,)
    squared = (fresh - quantizer.decode(quantizer.encode(fresh))) ** 2
    # Levels fitted to 100 000 numbers cost about count / 100 000 more than the best ones.
    best = scalar.lloyd_max("gaussian", count).distortion
    assert abs(squared.mean() - best) < 4 * squared.std() / np.sqrt(len(x)) + 2 * count / len(x) * best


def test_bits_go_where_the_variance_is():
    """Levels fall along a falling spectrum, weak axes get none, and the budget is nearly used up but never exceeded."""
    variances = np.geomspace(16, 0.01, 20)
    x = normal(0, 20_000, variances)
    for bits in (1.0, 7.3, 24.0, 60.0):
        quantizer = fit_transform_coding(x, bits=bits)
        assert bits - 0.6 < quantizer.bits <= bits
        assert (np.diff(quantizer.sizes) <= 1).all()
        assert len(quantizer.sizes) <= np.count_nonzero(variances > 0.2 * gaussian.water_level(variances, bits))
        assert error_of(quantizer, x) == pytest.approx(quantizer.origin["training_distortion"])


@pytest.mark.parametrize("bits", [8.0, 32.0])
def test_on_a_gaussian_the_loss_against_shannon_is_that_of_scalar_quantizers(bits):
    """The rate is at most ½ log2(π √3 / 2) = 0.722 bits an axis above R(D), what Lloyd-Max loses at high rate."""
    variances = np.geomspace(4, 0.05, 16)
    quantizer = fit_transform_coding(normal(0, 30_000, variances), bits=bits)
    fresh = normal(1, 30_000, variances)
    loss = quantizer.bits - gaussian.rate_distortion(variances, error_of(quantizer, fresh))
    assert 0.3 * len(quantizer.sizes) < loss < 0.722 * len(quantizer.sizes)


def test_axes_of_other_shapes_are_served_by_their_own_errors():
    """An axis of two narrow heaps gets its one bit although another axis has four times its variance."""
    rng = np.random.default_rng(0)
    heaps = rng.choice([-1.0, 1.0], 20_000) + 0.01 * rng.standard_normal(20_000)
    x = np.stack([2.0 * rng.standard_normal(20_000), heaps], axis=1)
    quantizer = fit_transform_coding(x, bits=3.0)
    assert quantizer.sizes == (4, 2)
    # The Gaussian allocation, (5, 1) or (8, 1), leaves the whole variance of the second axis.
    assert error_of(quantizer, x) < 4 * 0.1175 + 0.05 < 1.0


def test_axes_below_the_water_level_are_not_forgotten():
    """Where one bit says all about the strongest axis, the next ones go to axes that a Gaussian would not code."""
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 1.0], (20_000, 4)) * [10.0, 1.0, 0.8, 0.6]
    assert gaussian.water_level(x.var(axis=0), 3.0) > 1.5
    quantizer = fit_transform_coding(x, bits=3.0)
    assert quantizer.sizes == (2, 2, 2)
    assert error_of(quantizer, x) < 0.37


def test_below_one_bit_all_vectors_become_their_mean():
    """Nothing can be bought for less than a bit: one stream of one index, which decodes to the mean."""
    x = normal(0, 1000, [1.0, 2.0]) + 5.0
    quantizer = fit_transform_coding(x, bits=0.9)
    assert quantizer.sizes == (1,)
    np.testing.assert_allclose(quantizer.decode(quantizer.encode(x)), np.broadcast_to(x.mean(axis=0), x.shape), atol=1e-12)


def test_vectors_of_few_values_are_coded_without_loss():
    """Where the bits suffice for every value on every axis, decoding gives the vectors back."""
    x = np.random.default_rng(0).integers(0, 3, (200, 2)) @ np.array([[4.0, 0.0], [0.0, 1.0]])
    quantizer = fit_transform_coding(x, bits=2 * np.log2(9))
    np.testing.assert_allclose(quantizer.decode(quantizer.encode(x)), x, atol=1e-12)


def test_impossible_requests_are_refused():
    """A rate that is none, one above what distinct values carry, vectors that are all alike."""
    with pytest.raises(UsageError, match="bits: expected a positive, finite number"):
        fit_transform_coding(normal(0, 100, [1.0]), bits=0)
    with pytest.raises(DataError, match=r"bits=20, but levels on each of 2 axes, up to 1024, carry at most 13\.29; ask for"):
        fit_transform_coding(normal(0, 100, [1.0, 1.0]), bits=20)
    with pytest.raises(DataError, match=r"on each of 1 axes, up to 1024, carry at most 10\.00"):
        fit_transform_coding(normal(0, 5000, [1.0, 0.0]), bits=10.5)
    with pytest.raises(DataError, match="at least two different vectors"):
        fit_transform_coding(np.zeros((9, 2)), bits=1)


def test_a_file_without_sense_is_refused(tmp_path):
    """Levels that do not ascend are found out as the quantizer loads."""
    frame = Frame(np.zeros(1), np.eye(1))
    TransformQuantizer(frame=frame, levels=(np.array([1.0, 0.0]),), usage=(np.ones(2),)).save(tmp_path)
    with pytest.raises(FormatError, match="ascend"):
        load_quantizer(tmp_path)
