"""The page on initialisation: every mark is filled, and what it says is what made-up rows say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zador.studies.catalogue import INITIALISATION
from zador.studies.catalogue.starts.journal import DISTORTION
from zador.studies.pages.initialisation import PAGE, answers, ends_table, summary_table
from zador.studies.pages.page import filled
from zador.studies.report.results import measure
from zador.studies.rows import Outcome, Series, Stamp
from zador.studies.run import Evidence

DOCS = Path(__file__).parents[3] / "docs"
THEORY, WORSE, OTHER = "R(D), water-filled", "clusters, K = 64", "testbed, K = 128"


def made_up(design):
    """Outcomes in which everything is 1 plus a little, but for one start that is twice as high in one place."""
    outcomes = {}
    for arm in design.arms:
        for seed in design.seeds[:1] if arm.limit else design.seeds:
            rng = np.random.default_rng([seed, len(outcomes)])
            level = 2.0 if (arm.name, arm.setting) == (THEORY, WORSE) else 1.0
            values = {metric.name: level + 1e-3 * rng.standard_normal() for metric in design.metrics}
            series = () if arm.limit else (Series("distortion", (0, 10, 500), (3.0, 2.0, level)),)
            outcomes[Stamp(design.name, arm.setting, arm.name, seed)] = Outcome(values, series)
    return Evidence(design, outcomes)


def few(arm):
    """Two of the places, and of the starts the reference and two others: enough to be told apart."""
    return arm.setting in (WORSE, OTHER) and (arm.limit or arm.name in (THEORY, "k-means++", "k-means"))


@pytest.fixture(scope="module")
def found():
    """Evidence of every study of the page with five seeds of numbers that are made up."""
    designs = [study().with_seeds(5) for study in INITIALISATION]
    return {design.name: made_up(replace(design, arms=tuple(arm for arm in design.arms if few(arm)))) for design in designs}


def test_the_page_has_a_place_for_every_table_and_shows_every_picture(found):
    """Marks, tables and pictures belong together, and a table has as many cells in every line."""
    tables, pictures = PAGE.tables(found), PAGE.pictures(found)
    page = (DOCS / "initialisation.md").read_text(encoding="utf-8")
    page = filled(page, tables)
    assert page.count("<!-- end of ") == len(tables)
    for name, picture in pictures.items():
        assert f"(initialisation/{name})" in page
        assert picture.startswith("<svg")
        assert "var(--series-1)" in picture
    for name, table in tables.items():
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.count(" | ") for line in lines}) <= 1, name


def test_a_difference_is_told_with_its_place_and_its_size(found):
    """Twice as high in one place and equal in the other: worse under 1 of 2, that one named, the other open."""
    numbers = {name: measure(one) for name, one in found.items()}
    told = answers(numbers)
    assert told.count("resolved under 1 of 2 places, better under 0, worse under 1") == 12
    assert told.count(f"most under {WORSE}, +100") == 12
    table = ends_table(numbers, THEORY, DISTORTION)
    assert [line.count("**") for line in table.splitlines() if WORSE in line] == [12]
    assert table.count("**") == 12
    (line,) = [line for line in summary_table(numbers, "sgd").splitlines() if "water-filled" in line]
    assert line.count("0 better, 1 worse, 1 open") == 2
