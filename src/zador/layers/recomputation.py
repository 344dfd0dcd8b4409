"""Gradient checkpointing runs a pass twice: tables are to learn once, and the repetition is to see what the first pass saw.

`torch.utils.checkpoint` repeats a pass in the middle of a backward. Its variants differ in the first pass: with
`use_reentrant=False` that is an ordinary one, from which tables learn, and the repetition has to quantize with the codewords
of before; with `use_reentrant=True` it runs without gradients, so nothing is learnt, and the repetition is what counts.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from zador.layers.table import LearnedTable

__all__ = ["Recomputation"]


class Recomputation:
    """Knows whether a pass is a repetition, and takes tables back to what they were.

    Args:
        tables: those of the layer.

    Attributes:
        repeating: whether the pass under way repeats an earlier one.
        after_lesson: whether it repeats one that tables have learnt from.
    """

    def __init__(self, tables: Sequence[LearnedTable]) -> None:
        self.tables = tables
        # Passes in training mode without gradients that no backward has repeated yet.
        self.postponed = 0
        self.repeating = False
        self.after_lesson = False
        self._last: Tensor | None = None

    @contextmanager
    def of(self, *, learns: bool, training: bool) -> Iterator[bool]:
        """Surround a pass, and yield whether tables learn from it.

        Args:
            learns: whether they would from an ordinary pass.
            training: whether the layer is in training mode.
        """
        if not training or torch.compiler.is_compiling() or torch.compiler.is_exporting():
            yield learns
            return
        if not _in_backward():
            self.postponed = 0 if learns else self.postponed + 1
            yield learns
            return
        learnt_before = self.postponed == 0
        self.postponed -= not learnt_before
        self.repeating, self.after_lesson = True, learnt_before
        for table in self.tables:
            table.recall(back=learnt_before)
        try:
            yield learns and not learnt_before
        finally:
            self.repeating = self.after_lesson = False
            for table in self.tables:
                table.recall(back=False)

    @contextmanager
    def after_learning(self) -> Iterator[None]:
        """Surround what, in a pass, sees the tables as they are once they have learnt from it, repeated or not."""
        if self.after_lesson:
            for table in self.tables:
                table.recall(back=False)
        yield
        if self.after_lesson:
            for table in self.tables:
                table.recall(back=True)

    def recognise(self, x: Tensor, *, learns: bool) -> None:
        """Remember the vectors x (N, d) of a pass that tables learn from; make sure that a repetition is of the last one.

        Tables know what they were before one pass, not before any. Two rows are compared, to 1 %: what repeats a pass on
        another stream of random numbers, or in another order of additions, still looks the same.

        Raises:
            UsageError: another pass came between.
        """
        if torch.compiler.is_compiling() or not (learns or self.after_lesson):
            return
        ends = x.detach()[:: max(1, x.shape[0] - 1)].clone()
        if not self.after_lesson:
            self._last = ends
        elif not _alike(self._last, ends):
            raise UsageError(
                "a checkpointed pass is repeated, but the layer has learnt from another one since; between two backward "
                "passes let it learn once: layer(x, update=False) for the others, or no checkpoint around the layer"
            )


def _alike(last: Tensor | None, ends: Tensor) -> bool:
    return last is not None and last.shape == ends.shape and torch.allclose(last, ends, rtol=1e-2, atol=1e-5)


def _in_backward() -> bool:
    return bool(torch._C._current_graph_task_id() != -1)  # noqa: SLF001 - what torch.utils.checkpoint itself asks
