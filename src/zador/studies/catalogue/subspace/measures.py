"""What every arm of protocol B is measured by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zador import metrics
from zador.models.linear import evaluate
from zador.studies.design import Metric
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.models.linear import Curve, Evaluation, LinearAutoencoder
    from zador.studies.catalogue.subspace.scene import Scene

__all__ = ["DEAD", "MEASURES", "RECONSTRUCTION", "Trace", "lloyd_residual", "outcomes"]

DEAD = Metric("dead codes", "dead codes", "Codewords that no evaluation vector uses.", decimals=2)
RECONSTRUCTION = Metric(
    "reconstruction", "reconstruction", "Mean of ‖x − x̂‖² on evaluation vectors, summed over the D coordinates."
)

MEASURES = (
    DEAD,
    RECONSTRUCTION,
    Metric(
        "entropy",
        "entropy, bits",
        "Entropy of how often each codeword is used on evaluation vectors, bits a vector.",
        decimals=3,
        lower_is_better=None,
    ),
    Metric(
        "principal angle",
        "principal angle, rad",
        "Mean angle between what the encoder keeps and the subspace of the vectors to fit on: 0 if it was found, "
        "π/2 if nothing of it was.",
        decimals=3,
    ),
    Metric(
        "dead on training",
        "dead on training",
        "Codewords that no vector to fit on uses: what a codebook leaves unused of the data that it learned from.",
        decimals=2,
    ),
    Metric("in-subspace", "in-subspace", "Mean of ‖z − q‖² on evaluation vectors, the codebook's part of the error."),
    Metric(
        "effective bits",
        "eff. bits",
        "Rate at which Shannon's D(R) of the source would reach this reconstruction error.",
        decimals=3,
        lower_is_better=False,
    ),
    Metric(
        "Lloyd residual",
        "Lloyd residual",
        "Share of ‖z − q‖² on the vectors to fit on that one update of Lloyd's algorithm would take away with cells as they "
        "are, Σ p_k ‖e_k − mean of its members‖² / mean ‖z − q‖²: 0 at a fixed point.",
    ),
    Metric(
        "row flips",
        "row flips",
        "How often the retraction turned a row of W around, all rows and steps together.",
        decimals=1,
        lower_is_better=None,
    ),
    Metric(
        "diverged", "diverged", "1 where training diverged (batch loss above 1000 times the zero-rate loss).", decimals=2
    ),
)
"""All measures; studies put first what their verdicts rest on."""


class Trace(NamedTuple):
    """What training leaves beside a model, one entry a member.

    Attributes:
        curve: figures along the way.
        failures: what went wrong, or None.
        flips: rows turned around.
    """

    curve: Curve
    failures: Sequence[str | None]
    flips: Sequence[int]


def outcomes(scene: Scene, seeds: Sequence[int], model: LinearAutoencoder, trace: Trace | None = None) -> list[Outcome]:
    """Return one outcome a member of `model`: its figures on evaluation vectors, and what training left."""
    fitted, judged = scene.vectors(seeds)
    figures = trace.curve.points[-1] if trace else evaluate(model, judged)
    found = []
    for number, seed in enumerate(seeds):
        own = (
            _figures(scene, figures, number) | _of_encoder(scene, seed, model, number) | _on_training(model, number, fitted)
        )
        if trace is None:
            found.append(Outcome(own))
            continue
        said = trace.failures[number] or ""
        own |= {"row flips": float(trace.flips[number]), "diverged": float(bool(said))}
        found.append(Outcome(own, _series(scene, trace.curve, number), said))
    return found


def lloyd_residual(z: NDArray[np.float64], indices: NDArray[np.int64], codewords: NDArray[np.float64]) -> float:
    """Return `Σ_k p_k ‖e_k - c_k‖² / mean ‖z - e‖²`, p_k share and c_k mean of cell k; 0 where there is no error.

    By Huygens' theorem it is the share of the error that moving every codeword to the mean of its cell takes away.

    Args:
        z: (N, m).
        indices: (N,) of the cells.
        codewords: (K, m).

    >>> lloyd_residual(np.array([[0.0], [2.0]]), np.array([0, 0]), np.array([[2.0]]))
    0.5
    """
    counts = np.bincount(indices, minlength=len(codewords))
    used = counts > 0
    sums = np.zeros_like(codewords)
    np.add.at(sums, indices, z)
    means = sums[used] / counts[used, None]
    moved = float(counts[used] @ np.square(codewords[used] - means).sum(1)) / len(z)
    error = float(np.square(z - codewords[indices]).sum()) / len(z)
    return moved / error if error else 0.0


def _figures(scene: Scene, figures: Evaluation, number: int) -> dict[str, float]:
    reconstruction = float(figures.reconstruction_mse[number])
    bits = metrics.effective_bits(scene.source.eigenvalues, reconstruction) if math.isfinite(reconstruction) else 0.0
    return {
        "dead codes": float(round(figures.dead_fraction[number] * scene.codebook_size)),
        "reconstruction": reconstruction,
        "entropy": float(figures.usage_entropy_bits[number]),
        "in-subspace": float(figures.in_subspace_distortion[number]),
        "effective bits": bits,
    }


def _of_encoder(scene: Scene, seed: int, model: LinearAutoencoder, number: int) -> dict[str, float]:
    return {"principal angle": metrics.mean_angle(model.encoder[number].T, scene.source.basis(seed))}


def _on_training(model: LinearAutoencoder, number: int, fitted: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    alone = model.select([number])
    z, codes = alone.project(fitted[number])[0], alone.encode(fitted[number])[0]
    dead = int((np.bincount(codes, minlength=model.codebook_size) == 0).sum())
    return {"dead on training": float(dead), "Lloyd residual": lloyd_residual(z, codes, model.codewords[number])}


def _series(scene: Scene, curve: Curve, number: int) -> tuple[Series, ...]:
    dead = np.round(curve.of("dead_fraction") * scene.codebook_size)
    drawn = {
        "dead codes": dead,
        "reconstruction": curve.of("reconstruction_mse"),
        "entropy": curve.of("usage_entropy_bits"),
    }
    return tuple(Series(metric, curve.steps, tuple(values[:, number].tolist())) for metric, values in drawn.items())
