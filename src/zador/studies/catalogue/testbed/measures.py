"""What every method of the testbed is measured by, and how its figures become outcomes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zador import metrics
from zador.studies.design import Metric
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    from zador.models.linear import Curve, Evaluation
    from zador.studies.catalogue.testbed.scene import Scene

__all__ = ["MEASURES", "OVERHEAD", "outcomes"]

MEASURES = (
    Metric("reconstruction", "reconstruction", "Mean of ‖x − x̂‖² on evaluation vectors, summed over the D coordinates."),
    Metric("in-subspace", "in-subspace", "Mean of ‖z − q‖², the part of the error that the codebook is to blame for."),
    Metric(
        "effective bits",
        "eff. bits",
        "Rate at which Shannon's D(R) of the source would reach this reconstruction error.",
        decimals=3,
        lower_is_better=False,
    ),
    Metric(
        "entropy",
        "entropy, bits",
        "Entropy of how often each codeword is used on evaluation vectors, bits a vector.",
        decimals=3,
        lower_is_better=None,
    ),
    Metric(
        "utilisation",
        "utilisation",
        "Entropy as a share of log2 K, the most there can be.",
        decimals=4,
        lower_is_better=None,
    ),
    Metric("dead fraction", "dead", "Share of the codewords that no evaluation vector uses.", decimals=3),
    Metric(
        "diverged", "diverged", "1 where training diverged (batch loss above 1000 times the zero-rate loss).", decimals=2
    ),
)
"""Most important first: verdicts between arms rest on the reconstruction error."""

OVERHEAD = Metric(
    "overhead",
    "recon. / in-sub.",
    "Reconstruction error over in-subspace error: 1 + dropped energy / in-subspace error.",
    decimals=3,
    lower_is_better=None,
)


def outcomes(
    scene: Scene, figures: Evaluation, curve: Curve | None = None, failures: tuple[str | None, ...] = ()
) -> list[Outcome]:
    """Return one outcome a member of `figures`."""
    members = len(figures.reconstruction_mse)
    said = failures or (None,) * members
    return [
        Outcome(
            _metrics(scene, figures, number) | {"diverged": float(bool(said[number]))},
            _series(curve, number),
            said[number] or "",
        )
        for number in range(members)
    ]


def _metrics(scene: Scene, figures: Evaluation, number: int) -> dict[str, float]:
    reconstruction = float(figures.reconstruction_mse[number])
    in_subspace = float(figures.in_subspace_distortion[number])
    entropy = float(figures.usage_entropy_bits[number])
    finite = math.isfinite(reconstruction)
    return {
        "reconstruction": reconstruction,
        "in-subspace": in_subspace,
        "effective bits": metrics.effective_bits(scene.source.eigenvalues, reconstruction) if finite else 0.0,
        "entropy": entropy,
        "utilisation": entropy / math.log2(scene.codebook_size) if scene.codebook_size > 1 else 1.0,
        "dead fraction": float(figures.dead_fraction[number]),
        "overhead": reconstruction / in_subspace,
    }


def _series(curve: Curve | None, number: int) -> tuple[Series, ...]:
    if curve is None:
        return ()
    drawn = {
        "reconstruction": "reconstruction_mse",
        "in-subspace": "in_subspace_distortion",
        "entropy": "usage_entropy_bits",
    }
    return tuple(
        Series(metric, curve.steps, tuple(curve.of(figure)[:, number].tolist())) for metric, figure in drawn.items()
    )
