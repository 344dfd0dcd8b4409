"""Tasks done by the workers of a Dask cluster: processes of this machine, or whatever a scheduler has."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, Self

from zador.errors import DataError, UsageError
from zador.studies.code_version import rooms_version
from zador.studies.driver import Driver, slots_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from distributed import Client

    from zador.studies.task import Performed, Task

__all__ = ["LocalWorkers", "RemoteWorkers"]

_SECONDS_TO_CONNECT = 10.0
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), 1)


@dataclass(frozen=True)
class LocalWorkers:
    """Processes of this machine, one thread each; they start with the first task and end with the last.

    They end as well when this process is killed. A process that starts them from a script needs the guard
    `if __name__ == "__main__":`, as the workers import that script.

    Attributes:
        count: of workers; as many as there are cores that this process may use, if None.
        allowed_failures: deaths of its worker that a task is forgiven before it is split up, and its last seed blamed.
    """

    count: int | None = None
    allowed_failures: int = 3

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise UsageError(f"workers: expected at least 1, got {self.count}; for none at all use InProcess()")

    @property
    def slots(self) -> int:
        """How many tasks are done at a time: one a worker."""
        return self.count or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))

    def __call__(self, tasks: Sequence[Task], /) -> Generator[tuple[Task, list[Performed]]]:
        """Do all tasks."""
        with _local_client(min(self.slots, len(tasks)), self.allowed_failures) as client:
            yield from Driver(client, tasks)


@dataclass(frozen=True)
class RemoteWorkers:
    """The workers of a scheduler that runs already: `dask scheduler`, and `dask worker ADDRESS --nthreads 1` anywhere.

    Use it as a context manager: it is connected inside of `with`.

    Attributes:
        address: of the scheduler, e.g. "tcp://10.0.0.1:8786".
        resources: what each task takes from a worker that was started with, e.g., `--resources GPU=1`.

    Raises:
        UsageError: the address is none.
        DataError: on entering: nobody answers, or no worker does, or none has the resources, or workers run other code.
    """

    address: str
    resources: Mapping[str, float] = field(default_factory=dict)
    _connection: list[Client] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        scheme, _, rest = self.address.partition("://")
        host, _, port = rest.rpartition(":")
        if scheme not in {"tcp", "tls", "ws", "wss", "ucx"} or not host or not port.isdigit():
            raise UsageError(f"scheduler: expected an address such as tcp://10.0.0.1:8786, got {self.address!r}")

    def __enter__(self) -> Self:
        from distributed import Client

        # It logs connections that are lost, with tracebacks, even after it is closed; what matters of that is raised.
        for logger in ("distributed", "distributed.client"):
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        try:
            client = Client(self.address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise DataError(
                f"no Dask scheduler answers at {self.address}; start one with `dask scheduler`, and give its address"
            ) from error
        try:
            _check_workers(client, self.address, self.resources)
        except BaseException:
            client.close(timeout=1)
            raise
        self._connection.append(client)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.pop().close(timeout=5)

    @property
    def slots(self) -> int:
        """How many tasks are done at a time, by the workers that are there now."""
        return max(1, slots_of(self._connection[-1], self.resources))

    def __call__(self, tasks: Sequence[Task], /) -> Generator[tuple[Task, list[Performed]]]:
        """Do all tasks."""
        yield from Driver(self._connection[-1], tasks, self.resources)


def _check_workers(client: Client, address: str, resources: Mapping[str, float]) -> None:
    """Raise DataError unless there are workers, all with the code of this process, one at least with the resources."""
    try:
        client.wait_for_workers(1, timeout=_SECONDS_TO_CONNECT)
    except TimeoutError as error:
        raise DataError(
            f"the scheduler at {address} has no workers; start some: `dask worker {address} --nthreads 1`"
        ) from error
    versions = client.run(rooms_version, on_error="return")
    other = sorted(worker for worker, version in versions.items() if version != rooms_version())
    if other:
        raise DataError(f"the worker {other[0]} has other code of zador, or none; install there what runs here")
    if not slots_of(client, resources):
        asked = ", ".join(f"{name}={amount:g}" for name, amount in resources.items())
        raise DataError(
            f"no worker of {address} has {asked}; start one with `dask worker {address} --nthreads 1 --resources {asked!r}`"
        )


@contextmanager
def _local_client(count: int, allowed_failures: int) -> Iterator[Client]:
    import dask
    from distributed import Client, LocalCluster

    settings: dict[str, Any] = {
        "distributed.nanny.pre-spawn-environ": _ONE_THREAD,
        "distributed.scheduler.allowed-failures": allowed_failures,
        # A worker that outgrows its share of memory is ended, which names the culprit; one that is paused would just hang.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
    }
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        with _interrupts_blocked():
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # any port, so that studies beside each other do not meet
                    scheduler_kwargs={"dashboard": False},
                    silence_logs=logging.CRITICAL,
                )
            )
        yield stack.enter_context(Client(cluster, set_as_default=False))


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold back Ctrl-C here, and for good in what starts meanwhile: it goes to all processes, this one closes the others."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else it starts with the first worker, and lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
