"""What a study compares: methods, each an initialiser and a learner under one name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zador.codebooks import Initialiser, Lloyd

__all__ = ["Method"]


@dataclass(frozen=True)
class Method:
    """A way to get a codebook from vectors.

    Attributes:
        name: as tables and plots call it.
        start: what the first codewords are.
        learner: how they move afterwards; None leaves them where they start.
    """

    name: str
    start: Initialiser
    learner: Lloyd | None
