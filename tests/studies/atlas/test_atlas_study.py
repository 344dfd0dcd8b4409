"""The studies of the atlas: they hold together, run, and their measures are what they say."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch

from zador.studies.atlas.cells import cell
from zador.studies.atlas.curves import draw_curves
from zador.studies.atlas.fields import draw_fields, field_scene
from zador.studies.atlas.measures import MEASURES, Judged, judge
from zador.studies.atlas.roster import CHOOSING, DRAWING, REFERENCE, ROSTER
from zador.studies.atlas.scene import Place
from zador.studies.atlas.sheet import Sheet
from zador.studies.atlas.standalone import standalone
from zador.studies.atlas.subjects import Sent
from zador.studies.catalogue.gradient_atlas import (
    gradient_atlas,
    gradient_atlas_codebook_size,
    gradient_atlas_dimension,
    gradient_atlas_loss,
    gradient_atlas_noise,
)
from zador.studies.configuration import canonical, configuration
from zador.studies.design import Design, Work
from zador.studies.page.svg import drawing
from zador.studies.pages.gradient_atlas import overview, table
from zador.studies.report import write
from zador.studies.run import run_study

DOCS = Path(__file__).parents[3] / "docs"
STUDIES = (gradient_atlas, gradient_atlas_codebook_size, gradient_atlas_dimension, gradient_atlas_loss, gradient_atlas_noise)
UNBIASED = [
    name
    for name in ROSTER
    if name.startswith(("score function", "REBAR", "RELAX", "Gumbel", "soft assignment", "Blahut", "NSVQ"))
]


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.__name__)
def test_designs_hold_together(study, quick):
    """Every estimator at every place, each work told apart in text."""
    design = study(quick=quick)
    assert design.reference == REFERENCE
    for setting in design.settings:
        assert [arm.name for arm in design.under(setting)] == list(ROSTER)
    assert all(isinstance(arm.work, Work) for arm in design.arms)
    texts = {canonical(configuration(arm.work)) for arm in design.arms}
    assert len(texts) == len(design.arms)


@pytest.mark.parametrize("name", ROSTER)
def test_every_estimator_can_be_judged(name):
    """All measures, finite, the same bits again; what claims to be unbiased is within five of its standard errors."""
    judged = Judged(Place(codebook_size=6, draws=512), ROSTER[name])
    (found,) = judged([3])
    (again,) = judged([3])
    assert found == again
    assert set(found.metrics) == {metric.name for metric in MEASURES}
    assert all(math.isfinite(value) for value in found.metrics.values())
    assert abs(found.metrics["own cosine"]) <= 1 + 1e-12
    if name in UNBIASED:
        assert found.metrics["own bias"] < 5 * found.metrics["resolution"]


def test_measures_are_those_of_a_case_worked_out_by_hand():
    """One point in the plane: a mean of (3, 0) against truths of (1, 0) and (0, 2), draws one up and one down."""
    blocks = torch.zeros(1, 2, 2, 2, dtype=torch.float64)
    blocks[..., 0], blocks[..., 0, 1], blocks[..., 1, 1] = 3.0, 4.0, -4.0
    own, hard = torch.zeros(2, 1, 2, 2, dtype=torch.float64)
    own[..., 0], hard[..., 1] = 1.0, 2.0
    found = judge(Sent(blocks, torch.zeros(1, 2, 2)), own, hard)
    expected = {
        "hard bias": math.sqrt(13) / 2,
        "own bias": 2.0,
        "hard cosine": 0.0,
        "own cosine": 1.0,
        "draw cosine": 0.6,
        "deviation": 4.0,
        "length": 1.5,
        "resolution": 0.0,
    }
    assert found == pytest.approx(expected, abs=1e-12)


def test_no_bias_is_printed_below_its_error():
    """Blocks that differ by ±1 around the truth: the mean is right, and 1 / √B is what is said."""
    truth = torch.ones(1, 4, 1, dtype=torch.float64)
    noise = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64).view(1, 4, 1, 1)
    found = judge(Sent(1.0 + noise, torch.zeros(1, 4, 1)), truth, truth)
    assert found["own bias"] == pytest.approx(math.sqrt(4 / 3) / 2)
    assert found["own bias"] == found["resolution"]
    found = judge(Sent(2.0 + noise, torch.zeros(1, 4, 1)), truth, truth)
    assert found["own bias"] == pytest.approx(math.sqrt(1.0 - 1 / 3))  # what the error adds to a length is taken off


def few(study):
    """A study small enough to run here: two arms at three places."""
    design = study(quick=True)
    arms = tuple(arm for arm in design.arms if arm.name in (REFERENCE, "score function, 2 draws"))
    return Design(
        name=design.name, title=design.title, question=design.question, arms=arms, metrics=design.metrics,
        reference=REFERENCE, factor=design.factor, seeds=(1, 2), notes=design.notes, short=True,
    )  # fmt: skip


def test_a_small_study_runs_and_is_drawn(tmp_path):
    """Rows, report with a picture against the distance, and the curves of the page as an SVG that stands alone."""
    evidence = run_study(few(gradient_atlas), tmp_path / "cells")
    assert not evidence.failures
    write(evidence, tmp_path / "report", verdicts=(), provenance={})
    page = (tmp_path / "report" / "index.html").read_text()
    assert "distance / σ = 0.125" in page
    assert page.count('class="plot"') >= len(MEASURES)
    curves = draw_curves(evidence, prefix="t", axis="distance")
    assert_stands_alone(curves)
    assert "straight-through" in curves


def test_fields_are_drawn():
    """One panel an estimator and one or two truths, in a file that stands alone."""
    drawn = draw_fields({REFERENCE: CHOOSING[REFERENCE]}, prefix="f", drawn_law=True, draws=64)
    assert_stands_alone(drawn)
    for name in ("true: nearest codeword", "true: codeword drawn", REFERENCE):
        assert f">{name}<" in drawn
    assert set(CHOOSING) | set(DRAWING) <= set(ROSTER)


@pytest.mark.parametrize(("count", "breadth", "beside"), [(6, 2, True), (7, 2, False), (7, 1, True), (8, 1, False)])
def test_a_legend_stands_beside_the_last_panel_where_it_fits(count, breadth, beside):
    """Over no panel, on the sheet, and beside the last one if the last row has that many places left; below it otherwise."""
    sheet, words = Sheet(count, breadth=breadth, lines=3), {}
    with drawing():
        panels = sheet.panels([f"panel {place}" for place in range(count)], words)
        sheet.legend(panels[0], words, [("ink", f"line {place}") for place in range(3)])
        spots = [text.get_position() for text in panels[0].figure.texts[count:]]
        boxes = [axes.get_position() for axes in panels]
    assert (sheet.total == Sheet(count).total) == beside
    for across, up in spots:
        assert 0.0 < up < 1.0
        assert across > boxes[-1].x1 if beside else up < boxes[-1].y0
        assert not any(box.contains(across, up) for box in boxes)


def assert_stands_alone(drawn):
    """Well-formed, every colour that it asks for defined, nothing asked of others."""
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    style = drawn.partition("</style>")[0]
    for name in {part.partition(")")[0] for part in drawn.split("var(--")[1:]}:
        assert style.count(f"--{name}:") == 2
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")


def test_cells_tile_the_square():
    """Areas add up to that of the square, and the middle of each cell's corners is nearest to its codeword."""
    codewords = field_scene(32).codewords.numpy()
    areas = []
    for number in range(len(codewords)):
        corners = cell(codewords, number, 3.0)
        x, y = corners.T
        areas.append(0.5 * abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)))
        middle = corners.mean(axis=0)
        assert ((codewords - middle) ** 2).sum(axis=1).argmin() == number
    assert sum(areas) == pytest.approx(36.0)


def test_tables_are_the_means_of_the_rows(tmp_path):
    """Settings across, arms down; a bias of its own that was not resolved is printed as a bound."""
    evidence = run_study(few(gradient_atlas), tmp_path / "cells")
    rows = [row for row in evidence.rows if (row.arm, row.metric) == (REFERENCE, "hard cosine")]
    means = [np.mean([row.value for row in rows if row.setting == setting]) for setting in evidence.design.settings]
    line = next(line for line in table(evidence, "hard cosine").splitlines() if REFERENCE in line)
    assert [float(cell) for cell in line.split("|")[2:-1]] == pytest.approx(means, abs=0.005)
    whole = overview(evidence, "distance / σ = 1")
    assert "≤" in next(line for line in whole.splitlines() if "score function, 2 draws" in line)
    assert "≤" not in next(line for line in whole.splitlines() if REFERENCE in line)


def test_coordinates_are_rounded_and_words_are_not():
    """A label of 0.005 stays what it is."""
    drawn = standalone('<svg viewBox="0 0 1 1"><path d="M0.12999 1.5"/><text x="1.23999">0.005</text></svg>')
    assert '<path d="M0.12 1.5"/><text x="1.23">0.005</text>' in drawn


def test_the_page_shows_every_estimator():
    """Each table has a line for each of the roster, and every picture is small and stands alone."""
    page = (DOCS / "gradient-atlas.md").read_text(encoding="utf-8")
    for name in ("overview", "distance", "length", "dimension", "size", "loss", "noise"):
        inside = page.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]
        assert [line.split("|")[1].strip() for line in inside.split("\n") if line.startswith("|")][2:] == list(ROSTER)
    pictures = sorted((DOCS / "gradient-atlas").glob("*.svg"))
    assert len(pictures) == 4
    for picture in pictures:
        drawn = picture.read_text(encoding="utf-8")
        assert len(drawn) < 300_000
        assert f"gradient-atlas/{picture.name}" in page
        assert_stands_alone(drawn)
