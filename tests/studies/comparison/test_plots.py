"""Plots: what they show is what the records say, and they fit into a page with other plots."""

from __future__ import annotations

import dataclasses
import itertools
import re
from functools import cache
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from studies.comparison import report_cases
from zador.studies.comparison.records import Exhibit
from zador.studies.comparison.report import exhibit_plots, gap_plots, plots
from zador.studies.page import looks, svg

DRAW = {
    "rate": lambda: plots.by_asked_rate(report_cases.gaussian()),
    "wide rate": lambda: plots.by_asked_rate(report_cases.digits(), prefix="wide"),
    "real": lambda: plots.by_real_bits(report_cases.gaussian()),
    "many real": lambda: plots.by_real_bits(report_cases.many_arms()),
    "gap": lambda: gap_plots.gaps(report_cases.gaussian())[1],
    "many gap": lambda: gap_plots.gaps(report_cases.many_arms())[0],
    "hostile gap": lambda: gap_plots.gaps(report_cases.hostile())[2],
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


def test_ids_of_two_plots_do_not_clash(name, drawing):
    """All ids carry the prefix of their plot, each is referred to, and each reference leads to one."""
    ids = re.findall(r' id="([^"]*)"', drawing)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', drawing))
    prefixes = ("wide", "rate", "real", "gap", "usage", "codewords", "profiles")
    prefix = next(word[0] if word in prefixes[4:] else word for word in prefixes if word in name)
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
    assert len(names) == sum(arm.bits == 24 for arm in report_cases.hostile().arms)


def test_long_names_are_not_cut():
    """A label of 24 characters is there whole."""
    names = {arm.name for arm in report_cases.many_arms().arms if arm.bits == 3}
    assert {len(name) for name in names} == {24}
    assert names <= set(texts(drawn("many gap")))


def gap_marks(drawing):
    """For each row from above, the places across of its mark with its error, and that of its tick."""
    marks = [use for use in ET.fromstring(drawing).iter("use") if use.get("y")]  # noqa: S314 - we drew it
    rows = sorted({float(use.get("y")) for use in marks if "series" in use.get("style", "")})
    own = [[float(u.get("x")) for u in marks if float(u.get("y")) == y and "series" in u.get("style", "")] for y in rows]
    ticks = [[float(u.get("x")) for u in marks if float(u.get("y")) == y and "muted" in u.get("style", "")] for y in rows]
    return [np.median(places) for places in own], [places[0] for places in ticks]


@pytest.mark.parametrize("case", ["gaussian", "digits"])
def test_gaps_are_drawn_in_order_and_to_scale(case):
    """Each rate has its picture, least error first; marks and ticks are on one straight line of dB, the same for all."""
    comparison = getattr(report_cases, case)()
    drawings = gap_plots.gaps(comparison)
    rates = sorted({arm.bits for arm in comparison.arms})
    gaps, places = [], []
    for rate, drawing in zip(rates, drawings, strict=True):
        ordered = sorted((arm for arm in comparison.arms if arm.bits == rate), key=lambda arm: arm.distortion)
        shown = [text for text in texts(drawing) if re.fullmatch(r"[+−]?\d+\.\d\d", text)]
        assert [float(text.replace("−", "-")) for text in shown] == pytest.approx([a.gap_db for a in ordered], abs=0.006)
        assert [text for text in texts(drawing) if text in {arm.name for arm in ordered}] == [arm.name for arm in ordered]
        marks, ticks = gap_marks(drawing)
        gaps += [arm.gap_db for arm in ordered] + [arm.real_gap_db for arm in ordered]
        places += marks + ticks
    fit = np.polyfit(gaps, places, 1)
    np.testing.assert_allclose(np.polyval(fit, gaps), places, atol=0.5)


def test_a_rate_far_from_the_bound_does_not_squeeze_the_others():
    """Where gaps at one rate are many times those at another, each has its own scale."""
    near = [report_cases.arm(name, 4.0, distortion) for name, distortion in (("a", 9.0), ("b", 9.9))]
    far = [report_cases.arm(name, 8.0, distortion, gaussian_bound=0.01) for name, distortion in (("a", 9.0), ("b", 0.011))]
    comparison = dataclasses.replace(report_cases.gaussian(), arms=tuple(near + far))
    (first, second), _ = gap_marks(gap_plots.gaps(comparison)[0])
    assert second - first > 100


@pytest.mark.parametrize(
    ("draw", "rate"),
    [(plots.by_asked_rate, lambda arm: arm.bits), (plots.by_real_bits, lambda arm: arm.real_bits)],
    ids=["asked", "real"],
)
@pytest.mark.parametrize("case", ["gaussian", "digits", "many_arms"])
def test_marks_of_arms_stand_at_their_rate_and_error(draw, rate, case):
    """One mark an arm in its colour; heights are a straight line of log error, widths of the rate, or of its logarithm."""
    comparison = getattr(report_cases, case)()
    faces = looks.looks(comparison.coded)
    arms = [arm for name in faces for arm in sorted(comparison.arms, key=lambda arm: arm.bits) if arm.name == name]
    marks = [use for use in ET.fromstring(draw(comparison)).iter("use") if "series" in use.get("style", "")]  # noqa: S314
    assert all(f"var(--{faces[arm.name].role})" in mark.get("style") for arm, mark in zip(arms, marks, strict=True))
    heights = [float(mark.get("y")) for mark in marks]
    assert np.corrcoef(np.log([arm.distortion for arm in arms]), heights)[0, 1] == pytest.approx(-1, abs=1e-6)
    rates = [rate(arm) for arm in arms]
    scaled = np.log(rates) if max(rates) >= 6 * min(rates) else rates
    assert np.corrcoef(scaled, [float(m.get("x")) for m in marks])[0, 1] == pytest.approx(1, abs=1e-6)


def test_lines_join_a_method_over_asked_rates_only():
    """Between the rates of files there is nothing: no line pretends so."""
    comparison = report_cases.gaussian()
    rates = len({arm.bits for arm in comparison.arms})
    roles = [look.role for look in looks.looks(comparison.coded).values()]
    joined = [[p for p in paths(plots.by_asked_rate(comparison), role) if len(p) == rates] for role in roles]
    assert sum(map(bool, joined)) == sum(
        len([arm for arm in comparison.arms if arm.name == name]) == rates for name in looks.looks(comparison.coded)
    )
    assert not any(len(p) == rates for role in roles for p in paths(plots.by_real_bits(comparison), role))


def test_nothing_undercuts_the_frontier():
    """It holds the arms of fewest bits and of least error, falls all the way, and every other arm lies beyond it."""
    rng = np.random.default_rng(5)
    arms = [
        report_cases.arm(str(n), real_bits=b, distortion=d) for n, (b, d) in enumerate(rng.integers(1, 12, (60, 2)).tolist())
    ]
    edge = plots.frontier(arms)
    assert edge[0].real_bits == min(arm.real_bits for arm in arms)
    assert edge[-1].distortion == min(arm.distortion for arm in arms)
    assert all(a.real_bits < b.real_bits and a.distortion > b.distortion for a, b in itertools.pairwise(edge))
    assert all(any(e.real_bits <= arm.real_bits and e.distortion <= arm.distortion for e in edge) for arm in arms)


@pytest.mark.parametrize("case", ["gaussian", "digits", "many_arms", "structured"])
def test_numbers_count_the_frontier_without_a_gap(case):
    """Each arm of the frontier has its number, alone or in a run of neighbours, at the lower left of its mark."""
    comparison = report_cases.structured() if case == "structured" else getattr(report_cases, case)()
    drawing = ET.fromstring(plots.by_real_bits(comparison))  # noqa: S314 - we drew it
    bold = [text for text in drawing.iter("text") if "font-weight: 700" in text.get("style")]
    runs = [[int(number) for number in text.text.split("–")] for text in bold]
    numbers = [number for run in runs for number in range(run[0], run[-1] + 1)]
    edge = plots.frontier(comparison.arms)
    assert numbers == list(range(1, len(edge) + 1))
    faces = looks.looks(comparison.coded)
    order = [arm for name in faces for arm in sorted(comparison.arms, key=lambda arm: arm.bits) if arm.name == name]
    marks = [use for use in drawing.iter("use") if "series" in use.get("style", "")]
    place = {id(arm): (float(m.get("x")), float(m.get("y"))) for arm, m in zip(order, marks, strict=True)}
    for run, text in zip(runs, bold, strict=True):
        assert 0 < place[id(edge[run[0] - 1])][0] - float(text.get("x")) < 12
        assert 0 < float(text.get("y")) - place[id(edge[run[-1] - 1])][1] < 24
        together = [place[id(edge[number - 1])] for number in range(run[0], run[-1] + 1)]
        assert all(np.abs(np.subtract(a, b)).max() < 40 for a, b in itertools.pairwise(together))


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
