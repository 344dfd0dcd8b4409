"""What changes at scale: 512 codewords in 512 dimensions, and the law by which distortion falls with the codebook's size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from zador import metrics, vq
from zador.codebooks import Ema
from zador.data import low_rank_gaussian
from zador.models.linear import (
    Autograd,
    LinearAutoencoder,
    Rates,
    Recipe,
    converged,
    evaluate,
    generator_stream,
    pca_lloyd,
    start,
    train,
)
from zador.studies.catalogue.bounds import limit_arms
from zador.studies.catalogue.judgement import DEAD, DISTORTION, EFFECTIVE_BITS, PERPLEXITY
from zador.studies.catalogue.testbed.source import Source
from zador.studies.design import Arm, Design
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["scale"]

SOURCE = Source(dim=512, rank=8)
SIZE = 512
KEPT = 8
LLOYD = "PCA + Lloyd, converged"

_STEPS, _BATCH, _SEEDS, _QUICK_SEEDS, _SHORT_STEPS = 300, 1024, 20, 5, 60
_KEPT_DRAWS = 5
"""Draws that a process keeps: arms of a block of seeds follow each other. One takes 49 MB in single precision."""

_PROTOCOL_A = 0.2
"""lr_E of protocol A, at K = 32."""


def scale(*, quick: bool = False) -> Design:
    """Return the study: D = 512, rank 8, m = 8, K = 512, 300 steps of 1024 vectors where there are steps."""
    source = Source(dim=64, rank=8, train=4_000, evaluation=1_000) if quick else SOURCE
    size, steps = (64, _SHORT_STEPS) if quick else (SIZE, _STEPS)
    larger = _PROTOCOL_A * size / 32
    works = {
        LLOYD: Fitted(source, size, converged),
        "PCA + Lloyd, as reported": Fitted(source, size, pca_lloyd),
        "where training starts": Fitted(source, size, start),
        "autograd STE": Descended(source, size, Recipe(steps=steps, rates=Rates(0.05, _PROTOCOL_A))),
        "autograd STE, lr_E · K / 32": Descended(source, size, Recipe(steps=steps, rates=Rates(0.05, larger))),
        "EMA layer, same start": Averaged(source, size, steps),
        "EMA layer, starts on its first batch": Averaged(source, size, steps, given=False),
    }
    count = _QUICK_SEEDS if quick else _SEEDS
    return Design(
        name="scale",
        title="Do the methods keep their places at D = 512, K = 512?",
        question=(
            "The reports call 64 dimensions and 64 codewords modest, and ask for 512 of each. Does what holds there hold "
            "here: is Lloyd's algorithm behind principal axes as good as gradients, and do learning rates carry over?"
        ),
        arms=(*limit_arms(source, size)[: 1 if quick else None], *(Arm(name, work) for name, work in works.items())),
        metrics=(DISTORTION, EFFECTIVE_BITS, PERPLEXITY, DEAD),
        reference=LLOYD,
        seeds=tuple(range(1, count + 1)),
        notes=(
            (
                "Protocol A's form: 512 dimensions, λ from 4 to 0.25 along eight random directions, no noise, 20,000 "
                "vectors to fit on; the encoder keeps eight, so that nothing is dropped and all error is the codebook's."
            ),
            (
                "A codeword has 39 training vectors on average, so that what is fitted to the sample is not negligible. "
                "Gradients and the first EMA layer start where protocol A does: k-means++ and 20 updates of Lloyd's "
                "algorithm on 8,000 vectors. The EMA layer is `zador.vq` with its default learner behind the fixed "
                "principal axes; it revives dead codewords."
            ),
        ),
        short=quick,
    )


class _Vectors(NamedTuple):
    train: NDArray[np.float32]
    evaluation: NDArray[np.float32]


@lru_cache(maxsize=_KEPT_DRAWS)
def _drawn(source: Source, seed: int) -> _Vectors:
    found = low_rank_gaussian(
        dim=source.dim,
        rank=source.rank,
        noise_variance=source.noise_variance,
        train=source.train,
        evaluation=source.evaluation,
        seed=seed,
    )
    return _Vectors(found.train.astype(np.float32), found.evaluation.astype(np.float32))


@lru_cache(maxsize=_KEPT_DRAWS)
def _begun(source: Source, codebook_size: int, seed: int) -> LinearAutoencoder:
    x = _drawn(source, seed).train
    return start(x, codebook_size=codebook_size, encoder_dim=KEPT, seeds=[seed])


@dataclass(frozen=True)
class _AtScale:
    """Work on the large source, a seed at a time.

    Attributes:
        source: of the vectors.
        codebook_size: K.
    """

    source: Source
    codebook_size: int

    def fingerprint(self, seed: int, /) -> str:
        """Return the hash of what `seed` draws."""
        return self.source.fingerprint(seed)

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures on evaluation vectors."""
        return [self._one(seed) for seed in seeds]

    def _one(self, seed: int) -> Outcome:
        drawn = _drawn(self.source, seed)
        model, failure = self.learnt(drawn.train, seed)
        figures = evaluate(model, drawn.evaluation)
        distortion = float(figures.reconstruction_mse[0])
        return Outcome(
            {
                "distortion": distortion,
                "effective bits": metrics.effective_bits(self.source.eigenvalues, distortion),
                "perplexity": float(figures.perplexity[0]),
                "dead codes": float(figures.dead_fraction[0]) * self.codebook_size,
            },
            failure=failure,
        )

    def learnt(self, x: NDArray[np.float32], seed: int) -> tuple[LinearAutoencoder, str]:
        """Return the model of one seed, and how it failed if it did."""
        raise NotImplementedError

    def _begin(self, seed: int) -> LinearAutoencoder:
        return _begun(self.source, self.codebook_size, seed)


@dataclass(frozen=True)
class Fitted(_AtScale):
    """Principal axes, and a codebook that no gradient touches.

    Attributes:
        fit: `start`, `pca_lloyd` or `converged` of `zador.models.linear`.
    """

    fit: Callable[..., LinearAutoencoder]

    def learnt(self, x: NDArray[np.float32], seed: int) -> tuple[LinearAutoencoder, str]:
        """Return what `fit` returns."""
        return self.fit(x, codebook_size=self.codebook_size, encoder_dim=KEPT, seeds=[seed]), ""


@dataclass(frozen=True)
class Descended(_AtScale):
    """Gradient descent by the straight-through estimator.

    Attributes:
        recipe: how to train.
    """

    recipe: Recipe

    def learnt(self, x: NDArray[np.float32], seed: int) -> tuple[LinearAutoencoder, str]:
        """Return where training ends."""
        done = train(self._begin(seed), x, self.recipe, Autograd(), seeds=[seed])
        return done.model, done.failures[0] or ""


@dataclass(frozen=True)
class Averaged(_AtScale):
    """`zador.vq` whose codewords are moving averages, behind fixed principal axes.

    Attributes:
        steps: batches.
        given: whether it starts where the gradients do; else at k-means++ on its first batch.
    """

    steps: int
    given: bool = True

    def learnt(self, x: NDArray[np.float32], seed: int) -> tuple[LinearAutoencoder, str]:
        """Return where the layer ends."""
        begin = self._begin(seed)
        learner = Ema(start=begin.codewords[0].astype(np.float32), seed=seed) if self.given else Ema(seed=seed)
        layer = vq(KEPT, self.codebook_size, learner=learner)
        z = torch.from_numpy(begin.project(x)[0].astype(np.float32))
        stream = generator_stream(seed, len(x), _BATCH)
        for _ in range(self.steps):
            layer(z[torch.from_numpy(next(stream))])
        codewords = layer.codebooks[0].numpy().astype(np.float64)
        return LinearAutoencoder(begin.encoder, codewords[None], begin.mean), ""
