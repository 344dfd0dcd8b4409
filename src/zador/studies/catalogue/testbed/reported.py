"""What the reports printed, to stand beside what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.catalogue.printed import printed

if TYPE_CHECKING:
    from zador.studies.design import Quoted

__all__ = ["SEED", "quoted"]

SEED = 42
"""The one seed of the reports."""


def quoted(study: str) -> tuple[Quoted, ...]:
    """Return the numbers that the reports printed for `study`, entropies in bits; none if they have no such table."""
    return printed(str(__package__), study, (SEED,))
