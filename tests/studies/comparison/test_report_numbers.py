"""The numbers of a report: every drawn one is in a table and in a file to save."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import re
from urllib.parse import unquote

import numpy as np
import pytest

from studies.comparison import report_cases
from studies.comparison.html_reader import read
from studies.comparison.report_cases import CASES, rendered
from zador.studies.comparison import report
from zador.studies.page import wording


def linked(page, name):
    """The text of the file inside the page with this name."""
    href = page.one("a", download=name).attributes["href"]
    kind, _, content = href.partition(",")
    assert kind in {"data:text/csv;charset=utf-8", "data:application/json;charset=utf-8"}
    return unquote(content)


COLUMNS = {
    "squared error": {
        "held out": lambda arm: arm.distortion,
        "± s.e.": lambda arm: arm.distortion_se,
        "± to best": lambda arm: arm.excess_se,
        "training": lambda arm: arm.train_distortion,
    },
    "gap, dB": {"rate asked": lambda arm: arm.gap_db, "real bits": lambda arm: arm.real_gap_db},
    "rate, bits a vector": {
        "indices": lambda arm: arm.index_bits,
        "cross-entropy": lambda arm: arm.cross_entropy_bits,
        "real": lambda arm: arm.real_bits,
        "effective": lambda arm: arm.effective_bits,
    },
    "recall": {
        "recall@1": lambda arm: (arm.recall or {}).get(1),
        "recall@10": lambda arm: (arm.recall or {}).get(10),
        "recall@100": lambda arm: (arm.recall or {}).get(100),
    },
    "use of indices": {
        "entropy": lambda arm: arm.entropy_bits,
        "perplexity": lambda arm: arm.perplexity,
        "dead": lambda arm: arm.dead,
    },
    "cost": {
        "fit, s": lambda arm: arm.seconds,
        "encode, µs": lambda arm: arm.encode_seconds * 1e6,
        "memory, MiB": lambda arm: arm.memory_mib,
    },
}


def measured(comparison):
    """The columns that a comparison has, group by group: of recall only what was measured, or none."""
    known = {f"recall@{k}" for arm in comparison.arms for k in arm.recall or {}}
    columns = {g: {h: v for h, v in made.items() if g != "recall" or h in known} for g, made in COLUMNS.items()}
    return {name: made for name, made in columns.items() if made}


def plain(text):
    """What is shown, as a number."""
    return float(text.replace(",", "").replace("−", "-").replace("+", ""))


def last_digit(text):
    """What one more in the last digit that is shown would add."""
    mantissa, _, exponent = text.replace("−", "-").partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def test_every_number_of_every_arm_is_in_the_table(comparison, page):
    """Under its rate, each cell of an arm carries the exact value, and shows it to the digits of its column."""
    table, expected = page.one("table", class_="sortable"), measured(comparison)
    groups, headings = table.one("thead").all("tr")
    assert [(g.text, int(g.attributes["colspan"])) for g in groups.all("th")] == [(n, len(m)) for n, m in expected.items()]
    values = {heading: value for made in expected.values() for heading, value in made.items()}
    assert [heading.text for heading in headings.all("th")] == ["method", "alphabets", *values]
    bodies = list(table.all("tbody"))
    for rate, body in zip(sorted({arm.bits for arm in comparison.arms}), bodies, strict=True):
        arms = [arm for arm in comparison.arms if arm.bits == rate]
        title, *rows = body.all("tr")
        assert title.text.replace("\N{NO-BREAK SPACE}", " ").startswith((f"{rate:.4g} bits", f"{rate:.4g} bit "))
        bound = title.one("small").text.removeprefix("Gaussian D(R) ")
        assert plain(bound) == pytest.approx(arms[0].gaussian_bound, rel=1e-3)
        for arm, row in zip(arms, rows, strict=True):
            assert arm.name in row.one("th").text
            alphabets, *cells = row.all("td")
            assert alphabets.text.replace("\N{NO-BREAK SPACE}", " ") == arm.alphabets
            for (heading, value), cell in zip(values.items(), cells, strict=True):
                exact = value(arm) if heading != "encode, µs" else value(arm) / comparison.data.held_out
                if exact is None or not np.isfinite(exact):
                    assert cell.text in {"–", "∞", "−∞", "+∞"}
                    assert cell.attributes["data-value"] == ("" if exact is None else str(exact))
                    continue
                assert float(cell.attributes["data-value"]) == pytest.approx(exact, rel=1e-12)
                assert plain(cell.text) == pytest.approx(exact, abs=0.51 * last_digit(cell.text))


def test_small_errors_keep_their_digits():
    """Errors at one rate do not take the decimals of another: each shows two digits of its noise."""
    arms = [report_cases.arm("a", 4.0, 3.21, 0.0456), report_cases.arm("a", 64.0, 2.6e-6, 1.3e-8, gaussian_bound=2e-6)]
    page = read(report.render(dataclasses.replace(report_cases.gaussian(), arms=tuple(arms), exhibits=())))
    shown = [row.text for body in page.one("table", class_="sortable").all("tbody") for row in list(body.all("td"))[1:3]]
    assert shown == ["3.210", "0.046", "2.600e−06", "1.300e−08"]


def test_the_undercut_by_none_are_listed(comparison, page):
    """The list under the plot of real bits holds each arm that no other undercuts in bits and error, fewest bits first."""
    if len(comparison.arms) == 1:
        assert not list(page.all("ol", class_="edge"))
        return
    expected = [
        arm
        for arm in sorted(comparison.arms, key=lambda arm: arm.real_bits)
        if not any(
            other.real_bits <= arm.real_bits
            and other.distortion <= arm.distortion
            and (other.real_bits, other.distortion) != (arm.real_bits, arm.distortion)
            for other in comparison.arms
        )
    ]
    again = [False, *(a.real_bits == b.real_bits for a, b in itertools.pairwise(expected))]  # of equals, the first stands
    expected = [arm for arm, equal in zip(expected, again, strict=True) if not equal]
    listed = list(page.one("ol", class_="edge").all("li"))
    for arm, item in zip(expected, listed, strict=True):
        assert f"{arm.name}, {wording.number(arm.real_bits, 2)}" in item.text
        assert f"(asked: {wording.bits(arm.bits)})" in item.text


def test_the_drawn_curve_is_in_a_table(comparison, page):
    """Each point of the Gaussian D(R) curve is a row."""
    region = next(e for e in page.all("div") if e.attributes.get("aria-label") == "Gaussian D(R) curve")
    rows = [[float(cell.text.replace(",", "")) for cell in row.all("td")] for row in region.one("tbody").all("tr")]
    np.testing.assert_allclose(rows, np.stack([comparison.curve_bits, comparison.curve_distortion], 1), rtol=0.01, atol=1e-3)


def test_the_drawn_usage_is_in_a_table(comparison, page):
    """From the usage table of an exhibit the count of every codeword can be read, if it has codewords."""
    for place, exhibit in enumerate(comparison.exhibits, start=1):
        tables = list(page.one(id=f"exhibit-{place}").all("table"))
        assert len(tables) == (exhibit.usage is not None)
        for table in tables:
            counts = np.full(len(exhibit.usage), -1)
            for row in table.one("tbody").all("tr"):
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
    assert [float(row["real_bits"]) for row in arms] == [arm.real_bits for arm in comparison.arms]
    assert [row["codebook_size"] for row in arms] == [
        "" if arm.codebook_size is None else str(arm.codebook_size) for arm in comparison.arms
    ]
    assert [row["alphabets"] for row in arms] == [arm.alphabets for arm in comparison.arms]
    known = sorted({k for arm in comparison.arms for k in arm.recall or {}})
    assert [key for key in arms[0] if key.startswith("recall")] == [f"recall@{k}" for k in known]
    for k in known:
        told = [None if arm.recall is None else arm.recall[k] for arm in comparison.arms]
        assert [float(row[f"recall@{k}"]) if row[f"recall@{k}"] else None for row in arms] == told
    curve = np.loadtxt(io.StringIO(linked(page, f"{stem}curve.csv")), delimiter=",", skiprows=1)
    np.testing.assert_array_equal(curve, np.stack([comparison.curve_bits, comparison.curve_distortion], 1))
    tree = json.loads(linked(page, f"{stem}comparison.json"))
    assert [row["effective_bits"] for row in tree["arms"]] == [
        arm.effective_bits if np.isfinite(arm.effective_bits) else None for arm in comparison.arms
    ]
    assert all("recall" not in row and {f"recall@{k}" for k in known} <= set(row) for row in tree["arms"])
    for exhibit, told in zip(comparison.exhibits, tree["exhibits"], strict=True):
        assert told["usage"] == (None if exhibit.usage is None else exhibit.usage.tolist())
        if exhibit.usage is None:
            continue
        usage = np.loadtxt(io.StringIO(linked(page, f"{stem}usage-{exhibit.bits:.4g}-bits.csv")), delimiter=",", skiprows=1)
        np.testing.assert_array_equal(usage[:, 1], exhibit.usage)


@pytest.mark.parametrize("case", ["pictures", "vectors", "colours"])
def test_codewords_and_examples_can_be_saved(case):
    """What is shown as a picture, a heat map or a profile is there as numbers of five digits."""
    comparison = CASES[case]()
    page = read(rendered(case))
    place, exhibit = next((p, e) for p, e in reversed([*enumerate(comparison.exhibits, 1)]) if e.usage is not None)
    names = [a.attributes["download"] for a in page.one(id=f"exhibit-{place}").all("a")]
    words, examples = (
        np.loadtxt(io.StringIO(linked(page, name)), delimiter=",", skiprows=1) for name in names if "usage" not in name
    )
    np.testing.assert_allclose(words, exhibit.codewords, rtol=1e-4)
    np.testing.assert_allclose(examples[::2], exhibit.originals, rtol=1e-4)
    np.testing.assert_allclose(examples[1::2], exhibit.reconstructions, rtol=1e-4)


def test_what_is_too_large_for_a_page_is_left_out_aloud():
    """Of a huge codebook the most used codewords are shown, and the page says that it is not all."""
    page = read(rendered("large codebook"))
    article = page.one(id="exhibit-1")
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
