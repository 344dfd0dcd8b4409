"""Revival: who is dead, where the dead go, what they are worth there, and what is never taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from references import learners as reference
from references.learning import gaussian_batches, seen_by, trained
from zador.codebooks import (
    ByDistortion,
    Ema,
    FromBatch,
    FromReservoir,
    Gradient,
    Load,
    OnlineKMeans,
    SplitMostLoaded,
    never_chosen,
    restarted,
    revived,
    since_chosen,
    windowed_usage,
)
from zador.codebooks.revive.draw import _first_of_equals, proposal_from
from zador.errors import UsageError
from zador.noise import new_key

POLICIES = [ByDistortion(), FromBatch(), FromReservoir(), SplitMostLoaded()]
DRAWN = POLICIES[:3]


def named(policy):
    return type(policy).__name__


def dead_among(size, dead):
    found = torch.zeros(size, dtype=torch.bool)
    found[torch.as_tensor(dead, dtype=torch.int64)] = True
    return found


def proposed(policy, x, codewords, dead, *, indices=None, key=None):
    """Return what the policy proposes for x (N, d), all seen at once, and the batch."""
    codewords = torch.as_tensor(codewords)
    seen = seen_by(x, codewords, key, indices)
    state = policy.observed(policy.init(codewords), seen)
    return policy.propose(state, seen, codewords, dead_among(len(codewords), dead)), seen


# --- since ---------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), window=st.integers(1, 60))
@settings(max_examples=50, deadline=None)
def test_since_is_what_counting_gives(seed, window):
    """Vectors since the last choice equal those of a loop over batches, and so does the share used in a window."""
    rng = np.random.default_rng(seed)
    batches = [rng.integers(-1, 6, rng.integers(0, 9)) for _ in range(10)]
    since = never_chosen(8)
    for batch in batches:
        since = since_chosen(since, torch.from_numpy(np.bincount(batch[batch >= 0], minlength=8)).float())
    expected = reference.since(8, batches)
    total = sum((batch >= 0).sum() for batch in batches)
    assert since.tolist() == [-1 - total if passed is None else passed for passed in expected]
    used = sum(passed is not None and passed < window for passed in expected)
    assert windowed_usage(since, window).item() == pytest.approx(used / 8)


def test_a_new_and_a_revived_codeword_are_neither_used_nor_dead():
    """They count as chosen only once somebody chooses them, and have the whole patience before them."""
    since = restarted(torch.tensor([0, 500]), torch.tensor([False, True]))
    assert windowed_usage(since, 10_000).item() == 0.5
    policy = FromBatch(patience=8)
    assert policy.dead(Load(torch.zeros(2)), since).tolist() == [False, False]
    assert policy.dead(Load(torch.zeros(2)), since_chosen(since, torch.tensor([15.0, 0.0]))).tolist() == [False, False]
    assert policy.dead(Load(torch.zeros(2)), since_chosen(since, torch.tensor([16.0, 0.0]))).tolist() == [False, True]


# --- who is dead ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [16, 64, 1024])
def test_death_depends_on_vectors_not_on_batches(count):
    """A codeword dies after patience · K = 1024 vectors without it, in batches of any size."""
    policy, codewords = FromBatch(patience=16), torch.zeros(64, 2)
    state, since, learned = policy.init(codewords), never_chosen(64), Gradient().init(codewords)
    for batch in range(1024 // count):
        seen = seen_by(np.ones((count, 2), np.float32), learned.codewords, indices=np.zeros(count, int))
        assert torch.equal(learned.codewords, codewords), batch
        state, since, learned = policy.step(state, since, learned, seen)
    assert (learned.codewords != codewords).any(dim=1).sum() == 1
    assert not (learned.codewords[0] != 0).any()


def test_a_fairly_used_codeword_rarely_dies():
    """The share of waits of patience · K vectors without a uniformly chosen codeword is exp(-patience), to 4 s.e."""
    rng, size, patience, waits = np.random.default_rng(0), 32, 2, 4000
    missed = (rng.integers(0, size, (waits, patience * size)) != 0).all(axis=1)
    expected = (1 - 1 / size) ** (patience * size)
    assert abs(missed.mean() - expected) < 4 * np.sqrt(expected / waits)
    # As the docstring has it: the limit for many codewords, from below.
    assert expected < np.exp(-patience) < expected * 1.05


def test_the_threshold_compares_averaged_hits():
    """With decay 1/2 from the fair share 4: hits of 8, 4, 4, 0 average to 6, 4, 4, 2 and then to 7, 4, 4, 1."""
    policy = FromBatch(threshold=1.5, decay=0.5, patience=1e6)
    codewords, indices = torch.zeros(4, 1), np.repeat([0, 1, 2], [8, 4, 4])
    state, since = policy.init(codewords), never_chosen(4)
    for hits, dead in (([6, 4, 4, 2], [False] * 4), ([7, 4, 4, 1], [False, False, False, True])):
        seen = seen_by(np.ones((16, 1), np.float32), codewords, indices=indices)
        state, since = policy.observed(state, seen), since_chosen(since, seen.cells.counts)
        assert state.hits.tolist() == hits
        assert policy.dead(state, since).tolist() == dead


def test_an_impossible_threshold_is_refused_with_the_arithmetic():
    """2 hits for each of 4096 codewords do not fit into 1024 vectors; the last, shorter batch of an epoch is no reason."""
    policy, codewords = FromBatch(threshold=2), torch.zeros(4096, 1)
    seen = seen_by(np.ones((1024, 1), np.float32), codewords, indices=np.zeros(1024, int))
    message = r"threshold 2 × 4096 codewords = 8192 hits a batch, but a batch holds 1024 vectors; use threshold <= 0.25"
    with pytest.raises(UsageError, match=message):
        policy.step(policy.init(codewords), never_chosen(4096), Gradient().init(codewords), seen)
    policy = FromBatch(threshold=0.25)
    state, since, learned = policy.step(policy.init(codewords), never_chosen(4096), Gradient().init(codewords), seen)
    short = seen_by(np.ones((3, 1), np.float32), learned.codewords, indices=np.zeros(3, int))
    policy.step(state, since, learned, short)


def test_a_batch_without_vectors_ages_nobody():
    """All masked: hits, `since` and the codewords are as before, whatever the masked rows hold."""
    codewords = torch.zeros(4, 2)
    seen = seen_by(np.full((50, 2), np.nan, np.float32), codewords, indices=np.full(50, -1))
    for policy in POLICIES:
        state = policy.init(codewords)
        later, since, learned = policy.step(state, never_chosen(4), Gradient().init(codewords), seen)
        assert torch.equal(since, never_chosen(4))
        assert torch.equal(learned.codewords, codewords)
        assert all(torch.equal(before, after) for before, after in zip(state, later, strict=True))


@pytest.mark.parametrize("wrong", [{"patience": 0}, {"threshold": -1}, {"decay": 1.0}])
@pytest.mark.parametrize("policy", POLICIES, ids=named)
def test_parameters_out_of_range_are_refused(policy, wrong):
    """Each is named with its value."""
    with pytest.raises(UsageError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"):
        type(policy)(**wrong)


def test_own_parameters_out_of_range_are_refused():
    """A reservoir for no vectors, and a shift that moves nothing."""
    with pytest.raises(UsageError, match="per_codeword >= 1, got 0"):
        FromReservoir(per_codeword=0)
    with pytest.raises(UsageError, match="0 < shift <= 1, got 0"):
        SplitMostLoaded(shift=0)


# --- where the dead go ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", DRAWN, ids=named)
def test_the_dead_go_to_distinct_vectors_of_the_batch(policy):
    """Every dead codeword is a row of x, no two the same; the living keep every bit."""
    rng = np.random.default_rng(0)
    x, codewords = rng.standard_normal((100, 3)).astype(np.float32), rng.standard_normal((30, 3)).astype(np.float32)
    dead = np.arange(0, 30, 2)
    proposal, _ = proposed(policy, x, codewords, dead)
    places = {tuple(row) for row in proposal.codewords[dead].tolist()}
    assert len(places) == len(dead)
    assert places <= {tuple(row) for row in x.tolist()}
    assert proposal.revived.tolist() == [k % 2 == 0 for k in range(30)]
    assert torch.equal(proposal.codewords[1::2], torch.from_numpy(codewords[1::2]))


@pytest.mark.parametrize("policy", DRAWN, ids=named)
def test_what_is_masked_or_not_finite_is_never_taken(policy):
    """Of 40 rows only 3 count: three dead are revived there and the surplus stays where it is, finite."""
    x = np.full((40, 2), np.nan, np.float32)
    x[::4], x[::3] = np.inf, 9.0  # the latter finite, but masked
    x[:2] = np.inf
    x[5], x[6], x[7] = (1, 2), (3, 4), (5, 6)
    indices = np.full(40, -1)
    indices[[0, 1, 5, 6, 7]] = 0  # rows 0 and 1 count, but are not finite
    codewords = np.zeros((10, 2), np.float32)
    for counter in range(20):
        key = new_key(0) + torch.tensor([0, counter])
        proposal, _ = proposed(policy, x, codewords, range(1, 10), indices=indices, key=key)
        assert sorted(proposal.codewords[proposal.revived].tolist()) == [[1, 2], [3, 4], [5, 6]]
        assert torch.equal(proposal.codewords[~proposal.revived], torch.zeros(7, 2))


@pytest.mark.parametrize("policy", DRAWN, ids=named)
def test_vectors_on_a_codeword_are_never_taken(policy):
    """Of 50 vectors 48 lie on the living codeword: only the two others serve."""
    x = np.zeros((50, 2), np.float32)
    x[[10, 20]] = (1, 1), (2, 2)
    proposal, _ = proposed(policy, x, np.zeros((6, 2), np.float32), range(1, 6), indices=np.zeros(50, int))
    assert sorted(proposal.codewords[proposal.revived].tolist()) == [[1, 1], [2, 2]]


@pytest.mark.parametrize("policy", DRAWN, ids=named)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_no_two_land_on_equal_vectors(policy, dtype):
    """A batch that repeats five vectors, one of them with zeros of both signs, revives five codewords at most."""
    five = np.array([[1, 0.0], [1, 1], [2, 1], [3, 5], [0.5, 0.25]], dtype)
    x = np.repeat(five, 40, axis=0)
    x[:20] = [1, -0.0]
    codewords = np.full((12, 2), -9, np.float64 if dtype == np.float64 else np.float32)
    proposal, _ = proposed(policy, x, codewords, range(1, 12), indices=np.zeros(200, int))
    places = [tuple(row) for row in proposal.codewords[proposal.revived].tolist()]
    assert len(places) == len(set(places)) >= 2
    assert set(places) <= {tuple(row) for row in five.tolist()}


def test_zeros_of_both_signs_are_equal():
    """Thirty vectors whose last coordinate is 0, each also with -0: exactly one of each pair is a first."""
    rows = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
    rows[:, 2] = 0.0
    other = rows.clone()
    other[:, 2] = -0.0
    assert _first_of_equals(torch.cat([rows, other])).tolist() == [True] * 30 + [False] * 30


def test_repeated_vectors_leave_room_for_the_others_next_time():
    """Where 99 of 100 vectors are equal, one codeword takes them all, and the next batch gives the rest to the others."""
    rng = np.random.default_rng(0)
    state, _ = trained(
        Ema(revive=ByDistortion(patience=1)),
        np.full((8, 2), -50.0, np.float32),
        (np.concatenate([np.full((990, 2), 7.0), rng.standard_normal((10, 2))]).astype(np.float32) for _ in range(20)),
    )
    near = ((state.codewords - 7.0).abs() < 1).all(dim=1)
    assert near.sum() == 1
    assert (state.codewords.abs() < 5).all(dim=1).sum() == 7


@pytest.mark.parametrize(
    ("policy", "weights"), [(ByDistortion(), [1.0, 4.0, 9.0, 16.0]), (FromBatch(), [1.0, 1.0, 1.0, 1.0])], ids=["d2", "one"]
)
def test_probabilities_are_those_promised(policy, weights):
    """Vectors at distance 1, 2, 3, 4: a chi-square test of 400 draws of one does not reject, at 1e-4."""
    x, codewords = np.array([[1.0], [2.0], [3.0], [4.0]], np.float32), np.array([[0.0], [99.0]], np.float32)
    found = np.zeros(4)
    for counter in range(400):
        key = new_key(1) + torch.tensor([0, counter])
        proposal, _ = proposed(policy, x, codewords, [1], indices=np.zeros(4, int), key=key)
        found[int(proposal.codewords[1].item()) - 1] += 1
    assert stats.chisquare(found, 400 * np.array(weights) / np.sum(weights)).pvalue > 1e-4


def test_rows_are_drawn_without_replacement_in_the_right_proportions():
    """The unordered pair drawn from weights 1, 2, 3 has the probability of drawing one after the other, at 1e-4."""
    w, found = np.array([1.0, 2.0, 3.0]), {frozenset(p): 0 for p in ((0, 1), (0, 2), (1, 2))}
    vectors = torch.tensor([[0.0], [1.0], [2.0]])
    for counter in range(400):
        key = new_key(2) + torch.tensor([0, counter])
        proposal = proposal_from(vectors, torch.from_numpy(w).log(), key, torch.full((2, 1), -1.0), dead_among(2, [0, 1]))
        found[frozenset(proposal.codewords.ravel().int().tolist())] += 1
    p = w / w.sum()
    expected = [400 * (p[a] * p[b] / (1 - p[a]) + p[b] * p[a] / (1 - p[b])) for a, b in found]
    assert stats.chisquare(list(found.values()), expected).pvalue > 1e-4


def test_the_reservoir_remembers_what_the_batch_no_longer_has():
    """Vectors around 5 went by first; when only vectors around 0 come, the dead still find places of both kinds."""
    policy, codewords = FromReservoir(per_codeword=8), torch.zeros(40, 1)
    state = policy.init(codewords)
    rng = np.random.default_rng(0)
    for mean in (5, 0):
        x = (mean + 0.1 * rng.standard_normal((400, 1))).astype(np.float32)
        seen = seen_by(x, codewords, new_key(mean), indices=np.zeros(400, int))
        state = policy.observed(state, seen)
    places = policy.propose(state, seen, codewords, dead_among(40, range(40))).codewords
    # Each place is of the older kind with probability 1/2: 40 of one kind have probability 2^-39.
    assert 0 < (places > 2.5).sum() < 40


def test_splitting_shares_the_busiest_cells():
    """Dead 1 and 4 go to the two most loaded, 3 and 0; each pair has its old codeword in the middle; the donors halve."""
    codewords = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 10.0], [10.0, 0.0], [60.0, 0.0]])
    indices = np.repeat([0, 2, 3], [20, 5, 40])
    x = codewords[indices].numpy() + np.random.default_rng(0).standard_normal((65, 2)).astype(np.float32)
    policy = SplitMostLoaded(decay=0)
    proposal, seen = proposed(policy, x, codewords, [1, 4], indices=indices)
    assert proposal.revived.tolist() == [False, True, False, False, True]
    assert proposal.donors.tolist() == [True, False, False, True, False]
    for dead, donor in ((1, 3), (4, 0)):
        torch.testing.assert_close(proposal.codewords[[dead, donor]].mean(dim=0), codewords[donor])
        spread = seen.squared[indices == donor].mean().sqrt()
        torch.testing.assert_close((proposal.codewords[dead] - codewords[donor]).norm(), 0.1 * spread)
    assert torch.equal(proposal.codewords[2], codewords[2])
    state = Ema().step(Ema().init(codewords), seen)
    assert torch.equal(revived(state, proposal).counts, state.counts * torch.tensor([0.5, 0.0, 1.0, 0.5, 0.0]))
    settled = policy.settled(policy.observed(policy.init(codewords), seen), proposal)
    torch.testing.assert_close(settled.hits, torch.tensor([10.0, 13.0, 5.0, 20.0, 13.0]))


def test_splitting_leaves_cells_without_spread_alone():
    """A busy codeword on which all members lie is not doubled: the dead stay, and wait."""
    codewords = torch.tensor([[0.0, 0.0], [50.0, 0.0], [1.0, 1.0]])
    indices = np.repeat([0, 2], [30, 10])
    x = codewords[indices].numpy().copy()
    x[30:] += np.random.default_rng(0).standard_normal((10, 2)).astype(np.float32)
    proposal, _ = proposed(SplitMostLoaded(), x, codewords, [1], indices=indices)
    assert proposal.donors.tolist() == [False, False, True]
    proposal, _ = proposed(SplitMostLoaded(), x[:30], codewords, [1], indices=indices[:30])
    assert not proposal.revived.any()
    assert torch.equal(proposal.codewords, codewords)


# --- what they are worth there -------------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", [Ema(), Ema(decay=0.8, warmup=1.0), OnlineKMeans()], ids=["ema", "ema .8", "online"])
@pytest.mark.parametrize("policy", POLICIES, ids=named)
def test_a_revived_codeword_survives_the_step_and_follows_its_next_members(learner, policy):
    """After the same step it stands on its new place to the last bit; its next members alone then decide where it is."""
    codewords = torch.tensor([[0.0, 0.0], [500.0, 0.0]])
    rng = np.random.default_rng(0)
    state, since, reviving = learner.init(codewords), never_chosen(2), policy.init(codewords)
    # At first it has members: what is left of them is what must not pull it back.
    state = learner.step(state, seen_by(np.full((50, 2), (500.0, 1.0), np.float32), state.codewords))
    left = state.codewords[1]
    while bool((state.codewords[1] == left).all()):
        seen = seen_by(rng.standard_normal((10, 2)).astype(np.float32), state.codewords)
        assert (seen.indices == 0).all()
        stepped = learner.step(state, seen)
        reviving, since, state = policy.step(reviving, since, stepped, seen)
    if policy is not POLICIES[3]:
        assert (state.codewords[1] == torch.cat([seen.x, getattr(reviving, "vectors", seen.x)])).all(dim=1).any()
    assert state.counts[1] == 0
    assert not policy.dead(reviving, since).any()
    members = np.full((3, 2), 4.0, np.float32)
    after = learner.step(state, seen_by(members, state.codewords, indices=np.ones(3, int)))
    torch.testing.assert_close(after.codewords[1], torch.tensor([4.0, 4.0]))


def test_a_codebook_of_an_optimiser_is_revived_too():
    """The state of `Gradient` has codewords only; they are what changes."""
    learner = Gradient(revive=FromBatch(patience=1))
    state, _ = trained(learner, np.full((16, 8), 30.0, np.float32), gaussian_batches(0, 0, 3, count=64))
    assert (state.codewords.abs() < 6).all(dim=1).sum() >= 15


@pytest.mark.parametrize("policy", POLICIES, ids=named)
def test_every_policy_cures_collapse(policy):
    """Codewords from N(0, I) and vectors around 8: nearly nobody is chosen; after 40 batches nearly all of 64 are."""
    start = np.random.default_rng(0).standard_normal((64, 8)).astype(np.float32)
    for reviver, expected in ((None, (0.0, 0.2)), (policy, (0.99, 1.0))):
        state, _ = trained(Ema(revive=reviver), start, gaussian_batches(1, 8, 40, count=1024))
        x = next(gaussian_batches(2, 8, 1))
        used = len(seen_by(x, state.codewords).indices.unique()) / 64
        assert expected[0] <= used <= expected[1]


# --- the contract --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES, ids=named)
def test_same_key_same_bits(policy):
    """A proposal repeats with its key, and differs with another."""
    rng = np.random.default_rng(0)
    x, codewords = rng.standard_normal((200, 3)).astype(np.float32), rng.standard_normal((20, 3)).astype(np.float32)
    found = [proposed(policy, x, codewords, range(5, 20), key=new_key(seed))[0].codewords for seed in (0, 0, 1)]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("policy", POLICIES, ids=named)
def test_a_compiled_step_is_the_plain_one(policy):
    """Traced whole, with dead codewords and without, the step gives the plain call's states."""
    policy = replace(policy, patience=16.0)
    learner = Ema(revive=policy)
    codewords = torch.from_numpy(np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32))

    def step(reviving, since, learned, seen):
        return policy.step(reviving, since, learned, seen)

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    learned, since, reviving = learner.init(codewords), never_chosen(12), policy.init(codewords)
    for number, x in enumerate(gaussian_batches(0, 6, 6, count=64, dim=3)):
        seen = seen_by(x, learned.codewords, new_key(number))
        learned = learner.step(learned, seen)
        ours, theirs = step(reviving, since, learned, seen), compiled(reviving, since, learned, seen)
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
        reviving, since, learned = ours
    assert (learned.codewords > 2).all()


def test_the_operation_keeps_the_promises_of_torch():
    """`opcheck` finds schema, fake tensors and dispatch in order, with dead codewords and without."""
    rng = np.random.default_rng(0)
    vectors, codewords = (torch.from_numpy(rng.standard_normal((n, 3))) for n in (20, 6))
    for dead in ([], [1, 4]):
        arguments = (vectors, torch.zeros(20), new_key(0), codewords, dead_among(6, dead), 0)
        torch.library.opcheck(torch.ops.zador.placed.default, arguments)
