"""The report as a file: what is in it, what is not, and that it is the same again."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import os
import re
import subprocess
import sys

import pytest

from studies.comparison import report_cases
from studies.comparison.html_reader import read
from studies.comparison.report_cases import CASES, rendered
from zador.errors import UsageError
from zador.studies.comparison import report


@pytest.mark.parametrize("case", ["pictures", "vectors", "hostile names"])
def test_the_same_comparison_gives_the_same_bytes(case):
    """Nothing of the time, of memory addresses, or of an earlier drawing gets into a report."""
    assert report.render(dataclasses.replace(CASES[case]())) == rendered(case)


def test_another_process_gives_the_same_bytes():
    """Nothing of the process, such as the order of a set, gets into a report."""
    code = (
        "import sys; from studies.comparison import report_cases; from zador.studies.comparison import report;"
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
    rows = [body.text for body in page.one("table", class_="sortable").all("tbody")]
    assert all(report_cases.HOSTILE in row for row in rows)
    assert report_cases.HOSTILE in page.one("ul", class_="legend").text
    assert report_cases.HOSTILE in page.one("ol", class_="edge").text
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


def test_rates_are_explained_three_ways_and_recall_only_where_it_was_measured():
    """Each heading of a rate leads to its meaning; real bits are those of a file; a word that nobody needs is not said."""
    page = read(rendered("structured"))
    method = " ".join(page.one(id="method").text.split())
    assert "Indices: Σ log₂ K" in method
    assert "as often as in training" in method
    assert "with the head and the checksum of the file" in method
    assert "without it they cost what stands under “indices”" in method
    assert any(term.attributes.get("id") == "recall" for term in page.all("dt"))
    assert not any(term.attributes.get("id") == "recall" for term in read(rendered("vectors")).all("dt"))


def test_entropy_coded_arms_are_marked_where_they_stand(comparison, page):
    """In the table, and only there where there are any in the legend, one sees who needs an entropy coder."""
    rows = [row for row in page.one(id="arms").all("tr") if any(c.attributes.get("scope") == "row" for c in row.all("th"))]
    marked = ["entropy-coded" in [mark.text for mark in row.all("span")] for row in rows]
    ordered = [arm for rate in sorted({arm.bits for arm in comparison.arms}) for arm in comparison.arms if arm.bits == rate]
    assert marked == [arm.entropy_coded for arm in ordered]
    assert ("Hollow marks" in page.one(id="curves").text) == any(marked)


def test_without_a_table_originals_stand_beside_reconstructions():
    """At a rate that no table of codewords reaches there are pairs or profiles, and nothing of codewords or usage."""
    for case, place in (("pictures", 3), ("structured", 1)):
        article = read(rendered(case)).one(id=f"exhibit-{place}")
        assert "reconstructions" in article.text
        assert "odeword" not in article.text
        assert not list(article.all("table"))
        assert [a.attributes["download"].split("-")[-3] for a in article.all("a")] == ["examples"]
    pairs = read(rendered("pictures")).one(id="exhibit-3").one("ul", class_="tiles examples")
    assert len(list(pairs.all("img"))) == 24


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
    assert terms[1:] == list(comparison.provenance)
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
