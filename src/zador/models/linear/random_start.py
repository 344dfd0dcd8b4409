"""A start that knows nothing: random orthonormal rows, and codewords that fit what such an encoder says, or fit nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks import Initialiser, KMeansPlusPlus, Lloyd, keep_empty
from zador.codebooks.fit import check_size
from zador.errors import UsageError
from zador.models.linear.autoencoder import LinearAutoencoder
from zador.models.linear.members import as_members, as_seeds
from zador.models.linear.retractions import signed_qr
from zador.models.linear.start import means_of
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["KMeansCodewords", "NormalCodewords", "random_start"]

# Streams of a seed that are not those of data or batches drawn with the same seed.
_ENCODER, _CODEWORDS = 1, 2


@dataclass(frozen=True)
class KMeansCodewords:
    """k-means++ [arthur2007kmeans] and some rounds of Lloyd's algorithm on the first encodings.

    Attributes:
        sample: how many, from the first.
        iterations: updates of Lloyd's algorithm; it stops earlier where nothing changes.

    Raises:
        DataError: fewer than K distinct vectors among them.
    """

    sample: int = 4000
    iterations: int = 100

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[Any]:
        """Return (K, m) codewords for encodings x (N, m)."""
        seen, known = x[: self.sample], None if weights is None else weights[: self.sample]
        check_size(seen, codebook_size)
        learner = Lloyd(iterations=self.iterations, tolerance=0, empty=keep_empty)
        return learner.fit(seen, KMeansPlusPlus(candidates=1)(seen, codebook_size, rng, known), known).codewords


@dataclass(frozen=True)
class NormalCodewords:
    """Codewords from N(0, scale² I), whatever the encodings are.

    Attributes:
        scale: standard deviation of each coordinate.

    Raises:
        UsageError: a scale that is negative or not finite.
    """

    scale: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is no standard deviation."""
        if not 0.0 <= self.scale < np.inf:
            raise UsageError(f"scale: expected a finite number of at least 0, got {self.scale!r}")

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,  # noqa: ARG002 - the protocol's
    ) -> NDArray[Any]:
        """Return (K, m) codewords."""
        return self.scale * rng.standard_normal((codebook_size, x.shape[1]))


def random_start(
    x: Any,
    *,
    codebook_size: int,
    encoder_dim: int,
    seeds: Sequence[int],
    codewords: Initialiser | None = None,
    mean: Any = None,
) -> LinearAutoencoder:
    """Return W from N(0, 1/D) with its rows made orthonormal by `signed_qr`, and codewords for the encodings by this W.

    W is uniform over all orthonormal frames; such an encoder keeps m / D of the variance in expectation, whatever
    directions hold it.

    Args:
        x: (N, D) for all seeds, or (S, N, D), one matrix a seed.
        codebook_size: K.
        encoder_dim: m, at most D.
        seeds: S seeds, one a member.
        codewords: where the codewords come from: `KMeansCodewords()` (also if None), `NormalCodewords()`, or an initialiser
            of `zador.codebooks`.
        mean: μ (D,) or (S, D), subtracted before the encoder; zeros if None.

    Returns:
        `LinearAutoencoder` of S members.

    Raises:
        UsageError: a size that no data could satisfy.
        DataError: fewer than K distinct vectors, or shapes that do not fit.
        NonFiniteError: NaN or infinity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((500, 16))
        >>> begin = random_start(x, codebook_size=8, encoder_dim=4, seeds=[1, 2], codewords=NormalCodewords(0.1))
        >>> begin.encoder.shape, begin.codewords.shape
        ((2, 4, 16), (2, 8, 4))
    """
    numbers, size, kept = as_seeds(seeds), as_count(codebook_size, "codebook_size"), as_count(encoder_dim, "encoder_dim")
    data = as_members(x, len(numbers), "x")
    dim = data[0].shape[1]
    if kept > dim:
        raise UsageError(f"encoder_dim: expected at most the {dim} coordinates of the data, got {kept}")
    middle = means_of(mean, len(numbers), dim)
    drawn = [np.random.default_rng([seed, _ENCODER]).standard_normal((kept, dim)) for seed in numbers]
    encoder = signed_qr(np.stack(drawn) / np.sqrt(dim))
    initialise, table = codewords or KMeansCodewords(), np.empty((len(numbers), size, kept))
    for number, (matrix, seed) in enumerate(zip(data, numbers, strict=True)):
        z = np.ascontiguousarray((matrix - middle[number]) @ encoder[number].T, np.float64)
        table[number] = initialise(z, size, np.random.default_rng([seed, _CODEWORDS]))
    return LinearAutoencoder(encoder, table, middle)
