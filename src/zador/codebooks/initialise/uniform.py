"""Codewords drawn uniformly from a cube around the origin, as many VQ-VAE implementations start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Uniform"]


@dataclass(frozen=True)
class Uniform:
    """Draw every coordinate from `U(-a, a)`; the data are not looked at, apart from their dimension.

    Attributes:
        half_width: a; None means `1/K`, the custom of the VQ-VAE literature [oord2017neural].

    Example:
        >>> import numpy as np
        >>> bool(abs(Uniform()(np.zeros((1, 2)), 10, np.random.default_rng(0))).max() <= 0.1)
        True
    """

    half_width: float | None = None

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,  # noqa: ARG002 - data-free
    ) -> NDArray[np.float64]:
        """Return (K, d) codewords."""
        half = 1.0 / codebook_size if self.half_width is None else self.half_width
        return rng.uniform(-half, half, (codebook_size, x.shape[1]))
