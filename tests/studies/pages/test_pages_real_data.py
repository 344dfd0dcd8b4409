"""The pages on real data and on structure: every mark is filled, and shares are those of the means."""

from __future__ import annotations

from pathlib import Path

import pytest

from zador.studies.catalogue import REAL_DATA, STRUCTURE
from zador.studies.catalogue.real_data import real_data
from zador.studies.pages.page import filled
from zador.studies.pages.real_data import PAGE as REAL_DATA_PAGE
from zador.studies.pages.real_data import overheads
from zador.studies.pages.structure import PAGE as STRUCTURE_PAGE
from zador.studies.rows import Outcome, Stamp
from zador.studies.run import Evidence

DOCS = Path(__file__).parents[3] / "docs"


def pretended(design) -> Evidence:
    """Return outcomes in which every metric of the n-th arm of a setting is n + 1, and a tenth of the seed."""
    outcomes = {}
    for setting in design.settings:
        for place, arm in enumerate(design.under(setting)):
            for seed in design.seeds[: 1 if arm.limit else 3]:
                found = {metric.name: place + 1 + 0.1 * seed for metric in design.metrics}
                outcomes[Stamp(design.name, setting, arm.name, seed)] = Outcome(found)
    return Evidence(design, outcomes)


@pytest.mark.parametrize(("page", "studies"), [(REAL_DATA_PAGE, REAL_DATA), (STRUCTURE_PAGE, STRUCTURE)])
def test_every_mark_of_the_page_is_filled(page, studies):
    """The page has a place for each table, and no mark that nothing fills."""
    assert page.studies == studies
    found = {design.name: pretended(design) for design in (study(quick=True) for study in studies)}
    tables = page.tables(found)
    text = (DOCS / f"{page.name}.md").read_text(encoding="utf-8")
    assert text.count("<!-- end of ") == len(tables)
    assert all(table in filled(text, tables) for table in tables.values())


def test_overheads_are_shares_of_the_distortion():
    """A code that leaves 0.2 in training, 0.25 on new vectors and 0.24 at best pays 20 % and 4 %."""
    design = real_data(quick=True)
    found = Outcome({"distortion": 0.25, "training distortion": 0.2, "nearest": 0.24})
    stamps = [Stamp(design.name, arm.setting, arm.name, seed) for arm in design.arms for seed in (1, 2)]
    text = overheads(Evidence(design, dict.fromkeys(stamps, found)))
    assert "20.0 %, 4.0 %" in text
    assert "Gaussian D(R)" not in text
