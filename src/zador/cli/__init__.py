"""The command line: parses, calls, prints. Exit codes: 0 good, 1 findings, 2 usage, 3 bad data, 130 interrupted."""

from __future__ import annotations

import sys

import typer

from zador.cli.app import app
from zador.errors import MissingDependencyError, UsageError, ZadorError

__all__ = ["main"]

_USAGE, _DATA, _INTERRUPTED = 2, 3, 130


def main() -> None:
    """Run `zador` with the arguments of the process; every mistake of a user ends in one line and its exit code."""
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        _fail(error.format_message(), _USAGE)
    except (UsageError, MissingDependencyError) as error:
        _fail(str(error), _USAGE)
    except ZadorError as error:
        _fail(str(error), _DATA)
    else:
        if code == _INTERRUPTED:  # typer's answer to Ctrl-C
            _fail("interrupted; nothing was written", _INTERRUPTED)
        sys.exit(code)


def _fail(message: str, code: int) -> None:
    line = " ".join(message.split())
    print(f"zador: {line}", file=sys.stderr)  # noqa: T201 - this is the command line
    sys.exit(code)
