"""Residual codes: every stage quantizes what the stages before it left over."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from zador.errors import UsageError
from zador.quantizers.codes.base import Asked, Code, Quantized, Watch, context_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.quantizers.codes.base import Pass
    from zador.quantizers.codes.dropout import QuantizerDropout

__all__ = ["Once", "Residual", "reaching"]


class Residual(Code):
    """`r_1 = x`, `r_{s+1} = r_s - q_s`, `values = Σ_s q_s` [juang1982multiple].

    What is subtracted is the hard value, no estimate of it: so the gradient of every stage's loss reaches x, and no stage
    can cancel that of another.

    Args:
        stages: a code for each stage, or one that serves them all.
        repeats: how often the list is gone through; more than once is the shared codebook.
        dropout: how many stages a sample goes through in training; None for all.

    Attributes:
        draws: whether a pass in training draws random numbers.
    """

    def __init__(self, stages: Sequence[Code], *, repeats: int = 1, dropout: QuantizerDropout | None = None) -> None:
        super().__init__()
        self.dropout = dropout
        self.draws = dropout is not None
        if dropout is not None:
            if not callable(getattr(dropout, "check", None)) or isinstance(dropout, type):
                raise UsageError(f"dropout={dropout!r}: expected an object such as zador.layers.QuantizerDropout(0.5)")
            dropout.check(len(stages) * repeats)
        self.stages = nn.ModuleList(stages)
        self.repeats = repeats
        self.dim = stages[0].dim
        self.streams = [len(code.sizes) for code in stages] * repeats
        self.sizes = tuple(size for code in stages for size in code.sizes) * repeats

    def enter(self, z: Tensor) -> Tensor:
        """Return z in the space of the first stage, which is that of all."""
        return self._codes()[0].enter(z)

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return the indices of all stages, and the sum of their values."""
        once = Once(watch) if watch is not None and self.repeats > 1 else None
        depths = self.depths(x, watch)
        rest, left_over, error = x, torch.zeros_like(x), x.new_zeros(x.shape[0])
        values: Tensor | float = 0.0
        indices: list[Tensor] = []
        squared: list[Tensor] = []
        for number, code in enumerate(self._codes()):
            reached = valid if depths is None else reaching(depths, number, valid)
            stage = code.select(rest, reached, once or watch, exact=exact)
            # Added up at once: values of 8 stages side by side would take 8 times the memory of the vectors.
            values = values + stage.values
            rest = rest - stage.values
            left = rest if stage.left_over is None else stage.left_over
            # Of a vector that goes no further, what its last stage left is left.
            left_over += left if depths is None or reached is None else left.where(reached[:, None], 0.0)
            error = stage.error if reached is None else stage.error.where(reached, error)
            indices.append(stage.indices)
            squared.append(stage.squared)
        if once is not None:
            once.tell()
        if valid is not None:
            left_over = left_over.where(valid[:, None], 0.0)
        total = cast("Tensor", values)
        return Quantized(torch.cat(indices, dim=1), total, left_over, functools.reduce(torch.add, squared), error)

    def depths(self, x: Tensor, watch: Watch | None) -> Tensor | None:
        """Return how many stages each of the rows x (N, d) goes through, (N,) int64; None for all of them."""
        here = context_of(watch)
        if self.dropout is None or here is None or not self.training:
            return None
        drawn = self.dropout(here.draw, here.samples, len(self._codes()), stream=here.rank)
        return drawn.repeat_interleave(x.shape[0] // max(here.samples, 1))

    def decode(self, indices: Tensor) -> Tensor:
        """Return the sum of the values of the stages; those with -1 add nothing."""
        columns = torch.split(indices, self.streams, dim=1)
        parts = [code.decode(these) for code, these in zip(self._codes(), columns, strict=True)]
        return functools.reduce(torch.add, parts)

    def _codes(self) -> list[Code]:
        return cast("list[Code]", list(self.stages) * self.repeats)


def reaching(depths: Tensor, stage: int, valid: Tensor | None) -> Tensor:
    """Return which of the rows with `depths` (N,) go through a stage, counted from 0, if they are `valid` (N,) at all."""
    reached = depths > stage
    return reached if valid is None else reached & valid


class Once:
    """A `Watch` between a table that is asked several times in a pass and one that wants to hear of it once.

    Args:
        watch: the one.
        shown: vectors (N, d) to start from, and which count, in place of what the table is asked first.
    """

    def __init__(self, watch: Watch, shown: tuple[Tensor, Tensor | None] | None = None) -> None:
        self._watch = watch
        self._shown = shown
        self._heard: dict[int, tuple[nn.Module, list[Asked]]] = {}

    @property
    def context(self) -> Pass | None:
        """That of the one."""
        return context_of(self._watch)

    def before(self, table: nn.Module, x: Tensor, valid: Tensor | None) -> None:
        """Hand through the vectors of the first stage that asks the table."""
        if id(table) not in self._heard:
            fits = self._shown is not None and self._shown[0].shape[1] == x.shape[1]
            self._watch.before(table, *(self._shown if self._shown is not None and fits else (x, valid)))

    def after(self, table: nn.Module, asked: Asked) -> None:
        """Keep what was asked."""
        self._heard.setdefault(id(table), (table, []))[1].append(asked)

    def tell(self) -> None:
        """Hand on all that every table was asked, one after the other."""
        for table, asked in self._heard.values():
            self._watch.after(
                table,
                Asked(
                    torch.cat([each.x for each in asked]),
                    torch.cat([each.indices for each in asked]),
                    torch.cat([each.squared for each in asked]),
                    asked[0].codewords,
                ),
            )
