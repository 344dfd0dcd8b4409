"""The numbers behind a report as files inside it: data: links that a browser saves without asking anybody."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.studies.comparison.report.codeword_table import table
from zador.studies.page.downloads import as_csv, as_json, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.comparison.records import Arm, Comparison, Exhibit
    from zador.studies.page.downloads import Download

__all__ = ["arms", "codewords", "curve", "everything", "examples", "usage"]

_MOST_NUMBERS = 80_000
"""Codeword coordinates in one page; with more, the page would burst its 2 MB."""


def arms(comparison: Comparison) -> Download:
    """Return the table of arms as CSV, all digits, None as an empty field, recall as a field for each number of answers."""
    rows = _flat(comparison.arms)
    return as_csv("arms", _file_name(comparison, "arms"), list(rows[0]), [list(row.values()) for row in rows])


def curve(comparison: Comparison) -> Download:
    """Return the drawn Gaussian D(R) curve as CSV."""
    points = zip(comparison.curve_bits.tolist(), comparison.curve_distortion.tolist(), strict=True)
    return as_csv("curve", _file_name(comparison, "curve"), ["bits", "distortion"], points)


def usage(comparison: Comparison, exhibit: Exhibit) -> Download:
    """Return how often each codeword was chosen as CSV, in codebook order."""
    name = _file_name(comparison, f"usage-{exhibit.bits:.4g}-bits")
    return as_csv("usage", name, ["codeword", "chosen"], enumerate(table(exhibit)[1].tolist()))


def codewords(comparison: Comparison, exhibit: Exhibit) -> Download | None:
    """Return the codewords as CSV with five digits, or None where the comparison's codebooks are too large for a page."""
    if sum(shown.codewords.size for shown in comparison.exhibits if shown.codewords is not None) > _MOST_NUMBERS:
        return None
    name = _file_name(comparison, f"codewords-{exhibit.bits:.4g}-bits")
    return as_csv("codewords", name, _coordinates(exhibit), _short(table(exhibit)[0]))


def examples(comparison: Comparison, exhibit: Exhibit) -> Download | None:
    """Return the example vectors and their reconstructions as CSV, alternating; None where they are too large."""
    if 2 * sum(shown.originals.size for shown in comparison.exhibits) > _MOST_NUMBERS // 2:
        return None
    name = _file_name(comparison, f"examples-{exhibit.bits:.4g}-bits")
    both = np.stack([exhibit.originals, exhibit.reconstructions], axis=1).reshape(-1, exhibit.originals.shape[1])
    return as_csv("examples", name, _coordinates(exhibit), _short(both))


def everything(comparison: Comparison) -> Download:
    """Return all of it as JSON but codewords and examples; what is not finite becomes null, JSON has no word for it."""
    tree = {
        "data": asdict(comparison.data),
        "arms": _flat(comparison.arms),
        "curve": {"bits": comparison.curve_bits.tolist(), "distortion": comparison.curve_distortion.tolist()},
        "exhibits": [
            {"arm": e.arm, "bits": e.bits, "usage": None if e.usage is None else e.usage.tolist()}
            for e in comparison.exhibits
        ],
        "provenance": comparison.provenance,
        "notes": list(comparison.notes),
    }
    return as_json("everything", _file_name(comparison, "comparison", "json"), tree)


def _flat(arms: Sequence[Arm]) -> list[dict[str, Any]]:
    """Return the fields of each arm, `recall` as `recall@1` and so on, where any arm has it."""
    answers = sorted({k for arm in arms for k in arm.recall or {}})
    rows = []
    for arm in arms:
        row: dict[str, Any] = {}
        for key, value in asdict(arm).items():
            row |= {f"recall@{k}": (value or {}).get(k) for k in answers} if key == "recall" else {key: value}
        rows.append(row)
    return rows


def _coordinates(exhibit: Exhibit) -> list[str]:
    return [f"x{index}" for index in range(exhibit.originals.shape[1])]


def _short(matrix: Any) -> list[list[str]]:
    return [[f"{value:.5g}" for value in row] for row in matrix.tolist()]


def _file_name(comparison: Comparison, part: str, ending: str = "csv") -> str:
    """A data set may be called anything; a file name should be plain."""
    return f"{plain(comparison.data.name, 'data')}-{part}.{ending}"
