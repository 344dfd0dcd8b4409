"""What to take: the best is named, and nothing is called as good or worse that is not shown to be."""

from __future__ import annotations

import numpy as np
import pytest

from zador.errors import UsageError
from zador.studies.design import Arm, Design, Metric
from zador.studies.pages.choices import Candidate, candidates, choices_table, choose
from zador.studies.rows import Outcome, Stamp
from zador.studies.run import Evidence

SEEDS = range(20)


def drawn(name: str, mean: float, noise: float, seed: int) -> Candidate:
    """Return a candidate whose runs share the difficulty of each seed, with noise of their own."""
    shared = 0.2 * np.random.default_rng(0).normal(size=len(SEEDS))
    own = noise * np.random.default_rng(seed).normal(size=len(SEEDS))
    return Candidate(name, dict(zip(SEEDS, (mean + shared + own).tolist(), strict=True)))


def test_every_candidate_is_called_once_and_rightly():
    """A clear winner, one within 1 %, one worse, and one that its own noise hides."""
    offered = [
        drawn("best", 2.0, 0.001, 1),
        drawn("twin", 2.004, 0.001, 2),
        drawn("bad", 2.2, 0.01, 3),
        drawn("loud", 2.1, 1.0, 4),
    ]
    found = choose(offered)
    assert found.best == "best"
    assert [one.name for one in found.alike] == ["twin"]
    assert [one.name for one in found.worse] == ["bad"]
    assert [one.name for one in found.unresolved] == ["loud"]
    assert found.worse[0].share == pytest.approx(0.1, abs=0.01)
    assert found.worse[0].low < found.worse[0].share < found.worse[0].high


def test_a_mean_within_the_margin_is_not_enough():
    """A candidate 0.2 % above the best on average, up and down by a quarter from seed to seed, is as good as unknown."""
    best = drawn("best", 2.0, 0.001, 1)
    blurred = Candidate("blurred", {seed: value + 0.004 + 0.5 * (-1) ** seed for seed, value in best.values.items()})
    found = choose([best, blurred])
    assert [one.name for one in found.unresolved] == ["blurred"]
    assert 0 < found.unresolved[0].share < 0.01


def test_more_candidates_ask_for_more():
    """The interval of a candidate is wider in a larger choice, so that all of them hold together."""
    best, other = drawn("best", 2.0, 0.001, 1), drawn("other", 2.2, 0.1, 3)
    crowd = [drawn(f"worse {number}", 3.0 + number, 0.1, number) for number in range(10)]
    (alone,) = choose([best, other]).worse
    among = choose([best, other, *crowd]).worse[0]
    assert among.name == "other"
    assert among.low < alone.low < alone.high < among.high


def test_where_higher_is_better_everything_turns_around():
    """The same runs, negated and moved: the same names."""
    offered = [drawn("best", 2.0, 0.001, 1), drawn("bad", 2.2, 0.01, 3)]
    turned = [Candidate(one.name, {seed: 10 - value for seed, value in one.values.items()}) for one in offered]
    found = choose(turned, lower_is_better=False)
    assert (found.best, [one.name for one in found.worse]) == ("best", ["bad"])


def test_a_candidate_that_fails_is_worse_and_not_left_out():
    """Runs that failed count as worst; the table says so."""
    failing = Candidate("failing", dict.fromkeys(SEEDS, float("nan")))
    found = choose([drawn("best", 2.0, 0.001, 1), failing])
    assert found.best == "best"
    assert found.worse[0].name == "failing"
    assert "failing (fails)" in choices_table("where", {"here": found})


def test_false_alarms_are_rare():
    """Of two candidates of one law, one is called worse in 5 % of 200 tables, give or take 3.5 standard errors."""
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(200):
        offered = [Candidate(str(arm), dict(enumerate(rng.normal(2.0, 0.1, 20).tolist()))) for arm in range(2)]
        wrong += bool(choose(offered).worse)
    assert wrong <= 0.05 * 200 + 3.5 * np.sqrt(200 * 0.05 * 0.95)


def test_one_candidate_is_no_choice():
    """Neither are two without a common seed."""
    with pytest.raises(UsageError, match="at least two"):
        choose([drawn("a", 1.0, 0.1, 0)])
    with pytest.raises(UsageError, match="in common"):
        choose([Candidate("a", {1: 1.0}), Candidate("b", {2: 1.0})])


def test_arms_of_a_study_become_candidates():
    """Limits are none; a failed run has no number whatever it printed; names may be changed."""
    metric = Metric("error", "error", "An error.")
    arms = (Arm("a", choose), Arm("b", choose), Arm("floor", choose, limit=True))
    outcomes = {Stamp("s", "", arm.name, seed): Outcome({"error": 1.0}) for arm in arms for seed in (1, 2)}
    outcomes[Stamp("s", "", "b", 2)] = Outcome({"error": 0.0}, failure="diverged")
    evidence = Evidence(Design("s", "t", "q", arms, (metric,), "a", seeds=(1, 2)), outcomes)
    found = candidates(evidence, metric, "", {"a": "A", "b": "B"})
    assert [one.name for one in found] == ["A", "B"]
    assert np.isnan(found[1].values[2])
    assert [one.name for one in candidates(evidence, metric, "")] == ["a", "b"]
