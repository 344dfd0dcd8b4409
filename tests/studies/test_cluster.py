"""Workers: what they give, what their deaths cost, and what is left when the driver dies."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import works

from zador.errors import DataError, UsageError
from zador.studies import cluster, code_version
from zador.studies.cluster import LocalWorkers, RemoteWorkers
from zador.studies.folder import rows_csv
from zador.studies.run import run_study

HERE = Path(__file__).parent


def wait_for(condition, seconds=60):
    """Return what `condition` returns, as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def blocks(log):
    """Return how often each block was begun, from the lines that its work left."""
    return Counter(line.split()[1] for line in Path(log).read_text().splitlines())


class TestLocalWorkers:
    """Processes of this machine."""

    def test_rows_are_those_of_one_process(self, tmp_path):
        """Same evidence, failures included, to the last bit; each library is told to use one thread."""
        design = works.design(works.Draw(), works.Fails(), works.Draw(2.0), works.Threads())
        alone = run_study(works.design(works.Draw(), works.Fails(), works.Draw(2.0)), tmp_path / "a")
        evidence = run_study(design, tmp_path / "b", LocalWorkers(2))
        both = [outcome for stamp, outcome in evidence.outcomes.items() if stamp.arm != "arm 3"]
        assert repr(both) == repr(list(alone.outcomes.values()))
        threads = [outcome.metrics for stamp, outcome in evidence.outcomes.items() if stamp.arm == "arm 3"]
        assert all(len(told) == 4 and set(told.values()) == {1.0} for told in threads)

    def test_nothing_missing_starts_nothing(self, tmp_path, monkeypatch):
        """With all cells there, no worker is."""
        design = works.design(works.Draw())
        first = run_study(design, tmp_path)
        monkeypatch.setattr(cluster, "_local_client", None)
        assert run_study(design, tmp_path, LocalWorkers(2)) == first

    def test_a_killed_worker_costs_its_block(self, tmp_path):
        """A worker dies by SIGKILL in the middle: the rows are all there, and only its own block was begun twice."""
        log = tmp_path / "log"
        kills = works.Kills(str(tmp_path / "flag"), once=44, log=str(log))
        design = works.design(kills, *(works.Draw(scale, log=str(log), pause=0.02) for scale in (1.0, 2.0)))
        evidence = run_study(design, tmp_path / "cells", LocalWorkers(1))
        assert (tmp_path / "flag").exists()
        assert evidence.failures == {}
        assert [row.value for row in evidence.rows if (row.arm, row.metric) == ("arm 0", "error")] == [42.0, 43.0, 44.0]
        # One block an arm; that of the arm that killed came twice.
        assert blocks(log) == {"42,43,44": 4}

    def test_a_seed_that_kills_its_workers_is_an_outcome(self, tmp_path):
        """It alone is told of, and is not stored; its neighbours in the block, and the other arms, are as ever."""
        design = works.design(works.Kills(str(tmp_path / "flag"), poison=43), works.Draw(), seeds=(42, 43, 44, 45))
        evidence = run_study(design, tmp_path / "cells", LocalWorkers(2, allowed_failures=1))
        assert {stamp.seed: text for stamp, text in evidence.failures.items()} == {
            43: "killed its worker 2 times (out of memory?)"
        }
        values = [row.value for row in evidence.rows if (row.arm, row.metric) == ("arm 0", "error")]
        assert values == pytest.approx([42.0, float("nan"), 44.0, 45.0], nan_ok=True)
        assert len(list((tmp_path / "cells").glob("*/*.json"))) == 7

    def test_no_workers_is_a_usage_error(self):
        """Zero is what another executor is for."""
        with pytest.raises(UsageError, match="at least 1"):
            LocalWorkers(0)


class TestKilledDriver:
    """SIGKILL at any time."""

    def drive(self, folder, seeds):
        return subprocess.Popen([sys.executable, HERE / "drive.py", str(seeds), folder], stderr=subprocess.DEVNULL)

    def kill(self, driver):
        """End a driver as a full machine would; see its workers go by themselves."""
        try:
            workers = psutil.Process(driver.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            workers = []
        driver.kill()
        driver.wait()
        wait_for(lambda: not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers))

    def check(self, folder, seeds, tmp_path):
        assert self.drive(folder, seeds).wait() == 0
        alone = run_study(works.slow(quick=True).with_seeds(seeds), tmp_path / "alone")
        # The arms' pause is part of their configuration, and no part of their numbers.
        assert (folder / "rows.csv").read_bytes() == rows_csv(alone).encode()

    def test_three_kills_leave_the_same_bytes(self, tmp_path):
        """Killed when the first new cell appears, three times: rows.csv is as if undisturbed, and no worker is left."""
        folder = tmp_path / "study"
        folder.mkdir()
        for _ in range(3):
            before = len(list(folder.glob("cells/*/*.json")))
            driver = self.drive(folder, 20)
            wait_for(lambda before=before: len(list(folder.glob("cells/*/*.json"))) > before)
            self.kill(driver)
        assert not (folder / "rows.csv").exists()
        self.check(folder, 20, tmp_path)

    @pytest.mark.long
    def test_twenty_kills_at_random_times_leave_the_same_bytes(self, tmp_path):
        """While it starts, while it works, while it writes: 20 kills, no worker left, no partial file taken for a cell."""
        folder = tmp_path / "study"
        folder.mkdir()
        moment = random.Random(20)  # noqa: S311 - no secret
        for _ in range(20):
            driver = self.drive(folder, 300)
            time.sleep(moment.uniform(0.2, 8.0))
            self.kill(driver)
        self.check(folder, 300, tmp_path)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A scheduler and a worker with one GPU, so it says, as processes of their own; its address."""
    file = tmp_path_factory.mktemp("scheduler") / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ("--scheduler-file", file, "--no-dashboard")
    serve = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common]
    work = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--resources", "GPU=1", *common]
    with subprocess.Popen(serve, **quiet) as served:
        wait_for(lambda: file.exists() and file.read_text())
        address = json.loads(file.read_text())["address"]
        with subprocess.Popen(work, **quiet) as worked:
            yield address
            worked.terminate()
        served.terminate()


class TestRemoteWorkers:
    """A cluster that runs already."""

    def test_its_workers_do_the_work(self, scheduler, tmp_path):
        """Each task takes the GPU that the worker has; the evidence is that of one process."""
        design = works.design(works.Draw(), works.Fails())
        with RemoteWorkers(scheduler, {"GPU": 1}) as workers:
            assert workers.slots == 1
            evidence = run_study(design, tmp_path / "a", workers)
        assert repr(evidence) == repr(run_study(design, tmp_path / "b"))

    def test_resources_that_nobody_has_are_told_at_once(self, scheduler):
        """Two GPUs a task, and one there: an error that says how to start a worker."""
        with pytest.raises(DataError, match="--resources 'GPU=2'"), RemoteWorkers(scheduler, {"GPU": 2}):
            pass

    def test_workers_with_other_code_are_told_at_once(self, scheduler, monkeypatch):
        """Their results would be filed under code that did not make them."""
        code_version.rooms_version.cache_clear()
        with monkeypatch.context() as other:
            other.setattr(code_version, "_ABOVE", (*code_version._ABOVE, "units"))
            with pytest.raises(DataError, match="other code of zador"), RemoteWorkers(scheduler):
                pass
        code_version.rooms_version.cache_clear()

    def test_workers_without_the_module_are_told(self, scheduler, tmp_path, monkeypatch):
        """The study's own module is missing there: one line, no traceback of theirs."""
        (tmp_path / "only_here.py").write_text("from works import Draw\n\n\nclass Mine(Draw):\n    pass\n")
        monkeypatch.syspath_prepend(tmp_path)
        import only_here

        with RemoteWorkers(scheduler) as workers, pytest.raises(DataError, match="need the modules") as error:
            run_study(works.design(only_here.Mine()), tmp_path / "cells", workers)
        assert "only_here" in str(error.value)
        assert "\n" not in str(error.value)

    def test_nobody_there_is_told(self, monkeypatch):
        """No scheduler at the address: one line with a remedy."""
        monkeypatch.setattr(cluster, "_SECONDS_TO_CONNECT", 1.0)
        with pytest.raises(DataError, match="dask scheduler"), RemoteWorkers("tcp://127.0.0.1:9"):
            pass

    @pytest.mark.parametrize("address", ["127.0.0.1:8786", "tcp://", "tcp://host", "http://host:1", "nonsense", ""])
    def test_what_is_no_address_is_a_usage_error(self, address):
        """Before anything is asked of the network."""
        with pytest.raises(UsageError, match=r"tcp://10\.0\.0\.1:8786"):
            RemoteWorkers(address)
