"""The ladder: the testbed's rungs, the order of the rungs, and the two ways to name a source."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zador
from zador.errors import DataError, UsageError
from zador.theory import gaussian, high_rate
from zador.theory.limits import Limits, limits

TESTBED = np.geomspace(4, 0.25, 6)


@pytest.mark.parametrize(
    ("size", "bits", "full", "behind"),
    [(8, 3, 3.1476, 3.1476), (16, 4, 2.4264, 2.4264), (32, 5, 1.8994, 1.9164), (64, 6, 1.5000, 1.5558)],
)
def test_the_testbed(size, bits, full, behind):
    """The rungs of geomspace(4, 0.25, 6) behind 4 dimensions round to the four decimals that were published."""
    ladder = limits(TESTBED, codebook_size=size, encoder_dim=4)
    assert ladder.rate_bits == bits
    assert ladder.zero_rate_distortion == pytest.approx(9.06004, abs=5e-6)
    assert ladder.dropped_energy == pytest.approx(0.68528, abs=5e-6)
    assert ladder.distortion_rate == pytest.approx(full, abs=5e-5)
    assert ladder.encoder_distortion_rate == pytest.approx(behind, abs=5e-5)


def test_the_noisy_variant():
    """Six unit variances in 64 dimensions under noise of 0.01: trace 6.64, 2.985 in full, 3.610 behind 4, 2.60 dropped."""
    ladder = limits(np.diag([1.01] * 6 + [0.01] * 58), codebook_size=16, encoder_dim=4)
    assert ladder.zero_rate_distortion == pytest.approx(6.64, abs=1e-12)
    assert ladder.distortion_rate == pytest.approx(2.985, abs=5e-4)
    assert ladder.encoder_distortion_rate == pytest.approx(3.610, abs=5e-4)
    assert ladder.dropped_energy == pytest.approx(2.60, abs=1e-12)


def test_the_encoder_costs_nothing_until_its_axes_would_be_used():
    """Exactly 0 at 3 and 4 bits, where the level is above the fifth variance; then the difference of the two bounds."""
    costs = [limits(TESTBED, codebook_size=2**bits, encoder_dim=4).subspace_loss for bits in (0, 3, 4, 5, 6)]
    assert costs[:3] == [0.0, 0.0, 0.0]
    assert costs[3:] == pytest.approx([0.01703, 0.05583], abs=5e-6)


spectra = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=8)


@given(spectra, st.integers(1, 1 << 30), st.integers(1, 8))
def test_rungs_are_in_order(spectrum, size, kept):
    """Shannon <= Shannon behind the encoder <= zero rate; an encoder that drops only unused axes costs exactly nothing."""
    ladder = limits(spectrum, codebook_size=size, encoder_dim=min(kept, len(spectrum)))
    rounding = 1 + 1e-12
    assert ladder.distortion_rate <= ladder.encoder_distortion_rate * rounding
    assert ladder.encoder_distortion_rate <= ladder.zero_rate_distortion * rounding
    assert ladder.dropped_energy <= ladder.encoder_distortion_rate
    dropped = sorted(spectrum)[: ladder.dim - ladder.encoder_dim]
    if gaussian.water_level(spectrum, ladder.rate_bits) >= max(dropped, default=0.0):
        assert ladder.subspace_loss == 0.0
    assert ladder.subspace_loss == pytest.approx(
        ladder.encoder_distortion_rate - ladder.distortion_rate, abs=1e-12 * ladder.zero_rate_distortion
    )


def test_high_rate_estimate():
    """It is the dropped energy plus Zador's asymptote of the kept axes, and says whether to believe it."""
    ladder = limits([4.0, 2.0, 0.5], codebook_size=64, encoder_dim=2)
    assert ladder.high_rate_distortion == pytest.approx(0.5 + high_rate.distortion([4.0, 2.0], 64), rel=1e-15)
    assert ladder.high_rate_valid
    assert not limits([4.0, 2.0, 0.5], codebook_size=8, encoder_dim=2).high_rate_valid


def test_without_an_encoder_nothing_is_dropped():
    """The default keeps every axis: no dropped energy, no loss, and one Shannon bound."""
    ladder = limits(TESTBED, codebook_size=32)
    assert (ladder.dim, ladder.encoder_dim) == (6, 6)
    assert (ladder.dropped_energy, ladder.subspace_loss) == (0.0, 0.0)
    assert ladder.encoder_distortion_rate == ladder.distortion_rate


def test_rungs_for_a_table():
    """Labels come in reading order; an encoder adds two rungs, a believable estimate one; numbers are the fields'."""
    ladder = limits([4.0, 2.0, 0.5], codebook_size=64, encoder_dim=2)
    labels = [label for label, *_ in ladder.rungs(searched=False)]
    values = [value for _, value, *_ in ladder.rungs(searched=False)]
    assert labels == [
        "zero rate", "Shannon bound", "dropped energy", "Shannon bound behind the encoder", "high-rate estimate",
    ]  # fmt: skip
    assert values == [
        ladder.zero_rate_distortion, ladder.distortion_rate, ladder.dropped_energy,
        ladder.encoder_distortion_rate, ladder.high_rate_distortion,
    ]  # fmt: skip
    assert all(meaning.endswith(".") for _, _, meaning, _ in ladder.rungs(searched=False))
    assert len(limits([4.0, 2.0], codebook_size=2).rungs(searched=False)) == 2


def test_every_field_is_documented_and_plain():
    """Each field is described in the docstring and is a number, or a tuple of them, so that it goes into JSON as it is."""
    ladder = limits(TESTBED, codebook_size=8, encoder_dim=4)
    for name, value in dataclasses.asdict(ladder).items():
        assert f"{name}: " in Limits.__doc__
        assert type(value) in {int, float, bool, tuple}


def test_public_name():
    """`zador.limits` is this function."""
    assert zador.limits is limits


def test_one_codeword():
    """K = 1 is rate 0: every bound is the trace."""
    ladder = limits(TESTBED, codebook_size=1, encoder_dim=2)
    assert ladder.rate_bits == 0.0
    assert ladder.distortion_rate == ladder.zero_rate_distortion
    assert ladder.encoder_distortion_rate == pytest.approx(ladder.zero_rate_distortion, rel=1e-15)


def test_a_huge_codebook_does_not_overflow():
    """2^2000 codewords are a rate of 2000 bits."""
    assert limits([1.0], codebook_size=1 << 2000).rate_bits == 2000.0
    assert math.isfinite(limits([1.0], codebook_size=1 << 2000).high_rate_distortion)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"codebook_size": 0}, UsageError, "codebook_size"),
        ({"codebook_size": 2.0}, UsageError, "codebook_size"),
        ({"codebook_size": 4, "encoder_dim": 0}, UsageError, "encoder_dim"),
        ({"codebook_size": 4, "encoder_dim": 7}, UsageError, "6 dimensions.*7"),
    ],
)
def test_mistakes_are_named(arguments, error, words):
    """Sizes and dimensions that cannot be are refused."""
    with pytest.raises(error, match=words):
        limits(TESTBED, **arguments)


def test_vectors_in_place_of_a_covariance():
    """A matrix of vectors is recognised, and the message says how to make a covariance of it."""
    with pytest.raises(DataError, match=r"numpy\.cov"):
        limits(np.ones((10, 3)), codebook_size=4)


def test_floor_best_codebook_and_random_codebook_stand_behind_the_encoder():
    """With two codewords all is exact: dropped + Σ λ - 2/π λ_1, reached by two half-spaces; random codewords do worse."""
    ladder = limits([4.0, 2.0, 1.0], codebook_size=2, encoder_dim=2)
    assert ladder.floor.distortion == pytest.approx(7.0 - 8.0 / math.pi, rel=1e-14)
    assert ladder.best_known.distortion == pytest.approx(ladder.floor.distortion, rel=1e-14)
    assert ladder.random_codebook.distortion > ladder.best_known.distortion
    assert ladder.encoder_distortion_rate < ladder.floor.distortion < ladder.zero_rate_distortion


def test_the_floor_of_the_isotropic_variant_is_that_of_radial_prices():
    """Six unit variances and noise of 0.01 behind 4 dimensions, K = 16: at least 3.952; long searches reached 3.980."""
    ladder = limits([1.01] * 6 + [0.01] * 58, codebook_size=16, encoder_dim=4)
    assert ladder.floor.certified
    assert 3.952 <= ladder.floor.distortion < 3.980


def test_a_codebook_too_large_to_search_has_no_best_known():
    """The rung is left out, not guessed."""
    ladder = limits([4.0, 0.001], codebook_size=1 << 13)
    assert ladder.best_known is None
    assert "best known codebook" not in [rung.label for rung in ladder.rungs()]


def test_what_is_computed_late_is_computed_once():
    """Asking twice gives the same record."""
    ladder = limits([4.0, 2.0], codebook_size=2)
    assert ladder.floor is ladder.floor
    assert ladder.warnings_for(ladder.floor.distortion) == ()
    assert "units or leakage?" in ladder.warnings_for(0.5 * ladder.floor.distortion)[0]


@pytest.mark.long
@pytest.mark.parametrize(
    ("size", "prototype", "best"), [(8, 3.679, 3.812), (16, 2.866, 3.0021), (32, 2.234, 2.4034), (64, 1.782, 1.946)]
)
def test_the_floor_of_the_testbed_is_above_the_prototypes(size, prototype, best):
    """At least the published estimate, and within 5 % of the best known codebook, for every size of the testbed."""
    floor = limits(TESTBED, codebook_size=size, encoder_dim=4).floor.distortion
    assert max(prototype, 0.95 * best) <= floor <= best
