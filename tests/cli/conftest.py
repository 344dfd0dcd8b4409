"""What the tests of the commands share."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from zador.cli import main


class Done(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture
def zador_here(tmp_path, monkeypatch, capsys):
    """Run `zador ARGUMENTS` in this process, in a directory of its own: much faster than a process for each."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["zador", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Done(end.value.code or 0, *capsys.readouterr())

    return run
