"""Pictures of the plane: cells that fill a square, ways that begin and end where runs do, a still that is the last frame."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from zador.studies import report
from zador.studies.atlas.standalone import standalone
from zador.studies.catalogue.planar.figures import figures
from zador.studies.catalogue.planar.training import Run
from zador.studies.catalogue.plane import CLUSTERS, RULES, plane
from zador.studies.catalogue.sources import Gaussian
from zador.studies.design import Arm
from zador.studies.one_thread import one_thread
from zador.studies.pages import PAGES
from zador.studies.pages.page import filled
from zador.studies.pages.pictures import PAGE
from zador.studies.plane.album import album
from zador.studies.plane.boundary_fields import busiest, rules_of
from zador.studies.plane.canvas import Panel, Window, number
from zador.studies.plane.course import courses, window_of
from zador.studies.plane.dynamics import draw_dynamics
from zador.studies.plane.motion import draw_motion
from zador.studies.plane.stills import draw_ways
from zador.studies.run import run_study

SVG = "{http://www.w3.org/2000/svg}"
_ARMS = {*RULES, "Lloyd, same start", "half the rate"}
NUMBER = r"-?\d+(?:\.\d+)?"


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Work runs on one thread, as it does in a study."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """The study with few vectors, few steps and two seeds; hand-named arms have characters that SVG must escape."""
    design = plane(quick=True)
    source = Gaussian((1.0, 0.5), train=200, evaluation=120)
    arms = [replace(arm, work=_smaller(arm.work, source)) for arm in design.under(CLUSTERS) if arm.name in _ARMS]
    arms.append(Arm("a < b & c", arms[-1].work, CLUSTERS))
    return run_study(replace(design, arms=tuple(arms), seeds=(1, 2)), tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="module")
def found(evidence):
    """The courses of the first seed."""
    return courses(evidence, CLUSTERS, 1)


@pytest.fixture(scope="module")
def motion(found):
    """Two arms that move."""
    chosen = {name: found[name] for name in ("straight-through", "a < b & c")}
    return draw_motion(chosen, prefix="m", label="Two arms that move along."), chosen


def _smaller(work, source):
    less = {"plane": replace(work.plane, source=source)}
    return replace(work, **(less | {"recipe": replace(work.recipe, steps=12)} if isinstance(work, Run) else less))


def points_of(d):
    """Return the coordinates of a path as (N, 2)."""
    return np.array([float(one) for one in re.findall(NUMBER, d)]).reshape(-1, 2)


def tree(drawn):
    """Return a picture as XML, as a file of its own."""
    return ET.fromstring(standalone(drawn))  # noqa: S314 - our own


def area(corners):
    x, y = corners.T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def test_cells_fill_their_square():
    """The areas of all cells add up to that of the panel, wherever its window is; the middle of each is its codeword's."""
    codewords = np.random.default_rng(3).normal(size=(12, 2)) + 5.0
    panel = Panel(10.0, 20.0, 400.0, Window((5.2, 4.9), 1.5))
    outlines = [points_of(part) for part in panel.cells(codewords).split("Z") if part]
    # Coordinates are rounded to a tenth: each corner moves by at most 0.05 both ways, along outlines of at most 1600.
    assert sum(map(area, outlines)) == pytest.approx(400.0**2, abs=0.05 * 1600.0 * len(outlines))
    middles = np.array([outline.mean(axis=0) for outline in outlines])
    owners = np.linalg.norm(middles[:, None] - panel.at(codewords), axis=-1).argmin(axis=1)
    assert len(outlines) > 5
    assert (np.diff(owners) > 0).all()
    every = np.concatenate(outlines)
    assert every.min(axis=0) == pytest.approx((10.0, 20.0))
    assert every.max(axis=0) == pytest.approx((410.0, 420.0))


def test_a_mapping_takes_vectors_to_where_their_encodings_are():
    """The transformation of a frame and the coordinates of a still say the same, to the rounding of both."""
    panel, matrix = Panel(3.0, 12.0, 95.0, Window((0.3, -0.2), 2.0)), np.array([[0.5, -0.6], [0.6, 0.5]])
    a, b, c, d, e, f = (float(one) for one in re.findall(NUMBER, panel.mapping(matrix)))
    x = np.array([[1.0, -0.7], [-0.4, 0.9]])
    mapped = x @ np.array([[a, b], [c, d]]) + np.array([e, f])
    assert mapped == pytest.approx(panel.at(x @ matrix.T), abs=0.005 * (1.0 + 2.0 * np.abs(x).max()))


def test_ways_begin_and_end_where_runs_do(found):
    """Ring and dot of every codeword stand where the trace has its start and its end."""
    chosen = {"straight-through": found["straight-through"]}
    drawn = draw_ways(chosen, label="Ways of one arm, codeword by codeword.")
    (panel,), _ = Panel.sheet(1, 4, window_of(chosen))
    codewords = chosen["straight-through"].trace.codewords
    rings = [[float(circle.get(axis)) for axis in ("cx", "cy")] for circle in tree(drawn).iter(f"{SVG}circle")]
    assert rings == pytest.approx(panel.at(codewords[0]), abs=0.051)
    lines = [points_of(path.get("d")) for path in tree(drawn).iter(f"{SVG}path") if path.get("stroke-width") == "0.9"]
    assert [line[0] for line in lines] == pytest.approx(panel.at(codewords[0]), abs=0.051)
    assert [line[-1] for line in lines] == pytest.approx(panel.at(codewords[-1]), abs=0.051)
    assert {len(line) for line in lines} == {len(codewords)}


def test_what_is_drawn_is_what_was_measured(evidence, found):
    """The run that is done again for a picture ends at the distortion of the table, to the last bit."""
    for name, course in found.items():
        if name.startswith("Lloyd"):
            continue
        (value,) = [row.value for row in evidence.rows if (row.arm, row.seed, row.metric) == (name, 1, "distortion")]
        work = next(arm.work for arm in evidence.design.arms if arm.name == name)
        last = figures(work.plane.source, course.vectors, course.trace.encoder[-1], course.trace.codewords[-1])
        assert last["distortion"] == value


def test_the_still_is_the_last_frame_with_all_ways(motion):
    """Without style sheets one frame is visible: the last; its codewords are where the ways end, and all ways are there."""
    drawn, chosen = motion
    root = tree(drawn)
    frames = [group for group in root.iter(f"{SVG}g") if (group.get("class") or "").startswith("m ")]
    (still,) = [frame for frame in frames if frame.get("visibility") != "hidden"]
    steps = next(iter(chosen.values())).trace.steps
    assert still is frames[-1]
    assert len(frames) == len(steps)
    assert [text.text for text in still.iter(f"{SVG}text")] == [f"after {steps[-1]} of {steps[-1]} steps"]
    panels, _ = Panel.sheet(2, 2, window_of(chosen))
    for frame, place in ((frames[0], 0), (still, -1)):
        paths = [path.get("d") for path in frame.iter(f"{SVG}path")]
        transforms = [use.get("transform") for use in frame.iter(f"{SVG}use")]
        for panel, course in zip(panels, chosen.values(), strict=True):
            assert panel.cells(course.trace.codewords[place]) in paths
            assert panel.dots(course.trace.codewords[place]) in paths
            assert panel.mapping(course.trace.encoder[place]) in transforms
    assert len(list(root.iter(f"{SVG}circle"))) == sum(course.trace.codewords.shape[1] for course in chosen.values())


def test_motion_is_asked_for_and_its_rules_show_each_frame_once(motion):
    """All rules stand under screens that want motion; the shown spans of frames follow each other without a gap."""
    drawn, chosen = motion
    style = next(tree(drawn).iter(f"{SVG}style"), None)
    sheets = [sheet.text for sheet in tree(drawn).iter(f"{SVG}style")]
    (moving,) = [sheet for sheet in sheets if "keyframes" in sheet]
    assert style is not None
    assert moving.startswith("@media screen and (prefers-reduced-motion:no-preference){")
    assert moving.count("{") == moving.count("}")
    spans = re.findall(r"@keyframes m-\d+\{.*?([\d.]+)%\{visibility:visible\}(?:([\d.]+)%\{visibility:hidden\})?", moving)
    assert len(spans) == len(next(iter(chosen.values())).trace.steps)
    assert spans[0][0] == "0.00"
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]


def test_the_album_is_xml_light_and_the_same_twice(evidence):
    """Four pictures, each a file that stands alone, without scripts or numbers that are rounding, in equal bytes."""
    first, again = album(evidence), album(evidence)
    assert first == again
    assert len(first) == 4
    for picture in first:
        root = tree(picture.svg)
        assert root.get("role") == "img"
        assert len(root.get("aria-label")) > 20
        assert not re.search(r"<script|\bon\w+=|https?:", picture.svg.replace("http://www.w3.org", ""))
        assert not re.search(r"\de-\d|nan|inf\b", re.sub(r">[^<]*<", "><", picture.svg))
        assert len(picture.svg) < 150_000
        assert picture.title
        assert picture.caption


def test_names_are_escaped(evidence):
    """An arm's name is text, whatever it contains."""
    assert all("a < b" not in picture.svg for picture in album(evidence))
    texts = {text.text for picture in album(evidence) for text in tree(picture.svg).iter(f"{SVG}text")}
    assert "a < b & c" in texts


def test_numbers_are_short():
    """One decimal at most, and no minus before nothing."""
    assert [number(value) for value in (1e-17, -1e-17, -0.04, 3.0, -2.25, 1.96)] == ["0", "0", "0", "3", "-2.2", "2"]


def test_one_panel_a_rule_at_a_boundary_between_codewords(evidence):
    """Arms with the same rule share a panel, and the middle of the square is nearest to two codewords at once."""
    rules = rules_of(evidence.design, CLUSTERS)
    assert len(set(rules.values())) == len(rules) == 6
    start = evidence.design.arms[1].work.plane.start(1)
    view = busiest(start)
    apart = np.sort(np.linalg.norm(start.codewords - np.array(view.centre), axis=1))
    assert apart[0] == pytest.approx(apart[1], abs=1e-12)
    assert view.points.shape == (144, 2)


def test_the_report_shows_the_album(evidence):
    """Each picture with its title and caption, in a page that stays light."""
    page = report.render_html(evidence, verdicts=(), provenance={})
    assert page.count('class="own"') == 4
    assert "Codewords and cells along training" in page
    assert len(page.encode()) < 2_000_000


def test_the_page_has_a_place_for_every_table(evidence, pytestconfig):
    """Tables go between the marks of the page, and what it shows is what is drawn."""
    assert PAGE in PAGES
    text = (pytestconfig.rootpath / "docs" / "pictures.md").read_text(encoding="utf-8")
    tables = PAGE.tables({"plane": evidence})
    assert set(tables) == {"ways", "boundary", "ends", "dynamics", "claims"}
    whole = filled(text, tables)
    shown = set(re.findall(r"\(pictures/([\w.-]+)\)", whole))
    assert shown == {"motion.svg", "cells.svg", "ways.svg", "boundary.svg", "dynamics.svg"}
    tree(draw_dynamics(evidence, prefix="d"))
