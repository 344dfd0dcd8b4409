"""Normalized second moments: the tables, the products, and the order of the bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from references.lattices import second_moment
from zador.errors import DataError, UsageError
from zador.theory.cell_constants import (
    best_lattice,
    conway_sloane_bound,
    lattice_constant,
    sphere_bound,
    zador_upper_bound,
)

CONWAY_SLOANE = [
    0.083333, 0.080188, 0.077875, 0.076087, 0.074654, 0.073475, 0.072484, 0.071636, 0.070902, 0.070258, 0.069688, 0.069179,
    0.068722, 0.068308, 0.067931, 0.067587, 0.067271, 0.066979, 0.066709, 0.066457, 0.066224, 0.066005, 0.065800, 0.065608,
]  # fmt: skip
ZADOR = [
    0.5, 0.159155, 0.115803, 0.099736, 0.091319, 0.086084, 0.082479, 0.079824, 0.077776, 0.076139, 0.074797, 0.073673,
    0.072715, 0.071888, 0.071165, 0.070527, 0.069958, 0.069449, 0.068988, 0.068570, 0.068189, 0.067839, 0.067517, 0.067220,
]  # fmt: skip
SPHERE = [
    0.083333, 0.079577, 0.076967, 0.075026, 0.073516, 0.072301, 0.071298, 0.070454, 0.069731, 0.069104, 0.068555, 0.068068,
    0.067634, 0.067243, 0.066890, 0.066568, 0.066274, 0.066004, 0.065755, 0.065525, 0.065310, 0.065111, 0.064924, 0.064750,
]  # fmt: skip


@pytest.mark.parametrize("dim", range(1, 25))
def test_tables_of_the_bounds(dim):
    """All three bounds round to their printed six decimals."""
    assert conway_sloane_bound(dim) == pytest.approx(float(CONWAY_SLOANE[dim - 1]), abs=5.1e-7)
    assert zador_upper_bound(dim) == pytest.approx(float(ZADOR[dim - 1]), abs=5.1e-7)
    assert sphere_bound(dim) == pytest.approx(float(SPHERE[dim - 1]), abs=5.1e-7)


@pytest.mark.parametrize("dim", range(1, 25))
def test_every_lattice_obeys_the_bounds(dim):
    """No lattice is below the conjectured bound, which is not below the sphere bound; equality for the optimal ones."""
    lattice = best_lattice(dim)
    rounding = 1e-13
    assert sphere_bound(dim) <= conway_sloane_bound(dim) * (1 + rounding)
    assert conway_sloane_bound(dim) <= lattice.value * (1 + rounding)
    assert (conway_sloane_bound(dim) > lattice.value * (1 - 1e-9)) == (lattice.status == "optimal")


def test_a_product_at_equal_error_per_dimension():
    """Z scaled against A2: minimising over the ratio by brute force gives the geometric mean that is claimed."""
    ratios = np.linspace(0.2, 5.0, 200_001)  # volume of the Z cell; the A2 cell has 1 / that
    errors = (lattice_constant(1) * ratios**2 + 2 * lattice_constant(2) / ratios) / 3
    claimed = (lattice_constant(1) * lattice_constant(2) ** 2) ** (1 / 3)
    assert errors.min() == pytest.approx(claimed, rel=1e-9)  # a step of 2e-5 squared
    assert errors.min() >= claimed


def test_a_product_against_drawn_points():
    """17 dimensions: Barnes-Wall x Z at the best scales, each part measured, is the value that is kept."""
    part, error = second_moment("Barnes-Wall", 40_000)
    measured = math.exp((16 * math.log(part) + math.log(1 / 12)) / 17)
    assert best_lattice(17).name == "Barnes-Wall x Z"
    assert abs(best_lattice(17).value - measured) < 4 * error * measured / part


def test_products_are_published_ones():
    """13 dimensions: .070974 is printed for the glued lattice times Z, from a constant with more digits than kept here."""
    assert best_lattice(13).value == pytest.approx(0.070974, abs=5e-6)
    assert best_lattice(13).status == "product"
    assert lattice_constant(13) == best_lattice(13).value


@pytest.mark.parametrize("dim", [15, 18, 19, 20, 21, 22, 23])
def test_what_is_not_known_is_not_made_up(dim):
    """A lattice that loses to random points says nothing on G_n: refused with the interval that is proven."""
    assert best_lattice(dim).value > zador_upper_bound(dim)
    with pytest.raises(DataError, match=rf"not known for dimension {dim}.*{sphere_bound(dim):.6f}"):
        lattice_constant(dim)


def test_beyond_the_table():
    """25 dimensions are refused with the proven interval, 65 by the recursion."""
    with pytest.raises(DataError, match=r"25.*only up to 24"):
        lattice_constant(25)
    with pytest.raises(DataError, match="64"):
        conway_sloane_bound(65)


def test_the_record_prints_its_source():
    """A lattice names its value, status and source."""
    assert str(best_lattice(24)) == "G_24 = 0.065771 (Leech, best known; conway1999sphere)"


@pytest.mark.parametrize("call", [best_lattice, lattice_constant, conway_sloane_bound])
def test_mistakes_are_named(call):
    """A dimension is a whole number of at least 1."""
    with pytest.raises(UsageError, match="dim"):
        call(0)
