"""What the reports printed, to stand beside what is measured."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from zador.studies.design import Quoted
from zador.units import to_bits

__all__ = ["SEED", "quoted"]

SEED = 42
"""The one seed of the reports."""

_NATS = "_nats"


def quoted(study: str) -> tuple[Quoted, ...]:
    """Return the numbers that the reports printed for `study`, entropies in bits; none if they have no such table."""
    if study not in _tables():
        return ()
    table = _tables()[study]
    return tuple(
        _quoted(arm, metric, text, setting, table["source"])
        for setting, arm, *texts in table["rows"]
        for metric, text in zip(table["metrics"], texts, strict=True)
    )


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((resources.files(__package__) / "reported.toml").read_text(encoding="utf-8"))


def _quoted(arm: str, metric: str, text: str, setting: str, source: str) -> Quoted:
    value, tolerance = float(text), 0.5 * 10.0 ** -len(text.partition(".")[2])
    if metric.endswith(_NATS):
        metric, value, tolerance = metric.removesuffix(_NATS), to_bits(value), to_bits(tolerance)
    return Quoted(arm, metric, value, SEED, setting, source, tolerance)
