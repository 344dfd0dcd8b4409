"""The caller's own note in a token file: a small JSON object."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

from zador.errors import FormatError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LONGEST", "dump", "load"]

LONGEST = 1 << 20


def dump(about: Mapping[str, Any] | None) -> bytes:
    """Return `about` as compact UTF-8 JSON; nothing at all becomes no bytes.

    Raises:
        UsageError: no object of plain JSON values, NaN or infinity among them, or longer than 1 MiB.
    """
    if not about:
        return b""
    try:
        text = json.dumps(dict(about), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        data = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"about: expected a dict of plain JSON values, got one that JSON cannot hold ({error})") from error
    if len(data) > LONGEST:
        raise UsageError(f"about: {len(data)} bytes as JSON, a token file takes {LONGEST}; keep large things in a file")
    return data


def load(data: bytes, name: str) -> dict[str, Any]:
    """Return what `dump` wrote.

    Raises:
        FormatError: not that.
    """
    if not data:
        return {}
    try:
        about = json.loads(data.decode(), parse_constant=_refuse, parse_float=_finite)
        json.dumps(about, ensure_ascii=False).encode()  # half a surrogate pair could not be printed
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: its note is no JSON that zador wrote ({error})".replace("\n", " ")) from None
    if not isinstance(about, dict):
        raise FormatError(f"{name}: its note is a JSON {type(about).__name__}, not an object; zador wrote no such file")
    return about


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is beyond float64")
    return number
