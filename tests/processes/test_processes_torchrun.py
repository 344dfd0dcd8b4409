"""The example as a user runs it: torchrun starts two workers, one is killed, and training goes on where it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.numpy import load_file

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_on_many.py"


def run(folder: Path, *options: str) -> tuple[str, str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "--max-restarts", "1", EXAMPLE, folder, *options],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout, done.stderr


def test_a_killed_worker_changes_nothing(tmp_path):
    """A run that lost a worker at step 13 resumes at 10 and ends with the file of a run that did not, to the bit."""
    shown, _ = run(tmp_path / "whole", "--steps", "20")
    assert [line.split(":")[0] for line in shown.splitlines()] == ["step 10", "step 20"]
    again, log = run(tmp_path / "crash", "--steps", "20", "--crash-at", "13")
    assert again == shown
    assert "SIGKILL" in log
    whole, crashed = (tmp_path / name / "checkpoint.safetensors" for name in ("whole", "crash"))
    with safe_open(crashed, "np") as file:
        assert file.metadata() == {"step": "20"}
    one, other = load_file(whole), load_file(crashed)
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)
