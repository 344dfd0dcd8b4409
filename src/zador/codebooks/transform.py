"""What a re-parameterised codebook is seen through: a map that learns, in front of codewords at rest or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CodebookTransform"]


class CodebookTransform(Protocol):
    """`c = f_θ(b)`: how codewords c follow from a base b and parameters θ that they share; a frozen object of two functions.

    Attributes:
        learns_base: whether the base learns as well, or rests.
    """

    @property
    def learns_base(self) -> bool:
        """See the class."""

    def split(self, codewords: Tensor) -> Any:
        """Return base and parameters of which the codewords (K, d) are the image: a NamedTuple of tensors, `base` first."""

    def codewords(self, parts: Any) -> Tensor:
        """Return the codewords (K, d) of what `split` returns, differentiable in all of it."""
