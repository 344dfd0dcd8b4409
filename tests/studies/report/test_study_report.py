"""The page of a study: what is in it, what is not, and that it is the same again."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
from urllib.parse import unquote

import pytest

from studies.comparison.html_reader import read
from studies.report import study_cases
from studies.report.study_cases import ABOUT, CASES, HOSTILE, judged, measured, rendered
from zador.errors import UsageError
from zador.studies import report
from zador.studies.folder import rows_csv


@pytest.fixture(params=CASES, ids=CASES)
def case(request):
    """The name of each case in turn."""
    return request.param


def test_every_case_is_well_formed_and_asks_for_nothing(case):
    """All tags match, ids are unique, links lead to ids in the page or to data, and nothing else is loaded."""
    page = read(rendered(case))
    ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in page.all():
        assert element.tag not in {"link", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "srcset", "action", "poster", "background"):
            target = element.attributes.get(name, "data:")
            assert target.startswith("data:") or (target[0] == "#" and target[1:] in ids), target
        assert not any(name.startswith("on") for name in element.attributes)
    assert not re.search(r"https?:|//www\.|@import", rendered(case))


def test_a_page_stays_under_two_megabytes(case):
    """Eight settings of six arms with twenty seeds, four metrics and their curves fit."""
    assert len(rendered(case).encode()) < 2_000_000


def test_the_same_evidence_gives_the_same_bytes():
    """Nothing of the time, of the process, or of an earlier drawing gets into a report."""
    again = report.render_html(CASES["broken"](), verdicts=(), provenance=ABOUT)
    assert again == rendered("broken")
    code = (
        "import sys; from studies.report.study_cases import rendered;"
        "sys.stdout.buffer.write(rendered('hostile names').encode())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout.decode() == rendered("hostile names")


def test_the_policy_allows_this_script_and_no_other():
    """The content security policy starts from nothing and names the one script by its hash."""
    page = read(rendered("stress"))
    policy = next(meta.attributes["content"] for meta in page.all("meta") if "http-equiv" in meta.attributes)
    digest = base64.b64encode(hashlib.sha256(page.one("script").text.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_names_are_text_whatever_they_contain():
    """Markup, quotes, mathematics and foreign letters come out as they went in, everywhere."""
    page = read(rendered("hostile names"))
    assert len(list(page.all("script"))) == 1
    assert not list(page.all("img"))
    for part in ("answer", "claims", "pictures", "glance", "numbers", "differences", "method"):
        assert HOSTILE in page.one(id=part).text, part
    assert json.dumps(HOSTILE, ensure_ascii=False)[1:-1] in page.one(id="configuration").text
    assert HOSTILE in page.one("h1").text
    assert HOSTILE in page.one("ul", class_="legend").text
    files = [link.attributes["download"] for link in page.all("a") if "download" in link.attributes]
    assert len(files) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9.-]+", name) for name in files)


def test_headings_descend_without_gaps(case):
    """One h1, and no level is skipped on the way down."""
    levels = [int(e.tag[1]) for e in read(rendered(case)).all() if re.fullmatch("h[1-6]", e.tag)]
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in itertools.pairwise(levels))


def test_every_picture_has_words(case):
    """Plots have a role and a label; what is decoration is hidden from screen readers."""
    for drawing in read(rendered(case)).all("svg"):
        hidden = drawing.attributes.get("aria-hidden") == "true"
        assert hidden or (drawing.attributes["role"] == "img" and len(drawing.attributes["aria-label"]) > 20)


def test_verdicts_are_counted_and_each_is_shown_with_its_claim():
    """Status, quote, source, sentence, and what is behind it stand in one place, in the order given."""
    page = read(rendered("stress"))
    tally = [item.text.split() for item in page.one("ul", class_="tally").all("li")]
    assert [item[-1] for item in tally] == ["1"] * 6
    shown = [item for item in page.one("ol", class_="claims").children if not isinstance(item, str)]
    for item, verdict in zip(shown, judged("stress"), strict=True):
        text = " ".join(item.text.split())
        for part in (
            str(verdict.status),
            verdict.claim.quote,
            verdict.claim.source,
            verdict.claim.section,
            verdict.sentence,
        ):
            assert part in text
        assert all(sentence in text for sentence in verdict.evidence)
        assert verdict.claim.because in text
    assert "artefact" in shown[3].text


def test_without_verdicts_there_is_no_section_of_claims():
    """A study that settles no claim does not speak of any."""
    page = read(rendered("one arm"))
    assert not any(e.attributes.get("id") in {"claims", "verdicts"} for e in page.all())
    assert "nothing to compare with a" in page.one(id="answer").text


def test_one_seed_decides_nothing():
    """With one seed nothing is resolved, nothing has an interval, and the page says so."""
    page = read(rendered("one seed"))
    assert "differs resolvably" in page.one("p", class_="headline").text
    assert "one seed decides nothing" in page.one("p", class_="advice").text
    assert "better" not in {cell.attributes.get("class") for cell in page.all("td")}
    assert "±" not in page.one(id="numbers").one("thead").text


def test_failures_are_counted_with_their_reason_and_count_as_worst():
    """The first screen counts them; the row says how many and why; the median over all is infinite."""
    page = read(rendered("stress"))
    assert "23 of 960 runs failed" in page.one("p", class_="lost").text
    rows = [row for row in page.one(id="numbers").all("tr") if "20 of 20 failed" in row.text]
    assert len(rows) == 1
    assert "seed 42: diverged at step 43, loss 3e+08" in rows[0].text
    assert "median ∞" in rows[0].text
    assert "3 of 20 of manual STE under very_high" in page.one(id="pictures").text


def test_the_first_screen_names_what_failed_when_everything_did():
    """A study without a single whole run is still a report."""
    page = read(rendered("all failed"))
    assert "10 of 10 runs failed" in page.one("p", class_="lost").text
    assert "No run was finished." in page.one(id="pictures").text


def test_provenance_command_and_notes_are_printed():
    """What reproduces the study stands in the page: the command as it was given, and each arm's own fields."""
    page = read(rendered("stress"))
    assert [term.text for term in page.one(id="provenance").all("dt")] == list(ABOUT)
    assert ABOUT["command"] in page.one(id="configuration").text
    assert '"level": 0.012' in page.one(id="configuration").text
    assert "Errors are of held-out vectors." in page.one(id="method").text


def test_the_saved_rows_are_those_of_the_study():
    """The file inside the page is the file beside it, to the byte, and the differences have as many lines as the tables."""
    page = read(rendered("stress"))
    files = {a.attributes["download"]: a.attributes["href"] for a in page.all("a") if "download" in a.attributes}
    assert unquote(files["learning-rates-rows.csv"].partition(",")[2]) == rows_csv(measured("stress"))
    lines = list(csv.DictReader(io.StringIO(unquote(files["learning-rates-differences.csv"].partition(",")[2]))))
    assert len([line for line in lines if line["metric"] == "error"]) == 40


def test_write_puts_both_files_where_asked(tmp_path):
    """The folder is made; the page is returned; both files hold what was rendered."""
    path = report.write(measured("broken"), tmp_path / "new" / "folder", verdicts=(), provenance=ABOUT)
    assert path == tmp_path / "new" / "folder" / "index.html"
    assert path.read_text(encoding="utf-8") == rendered("broken")
    assert (path.parent / "report.md").read_text(encoding="utf-8") == study_cases.written("broken")
    assert len(list(path.parent.iterdir())) == 2


def test_a_bad_folder_is_a_usage_error(tmp_path):
    """A file in the way is told in one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        report.write(measured("one arm"), tmp_path / "file", verdicts=(), provenance={})


def test_an_index_leads_to_every_study(tmp_path):
    """All verdicts stand in one table, each with the way to its study, and studies without verdicts are listed too."""
    entries = [
        report.Entry(measured("hostile names"), HOSTILE, judged("hostile names")),
        report.Entry(measured("broken"), "b", judged("stress")),
        report.Entry(measured("one arm"), "c"),
    ]
    path = report.write_index(entries, tmp_path, provenance=ABOUT)
    page = read(path.read_text(encoding="utf-8"))
    assert len(list(page.all("script"))) == 1
    rows = [row for row in page.one("table").one("tbody").all("tr") if "hidden" not in row.attributes]
    assert len(rows) == 7
    assert HOSTILE in rows[0].text
    links = [link.attributes["href"] for link in page.all("a") if "index.html" in link.attributes["href"]]
    assert [link for link in links if link.startswith("b/")] == ["b/index.html#claims"] * 6 + ["b/index.html"]
    assert "c/index.html" in links
    assert not any(":" in link or link.startswith("/") for link in links)
    for entry in entries:
        assert (
            read(report.render_html(entry.evidence, verdicts=(), provenance={})).one("p", class_="headline").text
            in page.text
        )
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "[small](b/report.md)" in text
    assert "<script>" not in text
