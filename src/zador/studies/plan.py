"""What has to be there before designs are evidence: every cell once, and in blocks that are cheap to do together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from zador.errors import UsageError
from zador.studies.configuration import canonical, configuration
from zador.studies.one_thread import one_thread
from zador.studies.rows import Stamp
from zador.studies.store import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zador.studies.design import Arm, Design, Work

__all__ = ["Alike", "Job", "Plan", "blocks_of"]

_MOST_SEEDS = 5  # in a block: what is lost with it, against what seeds save together
_BLOCKS_A_SLOT = 2  # at least, where there are seeds enough


class Alike(NamedTuple):
    """Cells that cost about the same: those of the same work, or at least of the same kind of work."""

    text: bytes
    kind: str


class Job(NamedTuple):
    """A cell to do.

    Attributes:
        cell: its key, and what it depends on.
        work: what is done.
        text: the work's configuration, the same for equal work.
        stamp: the first place in the tables that it fills.
    """

    cell: Cell
    work: Work
    text: bytes
    stamp: Stamp

    @property
    def alike(self) -> Alike:
        """Whose cost this cell's is like."""
        return Alike(self.text, type(self.work).__qualname__)


@dataclass(frozen=True)
class Plan:
    """The cells of some designs.

    Attributes:
        jobs: each cell once, by its key, in the order of the tables.
        places: for each design, the places in its tables and the key of the cell that fills each.
    """

    jobs: dict[str, Job]
    places: tuple[dict[Stamp, str], ...]

    @classmethod
    def of(cls, designs: Iterable[Design]) -> Plan:
        """Return the plan; equal work of several arms or designs is planned once.

        Raises:
            UsageError: two arms of a design have one name, or work holds what cannot be told apart in text.
        """
        jobs: dict[str, Job] = {}
        cells: dict[tuple[bytes, int], Cell] = {}
        with one_thread():  # like the work itself, so that fingerprints are of the same data
            return cls(jobs=jobs, places=tuple(_places(design, jobs, cells) for design in designs))


def _places(design: Design, jobs: dict[str, Job], cells: dict[tuple[bytes, int], Cell]) -> dict[Stamp, str]:
    found: dict[Stamp, str] = {}
    for arm in (arm for setting in design.settings for arm in design.under(setting)):
        text, stamps = canonical(configuration(arm.work)), _stamps(design, arm)
        new = [stamp.seed for stamp in stamps if (text, stamp.seed) not in cells]
        cells |= {(text, seed): cell for seed, cell in zip(new, Cell.of_each(arm.work, new), strict=True)}
        for stamp in stamps:
            if stamp in found:
                raise UsageError(f"study {design.name}: two arms are called {arm.name!r} under {arm.setting!r}; rename one")
            cell = cells[text, stamp.seed]
            jobs.setdefault(cell.key, Job(cell, arm.work, text, stamp))
            found[stamp] = cell.key
    return found


def _stamps(design: Design, arm: Arm) -> list[Stamp]:
    seeds = design.seeds[:1] if arm.limit else design.seeds
    return [Stamp(design.name, arm.setting, arm.name, seed) for seed in seeds]


def blocks_of(jobs: Sequence[Job], slots: int) -> list[list[Job]]:
    """Return the jobs in blocks of equal work and some seeds, those that see the same data next to each other.

    A block has at most five seeds, and fewer where that keeps every slot at work.
    """
    size = max(1, min(_MOST_SEEDS, -(-len(jobs) // (_BLOCKS_A_SLOT * max(1, slots)))))
    settings: dict[tuple[str, str], dict[bytes, list[Job]]] = {}
    for job in jobs:
        settings.setdefault((job.stamp.study, job.stamp.setting), {}).setdefault(job.text, []).append(job)
    blocks: list[list[Job]] = []
    for works in settings.values():
        parts = [[same[at : at + size] for at in range(0, len(same), size)] for same in works.values()]
        blocks += [block for beside in zip_longest(*parts) for block in beside if block]
    return blocks
