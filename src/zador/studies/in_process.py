"""Tasks done one after the other in this very process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.task import perform

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from zador.studies.task import Performed, Task

__all__ = ["InProcess"]


@dataclass(frozen=True)
class InProcess:
    """No cluster: for few cells, for debuggers, and where processes cannot be started."""

    @property
    def slots(self) -> int:
        """One."""
        return 1

    def __call__(self, tasks: Sequence[Task], /) -> Generator[tuple[Task, list[Performed]]]:
        """Do all tasks in order."""
        import torch  # noqa: F401 - loaded first, so that its threads can be held to one

        for task in tasks:
            yield task, perform(task)
