"""Protocol A at seed 42: the tables of the reports (comprehensive-analysis, stress-tests), recomputed with our parts.

Every figure of the baseline and of manual STE below its stability boundary comes out to the printed digit. Those of autograd
and “rotation” depend on draws that the reports do not fix: see `TestAutograd`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from references import protocol_a
from zador.data import low_rank_gaussian
from zador.estimators import projection
from zador.models.linear import (
    Autograd,
    Loss,
    Manual,
    Rates,
    Recipe,
    Step,
    evaluate,
    legacy_stream,
    pca_lloyd,
    per_code,
    start,
    tangent,
    train,
)

# Half of the last printed digit, where four and where three are printed.
FOUR, THREE = 5e-5, 5e-4
MANUAL = Recipe(300, rates=Rates(encoder=0.08, codebook=0.2), step=Step(tangent, per_code))
AUTOGRAD = Recipe(300, rates=Rates(encoder=0.05, codebook=0.2), batches=legacy_stream)


@cache
def bed(**settings):
    return low_rank_gaussian(seed=42, **settings)


@cache
def begin(size, **settings):
    return start(bed(**settings).train, codebook_size=size, encoder_dim=4, seeds=[42])


def figures(recipe, engine, size=32, **settings):
    """Return (reconstruction MSE, in-subspace distortion, entropy in nats) of the trained seed 42."""
    done = train(begin(size, **settings), bed(**settings).train, recipe, engine, seeds=[42])
    found = evaluate(done.model, bed(**settings).evaluation)
    return [float(v[0]) for v in (found.reconstruction_mse, found.in_subspace_distortion, found.usage_entropy_nats)]


def long(*values):
    return pytest.param(*values, marks=pytest.mark.long)


class TestBaseline:
    """PCA + Lloyd, 30 updates on all vectors."""

    @pytest.mark.parametrize(
        ("size", "figures"),
        [
            (8, (3.8991, 3.2183, 2.070)),
            long(16, (3.0632, 2.3824, 2.761)),
            (32, (2.4893, 1.8085, 3.432)),
            long(64, (2.0131, 1.3323, 4.106)),
        ],
    )
    def test_scaling(self, size, figures):
        """The baseline rows of the codebook-size table."""
        found = evaluate(pca_lloyd(bed().train, codebook_size=size, encoder_dim=4, seeds=[42]), bed().evaluation)
        assert found.reconstruction_mse[0] == pytest.approx(figures[0], abs=FOUR)
        assert found.in_subspace_distortion[0] == pytest.approx(figures[1], abs=FOUR)
        assert found.usage_entropy_nats[0] == pytest.approx(figures[2], abs=THREE)


class TestManual:
    """Manual STE: float64, per-code codebook steps, tangent encoder steps, batches of default_rng(42)."""

    def test_convergence(self):
        """500 steps: 2.4577, 1.7762, 3.4262 nats."""
        assert figures(replace(MANUAL, steps=500), Manual()) == pytest.approx([2.4577, 1.7762, 3.4262], abs=FOUR)

    def test_verification(self):
        """10,000 training vectors, K = 16, 200 steps of 512: 3.0935, 2.4054, 2.7499 nats."""
        found = figures(replace(MANUAL, steps=200, batch_size=512), Manual(), 16, train=10_000, evaluation=2_000)
        assert found == pytest.approx([3.0935, 2.4054, 2.7499], abs=FOUR)

    @pytest.mark.parametrize(
        ("size", "expected"),
        [
            (8, (3.8946, 3.2138, 2.072)),
            long(16, (3.0471, 2.3662, 2.757)),
            long(32, (2.4470, 1.7662, 3.430)),
            (64, (2.0007, 1.3198, 4.103)),
        ],
    )
    def test_scaling(self, size, expected):
        """The codebook-size table."""
        found = figures(MANUAL, Manual(), size)
        assert found[:2] == pytest.approx(expected[:2], abs=FOUR)
        assert found[2] == pytest.approx(expected[2], abs=THREE)

    @pytest.mark.parametrize(
        ("beta", "error", "entropy"),
        [
            (0.0, 2.4483, 3.432),
            long(0.1, 2.4473, 3.431),
            long(0.25, 2.4470, 3.430),
            long(0.5, 2.4480, 3.433),
            (1.0, 2.4447, 3.431),
        ],
    )
    def test_commitment(self, beta, error, entropy):
        """The table of the commitment weight."""
        found = figures(replace(MANUAL, loss=Loss(commitment=beta)), Manual())
        assert found[0] == pytest.approx(error, abs=FOUR)
        # Printed 3.431, computed 3.43052 at 0.1; printed 3.430, computed 3.42952 at 0.25.
        assert found[2] == pytest.approx(entropy, abs=THREE)

    @pytest.mark.parametrize(
        ("encoder", "codebook", "error"),
        [
            long(0.001, 0.01, 2.4477),
            long(0.01, 0.05, 2.4457),
            long(0.05, 0.2, 2.4529),
            (0.2, 0.5, 2.4854),
            # α · rate = 1 exactly, yet nearly all of W stands still: rounding does not grow.
            long(0.001, 1.0, 2.5625),
            (0.5, 0.05, 2.4507),
        ],
    )
    def test_learning_rates(self, encoder, codebook, error):
        """The learning-rate table, 200 steps."""
        assert figures(replace(MANUAL, steps=200, rates=Rates(encoder, codebook)), Manual())[0] == pytest.approx(
            error, abs=FOUR
        )

    @pytest.mark.long
    def test_the_row_on_the_boundary_is_rounding(self):
        """At rates (0.5, 1.0), the reports' 2.6230, α · rate = 1: 1e-13 more or less at the start moves it by over 1e-3.

        Nobody else's arithmetic can give those four digits; all runs lie in the band that the report's figure is in.
        """
        recipe = replace(MANUAL, steps=200, rates=Rates(0.5, 1.0))
        exact = begin(32)
        errors = []
        for seed in range(8):
            # What two correct programs differ by after a few steps.
            noise = 1 + 1e-13 * np.random.default_rng(seed).standard_normal(exact.codewords.shape)
            moved = replace(exact, codewords=exact.codewords * noise)
            done = train(moved, bed().train, recipe, Manual(), seeds=[42])
            assert done.failures == (None,)
            errors.append(evaluate(done.model, bed().evaluation).reconstruction_mse[0])
        assert np.std(errors) > 1e-3
        assert abs(np.mean(errors) - 2.6230) < 3 * np.std(errors, ddof=1)

    def test_the_extreme_row_explodes(self):
        """At rates (1.0, 2.0), the reports' 4.28e11: told as diverged, and finite."""
        recipe = replace(MANUAL, steps=200, rates=Rates(1.0, 2.0))
        done = train(begin(32), bed().train, recipe, Manual(), seeds=[42])
        assert done.failures[0].startswith("diverged at step")
        assert 1e10 < evaluate(done.model, bed().evaluation).reconstruction_mse[0] < 1e14

    def test_it_is_the_codebook_that_explodes(self):
        """W alone at rate 1.0 stays finite (the notes' 3.54), E alone at rate 2.0 explodes (4.7e12)."""
        encoder, codebook = (replace(MANUAL, steps=200, rates=Rates(*rates)) for rates in ((1.0, 0.5), (0.05, 2.0)))
        assert figures(encoder, Manual())[0] < 4
        assert figures(codebook, Manual())[0] > 1e10

    @pytest.mark.parametrize(
        ("size", "error"),
        [
            (32, 2.6766),
            long(64, 2.6561),
            (128, 2.6155),
            long(256, 2.4928),
            long(512, 2.4633),
            long(1024, 2.4470),
            long(2048, 2.4552),
        ],
    )
    def test_batch_sizes(self, size, error):
        """The batch-size table."""
        assert figures(replace(MANUAL, batch_size=size), Manual())[0] == pytest.approx(error, abs=FOUR)

    @pytest.mark.parametrize(("size", "error"), [(32, 2.4563), long(128, 2.4539)])
    def test_small_batches_with_the_rate_of_autograd(self, size, error):
        """The notes' explanation: with lr_E divided by K small batches are no trouble, 2.4563 and 2.4539."""
        recipe = replace(MANUAL, batch_size=size, rates=Rates(0.08, 0.2 / 32))
        assert figures(recipe, Manual())[0] == pytest.approx(error, abs=FOUR)

    @pytest.mark.parametrize(
        ("settings", "size", "error"),
        [
            long({"noise_variance": 0.5}, 32, 33.1279),
            long({"noise_variance": 1.0}, 32, 63.7663),
            long({"noise_variance": 0.1, "dim": 128}, 32, 14.9233),
            long({"noise_variance": 0.1, "rank": 10}, 32, 12.4866),
            ({"noise_variance": 0.1, "rank": 2}, 32, 6.3545),
            long({"noise_variance": 0.1}, 8, 10.1190),
        ],
    )
    def test_difficult_data(self, settings, size, error):
        """The table of scenarios; those that print no σ have a noise variance of 0.1."""
        assert figures(MANUAL, Manual(), size, **settings)[0] == pytest.approx(error, abs=FOUR)


class TestAutograd:
    """Autograd STE and “rotation”: float32, per-batch, plain.

    With batches of numpy.random.seed(42) the reconstruction error of the convergence table comes out, 2.4475; the other
    figures differ by up to a few units of the fourth digit, and in some rows more. The reports' two methods are
    the same function here (`test_linear_gradients.py`), so what separates their rows are draws that differ between them.
    """

    @pytest.mark.parametrize("estimator", [None, projection])
    def test_convergence(self, estimator):
        """2.4475, and in-subspace 1.7659 to 2e-4: another stream moves it by 5e-4."""
        engine = Autograd() if estimator is None else Autograd(estimator)
        found = figures(replace(AUTOGRAD, steps=500), engine)
        assert found[0] == pytest.approx(2.4475, abs=FOUR)
        assert found[1] == pytest.approx(1.7659, abs=2.5e-4)
        assert found[2] == pytest.approx(3.4344, abs=2.5e-4)

    def test_a_plain_loop_says_the_same(self):
        """A torch loop that shares no code with ours ends at the same figures: what is missing are draws, not a formula."""
        x_train, x_evaluation, _, _ = protocol_a.draw()
        encoder, codewords = protocol_a.start(x_train)
        rng = np.random.RandomState(42)
        batches = (rng.randint(0, len(x_train), size=1024) for _ in range(100))
        ends = protocol_a.autograd(encoder.astype(np.float32), codewords.astype(np.float32), x_train, batches)
        found = figures(replace(AUTOGRAD, steps=100), Autograd())
        assert protocol_a.measure(*ends, x_evaluation)[:3] == pytest.approx(found, abs=FOUR)

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("recipe", "reported"),
        [
            (replace(AUTOGRAD, steps=500), (2.4475, 2.4479)),
            (replace(AUTOGRAD, steps=200, rates=Rates(0.001, 0.01)), (2.4603, 2.4602)),
            (replace(AUTOGRAD, steps=200, rates=Rates(0.01, 0.05)), (2.4568, 2.4566)),
            (replace(AUTOGRAD, steps=200), (2.4513, 2.4515)),
            (replace(AUTOGRAD, steps=200, rates=Rates(0.2, 0.5)), (2.4477, 2.4484)),
            (replace(AUTOGRAD, steps=200, rates=Rates(0.001, 1.0)), (2.4419, 2.4458)),
            (replace(AUTOGRAD, batch_size=32, rates=Rates(0.08)), (2.4712, 2.4942)),
            (replace(AUTOGRAD, batch_size=128, rates=Rates(0.08)), (2.4578, 2.4526)),
            (replace(AUTOGRAD, batch_size=2048, rates=Rates(0.08)), (2.4501, 2.4495)),
        ],
    )
    def test_reported_figures_are_draws_of_one_distribution(self, recipe, reported):
        """Both methods' figures lie within 3 standard deviations of what 20 batch streams give from the same start."""
        exact, streams = begin(32), list(range(20))
        stack = exact.select([0] * len(streams))
        done = train(stack, bed().train, recipe, Autograd(), seeds=streams)
        errors = evaluate(done.model, bed().evaluation).reconstruction_mse
        assert np.abs(np.array(reported) - errors.mean()).max() < 3 * errors.std(ddof=1) + FOUR
