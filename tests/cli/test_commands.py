"""The command line as a newcomer types it: help, the three commands, wrong arguments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zador


def run(*arguments, cwd=None, **environment):
    """Run `zador ARGUMENTS` in a process of its own; return what it gave."""
    return subprocess.run(
        [sys.executable, "-c", "from zador.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        env={**os.environ, **environment},
    )


def _read(terminal):
    """Return what a terminal shows next; nothing once the other end has closed it."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


@pytest.fixture(scope="module")
def digits_json(tmp_path_factory):
    """`zador compare --data digits --bits 4,6 --json`, once."""
    folder = tmp_path_factory.mktemp("compare")
    return run("compare", "--data", "digits", "--bits", "4,6", "--json", cwd=folder), folder


class TestHelp:
    """Answers at once."""

    def test_help_imports_no_heavy_library(self):
        """`zador --help` loads neither torch nor numpy nor matplotlib, which is what makes it fast."""
        code = (
            "import sys\nsys.argv = ['zador', '--help']\nfrom zador.cli import main\ntry:\n    main()\n"
            "except SystemExit as end:\n    assert end.code in (0, None), end.code\n"
            "print('heavy:', sorted({'torch', 'numpy', 'matplotlib', 'numba', 'sklearn'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "compare" in done.stdout
        assert "heavy: []" in done.stdout

    def test_no_arguments_show_the_help(self):
        """Bare `zador` shows what there is."""
        done = run()
        assert done.returncode == 0
        assert "limits" in done.stdout

    def test_version(self):
        """`--version` prints the package's version."""
        assert run("--version").stdout.strip() == f"zador {zador.__version__}"


class TestCompare:
    """The main job."""

    def test_data_may_be_named_without_its_option(self, tmp_path):
        """`zador compare x.npy` with several seeds prints a p-value beside each error but the best."""
        np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((200, 3)))
        methods = ("--methods", "from data + Lloyd;PCA + Lloyd;uniform + Lloyd", "--seeds", "3")
        done = run("compare", "x.npy", "--bits", "2", *methods, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert " p " in done.stdout
        assert "3 times" in done.stdout
        assert "zador-compare-x.html" in done.stdout

    def test_two_sources_are_refused(self):
        """Whoever names data twice, differently, is asked which."""
        done = run("compare", "digits", "--data", "photos")
        assert done.returncode == 2
        assert "'digits'" in done.stderr
        assert "'photos'" in done.stderr

    def test_json_is_one_object_with_every_number(self, digits_json):
        """Standard output is one JSON object; each arm has every field, finite, real bits included."""
        done, _ = digits_json
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        fields = {"name", "bits", "distortion", "distortion_se", "gaussian_bound", "gap_db", "effective_bits", "perplexity"}
        assert len(result["arms"]) == 38
        for arm in result["arms"]:
            assert fields | {"dead", "real_bits", "seconds", "entropy_bits", "memory_mib", "codebook_size"} <= set(arm)
            assert all(np.isfinite(arm[field]) for field in (fields - {"name"}) | {"real_bits", "real_gap_db"})
            # A file holds at least the entropy of what it says, and its head.
            assert arm["entropy_bits"] <= arm["cross_entropy_bits"] < arm["real_bits"]
        assert result["data"]["name"] == "digits"

    def test_the_numbers_hang_together(self, digits_json):
        """Gap, effective bits, perplexity and dead codewords follow from distortion, bound, entropy and usage."""
        for arm in json.loads(digits_json[0].stdout)["arms"]:
            assert arm["gap_db"] == pytest.approx(10 * np.log10(arm["distortion"] / arm["gaussian_bound"]))
            assert arm["perplexity"] == pytest.approx(2 ** (arm["entropy_bits"] / arm["streams"]))
            assert (arm["codebook_size"] is None) == (arm["streams"] > 1)
            if arm["codebook_size"] is not None:
                assert arm["perplexity"] <= arm["codebook_size"] - arm["dead"] + 1e-9
                assert arm["codebook_size"] == 2 ** arm["bits"] or arm["entropy_coded"]

    def test_lloyd_beats_what_is_not_trained(self, digits_json):
        """At each rate every arm with Lloyd has a lower held-out distortion than the random and the scalar codebook."""
        arms = json.loads(digits_json[0].stdout)["arms"]
        for bits in (4, 6):
            here = {arm["name"]: arm["distortion"] for arm in arms if arm["bits"] == bits}
            trained = max(value for name, value in here.items() if name.endswith("+ Lloyd"))
            assert trained < min(here["random R(D) codebook"], here["scalar Lloyd–Max, PCA"])

    def test_json_alone_writes_nothing(self, digits_json):
        """With --json and no --report, no file appears."""
        assert list(digits_json[1].iterdir()) == []

    def test_table_report_and_plain_progress(self, tmp_path):
        """Without a terminal: a table on standard output, one line a step on standard error, and the report."""
        np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((300, 5)).astype(np.float32))
        done = run("compare", "--data", "x.npy", "--bits", "2,3", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "k-means++ + Lloyd" in done.stdout
        assert "upper bound on D(R) of these vectors" in done.stdout
        assert "compare 36/36: " in done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert (tmp_path / "zador-compare-x.html").read_text().lower().startswith("<!doctype html>")

    def test_a_terminal_gets_a_bar(self, tmp_path):
        """With standard error on a terminal, progress is one bar that names the current arm, not a line a step."""
        import pty

        np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((200, 3)))
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from zador.cli import main; main()",
                "compare",
                "--data",
                "x.npy",
                "--bits",
                "2",
                "--json",
            ],
            stdout=subprocess.PIPE,
            stderr=theirs,
            cwd=tmp_path,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        ) as process:
            os.close(theirs)
            shown = b""
            while chunk := _read(ours):
                shown += chunk
            assert json.loads(process.communicate()[0])["arms"]
        os.close(ours)
        assert b"lattice Z, coded, 2 bits" in shown
        assert b"compare 14/14:" not in shown

    def test_the_same_seed_gives_the_same_numbers(self, tmp_path):
        """Everything but time, memory and date repeats."""
        np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((200, 3)))
        first, second = (
            json.loads(run("compare", "--data", "x.npy", "--bits", "3", "--json", "--seed", "7", cwd=tmp_path).stdout)
            for _ in range(2)
        )
        for one, two in zip(first["arms"], second["arms"], strict=True):
            cost = {"seconds": 0, "encode_seconds": 0, "memory_mib": 0}
            assert one | cost == two | cost

    def test_constant_columns_are_reported_not_refused(self, tmp_path):
        """Data that vary in two of four columns are compared, and a note says so."""
        x = np.zeros((200, 4))
        x[:, :2] = np.random.default_rng(0).standard_normal((200, 2))
        np.save(tmp_path / "flat.npy", x)
        done = run("compare", "--data", "flat.npy", "--bits", "2", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "do not vary in 2 of 4 directions" in done.stdout


class TestFit:
    """From data to a directory."""

    def test_what_is_saved_can_be_loaded(self, tmp_path):
        """The codebook in the directory has the size and the training distortion that were printed."""
        done = run("fit", "digits", "--codebook-size", "16", "-o", tmp_path / "book", "--json")
        assert done.returncode == 0, done.stderr
        summary, codebook = json.loads(done.stdout), zador.load(tmp_path / "book")
        assert codebook.codewords.shape == (16, 64)
        vectors = zador.data.load("digits").array
        mean = zador.nearest(vectors, codebook.codewords).squared_distances.mean(dtype=float)
        assert summary["training_distortion"] == pytest.approx(mean, rel=1e-5)

    @pytest.mark.parametrize(
        "init",
        [
            "kmeans++",
            "from-data",
            "uniform",
            "rate-distortion",
            "isotropic-rate-distortion",
            "best-gaussian",
            "reproduction-law",
            "zador-density",
            "lloyd-max-grid",
        ],
    )
    def test_every_initialiser_has_a_name(self, tmp_path, init):
        """Each name that --help lists works, in plain words."""
        np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((100, 3)))
        done = run("fit", "x.npy", "-k", "4", "-o", "book", "--init", init, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "4 codewords (2 bits)" in done.stdout


class TestLimits:
    """The ladder."""

    def test_the_testbed(self):
        """The testbed's spectrum behind an encoder of 4 dimensions gives D(R) 1.9164 at K = 32, as in the reports."""
        done = run("limits", "--spectrum", "geomspace:4:0.25:6", "--encoder-dim", "4", "-k", "8,32", "--quick", "--json")
        assert done.returncode == 0, done.stderr
        assert "1.916" in done.stdout
        assert "3.147" in done.stdout

    def test_tables_and_data(self, tmp_path):
        """A spectrum written out, and the spectrum of data, both print a table."""
        np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((500, 3)))
        for arguments in (("--spectrum", "4,2,1"), ("--data", "x.npy")):
            done = run("limits", *arguments, "-k", "16", "--quick", cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert "K = 16, 4 bits" in done.stdout


class TestMistakes:
    """One clear line on standard error, the right exit code, nothing half-written."""

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["fitt"], 2, "No such command"),
            (["compare", "--bit", "4"], 2, "--bits"),
            (["compare", "--bits", "4,x"], 2, "--bits: expected whole numbers"),
            (["compare", "--bits", "2000"], 2, "from 1 to 1024"),
            (["compare", "--methods", "produkt"], 2, "did you mean 'product'? otherwise choose from uniform + Lloyd"),
            (["compare", "--bits", ""], 2, "--bits"),
            (["compare", "--data", "digit"], 2, "did you mean 'digits'"),
            (["compare", "--data", "missing.npy"], 3, "no such file"),
            (["compare", "--data", "nan.npy"], 3, "1 of 20 rows hold NaN or infinity (rows 3)"),
            (["compare", "--data", "empty.npy"], 3, "empty.npy"),
            (["compare", "--data", "object.npy"], 3, "object.npy"),
            (["compare", "--data", "flat.npy"], 3, "flat.npy"),
            (["compare", "--data", "constant.npy", "--bits", "1"], 3, "vectors are equal"),
            (
                ["compare", "--data", "few.npy", "--bits", "6", "--methods", "codebooks"],
                3,
                "none of the methods can be fitted",
            ),
            (["compare", "--data", "digits", "--held-out", "1.5"], 2, "held_out"),
            (["compare", "--report", "no/such/place.html"], 2, "there is no directory"),
            (["compare", "--report", "."], 2, "it is a directory"),
            (["fit", "digits", "-k", "4"], 2, "--out"),
            (["fit", "digits", "-k", "0", "-o", "book"], 2, "--codebook-size"),
            (["fit", "few.npy", "-k", "64", "-o", "book"], 3, "distinct"),
            (["fit", "digits", "-k", "4", "-o", "few.npy"], 2, "few.npy"),
            (["fit", "digits", "-k", "4", "-o", "book", "--init", "magic"], 2, "choose from kmeans++"),
            (["limits"], 2, "--spectrum"),
            (["limits", "--spectrum", "4,x"], 2, "cannot read"),
            (["limits", "--spectrum", "geomspace:4:0.25"], 2, "cannot read"),
            (["limits", "--spectrum", "1,-1"], 3, "-1"),
            (["limits", "--spectrum", "4,2,1", "--encoder-dim", "9"], 2, "9"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_one_line_and_the_exit_code(self, tmp_path, arguments, code, message):
        """Wrong arguments, wrong data, and output that cannot be written."""
        good = np.random.default_rng(0).standard_normal((20, 3))
        np.save(tmp_path / "few.npy", good)
        np.save(tmp_path / "nan.npy", np.where(np.arange(20)[:, None] == 3, np.nan, good))
        np.save(tmp_path / "empty.npy", good[:0])
        np.save(tmp_path / "object.npy", np.array([["a", None]], dtype=object), allow_pickle=True)
        np.save(tmp_path / "flat.npy", good.ravel())
        np.save(tmp_path / "constant.npy", np.ones((20, 3)))
        before = sorted(tmp_path.iterdir())
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == code, done.stderr
        assert message in done.stderr
        lines = [line for line in done.stderr.splitlines() if not line.startswith("compare ")]
        assert len(lines) == 1
        assert lines[0].startswith("zador: ")
        assert done.stdout == ""
        assert sorted(tmp_path.iterdir()) == before

    def test_interrupted(self, tmp_path):
        """Ctrl-C during the work ends with 130 and one line."""
        import signal
        import time

        # A shell that starts tests in the background has them ignore Ctrl-C, and processes inherit that.
        script = "import signal; signal.signal(2, signal.default_int_handler); from zador.cli import main; main()"
        with subprocess.Popen(
            [sys.executable, "-c", script, "compare", "--data", "photos", "--bits", "10,11"],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=tmp_path,
            text=True,
        ) as process:
            assert process.stderr.readline().startswith("compare 1/")
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
        assert process.returncode == 130
        assert errors.strip().splitlines()[-1] == "zador: interrupted; nothing was written"
        assert list(Path(tmp_path).iterdir()) == []
