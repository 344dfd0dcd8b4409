"""What reproduces a study, and what its pictures leave out, stands in words."""

from __future__ import annotations

import dataclasses
import json
import math
import re

import pytest

from studies.report import study_cases
from studies.report.study_cases import Fake, Outcome, small
from zador.studies import report
from zador.studies.design import Arm
from zador.studies.report import blueprint


@dataclasses.dataclass(frozen=True)
class Nested(Fake):
    """Work with a part, a function, and a number that JSON cannot hold."""

    part: Fake = dataclasses.field(default_factory=lambda: Fake(0.5))
    start: object = math.sqrt
    most: float = math.inf


def nested(*levels):
    """A study whose arms differ in one field of a part."""
    arms = tuple(Arm(f"arm {level}", Nested(1.0, part=Fake(level))) for level in levels)
    return dataclasses.replace(small(("a",), study_cases.noisy).design, arms=arms, reference=arms[0].name)


def test_what_arms_share_stands_once_and_what_differs_with_each():
    """The text is JSON; fields of parts have dotted names; functions and infinities are words."""
    tree = json.loads(blueprint.readable(nested(0.25, 0.75)))
    (shared,) = tree["shared by all arms of a class"].values()
    assert shared["level"] == 1.0
    assert shared["start"] == "math:sqrt"
    assert shared["most"] == "inf"
    assert "part.level" not in shared
    assert [(arm["arm"], arm["part.level"]) for arm in tree["arms"]] == [("arm 0.25", 0.25), ("arm 0.75", 0.75)]
    assert all("level" not in arm for arm in tree["arms"])


@pytest.mark.parametrize(("seeds", "text"), [((42,), 42), ((0, 1, 2), "0 to 2"), ((3, 1), "3, 1")])
def test_seeds_are_a_range_where_they_are_one(seeds, text):
    """From first to last if none is left out, else each."""
    assert json.loads(blueprint.readable(dataclasses.replace(nested(1.0), seeds=seeds)))["seeds"] == text


def test_without_a_command_the_page_makes_one():
    """Who wrote the report from Python gets the command that would have done the same."""
    evidence = study_cases.measured("one arm")
    for text in (
        report.render_html(evidence, verdicts=(), provenance={}),
        report.render_markdown(evidence, verdicts=(), provenance={}),
    ):
        assert "zador study small --seeds 5 -o DIRECTORY" in text


def test_a_limit_outside_a_picture_is_named_at_its_edge():
    """Limits far below and far above what was measured do not squeeze it; an arrow says where they are."""
    heights = {"limit below": -3.0, "limit above": 9.5, "limit near": 1.9}

    def outcome(arm, seed):
        if arm.limit:
            return Outcome({"error": heights[arm.name]})
        value = 2.0 + seed / 100
        return Outcome({"error": value}, (study_cases.curve(value),))

    page = report.render_html(small(("a", *heights), outcome), verdicts=(), provenance={})
    assert ">↓ limit below −3<" in page
    assert ">↑ limit above 9.5<" in page
    assert ">limit near<" in page


def test_a_heavy_page_leaves_out_what_can_be_had_elsewhere(monkeypatch):
    """Pictures beyond the budget and files beyond theirs are left out, and the page says which files."""
    whole = study_cases.rendered("one seed")
    monkeypatch.setattr("zador.studies.report.gallery._PICTURE_BUDGET", 30_000)
    monkeypatch.setattr("zador.studies.report.downloads.MOST", 5_000)
    page = report.render_html(study_cases.measured("one seed"), verdicts=(), provenance={})
    assert 0 < page.count('class="plot"') < whole.count('class="plot"')
    assert re.search(r"What is missing here \((rows, )?curves\) is too large for a page", page)
    assert "What is missing" not in whole
