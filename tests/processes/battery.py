"""Two processes that go through all scenarios once, one after the other; tests read what they wrote down."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import torch

WORLD = 2
# No exchange may keep a process waiting longer than this.
LIMIT = dt.timedelta(seconds=20)


def told(folder: Path) -> list[dict]:
    """Return what each process wrote; the first to ask runs them, others wait for it."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _run(folder)
            (folder / "done").touch()
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(WORLD)]


def _run(folder: Path) -> None:
    tests = str(Path(__file__).parents[1])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")])),
        "OMP_NUM_THREADS": "1",
        "WORLD_SIZE": str(WORLD),
    }
    processes = []
    for rank in range(WORLD):
        with (folder / f"rank{rank}.log").open("w") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "processes.battery", str(folder)],
                    env=environment | {"RANK": str(rank)},
                    stdout=log,
                    stderr=log,
                )
            )
    try:
        codes = [process.wait(timeout=600) for process in processes]
    finally:
        for process in processes:
            process.kill()
    if any(codes):
        logs = "\n".join((folder / f"rank{rank}.log").read_text()[-4000:] for rank in range(WORLD))
        raise RuntimeError(f"the processes ended with {codes}:\n{logs}")


def main(folder: Path) -> None:
    """Go through all scenarios as one of the processes."""
    from processes.scenarios import SCENARIOS

    rank = int(os.environ["RANK"])
    alone = {name: scenario.alone() for name, scenario in SCENARIOS.items()}
    store = torch.distributed.FileStore(str(folder / "store"), WORLD)
    # The other process may still be working out what it would have done alone.
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=WORLD, timeout=LIMIT)
    found = {}
    for name, scenario in SCENARIOS.items():
        torch.distributed.monitored_barrier(timeout=dt.timedelta(seconds=300))
        try:
            found[name] = scenario.together(rank, alone[name])
        except Exception:  # noqa: BLE001 - it is reported by the test that asks for it
            found[name] = {"raised": traceback.format_exc()}
    (folder / f"rank{rank}.json").write_text(json.dumps(found))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
