"""The pages on commitment, on training and on scale: their tables and their picture, made from short runs."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from zador.studies.catalogue import COMMITMENT, SCALE, TRAINING
from zador.studies.catalogue.adaptive_commitment import adaptive_commitment
from zador.studies.catalogue.growth.curve import MEASURES, Curve
from zador.studies.catalogue.growth.fits import Fitted, seeded
from zador.studies.catalogue.growth.laws import Predicted, shannon
from zador.studies.catalogue.optimisers import optimisers
from zador.studies.design import Arm, Design
from zador.studies.pages.commitment import PAGE as COMMITMENT_PAGE
from zador.studies.pages.commitment import scales
from zador.studies.pages.optimisers import PAGE as OPTIMISERS_PAGE
from zador.studies.pages.optimisers import rates, shares
from zador.studies.pages.page import filled
from zador.studies.pages.scale import PAGE as SCALE_PAGE
from zador.studies.pages.scale import draw_law, exponents, law
from zador.studies.rows import Outcome, Stamp
from zador.studies.run import Evidence

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ((COMMITMENT_PAGE, COMMITMENT), (OPTIMISERS_PAGE, TRAINING), (SCALE_PAGE, SCALE))


def pretended(design: Design) -> Evidence:
    """Return outcomes in which a metric of the n-th arm of a setting is n + 1, and a tenth of the seed."""
    outcomes = {}
    for setting in design.settings:
        for place, arm in enumerate(design.under(setting)):
            for seed in design.seeds[: 1 if arm.limit else 3]:
                found = {metric.name: place + 1 + 0.1 * seed for metric in design.metrics}
                outcomes[Stamp(design.name, setting, arm.name, seed)] = Outcome(found)
    return Evidence(design, outcomes)


def measured_law() -> Evidence:
    """Return a short law: 8 to 64 codewords in the plane, two seeds."""
    curve = Curve((1.0, 1.0), (8, 16, 32, 64), 1)
    arms = (
        Arm("Shannon D(R)", Predicted(curve, shannon), "d = 2", limit=True),
        Arm("Lloyd, by splitting", Fitted(curve, seeded), "d = 2"),
    )
    design = Design("distortion-law", "t", "q", arms, MEASURES, "Lloyd, by splitting", "source", (1, 2))
    outcomes = {}
    for arm in arms:
        for seed, outcome in zip((1,) if arm.limit else (1, 2), arm.work([1, 2]), strict=False):
            outcomes[Stamp(design.name, "d = 2", arm.name, seed)] = outcome
    return Evidence(design, outcomes)


@pytest.mark.parametrize(("page", "studies"), PAGES, ids=lambda value: getattr(value, "name", ""))
def test_every_table_has_its_place(page, studies):
    """The page has marks for all tables, and no marks that nothing fills."""
    if page is SCALE_PAGE:
        found = {"scale": pretended(studies[0](quick=True)), "distortion-law": measured_law()}
    else:
        found = {study(quick=True).name: pretended(study(quick=True)) for study in studies}
    tables = page.tables(found)
    text = (DOCS / f"{page.name}.md").read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- end of (.+?) -->", text)) == set(tables)
    assert all(table in filled(text, tables) for table in tables.values())


def test_scales_stand_beside_the_rule():
    """Four times β halves the gain at rest, and β = 0 has none."""
    evidence = pretended(adaptive_commitment(quick=True))
    lines = [line.split("|")[1:-1] for line in scales(evidence).splitlines()[2:]]
    at_rest = {cells[0].strip(): cells[1].strip() for cells in lines}
    assert at_rest["β = 0"] == "none"
    assert float(at_rest["β = 0.25"]) == pytest.approx(4 * float(at_rest["β = 4"]), abs=0.02)
    assert len(lines) == 3


def test_rates_and_shares_are_read_from_rows():
    """A method a line; what the projection loses and what the codebook does add up to the error."""
    table = rates(pretended(optimisers(quick=True)))
    assert table.count("\n") == 1 + 9
    projection = pretended(TRAINING[0](quick=True))
    for first, second in re.findall(r"([\d.]+) \+ ([\d.]+)", shares(projection)):
        assert float(second) == 0.0
        assert float(first) > 1.0


def test_the_law_is_told_with_its_interval_and_drawn():
    """The sentence has exponent, interval and 2/d; the table the same; the picture is one SVG with a label."""
    evidence = measured_law()
    sentence = law(evidence)
    centre, low, high = (float(text) for text in re.search(r"(0\.\d+) \(95 % ([\d.]+) to ([\d.]+)", sentence).groups())
    assert low < centre < high
    assert "beside 2/d = 1;" in sentence
    assert f"{centre:.3f}" in exponents(evidence)
    root = ET.fromstring(draw_law(evidence))  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    assert "fitted powers" in root.attrib["aria-label"]
