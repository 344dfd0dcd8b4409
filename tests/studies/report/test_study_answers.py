"""The first screen: what differs is said with its size, what does not with the seeds that it would take."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from studies.report import study_cases
from studies.report.study_cases import ERROR, Outcome, small
from zador.studies.design import Metric
from zador.studies.report import answers, numerals
from zador.studies.report.axes import near, reach
from zador.studies.report.results import measure
from zador.studies.report.tables import all_numbers, at_a_glance, differences


def shifted(shifts, spread=0.001, metric="error"):
    """Runs whose noise is shared by the arms of a seed, but for a little; each arm lies at its shift."""

    def outcome(arm, seed):
        own = spread * float(np.random.default_rng([seed, len(arm.name)]).standard_normal())
        return Outcome({metric: 2.0 + 0.1 * (seed % 5) + own + shifts[arm.name]})

    return outcome


def test_few_resolved_differences_are_all_named_with_size_and_direction():
    """Up to three are named; better and worse follow the metric; the unresolved are counted with their seeds."""
    shifts = {"base": 0.0, "good one": -0.2, "the bad one": 0.3, "same as it is": 0.0001}
    results = measure(small(tuple(shifts), shifted(shifts), seeds=12))
    said = answers.headline(results)
    assert re.match(r"In squared error, against base: good one is better by 0\.(199|200|201)", said)
    assert re.search(r"and the bad one is worse by 0\.(299|300|301)\d \(14\s%\)\.$", said)
    assert "same as it is" not in said
    assert answers.open_questions(results).startswith("Not resolved with 12\N{NO-BREAK SPACE}seeds: 1 of 3. ")
    assert [finding.arm for finding in answers.findings(results)] == ["good one", "the bad one", "same as it is"]


def test_higher_can_be_better_and_neither_way_can():
    """Where higher is better the signs turn; where neither is, an arm is only higher or lower."""
    shifts = {"base": 0.0, "other": 0.3}
    for lower_is_better, word in ((False, "better by 0.3"), (True, "worse by 0.3"), (None, ") higher")):
        metric = Metric("error", "m", "m", 4, lower_is_better)
        results = measure(small(tuple(shifts), shifted(shifts), seeds=12, metrics=(metric,)))
        assert word in answers.headline(results)
        cell = differences(results, metric).blocks[0].lines[0].cells[-1]
        assert cell.mark == {False: "better", True: "worse", None: "apart"}[lower_is_better]


def test_nothing_resolved_is_no_winner():
    """However much lower the mean is, an arm whose interval holds zero is not named as better."""
    noise = {0: -1.0, 1: 0.9, 2: 0.4, 3: -1.2}
    evidence = small(("a", "b"), lambda arm, seed: Outcome({"error": 5 + noise[seed] * (arm.name == "b")}), seeds=4)
    results = measure(evidence)
    assert answers.headline(results) == "In squared error, nothing differs resolvably from a."
    assert "better" not in answers.findings(results)[0].text
    assert all(cell.mark != "better" for line in at_a_glance(results, ERROR).blocks[0].lines for cell in line.cells)


def test_a_reference_that_fails_is_said_to_fail():
    """If the runs of the reference are those that fail, the other arm is better for that reason."""

    def outcome(arm, seed):
        return Outcome({}, (), "diverged") if arm.name == "a" else Outcome({"error": 2.0 + seed})

    results = measure(small(("a", "b"), outcome, seeds=12))
    assert "b is better: runs of the reference fail" in answers.headline(results)
    assert answers.failures(results) == "12 of 24 runs failed, and count as worst: a (12 of 12)."


def test_a_metric_that_an_arm_lacks_is_a_dash():
    """What was not measured is neither zero nor a failure."""
    other = Metric("other", "other", "other")
    evidence = small(("a", "b"), lambda arm, _: Outcome({"error": 1.0} | ({"other": 2.0} if arm.name == "a" else {})))
    results = measure(evidence)
    assert [metric.name for metric in results.metrics] == ["error"]
    evidence = small(
        ("a", "b"),
        lambda arm, _: Outcome({"error": 1.0} | ({"other": 2.0} if arm.name == "a" else {})),
        metrics=(ERROR, other),
    )
    lines = all_numbers(measure(evidence)).blocks[0].lines
    assert [[cell.text for cell in line.cells[2:]] for line in lines] == [["2.0000", "0.0000"], ["–", "–"]]


def test_cells_that_were_not_run_are_not_failures():
    """Pairs are those of the seeds that both arms have; what is missing is in no count."""
    results = measure(study_cases.measured("unfinished"))
    assert results.failed == {}
    assert results.runs == 9
    assert {place[1]: found.difference.n for place, found in results.contrasts.items()} == {"b": 4}


@pytest.mark.parametrize(
    ("values", "low", "high", "logarithmic"),
    [
        ([2.0, 3.0], 2.0, 3.0, False),
        ([1.0, 1e6], 1.0, 1e6, True),
        ([-1.0, 1e6], -1.0, 1e6, False),
        ([math.nan], 0, 1, False),
    ],
)
def test_an_axis_holds_its_values(values, low, high, logarithmic):
    """All finite values are inside; ratios of twenty and more make it logarithmic where there are only positive ones."""
    found = reach(values)
    assert found.low <= low
    assert found.high >= high
    assert found.logarithmic == logarithmic


def test_limits_that_would_flatten_a_picture_are_left_out():
    """A limit may make the range of the values three times as wide, and no wider."""
    assert near({"at hand": [0.0], "far": [-0.1], "none": [math.nan]}, [2.0, 3.0]) == {"at hand"}
    assert near({"a": [1.0]}, []) == {"a"}
    assert near({"a": [0.1], "b": [1e-9]}, [1.0, 1e3]) == {"a"}


def test_vast_numbers_and_tiny_differences_keep_their_digits():
    """428 billion is written with an exponent; a difference below the metric's decimals with as many as it needs."""
    assert numerals.measured(428_785_992_020.0, 4) == "4.288e+11"
    shifts = {"a": 0.0, "b": 1e-6}
    results = measure(small(tuple(shifts), shifted(shifts, spread=1e-8), seeds=12))
    cell = differences(results, ERROR).blocks[0].lines[0].cells[0]
    assert float(cell.text) == pytest.approx(1e-6, rel=0.1)
