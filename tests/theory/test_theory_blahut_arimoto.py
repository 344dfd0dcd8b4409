"""Blahut-Arimoto: closed forms, a general convex solver, textbook iterations, and the laws of rate-distortion functions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from references import rate_distortion as reference
from zador.errors import DataError, NonFiniteError, UsageError
from zador.theory.blahut_arimoto import AbsoluteError, SquaredError, curve, solve

HAMMING = 1.0 - np.eye(2)
ROUNDING = 1e-12  # bits: a few hundred roundings of numbers of order one


def entropy(p):
    return 0.0 if p in (0.0, 1.0) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def random_problem(seed, n=6, m=5):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(n)), rng.random((n, m))


@pytest.mark.parametrize("bias", [0.5, 0.3, 0.01])
@pytest.mark.parametrize("share", [0.0, 1e-6, 0.1, 0.5, 0.9, 0.999])
def test_biased_coin(bias, share):
    """R(D) = h(p) - h(D) for Hamming distortion D < p, to 1e-9."""
    found = solve([bias, 1 - bias], HAMMING, target_distortion=share * bias, tolerance=1e-10)
    exact = entropy(bias) - entropy(share * bias)
    assert found.converged
    assert found.distortion == pytest.approx(share * bias, rel=1e-12)
    assert found.rate_lower - 1e-12 <= exact <= found.rate_upper + 1e-12
    assert found.gap <= 1e-9


@pytest.mark.parametrize("symbols", [2, 5, 40])
def test_uniform_source_with_hamming_distortion(symbols):
    """R(D) = log2 k - h(D) - D log2(k - 1) for k equally likely symbols (cover2006elements, problem 10.5)."""
    costs = 1.0 - np.eye(symbols)
    for distortion in (0.05, 0.3):
        exact = math.log2(symbols) - entropy(distortion) - distortion * math.log2(max(symbols - 1, 1))
        found = solve(np.full(symbols, 1 / symbols), costs, target_distortion=distortion, tolerance=1e-9)
        assert found.rate_lower - ROUNDING <= exact <= found.rate_upper + ROUNDING


def test_erasures_make_a_straight_line():
    """With a third symbol "?" at cost 0.2, R(D) of a coin is straight from (0.2, 0) and the bracket closes there too."""
    costs = [[0.0, 1.0, 0.2], [1.0, 0.0, 0.2]]
    ends = [solve([0.5, 0.5], costs, target_distortion=d, tolerance=1e-10) for d in (0.12, 0.16, 0.2)]
    rates = [end.rate_upper for end in ends]
    assert all(end.converged for end in ends)
    assert rates[1] == pytest.approx((rates[0] + rates[2]) / 2, abs=1e-9)
    assert rates[2] <= 1e-10


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(2, 5), st.floats(0.1, 0.9))
@settings(max_examples=40, deadline=None)
def test_agrees_with_a_general_convex_solver(seed, n, m, share):
    """The bracket contains what sequential quadratic programming over channels finds, as far as that is accurate."""
    p, costs = random_problem(seed, n, m)
    least, most = p @ costs.min(axis=1), (p @ costs).min()
    assume(most - least > 0.02 and p.min() > 1e-3)
    distortion = least + share * (most - least)
    found = solve(p, costs, target_distortion=distortion, tolerance=1e-8)
    other = reference.convex_rate(p, costs, distortion)
    # Any feasible channel is an upper bound; where the solver reports success it is within 1e-4 bit of the least.
    assert other.fun / math.log(2) >= found.rate_lower - 1e-6
    if other.success:
        assert other.fun / math.log(2) <= found.rate_upper + 1e-4


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 100.0), st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_textbook_iterations_stay_above_and_below(seed, slope, iterations):
    """Bounds of plain iterations, however few, enclose the line of the certified bracket at the same slope."""
    p, costs = random_problem(seed)
    found = solve(p, costs, slope=slope, tolerance=1e-10)
    nats = slope * math.log(2)
    lower, upper, distortion = reference.plain_blahut(p, costs, nats, iterations)
    line = (found.rate_lower + slope * found.distortion) * math.log(2)
    assert lower + nats * distortion <= line + 1e-9
    assert upper + nats * distortion >= line - 1e-9


@pytest.mark.parametrize("iterations", range(1, 12))
@pytest.mark.parametrize("slope", [0.5, 3.0, 30.0])
def test_bracket_is_true_at_every_iteration(iterations, slope):
    """Stopped after any number of passes, the bracket contains R at its own distortion, and `converged` is honest."""
    p, costs = random_problem(7, 40, 30)
    early = solve(p, costs, slope=slope, tolerance=1e-9, max_iterations=iterations)
    late = solve(p, costs, target_distortion=early.distortion, tolerance=1e-9)
    assert early.rate_lower <= late.rate_upper + ROUNDING
    assert early.rate_upper >= late.rate_lower - ROUNDING
    assert early.converged == (early.gap <= 1e-9 + ROUNDING)
    assert ("budget" in early.note) == (not early.converged)
    assert early.iterations <= iterations


@pytest.mark.parametrize("asked", [{"slope": 2.0}, {"slope": 200.0}, {"target_distortion": 0.2}])
def test_brackets_are_nested(asked):
    """Each bracket of the history lies inside the one before."""
    p, costs = random_problem(3, 50, 40)
    history = solve(p, costs, tolerance=1e-10, **asked).history
    assert len(history) > 1
    assert (np.diff(history[:, 0]) >= -ROUNDING).all()
    assert (np.diff(history[:, 1]) <= ROUNDING).all()


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 2.0])
def test_rate_and_distortion_are_inverse(rate):
    """The distortion found for a rate has that rate."""
    p, costs = random_problem(11, 30, 20)
    at = solve(p, costs, target_rate=rate, tolerance=1e-9)
    back = solve(p, costs, target_distortion=at.distortion, tolerance=1e-9)
    assert at.converged
    assert at.rate_lower - ROUNDING <= rate <= at.rate_upper + ROUNDING
    assert back.rate_lower - 1e-9 <= rate <= back.rate_upper + 1e-9


def test_curve_is_convex_decreasing_and_supported_by_its_slopes():
    """Distortion falls and rate rises with slope; no point lies below the tangent at another."""
    p, costs = random_problem(5, 30, 30)
    points = curve(p, costs, np.geomspace(0.5, 500, 25), tolerance=1e-9)
    for before, after in itertools.pairwise(points):
        assert after.distortion <= before.distortion + 1e-9
        assert after.rate_upper >= before.rate_lower - 1e-9
    for a in points:
        for b in points:
            assert b.rate_upper >= a.rate_lower - a.slope * (b.distortion - a.distortion) - 1e-9


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_permuted_alphabets_have_the_same_rate(seed):
    """Renaming symbols and reproductions permutes the weights and changes nothing else."""
    p, costs = random_problem(seed, 12, 9)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(12), rng.permutation(9)
    one = solve(p, costs, slope=4.0, tolerance=1e-11)
    other = solve(p[rows], costs[rows][:, columns], slope=4.0, tolerance=1e-11)
    assert one.rate_lower - 4.0 * (other.distortion - one.distortion) <= other.rate_upper + 1e-10
    assert other.rate_lower - 4.0 * (one.distortion - other.distortion) <= one.rate_upper + 1e-10


def test_slope_is_bits_per_unit_of_distortion():
    """The slope reported is -dR/dD: a difference quotient of R(D) of a coin, log2((1 - D) / D)."""
    found = solve([0.5, 0.5], HAMMING, target_distortion=0.2, tolerance=1e-12)
    assert found.slope == pytest.approx(2.0, abs=1e-4)
    assert solve([0.5, 0.5], HAMMING, slope=2.0).distortion == pytest.approx(0.2, abs=1e-4)


def test_rate_zero_is_exact():
    """At slope 0, at rate 0 and from the best single reproduction on, the rate is exactly 0 and the note says so."""
    p, costs = random_problem(1)
    most = (p @ costs).min()
    for asked in ({"slope": 0.0}, {"target_rate": 0.0}, {"target_distortion": most}, {"target_distortion": 9.0}):
        found = solve(p, costs, **asked)
        assert (found.rate_lower, found.rate_upper) == (0.0, 0.0)
        assert found.distortion == pytest.approx(most, rel=1e-15)
        assert "rate zero" in found.note
        assert found.weights.max() == 1.0


def test_least_distortion_is_exact():
    """At infinite slope each symbol takes its nearest; with all distinct, R is the entropy; beyond it there is nothing."""
    p = np.array([0.5, 0.25, 0.125, 0.125])
    costs = 3.0 * (1 - np.eye(4)) + 0.25
    for asked in ({"slope": math.inf}, {"target_distortion": 0.25}, {"target_rate": 5.0}):
        found = solve(p, costs, **asked)
        assert found.distortion == pytest.approx(0.25, rel=1e-15)
        assert found.rate_lower - ROUNDING <= 1.75 <= found.rate_upper + ROUNDING
        assert "least distortion" in found.note
    with pytest.raises(UsageError, match=r"no channel goes below 0[.]25"):
        solve(p, costs, target_distortion=0.2)


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e8, 1e200])
def test_units_of_cost_do_not_matter(scale):
    """Costs and slopes in other units, however extreme, give the same rate: nothing over- or underflows."""
    p, costs = random_problem(2)
    plain = solve(p, costs, slope=5.0, tolerance=1e-10)
    scaled = solve(p, costs * scale, slope=5.0 / scale, tolerance=1e-10)
    assert scaled.rate_upper == pytest.approx(plain.rate_upper, abs=1e-6)
    assert scaled.distortion / scale == pytest.approx(plain.distortion, abs=1e-6)


def test_huge_slopes():
    """At slope 1e12 the point is that of the least distortion."""
    p, costs = random_problem(2)
    least = solve(p, costs, slope=math.inf, tolerance=1e-10)
    steep = solve(p, costs, slope=1e12, tolerance=1e-10)
    assert steep.rate_upper == pytest.approx(least.rate_upper, abs=1e-9)
    assert steep.distortion == pytest.approx(least.distortion, abs=1e-12)


def test_forbidden_pairs():
    """Infinite costs forbid: with only the diagonal and one escape at cost 1, R(D) is that of erasing with probability D."""
    costs = np.array([[0.0, np.inf, 1.0], [np.inf, 0.0, 1.0]])
    for distortion in (0.25, 0.5, 0.9):
        found = solve([0.5, 0.5], costs, target_distortion=distortion, tolerance=1e-9)
        assert found.rate_lower - ROUNDING <= 1 - distortion <= found.rate_upper + ROUNDING
        assert found.converged
    no_escape = solve([0.5, 0.5], costs[:, :2], slope=0.0, tolerance=1e-9)
    assert no_escape.rate_lower - ROUNDING <= 1.0 <= no_escape.rate_upper + ROUNDING
    with pytest.raises(UsageError, match="at least 1 bits"):
        solve([0.5, 0.5], costs[:, :2], target_rate=0.5)


def test_zero_probabilities_change_nothing():
    """A symbol that never occurs may cost anything."""
    p, costs = random_problem(4)
    with_zero = np.append(p, 0.0)[[0, 1, 6, 2, 3, 4, 5]]
    more = np.vstack([costs, np.full(5, 1e6)])[[0, 1, 6, 2, 3, 4, 5]]
    assert solve(with_zero, more, slope=3.0).rate_upper == pytest.approx(solve(p, costs, slope=3.0).rate_upper, abs=1e-9)


def test_point_knows_where_it_comes_from():
    """The achieved end is a RatePoint with the upper rate, and the solution prints its bracket."""
    found = solve([0.5, 0.5], HAMMING, slope=2.0)
    assert found.point.rate_bits == found.rate_upper
    assert found.point.distortion == found.distortion
    assert "<= R(" in str(found)


@pytest.mark.parametrize(
    ("points", "scale"), [(np.linspace(-12, 12, 801), 1.0), (np.linspace(-1, 1, 801), 20.0)], ids=["laplace", "uniform"]
)
def test_where_mass_has_to_leave_points(points, scale):
    """Discrete optima on a fine grid, where plain iterations crawl: a bracket of 1e-9 bit, inside that of 300 iterations."""
    p = np.exp(-np.abs(points) * math.sqrt(2)) if scale == 1.0 else np.ones(len(points))
    p /= p.sum()
    costs = (points[:, None] - points) ** 2
    found = solve(p, SquaredError(points[:, None], points[:, None]), slope=scale, tolerance=1e-9)
    nats = scale * math.log(2)
    lower, upper, distortion = reference.plain_blahut(p, costs, nats, 300)
    line = (found.rate_lower + scale * found.distortion) * math.log(2)
    assert found.converged
    assert lower + nats * distortion <= line + 1e-9 <= upper + nats * distortion + 2e-9


@pytest.mark.parametrize(("cost", "power"), [(SquaredError, 2), (AbsoluteError, 1)])
def test_rows_of_costs_agree_with_the_table(cost, power):
    """Computed in blocks or given as a table, with or without symbols of probability zero: the same bracket."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(70, 3)), rng.normal(size=(40, 3))
    table = (np.abs(x[:, None] - y) ** power).sum(axis=2)
    p = rng.dirichlet(np.ones(70)) * (rng.random(70) > 0.3)
    p /= p.sum()
    one, other = solve(p, cost(x, y), slope=1.5, tolerance=1e-9), solve(p, table, slope=1.5, tolerance=1e-9)
    assert one.rate_upper == pytest.approx(other.rate_upper, abs=1e-7)
    assert one.distortion == pytest.approx(other.distortion, abs=1e-7)


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("slope", [0.5, 2.0, 10.0])
def test_absolute_error_needs_no_reproduction_off_the_grid(dim, slope):
    """With all combinations of the points' coordinates to choose from, 300 places more lower R + s D by nothing."""
    rng = np.random.default_rng(8)
    x, p = rng.normal(size=(20, dim)), rng.dirichlet(np.ones(20))
    grid = np.array(list(itertools.product(*x.T)))
    more = np.concatenate([grid, rng.normal(size=(300, dim))])
    one, other = (solve(p, AbsoluteError(x, y), slope=slope, tolerance=1e-9) for y in (grid, more))
    assert one.history[-1, 0] <= other.history[-1, 1] + ROUNDING
    assert other.history[-1, 0] <= one.history[-1, 1] + ROUNDING


@pytest.mark.parametrize("slope", [1.6, 3.0, 15.0])
def test_laplace_with_absolute_error(slope):
    """R(D) = log2(b / D) (berger1971rate, chapter 4) of the density, through its rounding to bins and what that moves."""
    width, edge = 0.05, 13.0
    x = np.arange(-edge, edge + width / 2, width)
    tail = 0.5 * np.exp(-np.maximum(np.abs(x) - width / 2, 0.0))
    p = np.where(np.abs(x) < width / 2, -math.expm1(-width / 2), tail * -math.expm1(-width))
    p[[0, -1]] = tail[[0, -1]]  # the outermost bins reach to infinity
    # E |X - x| is a quarter of the width where the density is flat, at most exp(width) times that, and 1 + width beyond.
    moved = 0.25 * width * math.exp(width) + (1 + width) * math.exp(-edge + width / 2)
    found = solve(p / p.sum(), AbsoluteError(x[:, None], x[:, None]), slope=slope, tolerance=1e-4)
    assert found.converged
    assert found.distortion == pytest.approx(1 / (slope * math.log(2)), abs=2 * moved)
    assert math.log2(1 / (found.distortion + moved)) <= found.rate_upper
    assert found.rate_lower <= math.log2(1 / (found.distortion - moved))


@pytest.mark.parametrize("slope", [0.5, 3.0, 50.0])
def test_working_sets_reach_the_certificate(slope):
    """With more reproductions than fit a first working set, the certificate still closes, at low and at high rate."""
    x = np.random.default_rng(3).normal(size=(1500, 2))
    found = solve(np.full(1500, 1 / 1500), SquaredError(x, x), slope=slope, tolerance=1e-5)
    assert found.converged


def test_hundreds_of_islands():
    """700 biased coins far apart: R = log2 700 + h(0.3) - h(D); the first working set has something on every island."""
    x = (np.arange(700)[:, None] * 100.0 + np.arange(2)).reshape(-1, 1)
    found = solve(np.tile([0.3, 0.7], 700) / 700, SquaredError(x, x), slope=2.0, tolerance=1e-9)
    exact = math.log2(700) + entropy(0.3) - entropy(found.distortion)
    assert found.rate_lower - ROUNDING <= exact <= found.rate_upper + ROUNDING
    assert found.distortion == pytest.approx(0.2, abs=1e-4)
    assert found.iterations <= 9


@pytest.mark.long
@pytest.mark.parametrize("slope", [1.0, 10.0, 150.0])
def test_thousands_by_thousands(slope):
    """5000 points by 5000 reproductions, at 0.5 to 8 bits, are solved to 1e-4 bit without the table of 25 million costs."""
    import tracemalloc

    x = np.random.default_rng(3).normal(size=(5000, 2))
    costs = SquaredError(x, x)
    tracemalloc.start()
    found = solve(np.full(5000, 1 / 5000), costs, slope=slope, tolerance=1e-4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.converged
    survivors = np.count_nonzero(found.weights)
    assert survivors < 5000
    assert peak < 4 * 8 * 5000 * 3000


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.5, 0.5], HAMMING, {}), UsageError, "exactly one of"),
        (([0.5, 0.5], HAMMING, {"slope": 1.0, "target_rate": 1.0}), UsageError, "exactly one of"),
        (([0.5, 0.5], HAMMING, {"slope": -1.0}), UsageError, "slope"),
        (([0.5, 0.5], HAMMING, {"target_rate": math.nan}), UsageError, "target_rate"),
        (([0.5, 0.5], HAMMING, {"slope": 1.0, "tolerance": 0.0}), UsageError, "tolerance"),
        (([0.5, 0.6], HAMMING, {"slope": 1.0}), DataError, "sum to 1"),
        (([1.0], HAMMING, {"slope": 1.0}), DataError, "expected 2 probabilities"),
        (([[0.5, 0.5]], HAMMING, {"slope": 1.0}), DataError, "vector of probabilities"),
        (([0.5, 0.5], -HAMMING, {"slope": 1.0}), DataError, "at least 0"),
        (([0.5, 0.5], [[0.0, np.nan], [1.0, 0.0]], {"slope": 1.0}), NonFiniteError, "NaN"),
        (([0.5, 0.5], [[np.inf, np.inf], [1.0, 0.0]], {"slope": 1.0}), DataError, "row 0 forbids every"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    """Each mistake gets one line that says what was asked and what to do."""
    p, costs, asked = arguments
    with pytest.raises(error, match=message):
        solve(p, costs, **asked)
