"""The report of a study: a self-contained HTML page and a Markdown file. `write.py` writes them; the rest are its parts."""

from __future__ import annotations

from zador.studies.report.index import Entry, write_index
from zador.studies.report.write import render_html, render_markdown, write

__all__ = ["Entry", "render_html", "render_markdown", "write", "write_index"]
