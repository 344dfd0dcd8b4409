"""The report of a study as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zador.files import check_folder, write_atomically
from zador.studies.report.compose import compose
from zador.studies.report.markdown import to_markdown
from zador.studies.report.results import measure

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from zador.studies.claims import Verdict
    from zador.studies.run import Evidence

__all__ = ["render_html", "render_markdown", "write"]


def write(
    evidence: Evidence, directory: str | os.PathLike[str], *, verdicts: Sequence[Verdict], provenance: Mapping[str, str]
) -> Path:
    """Write `index.html` and `report.md`, each whole or not at all, and return the page's path.

    Args:
        evidence: the study. Names and sentences in it are text, whatever they contain.
        directory: where; made if it is not there.
        verdicts: on the claims that the study settles, in the order in which they are shown; there may be none.
        provenance: label to text, in the order in which they are shown.

    Raises:
        UsageError: the directory cannot be written; reports that were there before are untouched.
    """
    check_folder(directory)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    results = measure(evidence)
    page = compose(evidence, results, verdicts, provenance)
    text = to_markdown(results, verdicts, provenance)
    write_atomically(folder / "report.md", text.encode())
    write_atomically(folder / "index.html", page.encode())
    return folder / "index.html"


def render_html(evidence: Evidence, *, verdicts: Sequence[Verdict], provenance: Mapping[str, str]) -> str:
    """Return the page of `write` as text: the same evidence gives the same bytes."""
    return compose(evidence, measure(evidence), verdicts, provenance)


def render_markdown(evidence: Evidence, *, verdicts: Sequence[Verdict], provenance: Mapping[str, str]) -> str:
    """Return the Markdown of `write` as text."""
    return to_markdown(measure(evidence), verdicts, provenance)
