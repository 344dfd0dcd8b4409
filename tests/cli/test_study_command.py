"""`zador study` as somebody types it: tables, files, wrong arguments, Ctrl-C."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zador.cli.interrupts import heard_interrupts

WORKS = Path(__file__).parent.parent / "studies"
SETUP = "import works, zador.studies.catalogue as c; c.STUDIES = (works.slow,); from zador.cli import main; main()"


@pytest.fixture
def study(zador_here, monkeypatch):
    """Run `zador study ARGUMENTS` with a catalogue of two tiny studies, in this process."""
    monkeypatch.syspath_prepend(WORKS)
    import works

    def other(*, quick=False):
        return works.design(works.Draw(0.5), works.Draw(5.0), name="other", seeds=(42,) if quick else (42, 43))

    def slow(*, quick=False):
        del quick
        return works.slow(quick=True)

    monkeypatch.setattr("zador.studies.catalogue.STUDIES", (slow, other))
    monkeypatch.setattr("zador.studies.catalogue.GROUPS", {"others": (other,)})
    return lambda *arguments: zador_here("study", *arguments)


class TestRuns:
    """What a run leaves and says."""

    def test_list_names_every_study(self, study):
        """One line a study, name first, and the groups in the last one; as JSON with the question."""
        *lines, last = study("list").out.splitlines()
        assert [line.split()[0] for line in lines] == ["slow", "other"]
        assert last == "Several at once: others (1), all (2)"
        assert study().out == study("list").out
        told = json.loads(study("list", "--json").out)
        assert [one["name"] for one in told["studies"]] == ["slow", "other"]
        assert told["groups"] == {"others": ["other"], "all": ["slow", "other"]}

    def test_a_group_is_run_like_all(self, study):
        """Each of its studies in a directory of its own, and a page over them."""
        done = study("others", "--workers", "0", "-o", "some")
        assert done.code == 0, done.err
        assert {path.name for path in Path("some").iterdir()} == {"cells", "other", "index.html", "report.md"}

    def test_a_study_leaves_its_files_and_prints_the_report_last(self, study):
        """Tables on standard output, progress with time left on standard error, six files, the page's path at the end."""
        done = study("other", "--seeds", "3", "--workers", "0", "-o", "here")
        assert done.code == 0, done.err
        assert "arm 1" in done.out
        assert done.out.splitlines()[-1] == "Report: here/index.html"
        assert "study 6/6: other, all, arm 1" in done.err
        assert " s left" in done.err
        left = {path.name for path in Path("here").iterdir()}
        assert left == {"cells", "rows.csv", "failures.csv", "design.json", "provenance.json", "index.html", "report.md"}
        rows = list(csv.DictReader(Path("here/rows.csv").read_text().splitlines()))
        assert [row["seed"] for row in rows if (row["arm"], row["metric"]) == ("arm 0", "error")] == ["42", "43", "44"]
        assert list(rows[0]) == ["study", "setting", "arm", "seed", "metric", "value"]
        about = json.loads(Path("here/provenance.json").read_text())
        assert about["command"] == "zador study other --seeds 3 --workers 0 -o here"

    def test_running_it_again_computes_nothing_and_writes_the_same_tables(self, study):
        """Everything but provenance is the same bytes; more seeds keep the rows that were there."""
        files = [Path("zador-study-slow") / name for name in ("rows.csv", "failures.csv", "design.json")]
        study("slow", "--workers", "0")
        before = [file.read_bytes() for file in files]
        again = study("slow")
        assert "stored already" in again.err
        assert [file.read_bytes() for file in files] == before
        assert "diverged at step 41" in files[1].read_text()
        study("slow", "--workers", "0", "--seeds", "9")
        assert set(before[0].splitlines()) < set(files[0].read_bytes().splitlines())

    def test_all_studies_share_cells_and_have_an_index(self, study):
        """Each in its own directory, the cells beside them, one page over all."""
        done = study("all", "--workers", "0", "-o", "every")
        assert done.code == 0, done.err
        assert done.out.splitlines()[-1] == "Report: every/index.html"
        assert Path("every/slow/rows.csv").exists()
        assert Path("every/other/index.html").exists()
        assert "other/index.html" in Path("every/index.html").read_text()
        assert not Path("every/slow/cells").exists()
        assert len(list(Path("every/cells").glob("*/*.json"))) == 24 + 4

    def test_json_is_one_object(self, study):
        """Rows with NaN as null, failures, where the report is."""
        found = json.loads(study("slow", "--workers", "0", "--json").out)
        (one,) = found["studies"]
        assert one["name"] == "slow"
        assert len(one["rows"]) == 4 * 6 * 2
        assert {"crashed: ZeroDivisionError: of what?"} < {failure["failure"] for failure in one["failures"]}
        assert Path(one["report"]).exists()
        assert found["provenance"]["zador"]

    def test_one_seed_gives_tables_and_no_verdicts(self, study):
        """`--seeds 1` is allowed, and says what it is not enough for."""
        done = study("other", "--seeds", "1", "--workers", "0")
        assert done.code == 0
        assert "One seed decides nothing" in done.out

    def test_quick_is_handed_to_the_study(self, study):
        """The short form of `other` has one seed."""
        assert len(json.loads(study("other", "--quick", "--workers", "0", "--json").out)["studies"][0]["seeds"]) == 1


class TestWrongArguments:
    """One clear line, the right code, and no work done."""

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            (["otter"], 2, "did you mean 'other'? otherwise choose from slow, other, others, all, list"),
            (["other", "--seeds", "0"], 2, "--seeds"),
            (["other", "--seeds", "many"], 2, "--seeds"),
            (["other", "--workers", "-1"], 2, "--workers"),
            (["other", "--workers", "2", "--scheduler", "tcp://127.0.0.1:9"], 2, "drop --workers"),
            (["other", "--scheduler", "somewhere"], 2, "tcp://10.0.0.1:8786"),
            (["other", "--resources", "GPU=1"], 2, "--scheduler"),
            (["other", "--resources", "GPU", "--scheduler", "tcp://127.0.0.1:9"], 2, "GPU=1"),
            (["other", "--resources", "GPU=0", "--scheduler", "tcp://127.0.0.1:9"], 2, "GPU=1"),
            (["other", "-o", "file"], 2, "is a file"),
            (["other", "-o", "file/below"], 2, "is a file"),
        ],
    )
    def test_each_is_told_in_one_line(self, study, tmp_path, arguments, code, told):
        """Name, counts, address, resources, directory."""
        (tmp_path / "file").write_text("")
        done = study(*arguments)
        assert done.code == code, done.err
        assert told in done.err
        assert len(done.err.strip().splitlines()) == 1
        assert not list(tmp_path.glob("*/cells/*/*.json"))

    def test_an_unreachable_scheduler_is_told(self, study, monkeypatch, tmp_path):
        """Exit code 3, one line with a remedy."""
        monkeypatch.setattr("zador.studies.cluster._SECONDS_TO_CONNECT", 0.5)
        done = study("other", "--scheduler", "tcp://127.0.0.1:9")
        assert done.code == 3
        assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.err
        assert len(done.err.strip().splitlines()) == 1
        assert not list(tmp_path.glob("*/cells/*/*.json"))


def test_an_interrupt_ends_in_one_line_and_keeps_what_is_done(tmp_path):
    """Ctrl-C at a terminal goes to all processes: exit code 130, one line, no traceback of a worker, finished cells kept."""
    command = [sys.executable, "-c", SETUP, "study", "slow", "--seeds", "60", "--workers", "2", "-o", "here"]
    path = os.pathsep.join(filter(None, (str(WORKS), os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        end = time.monotonic() + 60
        while not list(tmp_path.glob("here/cells/*/*.json")) and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        told = process.communicate()[1].strip().splitlines()
    assert process.returncode == 130
    assert told[-1].startswith("zador: interrupted; what was finished is kept in here/cells")
    assert all(line.startswith("study ") for line in told[:-1])
    assert list(tmp_path.glob("here/cells/*/*.json"))
    assert not (tmp_path / "here/rows.csv").exists()


def test_an_interrupt_that_python_drops_is_heard_at_the_next_cell():
    """One that arrives while a finaliser runs is not raised; the run asks for it after every cell."""
    before = signal.getsignal(signal.SIGINT)  # whoever starts tests in the background may have them ignore it
    with heard_interrupts() as check:
        check()
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_terminal_gets_a_bar_with_the_time_left(tmp_path):
    """On a terminal, standard error is one bar with cells done, time left and what was finished last."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", SETUP, "study", "slow", "--workers", "0", "--json", "-o", "here"]
    path = os.pathsep.join(filter(None, (str(WORKS), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "120"}
    shown = b""
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as process:
        os.close(theirs)
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    assert b" s left  slow, all, arm " in shown
    assert b"study 6/24:" not in shown


def _read(terminal):
    """Return what a terminal shows next; nothing once the other end has closed it."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
