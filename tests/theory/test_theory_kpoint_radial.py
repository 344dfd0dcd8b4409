"""The K-point floor of an isotropic Gaussian: below every codebook, above Shannon, and what it claims of itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from scipy.special import ndtr

from references import sphere_cover
from zador.errors import UsageError
from zador.theory import gaussian, scalar
from zador.theory.kpoint import radial
from zador.theory.kpoint.bound import KPointBound
from zador.theory.kpoint.prices import Prices
from zador.theory.kpoint.shell import cover

# Best known codebooks of N(0, I_2): exact integration over the cells and 40 to 60 starts; theory notes, section 3.2.
BEST_IN_THE_PLANE = {3: 0.925704134, 4: 0.726760455, 5: 0.614483509, 8: 0.402412654, 16: 0.215196605, 19: 0.185601955}
BEST_IN_THE_PLANE |= {32: 0.113909276, 50: 0.074818551, 64: 0.059067177}
# (d, K): an earlier bound of the same kind, printed to four digits, and the best known codebook; section 3.3.
PRINTED = {
    (2, 4): (0.7266, 0.72676),
    (2, 8): (0.3983, 0.40241),
    (2, 16): (0.2124, 0.21520),
    (2, 32): (0.1122, 0.11391),
    (2, 64): (0.0581, 0.05907),
    (4, 2): (3.3627, 3.36338),
    (4, 8): (1.8309, 1.8542),
    (4, 16): (1.3385, 1.3664),
    (4, 32): (0.9790, 1.0085),
    (4, 64): (0.7125, 0.7356),
}


@pytest.mark.parametrize(("dim", "size"), PRINTED)
def test_not_below_the_earlier_bound_and_below_the_best_codebook(dim, size):
    """The floor reaches what was computed elsewhere, to its last printed digit, and stays below the best known codebook."""
    printed, best = PRINTED[dim, size]
    bound = radial.lower_bound(dim, 1.0, size)
    assert printed - 5e-5 <= bound.distortion <= best + 5e-6  # half of the last digit
    assert bound.certified


@pytest.mark.parametrize("size", BEST_IN_THE_PLANE)
def test_within_two_per_cent_of_the_best_codebook_of_the_plane(size):
    """In the plane, where the best codebooks are known, the floor lies 0 to 2 % below them."""
    bound = radial.lower_bound(2, 1.0, size).distortion
    assert BEST_IN_THE_PLANE[size] / 1.02 < bound <= BEST_IN_THE_PLANE[size]


@pytest.mark.parametrize(("dim", "size"), [(2, 8), (4, 16), (4, 64), (8, 256), (16, 1024)])
def test_no_other_prices_would_prove_a_thousandth_more(dim, size):
    """The ceiling over all prices, computed from the other side of the duality, is within 0.1 %."""
    bound = radial.lower_bound(dim, 1.0, size)
    assert bound.distortion <= bound.ceiling < 1.001 * bound.distortion


@pytest.mark.parametrize(("dim", "sizes"), [(2, [1, 2, 3, 4, 5, 8, 16, 19, 32, 50, 64]), (5, [1, 2, 3, 7, 20, 3000, 10**6])])
def test_falls_with_the_codebook_and_stays_above_shannon(dim, sizes):
    """More codewords never mean a higher floor, and Shannon's bound is below it at every size."""
    floors = [radial.lower_bound(dim, 1.0, size).distortion for size in sizes]
    assert (np.diff(floors) < 0).all()
    shannon = [gaussian.distortion_rate(np.ones(dim), math.log2(size)) for size in sizes]
    assert all(floor >= bound for floor, bound in zip(floors, shannon, strict=True))


@pytest.mark.parametrize(("dim", "levels"), [(2, 4), (3, 2), (3, 4), (6, 2)])
def test_below_the_product_of_scalar_quantizers(dim, levels):
    """A grid of Lloyd–Max quantizers is a codebook, so it lies above."""
    grid = dim * scalar.lloyd_max("gaussian", levels).distortion
    assert radial.lower_bound(dim, 1.0, levels**dim).distortion < grid


@pytest.mark.parametrize("size", [3, 4, 8, 256])
def test_one_dimension_is_lloyd_max(size):
    """On the line the floor is the best quantizer itself, and prices alone come within 3 % of it, from below."""
    best = scalar.lloyd_max("gaussian", size).distortion
    assert radial.lower_bound(1, 1.0, size).distortion == best
    assert 0.97 * best < radial._priced(1, size).distortion <= best


def test_one_and_two_codewords_are_exact():
    """The mean leaves the trace; two codewords explain 2/π of one axis."""
    assert radial.lower_bound(5, 2.0, 1).distortion == 10.0
    assert radial.lower_bound(5, 2.0, 2).distortion == 2.0 * (5 - 2 / math.pi)
    prices = radial._priced(5, 2).distortion
    assert 0.999 * (5 - 2 / math.pi) < prices <= 5 - 2 / math.pi


def test_scales_with_the_variance():
    """Four times the variance: four times the floor and the prices, twice the radii."""
    one, four = radial.lower_bound(3, 1.0, 10), radial.lower_bound(3, 4.0, 10)
    assert four.distortion == 4 * one.distortion
    assert four.ceiling == 4 * one.ceiling
    assert (four.prices == 4 * one.prices).all()
    assert (four.radii == 2 * one.radii).all()
    assert radial.lower_bound(3, 0.0, 10).distortion == 0.0


def test_many_dimensions_and_many_codewords():
    """A thousand dimensions, and sizes beyond any float's whole numbers, are no obstacle and beat Shannon by little."""
    for dim, size in ((1000, 65536), (64, 2**64), (2, 1 << 14)):
        shannon = gaussian.distortion_rate(np.ones(dim), math.log2(size))
        bound = radial.lower_bound(dim, 1.0, size)
        assert bound.how == "radial prices"
        # Zador's constant times K^(-2/d) is at most 2.72 Shannon's, in any dimension.
        assert shannon < bound.distortion < min(dim, math.pi * math.sqrt(3) / 2 * shannon)


def test_too_many_codewords_for_integration_leave_shannon():
    """Where K^(1/d) exceeds 1024 the answer is Shannon's bound and says so."""
    bound = radial.lower_bound(2, 1.0, 1 << 22)
    assert (bound.how, bound.distortion) == ("Shannon", gaussian.distortion_rate(np.ones(2), 22.0))


@pytest.mark.parametrize(("dim", "size"), [(2, 5), (4, 16), (16, 1024)])
def test_prices_prove_the_bound_on_samples(dim, size):
    """Simulated, the recorded prices have the mean they need, and no codeword tried collects more than they allow."""
    bound = radial.lower_bound(dim, 1.0, size)
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200_000, dim))
    radius = np.sqrt((x**2).sum(axis=1))
    inside = (radius >= bound.radii[0]) & (radius <= bound.radii[-1])
    price = np.where(inside, CubicSpline(bound.radii, bound.prices)(np.clip(radius, bound.radii[0], bound.radii[-1])), 0.0)
    for distance in (0.0, 0.5, 0.8, 1.2, 1.6):
        centre = rng.standard_normal(dim)
        centre *= distance * math.sqrt(dim) / np.linalg.norm(centre)
        proved = price - size * np.maximum(price - ((x - centre) ** 2).sum(axis=1), 0.0)
        error = proved.std() / math.sqrt(len(x))
        # Each codeword gives an upper bound on what is proved, E g - K sup F: four standard errors are one in 30 000.
        assert bound.distortion <= proved.mean() + 4 * error


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 60), st.floats(0.05, 8.0), st.floats(0.05, 8.0), st.floats(0.01, 40.0))
def test_cover_agrees_with_integration_over_the_angle(dim, radius, centre, price):
    """The closed form is the adaptive integral, to the accuracy of both."""
    closed = cover(dim, np.array([radius]), np.array([centre]), np.array([price]))
    assert closed.gain[0] == pytest.approx(sphere_cover.gain(dim, radius, centre, price), rel=1e-8, abs=1e-11)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 2000), st.floats(0.5, 4.0), st.floats(0.5, 4.0), st.floats(0.01, 30.0))
def test_mass_and_density_are_the_slopes_of_the_gain(dim, radius, centre, price):
    """Over a short step the gain rises by between the mass at its two ends, as it is convex in the price."""
    step = 1e-3
    at, after = (cover(dim, np.array([radius]), np.array([centre]), np.array([t])) for t in (price, price + step))
    rise = (after.gain[0] - at.gain[0]) / step
    rounding = 1e-14 * (radius + centre) ** 2 / step
    assert at.mass[0] - rounding <= rise <= after.mass[0] + rounding
    middle = cover(dim, np.array([radius]), np.array([centre]), np.array([price + 0.5 * step]))
    lowest, highest = sorted(max(0.0, float(c.density[0])) for c in (at, after))
    between = (after.mass[0] - at.mass[0]) / step
    # The density is unimodal in the price: over so short a step its ends enclose its mean but for a bend of second order.
    assert between >= 0
    if dim >= 5 and at.mass[0] > 0 and after.mass[0] < 1:
        slack = 0.5 * abs(highest - lowest) + 1e-9 / step + abs(2 * middle.density[0] - lowest - highest)
        assert lowest - slack <= between <= highest + slack


def test_cover_on_the_line_counts_two_points():
    """In one dimension X is ±r: at price 2 a codeword at 1 covers the point 2 and gains 2 - 1 from it, half of the time."""
    covered = cover(1, np.array([2.0]), np.array([1.0]), np.array([2.0]))
    assert (covered.gain[0], covered.mass[0]) == (0.5, 0.5)


def test_constant_prices_have_a_closed_form():
    """With g = t in the plane sup F is F(0) = t - 2 (1 - e^(-t/2)), found and enclosed."""
    price = 1.5
    prices = Prices(2, np.linspace(0.0, 8.0, 65), np.full(65, price))
    exact = price - 2 * (1 - math.exp(-price / 2))
    found = prices.supremum(1e-4 * exact)
    assert found.attained == pytest.approx(exact, abs=found.quadrature + 1e-14)
    assert exact <= found.upper <= exact * (1 + 1.1e-4) + found.quadrature
    mean, error = prices.mean()
    # What lies outside the radii, e^(-32), is not paid for.
    assert mean == pytest.approx(price * (1 - math.exp(-32)), abs=error + 1e-13)


def test_supremum_encloses_a_function_with_two_peaks():
    """Prices with two bumps: no centre of a fine grid, integrated finely, collects more than the enclosure says."""
    radii = np.linspace(0.0, 8.0, 161)
    bumps = 0.3 + 0.8 * np.exp(-((radii - 0.7) ** 2) / 0.05) + 2.0 * np.exp(-((radii - 2.5) ** 2) / 0.1)
    prices = Prices(3, radii, bumps)
    found = prices.supremum(1e-6)
    everywhere = prices.paid(np.linspace(0.0, 12.0, 4001), finer=True)
    assert everywhere.max() <= found.upper
    assert found.upper <= everywhere.max() + 1e-6 + 2 * found.quadrature


def test_mass_with_reach_covers_every_nearer_centre():
    """The mass that bends the enclosure is at least that of any centre within its reach."""
    prices = Prices(2, np.linspace(0.0, 8.0, 65), np.full(65, 0.5))
    centres = np.linspace(0.2, 4.0, 39)
    wide = prices.mass(centres, np.full(39, 0.1))
    for shift in (-0.1, -0.05, 0.0, 0.05, 0.1):
        assert (prices.mass(centres + shift, np.zeros(39)) <= wide).all()


def test_mass_is_a_probability_that_can_be_computed():
    """On the line a constant price t puts c ± √t under the ball: Φ(c + √t) - Φ(c - √t)."""
    prices = Prices(1, np.linspace(0.0, 9.0, 257), np.full(257, 0.25))
    exact = ndtr(1.5) - ndtr(0.5)
    assert prices.mass(np.array([1.0]), np.array([0.0]))[0] == pytest.approx(exact, rel=0.02)


def test_records_refuse_what_is_no_squared_error_and_print():
    """A negative or missing bound is refused; a bound reads as a sentence."""
    with pytest.raises(UsageError, match="distortion"):
        KPointBound(-1.0, certified=True, how="")
    with pytest.raises(UsageError, match="standard_error"):
        KPointBound(1.0, certified=True, how="", standard_error=math.nan)
    text = str(KPointBound(1.0, certified=False, how="particles", standard_error=0.01))
    assert text == "squared error at least 1 ± 0.01 (particles, not certified)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 1.0, 4), "dim"),
        ((2, -1.0, 4), "variance"),
        ((2, math.nan, 4), "variance"),
        ((2, math.inf, 4), "variance"),
        ((2, 1.0, 0), "codebook_size"),
        ((2, 1.0, 2.5), "codebook_size"),
    ],
)
def test_mistakes_are_named(arguments, words):
    """What is no dimension, variance or size is refused by name."""
    with pytest.raises(UsageError, match=words):
        radial.lower_bound(*arguments)
