"""Written whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from zador.errors import UsageError
from zador.files import check_folder, check_writable, write_atomically


def test_the_bytes_arrive(tmp_path):
    """A new file holds exactly the bytes, and nothing else is left in the directory."""
    write_atomically(tmp_path / "a.bin", b"\x00\xff\r\n")
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff\r\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_an_old_file_is_replaced_and_keeps_its_permissions(tmp_path):
    """Replacing a file changes its content, not who may read it."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old, and longer than the new one")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_gets_the_permissions_that_open_gives(tmp_path):
    """A report that others should read is not 0600 because of how it was written."""
    write_atomically(tmp_path / "ours", b"")
    (tmp_path / "opened").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "opened").stat().st_mode


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_on_the_way_keeps_the_old_file(tmp_path, monkeypatch, step):
    """A full disk or a failing rename leaves the old file whole and no temporary file behind."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_an_interruption_keeps_the_old_file(tmp_path, monkeypatch):
    """Control-C in the middle is passed on, and leaves the old file whole and no temporary file behind."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def interrupt(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("name", ["no/such/directory/a.bin", "."])
def test_a_path_that_cannot_be_written_is_a_usage_error_of_one_line(tmp_path, name):
    """A missing directory, or a directory in the file's place, is the caller's mistake, told in one line."""
    with pytest.raises(UsageError) as caught:
        write_atomically(tmp_path / name, b"new")
    assert "\n" not in str(caught.value)
    assert "cannot write" in str(caught.value)


def test_a_link_stays_a_link(tmp_path):
    """Writing through a symbolic link replaces what it points to, and keeps the link."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_what_is_no_regular_file_is_written_to_and_not_replaced(tmp_path):
    """A named pipe receives the bytes and stays a pipe: replacing /dev/null would harm the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    ("path", "message"), [("", "it is a directory"), ("nowhere/report.html", "there is no directory"), ("new.html", None)]
)
def test_what_cannot_be_written_is_said_beforehand(tmp_path, path, message):
    """A directory, and a file in a directory that does not exist, are refused before the work; a new file is not."""
    if message is None:
        check_writable(tmp_path / path)
        return
    with pytest.raises(UsageError, match=message):
        check_writable(tmp_path / path)


@pytest.mark.parametrize(("path", "refused"), [("file", True), ("file/below", True), ("new/and/deeper", False), ("", False)])
def test_a_folder_to_save_in_is_checked_beforehand(tmp_path, path, refused):
    """A file, and a path through one, are refused before the work; what exists or can be made is not."""
    (tmp_path / "file").write_text("mine")
    if refused:
        with pytest.raises(UsageError, match="is a file"):
            check_folder(tmp_path / path)
    else:
        check_folder(tmp_path / path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
