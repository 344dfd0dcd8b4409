"""Zador's asymptote, its constants, and where it may be believed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from references.lattices import second_moment
from zador.errors import DataError, UsageError, ZadorWarning
from zador.theory.gaussian import distortion_rate
from zador.theory.high_rate import (
    distortion,
    distortion_from_samples,
    estimate,
    is_valid,
    lattice_constant,
    sphere_bound,
    zador_upper_bound,
)
from zador.theory.scalar import lloyd_max

BEST_KNOWN = {
    1: 0.083333, 2: 0.080188, 3: 0.078543, 4: 0.076603, 5: 0.075625, 6: 0.074244, 7: 0.073117, 8: 0.071682,
    9: 0.071623, 10: 0.070814, 11: 0.070426, 12: 0.070034, 16: 0.068298, 24: 0.065771,
}  # fmt: skip


@pytest.mark.parametrize(("dim", "printed"), BEST_KNOWN.items())
def test_best_known_lattices(dim, printed):
    """Each constant rounds to the published decimal and lies between the two proven bounds."""
    assert lattice_constant(dim) == pytest.approx(printed, abs=7e-7)  # 0.0731165 is printed as 0.073117
    assert sphere_bound(dim) <= lattice_constant(dim) < zador_upper_bound(dim)


@pytest.mark.parametrize(("dim", "name"), [(4, "D4"), (8, "E8"), (10, "D10+"), (16, "Barnes-Wall")])
def test_constants_against_drawn_points(dim, name):
    """The exact expression is within 4 standard errors of 40000 points rounded to the lattice."""
    measured, standard_error = second_moment(name, 40_000)
    assert abs(lattice_constant(dim) - measured) < 4 * standard_error


@pytest.mark.parametrize(("dim", "sphere", "zador"), [(1, 1 / 12, 0.5), (2, 0.079577, 0.159155), (8, 0.070454, 0.079824)])
def test_bounds_on_the_constant(dim, sphere, zador):
    """Sphere bound and Zador's bound are the tabulated ones."""
    assert sphere_bound(dim) == pytest.approx(sphere, abs=5e-7)
    assert zador_upper_bound(dim) == pytest.approx(zador, abs=5e-7)


def test_bounds_meet_at_infinity():
    """Both tend to 1 / (2 π e); at d = 100000 they are within ln(2 π d) / d of it."""
    limit = 1 / (2 * math.pi * math.e)
    for bound in (sphere_bound, zador_upper_bound):
        assert bound(100_000) == pytest.approx(limit, rel=math.log(2 * math.pi * 1e5) / 1e5)
        assert bound(100_000) > limit


@pytest.mark.parametrize(("dim", "constant"), [(1, 2.7207), (2, 4.0307), (4, 6.4977)])
def test_constants_of_the_unit_gaussian(dim, constant):
    """The factor d G ||p|| of N(0, I): Panter-Dite's π √3 / 2 on the line, and the tabulated ones in 2 and 4 dimensions."""
    assert estimate([1.0] * dim, 1).distortion == pytest.approx(constant, abs=5e-5)


def test_panter_dite():
    """On the line the asymptote is π √3 / 2 K^-2."""
    assert distortion([3.0], 7) == pytest.approx(3 * math.pi * math.sqrt(3) / 2 / 49, rel=1e-14)


def test_lloyd_max_approaches_it():
    """The best scalar quantizer is below the asymptote, by 31 % at 4 levels, by 3 % at 64, by less than 1 % at 256."""
    ratios = [lloyd_max("gaussian", n).distortion / distortion([1.0], n) for n in (4, 64, 256)]
    assert ratios == pytest.approx([0.691, 0.970, 0.992], abs=5e-4)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30), st.integers(1, 1 << 40))
def test_above_the_shannon_bound_where_valid(spectrum, size):
    """Where it may be believed it never undercuts the bound that no codebook undercuts."""
    if is_valid(spectrum, size):
        assert distortion(spectrum, size) > distortion_rate(spectrum, math.log2(size))


@given(st.floats(1e-6, 1e6), st.permutations([4.0, 2.0, 1.0, 0.25]))
def test_scales_and_does_not_mind_the_order(factor, spectrum):
    """Scaled variances in any order scale the distortion; the logarithms round to about eps times their size, below 20."""
    rounding = 100 * np.finfo(float).eps
    assert distortion([factor * v for v in spectrum], 8192) == pytest.approx(
        factor * distortion([4.0, 2.0, 1.0, 0.25], 8192), rel=rounding
    )


@pytest.mark.parametrize("rest", [[0.0, 0.0], [1e-16, -1e-16]])
def test_only_the_active_subspace_counts(rest):
    """Axes without variance, exactly or up to rounding, leave distortion and validity as they are."""
    assert distortion([2.0, 1.0, *rest], 64) == distortion([2.0, 1.0], 64)
    assert is_valid([2.0, 1.0, *rest], 64) == is_valid([2.0, 1.0], 64)


def test_a_constant_source_is_free():
    """Without variance there is no distortion, whatever K, and nothing to doubt."""
    assert distortion([0.0], 4) == 0.0
    assert is_valid([0.0], 1)


@pytest.mark.parametrize(
    ("spectrum", "size", "valid"),
    [
        ([1.0], 4, True),
        ([1.0], 3, False),
        ([1.0] * 4, 256, True),
        ([1.0] * 4, 255, False),
        ([1.0, 0.01], 16, False),
        ([1.0, 0.01], 160, True),
        ([1.0, 0.01], 159, False),
        ([1.0, 1e-9], 16, False),
    ],
)
def test_valid_from_four_cells_on_the_weakest_axis(spectrum, size, valid):
    """K^(1/d) >= 4 when axes are alike; 4 cells beside 40 on an axis of a hundredth of the variance need K = 160."""
    assert is_valid(spectrum, size) is valid


def test_an_unknown_dimension_uses_the_middle_of_the_bounds():
    """Without a settled lattice the constant is the geometric mean of the bounds, at most 0.16 dB off at d = 13."""
    ratio = estimate([1.0] * 13, 1).distortion / (13 * 2 * math.pi * (15 / 13) ** 7.5)
    assert ratio == pytest.approx(math.sqrt(sphere_bound(13) * zador_upper_bound(13)), rel=1e-13)
    assert 5 * math.log10(zador_upper_bound(13) / sphere_bound(13)) < 0.16


def test_an_unknown_lattice_constant_is_not_made_up():
    """Dimension 15 is refused with the interval that is proven: the lattice that is known here loses to random points."""
    with pytest.raises(DataError, match=r"15.*0\.066890.*0\.071165.*0\.071659"):
        lattice_constant(15)


@pytest.mark.parametrize(
    "call",
    [lambda: lattice_constant(0), lambda: sphere_bound(1.5), lambda: distortion([1.0], 0), lambda: is_valid([1.0], -1)],
)
def test_mistakes_are_named(call):
    """Dimensions and sizes are whole and positive."""
    with pytest.raises(UsageError, match="expected"):
        call()


def test_too_few_codewords_warn():
    """`distortion` warns, with the cells that it counted, where `is_valid` says no; `estimate` returns the same number."""
    with pytest.warns(ZadorWarning, match="weakest of 2 axes 1.4 cells"):
        got = distortion([4.0, 1.0], 4)
    record = estimate([4.0, 1.0], 4)
    assert got == record.distortion
    assert record.valid is False
    assert record.cells_on_weakest_axis == pytest.approx(math.sqrt(2), rel=1e-12)  # θ = sqrt(4 · 1) / 4 = ½


@pytest.mark.parametrize(("dim", "spectrum"), [(1, [3.0]), (3, [4.0, 1.0, 0.5])])
def test_samples_of_a_gaussian_give_its_closed_form(dim, spectrum):
    """E p(X)^(-2/(d+2)) over 200000 draws gives the asymptote within 4 standard errors."""
    x = np.random.default_rng(1).standard_normal((200_000, dim)) * np.sqrt(spectrum)
    logs = -0.5 * (x**2 / spectrum).sum(axis=1) - 0.5 * np.log(2 * np.pi * np.array(spectrum)).sum()
    got = distortion_from_samples(logs, dim, 10_000)
    assert abs(got.distortion - distortion(spectrum, 10_000)) < 4 * got.standard_error
    assert got.standard_error < 0.02 * got.distortion


def test_samples_of_a_uniform_have_no_error():
    """A flat density on [0, 2]^2 needs one value: D = 2 G_2 · 4 / K, without sampling error."""
    got = distortion_from_samples(np.full(10, -math.log(4)), 2, 100)
    assert got.distortion == pytest.approx(2 * lattice_constant(2) * 4 / 100, rel=1e-13)
    assert got.standard_error == 0.0


@pytest.mark.parametrize("logs", [[0.0], [[0.0, 1.0]], 3.0])
def test_log_densities_are_a_vector(logs):
    """One value, a matrix or a number is refused."""
    with pytest.raises(DataError, match="log_densities"):
        distortion_from_samples(logs, 1, 4)
