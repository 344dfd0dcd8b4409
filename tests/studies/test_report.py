"""The report as a file: what is in it, what is not, and that it is the same again."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
from urllib.parse import unquote

import numpy as np
import pytest

from studies import report_cases
from studies.html_reader import read
from studies.report_cases import CASES, rendered
from zador.errors import UsageError
from zador.studies import report, wording
from zador.studies.records import Arm


@pytest.fixture(params=CASES, ids=CASES)
def case(request):
    return request.param


@pytest.fixture
def comparison(case):
    return CASES[case]()


@pytest.fixture
def page(case):
    return read(rendered(case))


def linked(page, name):
    """The text of the file inside the page with this name."""
    href = page.one("a", download=name).attributes["href"]
    kind, _, content = href.partition(",")
    assert kind in {"data:text/csv;charset=utf-8", "data:application/json;charset=utf-8"}
    return unquote(content)


@pytest.mark.parametrize("case", ["pictures", "vectors", "hostile names"])
def test_the_same_comparison_gives_the_same_bytes(case):
    """Nothing of the time, of memory addresses, or of an earlier drawing gets into a report."""
    assert report.render(dataclasses.replace(CASES[case]())) == rendered(case)


def test_another_process_gives_the_same_bytes():
    """Nothing of the process, such as the order of a set, gets into a report."""
    code = (
        "import sys; from studies import report_cases; from zador.studies import report;"
        "sys.stdout.buffer.write(report.render(report_cases.large_codebook()).encode())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout.decode() == rendered("large codebook")


def test_a_report_stays_under_two_megabytes(case):
    """Every case fits the budget, with 256 coloured codewords of 192 numbers, and with 4096 of 784."""
    assert len(rendered(case).encode()) < 2_000_000


def test_a_report_is_well_formed_and_asks_for_nothing(case, page):
    """All tags match, ids are unique, links lead to ids in the page or to data, and nothing else is loaded."""
    ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in page.all():
        assert element.tag not in {"link", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "srcset", "action", "poster", "background"):
            target = element.attributes.get(name, "data:")
            assert target.startswith("data:") or (target[0] == "#" and target[1:] in ids), target
        assert not any(name.startswith("on") for name in element.attributes)
    assert "url(http" not in rendered(case)
    assert "@import" not in rendered(case)


def test_no_address_of_the_web_is_in_a_report():
    """Not even a name space: whoever searches the file for addresses finds none."""
    assert not re.search(r"https?:|//www\.", rendered("pictures"))


def test_the_policy_allows_this_script_and_no_other(page):
    """The content security policy starts from nothing and names the one script by its hash."""
    policy = next(meta.attributes["content"] for meta in page.all("meta") if "http-equiv" in meta.attributes)
    script = page.one("script").text
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")


def test_names_are_text_whatever_they_contain():
    """Markup, quotes, mathematics and foreign letters in a name come out as they went in, everywhere."""
    page = read(rendered("hostile names"))
    assert len(list(page.all("script"))) == 1
    assert {image.attributes["src"][:5] for image in page.all("img")} == {"data:"}
    rows = page.one("table", class_="sortable grouped").one("tbody")
    assert report_cases.HOSTILE in rows.text
    assert report_cases.HOSTILE in page.one("h1").text
    assert report_cases.HOSTILE in page.one(id="provenance").text
    assert report_cases.HOSTILE in page.one(id="method").text
    files = [link.attributes["download"] for link in page.all("a") if "download" in link.attributes]
    assert all(re.fullmatch(r"[A-Za-z0-9.-]+", name) for name in files)


def test_every_picture_has_words(page):
    """Images have an alt text; plots a role and a label; what is decoration is hidden from screen readers."""
    assert all(image.attributes["alt"] for image in page.all("img"))
    for drawing in page.all("svg"):
        hidden = drawing.attributes.get("aria-hidden") == "true"
        assert hidden or (drawing.attributes["role"] == "img" and len(drawing.attributes["aria-label"]) > 20)


def test_headings_descend_without_gaps(page):
    """One h1, and no level is skipped on the way down."""
    levels = [int(element.tag[1]) for element in page.all() if re.fullmatch("h[1-6]", element.tag)]
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in itertools.pairwise(levels))


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
                assert shown in {"–", "∞", "−∞"}


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


def test_missing_real_bits_get_a_dash_and_a_footnote():
    """Bits of token files that do not exist yet are not invented, and the footnote goes when they exist."""
    comparison = report_cases.digits()
    assert "not measured" in read(rendered("pictures")).one("p", class_="footnote").text
    counted = [dataclasses.replace(arm, real_bits=5.5) for arm in comparison.arms]
    page = read(report.render(dataclasses.replace(comparison, arms=tuple(counted))))
    assert not list(page.all("p", class_="footnote"))


def test_the_bound_is_explained_as_an_upper_bound():
    """The first screen says that the Gaussian D(R) bounds the data's own D(R) from above."""
    text = " ".join(read(rendered("vectors")).one(id="verdict").text.split())
    assert "upper bound on the D(R) of these vectors" in text
    assert "without beating its own limit" in text


def test_provenance_and_notes_are_printed_in_order():
    """Labels and texts of the provenance, and the notes, stand in the page as they were given."""
    comparison = report_cases.digits()
    page = read(rendered("pictures"))
    terms = [term.text for term in page.one(id="provenance").all("dt")]
    assert terms[2:] == list(comparison.provenance)
    assert comparison.data.fingerprint in page.one(id="provenance").text
    assert comparison.notes[0] in page.one(id="method").text


def test_write_puts_the_rendered_page_at_the_path(tmp_path):
    """The file holds the page, encoded as the page says."""
    report.write(report_cases.digits(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == rendered("pictures").encode("utf-8")


def test_a_bad_path_is_a_usage_error_and_writes_nothing(tmp_path):
    """A directory that does not exist is told in one line, and is not created."""
    with pytest.raises(UsageError, match="cannot write") as caught:
        report.write(report_cases.digits(), tmp_path / "missing" / "report.html")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_first_screen_names_the_best_arm_of_each_rate_with_its_gap():
    """Each card shows the arm with the lowest held-out error and the distance to the bound."""
    comparison = report_cases.gaussian()
    cards = list(read(rendered("vectors")).one("ul", class_="cards").all("li"))
    for rate, card in zip((1.0, 3.0, 5.0), cards, strict=True):
        best = min((arm for arm in comparison.arms if arm.bits == rate), key=lambda arm: arm.distortion)
        assert best.name in card.one("p", class_="winner").text
        assert wording.decibels(best.gap_db) in card.one("p", class_="gap").text
