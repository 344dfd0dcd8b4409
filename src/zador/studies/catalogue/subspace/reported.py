"""What the report printed, to stand beside what its own protocol gives."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from zador.studies.design import Quoted
from zador.units import to_bits

__all__ = ["SEEDS", "quoted"]

SEEDS = (1, 2, 3)
"""Of the report, which prints means over them."""

_NATS, _PER_DIM, _DIM = "_nats", "_per_dim", 256


def quoted(study: str, protocol: str) -> tuple[Quoted, ...]:
    """Return what was printed for `study`, for its settings under `protocol`: entropies in bits, errors summed."""
    table = _tables()[study]
    return tuple(
        _quoted(arm, metric, text, f"{setting}, {protocol}", table["source"])
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
    if metric.endswith(_PER_DIM):
        metric, value, tolerance = metric.removesuffix(_PER_DIM), _DIM * value, _DIM * tolerance
    return Quoted(arm, metric, value, SEEDS[0], setting, source, tolerance, SEEDS[1:])
