"""Pages of the documentation: their places are there, their tables come from rows, and nothing is run twice."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from zador.errors import DataError, UsageError
from zador.studies.averages import means_of
from zador.studies.claims import Status
from zador.studies.design import Arm, Design, Metric
from zador.studies.pages import PAGES, Page
from zador.studies.pages.__main__ import main
from zador.studies.pages.page import filled, refresh
from zador.studies.pages.tables import claims_of, claims_table, means_table, relative_table
from zador.studies.rows import Outcome, Stamp
from zador.studies.run import Evidence

DOCS = Path(__file__).parents[3] / "docs"
ERROR = Metric("reconstruction", "reconstruction", "An error.")


class Nothing:
    """Work that is never done: the evidence is given."""

    def __call__(self, seeds):
        """Refuse."""
        raise AssertionError(seeds)

    def fingerprint(self, seed):
        """Return nothing."""
        return str(seed)


def evidence(shift: float = -0.1, *, name: str = "convergence", short: bool = False) -> Evidence:
    """Return 20 seeds of two arms, the second lower by `shift` and a little noise."""
    rng, seeds = np.random.default_rng(0), tuple(range(20))
    arms = (Arm("plain", Nothing(), "K = 8"), Arm("tuned", Nothing(), "K = 8"))
    design = Design(name, "t", "q", arms, (ERROR,), "plain", seeds=seeds, short=short)
    values = {seed: 2.0 + 0.1 * rng.normal() for seed in seeds}
    outcomes = {Stamp(name, "K = 8", "plain", seed): Outcome({"reconstruction": values[seed]}) for seed in seeds}
    outcomes |= {
        Stamp(name, "K = 8", "tuned", seed): Outcome({"reconstruction": values[seed] + shift + 0.01 * rng.normal()})
        for seed in seeds
    }
    return Evidence(design, outcomes)


def test_a_page_without_a_place_for_a_table_is_refused():
    """The message names the marks."""
    with pytest.raises(DataError, match="expected <!-- b --> and <!-- end of b -->"):
        filled("<!-- a --><!-- end of a -->", {"b": "text"})


def test_filling_twice_is_filling_once():
    """What stood between the marks goes, what stands around them stays."""
    once = filled("x <!-- a --> old <!-- end of a --> y", {"a": "new"})
    assert once == "x <!-- a -->\n\nnew\n\n<!-- end of a --> y"
    assert filled(once, {"a": "new"}) == once


def test_refresh_writes_tables_and_pictures(tmp_path):
    """Pictures go to the folder that has the page's name."""
    (tmp_path / "mine.md").write_text("# Mine\n<!-- means --><!-- end of means -->\n", encoding="utf-8")
    page = Page("mine", (), lambda found: {"means": means_table(found["s"], ERROR)}, lambda _: {"a.svg": "<svg/>"})
    refresh(page, {"s": evidence(name="s")}, tmp_path)
    text = (tmp_path / "mine.md").read_text(encoding="utf-8")
    assert text.startswith("# Mine\n")
    assert "| plain |" in text
    assert (tmp_path / "mine" / "a.svg").read_text() == "<svg/>"


def test_differences_are_shares_of_the_reference():
    """A resolved one is bold, its interval beside it holds it, and the sizes are those of the rows."""
    line = relative_table(evidence(), ERROR).splitlines()[-1]
    centre, low, high = (float(text.replace("−", "-")) for text in re.findall(r"([+−][\d.]+)\s%", line))
    means = means_of(evidence())
    share = means["tuned", "K = 8", "reconstruction"] / means["plain", "K = 8", "reconstruction"] - 1
    assert "**" in line
    assert low < centre < high < 0
    assert centre == pytest.approx(100 * share, abs=0.05)
    assert "**" not in relative_table(evidence(0.0), ERROR)


def test_claims_of_a_short_form_are_not_judged():
    """A full run has verdicts, and a table of them with a line each."""
    assert claims_of(evidence(short=True)) == ()
    found = claims_of(evidence())
    assert found
    assert {one.status for one in found} == {Status.NOT_RUN}
    assert len(claims_table(found).splitlines()) == len(found) + 2


def test_every_page_has_its_marks_and_its_pictures():
    """A page of the documentation is there for each, and shows every picture of its folder."""
    assert len({page.name for page in PAGES}) == len(PAGES)
    for page in PAGES:
        text = (DOCS / f"{page.name}.md").read_text(encoding="utf-8")
        assert re.search(r"<!-- [\w ,-]+ -->\n\n.+?\n\n<!-- end of", text, re.DOTALL), page.name
        for picture in (DOCS / page.name).glob("*"):
            assert f"{page.name}/{picture.name}" in text
            assert picture.stat().st_size < 400_000


def test_an_unknown_page_is_refused_with_those_that_there_are(tmp_path):
    """Nothing is run."""
    with pytest.raises(UsageError, match=r"gradient-atlas.*got nowhere"):
        main(str(tmp_path), str(tmp_path), "nowhere")
    assert not list(tmp_path.iterdir())
