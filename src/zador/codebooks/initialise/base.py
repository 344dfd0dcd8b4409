"""The shape of an initialiser: an object that is called with data and returns the first codewords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zador.theory.random_codebook import Expected

__all__ = ["Initialiser", "PredictingInitialiser"]


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


@runtime_checkable
class PredictingInitialiser(Initialiser, Protocol):
    """An initialiser that knows what its first codewords are expected to do, before any is drawn.

    Only those whose law can be integrated over have the method; where no formula is known it is absent, not approximated.
    """

    def predicted_distortion(
        self,
        x: NDArray[Any],
        codebook_size: int,
        weights: NDArray[np.float64] | None = None,
        *,
        seed: int = 0,
    ) -> Expected:
        """Return `E Σ_n w_n min_k ||x_n - c_k||² / Σ w` over the draw of the codewords, for the vectors x (N, d).

        Args:
            x: (N, d) finite vectors.
            codebook_size: K.
            weights: (N,) non-negative, or None for ones.
            seed: of the rows at which the expectation is taken, where it is not taken at all of them.

        Returns:
            Squared error summed over coordinates and its standard error: that of looking at some of the rows only.
        """
