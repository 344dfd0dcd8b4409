"""Lloyd-Max: tables, closed forms, a slow reference, and the conditions that make it stationary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from references import lloyd_max as reference
from references import lloyd_max_exact
from zador.errors import DataError, UsageError
from zador.theory.gaussian import rate_distortion
from zador.theory.scalar import lloyd_max

EPS = float(np.finfo(np.float64).eps)
# Distortion to 12 decimals and index entropy to 6, for N(0, 1).
TABLE = {
    1: (1.0, 0.0), 2: (0.363380227632, 1.0), 3: (0.190174039248, 1.535789), 4: (0.117481847829, 1.911099),
    5: (0.079941127088, 2.202916), 6: (0.057977653715, 2.442789), 7: (0.044000382499, 2.646931),
    8: (0.034547760789, 2.824865), 9: (0.027853260951, 2.982695), 10: (0.022937052905, 3.124584),
    12: (0.016339657882, 3.371666), 16: (0.009501008008, 3.765328), 24: (0.004372490983, 4.327112),
    32: (0.002504668356, 4.729784), 64: (0.000644239665, 5.710078), 128: (0.000163478230, 6.699583),
    256: (0.000041185083, 7.694119),
}  # fmt: skip
NAMED = {
    "gaussian": stats.norm(),
    "laplace": stats.laplace(scale=math.sqrt(0.5)),
    "uniform": stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)),
    "logistic": stats.logistic(scale=math.sqrt(3) / math.pi),
}
OBJECTS = [stats.expon(), stats.gamma(2.5), stats.t(3), stats.lognorm(1.0), stats.triang(0.3), stats.norm(-7, 0.01)]


@pytest.mark.parametrize(("levels", "printed"), TABLE.items())
def test_gaussian_table(levels, printed):
    """Distortion agrees to all 12 printed decimals, entropy to all 6."""
    best = lloyd_max("gaussian", levels)
    assert best.distortion == pytest.approx(printed[0], abs=5.1e-13)
    assert best.entropy_bits == pytest.approx(printed[1], abs=5.1e-7)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("levels", [2, 3, 5, 8])
def test_agrees_with_quadrature_and_sweeps(name, levels):
    """Levels and distortion are those of Lloyd's sweeps with adaptive quadrature.

    Sweeps stop at a step of 1e-12 and contract by at most 0.96 at 8 levels, so they end within 1e-12 / 0.04 of the fixed
    point; beyond 30 standard deviations the densities hold nothing.
    """
    density = NAMED[name]
    reach = math.sqrt(3) if name == "uniform" else 30.0
    expected, distortion = reference.lloyd_max(_plain(name), levels, reach)
    best = lloyd_max(name, levels)
    assert density.var() == pytest.approx(1.0, rel=1e-15)
    assert best.levels == pytest.approx(expected, abs=2.5e-11)
    assert best.distortion == pytest.approx(distortion, abs=1e-13)


def _plain(name):
    s = math.sqrt(3) / math.pi
    return {
        "gaussian": lambda x: math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
        "laplace": lambda x: math.exp(-math.sqrt(2) * abs(x)) / math.sqrt(2),
        "uniform": lambda _: 0.5 / math.sqrt(3),
        "logistic": lambda x: 0.25 / s / math.cosh(0.5 * x / s) ** 2,
    }[name]


@pytest.mark.parametrize("levels", [1, 2, 7, 100])
def test_uniform_is_a_grid(levels):
    """Uniform on [-√3, √3]: evenly spaced levels, distortion N^-2, entropy log2 N.

    Moving all levels smoothly costs only 1/N^2 as much as moving one, so rounding shows N^2 times in the levels.
    """
    best = lloyd_max("uniform", levels)
    grid = math.sqrt(3) * (2 * np.arange(levels) + 1 - levels) / levels
    assert best.levels == pytest.approx(grid, abs=4 * levels**2 * EPS)
    assert best.distortion == pytest.approx(levels**-2, abs=2e-15)
    assert best.entropy_bits == pytest.approx(math.log2(levels), abs=1e-13)


def test_laplace_closed_forms():
    """Two levels at ±1/√2 halve the variance; three leave 1 - 2/e of it."""
    two, three = lloyd_max("laplace", 2), lloyd_max("laplace", 3)
    assert two.levels == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)], abs=1e-14)
    assert two.distortion == pytest.approx(0.5, abs=2e-15)
    # Three levels: the outer one is t + b by memorylessness, and t is half of it, so t = b, c = 2 b and D = 1 - c^2 / e.
    assert three.thresholds == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)], abs=1e-14)
    assert three.distortion == pytest.approx(1 - 2 / math.e, abs=2e-15)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("levels", [1, 2, 3, 16, 63, 256, 1000])
def test_named_densities_are_the_same_as_objects(name, levels):
    """Closed moments and numerical ones give one quantizer.

    Distortion agrees to 1e-13. A rounding of a cell's moment is divided by its mass, about 1/N, and shows N^2 times in the
    levels, hence N^3 eps.
    """
    closed, numerical = lloyd_max(name, levels), lloyd_max(NAMED[name], levels)
    assert numerical.distortion == pytest.approx(closed.distortion, abs=1e-13)
    assert numerical.levels == pytest.approx(closed.levels, abs=1e-12 + levels**3 * EPS)


@pytest.mark.parametrize("density", [*NAMED, *OBJECTS], ids=lambda d: d if isinstance(d, str) else d.dist.name)
@pytest.mark.parametrize("levels", [2, 9, 64])
def test_stationary(density, levels):
    """Thresholds lie midway, levels are the means of their cells, and nothing of the mass or the variance is lost."""
    best = lloyd_max(density, levels)
    frozen = NAMED[density] if isinstance(density, str) else density
    edges = np.concatenate([[-np.inf], best.thresholds, [np.inf]])
    assert best.thresholds == pytest.approx((best.levels[1:] + best.levels[:-1]) / 2, rel=1e-14)
    assert best.probabilities == pytest.approx(np.diff(frozen.cdf(edges)), abs=1e-15 * levels)
    assert (np.diff(best.levels) > 0).all()
    # E q(X) = E X and Var X = Var q(X) + D hold together only where every level is the mean of its cell.
    mean = best.probabilities @ best.levels
    spread = best.probabilities @ (best.levels - frozen.mean()) ** 2
    assert mean == pytest.approx(frozen.mean(), abs=1e-9 * frozen.std())
    assert spread + best.distortion == pytest.approx(frozen.var(), rel=1e-9)


@pytest.mark.parametrize("density", [*OBJECTS, stats.laplace(3.0, 2.0)], ids=lambda d: d.dist.name)
def test_no_small_move_of_one_level_helps(density):
    """Shifting any level either way, with thresholds moved along, never lowers the error: it is a minimum."""
    best = lloyd_max(density, 6)
    narrow = np.diff(best.levels).min()
    for which in range(6):
        for shift in (-0.05 * narrow, 0.05 * narrow):
            moved = best.levels.copy()
            moved[which] += shift
            assert _distortion(density, moved) > best.distortion * (1 - 1e-9)


def _distortion(density, levels):
    """E min (X - c)^2 with scipy's own quadrature."""
    edges = [-np.inf, *((levels[1:] + levels[:-1]) / 2), np.inf]
    low, high = density.support()
    return sum(
        density.expect(lambda x, c=c: (x - c) ** 2, lb=max(a, low), ub=min(b, high), epsabs=1e-12, epsrel=1e-11)
        for c, a, b in zip(levels, edges[:-1], edges[1:], strict=True)
        if max(a, low) < min(b, high)
    )


@pytest.mark.parametrize("name", NAMED)
def test_more_levels_are_better_and_above_shannon(name):
    """Distortion falls with N; for the Gaussian it stays above D(R), at which an entropy coder could not beat the index."""
    distortions = [lloyd_max(name, levels).distortion for levels in range(1, 20)]
    assert (np.diff(distortions) < 0).all()
    best = lloyd_max("gaussian", 8)
    assert rate_distortion([1.0], best.distortion) < best.entropy_bits < 3.0


def test_location_and_scale():
    """N(3, 2^2) has the levels 3 + 2 c and four times the distortion; named and object agree to 1e-12."""
    standard, moved = lloyd_max("gaussian", 12), lloyd_max(stats.norm(3, 2), 12)
    assert moved.levels == pytest.approx(3 + 2 * standard.levels, abs=1e-11)
    assert moved.distortion == pytest.approx(4 * standard.distortion, abs=1e-13)
    assert moved.entropy_bits == pytest.approx(standard.entropy_bits, abs=1e-11)


def test_a_skewed_density_has_no_mirror():
    """The exponential: one step in from the end each cell is the last one again, so D solves a recursion.

    The last level is t + 1 by memorylessness and t is midway to the one before; with 2 levels t = c_1 / 2 + (t + 1) / 2,
    hence t = 1 + c_1 with c_1 = 1 - t e^-t / (1 - e^-t).
    """
    best = lloyd_max(stats.expon(), 2)
    t = best.thresholds[0]
    assert best.levels[1] == pytest.approx(t + 1, abs=1e-10)
    assert best.levels[0] == pytest.approx(1 - t * math.exp(-t) / (1 - math.exp(-t)), abs=1e-10)
    assert best.levels[0] == pytest.approx(t - 1, abs=1e-10)


def test_jumps_of_the_density_are_found():
    """A histogram with 40 steps is integrated to rounding: mean and variance survive the cells."""
    density = stats.rv_histogram(np.histogram(np.random.default_rng(0).normal(size=5000), bins=40), density=True)
    best = lloyd_max(density, 8)
    assert best.probabilities @ best.levels == pytest.approx(density.mean(), abs=1e-9)
    assert best.probabilities @ best.levels**2 + best.distortion == pytest.approx(
        density.var() + density.mean() ** 2, abs=1e-9
    )


class Unmeasurable:
    """Speaks like a distribution, has no variance."""

    pdf = cdf = sf = ppf = staticmethod(lambda x: x)

    def mean(self):
        """Return 0."""
        return 0.0

    def var(self):
        """Return infinity."""
        return math.inf


@pytest.mark.parametrize(
    ("density", "levels", "error", "words"),
    [
        ("cauchy", 4, UsageError, "'gaussian', 'laplace', 'uniform', 'logistic'"),
        (object(), 4, UsageError, "object has no pdf, cdf"),
        ("gaussian", 0, UsageError, "levels"),
        ("gaussian", 2.5, UsageError, "levels"),
        (Unmeasurable(), 4, DataError, "inf"),
        (stats.beta(0.5, 0.5), 4, DataError, "bounded"),
    ],
)
def test_mistakes_are_named(density, levels, error, words):
    """Unknown names, objects that are no densities, endless variances and unbounded densities are refused in words."""
    with pytest.raises(error, match=words):
        lloyd_max(density, levels)


@pytest.mark.parametrize("levels", [2, 3, 4, 5, 64, 255, 256])
def test_laplace_in_forty_digits(levels):
    """Up to 256 levels the error is that of the recursion from the outermost cell, to 1e-10 of it."""
    assert lloyd_max("laplace", levels).distortion == pytest.approx(lloyd_max_exact.laplace(levels), rel=1e-10)


@pytest.mark.parametrize("name", ["gaussian", "logistic"])
@pytest.mark.parametrize("levels", [7, 64, 256])
def test_stationary_in_forty_digits(name, levels):
    """Cells integrated in 40 digits: the error is right to 1e-10 of it, and levels are means to 1e-7 of a cell.

    Away from its minimum the error grows with the square of the distance, so it is within 1e-10 of the least. Both densities
    are log-concave: no other quantizer is stationary.
    """
    best = lloyd_max(name, levels)
    error, off = lloyd_max_exact.judged(name, best.levels)
    assert best.distortion == pytest.approx(error, rel=1e-10)
    assert off < 1e-7 * np.diff(best.levels).min()
