"""The report of a comparison: one self-contained HTML page. `compose.py` puts it together; the rest are its parts."""

from __future__ import annotations

from zador.studies.comparison.report.compose import render, write

__all__ = ["render", "write"]
