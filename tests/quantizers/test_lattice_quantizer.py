"""The lattice quantizer: streams, the rate it is fitted to, high-rate theory, low-rate truth, and vectors out of range."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from references import threshold_quantizer
from zador.artefacts import MANIFEST
from zador.errors import DataError, FormatError, UsageError
from zador.metrics import entropy_bits, miller_madow_bits
from zador.quantizers import BW16, D4, E8, Z, fit_lattice, load_quantizer
from zador.quantizers.grid import Cells, Grid, scale_of, with_whole_pairs
from zador.quantizers.steps import Axes
from zador.theory import gaussian


def normal(seed, count, variances):
    return np.random.default_rng(seed).standard_normal((count, len(variances))) * np.sqrt(variances)


def rate(quantizer):
    return math.fsum(map(entropy_bits, quantizer.usage))


def error_of(quantizer, x):
    return float(((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1).mean())


@given(seed=st.integers(0, 2**32 - 1), lattice=st.sampled_from([Z, D4, E8, BW16]), blocks=st.integers(0, 2))
@settings(max_examples=60)
def test_streams_and_cells_say_the_same(seed, lattice, blocks):
    """Every cell in range has streams within their alphabets, and they lead back to it; sizes lead back to the grid."""
    rng = np.random.default_rng(seed)
    axes = blocks * lattice.dim + int(rng.integers(1, 4))
    low = rng.integers(-9, 3, axes)
    grid = with_whole_pairs(Grid(lattice, blocks, 0.7, low, low + rng.integers(0, 9, axes)))
    cells = grid.cells(rng.uniform(-9, 9, (50, axes)))
    streams = grid.indices(cells)
    assert streams.shape == (50, len(grid.sizes))
    assert ((streams >= 0) & (streams < np.array(grid.sizes))).all()
    back = grid.cells_of(streams)
    np.testing.assert_array_equal(back.whole, cells.whole)
    np.testing.assert_array_equal(back.words, cells.words)
    again = Grid.of_sizes(lattice, blocks, 0.7, grid.low, grid.sizes)
    np.testing.assert_array_equal(again.high, grid.high)
    # Any streams at all are a lattice point in range.
    anything = rng.integers(0, np.array(grid.sizes), (50, len(grid.sizes)))
    np.testing.assert_array_equal(grid.indices(grid.cells_of(anything)), anything)
    assert in_range_and_even(grid, grid.cells_of(anything))


def in_range_and_even(grid, cells):
    inside = cells.whole[:, : grid.blocks * grid.lattice.dim].reshape(len(cells.whole), grid.blocks, grid.lattice.dim)
    even = not grid.lattice.even or (inside.sum(axis=2) % 2 == 0).all()
    return even and (cells.whole >= grid.low).all() and (cells.whole <= grid.high).all()


@given(seed=st.integers(0, 2**32 - 1), lattice=st.sampled_from([Z, D4, E8, BW16]))
@settings(max_examples=30)
def test_places_are_coordinates_of_lattice_points(seed, lattice):
    """`points()` at the `places` of a cell is its lattice point, in units of the data: the one nearest to the vector."""
    rng = np.random.default_rng(seed)
    axes = lattice.dim + 2
    grid = with_whole_pairs(Grid(lattice, 1, 0.3, np.full(axes, -40), np.full(axes, 40)))
    z = rng.uniform(-3, 3, (20, axes))
    places, coordinates = grid.places(grid.cells(z)), grid.points()
    point = np.stack([coordinates[a][places[:, a]] for a in range(axes)], axis=1)
    side = 0.3 * scale_of(lattice)
    np.testing.assert_allclose(point[:, : lattice.dim], side * lattice.nearest(z[:, : lattice.dim] / side), atol=1e-12)
    np.testing.assert_allclose(point[:, lattice.dim :], 0.3 * np.floor(z[:, lattice.dim :] / 0.3 + 0.5), atol=1e-12)


@pytest.mark.parametrize("lattice", [Z, D4, E8], ids=lambda lattice: lattice.name)
@pytest.mark.parametrize("bits", [0.3, 2.0, 17.0, 60.0])
def test_the_training_streams_cost_what_was_asked(lattice, bits):
    """The summed entropy is within 0.002 bits below `bits`, and origin tells it."""
    x = normal(0, 20_000, np.geomspace(4, 0.02, 12))
    quantizer = fit_lattice(x, bits=bits, lattice=lattice)
    assert bits - 0.002 <= rate(quantizer) <= bits
    assert quantizer.origin["entropy_bits"] == pytest.approx(rate(quantizer))
    assert quantizer.origin["training_distortion"] == pytest.approx(error_of(quantizer, x))
    assert quantizer.origin["overloaded"] == 0


@pytest.mark.parametrize("lattice", [Z, D4, E8, BW16], ids=lambda lattice: lattice.name)
def test_at_high_rate_the_gap_is_that_of_the_lattice(lattice):
    """6 bits a coordinate on a Gaussian: the rate is `½ log2(2 π e G)` above R(D), the error `G s²` a coordinate."""
    check_high_rate(lattice, 40_000, gap=0.004, moment=0.01)


@pytest.mark.long
@pytest.mark.parametrize("lattice", [Z, D4, E8, BW16], ids=lambda lattice: lattice.name)
def test_at_high_rate_the_gap_is_that_of_the_lattice_to_three_digits(lattice):
    """The same with a million vectors."""
    check_high_rate(lattice, 1_000_000, gap=0.0008, moment=0.0015)


def check_high_rate(lattice, count, gap, moment):
    dim = max(8, lattice.dim)
    x = normal(0, count, np.ones(dim))
    quantizer = fit_lattice(x, bits=6.0 * dim, lattice=lattice)
    # Against R(D) of the sample's own covariance, most of the noise of the entropy cancels.
    spectrum = np.linalg.eigvalsh(np.cov(x.T, bias=True))
    distortion = quantizer.origin["training_distortion"]
    spent = math.fsum(map(miller_madow_bits, quantizer.usage))
    over = (spent - gaussian.rate_distortion(spectrum, distortion)) / dim
    assert over == pytest.approx(0.5 * math.log2(2 * math.pi * math.e * lattice.second_moment), abs=gap)
    side = quantizer.grid.step * scale_of(lattice) * lattice.volume ** (1 / lattice.dim)
    # Means of cells lie nearer than lattice points, by side² / 12 of the variance: 0.02 % here.
    assert distortion / dim / side**2 == pytest.approx(lattice.second_moment, rel=moment)


def test_lattices_rank_as_their_constants_do():
    """At 4 bits a coordinate BW16 beats E8, E8 beats D4, and D4 beats whole numbers, each by at least 4 %."""
    x, fresh = normal(0, 30_000, np.ones(16)), normal(1, 10_000, np.ones(16))
    errors = [error_of(fit_lattice(x, bits=64.0, lattice=lattice), fresh) for lattice in (BW16, E8, D4, Z)]
    assert all(better < 0.96 * worse for better, worse in itertools.pairwise(errors))


@pytest.mark.parametrize("bits", [0.1, 0.5, 1.0, 2.0])
def test_at_low_rate_it_is_the_threshold_quantizer(bits):
    """On evenly drawn points of N(0, 1) the error is that of equal cells with their means; the gap to R(D) closes."""
    from scipy import stats

    x = stats.norm.ppf((np.arange(40_000) + 0.5) / 40_000)[:, None]
    quantizer = fit_lattice(x, bits=bits, lattice=Z)
    expected = threshold_quantizer.uniform_at(rate(quantizer))
    assert quantizer.origin["training_distortion"] == pytest.approx(expected, rel=1e-3)
    gap = bits - gaussian.rate_distortion([1.0], expected)
    assert gap == pytest.approx({0.1: 0.031, 0.5: 0.152, 1.0: 0.239, 2.0: 0.254}[bits], abs=0.003)


def test_means_beat_lattice_points_at_low_rate():
    """With steps wider than the axes, decoding to lattice points instead of means would cost a tenth more."""
    x, fresh = normal(0, 20_000, np.ones(8)), normal(1, 20_000, np.ones(8))
    quantizer = fit_lattice(x, bits=16.0)
    indices = quantizer.encode(fresh)
    places, coordinates = quantizer.grid.places(quantizer.grid.cells_of(indices)), quantizer.grid.points()
    point = np.stack([coordinates[axis][places[:, axis]] for axis in range(places.shape[1])], axis=1)
    plain = ((fresh - quantizer.frame.backward(point)) ** 2).sum(axis=1).mean()
    assert error_of(quantizer, fresh) < 0.93 * plain


def test_weak_axes_are_left_out_and_strong_ones_go_in_blocks():
    """Of 64 axes, those of little use have no stream, and blocks of eight end where deviations fall below the step."""
    x = normal(0, 20_000, np.geomspace(1, 1e-4, 64))
    quantizer = fit_lattice(x, bits=60.0)
    grid, deviations = quantizer.grid, np.sqrt(np.geomspace(1, 1e-4, 64))
    assert len(grid.low) < 35
    assert grid.blocks >= 1
    assert deviations[8 * grid.blocks - 1] > 0.75 * grid.step > 0.75 * deviations[8 * grid.blocks + 8]
    assert len(quantizer.sizes) == len(grid.low) + grid.blocks
    few = fit_lattice(x, bits=0.01)
    assert len(few.sizes) <= 2
    assert few.sizes[0] > 1


def test_leaving_weak_axes_out_pays():
    """Coding all axes that ever leave their cell would cost 2 % more error at the same rate."""
    x = normal(0, 20_000, np.geomspace(1, 1e-4, 64))
    axes = Axes.of(x)
    grid = axes.solve(Z, 0, 30.0)
    places = grid.places(grid.cells(x))
    means = [np.bincount(p, z) / np.maximum(np.bincount(p), 1) for p, z in zip(places.T, x.T, strict=True)]
    all_axes = sum(((z - mean[p]) ** 2).mean() for p, z, mean in zip(places.T, x.T, means, strict=True))
    assert fit_lattice(x, bits=30.0, lattice=Z).origin["training_distortion"] < 0.98 * all_axes


def test_an_axis_that_is_rarely_used_is_kept():
    """A tenth coordinate that is 30 in one of 5000 vectors, and 0 otherwise, is coded although a look may miss it."""
    x = normal(0, 60_000, np.append(np.ones(9), 0.0))
    x[777::5000, 9] = 30.0
    quantizer = fit_lattice(x, bits=20.0)
    assert ((x - quantizer.decode(quantizer.encode(x)))[777::5000, 9] ** 2).max() < 1.0


def test_all_axes_have_the_same_error_at_high_rate():
    """Axes in blocks and the three that are left over: `step² / 12` each, within sampling error."""
    x = normal(0, 30_000, np.geomspace(4, 1, 11))
    quantizer = fit_lattice(x, bits=60.0)
    assert (quantizer.grid.blocks, len(quantizer.grid.low)) == (1, 11)
    z = quantizer.frame.forward(x - (quantizer.decode(quantizer.encode(x)) - quantizer.frame.mean))
    np.testing.assert_allclose((z**2).mean(axis=0), quantizer.grid.step**2 / 12, rtol=0.03)


def test_out_of_range_the_error_is_that_of_the_range():
    """A vector far away is decoded at the border: the error grows with the distance from there, and no faster."""
    x = normal(0, 5000, np.ones(8))
    for lattice in (Z, D4, E8):
        quantizer = fit_lattice(x, bits=32.0, lattice=lattice)
        direction = x[0] / np.linalg.norm(x[0])
        reached = quantizer.decode(quantizer.encode(np.stack([t * direction for t in (4.0, 1e3, 1e6)])))
        errors = np.linalg.norm(np.array([4.0, 1e3, 1e6])[:, None] * direction - reached, axis=1)
        assert np.isfinite(reached).all()
        assert errors[0] < 1.0
        assert (errors[1:] < [1e3, 1e6]).all()


def test_an_outlier_is_overloaded_rather_than_given_a_huge_alphabet():
    """One vector a million deviations away: the others are coded as before, and origin counts it."""
    x = normal(0, 5000, np.ones(4))
    lonely = np.concatenate([x, [[1e6, 0.0, 0.0, 0.0]]])
    quantizer = fit_lattice(lonely, bits=16.0, lattice=Z)
    assert quantizer.origin["overloaded"] == 1
    assert max(quantizer.sizes) <= 1.6 * 2**16
    assert error_of(quantizer, x) < 2 * error_of(fit_lattice(x, bits=16.0, lattice=Z), x)


def test_impossible_requests_are_refused():
    """A rate that is none, one that the vectors do not carry, vectors that are all alike."""
    with pytest.raises(UsageError, match="bits: expected a positive, finite number"):
        fit_lattice(normal(0, 100, np.ones(2)), bits=math.inf)
    with pytest.raises(DataError, match=r"bits=20, but at the finest step, .*, these 100 vectors carry only 13\.\d+"):
        fit_lattice(normal(0, 100, np.ones(2)), bits=20)
    with pytest.raises(DataError, match="at least two different vectors"):
        fit_lattice(np.zeros((9, 2)), bits=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lattice", "A2"),
        ("lattice", "D4"),
        ("blocks", 2),
        ("blocks", -1),
        ("blocks", 1.0),
        ("step", 0.0),
        ("step", -1.0),
        ("step", "x"),
    ],
)
def test_a_file_without_sense_is_refused(tmp_path, name, value):
    """Settings that do not fit the tensors are found out as the quantizer loads."""
    quantizer = fit_lattice(normal(0, 2000, np.ones(9)), bits=30.0)
    quantizer.save(tmp_path)
    text = json.loads((tmp_path / MANIFEST).read_text())
    assert text["about"]["settings"]["blocks"] == 1
    text["about"]["settings"][name] = value
    (tmp_path / MANIFEST).write_text(json.dumps(text))
    with pytest.raises(FormatError):
        load_quantizer(tmp_path)


def test_an_odd_least_number_is_refused():
    """Where parities are left to the others of a block, ranges begin with an even number."""
    with pytest.raises(ValueError, match="do not fit the lattice D4"):
        Grid.of_sizes(D4, 1, 1.0, np.array([0, 0, 0, 1]), (2, 2, 2, 2))
    assert isinstance(Grid.of_sizes(D4, 1, 1.0, np.array([0, 0, 0, 2]), (2, 2, 2, 2)).cells(np.zeros((1, 4))), Cells)
