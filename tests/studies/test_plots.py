"""Plots: what they show is what the records say, and they fit into a page with other plots."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from studies import report_cases
from zador.studies.records import Exhibit
from zador.studies.report import exhibit_plots, plots, svg

DRAW = {
    "rate": lambda: plots.rate_distortion(report_cases.gaussian()),
    "gap": lambda: plots.gaps(report_cases.gaussian()),
    "hostile gap": lambda: plots.gaps(report_cases.hostile()),
    "usage": lambda: exhibit_plots.usage(report_cases.gaussian().exhibits[2], prefix="u"),
    "steep usage": lambda: exhibit_plots.usage(report_cases.large_codebook().exhibits[0], prefix="u"),
    "codewords": lambda: exhibit_plots.codewords(report_cases.gaussian().exhibits[2], prefix="c"),
    "profiles": lambda: exhibit_plots.profiles(report_cases.gaussian().exhibits[2], prefix="p"),
}


@pytest.fixture(params=DRAW, ids=DRAW)
def name(request):
    """The name of each plot in turn."""
    return request.param


@pytest.fixture
def drawing(name):
    """The plot of that name."""
    return drawn(name)


@cache
def drawn(name):
    """A plot, drawn once for all tests."""
    return DRAW[name]()


def exhibit(usage, dim=4):
    """A codebook of which only the usage matters."""
    words = np.arange(len(usage) * dim, dtype=float).reshape(len(usage), dim)
    return Exhibit("a", 1.0, words, np.array(usage), words[:1], words[:1])


def texts(drawing):
    """All texts of a plot."""
    return ["".join(text.itertext()) for text in ET.fromstring(drawing).iter("text")]  # noqa: S314 - we drew it


def paths(drawing, colour):
    """The coordinates of every path drawn in a colour of the page."""
    found = [p for p in ET.fromstring(drawing).iter("path") if f"var(--{colour})" in p.get("style", "")]  # noqa: S314
    return [np.array(re.findall(r"[-\d.]+", path.get("d")), float).reshape(-1, 2) for path in found]


def test_a_plot_is_well_formed_and_the_same_again(name, drawing):
    """Every drawing parses as one svg element, is labelled, and comes out identical when drawn again."""
    root = ET.fromstring(drawing)  # noqa: S314 - we drew it
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert len(root.get("aria-label")) > 20
    assert DRAW[name]() == drawing


def test_a_plot_has_only_the_colours_of_the_page(drawing):
    """No colour is fixed but those inside a heat map's image: light and dark are the page's choice."""
    drawing = re.sub(r'href="data:[^"]*"', "", drawing)
    assert not re.search(r"#[0-9a-fA-F]{6}", drawing)
    used = set(re.findall(r"var\(--([\w-]+)\)", drawing))
    assert used
    assert used <= set(svg.COLOURS)


def test_a_plot_leaves_fonts_and_mathematics_to_the_page(drawing):
    """No font family is fixed, and no label is left in matplotlib's own mark-up."""
    assert "font-family" not in drawing
    assert "mathdefault" not in drawing
    assert not any(re.fullmatch(r"@\d+@", text) for text in texts(drawing))


def test_ids_of_two_plots_do_not_clash(drawing):
    """All ids carry the prefix of their plot, each is referred to, and each reference leads to one."""
    ids = re.findall(r' id="([^"]*)"', drawing)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', drawing))
    prefix = {"Erro": "rate", "Gap ": "gap", "Sort": "u", "Heat": "c"}.get(drawing.partition('label="')[2][:4], "p")
    assert len(ids) == len(set(ids))
    assert set(ids) == used
    assert all(name.startswith(f"{prefix}-") for name in ids)


def test_settings_of_the_user_have_no_say():
    """A plot does not change with the user's matplotlib settings, nor change them."""
    expected = drawn("rate")
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path", "lines.linewidth": 9}):
        assert DRAW["rate"]() == expected
        assert mpl.rcParams["font.size"] == 30


def test_names_do_not_pass_through_matplotlib():
    """Dollars, backslashes and foreign letters appear as given, and nobody is warned of missing glyphs."""
    names = [text for text in texts(drawn("hostile gap")) if text.startswith("<script>")]
    assert len(names) == len(report_cases.hostile().arms)


def test_gaps_are_drawn_in_order_and_to_scale():
    """Within a rate the best arm comes first, and positions are a straight line of the gaps in dB."""
    comparison = report_cases.gaussian()
    drawing = plots.gaps(comparison)
    shown = [text for text in texts(drawing) if re.fullmatch(r"[+−]\d+\.\d\d", text)]
    ordered = sorted(comparison.arms, key=lambda arm: (arm.bits, arm.distortion))
    assert [float(text.replace("−", "-")) for text in shown] == pytest.approx([a.gap_db for a in ordered], abs=0.006)
    marks = ET.fromstring(drawing).iter("use")  # noqa: S314 - we drew it
    centres = {(use.get("y"), use.get("x")) for use in marks if "series" in use.get("style", "")}
    rows = sorted({float(y) for y, _ in centres})
    middles = [np.median([float(x) for y, x in centres if float(y) == row]) for row in rows]
    assert len(rows) == len(ordered)
    fit = np.polyfit([arm.gap_db for arm in ordered], middles, 1)
    np.testing.assert_allclose(np.polyval(fit, [arm.gap_db for arm in ordered]), middles, atol=0.5)


def test_marks_of_arms_stand_at_their_rate_and_error():
    """On the logarithmic axis heights are a straight line of log error, for the marks of all arms alike."""
    comparison = report_cases.gaussian()
    drawing = plots.rate_distortion(comparison)
    heights, errors = [], []
    for index, name in enumerate(plots.names(comparison)):
        line = max(paths(drawing, f"series-{index}"), key=len)
        heights += line[:, 1].tolist()
        errors += [arm.distortion for arm in comparison.arms if arm.name == name]
    assert abs(np.corrcoef(np.log(errors), heights)[0, 1]) == pytest.approx(1, abs=1e-6)


def test_usage_steps_down_and_ends_at_the_number_of_codewords():
    """The outline of sorted usage has the height of each count, whatever the order in the codebook."""
    drawing = exhibit_plots.usage(exhibit([1, 4, 0, 3, 4]), prefix="u")
    outline = max(paths(drawing, "series-0"), key=len)
    base, heights = outline[:, 1].max(), np.unique(outline[:, 1])
    np.testing.assert_allclose((base - heights) / (base - heights[0]) * 4, [4, 3, 1, 0], atol=0.01)
    assert "uniform: 2.4" in texts(drawing)
    assert paths(drawing, "warn")
    assert not paths(exhibit_plots.usage(exhibit([1, 4, 3]), prefix="u"), "warn")


def test_usage_of_a_large_codebook_stays_small():
    """Runs of equal counts are one step: 65,536 codewords take a few kilobytes."""
    usage = np.random.default_rng(0).poisson(3, 65_536)
    assert len(exhibit_plots.usage(exhibit(usage, dim=1), prefix="u")) < 20_000


def test_one_codeword_can_be_drawn():
    """A codebook of one codeword and one coordinate has all its plots."""
    alone = exhibit([7], dim=1)
    assert "1\N{NO-BREAK SPACE}codeword:" in exhibit_plots.usage(alone, prefix="u")
    assert "<image" in exhibit_plots.codewords(alone, prefix="c")
    assert "<svg" in exhibit_plots.profiles(alone, prefix="p")
    nothing = dataclasses.replace(alone, originals=np.empty((0, 1)), reconstructions=np.empty((0, 1)))
    assert exhibit_plots.profiles(nothing, prefix="p") == ""


def test_every_arm_has_its_own_mark():
    """Marker and colour together tell 72 arms apart, and the marker alone nine."""
    glyphs = [plots.glyph(index) for index in range(72)]
    assert len(set(glyphs)) == 72
    assert len({re.search(r' d="(.*?)"', glyph)[1] for glyph in glyphs[:9]}) == 9
