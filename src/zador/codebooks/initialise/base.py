"""The shape of an initialiser: an object that is called with data and returns the first codewords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Initialiser"]


class Initialiser(Protocol):
    """Anything callable like this starts a codebook; write one function to add your own."""

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[Any]:
        """Return (codebook_size, d) finite codewords for vectors x (N, d) with weights (N,)."""
