"""What every code is, and the records it makes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from torch import Tensor, nn

if TYPE_CHECKING:
    from zador.codebooks import Peers

__all__ = ["Asked", "Code", "Pass", "Quantized", "Table", "Watch", "context_of", "masked"]


class Table(nn.Module, ABC):
    """Whoever holds the codewords of a code, and may move them.

    Attributes:
        codebook_size: K.
        dim: d.
    """

    codebook_size: int
    dim: int

    @abstractmethod
    def look(self) -> Tensor:
        """Return the codewords (K, d) as they are now; with a gradient, if they have one."""


class Asked(NamedTuple):
    """What one table was asked in one pass.

    Attributes:
        x: (N, d) the vectors, no gradient.
        indices: (N,) int64, what was chosen; -1 where a vector is masked.
        squared: (N,) squared distance to what was chosen; 0 where a vector is masked.
        codewords: (K, d) what `Table.look` returned; None where codewords are implicit.
    """

    x: Tensor
    indices: Tensor
    squared: Tensor
    codewords: Tensor | None


class Quantized(NamedTuple):
    """Vectors (N, d) and what became of them; masked ones have indices -1 and zeros everywhere else.

    Attributes:
        indices: (N, S) int64.
        values: (N, d) what the indices stand for, in the float type of the tables.
        left_over: (N, d) sum over the stages of what each left over, `Σ_s (r_s - q_s)` with `r_s` the input of stage s; for
            one stage None, which stands for `x - values`.
        squared: (N,) sum over the stages of their squared errors, `Σ_s ||r_s - q_s||²`.
        error: (N,) `||x - values||²`, that of the last stage; for one stage the same as `squared`.
    """

    indices: Tensor
    values: Tensor
    left_over: Tensor | None
    squared: Tensor
    error: Tensor


class Pass(NamedTuple):
    """The pass in which a code selects.

    Attributes:
        peers: the processes that learn from it together; none but this one, if nothing is learnt.
        rank: number of this process, whether it learns or not.
        samples: B, of how many samples the rows are: equally many of each, one sample after the other.
        draw: 0-d int64, number of the pass among those that draw random numbers.
    """

    peers: Peers
    rank: int
    samples: int
    draw: Tensor


class Watch(Protocol):
    """Whoever wants to see what tables are asked, and to move them between one pass and the next.

    One who runs a training pass of a network also has a `context`, see `context_of`.
    """

    def before(self, table: nn.Module, x: Tensor, valid: Tensor | None) -> None:
        """Be shown the vectors (N, d) before a table is looked at: here it may start."""

    def after(self, table: nn.Module, asked: Asked) -> None:
        """Be shown what was chosen, once for every table in a pass: here it may move, for the next one."""


class Code(nn.Module, ABC):
    """x (N, d) → indices (N, S) → values (N, d), for tensors of float32 or float64 on any device.

    Attributes:
        sizes: (K_1 … K_S), how many values each index can have.
        dim: d.
        tokens: how many vectors of the network one row stands for; losses are means over those.
    """

    sizes: tuple[int, ...]
    dim: int
    tokens: int = 1

    @property
    def bits(self) -> float:
        """`Σ_s log2 K_s`: bits per vector of indices of fixed length."""
        return math.fsum(math.log2(size) for size in self.sizes)

    def enter(self, z: Tensor) -> Tensor:
        """Return z (N, d) in the space in which the code works, differentiably: the identity, unless said otherwise."""
        return z

    @abstractmethod
    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return the indices of x (N, d), which has entered, and their values.

        Args:
            x: (N, d) finite, no gradient.
            valid: (N,) booleans, or None for all.
            watch: is shown once, for every table in use, what it was asked.
            exact: whether the search is certified.
        """

    @abstractmethod
    def decode(self, indices: Tensor) -> Tensor:
        """Return the values (N, d) of indices (N, S), differentiable in codewords that are; -1 stands for zeros."""


def context_of(watch: Watch | None) -> Pass | None:
    """Return the pass in which `watch` watches, if it says so: its `context`."""
    return getattr(watch, "context", None)


def masked(valid: Tensor | None, indices: Tensor, *numbers: Tensor) -> tuple[Tensor, ...]:
    """Return indices (N, …) with -1, and numbers (N, …) with 0, where `valid` (N,) is False."""
    if valid is None:
        return (indices, *numbers)

    def kept(values: Tensor, otherwise: float) -> Tensor:
        return values.where(valid.view(-1, *[1] * (values.ndim - 1)), otherwise)

    return (kept(indices, -1), *(kept(values, 0.0) for values in numbers))
