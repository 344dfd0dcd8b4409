"""What `zador study` makes of a study that has been run: verdicts, files, a table, an object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from zador.cli.output import print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.table import Table

    from zador.studies.claims import Verdict
    from zador.studies.design import Arm, Metric
    from zador.studies.run import Evidence

__all__ = ["Result", "as_object", "judged", "print_result", "publish"]

_METRICS = 5  # on a terminal; the report has the others


@dataclass(frozen=True)
class Result:
    """A study that has been run.

    Attributes:
        evidence: what came out.
        verdicts: on the claims that are about it.
        folder: where its files go.
    """

    evidence: Evidence
    verdicts: tuple[Verdict, ...]
    folder: Path


def judged(evidence: Evidence) -> tuple[Verdict, ...]:
    """Return the verdicts on all claims about a study; one seed gives none, nor does a short form."""
    from zador.studies.claims import all_claims, verdicts

    if len(evidence.design.seeds) == 1 or evidence.design.short:
        return ()
    return verdicts([claim for claim in all_claims() if claim.protocol == evidence.design.name], evidence.rows)


def publish(results: Sequence[Result], folder: Path, about: Mapping[str, str]) -> Path:
    """Write each study into its folder, and a page over them if that is not `folder`; return the page to read."""
    from zador.studies.folder import make_folder, write_folder
    from zador.studies.report import Entry, write, write_index

    for result in results:
        write_folder(result.evidence, make_folder(result.folder), about)
        page = write(result.evidence, result.folder, verdicts=result.verdicts, provenance=about)
    if all(result.folder == folder for result in results):
        return page
    entries = [Entry(result.evidence, result.folder.name, result.verdicts) for result in results]
    return write_index(entries, folder, provenance=about)


def as_object(results: Sequence[Result], about: Mapping[str, str]) -> dict[str, Any]:
    """Return everything as what JSON holds."""
    return {"studies": [_study(result) for result in results], "provenance": dict(about)}


def _study(result: Result) -> dict[str, Any]:
    evidence, design = result.evidence, result.evidence.design
    return {
        "name": design.name,
        "title": design.title,
        "seeds": list(design.seeds),
        "rows": [row._asdict() for row in evidence.rows],
        "failures": [{**stamp._asdict(), "failure": text} for stamp, text in evidence.failures.items()],
        "verdicts": [
            {"claim": one.claim.key, "quote": one.claim.quote, "status": str(one.status), "sentence": one.sentence}
            for one in result.verdicts
        ],
        "report": str(result.folder / "index.html"),
    }


def print_result(result: Result) -> None:
    """Print the tables of a study, what failed, and the verdicts."""
    evidence = result.evidence
    for table in _tables(evidence):
        print_table(table)
    if evidence.failures:
        typer.echo(f"{len(evidence.failures)} of {len(evidence.outcomes)} runs failed, and count as worst: see failures.csv")
    if len(evidence.design.seeds) == 1:
        typer.echo("One seed decides nothing: for verdicts, ask for more with --seeds.")
    for verdict in result.verdicts:
        typer.echo(f"“{verdict.claim.quote}”\n  {verdict.sentence}")


def _tables(evidence: Evidence) -> Iterator[Table]:
    """Yield one table a setting: mean ± standard error over the seeds that did not fail, and how many did."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable

    design = evidence.design
    for setting in design.settings:
        title = f"{design.title} {setting}".strip()
        table = RichTable(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("arm", no_wrap=True)
        for metric in design.metrics[:_METRICS]:
            table.add_column(metric.heading, justify="right")
        table.add_column("failed", justify="right")
        for arm in design.under(setting):
            table.add_row(*_line(evidence, arm))
        yield table


def _line(evidence: Evidence, arm: Arm) -> list[str]:
    runs = [outcome for stamp, outcome in evidence.outcomes.items() if (stamp.setting, stamp.arm) == (arm.setting, arm.name)]
    good = [outcome for outcome in runs if not outcome.failure]
    metrics = evidence.design.metrics[:_METRICS]
    cells = [_mean([run.metrics[m.name] for run in good if m.name in run.metrics], m) for m in metrics]
    return [arm.name, *cells, f"{len(runs) - len(good)} of {len(runs)}" if len(good) < len(runs) else ""]


def _mean(values: Sequence[float], metric: Metric) -> str:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return ""
    mean = math.fsum(known) / len(known)
    if len(known) == 1 or not math.isfinite(mean):
        return f"{mean:.{metric.decimals}f}"
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1) / len(known))
    return f"{mean:.{metric.decimals}f} ± {error:.1g}"
