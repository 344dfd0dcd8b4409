"""The page over several studies: all verdicts in one table, each with the way to its study."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from zador.files import check_folder, write_atomically
from zador.studies.page import wording
from zador.studies.report import answers, verdicts
from zador.studies.report.compose import facts, template
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.report.results import measure
from zador.studies.run import Evidence

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from zador.studies.claims import Verdict
    from zador.studies.design import Metric
    from zador.studies.report.results import Results

__all__ = ["Entry", "headline_of", "write_index"]


@dataclass(frozen=True)
class Entry:
    """One study in an index.

    Attributes:
        evidence: of the study.
        folder: where its report is, as seen from the index, e.g. "convergence".
        verdicts: on the claims that it settles.
    """

    evidence: Evidence
    folder: str
    verdicts: Sequence[Verdict] = ()


@dataclass(frozen=True)
class _Study:
    """One study as the index shows it."""

    title: str
    name: str
    folder: str
    link: str
    facts: str
    headline: str


def write_index(
    entries: Sequence[Entry], directory: str | os.PathLike[str], *, provenance: Mapping[str, str], title: str = "All studies"
) -> Path:
    """Write `index.html` and `report.md` over several studies, each whole or not at all, and return the page's path.

    Args:
        entries: the studies, in order, with their verdicts.
        directory: where; made if it is not there. The reports of the studies are in folders below it.
        provenance: label to text.
        title: of the page.

    Raises:
        UsageError: the directory cannot be written.
    """
    check_folder(directory)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    studies = [_study(entry) for entry in entries]
    write_atomically(folder / "report.md", _markdown(entries, studies, provenance, title).encode())
    write_atomically(folder / "index.html", _html(entries, studies, provenance, title).encode())
    return folder / "index.html"


def headline_of(evidence: Evidence) -> str:
    """Return the answer of a study in one sentence, see `answers.headline`."""
    return answers.headline(_first_metric(evidence))


def _study(entry: Entry) -> _Study:
    design = entry.evidence.design
    results = _first_metric(entry.evidence)
    link = quote(entry.folder.strip("/"))
    return _Study(design.title, design.name, entry.folder.strip("/"), link, facts(results), answers.headline(results))


def _first_metric(evidence: Evidence) -> Results:
    return measure(Evidence(replace(evidence.design, metrics=_leading(evidence)), evidence.outcomes))


def _leading(evidence: Evidence) -> tuple[Metric, ...]:
    """Return the metric that the headline is about: the first one, or the first one that was measured if no run failed."""
    metrics = evidence.design.metrics
    names = {name for outcome in evidence.outcomes.values() for name in outcome.metrics}
    return metrics[:1] if evidence.failures else tuple(metric for metric in metrics if metric.name in names)[:1]


def _html(entries: Sequence[Entry], studies: Sequence[_Study], provenance: Mapping[str, str], title: str) -> str:
    everything = [verdict for entry in entries for verdict in entry.verdicts]
    return template("index.html.j2").render(
        title=title,
        studies=studies,
        tally=verdicts.tally(everything),
        claims=[
            (study, verdicts.judged(verdict))
            for entry, study in zip(entries, studies, strict=True)
            for verdict in entry.verdicts
        ],
        provenance=provenance,
        count=wording.count,
    )


def _markdown(entries: Sequence[Entry], studies: Sequence[_Study], provenance: Mapping[str, str], title: str) -> str:
    everything = [verdict for entry in entries for verdict in entry.verdicts]
    tally = " · ".join(f"{one.mark} {one.status} {one.amount}" for one in verdicts.tally(everything))
    lines = [
        [
            f"{one.tally.mark} {one.tally.status}",
            f"“{escaped(one.quote)}”",
            escaped(one.sentence),
            escaped(one.where),
            f"[{escaped(study.name)}]({study.link}/report.md)",
        ]
        for entry, study in zip(entries, studies, strict=True)
        for one in map(verdicts.judged, entry.verdicts)
    ]
    headings = ("verdict", "claim", "what the runs say", "source", "study")
    own = [f"- [{escaped(one.title)}]({one.link}/report.md): {escaped(one.headline)}" for one in studies]
    said = pipe_table(["what", "which"], [[escaped(k), escaped(v)] for k, v in provenance.items()], words=(0, 1))
    parts = [f"# {escaped(title)}", tally, pipe_table(headings, lines, words=range(5)) if lines else ""]
    parts += ["## Studies", "\n".join(own), "## Provenance", said]
    return "\n\n".join(part for part in parts if part) + "\n"
