"""The example as a user runs it: torchrun starts two workers, one is killed, and training goes on where it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from safetensors import safe_open

from processes.wrapped import EXAMPLE, digests


# Gloo sometimes cannot connect workers that are started again at once, which costs a minute and a restart each time.
@pytest.mark.long
def test_a_killed_worker_changes_nothing(found, tmp_path):
    """A run that lost a worker at step 13 resumes at 10 and ends with what an undisturbed run has learnt, to the bit."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "3"]
    done = subprocess.run(
        [*command, EXAMPLE, tmp_path, "--steps", "20", "--crash-at", "13"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["step 10", "step 20"]
    assert "failed (exitcode" in done.stderr
    checkpoint = tmp_path / "checkpoint.safetensors"
    with safe_open(checkpoint, "np") as file:
        assert file.metadata() == {"step": "20"}
    undisturbed, _ = found("example")
    assert digests(checkpoint) == undisturbed
