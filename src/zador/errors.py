"""What can go wrong at the public door.

Every message says what was asked, what was got, and what to do about it. `assert` is kept for our own mistakes.
"""

from __future__ import annotations

__all__ = [
    "DataError",
    "FormatError",
    "MissingDependencyError",
    "NonFiniteError",
    "UsageError",
    "ZadorError",
    "ZadorWarning",
]


class ZadorError(Exception):
    """Base of everything that zador raises on purpose."""


class UsageError(ZadorError, ValueError):
    """An argument that no data could satisfy: an unknown name, a negative size. The command line exits with 2."""


class DataError(ZadorError, ValueError):
    """Data that the request cannot be carried out on: wrong shape, too few vectors, unreadable file. Exits with 3."""


class NonFiniteError(DataError):
    """NaN or infinity in data that has to be finite; the message counts the rows and names the first ones."""


class FormatError(DataError):
    """A file that is not what it claims to be: truncated, foreign, too new, or with a meaning that does not hold."""


class MissingDependencyError(ZadorError, ImportError):
    """An optional library is not installed; the message gives the command that installs it. Exits with 2."""


class ZadorWarning(UserWarning):
    """A number that was asked for and returned, but that does not mean what it seems to; the message says why."""
