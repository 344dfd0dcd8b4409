"""What a study found, in sentences, for a page of the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.report import answers
from zador.studies.report.markdown import escaped
from zador.studies.report.results import measure

if TYPE_CHECKING:
    from zador.studies.run import Evidence

__all__ = ["outcome"]


def outcome(*studies: Evidence) -> str:
    """Return a paragraph a study: what differs from its reference, what is left open, which runs failed."""
    paragraphs = []
    for evidence in studies:
        results = measure(evidence)
        said = (answers.headline(results), answers.open_questions(results), answers.failures(results))
        sentences = " ".join(escaped(sentence) for sentence in said if sentence)
        paragraphs.append(f"**{escaped(evidence.design.title)}** {sentences}")
    return "\n\n".join(paragraphs)
