"""What the report printed, to stand beside what its own protocol gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zador.studies.catalogue.printed import printed

if TYPE_CHECKING:
    from zador.studies.design import Quoted

__all__ = ["SEEDS", "quoted"]

SEEDS = (1, 2, 3)
"""Of the report, which prints means over them."""

_DIM = 256


def quoted(study: str, protocol: str) -> tuple[Quoted, ...]:
    """Return what was printed for `study`, for its settings under `protocol`: entropies in bits, errors summed."""
    return tuple(
        replace(one, setting=f"{one.setting}, {protocol}") for one in printed(str(__package__), study, SEEDS, dim=_DIM)
    )
