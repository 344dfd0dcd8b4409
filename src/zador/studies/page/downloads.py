"""Files inside a page: data: links that a browser saves without asking anybody."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Download", "as_csv", "as_file", "as_json", "plain"]


@dataclass(frozen=True)
class Download:
    """A file inside the page: what it holds, its name, and the data: link."""

    label: str
    name: str
    href: str


def as_csv(label: str, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Download:
    """Return a table as CSV: numbers with all their digits, None as an empty field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return as_file(label, name, buffer.getvalue())


def as_json(label: str, name: str, tree: Any) -> Download:
    """Return a tree as JSON; what is not finite becomes null, JSON has no word for it."""
    return as_file(label, name, json.dumps(_finite(tree), allow_nan=False, ensure_ascii=False))


def as_file(label: str, name: str, text: str) -> Download:
    """Return text as a file; the ending of its name says what it is, `.csv` or `.json`.

    >>> as_file("rows", "rows.csv", "a,b").href
    'data:text/csv;charset=utf-8,a,b'
    """
    kind = "application/json" if name.endswith(".json") else "text/csv"
    return Download(label, name, f"data:{kind};charset=utf-8,{_escaped(text)}")


def plain(name: str, otherwise: str) -> str:
    """Return what a file name may hold of `name`, which may be anything.

    >>> plain("digits & letters.npy", "data")
    'digits-letters-npy'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or otherwise


def _finite(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_finite(value) for value in tree]
    if isinstance(tree, np.generic):
        tree = tree.item()
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def _escaped(text: str) -> str:
    return quote(text, safe=",;+*!()@[]{}")
