"""The numbers of a report: every drawn one is in a table and in a file to save."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from urllib.parse import unquote

import numpy as np
import pytest

from studies import report_cases
from studies.html_reader import read
from studies.report_cases import CASES, rendered
from zador.studies.records import Arm
from zador.studies.report import wording


def linked(page, name):
    """The text of the file inside the page with this name."""
    href = page.one("a", download=name).attributes["href"]
    kind, _, content = href.partition(",")
    assert kind in {"data:text/csv;charset=utf-8", "data:application/json;charset=utf-8"}
    return unquote(content)


def test_every_number_of_every_arm_is_in_the_table(comparison, page):
    """Each cell carries the exact value, and shows it to the digits of its column."""
    table = page.one("table", class_="sortable grouped")
    fields = [field.name for field in dataclasses.fields(Arm) if field.name != "name"]
    for arm, row in zip(comparison.arms, table.one("tbody").all("tr"), strict=True):
        assert arm.name in row.one("th").text
        cells = list(row.all("td"))
        for name, cell in zip(fields, cells, strict=True):
            exact, shown = getattr(arm, name), cell.text
            assert cell.attributes["data-value"] == ("" if exact is None else str(exact))
            if exact is not None and np.isfinite(exact):
                value = float(shown.replace(",", "").replace("−", "-"))
                assert value == pytest.approx(exact, rel=0.01, abs=0.051)
            else:
                assert shown in {"–", "∞", "−∞", "+∞"}


def test_the_drawn_curve_is_in_a_table(comparison, page):
    """Each point of the Gaussian D(R) curve is a row."""
    region = next(e for e in page.all("div") if e.attributes.get("aria-label") == "Gaussian D(R) curve")
    rows = [[float(cell.text.replace(",", "")) for cell in row.all("td")] for row in region.one("tbody").all("tr")]
    np.testing.assert_allclose(rows, np.stack([comparison.curve_bits, comparison.curve_distortion], 1), rtol=0.01, atol=1e-3)


def test_the_drawn_usage_is_in_a_table(comparison, page):
    """From the usage table of an exhibit the count of every codeword can be read."""
    for place, exhibit in enumerate(comparison.exhibits, start=1):
        counts = np.full(len(exhibit.usage), -1)
        for row in page.one(id=f"codebook-{place}").one("table").one("tbody").all("tr"):
            chosen, amount, members = [cell.text.replace(",", "") for cell in row.all("td")]
            counts[[int(index) for index in members.split()]] = int(chosen)
            assert int(amount) == len(members.split())
        np.testing.assert_array_equal(counts, exhibit.usage)


def test_the_files_inside_hold_the_numbers(comparison, page):
    """The CSV and JSON links decode to every digit of arms, curve and usage."""
    stem = next(a.attributes["download"] for a in page.all("a") if a.attributes.get("download", "").endswith("-arms.csv"))
    stem = stem.removesuffix("arms.csv")
    arms = list(csv.DictReader(io.StringIO(linked(page, f"{stem}arms.csv"))))
    assert [row["name"] for row in arms] == [arm.name for arm in comparison.arms]
    assert [float(row["distortion"]) for row in arms] == [arm.distortion for arm in comparison.arms]
    assert [row["real_bits"] for row in arms] == ["" if a.real_bits is None else str(a.real_bits) for a in comparison.arms]
    curve = np.loadtxt(io.StringIO(linked(page, f"{stem}curve.csv")), delimiter=",", skiprows=1)
    np.testing.assert_array_equal(curve, np.stack([comparison.curve_bits, comparison.curve_distortion], 1))
    tree = json.loads(linked(page, f"{stem}comparison.json"))
    assert [row["effective_bits"] for row in tree["arms"]] == [
        arm.effective_bits if np.isfinite(arm.effective_bits) else None for arm in comparison.arms
    ]
    for exhibit, told in zip(comparison.exhibits, tree["exhibits"], strict=True):
        assert told["usage"] == exhibit.usage.tolist()
        usage = np.loadtxt(io.StringIO(linked(page, f"{stem}usage-{exhibit.bits:.4g}-bits.csv")), delimiter=",", skiprows=1)
        np.testing.assert_array_equal(usage[:, 1], exhibit.usage)


@pytest.mark.parametrize("case", ["pictures", "vectors", "colours"])
def test_codewords_and_examples_can_be_saved(case):
    """What is shown as a picture, a heat map or a profile is there as numbers of five digits."""
    comparison = CASES[case]()
    page = read(rendered(case))
    exhibit = comparison.exhibits[-1]
    names = [a.attributes["download"] for a in page.one(id=f"codebook-{len(comparison.exhibits)}").all("a")]
    words, examples = (
        np.loadtxt(io.StringIO(linked(page, name)), delimiter=",", skiprows=1) for name in names if "usage" not in name
    )
    np.testing.assert_allclose(words, exhibit.codewords, rtol=1e-4)
    np.testing.assert_allclose(examples[::2], exhibit.originals, rtol=1e-4)
    np.testing.assert_allclose(examples[1::2], exhibit.reconstructions, rtol=1e-4)


def test_what_is_too_large_for_a_page_is_left_out_aloud():
    """Of a huge codebook the most used codewords are shown, and the page says that it is not all."""
    page = read(rendered("large codebook"))
    article = page.one(id="codebook-1")
    assert re.search(r"The \d+.most used codewords of 4,096,", article.text)
    assert "too large for a page" in article.text
    assert not any("codewords-" in a.attributes.get("download", "") for a in article.all("a"))


def test_the_first_screen_names_the_best_arm_of_each_rate_with_its_gap():
    """Each card shows the arm with the lowest held-out error and the distance to the bound."""
    comparison = report_cases.gaussian()
    cards = list(read(rendered("vectors")).one("ul", class_="cards").all("li"))
    for rate, card in zip((1.0, 3.0, 5.0), cards, strict=True):
        best = min((arm for arm in comparison.arms if arm.bits == rate), key=lambda arm: arm.distortion)
        assert best.name in card.one("p", class_="winner").text
        assert wording.decibels(best.gap_db) in card.one("p", class_="gap").text
