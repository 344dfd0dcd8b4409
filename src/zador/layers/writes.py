"""Whether what a table writes into its parameters is there again in the next pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Writes"]


class Writes:
    """Remembers parameters before and after they were written into, until the next pass has seen where they are.

    `fully_shard` lends whole parameters to a layer for the length of a pass, and forgets what was written into them: then a
    table would start, or revive, in vain. An optimiser moves them too, but hardly half of the way back.
    """

    def __init__(self) -> None:
        self._last: list[tuple[int, Tensor, Tensor]] = []

    def note(self, before: Sequence[Tensor], after: Sequence[Tensor]) -> None:
        """Remember a write, if it was one: copies of parameters before it (none: there was none), and the parameters."""
        pairs = enumerate(zip(before, after, strict=False))
        written = [(number, was, now.detach().clone()) for number, (was, now) in pairs if not was.equal(now)]
        self._last = written or self._last

    def check(self, parameters: Sequence[Tensor]) -> None:
        """Make sure that the last write has lasted.

        Raises:
            UsageError: it has not.
        """
        last, self._last = self._last, []
        for number, was, became in last:
            now = parameters[number].detach().where(was != became, became)
            if torch.dist(now, became) > torch.dist(now, was):
                raise UsageError(
                    "codewords that the layer has placed are gone in the next pass: whoever wraps the model (fully_shard?) "
                    "keeps their parameters elsewhere; pass ignored_params=zador.layers.codebook_parameters(model) to it"
                )

    def __deepcopy__(self, memo: dict[int, object]) -> Writes:
        """Return one that remembers nothing."""
        return Writes()
