"""Training: bits that do not depend on company, divergence that is told and contained, doors that say why."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

import zador
from zador.data import low_rank_gaussian
from zador.errors import DataError, NonFiniteError, UsageError
from zador.estimators import projection, rotation_trick
from zador.models.linear import (
    Adam,
    Autograd,
    Chained,
    LinearAutoencoder,
    Loss,
    Manual,
    Rates,
    Recipe,
    Step,
    converged,
    evaluate,
    legacy_stream,
    pca_lloyd,
    per_code,
    signed_qr,
    start,
    tangent,
    train,
)

ENGINES = [
    Manual(),
    Manual(np.float32),
    Autograd(),
    Autograd(projection),
    Autograd(rotation_trick),
    Autograd(dtype=np.float64),
    Chained(),
    Chained(rotation_trick),
    Chained(projection, np.float64),
]


@pytest.fixture(scope="module")
def beds():
    """Twenty small data sets, one a seed."""
    return [low_rank_gaussian(dim=20, train=800, evaluation=200, seed=seed) for seed in range(20)]


def begin_at(beds, seeds):
    data = [beds[seed].train for seed in seeds]
    return data, start(data, codebook_size=16, encoder_dim=4, seeds=seeds, sample=500, iterations=3)


@pytest.mark.parametrize("engine", ENGINES)
def test_company_changes_no_bit(engine, beds):
    """Seed 7 ends at the same bits alone, among three, and among twenty, with batches that fill no register evenly."""
    recipe = Recipe(12, 333, step=Step(tangent, per_code, signed_qr, Adam()), record_every=6)
    results = []
    for seeds in ([7], [3, 7, 12], list(range(20))):
        data, begin = begin_at(beds, seeds)
        judged = [beds[seed].evaluation for seed in seeds]
        done = train(begin, data, recipe, engine, seeds=seeds, evaluation=judged)
        place = seeds.index(7)
        results.append(
            (done.model.encoder[place], done.model.codewords[place], done.curve.of("reconstruction_mse")[:, place])
        )
    for other in results[1:]:
        for mine, theirs in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.fixture(params=[1, 2])
def threads(request):
    """So many threads of torch, and the number of before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    assert torch.get_num_threads() == request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("engine", [Manual(), Autograd(), Autograd(rotation_trick)])
@pytest.mark.usefixtures("threads")
def test_company_changes_no_bit_at_the_size_of_the_studies(engine):
    """The same at D = 64 and B = 1024, where members are worked on in groups, with polar retraction and plain steps."""
    bed = low_rank_gaussian(train=3_000, evaluation=10)
    recipe = Recipe(3, 1024)
    ends = []
    for seeds in ([4], [1, 4, 6], list(range(20))):
        begin = start(bed.train, codebook_size=32, encoder_dim=4, seeds=seeds, sample=500, iterations=1)
        model = train(begin, bed.train, recipe, engine, seeds=seeds).model
        ends.append((model.encoder[seeds.index(4)], model.codewords[seeds.index(4)]))
    for other in ends[1:]:
        for mine, theirs in zip(ends[0], other, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_shared_data_are_the_same_as_a_copy_for_each(beds):
    """(N, D) for all, (S, N, D), a list, and a tensor give the same bits."""
    x, seeds = beds[0].train, [1, 2]
    begin = start(x, codebook_size=8, encoder_dim=2, seeds=seeds, iterations=2)
    models = [
        train(begin, data, Recipe(5, 64), Manual(), seeds=seeds).model
        for data in (x, np.stack([x, x]), [x, x.copy()], torch.from_numpy(x))
    ]
    for model in models[1:]:
        np.testing.assert_array_equal(model.encoder, models[0].encoder)
        np.testing.assert_array_equal(model.codewords, models[0].codewords)


def test_a_mean_is_subtracted_first():
    """Data with an offset and a model that knows it train as centred data do, up to rounding of the offset."""
    x, seeds = low_rank_gaussian(dim=10, rank=4, train=500).train, [3]
    offset = 8.0 * np.arange(10)
    sizes = {"codebook_size": 8, "encoder_dim": 2, "seeds": seeds}
    centred = train(start(x, **sizes), x, Recipe(20, 100), Manual(), seeds=seeds).model
    moved = train(start(x + offset, **sizes, mean=offset), x + offset, Recipe(20, 100), Manual(), seeds=seeds).model
    np.testing.assert_allclose(
        moved.decode(moved.encode(x + offset)) - offset, centred.decode(centred.encode(x)), atol=1e-10
    )


def test_a_member_is_a_codebook():
    """The D-dimensional table E W + μ chooses the same codes and gives the same vectors; it can be saved and loaded."""
    bed = low_rank_gaussian(dim=12, train=600, evaluation=300)
    model = start(bed.train, codebook_size=16, encoder_dim=4, seeds=[0, 1], mean=bed.train.mean(0))
    codes = model.encode(bed.evaluation)
    for s in range(2):
        book = model.member(s)
        found = zador.nearest(bed.evaluation, book.codewords)
        np.testing.assert_array_equal(found.indices, codes[s])
        np.testing.assert_allclose(book.codewords[codes[s]], model.decode(codes)[s], atol=1e-12)
        assert found.squared_distances.mean() == pytest.approx(
            evaluate(model, bed.evaluation).reconstruction_mse[s], rel=1e-12
        )
    with pytest.raises(UsageError, match="expected 0 to 1, got 2"):
        model.member(2)


def test_the_error_splits_into_dropped_and_quantized():
    """‖x - x̂‖² = ‖x - WᵀW x‖² + ‖z - q‖², whatever the training did."""
    bed = low_rank_gaussian(dim=12, train=600, evaluation=300)
    begin = start(bed.train, codebook_size=8, encoder_dim=3, seeds=[0])
    model = train(begin, bed.train, Recipe(50, 64, Rates(0.3, 0.2)), Autograd(), seeds=[0]).model
    found = evaluate(model, bed.evaluation)
    z = bed.evaluation @ model.encoder[0].T
    dropped = ((bed.evaluation - z @ model.encoder[0]) ** 2).sum(1).mean()
    # Rows are orthonormal to single precision.
    assert found.reconstruction_mse[0] - found.in_subspace_distortion[0] == pytest.approx(dropped, rel=1e-5)


class TestDivergence:
    """The stability boundary of per-code steps, and what becomes of members beyond it."""

    @staticmethod
    def run(rates, steps=80, seeds=(0, 1, 2), engine=None, step=None, alpha=1.0):
        bed = low_rank_gaussian(dim=20, train=2_000, evaluation=300)
        begin = start(bed.train, codebook_size=8, encoder_dim=4, seeds=seeds, iterations=5)
        recipe = Recipe(steps, 256, Rates(*rates), Loss(alpha), step or Step(tangent, per_code))
        return begin, bed, train(begin, bed.train, recipe, engine or Manual(), seeds=seeds, evaluation=bed.evaluation)

    @pytest.mark.parametrize(
        ("alpha", "rate", "stable"), [(1, 0.9, True), (1, 1.3, False), (2, 0.45, True), (2, 0.65, False)]
    )
    def test_the_boundary_is_at_alpha_times_rate_of_one(self, alpha, rate, stable):
        """A frozen encoder diverges just the same: e - mean is multiplied by 1 - 2 α rate, no retraction plays a part."""
        for encoder_rate in (0.0, 0.05):
            _, _, done = self.run((encoder_rate, rate), alpha=alpha)
            assert [failure is None for failure in done.failures] == [stable] * 3

    def test_per_batch_steps_stay_below_it(self):
        """The rate at which per-code steps explode is harmless where each codeword moves by its share of the batch."""
        _, _, done = self.run((0.05, 1.3), step=Step())
        assert done.failures == (None, None, None)

    def test_a_diverged_member_says_when_and_how_far(self):
        """The line names step and loss, the model is finite, and its figures are as bad as it is."""
        _, _, done = self.run((0.05, 2.0), steps=40)
        for failure in done.failures:
            assert re.fullmatch(r"diverged at step \d+, loss [1-9]e\d+", failure)
        assert (done.curve.of("reconstruction_mse")[-1] > 1e4).all()
        assert np.isfinite(done.model.codewords).all()

    @pytest.mark.parametrize("engine", [Manual(), Manual(np.float32), Autograd()])
    def test_beyond_the_finite_numbers_a_member_stays_where_it_was(self, engine):
        """Far into divergence nothing is NaN, the member is told to have stopped, and more steps change no bit of it."""
        begin, bed, done = self.run((0.05, 1000.0), steps=400, engine=engine)
        assert all("stopped at step" in failure for failure in done.failures)
        stop = max(int(re.search(r"stopped at step (\d+)", failure)[1]) for failure in done.failures)
        recipe = Recipe(stop + 5, 256, Rates(0.05, 1000.0), step=Step(tangent, per_code))
        earlier = train(begin, bed.train, recipe, engine, seeds=[0, 1, 2]).model
        np.testing.assert_array_equal(earlier.codewords, done.model.codewords)
        np.testing.assert_array_equal(earlier.encoder, done.model.encoder)
        assert np.isfinite(done.model.codewords).all()
        assert np.isfinite(done.model.encoder).all()

    @pytest.mark.parametrize("engine", [Manual(), Autograd()])
    def test_a_member_that_diverges_disturbs_no_other(self, engine):
        """Beside a member whose data are a million times as large, a healthy one keeps its bits."""
        bed = low_rank_gaussian(dim=20, train=1_000, evaluation=100)
        healthy = start(bed.train, codebook_size=8, encoder_dim=4, seeds=[0], iterations=5)
        sick = LinearAutoencoder(healthy.encoder, 1e30 * healthy.codewords, healthy.mean)
        both = LinearAutoencoder(
            *(np.concatenate([getattr(sick, f), getattr(healthy, f)]) for f in ("encoder", "codewords", "mean"))
        )
        recipe = Recipe(60, 128, Rates(0.5, 0.5))
        together = train(both, bed.train, recipe, engine, seeds=[0, 0])
        alone = train(healthy, bed.train, recipe, engine, seeds=[0])
        assert together.failures[0].startswith("diverged at step 0")
        assert together.failures[1] is None
        np.testing.assert_array_equal(together.model.encoder[1], alone.model.encoder[0])
        np.testing.assert_array_equal(together.model.codewords[1], alone.model.codewords[0])


def test_the_curve_has_start_and_end():
    """Points stand at 0, every `record_every` steps and the last step, and the last is the model that is returned."""
    bed = low_rank_gaussian(dim=10, rank=4, train=300, evaluation=100)
    begin = start(bed.train, codebook_size=4, encoder_dim=2, seeds=[0, 1])
    recipe = Recipe(25, 50, record_every=10)
    done = train(begin, bed.train, recipe, Manual(), seeds=[0, 1], evaluation=bed.evaluation)
    assert done.curve.steps == (0, 10, 20, 25)
    for model, place in ((begin, 0), (done.model, -1)):
        np.testing.assert_array_equal(done.curve.of("perplexity")[place], evaluate(model, bed.evaluation).perplexity)
    assert train(begin, bed.train, recipe, Manual(), seeds=[0, 1]).curve is None
    none = train(begin, bed.train, replace(recipe, steps=0), Manual(), seeds=[0, 1], evaluation=bed.evaluation)
    assert none.curve.steps == (0,)
    np.testing.assert_array_equal(none.model.codewords, begin.codewords)


def test_evaluation_of_a_case_by_hand():
    """Two of three codewords in use, one vector at distance 1 within and 2 beside the subspace."""
    model = LinearAutoencoder(np.eye(2)[None, :1], np.array([[[0.0], [5.0], [50.0]]]), np.zeros((1, 2)))
    found = evaluate(model, np.array([[1.0, 2.0], [5.0, 0.0]]))
    assert found.reconstruction_mse.tolist() == [2.5]
    assert found.in_subspace_distortion.tolist() == [0.5]
    assert found.usage_entropy_bits.tolist() == [1.0]
    assert found.usage_entropy_nats.tolist() == [np.log(2)]
    assert found.perplexity.tolist() == [2.0]
    assert found.dead_fraction.tolist() == [1 / 3]


def test_converged_is_never_worse_than_the_baseline_it_continues():
    """Run to the end from the same start, training distortion is at most that of 30 updates; restarts never hurt."""
    x = low_rank_gaussian(dim=16, train=1_000).train
    sizes = {"codebook_size": 16, "encoder_dim": 4, "seeds": [0, 1]}
    base, one, many = pca_lloyd(x, **sizes), converged(x, **sizes), converged(x, **sizes, restarts=4)
    errors = [evaluate(model, x).in_subspace_distortion for model in (base, one, many)]
    assert (errors[1] <= errors[0]).all()
    assert (errors[2] <= errors[1]).all()
    # Converged: one more update of Lloyd's algorithm moves nothing.
    again = zador.codebooks.Lloyd(iterations=1, tolerance=0).fit(one.project(x)[0], one.codewords[0])
    assert again.distortion == pytest.approx(errors[1][0], rel=1e-12)


class TestDoors:
    """Bad input gets one line that says what was asked, what was got, and what to do."""

    X = low_rank_gaussian(dim=6, rank=3, train=50).train
    BEGIN = start(X, codebook_size=4, encoder_dim=2, seeds=[0, 1])

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"codebook_size": 51}, DataError, "only 50 distinct"),
            ({"codebook_size": 0}, UsageError, "codebook_size"),
            ({"encoder_dim": 7}, UsageError, "encoder_dim: expected at most the 6 coordinates of the data, got 7"),
            ({"seeds": 3}, UsageError, r"for one seed write \[42\]"),
            ({"seeds": []}, UsageError, "seeds"),
            ({"seeds": [0, -1]}, UsageError, "seeds"),
            ({"sample": 0}, UsageError, "sample"),
            ({"iterations": -1}, UsageError, "iterations"),
            ({"mean": np.zeros(5)}, DataError, r"mean: expected shape \(6,\) or \(2, 6\), got \(5,\)"),
            ({"mean": np.full(6, np.nan)}, NonFiniteError, "mean"),
        ],
    )
    def test_start_says_why(self, change, error, message):
        """Each wrong argument of `start` has its own message."""
        with pytest.raises(error, match=message):
            start(self.X, **{"codebook_size": 4, "encoder_dim": 2, "seeds": [0, 1], **change})

    @pytest.mark.parametrize(
        ("x", "seeds", "error", "message"),
        [
            (X, [0], DataError, "expected one start .* for each of the 1 seeds, got 2 members"),
            (X[:, :5], [0, 1], DataError, "5 and 6 coordinates"),
            (np.stack([X, X, X]), [0, 1], DataError, r"2 of it \(one for each seed\), got shape \(3, 50, 6\)"),
            ([X, X[:, :5]], [0, 1], DataError, r"got D of \[5, 6\]"),
            (X[:0], [0, 1], DataError, "at least one vector"),
            (X[0], [0, 1], DataError, r"got shape \(6,\)"),
            (np.where(X > 1, np.nan, X), [0, 1], NonFiniteError, "x: "),
            (X.astype(complex), [0, 1], DataError, "real numbers"),
        ],
    )
    def test_train_says_why(self, x, seeds, error, message):
        """Each wrong argument of `train` has its own message."""
        with pytest.raises(error, match=message):
            train(self.BEGIN, x, Recipe(1, 10), Manual(), seeds=seeds)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Recipe(steps=-1), "steps"),
            (lambda: Recipe(batch_size=0), "batch_size"),
            (lambda: Recipe(record_every=0), "record_every"),
            (lambda: Rates(encoder=-1.0), "encoder"),
            (lambda: Rates(codebook=float("inf")), "codebook"),
            (lambda: Loss(commitment=-0.1), "commitment"),
            (lambda: Loss(codebook_weight=float("nan")), "codebook_weight"),
            (lambda: Manual(np.float16), "float32 or numpy.float64"),
            (lambda: Autograd(dtype=int), "float32 or numpy.float64"),
        ],
    )
    def test_records_refuse_what_makes_no_sense(self, make, message):
        """Each is refused by name."""
        with pytest.raises(UsageError, match=message):
            make()

    def test_shapes_of_a_model(self):
        """Arrays that do not fit are refused before they broadcast."""
        with pytest.raises(DataError, match=r"expected encoder \(S, m, D\)"):
            LinearAutoencoder(np.zeros((1, 2, 3)), np.zeros((1, 4, 1)), np.zeros((1, 3)))

    def test_the_legacy_stream_is_another_one(self):
        """The two streams of one seed differ, so a study must say which."""
        one, other = (
            train(self.BEGIN, self.X, Recipe(3, 10, batches=stream), Manual(), seeds=[0, 1]).model.codewords
            for stream in (Recipe().batches, legacy_stream)
        )
        assert not np.array_equal(one, other)
