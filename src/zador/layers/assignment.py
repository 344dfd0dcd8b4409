"""How a vector gets its codeword: what the presets make a code and a table of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from zador.errors import UsageError
from zador.layers.entropy_coded_table import EntropyCodedTable
from zador.layers.table import LearnedTable
from zador.quantizers.codes import Code, PenalisedCode, TabledCode, TransportCode

if TYPE_CHECKING:
    from zador.codebooks import Learner

__all__ = ["Assignment", "EntropyCoded", "Nearest", "OptimalTransport"]


class Assignment(Protocol):
    """Makes the code over one table; any object like this will do."""

    def code(self, codebook_size: int, dim: int, learner: Learner, *, stream: int, cosine: bool) -> Code:
        """Return a code of one index over a table that learns.

        Args:
            codebook_size: K.
            dim: d.
            learner: how its codewords start, move and revive.
            stream: tells apart the random numbers of the tables of one layer.
            cosine: whether vectors and codewords have length 1.
        """


@dataclass(frozen=True)
class Nearest:
    """The nearest codeword: `argmin_k ||x - c_k||²`."""

    def code(self, codebook_size: int, dim: int, learner: Learner, *, stream: int, cosine: bool) -> Code:
        """Return the plain code."""
        return TabledCode(LearnedTable(codebook_size, dim, learner, stream=stream, sphere=cosine), cosine=cosine)


@dataclass(frozen=True)
class OptimalTransport:
    """In training every codeword gets as many vectors as any other, in evaluation the nearest is chosen: `TransportCode`.

    The assignment of OptVQ [zhang2024preventing], which holds N × K numbers. Codewords then learn from what they got as from
    any members: with `Gradient()` as in the paper, or with `Ema()`.

    Attributes:
        epsilon: ε > 0 of the plan, in standard deviations of the costs; smaller ones need more iterations.
        iterations: turns of Sinkhorn's algorithm.
    """

    epsilon: float = 0.1
    iterations: int = 10

    def code(self, codebook_size: int, dim: int, learner: Learner, *, stream: int, cosine: bool) -> Code:
        """Return the code that shares out."""
        table = LearnedTable(codebook_size, dim, learner, stream=stream, sphere=cosine)
        return TransportCode(table, epsilon=self.epsilon, iterations=self.iterations, cosine=cosine)


@dataclass(frozen=True)
class EntropyCoded:
    """`argmin_k ||x - c_k||² + λ l_k`, l_k the bits of index k by its usage: see `PenalisedCode` and `EntropyCodedTable`.

    Entropy-constrained quantization [chou1989entropy] while an encoder trains, for indices that an entropy coder will send;
    `info.rate` is the mean of the lengths. `zador.codebooks.EntropyConstrained` does it for vectors at rest.

    Attributes:
        multiplier: λ >= 0, squared error (summed over coordinates) that a bit is worth.
    """

    multiplier: float

    def code(self, codebook_size: int, dim: int, learner: Learner, *, stream: int, cosine: bool) -> Code:
        """Return the code that weighs error against bits.

        Raises:
            UsageError: a learner that revives codewords.
        """
        if getattr(learner, "revive", None) is not None:
            raise UsageError(
                "learner: a codeword that is not worth its bits would be revived again and again; pass one with "
                "revive=None, such as Ema(revive=None)"
            )
        table = EntropyCodedTable(codebook_size, dim, learner, stream=stream, sphere=cosine)
        return PenalisedCode(table, multiplier=self.multiplier, cosine=cosine)
