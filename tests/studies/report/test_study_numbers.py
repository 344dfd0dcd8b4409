"""Every number of a study's report is the one that its rows say; the rows are counted again here, by plain means."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from studies.comparison.html_reader import read
from studies.report import study_cases
from studies.report.study_cases import measured, rendered, written
from zador.studies.design import Quoted
from zador.studies.report import markdown
from zador.studies.report.bands import bands, drawn_metrics
from zador.studies.report.numerals import share
from zador.studies.report.reproduction import reproduce
from zador.studies.report.results import LEVEL, measure
from zador.studies.report.setting_plots import numbers_of
from zador.studies.statistics import compare, holm, mean_interval


def values_of(evidence, setting, arm, metric):
    """What the runs gave, a failed one as NaN."""
    return [
        math.nan if run.failure else run.metrics.get(metric, math.nan)
        for stamp, run in evidence.outcomes.items()
        if (stamp.setting, stamp.arm) == (setting, arm)
    ]


def cells_of(table):
    """The cells of each row by block and arm: text and exact value."""
    found = {}
    for body in table.all("tbody"):
        rows = list(body.all("tr"))
        setting = rows[0].text.strip()
        for row in rows[1:]:
            name = re.sub(r"\s*(reference|limit)?\s*\d* ?(of \d+ failed.*)?$", "", row.one("th").text.strip()).strip()
            found[setting, name] = [
                (cell.text, cell.attributes.get("data-value"), cell.attributes.get("class", "")) for cell in row.all("td")
            ]
    return found


def exact(text):
    """The value that rows are sorted by."""
    return math.nan if text == "" else float(text)


def test_means_and_intervals_are_those_of_the_rows():
    """For every setting, arm and metric: the mean over seeds, or the median with failed runs as worst, to the last bit."""
    evidence = measured("stress")
    table = cells_of(read(rendered("stress")).one(id="numbers").one("table"))
    places = {"error": 0, "effective": 5, "entropy": 7, "dead": 9}
    for arm in evidence.design.arms:
        for metric in evidence.design.metrics:
            values = np.array(values_of(evidence, arm.setting, arm.name, metric.name))
            text, value, _ = table[arm.setting, arm.name][places[metric.name]]
            half = table[arm.setting, arm.name][places[metric.name] + 1][0]
            if np.isnan(values).all() and metric.name != "error":
                assert text == "–"
            elif np.isnan(values).any():
                worst = math.inf if metric.lower_is_better is not False else -math.inf
                median = float(np.median(np.where(np.isnan(values), worst, values)))
                assert exact(value) == median
                assert text.startswith("median ")
            else:
                assert exact(value) == pytest.approx(values.mean(), rel=1e-14)
                assert float(text) == pytest.approx(values.mean(), abs=0.5001 * 10**-metric.decimals)
                if not arm.limit:
                    average = mean_interval(values)
                    assert float(half) == pytest.approx((average.high - average.low) / 2, rel=0.5)


def test_differences_are_paired_and_adjusted_over_the_whole_table():
    """Difference, p and answer of the first metric are those of `compare` and `holm` over all 40 of them."""
    evidence = measured("stress")
    table = cells_of(next(iter(read(rendered("stress")).one(id="differences").all("table"))))
    pairs = [arm for arm in evidence.design.arms if not arm.limit and arm.name != "autograd STE"]
    found = [
        compare(
            values_of(evidence, arm.setting, arm.name, "error"),
            values_of(evidence, arm.setting, "autograd STE", "error"),
            family=40,
        )
        for arm in pairs
    ]
    adjusted = holm([difference.p for difference in found])
    assert len(pairs) == len(table) == 40
    for arm, difference, p in zip(pairs, found, adjusted.tolist(), strict=True):
        cells = table[arm.setting, arm.name]
        assert exact(cells[0][1]) == difference.effect
        assert exact(cells[2][1]) == difference.low
        assert exact(cells[3][1]) == p
        resolved = p <= LEVEL and (difference.low > 0 or difference.high < 0)
        assert ("not resolved" in cells[-1][0]) == (not resolved)
        if resolved:
            assert cells[-1][0] == ("lower, better" if difference.high < 0 else "higher, worse")
            assert cells[-1][2].split()[0] == ("better" if difference.high < 0 else "worse")


@pytest.mark.parametrize("case", ["stress", "sizes", "one seed", "broken", "all alike", "unfinished", "hostile names"])
def test_nothing_is_marked_whose_interval_holds_zero(case):
    """Wherever a cell is marked better or worse, Holm's p is small and the family's interval leaves out zero."""
    results = measure(measured(case))
    resolved = {place for place, found in results.contrasts.items() if found.resolved}
    for place in resolved:
        found = results.contrasts[place]
        assert found.adjusted <= LEVEL
        assert not found.difference.low <= 0 <= found.difference.high
    marked = [
        c for c in read(rendered(case)).all("td") if c.attributes.get("class", "").split()[:1] in (["better"], ["worse"])
    ]
    twice = len(measured(case).design.settings) > 1  # at a glance, and among the differences
    first = measured(case).design.metrics[0].name
    directed = {m.name for m in measured(case).design.metrics if m.lower_is_better is not None}
    assert len(marked) == sum((place[2] in directed) + (twice and place[2] == first) for place in resolved)


def test_reported_numbers_stand_beside_ours_with_that_seed():
    """What was printed, what the run with its seed gave, and to how many digits they agree; a failed run's number counts."""
    evidence = measured("stress")
    table = cells_of(read(rendered("stress")).one(id="numbers").one("table"))
    for quoted in evidence.design.quoted:
        ours = next(
            run.metrics["error"]
            for stamp, run in evidence.outcomes.items()
            if (stamp.setting, stamp.arm, stamp.seed) == (quoted.setting, quoted.arm, 42)
        )
        reported, same, digits = table[quoted.setting, quoted.arm][2:5]
        assert exact(reported[1]) == quoted.value
        assert exact(same[1]) == ours
        printed = len(repr(quoted.value).replace(".", ""))
        whole = abs(ours - quoted.value) <= 0.5 * 10 ** -len(repr(quoted.value).partition(".")[2])
        assert digits[0] == (f"all {printed}" if whole else f"{int(digits[1])} of {printed}")
        assert digits[2] == ("yes" if whole else "no")
    assert {cells[4][2] for cells in table.values() if cells[2][0] != "–"} == {"yes", "no"}


@pytest.mark.parametrize(
    ("printed", "ours", "alike", "digits"),
    [
        (2.4513, 2.45134, 5, 5),
        (2.4513, 2.45136, 4, 5),
        (2.4513, 2.4563, 3, 5),
        (1.7, 1.749, 2, 2),
        (428_785_992_020.0, 428_785_992_019.7, 11, 11),
        (428e9, 431e9, 2, 3),
        (-0.5, 0.5, 0, 1),
        (0.0, 0.4, 1, 1),
        (2.4513, math.nan, 0, 5),
        (2.4513, None, 0, 5),
        (math.inf, 3.0, 0, 1),
    ],
)
def test_digits_alike_are_counted_as_rounding_would(printed, ours, alike, digits):
    """To k digits means: no further apart than half a unit of the k-th digit that was printed."""
    found = reproduce(Quoted("a", "m", printed, 42), ours)
    assert (found.alike, found.digits) == (alike, digits)


@pytest.mark.parametrize(
    ("also", "ours", "heading"),
    [((), 0.0, "ours, seed 1"), ((2, 3), 17 / 3, "ours, mean of seeds 1, 2, 3"), ((9,), None, "ours, mean of seeds 1, 9")],
)
def test_what_was_printed_as_a_mean_stands_beside_the_mean_of_the_same_seeds(also, ours, heading):
    """0, 0, 17 and 40 in four seeds: the mean of the first three, not of all, and none where a seed was not run."""
    design = study_cases.Design(
        "s",
        "t",
        "q",
        (study_cases.Arm("a", study_cases.Fake(0.0)),),
        (study_cases.DEAD,),
        "a",
        seeds=(1, 2, 3, 4),
        quoted=(Quoted("a", "dead", 5.7, 1, also=also),),
    )
    dead = {1: 0.0, 2: 0.0, 3: 17.0, 4: 40.0}
    outcomes = {study_cases.Stamp("s", "", "a", seed): study_cases.Outcome({"dead": value}) for seed, value in dead.items()}
    results = measure(study_cases.Evidence(design, outcomes))
    (found,) = results.samples["", "a", "dead"].reproductions
    assert found.ours == (None if ours is None else pytest.approx(ours))
    assert heading in markdown.to_markdown(results, (), {})


def test_bands_are_students_intervals_of_the_runs_that_were_finished():
    """At every step mean and interval of the finished runs; failed ones are kept apart as far as they have numbers."""
    evidence = measured("stress")
    results = measure(evidence)
    band = next(band for band in bands(results, "very_high", "error") if band.arm == "manual STE")
    runs = [
        run.series[0].values
        for stamp, run in evidence.outcomes.items()
        if (stamp.setting, stamp.arm) == ("very_high", "manual STE") and not run.failure
    ]
    assert (band.runs, len(band.lost)) == (17, 3)
    np.testing.assert_allclose(band.mean, np.mean(runs, axis=0))
    half = 2.1199052992210112 * np.std(runs, axis=0, ddof=1) / math.sqrt(17)  # t of 16 degrees of freedom
    np.testing.assert_allclose(band.high - band.mean, half)
    np.testing.assert_allclose(band.mean - band.low, half)
    assert all(np.isfinite(values).all() for _, values in band.lost)
    assert drawn_metrics(results) == ["error"]


def test_arms_without_a_curve_stand_at_its_end():
    """An arm without steps is drawn with mean and interval of the tables; with no curve at all there is no picture."""

    def outcome(arm, seed):
        value = 2 + seed / 100
        return study_cases.Outcome({"error": value}, (study_cases.curve(value),) if arm.name == "a" else ())

    results = measure(study_cases.small(("a", "b"), outcome))
    curve, end = bands(results, "", "error")
    average = mean_interval([2 + seed / 100 for seed in range(5)])
    assert (curve.end, end.end) == (None, (average.mean, average.low, average.high))
    assert bands(measure(measured("one arm")), "", "error") == []


def test_settings_are_numbers_only_if_they_can_be_an_axis():
    """Different positive numbers at the ends of all labels, more than ten times apart; else they are categories."""
    assert numbers_of(["batch 32", "batch 1,024"]) == (32.0, 1024.0)
    assert numbers_of(["β = 1e-3", "β = 0.25"]) == (0.001, 0.25)
    for labels in (["K = 8", "K = 80"], ["K = 8", "K = 8"], ["0", "100"], ["8", "many"], ["v1", "v200"]):
        assert numbers_of(labels) is None


@pytest.mark.parametrize(("value", "text"), [(9.94, "+994 %"), (0.0994, "+9.9 %"), (-0.1, "−10 %"), (0.0, "0 %")])
def test_shares_have_the_digits_that_matter(value, text):
    """Two digits below ten per cent, whole numbers above."""
    assert share(value).replace("\N{NO-BREAK SPACE}", " ") == text


def test_markdown_says_the_same_numbers():
    """Every number of the page's tables stands in the Markdown too; its tables are whole and no wider than nine columns."""
    text = written("stress")
    tables = re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE)
    for table in tables:
        widths = {len(re.split(r"(?<!\\)\|", line)) - 2 for line in table.strip().split("\n")}
        assert len(widths) == 1
        assert widths.pop() <= 9
    plain = text.replace("\\", "")
    page = read(rendered("stress"))
    for name in ("numbers", "differences"):
        for cell in page.one(id=name).all("td"):
            assert cell.text.replace("<", "&lt;") in plain
    assert page.one("p", class_="headline").text in plain
    for item in page.one("ul", class_="findings").all("span"):
        assert item.text in plain


def test_markdown_takes_hostile_names_literally():
    """No name opens a tag, a table cell, mathematics or emphasis."""
    text = written("hostile names")
    outside = re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "<script" not in outside
    assert "<img" not in outside
    for table in re.findall(r"(?:^\|.*\|$\n?)+", outside, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.strip().split("\n")}) == 1
    assert not re.search(r"(?<!\\)\$", outside)
