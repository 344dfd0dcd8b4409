"""The file on disk: whole or not at all, and what was there before stays until then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zador.coding import StreamSpec, TokenReader, TokenWriter, pack
from zador.errors import DataError, FormatError, UsageError

SPEC = StreamSpec((5, 3), [np.ones(5), np.ones(3)], "00000000000000a1")
ROWS = [[4, 2], [0, 1]]


def names(folder):
    return [entry.name for entry in folder.iterdir()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.tokens"


def test_an_old_file_is_replaced_at_the_end_alone(path):
    """Until the block ends the old file is there, whole; then the new one, with the old one's permissions."""
    path.write_bytes(b"old")
    path.chmod(0o640)
    with TokenWriter(path, SPEC) as writer:
        writer.append(ROWS)
        assert path.read_bytes() == b"old"
        assert len(names(path.parent)) == 2
    assert path.read_bytes() == pack(ROWS, SPEC)
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(path.parent) == [path.name]


def write_and_stop(path, error):
    with TokenWriter(path, SPEC) as writer:
        writer.append(ROWS)
        raise error


@pytest.mark.parametrize("error", [DataError, KeyboardInterrupt, OSError])
def test_an_exception_leaves_nothing_behind(path, error):
    """Whatever ends the block, the exception comes out and the directory is as it was."""
    path.write_bytes(b"old")
    with pytest.raises(error, match="stop"):
        write_and_stop(path, error("stop"))
    assert path.read_bytes() == b"old"
    assert names(path.parent) == [path.name]


def test_a_refused_append_adds_nothing(path):
    """One who catches the error may go on; the refused rows are not in the file."""
    with TokenWriter(path, SPEC) as writer:
        writer.append(ROWS)
        with pytest.raises(DataError, match="1 lie outside their alphabets; the first is 5 in row 1, column 0"):
            writer.append([[0, 0], [5, 0]])
        writer.append(ROWS)
    assert TokenReader(path).read(SPEC).tolist() == ROWS + ROWS


_WRITE_SLOWLY = """
import sys, time, numpy as np
from zador.coding import StreamSpec, TokenWriter
spec = StreamSpec((5, 3), [np.ones(5), np.ones(3)], "00000000000000a1")
with TokenWriter(sys.argv[1], spec) as writer:
    for _ in range(10):
        writer.append(np.zeros((1 << 19, 2), int))
    print("written", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_leaves_the_old_file(path):
    """Killed after chunks went to the disk, a writer has not touched its target."""
    path.write_bytes(b"old")
    with subprocess.Popen([sys.executable, "-c", _WRITE_SLOWLY, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"written\n"
        os.kill(process.pid, signal.SIGKILL)
    assert path.read_bytes() == b"old"
    fresh = path.with_name("fresh")
    with subprocess.Popen([sys.executable, "-c", _WRITE_SLOWLY, str(fresh)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"written\n"
        os.kill(process.pid, signal.SIGKILL)
    assert not fresh.exists()


def test_a_full_disk_is_said_so():
    """A device without room gives a UsageError with the reason."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with (
        pytest.raises(UsageError, match="cannot write '/dev/full': No space left"),
        TokenWriter("/dev/full", SPEC) as writer,
    ):
        writer.append(ROWS)


def test_an_interrupted_append_spoils_the_file(path, monkeypatch):
    """If an append dies half-way and somebody catches that, the file is refused at the end rather than written short."""
    writer = TokenWriter(path, SPEC)
    writer.__enter__()
    monkeypatch.setattr(writer._packer, "_flush", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.append(np.zeros((1 << 19, 2), int))
    with pytest.raises(UsageError, match="would lack rows"):
        writer.__exit__(None, None, None)
    assert names(path.parent) == []


def test_a_pipe_is_written_to_directly(path):
    """What is no regular file cannot be replaced; it receives the same bytes."""
    os.mkfifo(path)
    with subprocess.Popen(["/bin/cat", str(path)], stdout=subprocess.PIPE) as process:
        with TokenWriter(path, SPEC) as writer:
            writer.append(ROWS)
        assert process.stdout.read() == pack(ROWS, SPEC)
    with pytest.raises(DataError, match="is no file"):
        TokenReader(path)


def test_a_link_keeps_its_place(path):
    """The file that a link points to is replaced, not the link."""
    (path.parent / "real").write_bytes(b"old")
    path.symlink_to("real")
    with TokenWriter(path, SPEC) as writer:
        writer.append(ROWS)
    assert path.is_symlink()
    assert (path.parent / "real").read_bytes() == pack(ROWS, SPEC)


def test_a_writer_writes_once_and_inside_its_block(path):
    """Appending before or after the block, or entering twice, is refused."""
    writer = TokenWriter(path, SPEC)
    with pytest.raises(UsageError, match="not open"):
        writer.append(ROWS)
    with writer:
        writer.append(ROWS)
    with pytest.raises(UsageError, match="not open"):
        writer.append(ROWS)
    with pytest.raises(UsageError, match="once"), writer:
        pass
    assert TokenReader(path).count == 2


def test_a_file_that_is_replaced_while_it_is_read(path):
    """A reader notices that its file is another one by now; one that already reads goes on with the old one."""
    path.write_bytes(pack(np.zeros((70_000, 2), int), SPEC))
    reader = TokenReader(path)
    going = reader.chunks(SPEC)
    first = next(going)
    with TokenWriter(path, SPEC) as writer:
        writer.append(ROWS)
    assert len(first) + sum(map(len, going)) == 70_000
    with pytest.raises(FormatError, match="was replaced since it was opened"):
        reader.read(SPEC)


def test_a_file_that_shrinks_while_it_is_read(path):
    """Truncated in place under a reader's hands: a FormatError, not a short result."""
    indices = np.random.default_rng(0).integers(0, 3, (1 << 20, 2))
    path.write_bytes(pack(indices, SPEC))
    going = TokenReader(path).chunks(SPEC)
    next(going)
    os.truncate(path, 1000)
    with pytest.raises(FormatError, match="became shorter"):
        list(going)


def test_nothing_stays_open(path):
    """An iteration that is given up closes its file."""
    path.write_bytes(pack(np.zeros((70_000, 2), int), SPEC))
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("no /proc here")
    before = len(names(descriptors))
    going = TokenReader(path).chunks(SPEC)
    next(going)
    assert len(names(descriptors)) == before + 1
    going.close()
    assert len(names(descriptors)) == before


@pytest.mark.parametrize(
    ("place", "message"),
    [("missing/file", "there is no directory"), (".", "it is a directory")],
)
def test_where_nothing_can_be_written(tmp_path, place, message):
    """An impossible target is refused before any work, and named."""
    with pytest.raises(UsageError, match=message):
        TokenWriter(tmp_path / place, SPEC)


def test_a_directory_that_goes_away(tmp_path):
    """What becomes impossible after the check is a UsageError too."""
    (tmp_path / "folder").mkdir()
    writer = TokenWriter(tmp_path / "folder" / "file", SPEC)
    (tmp_path / "folder").rmdir()
    with pytest.raises(UsageError, match=r"cannot write .*No such file"):
        writer.__enter__()


def test_what_cannot_be_read(tmp_path):
    """No such file, or a directory: a DataError that names it."""
    with pytest.raises(DataError, match="cannot be read"):
        TokenReader(tmp_path / "missing")
    with pytest.raises(DataError, match="is no file"):
        TokenReader(tmp_path)


def test_a_reader_says_what_it_reads(path):
    """Its repr names the file and what is in it."""
    path.write_bytes(pack(ROWS, SPEC))
    assert repr(TokenReader(path)) == f"TokenReader({str(path)!r}, count=2, streams=2, model='static')"
