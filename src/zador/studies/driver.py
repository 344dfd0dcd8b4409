"""Tasks on the workers of a Dask cluster: one a slot, results as they come, and which seed it is that kills its workers."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING

from zador.errors import DataError
from zador.studies.rows import Outcome
from zador.studies.task import Performed, perform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from distributed import Client, Future

    from zador.studies.task import Task

__all__ = ["Driver", "slots_of"]

_SECONDS_WITHOUT_WORKERS = 60.0


class Driver:
    """Hands out one task a slot, takes back results, and finds out which seed kills its workers."""

    def __init__(self, client: Client, tasks: Sequence[Task], resources: Mapping[str, float] | None = None) -> None:
        self._client, self._resources = client, dict(resources or {})
        self._waiting = deque(tasks)
        # These were on workers that died, for their own sake or a neighbour's: one seed each, one after the other, alone.
        self._suspects: deque[Task] = deque()
        self._running: dict[Future[list[Performed]], Task] = {}
        self._alone = False

    def __iter__(self) -> Iterator[tuple[Task, list[Performed]]]:
        """Yield pieces as they are finished."""
        try:
            while self._hand_out():
                found = [(self._running.pop(future), future) for future in self._finished()]
                results = [(task, self._result(future, task)) for task, future in found]
                self._hand_out()  # before results are looked at, which may take as long as writing them does
                yield from ((task, performed) for task, performed in results if performed is not None)
        finally:
            for future in self._running:
                future.release()

    def _hand_out(self) -> bool:
        """Keep every slot at work; return whether there is anything to wait for."""
        if self._waiting:
            slots = max(1, slots_of(self._client, self._resources))
            while self._waiting and len(self._running) < slots:
                self._submit(self._waiting.popleft())
        elif not self._running and self._suspects:
            self._alone = True
            self._submit(self._suspects.popleft())
        return bool(self._running)

    def _submit(self, task: Task) -> None:
        self._running[self._client.submit(perform, task, pure=False, resources=self._resources or None)] = task

    def _finished(self) -> list[Future[list[Performed]]]:
        from distributed import wait

        while True:
            try:
                with self._client.as_current():
                    found = wait(list(self._running), _SECONDS_WITHOUT_WORKERS, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                if not self._client.nthreads():
                    raise DataError("all workers are gone; start some, and run the same command to go on") from None
            except CancelledError as error:
                raise _gone() from error
            else:
                return list(found)

    def _result(self, future: Future[list[Performed]], task: Task) -> list[Performed] | None:
        from distributed import KilledWorker

        try:
            performed: list[Performed] = future.result()
        except KilledWorker as error:
            if self._alone:
                deaths = error.allowed_failures + 1
                lost = Outcome({}, failure=f"killed its worker {deaths} times (out of memory?)")
                return [Performed(task.seeds[0], lost, 0.0, final=False)]
            self._suspects += [replace(task, seeds=(seed,)) for seed in task.seeds]
            return None
        except CancelledError as error:
            raise _gone() from error
        except DataError:
            raise
        except Exception as error:
            cause = error.__cause__ or error  # the library wraps what a worker could not import in advice on that
            raise DataError(
                f"a worker cannot take tasks: {type(cause).__name__}: {' '.join(str(cause).split())}; "
                "workers need the modules that the study uses"
            ) from error
        finally:
            future.release()  # else a result that is here already is computed again when its worker dies
        return performed


def _gone() -> DataError:
    return DataError("the scheduler is gone; what was finished is kept: start it, and run the same command to go on")


def slots_of(client: Client, resources: Mapping[str, float]) -> int:
    """Return how many tasks the workers can do at a time."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(min([worker["nthreads"], *_times(worker["resources"], resources)]) for worker in workers)


def _times(there: Mapping[str, float], needed: Mapping[str, float]) -> list[int]:
    return [math.floor(there.get(name, 0.0) / amount) for name, amount in needed.items()]
