"""The page on everything that the reports claim: verdicts by report, contradictions taken apart, what is not resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.catalogue import STUDIES
from zador.studies.claims import Status, all_claims, all_contradictions, verdicts
from zador.studies.folder import provenance
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_table
from zador.studies.report import numerals
from zador.studies.report.index import headline_of
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.report.verdicts import judged, tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from zador.studies.claims import Claim, Contradiction, Verdict
    from zador.studies.run import Evidence

__all__ = ["PAGE", "contradictions_text", "summary_table", "unresolved_table", "verdicts_on"]

_COMMAND = "zador study all -o DIR"


def verdicts_on(claims: Iterable[Claim], found: Mapping[str, Evidence]) -> tuple[Verdict, ...]:
    """Return the verdicts on claims from the full studies among `found`; "not run" where a study is missing or short.

    Args:
        claims: of any studies.
        found: evidence by name of the study.
    """
    rows = [row for one in found.values() if not one.design.short and len(one.design.seeds) > 1 for row in one.rows]
    return verdicts(claims, rows)


def summary_table(found: Sequence[Verdict]) -> str:
    """Return a Markdown table of how many claims of each report came out how."""
    present = [one.status for one in tally(found)]
    lines = []
    for source in (*dict.fromkeys(one.claim.source for one in found), ""):
        mine = [one for one in found if source in {"", one.claim.source}]
        counts = {one.status: str(one.amount) for one in tally(mine)}
        lines.append([escaped(source) or "**all**", *(counts.get(status, "–") for status in present), str(len(mine))])
    return pipe_table(["report", *(f"{one.mark} {one.status}" for one in tally(found)), "claims"], lines)


def unresolved_table(found: Iterable[Verdict]) -> str:
    """Return a Markdown table of the claims that are not resolved, with the seeds that it would take."""
    lines = [
        [f"“{escaped(one.claim.quote)}”", escaped(one.claim.source), str(one.n_seeds), numerals.more_seeds(one.needed)]
        for one in found
        if one.status is Status.NOT_RESOLVED
    ]
    return pipe_table(["claim", "report", "seeds", "it would take"], lines, words=(0, 1, 3))


def contradictions_text(listed: Iterable[Contradiction], found: Mapping[str, Evidence]) -> str:
    """Return the contradictions in Markdown: the claims with their verdicts, and each explanation with its own.

    Args:
        listed: which.
        found: evidence by name of the study.
    """
    ours = {one.claim.key: one for one in verdicts_on(all_claims(), found)}
    return "\n\n".join(part for one in listed for part in _contradiction(one, ours, found))


def _contradiction(one: Contradiction, ours: Mapping[str, Verdict], found: Mapping[str, Evidence]) -> Iterator[str]:
    yield f"### {escaped(one.title)}"
    yield escaped(one.because)
    claimed = [
        _line(ours[key], f"“{escaped(ours[key].claim.quote)}” ({escaped(ours[key].claim.source)})") for key in one.claims
    ]
    tested = [_line(verdict, escaped(verdict.claim.quote)) for verdict in verdicts_on(one.tested(), found)]
    yield "What the reports say:\n\n" + "\n".join(claimed)
    yield "What explains it, judged from rows like a claim:\n\n" + "\n".join(tested)


def _line(verdict: Verdict, words: str) -> str:
    shown = judged(verdict)
    return f"- {shown.tally.mark} {words}: {escaped(shown.sentence)}"


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    listed = verdicts_on(all_claims(), found)
    sources = dict.fromkeys(verdict.claim.source for verdict in listed)
    by_report = {
        source.removesuffix(".md"): claims_table(verdict for verdict in listed if verdict.claim.source == source)
        for source in sources
    }
    return {
        "summary": summary_table(listed),
        "contradictions": contradictions_text(all_contradictions(), found),
        "unresolved": unresolved_table(listed),
        **by_report,
        "studies": "\n".join(
            f"- `{name}`, {escaped(one.design.title)} {escaped(headline_of(one))}" for name, one in found.items()
        ),
        "provenance": pipe_table(
            ["what", "which"],
            [[escaped(what), escaped(which)] for what, which in provenance(_COMMAND, "one a core, local processes").items()],
            words=(0, 1),
        ),
    }


PAGE = Page("verdicts", STUDIES, _tables)
