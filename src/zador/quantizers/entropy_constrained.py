"""The entropy-constrained vector quantizer: a codeword has to be worth the bits that its index costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zador.codebooks import KMeansPlusPlus, Lloyd
from zador.codebooks.fit import check_size, distinct_rows
from zador.codebooks.learn.entropy_budget import EntropyBudget
from zador.codebooks.learn.entropy_constrained import as_penalties, lifted, penalised_nearest
from zador.errors import DataError
from zador.metrics import entropy_bits
from zador.quantizers.base import Quantizer, count_usage
from zador.quantizers.request import as_bits, varied_vectors
from zador.quantizers.storage import pack, unpack
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.artefacts import Artefact
    from zador.codebooks import LloydResult

__all__ = ["EntropyConstrainedQuantizer", "fit_entropy_constrained"]

# Two bits more codewords than bits to spend: measured on Gaussians of 1 to 8 dimensions, three gain below 0.1 %, one loses
# up to 0.6 %. With fewer than eight vectors a codeword, they fit noise.
_SPARE_BITS = 2
_VECTORS_PER_CODEWORD = 8
# Many vectors at one place leave a codebook of that size with a lower entropy than this above `bits`: it is doubled.
_SPARE_ENTROPY = 0.5
_FIRST_UPDATES = 10


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class EntropyConstrainedQuantizer(Quantizer):
    """`i = argmin_k ||x - c_k||² + penalty_k`, `x̂ = c_i`: S = 1. What it costs is the entropy of `usage`, not `bits`.

    Made by `fit_entropy_constrained`.

    Attributes:
        codewords: (K, D).
        penalties: (K,) `λ l_k`, squared error that the length of an index is worth, of the same dtype.

    Example:
        A vector between two codewords goes to the cheaper one.

        >>> quantizer = EntropyConstrainedQuantizer(
        ...     codewords=np.array([[0.0], [1.0]]), penalties=np.array([0.1, 0.6]), usage=(np.array([3.0, 1.0]),)
        ... )
        >>> quantizer.encode(np.array([[0.6], [0.8]])).ravel().tolist()
        [0, 1]
    """

    kind: ClassVar[str] = "entropy-constrained"

    codewords: NDArray[Any]
    penalties: NDArray[Any]

    @property
    def dim(self) -> int:
        """D, the number of coordinates of a vector."""
        return int(self.codewords.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float type of the codewords."""
        return self.codewords.dtype

    def artefact(self) -> Artefact:
        """Return what `save` writes."""
        return pack(self, {}, {"codewords": self.codewords, "penalties": self.penalties})

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the quantizer whose `artefact()` this is; ValueError, KeyError or TypeError if it makes no sense."""
        saved = unpack(artefact)
        if len(saved.usage) != 1:
            raise ValueError(f"expected one stream, got {len(saved.usage)}")
        size = len(saved.usage[0])
        codewords, penalties = saved.floats("codewords", size, None), saved.floats("penalties", size)
        if (penalties < 0).any() or codewords.shape[1] == 0:
            raise ValueError("penalties are to be at least 0, and codewords to have coordinates")
        return cls(codewords=codewords, penalties=penalties, usage=saved.usage, origin=saved.origin)

    @cached_property
    def _table(self) -> NDArray[Any]:
        return lifted(self.codewords, self.penalties)

    def _encode(self, x: NDArray[Any]) -> NDArray[np.int64]:
        return penalised_nearest(x, self._table)[0][:, None]

    def _decode(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        return np.asarray(self.codewords[indices[:, 0]])


def fit_entropy_constrained(
    x: Any, *, bits: float, codebook_size: int | None = None, iterations: int = EntropyBudget.iterations, seed: int = 0
) -> EntropyConstrainedQuantizer:
    """Return the quantizer that minimises `D` subject to `H(usage) <= bits` on x, from k-means++ and `EntropyBudget`.

    The entropy of the training usage ends within about 0.01 bits of `bits`, or `8 log2 K / N` for few vectors. A coder
    that was fitted to this usage spends a little more on other vectors.

    Args:
        x: (N, D) vectors, NumPy array or torch tensor, any float type.
        bits: entropy to spend, bits per vector.
        codebook_size: codewords to start from; those that are not worth their bits vanish. By default `2^(bits + 2)`, but
            with at least eight vectors each if `2^(bits + 1)` have them.
        iterations: most updates of the codewords.
        seed: of all random choices; same input, same seed, same machine: same bits.

    Raises:
        UsageError: `bits` is not positive and finite, or a count makes no sense.
        DataError: the vectors are too few, or too often alike, to spend `bits` on.
        NonFiniteError: NaN or infinity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((4000, 2))
        >>> quantizer = fit_entropy_constrained(x, bits=2.0)
        >>> round(entropy_bits(quantizer.usage[0]), 1), quantizer.bits > 2.0
        (2.0, True)
    """
    rate, vectors = as_bits(bits), varied_vectors(x)
    as_count(iterations, "iterations", least=0)
    rng = np.random.default_rng(as_count(seed, "seed", least=0))
    start = _start(vectors, rate, codebook_size, rng)
    found = EntropyBudget(bits=rate, iterations=iterations).fit(vectors, start.codewords, start.usage)
    penalties = as_penalties(found.lengths, found.multiplier, vectors.dtype)
    blank = (np.zeros(len(penalties)),)
    quantizer = EntropyConstrainedQuantizer(codewords=found.codewords, penalties=penalties, usage=blank)
    usage = count_usage(quantizer.encode(vectors), quantizer.sizes)
    origin: dict[str, str | int | float | bool] = {
        "target_bits": rate,
        "entropy_bits": entropy_bits(usage[0]),
        "multiplier": found.multiplier,
        "training_distortion": found.distortion,
        "converged": found.converged,
        "seed": int(seed),
    }
    return EntropyConstrainedQuantizer(codewords=found.codewords, penalties=penalties, usage=usage, origin=origin)


def _start(x: NDArray[Any], bits: float, codebook_size: int | None, rng: np.random.Generator) -> LloydResult:
    """Return a codebook whose indices carry `bits`; if its size is left to us, as large as that takes."""
    size, most = codebook_size, codebook_size
    if size is None or most is None:
        least, wanted = (math.ceil(2 ** min(bits + spare, 60.0)) for spare in (1, _SPARE_BITS))
        size = min(wanted, max(least, len(x) // _VECTORS_PER_CODEWORD))
        most = distinct_rows(x, len(x))
    else:
        check_size(x, as_count(size, "codebook_size"))
    while True:
        size = min(size, most)
        start = Lloyd(iterations=_FIRST_UPDATES).fit(x, KMeansPlusPlus()(x, size, rng))
        carried = entropy_bits(start.usage)
        if size == most or carried >= bits + _SPARE_ENTROPY:
            break
        size *= 2
    if carried < bits:
        raise DataError(
            f"bits={bits:g}, but {size} codewords for these {len(x)} vectors carry only {carried:.2f}; ask for fewer bits, "
            "or for more codewords if the vectors allow"
        )
    return start
