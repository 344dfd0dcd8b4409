"""`zador study`: run a study with many seeds, in a way that one can believe, interrupt and repeat."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from zador.cli.interrupts import heard_interrupts
from zador.cli.options import AsJson, pick
from zador.cli.output import print_json, study_progress
from zador.cli.study_result import Result, as_object, judged, print_result, publish
from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from zador.studies.design import Design
    from zador.studies.run import Evidence
    from zador.studies.store import Store
    from zador.studies.task import Executor
    from zador.studies.time_left import Step

_MOST_SEEDS = 100_000
_INTERRUPTED = 130


def study(
    name: Annotated[
        str, typer.Argument(help="A study, a group of studies, 'all' for every one, 'list' to see what there is.")
    ] = "list",
    seeds: Annotated[
        int | None, typer.Option(min=1, max=_MOST_SEEDS, help="Runs of every arm.", show_default="20, with --quick 5")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A short form of the study, to see what it does.")] = False,
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="Directory of report and cells.", show_default="zador-study-NAME")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0 works in this one.", show_default="one a core")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Use the workers of this Dask scheduler instead.", metavar="ADDRESS")
    ] = None,
    resources: Annotated[
        str | None, typer.Option(help="With --scheduler: what each task takes from a worker, e.g. GPU=1.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a study and write its report: tables, curves, verdicts on claims.

    What was computed once is kept in DIR/cells, whatever ends the run: the same command goes on where it was, and another
    study takes from there what it has in common. Prints a short table for each study; with --json, one JSON object.
    """
    _check(workers, scheduler, resources)
    if name == "list":
        _list(as_json=as_json)
        return
    designs = _designs(name, seeds, quick=quick)
    executor = _executor(workers, scheduler, resources)
    from zador.studies.folder import make_folder, provenance
    from zador.studies.store import Store

    folder = make_folder(out or f"zador-study-{name}")
    try:
        with executor as connected:
            found = _run(designs, Store(folder / "cells"), connected)
        about = provenance(f"zador {shlex.join(sys.argv[1:])}", _in_words(workers, scheduler))
        apart = name in _groups()
        results = [Result(one, judged(one), folder / one.design.name if apart else folder) for one in found]
        page = publish(results, folder, about)
    except KeyboardInterrupt:
        typer.echo(
            f"zador: interrupted; what was finished is kept in {folder / 'cells'}: the same command goes on from there",
            err=True,
        )
        sys.exit(_INTERRUPTED)
    if as_json:
        print_json(as_object(results, about))
        return
    for result in results:
        print_result(result)
    typer.echo(f"Report: {page}")


def _check(workers: int | None, scheduler: str | None, resources: str | None) -> None:
    if scheduler is not None and workers is not None:
        raise UsageError("--scheduler: its workers are those that there are; drop --workers")
    if resources is not None and scheduler is None:
        raise UsageError("--resources: are what workers of a cluster offer; give its address with --scheduler")


def _catalogue() -> dict[str, Callable[..., Design]]:
    from zador.studies.catalogue import STUDIES

    return {make().name: make for make in STUDIES}


def _groups() -> dict[str, tuple[Callable[..., Design], ...]]:
    from zador.studies.catalogue import GROUPS, STUDIES

    return {**GROUPS, "all": STUDIES}


def _list(*, as_json: bool) -> None:
    designs = [make() for make in _catalogue().values()]
    groups = {name: [make().name for make in makers] for name, makers in _groups().items()}
    if as_json:
        studies = [{"name": one.name, "title": one.title, "question": one.question} for one in designs]
        print_json({"studies": studies, "groups": groups})
        return
    width = max(len(one.name) for one in designs)
    for one in designs:
        typer.echo(f"{one.name:{width}}  {one.title}")
    typer.echo(f"Several at once: {', '.join(f'{name} ({len(members)})' for name, members in groups.items())}")


def _designs(name: str, seeds: int | None, *, quick: bool) -> list[Design]:
    table = {known: (make,) for known, make in _catalogue().items()}
    makers = pick({**table, **_groups(), "list": ()}, name, "NAME")
    designs = [make(quick=quick) for make in makers]
    return designs if seeds is None else [design.with_seeds(seeds) for design in designs]


def _executor(workers: int | None, scheduler: str | None, resources: str | None) -> AbstractContextManager[Executor]:
    from zador.studies.cluster import LocalWorkers, RemoteWorkers
    from zador.studies.in_process import InProcess

    if scheduler is not None:
        return RemoteWorkers(scheduler, _amounts(resources))
    return nullcontext(InProcess() if workers == 0 else LocalWorkers(workers))


def _amounts(text: str | None) -> dict[str, float]:
    """Return the resources that `GPU=1,disk=0.5` asks for."""
    found: dict[str, float] = {}
    for part in (text or "").split(",") if text is not None else ():
        name, _, amount = part.partition("=")
        try:
            found[name.strip()] = float(amount)
        except ValueError:
            found[""] = 0.0
    if any(not name or not 0 < amount < float("inf") for name, amount in found.items()):
        raise UsageError(f"--resources: expected names and amounts such as GPU=1, got {text!r}")
    return found


def _run(designs: Sequence[Design], store: Store, executor: Executor) -> list[Evidence]:
    from zador.studies.run import run_all

    with study_progress() as (progress, notice), heard_interrupts() as check:

        def told(step: Step) -> None:
            check()
            progress(step)

        return run_all(designs, store, executor, progress=told, notice=notice)


def _in_words(workers: int | None, scheduler: str | None) -> str:
    if scheduler is not None:
        return f"those of {scheduler}"
    return "none: in the process itself" if workers == 0 else f"{workers or 'one a core'}, local processes"
