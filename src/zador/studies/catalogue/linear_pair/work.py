"""Pairs as work of a study: trained, or with a fixed encoder and Lloyd's algorithm behind it; and their limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zador import metrics
from zador.codebooks import KMeansPlusPlus, Lloyd, keep_empty
from zador.models.linear.nearest import nearest_of_each
from zador.studies.catalogue.bounds import FLOOR, SHANNON, Limit, floor, shannon, shannon_of_all_axes
from zador.studies.catalogue.judgement import DEAD, DISTORTION, EFFECTIVE_BITS, PERPLEXITY
from zador.studies.catalogue.linear_pair.pair import LinearPair
from zador.studies.catalogue.linear_pair.starts import Rows, principal_rows
from zador.studies.catalogue.linear_pair.training import PairRecipe, train_pair
from zador.studies.design import Arm, Metric
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zador.studies.catalogue.bounds import Bound
    from zador.studies.catalogue.linear_pair.pair import Shape
    from zador.studies.catalogue.linear_pair.starts import Start
    from zador.studies.catalogue.linear_pair.training import PairTraining
    from zador.studies.catalogue.sources import Source

__all__ = [
    "MEASURES",
    "PROJECTION_LOSS",
    "Decoder",
    "FixedPair",
    "TrainedPair",
    "least_squares",
    "pair_limits",
    "transposed",
]

MEASURES = (
    DISTORTION,
    EFFECTIVE_BITS,
    Metric("mismatch", "mismatch", "Mean of ‖z − q‖² as a share of the mean of ‖z‖²: how badly codewords fit encodings."),
    Metric("gain", "gain", "Root of the mean of ‖z‖²: how far out the encoder places vectors.", 3, lower_is_better=None),
    DEAD,
    PERPLEXITY,
    Metric("diverged", "diverged", "1 where training diverged (batch error above 1000 times the zero-rate error).", 2),
)
"""What a pair is measured by, most important first."""

PROJECTION_LOSS = Metric(
    "projection loss",
    "projection loss",
    "Mean of ‖x − B z‖², B the best linear map back: lost before the codebook is asked.",
)

_TOLERANCE = 1e-6
"""Share of the error by which Lloyd's last update lowers it."""

# (training vectors (N, D), q (N, m)) and W (m, D) -> A (m, D).
Decoder = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def transposed(_x: NDArray[np.float64], _q: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the encoder: x̂ = Wᵀ q."""
    return rows


def least_squares(x: NDArray[np.float64], q: NDArray[np.float64], _rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the A that minimises Σ ‖x − Aᵀ q‖²."""
    return np.asarray(np.linalg.lstsq(q, x, rcond=None)[0])


@dataclass(frozen=True)
class _OnSource:
    """Work on what a source draws.

    Attributes:
        source: of the vectors.
        shape: K and m.
    """

    source: Source
    shape: Shape

    def fingerprint(self, seed: int, /) -> str:
        """Return the hash of what `seed` draws."""
        return self.source.fingerprint(seed)

    def _figures(self, model: LinearPair, x: NDArray[np.float64], evaluation: NDArray[np.float64]) -> list[dict[str, float]]:
        found = []
        for member, figures in enumerate(model.judged(evaluation)):
            distortion = figures["distortion"]
            finite = math.isfinite(distortion)
            bits = metrics.effective_bits(self.source.eigenvalues, distortion) if finite else 0.0
            lost = _projection_loss(model.encoder[member], x[member], evaluation[member])
            found.append({**figures, "effective bits": bits, "projection loss": lost, "diverged": 0.0})
        return found


@dataclass(frozen=True)
class FixedPair(_OnSource):
    """An encoder that does not learn, Lloyd's algorithm run to convergence behind it, and a decoder fitted to that.

    Attributes:
        rows: of the encoder.
        decoder: behind the codebook.
    """

    rows: Rows = principal_rows
    decoder: Decoder = transposed

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures on evaluation vectors."""
        x, evaluation = self.source.stacked(seeds)
        members = [self._fitted(vectors, seed) for vectors, seed in zip(x, seeds, strict=True)]
        model = LinearPair(*map(np.stack, zip(*members, strict=True)))
        return [Outcome(figures) for figures in self._figures(model, x, evaluation)]

    def _fitted(self, x: NDArray[np.float64], seed: int) -> LinearPair:
        rng = np.random.default_rng([seed, 1])
        rows = self.rows(x, self.shape.encoder_dim, rng)
        z = np.ascontiguousarray(x @ rows.T)
        learner = Lloyd(iterations=100_000, tolerance=_TOLERANCE, empty=keep_empty)
        codewords = learner.fit(z, KMeansPlusPlus(candidates=1)(z, self.shape.codebook_size, rng)).codewords
        chosen = codewords[nearest_of_each(z[None], codewords[None])[0]]
        return LinearPair(rows, self.decoder(x, chosen, rows), codewords)


@dataclass(frozen=True)
class TrainedPair(_OnSource):
    """Encoder, codebook and decoder, trained together.

    Attributes:
        start: where training starts.
        recipe: how to train.
    """

    start: Start
    recipe: PairRecipe

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures on evaluation vectors after the last step, and along the way."""
        x, evaluation = self.source.stacked(seeds)
        done = train_pair(self.start(x, self.shape, seeds), x, self.recipe, seeds)
        last = self._figures(done.model, x, evaluation)
        curves = [model.judged(evaluation) for model in done.models]
        return [
            Outcome(
                {**figures, "diverged": float(bool(done.failures[member]))},
                _series([point[member] for point in curves], done, member),
                done.failures[member],
            )
            for member, figures in enumerate(last)
        ]


def _series(points: list[Mapping[str, float]], done: PairTraining, member: int) -> tuple[Series, ...]:
    drawn = {name: [point[name] for point in points] for name in ("distortion", "gain", "dead codes")}
    drawn["commitment"] = done.weights[:, member].tolist()
    return tuple(Series(name, done.steps, tuple(values)) for name, values in drawn.items())


def _projection_loss(rows: NDArray[np.float64], x: NDArray[np.float64], evaluation: NDArray[np.float64]) -> float:
    back = least_squares(x, x @ rows.T, rows)
    return float(np.square(evaluation - (evaluation @ rows.T) @ back).sum()) / len(evaluation)


def pair_limits(source: Source, shape: Shape, setting: str = "", *, searched: bool = True) -> tuple[Arm, ...]:
    """Return what every table of pairs carries: D(R) of all axes, D(R) behind the best encoder, and the floor behind it.

    Args:
        source: Gaussian.
        shape: K and m.
        setting: level of the study's factor.
        searched: also the floor, which takes a quarter of a minute where axes differ.
    """
    size, dim = shape.codebook_size, shape.encoder_dim
    named: dict[str, Bound] = {SHANNON: shannon_of_all_axes, f"{SHANNON} behind the encoder": shannon}
    if searched:
        named[f"{FLOOR} behind the encoder"] = floor
    return tuple(Arm(name, Limit(source, size, bound, dim), setting, limit=True) for name, bound in named.items())
