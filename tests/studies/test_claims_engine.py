"""Expectations of `zador.studies.claims`: verdicts come from rows, and every one can be reached."""

import json
import math

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from zador.errors import FormatError
from zador.studies.claims import AllOf, Claim, Prediction, Runs, Status, read_claims, verdicts, weigh
from zador.studies.claims.runs import Cell, NotRunError
from zador.studies.claims.wording import of_p, percent
from zador.studies.rows import Row

NAN = float("nan")
LUCK = np.random.default_rng(0).normal(0, 0.05, 20)


def claim(prediction, **more):
    fields = {"key": "k", "source": "r.md", "section": "1", "quote": "q", "protocol": "s", "prediction": prediction} | more
    return Claim.model_validate_json(json.dumps(fields))


def lower(arm="a", other="b", **more):
    return {"kind": "difference", "metric": "error", "arm": arm, "other": other, "direction": "lower"} | more


def rows(means, *, seeds=20, metric="error", noise=0.002, setting=""):
    """Return rows of arms with given means, the luck of a seed in common, and some noise of their own."""
    rng = np.random.default_rng(1)
    return [
        Row("s", arm, seed, metric, mean + LUCK[seed] + noise * rng.normal(), setting)
        for arm, mean in means.items()
        for seed in range(seeds)
    ]


def verdict(prediction, found, **more):
    (only,) = verdicts([claim(prediction, **more)], found)
    return only


@pytest.mark.parametrize(
    ("b", "size", "status"),
    [
        (2.02, None, Status.CONFIRMED),
        (2.02, [0.009, 0.011], Status.CONFIRMED),
        (2.02, [0.05, 0.06], Status.SIZE_DIFFERS),
        (2.2, [0.009, 0.011], Status.SIZE_DIFFERS),
        (1.98, None, Status.REFUTED),
        (2.0, [0.05, 0.06], Status.REFUTED),
        (2.0, None, Status.NOT_RESOLVED),
    ],
)
@pytest.mark.parametrize("seeds", [5, 20])
def test_a_claimed_difference(b, size, status, seeds):
    """Direction resolved, size excluded or not, opposite resolved, smaller than claimed, nothing: each has its verdict."""
    ours = verdict(lower(relative=size) if size else lower(), rows({"a": 2.0, "b": b}, seeds=seeds))
    assert ours.status is status
    assert ours.n_seeds == seeds
    assert ours.low <= ours.effect <= ours.high
    assert (ours.needed is not None) == (status is Status.NOT_RESOLVED)
    assert ours.sentence.lower().startswith(status.value)


@pytest.mark.parametrize(("value", "status"), [(-1.0, Status.SIZE_DIFFERS), (0.0, Status.NOT_RESOLVED)])
def test_a_claimed_share_of_nothing_has_no_size(value, status):
    """Where the other arm is 0 in every run, a lower arm is lower, but by no share of it; an equal one shows nothing."""
    found = [Row("s", arm, seed, "error", mean) for arm, mean in (("a", value), ("b", 0.0)) for seed in range(20)]
    assert verdict(lower(relative=[0.84, 0.86]), found).status is status


def test_higher_is_lower_mirrored():
    """Exchanging arms and direction changes neither verdict nor p-value, sizes in the metric's unit included."""
    found = rows({"a": 2.0, "b": 2.02}, seeds=6)
    one = verdict(lower(absolute=[0.01, 0.03]), found)
    other = verdict(lower("b", "a", absolute=[0.01, 0.03], direction="higher"), found)
    assert one.status is other.status is Status.CONFIRMED
    assert one.p == pytest.approx(other.p, rel=1e-9)


@pytest.mark.parametrize(
    ("margin", "status"),
    [({"relative": 0.02}, "confirmed"), ({"relative": 0.001}, "refuted"), ({"absolute": 0.0205}, "not resolved")],
)
def test_a_claimed_equality(margin, status):
    """Inside the margin, beyond it, or at its edge."""
    prediction = {"kind": "equivalence", "metric": "error", "arm": "a", "other": "b"} | margin
    assert verdict(prediction, rows({"a": 2.0, "b": 2.02})).status == status


def test_a_claimed_level():
    """The mean is tested against its bounds."""
    found = rows({"a": 2.0})
    level = {"kind": "level", "metric": "error", "arm": "a"}
    assert verdict(level | {"at_least": 1.8}, found).status is Status.CONFIRMED
    assert verdict(level | {"at_least": 1.8, "at_most": 1.9}, found).status is Status.REFUTED
    assert verdict(level | {"at_most": float(2.0 + LUCK.mean())}, found).status is Status.NOT_RESOLVED
    assert verdict(level | {"at_most": 1.9}, found).sentence.startswith("Refuted: error of a is ")


def test_a_claim_about_every_run_falls_with_one():
    """Twenty runs without a dead codeword confirm it, one with refutes it, three decide nothing."""
    level = {"kind": "level", "metric": "dead", "arm": "a", "at_most": 0, "every_run": True}
    clean = [Row("s", "a", seed, "dead", 0.0) for seed in range(20)]
    assert verdict(level, clean).status is Status.CONFIRMED
    spoilt = verdict(level, [*clean[:-1], Row("s", "a", 19, "dead", 0.25)])
    assert spoilt.status is Status.REFUTED
    assert "goes from 0 to 0.25: 19 of 20 runs keep to the claimed at most 0" in spoilt.sentence
    few = verdict(level, clean[:3])
    assert (few.status, few.needed) == (Status.NOT_RESOLVED, 6)  # two tests: 2^-6 < 0.025 < 2^-5


@pytest.mark.parametrize(
    ("failed", "diverges", "status"),
    [
        (20, True, "confirmed"),
        (18, True, "confirmed"),
        (10, True, "not resolved"),
        (0, True, "refuted"),
        (0, False, "confirmed"),
        (1, False, "refuted"),
    ],
)
@pytest.mark.parametrize("how", ["says so", "no number"])
def test_a_claimed_divergence(failed, diverges, status, how):
    """More than half of the runs have to diverge; where none is claimed to, one is enough to refute it."""
    found = []
    for seed in range(20):
        gone = seed < failed
        found.append(Row("s", "a", seed, "diverged", float(gone and how == "says so")))
        found.append(Row("s", "a", seed, "reconstruction", NAN if gone and how == "no number" else 2.0))
    assert verdict({"kind": "failure", "arm": "a", "diverges": diverges}, found).status == status


def test_a_run_that_diverged_has_no_number():
    """An arm that prints a splendid error in runs that diverged is no winner."""
    found = rows({"a": 1.0, "b": 2.0}, metric="error")
    found += [Row("s", "a", seed, "diverged", 1.0) for seed in range(20)]
    ours = verdict(lower(), found)
    assert ours.status is Status.REFUTED
    assert "20 of 20 runs of a failed" in ours.sentence
    assert math.isinf(ours.effect)


def test_a_spread_is_within_its_margin_for_every_pair():
    """One setting apart from the others refutes it."""
    spread = {"kind": "spread", "metric": "error", "arm": "a", "settings": ["1", "2", "3"], "relative": 0.01}
    alike = [row for setting in "123" for row in rows({"a": 2.0}, setting=setting)]
    assert verdict(spread, alike).status is Status.CONFIRMED
    apart = [row for setting, mean in zip("123", (2.0, 2.0, 2.1), strict=True) for row in rows({"a": mean}, setting=setting)]
    ours = verdict(spread, apart)
    assert ours.status is Status.REFUTED
    assert len(ours.evidence) == 3


def test_the_best_beats_each_of_the_others():
    """Best is confirmed against all, refuted by one that is better, open while one is as good."""
    best = {"kind": "best", "metric": "error", "arm": "a", "setting": "1", "among": ["2", "3"]}
    for means, status in (((2.0, 2.1, 2.2), "confirmed"), ((2.0, 2.1, 1.9), "refuted"), ((2.0, 2.1, 2.0), "not resolved")):
        rng = np.random.default_rng(2)
        found = [
            Row("s", "a", seed, "error", mean + 0.002 * rng.normal(), setting)
            for setting, mean in zip("123", means, strict=True)
            for seed in range(20)
        ]
        assert verdict(best, found).status == status


def test_a_conjunction_is_as_strong_as_its_weakest_part():
    """p_for is the largest, p_against the least times the number of parts."""
    runs = Runs(rows({"a": 2.0, "b": 2.02, "c": 2.0}, seeds=6))
    both = TypeAdapter(Prediction).validate_json(json.dumps({"kind": "all", "of": [lower(), lower("a", "c")]}))
    assert isinstance(both, AllOf)
    one, two = (weigh(part, runs) for part in both.of)
    together = weigh(both, runs)
    assert together.p_for == max(one.p_for, two.p_for)
    assert together.p_against == min(1.0, 2 * min(one.p_against, two.p_against))
    assert together.parts == (one, two)


def test_what_a_control_explains_is_an_artefact():
    """A lead over a poor baseline that a good one takes away is the baseline's; one that is left is not."""
    control = {"prediction": lower("a", "good"), "artefact_of": "a poor baseline"}
    for good, status in (
        (2.0, Status.ARTEFACT),
        (1.95, Status.ARTEFACT),
        (2.004, Status.ARTEFACT),
        (2.019, Status.CONFIRMED),
    ):
        ours = verdict(lower(), rows({"a": 2.0, "b": 2.02, "good": good}), controls=[control])
        assert ours.status is status, good
        assert any(sentence.startswith("Control: error of a is ") for sentence in ours.evidence)
        assert ("Artefact of a poor baseline: " in ours.sentence) == (status is Status.ARTEFACT)


def test_a_control_matters_only_where_the_claim_holds():
    """A claim that its own arms refute is refuted, whatever the control says."""
    control = {"prediction": lower("a", "good"), "artefact_of": "a poor baseline"}
    ours = verdict(lower(), rows({"a": 2.0, "b": 1.98, "good": 2.0}), controls=[control])
    assert ours.status is Status.REFUTED
    assert " Beside it: error of a is " in ours.sentence
    calm = [Row("s", arm, seed, "diverged", 0.0) for arm in ("a", "changed") for seed in range(20)]
    fails = {"kind": "failure", "arm": "a", "diverges": True}
    control = {"prediction": fails | {"arm": "changed"}, "artefact_of": "what was changed"}
    assert verdict(fails, calm, controls=[control]).status is Status.REFUTED


def test_a_control_of_another_kind_is_tested_on_its_own():
    """An arm that diverges, and does not with one thing changed: the divergence is that thing's."""
    found = [Row("s", arm, seed, "diverged", float(arm == "a")) for arm in ("a", "changed") for seed in range(20)]
    fails = {"kind": "failure", "arm": "a", "diverges": True}
    control = {"prediction": fails | {"arm": "changed"}, "artefact_of": "what was changed"}
    ours = verdict(fails, found, controls=[control])
    assert ours.status is Status.ARTEFACT
    assert ours.sentence.startswith("Artefact of what was changed: 20 of 20 runs of a diverged. But 0 of 20 runs of changed")


def test_what_was_not_run_is_said():
    """A claim without rows, and a control without rows, say which cell is missing."""
    ours = verdict(lower(setting="K = 8"), rows({"a": 2.0}, setting="K = 8"))
    assert (ours.status, ours.n_seeds) == (Status.NOT_RUN, 0)
    assert ours.sentence == "Not run: b at K = 8 has no rows of error."
    control = {"prediction": lower("a", "good"), "artefact_of": "a poor baseline"}
    ours = verdict(lower(), rows({"a": 2.0, "b": 2.02}), controls=[control])
    assert ours.status is Status.CONFIRMED
    assert ours.evidence[-1] == "Control not run: good has no rows of error."
    missing = verdict({"kind": "failure", "arm": "a", "diverges": True}, rows({"a": 2.0}))
    assert missing.sentence == "Not run: a has not been run."


def test_one_seed_decides_nothing():
    """A single run resolves no difference and no divergence."""
    ours = verdict(lower(), rows({"a": 2.0, "b": 3.0}, seeds=1))
    assert ours.status is Status.NOT_RESOLVED
    assert ours.needed is None
    assert ours.sentence.startswith("Not resolved: one seed decides nothing: error of a is ")
    assert verdict({"kind": "all", "of": [lower(), lower("a", "c")]}, rows({"a": 1, "b": 2, "c": 3}, seeds=1)).needed is None


def test_only_seeds_in_common_are_compared():
    """Runs are paired by seed; without one in common there is nothing to compare."""
    runs = Runs([Row("s", "a", 1, "error", 1.0), Row("s", "a", 2, "error", 2.0), Row("s", "b", 2, "error", 5.0)])
    assert [values.tolist() for values in runs.paired("error", Cell("a"), Cell("b"))] == [[2.0], [5.0]]
    apart = Runs([Row("s", "a", 1, "error", 1.0), Row("s", "b", 2, "error", 2.0)])
    with pytest.raises(NotRunError, match="a and b have no seed in common"):
        apart.paired("error", Cell("a"), Cell("b"))


def test_metrics_are_combined_run_by_run():
    """A ratio of metrics is that of each run, not that of the means."""
    runs = Runs([Row("s", "a", seed, name, value) for name, values in {"x": (1, 6), "y": (2, 3)}.items()
                 for seed, value in enumerate(values)])  # fmt: skip
    assert runs.paired("x / y", Cell("a"))[0].tolist() == [0.5, 2.0]
    assert runs.paired("x - y", Cell("a"))[0].tolist() == [-1.0, 3.0]


def test_the_tests_of_a_study_are_one_family():
    """The same rows confirm a claim alone and leave it open among many; other studies do not count."""
    found = rows({"a": 2.0, "b": 2.003}, seeds=5, noise=0.001)
    alone = verdict(lower(), found)
    assert alone.status is Status.CONFIRMED
    assert alone.family == 2
    many = [claim(lower(), key=str(k)) for k in range(40)]
    crowded = verdicts(many, found)
    assert {each.status for each in crowded} == {Status.NOT_RESOLVED}
    assert crowded[0].family == 80
    assert crowded[0].needed > 5
    elsewhere = [*many[1:], claim(lower(), key="0", protocol="t")]
    other_study = [row._replace(study="t") for row in found]
    assert verdicts(elsewhere, [*found, *other_study])[-1].p == alone.p


def test_verdicts_keep_the_order_of_the_claims():
    """Whatever study they belong to."""
    listed = [claim(lower(), key=str(k), protocol="st"[k % 2]) for k in range(5)]
    assert [each.claim.key for each in verdicts(listed, [])] == list("01234")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "difference", "metric": "m", "arm": "a", "other": "b", "direction": "sideways"},
        {"kind": "difference", "metric": "m", "arm": "a", "direction": "lower"},
        {"kind": "difference", "metric": "m", "arm": "a", "other": "a", "direction": "lower"},
        {"kind": "difference", "metric": "m", "arm": "a", "other": "b", "direction": "lower", "verdict": "confirmed"},
        lower(relative=[0.1, 0.2], absolute=[1, 2]),
        {"kind": "equivalence", "metric": "m", "arm": "a", "other": "b"},
        {"kind": "equivalence", "metric": "m", "arm": "a", "other": "b", "relative": -1},
        {"kind": "level", "metric": "m", "arm": "a"},
        {"kind": "spread", "metric": "m", "arm": "a", "settings": ["1", "2"]},
        {"kind": "all", "of": [lower()]},
        {"kind": "guess"},
    ],
)
def test_claims_that_predict_nothing_definite_are_refused(wrong):
    """Unknown kinds and fields, comparisons with itself, no margin, two sizes: a claim that cannot be tested is no claim."""
    with pytest.raises(ValidationError):
        claim(wrong)


GOOD = """
source = "r.md"
[[claim]]
key = "k"
section = "1"
quote = "a is better"
protocol = "s"
[claim.prediction]
kind = "difference"
metric = "error"
arm = "a"
other = "b"
direction = "lower"
"""


def test_a_file_of_claims_is_read_or_refused(tmp_path):
    """Source and claims come out; what is no TOML, no claim, or twice the same key is refused with the file's name."""
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    (only,) = read_claims(file)
    assert (only.key, only.source, only.prediction.direction) == ("k", "r.md", "lower")
    for text in ("= 1", GOOD.replace("quote", "verdict"), GOOD + GOOD[GOOD.index("[[claim]]") :], "claim = 1"):
        file.write_text(text)
        with pytest.raises(FormatError, match=r"mine\.toml"):
            read_claims(file)


def test_numbers_in_sentences():
    """Percentages have three digits, p-values two, and nothing below 0.0001 is told apart."""
    assert [percent(x) for x in (0.5, 0.0123456, 0, 1e-5, 3)] == ["50 %", "1.23 %", "0 %", "0.001 %", "300 %"]
    assert [of_p(x) for x in (0.2, 0.01234, 1e-4, 9e-5)] == ["p = 0.2", "p = 0.012", "p = 0.0001", "p < 0.0001"]
