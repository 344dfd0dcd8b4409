"""The codebook that stays as it started."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from zador.codebooks.learn.learner import CodewordsState, Learning, as_statistics

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks.learn.cells import Seen

__all__ = ["Frozen"]


@dataclass(frozen=True)
class Frozen(Learning):
    """No codeword ever moves, and none is revived: `Frozen(start=codewords)`."""

    _: KW_ONLY
    revive: None = None

    def init(self, codewords: Tensor) -> CodewordsState:
        """Return the state that stays at codewords (K, d)."""
        return CodewordsState(as_statistics(codewords))

    def step(self, state: CodewordsState, seen: Seen) -> CodewordsState:
        """Return the state as it is."""
        del seen
        return state
