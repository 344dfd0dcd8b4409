"""Blocks of work as they travel to whoever does them, and what comes back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from zador.errors import DataError
from zador.studies.code_version import code_version
from zador.studies.configuration import configuration, modules_of
from zador.studies.one_thread import one_thread
from zador.studies.rows import Outcome
from zador.studies.store import normal

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from zador.studies.design import Work

__all__ = ["Executor", "Performed", "Task", "perform"]


@dataclass(frozen=True)
class Task:
    """A piece of work with a few of its seeds, which are cheaper together.

    Attributes:
        number: tells it from the other tasks of a run.
        work: what is to be done.
        seeds: with which.
        code: version of the code that it was planned with; whoever does it must have the same.
    """

    number: int
    work: Work
    seeds: tuple[int, ...]
    code: str

    @classmethod
    def of(cls, number: int, work: Work, seeds: Iterable[int]) -> Task:
        """Return the task, for the code of this process."""
        return cls(number, work, tuple(seeds), _code_of(work))


class Performed(NamedTuple):
    """What one seed of a task gave.

    Attributes:
        seed: which.
        outcome: what came out, failures included.
        seconds: its share of the block's time.
        final: whether the same would come out again; lack of memory and lost workers say nothing about the work.
    """

    seed: int
    outcome: Outcome
    seconds: float
    final: bool = True


class Executor(Protocol):
    """Whoever does tasks."""

    @property
    def slots(self) -> int:
        """How many tasks are done at a time."""

    def __call__(self, tasks: Sequence[Task], /) -> Generator[tuple[Task, list[Performed]]]:
        """Do all tasks, in any order; yield pieces as they are finished, so that every seed of every task comes once."""


def perform(task: Task) -> list[Performed]:
    """Do a task on one thread; what it raises is an outcome of the seed that raised it.

    Raises:
        DataError: the code here is not the code that the task was planned with.
    """
    if _code_of(task.work) != task.code:
        raise DataError(
            "a worker has other code than the process that started the study: the source was changed meanwhile, or another "
            "version is installed there; give both the same, and run the same command to go on"
        )
    with one_thread():
        return _performed(task.work, task.seeds)


def _code_of(work: Work) -> str:
    return repr(code_version(frozenset(modules_of(configuration(work)))))


def _performed(work: Work, seeds: tuple[int, ...]) -> list[Performed]:
    started = time.perf_counter()
    try:
        outcomes = [normal(outcome) for outcome in work(seeds)]
        if len(outcomes) != len(seeds):
            raise TypeError(f"expected an outcome for each of {len(seeds)} seeds, got {len(outcomes)}")  # noqa: TRY301 - ours
    except Exception as error:  # noqa: BLE001 - whatever the work raises is its result
        if len(seeds) > 1:  # one of them did it: the others are no worse for that
            return [performed for seed in seeds for performed in _performed(work, (seed,))]
        seconds = time.perf_counter() - started
        return [Performed(seeds[0], Outcome({}, failure=_told(error)), seconds, not isinstance(error, MemoryError))]
    seconds = (time.perf_counter() - started) / max(1, len(seeds))
    return [Performed(seed, outcome, seconds) for seed, outcome in zip(seeds, outcomes, strict=True)]


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"crashed: {type(error).__name__}" + (f": {lines[0]}" if lines else "")
