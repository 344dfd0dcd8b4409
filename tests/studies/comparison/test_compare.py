"""The study behind `zador compare`: its arms, its bound, and what it tells the reader."""

from __future__ import annotations

import numpy as np
import pytest

from references.search import brute_force
from zador import coding, metrics
from zador.codebooks import KMeansPlusPlus, Lloyd, RateDistortion
from zador.coding import TokenWriter
from zador.data import Vectors
from zador.errors import DataError
from zador.studies.comparison.compare import compare
from zador.studies.comparison.method import Room
from zador.studies.comparison.methods import CODEBOOKS, METHODS, STRUCTURED, split_bits, table
from zador.studies.comparison.run import alphabets, paired, run
from zador.studies.comparison.several import together
from zador.studies.comparison.trained import TRAINED
from zador.studies.meter import Meter
from zador.theory import gaussian

SPECTRUM = np.array([4.0, 1.0, 0.25])


def vectors(count=2_000, seed=0):
    return Vectors(np.random.default_rng(seed).standard_normal((count, 3)) * np.sqrt(SPECTRUM), "made", value_range=(-4, 4))


@pytest.fixture(scope="module")
def comparison():
    """All methods at 2 and 4 bits on Gaussian vectors."""
    return compare(vectors(), [2, 4], seeds=[1])


def test_every_method_at_every_rate(comparison):
    """The arms are the product of rates and methods, in that order; three coordinates hold no block of E8."""
    fitting = [method for method in METHODS if method.name != "lattice E8, coded"]
    assert [(arm.bits, arm.name) for arm in comparison.arms] == [(b, m.name) for b in (2.0, 4.0) for m in fitting]


def test_six_tables_four_trained_ones_and_nine_that_need_none():
    """Six initialisers with Lloyd; PCA, gradients and a layer; product, residual, scalar, random and lattice quantizers."""
    assert len(CODEBOOKS) == 6
    assert all(method.name.endswith("+ Lloyd") for method in CODEBOOKS)
    assert [method.name for method in TRAINED] == ["PCA + Lloyd", "straight-through", "rotation trick", "VQ layer, EMA"]
    assert len(STRUCTURED) == 9
    assert len({method.name for method in METHODS}) == 19


def test_rates_beyond_any_table_are_served_by_structure():
    """At 30 bits from 1500 vectors of 9 coordinates no table can be fitted; the others are, at their rate."""
    rng = np.random.default_rng(0)
    wide = Vectors(rng.standard_normal((2000, 9)) * np.geomspace(4, 0.5, 9), "wide")
    arms = {arm.name: arm for arm in compare(wide, [30]).arms}
    assert set(arms) == {method.name for method in STRUCTURED} - {"entropy-constrained VQ"}
    for name in ("product", "product, learned axes", "residual, greedy", "residual, beam 5", "random R(D) codebook"):
        assert arms[name].index_bits == 30.0
    assert 29.0 < arms["scalar Lloyd–Max, PCA"].index_bits <= 30.0
    for name in ("lattice Z, coded", "lattice E8, coded"):
        assert arms[name].entropy_coded
        assert arms[name].cross_entropy_bits == pytest.approx(30.0, abs=1.5)


@pytest.mark.parametrize("bits", range(2, 80))
def test_bits_are_split_without_a_rest(bits):
    """Every rate is the sum of at least two streams of at most 8 bits that differ by one bit at most."""
    sizes = split_bits(bits, Room(distinct=300, dim=64))
    lengths = np.log2(sizes)
    assert lengths.sum() == bits
    assert len(sizes) >= 2
    assert lengths.max() <= 8
    assert np.ptp(lengths) <= 1


def test_streams_have_no_more_codewords_than_there_are_vectors():
    """With 20 distinct vectors a stream has at most 16 codewords; with one there is nothing to split."""
    assert split_bits(8, Room(distinct=20, dim=4)) == (16, 16)
    assert split_bits(9, Room(distinct=20, dim=4)) == (8, 8, 8)
    assert split_bits(8, Room(distinct=1, dim=4)) is None
    assert split_bits(1, Room(distinct=300, dim=4)) is None


def test_alphabets_in_words():
    """One stream, equal streams, few kinds, many kinds."""
    assert [alphabets(sizes) for sizes in ([4], [8, 8, 4], [2, 3, 4, 5])] == ["4", "2 × 8, 4", "4 streams of 2 to 5"]


def test_real_bits_are_those_of_the_file(tmp_path):
    """The table's real bits are the length of the token file that the held-out vectors make, over their number."""
    train, held_out = vectors(800).array, vectors(300, seed=5).array
    outcome = run(STRUCTURED[1], 6, train, held_out, SPECTRUM, seed=3)
    with TokenWriter(tmp_path / "file", outcome.quantizer) as writer:
        writer.append(outcome.quantizer.encode(held_out))
    arm = outcome.arm
    assert arm.real_bits == 8 * (tmp_path / "file").stat().st_size / 300
    assert arm.real_bits * 300 <= 1.01 * arm.cross_entropy_bits * 300 + 64 * arm.streams + 8 * 40
    indices = coding.TokenReader(tmp_path / "file").read(outcome.quantizer)
    np.testing.assert_array_equal(indices, outcome.indices)
    spent = gaussian.distortion_rate(SPECTRUM, arm.real_bits)
    assert arm.real_gap_db == pytest.approx(10 * np.log10(arm.distortion / spent))


def test_rates_are_counted_three_ways():
    """Fixed length costs most, the training usage as a model less, the held-out entropy least; streams add up."""
    outcome = run(STRUCTURED[0], 6, vectors(800).array, vectors(300, seed=5).array, SPECTRUM, seed=3)
    expected = [
        metrics.cross_entropy_bits(np.bincount(outcome.indices[:, s], minlength=8), outcome.quantizer.usage[s])
        for s in range(2)
    ]
    arm = outcome.arm
    assert arm.cross_entropy_bits == pytest.approx(sum(expected))
    assert arm.entropy_bits < arm.cross_entropy_bits < arm.index_bits == 6.0


def test_recall_is_measured_when_asked_for():
    """Recall rises with the number of answers, and with the rate; without asking there is none."""
    asked = compare(vectors(), [2, 8], methods=[METHODS[2], STRUCTURED[2]], retrieval=True)
    for arm in asked.arms:
        assert list(arm.recall) == [1, 10, 100]
        assert 0 < arm.recall[1] <= arm.recall[10] <= arm.recall[100] <= 1
    assert asked.arms[2].recall[1] > asked.arms[0].recall[1]
    assert any("asymmetric distance among the codes of 400 others" in note for note in asked.notes)
    assert compare(vectors(200), [2], methods=METHODS[:1]).arms[0].recall is None


def test_too_few_held_out_vectors_for_retrieval():
    """Four held-out vectors leave no queries."""
    with pytest.raises(DataError, match="hold out at least 5"):
        compare(vectors(16), [1], methods=METHODS[:1], retrieval=True)


def test_the_numbers_of_an_arm_are_their_definitions():
    """Distortion, standard error, entropy and dead codewords equal what brute force gives for the returned codewords."""
    train, held_out = vectors(800).array, vectors(300, seed=5).array
    method = table("k-means++ + Lloyd", KMeansPlusPlus(), Lloyd())
    outcome = run(method, 5, train, held_out, SPECTRUM, seed=3)
    indices, squared = brute_force(held_out, outcome.quantizer.codewords)
    counts = np.bincount(indices, minlength=32)
    share = counts[counts > 0] / 300
    arm = outcome.arm
    assert arm.distortion == pytest.approx(squared.mean(), rel=1e-12)
    assert arm.distortion_se == pytest.approx(squared.std(ddof=1) / np.sqrt(300), rel=1e-12)
    assert arm.entropy_bits == pytest.approx(-(share * np.log2(share)).sum(), rel=1e-12)
    assert arm.dead == (counts == 0).sum()
    assert arm.train_distortion == pytest.approx(brute_force(train, outcome.quantizer.codewords)[1].mean(), rel=1e-12)
    assert gaussian.distortion_rate(SPECTRUM, arm.effective_bits) == pytest.approx(arm.distortion, rel=1e-9)


def test_differences_are_judged_vector_by_vector(comparison):
    """The noise of a difference is that of paired squared errors: the best arm's is 0, the others' below the unpaired."""
    train, held_out = vectors(800).array, vectors(300, seed=5).array
    methods = [m for m in METHODS if m.name in {"k-means++ + Lloyd", "random R(D) codebook"}]
    first, second = paired([run(method, 4, train, held_out, SPECTRUM, seed=0) for method in methods])
    errors = [brute_force(held_out, outcome.quantizer.codewords)[1] for outcome in (first, second)]
    difference = errors[1] - errors[0]
    assert first.arm.excess_se == 0
    assert second.arm.excess_se == pytest.approx(difference.std(ddof=1) / np.sqrt(300), rel=1e-9)
    trained = [arm for arm in comparison.arms if arm.name.endswith("+ Lloyd") and arm.excess_se > 0]
    assert all(arm.excess_se < np.hypot(arm.distortion_se, arm.distortion_se) for arm in trained)


def test_no_arm_beats_the_bound_on_a_gaussian_source(comparison):
    """The vectors are Gaussian: no held-out distortion lies below D(R) at the bits spent by more than 3 standard errors."""
    for arm in comparison.arms:
        spent = gaussian.distortion_rate(SPECTRUM, max(arm.bits, arm.cross_entropy_bits))
        assert arm.distortion > spent - 3 * arm.distortion_se - 0.05 * spent


def test_the_curve_is_the_bound(comparison):
    """The drawn curve starts at the variance and passes through the bounds in the table."""
    assert comparison.curve_distortion[0] == pytest.approx(comparison.data.variance)
    for arm in comparison.arms:
        drawn = np.interp(arm.bits, comparison.curve_bits, comparison.curve_distortion)
        assert drawn == pytest.approx(arm.gaussian_bound, rel=1e-2)


def test_the_exhibit_is_the_best_arm(comparison):
    """Each rate shows the table with the lowest held-out distortion, and reconstructions that are its codewords."""
    for exhibit in comparison.exhibits:
        here = [arm for arm in comparison.arms if arm.bits == exhibit.bits and arm.codebook_size == 2**arm.bits]
        assert exhibit.arm == min(here, key=lambda arm: arm.distortion).name
        assert exhibit.usage.sum() == comparison.data.held_out
        nearest = exhibit.codewords[brute_force(exhibit.originals, exhibit.codewords)[0]]
        np.testing.assert_array_equal(exhibit.reconstructions, nearest)


def test_notes_say_what_limits_the_numbers():
    """Few vectors, and directions without variance, are pointed out."""
    few = np.zeros((40, 5))
    few[:, :3] = np.random.default_rng(0).standard_normal((40, 3))
    notes = " ".join(compare(Vectors(few, "few"), [3], methods=METHODS[:1]).notes)
    assert "only 40 vectors" in notes
    assert "2 of 5 directions" in notes
    assert "fewer than 10 vectors each" in notes
    assert "head, checksum and last words" in notes
    assert len(compare(vectors(40_000), [2], methods=METHODS[:1]).notes) == 1


def test_half_precision_is_compared_as_single():
    """float16 vectors are fitted in float32."""
    half = Vectors(vectors(300).array.astype(np.float16), "half")
    assert len(compare(half, [2], methods=(CODEBOOKS[5], STRUCTURED[0])).arms) == 2


def test_without_a_table_the_exhibit_shows_what_the_best_arm_makes():
    """At a rate that no table reaches there are no codewords to show, only vectors and their reconstructions."""
    comparison = compare(vectors(60), [10], methods=STRUCTURED[:2])
    (exhibit,) = comparison.exhibits
    assert exhibit.codewords is None
    assert exhibit.usage is None
    assert exhibit.arm == min(comparison.arms, key=lambda arm: arm.distortion).name
    assert exhibit.reconstructions.shape == exhibit.originals.shape


def test_a_rate_that_no_method_can_be_had_at():
    """A rate beyond the data is refused before anything is fitted, with what the data hold."""
    with pytest.raises(DataError, match="6 bits: none of the methods can be fitted to 30 distinct vectors of 3 coord"):
        compare(vectors(40), [3, 6], methods=CODEBOOKS)


def test_methods_that_cannot_serve_a_rate_are_named():
    """The note says which methods are missing at which rate, and why."""
    notes = " ".join(compare(vectors(40), [3, 6], methods=(*CODEBOOKS, STRUCTURED[0])).notes)
    assert "At 6 bits without uniform + Lloyd" in notes
    assert "At 3 bits" not in notes


def test_lattices_that_coincide_are_pointed_out():
    """At a rate where no block of E8 pays, its row repeats that of Z, and a note says that they are the same."""
    wide = Vectors(np.random.default_rng(0).standard_normal((800, 9)) * np.geomspace(4, 0.2, 9), "wide")
    low, high = (" ".join(compare(wide, [rate], methods=STRUCTURED[-2:]).notes) for rate in (2, 36))
    assert "At 2 bits lattice Z, coded and lattice E8, coded are one and the same quantizer" in low
    assert "one and the same" not in high


def test_progress_announces_every_arm():
    """The callback hears each arm's name before it runs, its number and the total."""
    heard = []
    methods = (table("random", RateDistortion(), Lloyd(iterations=0)),)
    compare(vectors(100), [1, 2], methods=methods, progress=lambda *step: heard.append(step))
    assert heard == [("random, 1 bits", 1, 2), ("random, 2 bits", 2, 2)]


def test_the_meter_sees_memory_and_time():
    """Touching 64 MiB shows up as at least 48 MiB, and the time is positive."""
    with Meter() as meter:
        block = np.ones(8 << 20)
    assert meter.memory_mib > 48
    assert meter.seconds > 0
    assert block.nbytes == 64 << 20


@pytest.mark.parametrize("method", TRAINED, ids=lambda method: method.name)
def test_trained_methods_are_as_good_as_lloyd_where_pca_is_right(method):
    """Three Gaussian axes, all of which R(D) uses: each trained table is within 3 % of k-means++ and Lloyd on held-out."""
    train, judged = vectors(20_000).split(0.25, 0)
    quantizer = method.fit(train, 4, 0)
    ours = ((judged - quantizer.decode(quantizer.encode(judged))) ** 2).sum(axis=1).mean()
    lloyd = table("k-means++", KMeansPlusPlus(), Lloyd()).fit(train, 4, 0)
    assert ours < 1.03 * ((judged - lloyd.decode(lloyd.encode(judged))) ** 2).sum(axis=1).mean()
    assert sum(np.bincount(quantizer.encode(train)[:, 0], minlength=16)) == len(train)
    np.testing.assert_array_equal(quantizer.usage[0], np.bincount(quantizer.encode(train)[:, 0], minlength=16))


@pytest.mark.parametrize("method", TRAINED, ids=lambda method: method.name)
def test_trained_methods_do_not_mind_scale_offset_or_the_global_generator(method):
    """Vectors times 1000 plus 5: errors a million times as large; the same seed gives the same bits."""
    x = vectors(3_000).array.astype(np.float64)
    small, large = (method.fit(np.ascontiguousarray(data), 3, 1) for data in (x, 1000 * x + 5))
    errors = [((data - q.decode(q.encode(data))) ** 2).sum(axis=1).mean() for q, data in ((small, x), (large, 1000 * x + 5))]
    assert errors[1] == pytest.approx(1e6 * errors[0], rel=0.02)
    np.random.seed(3)  # noqa: NPY002 - nothing may depend on it
    np.testing.assert_array_equal(method.fit(x, 3, 1).decode(np.arange(8)[:, None]), small.decode(np.arange(8)[:, None]))


def test_several_seeds_average_and_pair():
    """Numbers are means over splits, each with its own seed; the noise is that of paired differences."""
    chosen = [method for method in METHODS if method.name in {"k-means++ + Lloyd", "from data + Lloyd", "PCA + Lloyd"}]
    single = [compare(vectors(400), [3], methods=chosen, seeds=[seed]) for seed in (5, 6, 7)]
    several = compare(vectors(400), [3], methods=chosen, seeds=[5, 6, 7])
    errors = np.array([[arm.distortion for arm in one.arms] for one in single])
    assert several.seeds == 3
    assert [arm.distortion for arm in several.arms] == pytest.approx(errors.mean(axis=0))
    best = errors.mean(axis=0).argmin()
    for number, arm in enumerate(several.arms):
        if number == best:
            assert (arm.excess_se, arm.excess_p) == (0.0, 1.0)
            continue
        difference = errors[:, number] - errors[:, best]
        assert arm.excess_se == pytest.approx(difference.std(ddof=1) * np.sqrt(1 / 3 + 0.25 / 0.75))
        assert 0 < arm.excess_p <= 1
    assert "3 times" in several.notes[0]
    assert several.provenance["split"].endswith("3 seeds: 5, 6, 7")


def test_equal_methods_under_two_names_are_not_told_apart():
    """Paired by seed, two copies of one method differ by nothing: p = 1."""
    method = table("one", KMeansPlusPlus(), Lloyd())
    train, judged = vectors(400).split(0.25, 0)
    outcomes = [[run(method, 3, train, judged, SPECTRUM, seed=seed)] * 2 for seed in (0, 1)]
    assert [outcome.arm.excess_p for outcome in together(outcomes, 0.25)] == [1.0, 1.0]
