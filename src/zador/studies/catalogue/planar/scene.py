"""Where runs in the plane start: vectors, an encoder that is not yet the identity, and codewords among its encodings."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.studies.catalogue.sources import Source

__all__ = ["Plane", "Start"]


class Start(NamedTuple):
    """What one seed gives; not to be written to.

    Attributes:
        train: (N, 2) vectors to fit on.
        evaluation: (M, 2) vectors to judge on.
        encoder: (2, 2), W of z = W x.
        codewords: (K, 2) encodings of K different vectors.
    """

    train: NDArray[np.float64]
    evaluation: NDArray[np.float64]
    encoder: NDArray[np.float64]
    codewords: NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """Vectors in the plane, quantized behind a free linear encoder: x̂ = q, the codeword nearest to z = W x.

    Nothing decodes, so that the best that can be had is known: W = I with the best codebook for the vectors themselves.

    Attributes:
        source: of the vectors.
        codebook_size: K.
        turn: most that W turns by at the start, in degrees; a seed draws how much, either way, at least half of it.
        scale: length of what W makes of a unit vector at the start.
    """

    source: Source
    codebook_size: int = 12
    turn: float = 60.0
    scale: float = 0.7

    def start(self, seed: int) -> Start:
        """Return what `seed` draws: the same vectors are chosen for codewords whatever the encoder does to them."""
        (train,), (evaluation,) = self.source.stacked((seed,))
        rng = np.random.default_rng([seed, 2])
        angle = math.radians(self.turn) * rng.uniform(0.5, 1.0) * rng.choice((-1.0, 1.0))
        cosine, sine = math.cos(angle), math.sin(angle)
        encoder = self.scale * np.array([[cosine, -sine], [sine, cosine]])
        chosen = train[rng.choice(len(train), self.codebook_size, replace=False)]
        return Start(train, evaluation, encoder, chosen @ encoder.T)

    def fingerprint(self, seed: int) -> str:
        """Return a hash of all that `seed` draws."""
        start = self.start(seed)
        drawn = hashlib.sha256(start.encoder.tobytes() + start.codewords.tobytes())
        return f"{self.source.fingerprint(seed)}, start {drawn.hexdigest()[:16]}"
