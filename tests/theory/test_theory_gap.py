"""The gap decomposition: planted cases in closed form, a reference in 60 digits, and the law that it adds up."""

from __future__ import annotations

import math
import tracemalloc
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from references import gap as reference
from zador.errors import DataError, NonFiniteError, UsageError
from zador.theory.gap import decompose, shannon_floor
from zador.theory.gaussian import distortion_rate
from zador.theory.kpoint import KPointBound, lower_bound
from zador.theory.scalar import lloyd_max

EPS = float(np.finfo(np.float64).eps)
TESTBED = np.geomspace(4, 0.25, 6)


def planted(variances, count, seed):
    """Vectors whose sample covariance is diagonal with these variances, to rounding, and whose mean is zero."""
    raw = np.random.default_rng(seed).standard_normal((count, len(variances)))
    orthonormal = np.linalg.qr(raw - raw.mean(axis=0)).Q
    return math.sqrt(count) * orthonormal * np.sqrt(variances)


def quadrants(x):
    """Four cells, by the signs of the first two coordinates, and the means of them."""
    indices = (x[:, 0] > 0) + 2 * (x[:, 1] > 0)
    return indices, np.array([x[indices == k].mean(axis=0) for k in range(4)])


def values(result):
    """The five terms as numbers."""
    return [term.value for term in result.terms()]


def test_principal_axes_are_aligned_and_cell_means_match():
    """PCA encoder: dropped is the sum of the last eigenvalues, misalignment 0; with cell means the mismatch is 0."""
    x = planted(TESTBED, 4000, 0)
    indices, means = quadrants(x)
    result = decompose(x, indices, means, encoder=np.eye(6)[:4], floor=shannon_floor)
    assert result.dropped == pytest.approx(TESTBED[4:].sum(), rel=1e-12)
    assert result.misalignment == 0.0
    assert result.mismatch < 1e-28
    assert result.spectrum == pytest.approx(TESTBED[:4], rel=1e-12)
    assert result.floor == pytest.approx(distortion_rate(TESTBED[:4], 2.0), rel=1e-12)
    assert result.measured == pytest.approx(((x - means[indices]) ** 2).sum(axis=1).mean(), rel=1e-14)


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.0, math.pi / 2])
def test_rotated_encoder(angle):
    """One axis, turned by φ: Cov(y) has the eigenvalue (c² λ1² + s² λ2²) / (c² λ1 + s² λ2); the rest is misalignment."""
    first, second = 4.0, 1.0
    x = planted([first, second], 500, 1)
    cosine, sine = math.cos(angle), math.sin(angle)
    kept = (cosine**2 * first**2 + sine**2 * second**2) / (cosine**2 * first + sine**2 * second)
    result = decompose(x, np.zeros(500, int), [[0.0, 0.0]], encoder=[[7 * cosine, 7 * sine]])
    assert result.dropped == pytest.approx(second, rel=1e-12)
    assert result.misalignment == pytest.approx(first - kept, abs=1e-13)
    assert result.floor == pytest.approx(kept, rel=1e-12)  # one codeword: the floor is all of the variance
    assert result.suboptimality == pytest.approx(0.0, abs=1e-13)


def test_perturbed_decoder_is_charged_exactly_for_it():
    """Reconstructions moved by δ_k from the cell means cost Σ p_k |δ_k|²; halves and quarters make it exact."""
    x = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 8.0], [8.0, 8.0], [6.0, 2.0], [6.0, 6.0], [6.0, 3.0], [6.0, 5.0]])
    indices = np.array([0, 0, 1, 1, 2, 2, 2, 2])
    means = np.array([[1.0, 0.0], [6.0, 8.0], [6.0, 4.0], [99.0, 99.0]])  # the last is not used
    shifts = np.array([[0.5, 0.0], [0.0, -1.0], [0.25, 0.25], [1.0, 1.0]])
    clean, moved = (decompose(x, indices, table, floor=0.25) for table in (means, means + shifts))
    assert clean.mismatch == 0.0
    assert moved.mismatch == 0.25 * 0.25 + 0.25 * 1.0 + 0.5 * 0.125
    assert moved.measured == clean.measured + moved.mismatch
    assert moved.suboptimality == clean.suboptimality
    assert (moved.used, moved.codebook_size) == (3, 4)
    within = (2 + 8 + 10 / 3) / 8  # unbiased variances of the three cells
    assert [clean.mismatch_noise, moved.mismatch_noise] == pytest.approx([within, within], rel=1e-14)


def test_another_subspace_for_validation_is_all_misalignment():
    """An encoder of one subspace sees only the noise of vectors from an orthogonal one, and the codes say nothing."""
    signal, noise, kept = 1.0, 0.01, 4
    x = planted([signal + noise] * 6 + [noise] * 18, 3000, 2)
    encoder = np.eye(24)[6 : 6 + kept]  # trained on another draw: four axes that hold noise only
    indices, means = quadrants(x[:, 6:])
    means = np.hstack([np.zeros((4, 6)), means])
    wrong = decompose(x, indices, means, encoder=encoder, floor=shannon_floor)
    assert wrong.dropped == pytest.approx(2 * (signal + noise) + 18 * noise, rel=1e-12)
    assert wrong.misalignment == pytest.approx(kept * signal, rel=1e-12)
    assert wrong.spectrum == pytest.approx([noise] * kept, rel=1e-10)
    assert wrong.measured > 0.99 * (6 * (signal + noise) + 18 * noise)  # nearly the error of answering with the mean


def test_one_codeword_leaves_nothing_to_a_codebook():
    """K = 1: the floor is the variance that the encoder sees, so that only the encoder and the decoder can lose."""
    x = planted([3.0, 2.0, 1.0], 300, 3) + 5.0
    result = decompose(x, np.zeros(300, int), [[5.0, 5.0, 6.0]])
    assert (result.dropped, result.misalignment) == (0.0, 0.0)
    assert result.floor == pytest.approx(6.0, rel=1e-12)
    assert result.suboptimality == pytest.approx(0.0, abs=1e-12)
    assert result.mismatch == pytest.approx(1.0, rel=1e-12)


def test_lloyd_max_of_a_gaussian_is_at_the_floor():
    """The best scalar quantizer has no sub-optimality: nothing but the error of sampling is left, and no warning."""
    best = lloyd_max("gaussian", 8)
    x = np.random.default_rng(4).standard_normal((40000, 1))
    result = decompose(x, np.searchsorted(best.thresholds, x[:, 0]), best.levels[:, None])
    variance_error = result.floor * math.sqrt(2 / 40000)  # of the sample variance, which the floor is proportional to
    assert abs(result.suboptimality) < 4 * math.hypot(result.standard_error, variance_error)
    assert (result.certified, result.warnings) == (True, ())
    assert result.mismatch < 5 * result.mismatch_noise


def test_mismatch_noise_is_what_exact_means_cost_on_average():
    """Over repeated samples the mismatch of a decoder with the source's own cell means averages to its noise."""
    from scipy.stats import truncnorm

    best = lloyd_max("gaussian", 4)
    rng = np.random.default_rng(5)
    runs = []
    for _ in range(300):
        x = rng.standard_normal((400, 1))
        runs.append(decompose(x, np.searchsorted(best.thresholds, x[:, 0]), best.levels[:, None], floor=0.0))
    difference = np.array([run.mismatch - run.mismatch_noise for run in runs])
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / math.sqrt(len(runs))
    noise = np.array([run.mismatch_noise for run in runs])
    edges = np.concatenate([[-np.inf], best.thresholds, [np.inf]])
    within = sum(truncnorm.var(low, high) for low, high in pairwise(edges))
    assert abs(noise.mean() - within / 400) < 4 * noise.std(ddof=1) / math.sqrt(len(runs))


def test_a_source_easier_than_a_gaussian_is_not_clipped():
    """Two points, two codewords: the error is 0, below the Gaussian floor by all of it, and the page says so."""
    x = np.repeat([[-1.0], [1.0]], 50, axis=0)
    result = decompose(x, (x[:, 0] > 0).astype(int), [[-1.0], [1.0]])
    assert result.measured == 0.0
    assert result.suboptimality == -result.floor == pytest.approx(-(1 - 2 / math.pi), rel=1e-12)
    assert all(math.isnan(term.share) for term in result.terms())
    assert "below the K-point floor" in result.warnings[0]
    assert "nan" in str(result)


@pytest.mark.parametrize("seed", range(12))
def test_every_term_by_its_definition(seed):
    """Against loops in 60 digits, with offsets, repeated rows of W, blind rows, empty cells, and more rows than rank."""
    rng = np.random.default_rng(seed)
    count, dim, size = int(rng.integers(1, 14)), int(rng.integers(1, 5)), int(rng.integers(1, 6))
    rows = int(rng.integers(1, dim + 1))
    x = rng.standard_normal((count, dim)) * rng.uniform(0.1, 3, dim) + rng.choice([0.0, 100.0])
    table = rng.standard_normal((size, dim)) + x.mean(axis=0)
    indices = rng.integers(0, size, count)
    encoder = [None, rng.standard_normal((rows, dim)), np.repeat(rng.standard_normal((1, dim)), rows, axis=0)][seed % 3]
    floor = float(rng.uniform(0, 5))
    expected = reference.decompose(x, indices.tolist(), table, encoder, floor)
    result = decompose(x, indices, table, encoder=encoder, floor=floor)
    # Eigenvalues are good to a few D eps λ_1, and an offset of 100 costs the digits that centring cannot give back.
    rounding = 40 * dim * EPS * max(x.var(axis=0).sum(), expected[0], floor, 100 * np.abs(x).max())
    assert [result.measured, *values(result)] == pytest.approx(expected, abs=rounding)


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    count=st.integers(1, 12),
    dim=st.integers(1, 4),
    size=st.integers(1, 5),
    floor=st.floats(0, 1e6),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e5, 1e60]),
)
def test_it_always_adds_up(data, count, dim, size, floor, scale):
    """The terms' fsum is the measured error, the same that is averaged directly; no other term is negative."""
    numbers = st.floats(-100, 100, width=32)
    x = scale * data.draw(arrays(np.float64, (count, dim), elements=numbers))
    table = scale * data.draw(arrays(np.float64, (size, dim), elements=numbers))
    indices = data.draw(arrays(np.int64, count, elements=st.integers(0, size - 1)))
    encoder = data.draw(st.none() | arrays(np.float64, (data.draw(st.integers(1, dim)), dim), elements=numbers))
    result = decompose(x, indices, table, encoder=encoder, floor=floor)
    total = math.fsum(values(result))
    largest = max(map(abs, values(result)))
    direct = math.fsum(((x - table[indices]) ** 2).ravel()) / count
    assert result.measured == pytest.approx(direct, rel=(dim + 4) * EPS, abs=0)
    assert abs(total - result.measured) <= math.ulp(largest) / 2
    if result.suboptimality >= -result.measured:
        assert total == result.measured
    assert min(result.dropped, result.misalignment, result.mismatch, result.mismatch_noise) >= 0
    assert result.floor == floor


@settings(max_examples=60, deadline=None)
@given(scale=st.floats(1e-9, 1e9), seed=st.integers(0, 1000))
def test_the_printed_digits_add_up(scale, seed):
    """So does the table, in the digits that it shows."""
    rng = np.random.default_rng(seed)
    x = scale * rng.standard_normal((50, 3))
    result = decompose(x, rng.integers(0, 3, 50), scale * rng.standard_normal((3, 3)), encoder=np.eye(3)[:2], floor=scale**2)
    lines = str(result).splitlines()
    shown = [line[len("  codebook sub-optimality ") :].split()[0] for line in lines[1:7]]
    decimals = len(shown[-1].split(".")[1])
    whole = [round(float(number) * 10**decimals) for number in shown]
    assert sum(whole[:-1]) == whole[-1]
    assert 100_000 <= whole[-1] <= 1_000_000  # six digits, rounded
    assert lines[7] == "floor: given as a number"


def test_the_table_reads_well():
    """A heading with the counts, five terms with shares, the total with its standard error, the floor, the warnings."""
    x = np.array([[0.0], [2.0], [9.0], [9.0]])
    result = decompose(x, [0, 0, 1, 1], [[1.0], [8.0]], floor=KPointBound(0.25, certified=False, how="a guess"))
    assert str(result).splitlines() == [
        "4 vectors, 1 of 1 dimensions kept, 2 codewords (2 used); squared error summed over coordinates",
        "  dropped                  0.00000    0.00 %",
        "  misalignment             0.00000    0.00 %",
        "  K-point floor            0.25000   25.00 %",
        "  codebook sub-optimality  0.25000   25.00 %",
        "  decoder mismatch         0.50000   50.00 %",
        "  measured                 1.00000  ± 0",
        "floor: a guess",
        "warning: cell means from n = 4 < 10 K = 20 vectors: sub-optimality too low, mismatch too high",
        "warning: covariance from n = 4 < 10 d = 10 samples: limits made from it are too low",
        "warning: the K-point floor is not certified (a guess): an estimate, and it may lie above a codebook",
    ]
    assert all(term.meaning.endswith(".") for term in result.terms())
    assert result.bound == 0.25


def test_floors_of_every_kind():
    """A number is taken as it is, a bound says whether it is certified, a function gets the spectrum of y and K."""
    x = planted([4.0, 1.0], 400, 6)
    indices, means = quadrants(x)
    asked = []

    def remember(spectrum, size):
        asked.append((spectrum.tolist(), size))
        return KPointBound(0.5, certified=True, how="remembered")

    arguments = {"encoder": [[1.0, 0.0]]}
    assert decompose(x, indices, means, floor=remember, **arguments).how == "remembered"
    assert asked == [([pytest.approx(4.0)], 4)]
    assert decompose(x, indices, means, floor=0.5, **arguments).certified is None
    assert decompose(x, indices, means, floor=np.float32(0.5), **arguments).floor == 0.5
    bound = KPointBound(0.5, certified=False, how="prices")
    assert any("not certified" in line for line in decompose(x, indices, means, floor=bound, **arguments).warnings)
    computed = decompose(x, indices, means, **arguments)
    assert computed.floor == lower_bound(computed.spectrum, 4).distortion


def test_a_floor_in_other_units_is_noticed():
    """The error was summed here, so that a floor above it accuses units or leakage, and no mean over coordinates."""
    x = planted([1.0] * 4, 400, 12)
    result = decompose(x, *quadrants(x), floor=10.0)
    assert result.measured < 10.0 < 4 * result.measured
    assert result.warnings == (f"below the K-point floor ({result.measured:.6g} < 10): units or leakage?",)


def test_fitted_to_the_same_vectors_is_noticed():
    """Cell means below the floor are reported even when a bad decoder hides them."""
    x = np.repeat([[-1.0], [1.0]], 50, axis=0)
    result = decompose(x, (x[:, 0] > 0).astype(int), [[-2.0], [2.0]])
    assert result.measured == 1.0 > result.bound
    assert result.warnings == ("cell means below the K-point floor (0 < 0.36338): fitted to these vectors?",)


@pytest.mark.parametrize("offset", [1e6, -1e8])
def test_far_from_the_origin(offset):
    """An offset costs the digits that the vectors themselves lost to it, and no more."""
    x = planted(TESTBED, 1000, 7)
    indices, means = quadrants(x)
    near, far = (decompose(x + o, indices, means + o, encoder=np.ones((1, 6)), floor=1.0) for o in (0.0, offset))
    lost = 6 * abs(offset) * EPS * 8  # twice the rounding of each coordinate times its size of at most 4
    assert values(far) == pytest.approx(values(near), abs=lost)


def test_single_precision_and_long_rows_of_the_encoder_change_nothing():
    """Single precision in blocks gives what the same numbers give in double precision; rows of W may have any length."""
    x = planted(TESTBED, 30000, 8).astype(np.float32)
    indices, means = quadrants(x)
    encoder = np.random.default_rng(8).standard_normal((2, 6))
    single = decompose(x, indices, means, encoder=encoder, floor=1.0)
    double = decompose(x.astype(float), indices, means.astype(float), encoder=encoder * [[1e-6], [1e6]], floor=1.0)
    assert values(single) == pytest.approx(values(double), rel=1e-9)


def test_many_vectors_and_many_codewords_need_no_table_of_pairs():
    """30,000 vectors and 30,000 codewords would make 7 GB of pairs; a hundredth of that is not reached."""
    x = np.random.default_rng(9).standard_normal((30000, 2))
    tracemalloc.start()
    result = decompose(x, np.arange(30000), x, floor=0.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (result.measured, result.mismatch_noise) == (0.0, 0.0)
    assert peak < 72e6


X = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        ((X, [0, 1, 2, 3], np.zeros((2, 2))), {}, DataError, "expected 0 to 1, got 2 of 4 outside \\(2, 3\\)"),
        ((X, [0, -1, 0, 0], np.zeros((2, 2))), {}, DataError, "outside \\(-1\\)"),
        ((X, [0.0] * 4, np.zeros((2, 2))), {}, DataError, "whole numbers"),
        ((X, [0, 0], np.zeros((2, 2))), {}, DataError, "expected shape \\(4,\\).*got \\(2,\\)"),
        ((X, [[0]] * 4, np.zeros((2, 2))), {}, DataError, "got \\(4, 1\\)"),
        ((X, [0] * 4, np.zeros((2, 3))), {}, DataError, "expected shape \\(K, 2\\).*got \\(2, 3\\)"),
        ((X, [0] * 4, np.zeros((0, 2))), {}, DataError, "reconstructions: expected at least one row"),
        ((X[:0], np.zeros(0, int), np.zeros((2, 2))), {}, DataError, "vectors: expected at least one row"),
        ((X + np.nan, [0] * 4, np.zeros((2, 2))), {}, NonFiniteError, "vectors: 4 of 4"),
        ((X, [0] * 4, [[0.0, 0.0], [np.inf, 0.0]]), {}, NonFiniteError, "reconstructions: 1 of 2"),
        ((X, [0] * 4, np.zeros((2, 2))), {"encoder": np.eye(3)}, DataError, "encoder"),
        ((X, [0] * 4, np.zeros((2, 2))), {"encoder": [[np.nan, 0.0]]}, NonFiniteError, "encoder"),
        ((X, [0] * 4, np.zeros((2, 2))), {"floor": -1.0}, UsageError, "floor"),
        ((X, [0] * 4, np.zeros((2, 2))), {"floor": math.nan}, UsageError, "floor"),
        ((X, [0] * 4, np.zeros((2, 2))), {"floor": "shannon"}, UsageError, "'shannon'"),
        (([[1e200], [-1e200]], [0, 0], [[0.0]]), {}, DataError, "overflow"),
        (([[1.0], [-1.0]], [0, 0], [[1e200]]), {}, DataError, "overflow"),
    ],
)
def test_mistakes_are_named(arguments, options, error, match):
    """What was asked, what was got, before anything is computed."""
    with pytest.raises(error, match=match):
        decompose(*arguments, **options)


def test_tensors_are_vectors_too():
    """CPU tensors of vectors, indices and reconstructions give what arrays give."""
    torch = pytest.importorskip("torch")
    x = planted([4.0, 1.0], 40, 11)
    indices, means = quadrants(x)
    tensors = decompose(torch.tensor(x), torch.tensor(indices), torch.tensor(means), floor=0.5)
    assert tensors == decompose(x, indices, means, floor=0.5)
