"""Verdicts on claims, as a page shows them: a mark and a word for each status, and how many there are of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.claims import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.claims import Verdict

__all__ = ["Judged", "Tally", "judged", "tally"]

_MARKS = {
    Status.CONFIRMED: "✓",
    Status.SIZE_DIFFERS: "◐",
    Status.REFUTED: "✗",
    Status.ARTEFACT: "◆",
    Status.NOT_RESOLVED: "?",
    Status.NOT_RUN: "○",
}
"""In the order in which they are counted. The words say it all; marks let the eye find them."""


@dataclass(frozen=True)
class Tally:
    """A status with its mark, and how many verdicts have it."""

    status: Status
    amount: int

    @property
    def mark(self) -> str:
        """What the eye finds."""
        return _MARKS[self.status]

    @property
    def css(self) -> str:
        """The status as a class of the page."""
        return self.status.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict, ready to be shown.

    Attributes:
        tally: status and mark.
        quote: the words of the claim.
        where: source and section.
        sentence: what the runs say.
        because: what is behind it; empty where nobody said.
        evidence: the parts that the verdict is made of, where there are several.
    """

    tally: Tally
    quote: str
    where: str
    sentence: str
    because: str
    evidence: tuple[str, ...]


def judged(verdict: Verdict) -> Judged:
    """Return a verdict as it is shown."""
    claim = verdict.claim
    return Judged(
        Tally(verdict.status, 1),
        claim.quote,
        " · ".join(filter(None, (claim.source, claim.section))),
        verdict.sentence,
        claim.because,
        verdict.evidence if len(verdict.evidence) > 1 else (),
    )


def tally(verdicts: Sequence[Verdict]) -> list[Tally]:
    """Return how many verdicts there are of each status, those that there are."""
    found = Counter(verdict.status for verdict in verdicts)
    return [Tally(status, found[status]) for status in _MARKS if found[status]]
