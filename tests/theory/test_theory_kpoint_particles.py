"""Expectations of the particle side of `zador.theory.kpoint`: spectra whose axes differ, data, best known codebooks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from references.covering import brute_coverage, brute_service, relaxed_optimum
from zador.errors import DataError, UsageError
from zador.theory import gaussian, kpoint, scalar
from zador.theory.kpoint.covered import climb, gains
from zador.theory.kpoint.nodes import of_gaussian, of_rows
from zador.theory.kpoint.particles import Particles, nearest, serve
from zador.theory.kpoint.relaxed import relax

TESTBED = np.geomspace(4.0, 0.25, 6)[:4]
# Best codebooks of long searches, squared error of the four leading axes (standard error 0.001).
BEST_OF_TESTBED = {8: 3.8120 - 0.68528, 16: 3.0021 - 0.68528, 32: 2.4034 - 0.68528, 64: 1.9460 - 0.68528}


@given(st.integers(1, 5), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_service_takes_the_nearest_unit_of_mass(dim: int, seed: int) -> None:
    """Parts and prices are those of a loop that walks from the nearest particle outwards."""
    rng = np.random.default_rng(seed)
    particles = Particles(rng.standard_normal((30, dim)), np.full(30, 0.2))
    x = rng.standard_normal((7, dim))
    service = serve(x, particles)
    prices, distortion = brute_service(x, *particles)
    assert service.prices == pytest.approx(prices, rel=1e-12)
    assert (service.parts * service.squared_distances).sum(axis=1) == pytest.approx(distortion, rel=1e-12)


def test_neighbours_in_many_dimensions_are_those_of_a_sort() -> None:
    """Beyond the reach of trees tiles of distances give the same neighbours."""
    rng = np.random.default_rng(0)
    x, points = rng.standard_normal((50, 20)), rng.standard_normal((40, 20))
    squared, numbers = nearest(x, points, 5)
    direct = np.square(x[:, None] - points).sum(axis=2)
    assert (numbers == np.argsort(direct, axis=1)[:, :5]).all()
    assert squared == pytest.approx(np.sort(direct, axis=1)[:, :5], rel=1e-12)


def test_climbing_finds_the_peak_that_a_grid_finds() -> None:
    """On the line a grid, and a finer one around its best place, are a reference for the supremum."""
    rng = np.random.default_rng(1)
    x, prices = rng.standard_normal((300, 1)), rng.uniform(0.1, 0.5, 300)
    coarse = np.linspace(-4, 4, 801)[:, None]
    fine = coarse[brute_coverage(x, prices, coarse).argmax()] + np.linspace(-0.01, 0.01, 201)[:, None]
    highest = brute_coverage(x, prices, fine).max()
    place = climb(of_rows(x), prices, x, 1)
    assert gains(x, prices, place).mean() >= highest - 1e-6


def test_a_climb_never_descends() -> None:
    """The mean of what a place holds is at least as good a place."""
    rng = np.random.default_rng(2)
    x, prices = rng.standard_normal((500, 3)), rng.uniform(0.5, 2.0, 500)
    start = rng.standard_normal((20, 3))
    for place in start:
        end = climb(of_rows(x), prices, place[None], 1)
        assert gains(x, prices, end).mean() >= gains(x, prices, place[None]).mean() - 1e-12


def test_prices_prove_nearly_the_relaxed_optimum() -> None:
    """What averaged prices prove is below the optimum, which a linear programme gives on a fine grid, and near it."""
    x = np.random.default_rng(3).standard_normal((400, 1))
    optimum = relaxed_optimum(x, np.linspace(-3, 3, 61)[:, None], 3)
    prices = np.mean([serve(x, relax(of_rows(x), 3, 16, np.random.default_rng(seed))).prices for seed in range(4)], axis=0)
    place = climb(of_rows(x), prices, x, 1)
    proven = prices.mean() - 3 * gains(x, prices, place).mean()
    assert 0.8 * optimum <= proven <= optimum


def test_nodes_integrate_a_gaussian() -> None:
    """Second and fourth moments of every axis, to what a few thousand scrambled nodes give."""
    nodes = of_gaussian(np.array([4.0, 1.0, 0.25, 0.1, 0.01]), 1 << 13, 1.4, np.random.default_rng(0)).whole()
    assert nodes.weights @ nodes.x**2 == pytest.approx([4.0, 1.0, 0.25, 0.1, 0.01], rel=0.01)
    assert nodes.weights @ nodes.x**4 == pytest.approx(3 * np.array([4.0, 1.0, 0.25, 0.1, 0.01]) ** 2, rel=0.04)


@pytest.mark.long
@pytest.mark.parametrize("size", [8, 16, 32, 64])
def test_the_floor_of_the_testbed_is_within_five_percent_of_the_best_codebook(size: int) -> None:
    """Above 95 % of the best known codebook at every size, and not above it."""
    bound = kpoint.lower_bound(TESTBED, size)
    assert 0.95 * BEST_OF_TESTBED[size] <= bound.distortion <= BEST_OF_TESTBED[size]


def test_the_floor_of_different_axes_lies_between_shannon_and_the_best_codebook() -> None:
    """Shannon <= floor <= best known, within 6 % of the latter at eight codewords."""
    floor, best = kpoint.lower_bound([3.0, 1.0], 8), kpoint.best_known([3.0, 1.0], 8)
    assert gaussian.distortion_rate([3.0, 1.0], 3.0) < floor.distortion <= best.distortion + 3 * best.standard_error
    assert floor.distortion > 0.94 * best.distortion
    assert not floor.certified


def test_axes_outside_the_leading_ones_add_their_variance() -> None:
    """Many axes far below the water level change the floor by their variance, and nothing else."""
    few = kpoint.lower_bound([3.0, 0.5], 3)
    many = kpoint.lower_bound([3.0, 0.5, *[1e-3] * 30], 3)
    assert many.distortion == pytest.approx(few.distortion + 0.03, rel=0.02)


def test_what_is_exact_is_exact_and_certified() -> None:
    """One and two codewords, one axis, and no variance at all need no prices."""
    assert kpoint.lower_bound([4.0, 1.0], 1).distortion == 5.0
    assert kpoint.lower_bound([4.0, 1.0], 2).distortion == pytest.approx(5.0 - 8.0 / math.pi, rel=1e-15)
    assert kpoint.lower_bound([4.0, 0.0], 8).distortion == pytest.approx(4 * scalar.lloyd_max("gaussian", 8).distortion)
    assert kpoint.lower_bound([0.0, 0.0], 8).distortion == 0.0
    assert all(kpoint.lower_bound([4.0, 0.0], size).certified for size in (1, 2, 8))


def test_the_isotropic_door_leads_to_radial_prices() -> None:
    """Equal variances give the certified bound, scaled."""
    bound = kpoint.lower_bound([2.0, 2.0], 8)
    assert bound.certified
    assert bound.distortion == pytest.approx(2 * 0.3983, rel=2e-3)  # theory: linear programme with d = 2, K = 8


def test_a_codebook_too_large_for_prices_gets_shannons_bound() -> None:
    """No search, no pretence: the record names the bound."""
    bound = kpoint.lower_bound([4.0, 0.001], 1 << 13)
    assert (bound.how, bound.certified) == ("Shannon", True)
    assert bound.distortion == gaussian.distortion_rate([4.0, 0.001], 13.0)


def test_nearly_equal_axes_keep_the_certified_bound() -> None:
    """Shrinking the axes to the smallest of them makes the task easier: the isotropic bound holds, and is strong."""
    equal, nearly = kpoint.lower_bound([1.0, 1.0], 16), kpoint.lower_bound([1.0, 0.999], 16)
    assert nearly.distortion >= 0.999 * equal.distortion
    assert nearly.distortion <= equal.distortion
    assert nearly.certified


def test_the_same_seed_gives_the_same_bits() -> None:
    """Nodes, particles and starts all come from the seed."""
    x = np.random.default_rng(0).standard_normal((500, 2))
    assert kpoint.lower_bound_of_samples(x, 3, seed=5) == kpoint.lower_bound_of_samples(x, 3, seed=5)
    assert kpoint.best_known([3.0, 1.0], 3, seed=5) == kpoint.best_known([3.0, 1.0], 3, seed=5)


@pytest.mark.parametrize(
    ("eigenvalues", "size", "best"),
    [
        ([1.0, 1.0], 16, 0.215196605),
        (TESTBED, 8, BEST_OF_TESTBED[8]),
        pytest.param(TESTBED, 16, BEST_OF_TESTBED[16], marks=pytest.mark.long),
    ],
)
def test_the_search_finds_codebooks_near_the_best_known(eigenvalues: list[float], size: int, best: float) -> None:
    """Within one percent of what long searches found, and not better than their error allows."""
    found = kpoint.best_known(eigenvalues, size)
    assert best * 0.999 - 3 * found.standard_error <= found.distortion <= best * 1.01


def test_best_known_codebooks_with_a_formula_use_it() -> None:
    """Simplices and Lloyd-Max levels are exact: no standard error."""
    assert kpoint.best_known([1.0, 1.0, 1.0], 4).distortion == pytest.approx(3 - 1.41282, abs=1e-5)
    assert kpoint.best_known([2.0], 4).distortion == pytest.approx(2 * 0.117481847829, rel=1e-10)
    assert kpoint.best_known([2.0, 1.0], 2).standard_error == 0.0


def test_the_floor_of_data_stays_below_a_codebook_measured_on_them() -> None:
    """Uniform on a square: the best four codewords are the centres of its quarters."""
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (6000, 2))
    bound = kpoint.lower_bound_of_samples(x, 4)
    best = 2 * (0.5**2) / 3
    assert 0.8 * best < bound.distortion + 2 * bound.standard_error  # what is taken off for the noise of 3000 vectors
    assert bound.distortion <= best
    assert not bound.certified


def test_the_floor_of_data_is_zero_where_there_are_too_few() -> None:
    """As many codewords as vectors could copy them all."""
    assert kpoint.lower_bound_of_samples(np.random.default_rng(0).standard_normal((64, 3)), 64).distortion == 0.0


def test_what_cannot_be_searched_or_split_is_refused() -> None:
    """One line that says what to do."""
    with pytest.raises(UsageError, match="4096"):
        kpoint.best_known([4.0, 1.0], 5000)
    with pytest.raises(DataError, match="at least 16"):
        kpoint.lower_bound_of_samples(np.zeros((10, 2)), 2)
    with pytest.raises(UsageError, match="codebook_size"):
        kpoint.lower_bound([1.0], 0)
