"""Lattice decoders against trying points, an independent decoder, printed constants, and the laws of a lattice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from references import lattices as reference
from zador.quantizers import BW16, D4, E8, Z
from zador.quantizers.lattices import LATTICES, Lattice

ALL = [Z, D4, E8, BW16]
names = pytest.mark.parametrize("lattice", ALL, ids=lambda lattice: lattice.name)


def points(lattice, count, seed=0, scale=3.0):
    return np.random.default_rng(seed).uniform(-scale, scale, (count, lattice.dim))


def is_in(lattice, found):
    """Whether rows are a shift by halves and whole numbers, of even sum if need be."""
    member = np.zeros(len(found), bool)
    for word in np.array(lattice.code) / 2:
        whole = found - word
        integral = (whole == np.rint(whole)).all(axis=1)
        member |= integral & ((whole.sum(axis=1) % 2 == 0) if lattice.even else True)
    return member


@names
def test_the_nearest_point_is_found(lattice):
    """Results are lattice points, as near as an independent decoder says, or for the line as rounding says."""
    x = points(lattice, 2000)
    found = lattice.nearest(x)
    assert is_in(lattice, found).all()
    squared = ((x - found) ** 2).sum(axis=1)
    if lattice is Z:
        expected = ((x - np.rint(x)) ** 2).sum(axis=1)
    elif lattice is BW16:
        expected = reference.squared_distances("Barnes-Wall", 2 * x) / 4
    else:
        expected = reference.squared_distances(lattice.name, x)
    np.testing.assert_allclose(squared, expected, atol=1e-12)


@pytest.mark.parametrize("lattice", [Z, D4, E8], ids=lambda lattice: lattice.name)
def test_no_point_around_is_nearer(lattice):
    """Trying every lattice point within a step or two of a vector finds none that is nearer."""
    free = np.full(lattice.dim, np.inf)
    for x in points(lattice, 12, seed=1):
        found = lattice.nearest(x[None])
        tried = reference.by_trying(x, lattice.shifts, lattice.even, -free, free)
        assert ((x - found) ** 2).sum() == pytest.approx(tried, abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1), lattice=st.sampled_from([Z, D4]))
@settings(max_examples=80)
def test_in_a_range_the_nearest_point_of_the_range_is_found(seed, lattice):
    """With least and greatest whole numbers, also for vectors far outside: none of the allowed points is nearer."""
    rng = np.random.default_rng(seed)
    low = rng.integers(-2, 1, lattice.dim)
    high = low + rng.integers(0, 3, lattice.dim)
    high[-1] = max(high[-1], low[-1] + 1)
    x = rng.uniform(-5, 5, (4, lattice.dim))
    words, whole = lattice.nearest_between(x, low.astype(float), high.astype(float))
    assert ((low <= whole) & (whole <= high)).all()
    found = whole + lattice.shifts[words]
    assert is_in(lattice, found).all()
    for row, point in zip(x, found, strict=True):
        tried = reference.by_trying(row, lattice.shifts, lattice.even, low, high)
        assert ((row - point) ** 2).sum() == pytest.approx(tried, abs=1e-12)


@names
def test_the_second_moment_is_the_printed_constant(lattice):
    """Uniform points have the normalized second moment of the theory, within four standard errors."""
    check_moment(lattice, 20_000)


@pytest.mark.long
@names
def test_the_second_moment_is_the_printed_constant_to_four_digits(lattice):
    """The same with three million points, 3e-5 relative."""
    check_moment(lattice, 3_000_000)


def check_moment(lattice, count):
    x = points(lattice, count, seed=2, scale=4.0)  # a whole number of periods
    moments = ((x - lattice.nearest(x)) ** 2).sum(axis=1) / (lattice.dim * lattice.volume ** (2 / lattice.dim))
    assert abs(moments.mean() - lattice.second_moment) < 4 * moments.std() / np.sqrt(count)


@pytest.mark.parametrize(("lattice", "kissing", "squared"), [(Z, 2, 1.0), (D4, 24, 2.0), (E8, 240, 2.0)])
def test_the_shortest_vectors_are_as_many_as_known(lattice, kissing, squared):
    """Among small vectors of whole and half coordinates, those that decode to themselves have the known least norm."""
    steps = [-1.0, -0.5, 0.0, 0.5, 1.0] if lattice is E8 else [-1.0, 0.0, 1.0]
    candidates = np.array(list(itertools.product(steps, repeat=lattice.dim)))
    candidates = candidates[(candidates**2).sum(axis=1) <= squared]
    own = candidates[(lattice.nearest(candidates) == candidates).all(axis=1)]
    norms = (own**2).sum(axis=1)
    assert np.count_nonzero(norms) == np.count_nonzero(norms == squared) == kissing


@names
def test_a_lattice_point_moves_everything_along(lattice):
    """Adding a lattice point to a vector adds it to the result; lattice points decode to themselves."""
    x = points(lattice, 300, seed=3)
    shift = lattice.nearest(points(lattice, 300, seed=4, scale=50.0))
    np.testing.assert_array_equal(lattice.nearest(shift), shift)
    np.testing.assert_allclose(lattice.nearest(x + shift), lattice.nearest(x) + shift)


def test_ties_are_settled_alike():
    """The deep hole of D4 and the middle between whole numbers go to one point, alone or among others."""
    holes = np.array([[0.5, 0.5, 0.5, 0.5], [1.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]])
    found = D4.nearest(holes)
    assert found.tolist() == [[1.0, 1.0, 1.0, 1.0], [2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    for row in range(3):
        np.testing.assert_array_equal(D4.nearest(holes[row : row + 1])[0], found[row])
    assert Z.nearest(np.array([[0.5], [-0.5], [1.5]])).ravel().tolist() == [1.0, 0.0, 2.0]


def test_the_table_of_lattices_names_each():
    """A file finds a lattice by its name; volumes are those of the lattices in these coordinates."""
    assert {name: lattice.volume for name, lattice in LATTICES.items()} == {"Z": 1.0, "D4": 2.0, "E8": 1.0, "BW16": 0.0625}
    assert all(LATTICES[lattice.name] == lattice for lattice in ALL)
    assert Lattice("D4", 4, even=True, code=((0,) * 4,)) == D4
