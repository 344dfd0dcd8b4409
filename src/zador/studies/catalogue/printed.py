"""Numbers that reports printed, from tables kept beside the studies that they belong to, in the units of our metrics."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from zador.studies.design import Quoted
from zador.units import to_bits

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["printed"]

_NATS, _PER_DIM = "_nats", "_per_dim"


def printed(package: str, study: str, seeds: tuple[int, ...], *, dim: int = 1) -> tuple[Quoted, ...]:
    """Return what was printed for a study; nothing if there is no such table.

    Args:
        package: whose file `reported.toml` holds the tables: one a study, with `source`, `metrics`, and `rows` of setting,
            arm and numbers as they were printed. A metric that ends in `_nats` is turned into bits, one that ends in
            `_per_dim`, a mean over coordinates, into a sum.
        study: its name.
        seeds: of the run, or of the runs that the printed numbers are means of.
        dim: D, how many coordinates a mean was over.
    """
    table = _tables(package).get(study)
    return tuple(_numbers(table, seeds, dim)) if table else ()


def _numbers(table: dict[str, Any], seeds: tuple[int, ...], dim: int) -> Iterator[Quoted]:
    for setting, arm, *texts in table["rows"]:
        for metric, text in zip(table["metrics"], texts, strict=True):
            tolerance = 0.5 * 10.0 ** -len(text.partition(".")[2])
            found = Quoted(arm, metric, float(text), seeds[0], setting, table["source"], tolerance, seeds[1:])
            yield _in_our_unit(found, dim)


def _in_our_unit(found: Quoted, dim: int) -> Quoted:
    if found.metric.endswith(_NATS):
        value, tolerance = to_bits(found.value), to_bits(found.tolerance)
        return replace(found, metric=found.metric.removesuffix(_NATS), value=value, tolerance=tolerance)
    if found.metric.endswith(_PER_DIM):
        name = found.metric.removesuffix(_PER_DIM)
        return replace(found, metric=name, value=dim * found.value, tolerance=dim * found.tolerance)
    return found


@cache
def _tables(package: str) -> dict[str, Any]:
    return tomllib.loads((resources.files(package) / "reported.toml").read_text(encoding="utf-8"))
