"""A re-parameterised table: codewords seen through a map that learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from zador.codebooks import Gradient, LinearTransform
from zador.errors import UsageError
from zador.layers.table import LearnedTable

if TYPE_CHECKING:
    from zador.codebooks import CodebookTransform

__all__ = ["TransformedTable"]


class TransformedTable(LearnedTable):
    """`c_k = f_θ(b_k)`: θ are parameters, the base b_k a parameter too or a buffer that never moves after the start.

    Every codeword that is chosen moves the map, and so all the others with it [zhu2024addressing].

    Args:
        codebook_size: K.
        dim: d.
        learner: a `Gradient` without revival: a codeword cannot be put somewhere by itself.
        transform: f, and how it starts from codewords: `LinearTransform()`, `AffineTransform()`, `MlpTransform()`, or yours.
        stream: tells apart the random numbers of the tables of one layer.
        sphere: codewords have length 1.

    Attributes:
        codewords: (K, d) the base, not the codewords: those are what `look` returns.

    Raises:
        UsageError: another learner, or one that revives.
    """

    def __init__(
        self,
        codebook_size: int,
        dim: int,
        learner: Gradient,
        *,
        transform: CodebookTransform = LinearTransform(),  # noqa: B008 - frozen
        stream: int = 0,
        sphere: bool = False,
    ) -> None:
        if not isinstance(learner, Gradient):
            raise UsageError(f"learner={learner!r}: what codewords are seen through learns by gradient; pass Gradient(...)")
        if learner.revive is not None:
            raise UsageError("learner: codewords behind a map cannot be revived one by one; pass Gradient(revive=None)")
        if isinstance(transform, type) or not hasattr(transform, "learns_base"):
            raise UsageError(f"transform={transform!r}: expected an object such as zador.codebooks.LinearTransform()")
        self.transform = transform  # first of all: whether the base is a parameter depends on it
        super().__init__(codebook_size, dim, learner, stream=stream, sphere=sphere)
        parts = transform.split(self.codewords.detach())
        self._kind = type(parts)
        self._names = ("codewords", *parts._fields[1:])
        self.codewords = nn.Parameter(parts[0]) if transform.learns_base else parts[0]
        for name, value in zip(self._names[1:], parts[1:], strict=True):
            self.register_parameter(name, nn.Parameter(value))
        if self._start is not None:
            self._start.split = transform.split

    def look(self) -> Tensor:
        """Return the codewords (K, d), with the gradient of the map."""
        codewords = self.transform.codewords(self._kind(*(getattr(self, name) for name in self._names)))
        return functional.normalize(codewords, dim=1) if self.sphere else codewords

    def optimised(self) -> bool:
        """Return whether the optimiser moves the base, and not only the map."""
        return self.transform.learns_base

    def parts(self) -> list[Tensor]:
        """Return what a start fills in: the base and the map."""
        return [getattr(self, name).detach() for name in self._names]
