"""Gradient checkpointing runs a pass twice: tables are to learn once, and the repetition is to see what the first pass saw.

`torch.utils.checkpoint` repeats a pass in the middle of a backward. Its variants differ in the first pass: with
`use_reentrant=False` that is an ordinary one, from which tables learn, and the repetition has to quantize with the codewords
of before; with `use_reentrant=True` it runs without gradients, so nothing is learnt, and the repetition is what counts.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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

    @contextmanager
    def of(self, *, learns: bool, training: bool) -> Iterator[bool]:
        """Surround a pass, and yield whether tables learn from it.

        Args:
            learns: whether they would from an ordinary pass.
            training: whether the layer is in training mode.
        """
        if torch.compiler.is_compiling() or torch.compiler.is_exporting():
            yield learns
            return
        if not _in_backward():
            self.postponed = 0 if learns else self.postponed + training
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


def _in_backward() -> bool:
    return bool(torch._C._current_graph_task_id() != -1)  # noqa: SLF001 - what torch.utils.checkpoint itself asks
