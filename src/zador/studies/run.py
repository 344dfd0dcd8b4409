"""A design becomes evidence: what is stored is read, what is missing is done, and nothing is dropped."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.errors import FormatError
from zador.studies.in_process import InProcess
from zador.studies.plan import Plan, blocks_of
from zador.studies.rows import rows_of
from zador.studies.store import Store
from zador.studies.task import Task
from zador.studies.time_left import Step, TimeLeft

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from zador.studies.design import Design
    from zador.studies.plan import Job
    from zador.studies.rows import Outcome, Row, Stamp
    from zador.studies.task import Executor, Performed

__all__ = ["Evidence", "run", "run_all", "run_study"]


@dataclass(frozen=True)
class Evidence:
    """A design and what came of it.

    Attributes:
        design: what was asked.
        outcomes: of every arm and seed, in table order: arms as the design lists them, each with its seeds in order.
    """

    design: Design
    outcomes: Mapping[Stamp, Outcome]

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row for every outcome and metric; NaN where a run failed before there was a number."""
        return tuple(rows_of(self.outcomes.items(), (metric.name for metric in self.design.metrics)))

    @property
    def failures(self) -> dict[Stamp, str]:
        """What went wrong, where anything did."""
        return {stamp: outcome.failure for stamp, outcome in self.outcomes.items() if outcome.failure}


def run_study(design: Design, directory: str | os.PathLike[str], executor: Executor | None = None) -> Evidence:
    """Run a study with its cells in `directory`, in this process unless an executor is given.

    Args:
        design: the study.
        directory: where cells are stored, and found again.
        executor: who does the work, e.g. `zador.studies.cluster.Cluster()`.

    Raises:
        UsageError: the directory cannot be written, or the design holds what cannot be told apart in text.
    """
    return run(design, Store(directory), executor or InProcess())


def run(
    design: Design,
    store: Store,
    executor: Executor,
    *,
    progress: Callable[[Step], None] = lambda _: None,
    notice: Callable[[str], None] = lambda _: None,
) -> Evidence:
    """Run one study: `run_all` of it alone."""
    (evidence,) = run_all((design,), store, executor, progress=progress, notice=notice)
    return evidence


def run_all(
    designs: Sequence[Design],
    store: Store,
    executor: Executor,
    *,
    progress: Callable[[Step], None] = lambda _: None,
    notice: Callable[[str], None] = lambda _: None,
) -> list[Evidence]:
    """Run several studies at once; what they share is done once.

    Args:
        designs: the studies.
        store: where cells are found, and where each goes as soon as it is finished.
        executor: who does what is missing.
        progress: is told where the run is, after every cell.
        notice: is told, in one line each, what else a person may want to know: a file that had to be replaced.

    Returns:
        The evidence of each design, in order. It is the same whether cells were stored or done now, by whom, and in which
        order they finished.

    Raises:
        UsageError: the store cannot be written, or a design holds what cannot be told apart in text.
    """
    plan = Plan.of(designs)
    journal = _Journal(store, plan, TimeLeft(executor.slots), progress)
    journal.read(notice)
    blocks = blocks_of(journal.missing, executor.slots)
    tasks = [Task.of(number, block[0].work, (job.stamp.seed for job in block)) for number, block in enumerate(blocks)]
    jobs = {(number, job.stamp.seed): job for number, block in enumerate(blocks) for job in block}
    if tasks:
        with closing(executor(tasks)) as results:
            for task, performed in results:
                journal.write([(jobs[task.number, one.seed], one) for one in performed])
    return [
        Evidence(design, {stamp: journal.outcomes[key] for stamp, key in places.items()})
        for design, places in zip(designs, plan.places, strict=True)
    ]


class _Journal:
    """What is there so far, by key, and what is told about it."""

    def __init__(self, store: Store, plan: Plan, time_left: TimeLeft, progress: Callable[[Step], None]) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._store, self._jobs, self._progress = store, plan.jobs, progress
        self._time_left = time_left
        self._missing = Counter(job.alike for job in plan.jobs.values())

    @property
    def missing(self) -> list[Job]:
        """The cells that are not there yet, in table order."""
        return [job for key, job in self._jobs.items() if key not in self.outcomes]

    def read(self, notice: Callable[[str], None]) -> None:
        """Take over what is stored; a file that cannot be believed is as good as none."""
        for job in self._jobs.values():
            try:
                stored = self._store.read(job.cell)
            except FormatError as error:
                notice(f"{error}; this cell is run again")
                continue
            if stored is not None:
                self._add(job, stored[0])
                self._time_left.known(job.alike, stored[1])
        if self.outcomes:
            self._tell("stored already")

    def write(self, block: Sequence[tuple[Job, Performed]]) -> None:
        """Keep what was done just now."""
        for job, performed in block:
            if performed.final:
                self._store.write(job.cell, performed.outcome, performed.seconds)
            self._add(job, performed.outcome)
        self._time_left.finished([(job.alike, performed.seconds) for job, performed in block])
        study, setting, arm, _ = block[0][0].stamp
        seeds = sorted(job.stamp.seed for job, _ in block)
        seeds_text = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
        self._tell(", ".join(part for part in (study, setting, arm, seeds_text) if part))

    def _add(self, job: Job, outcome: Outcome) -> None:
        self.outcomes[job.cell.key] = outcome
        self._missing[job.alike] -= 1

    def _tell(self, label: str) -> None:
        left = self._time_left.left(self._missing)
        self._progress(Step(label, len(self.outcomes), len(self._jobs), left))
