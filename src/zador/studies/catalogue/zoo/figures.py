"""What a model of the zoo is measured by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from zador import metrics
from zador.errors import NonFiniteError
from zador.search import nearest
from zador.studies.catalogue.judgement import DEAD, EFFECTIVE_BITS, PERPLEXITY
from zador.studies.catalogue.sources import Gaussian
from zador.studies.design import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from zador.layers import Bottleneck
    from zador.models import Autoencoder, Reconstructed
    from zador.studies.catalogue.zoo.scene import Scene

__all__ = ["BEST_CHOICE", "DISTORTION", "DIVERGED", "LINEAR_MEASURES", "MEASURES", "figures", "of_codes"]

DISTORTION = Metric("distortion", "distortion", "Mean of ‖x − x̂‖² on evaluation vectors, summed over coordinates.")
BEST_CHOICE = Metric(
    "best choice",
    "best choice",
    "The same, if of the K reconstructions the nearest to x were chosen: what is left is not the encoder's fault.",
)
DIVERGED = Metric(
    "diverged", "diverged", "1 where training diverged (batch loss above 1000 times the zero-rate loss).", decimals=2
)
MEASURES = (DISTORTION, BEST_CHOICE, PERPLEXITY, DEAD, DIVERGED)
LINEAR_MEASURES = (DISTORTION, BEST_CHOICE, EFFECTIVE_BITS, PERPLEXITY, DEAD, DIVERGED)


def figures(scene: Scene, model: nn.Module, x: Tensor) -> Mapping[str, float]:
    """Return the metrics of a model in evaluation mode on vectors x (M, D); infinitely bad where z has left the numbers."""
    try:
        out: Reconstructed = model(x)
    except NonFiniteError:
        return {"distortion": math.inf}
    if out.indices is None:
        return {"distortion": _mean_squared(out.reconstruction, x)}
    layer = cast("Bottleneck", cast("Autoencoder", model).bottleneck)
    possible = cast("Autoencoder", model).decoder(layer.decode(torch.arange(scene.codebook_size)))
    return of_codes(scene, x, out.reconstruction, out.indices, possible)


def of_codes(scene: Scene, x: Tensor, reconstruction: Tensor, indices: Tensor, possible: Tensor) -> Mapping[str, float]:
    """Return the metrics of vectors x (M, D) as one of K codes each.

    Args:
        scene: of which the source and K are asked.
        x: (M, D).
        reconstruction: (M, D).
        indices: (M,) of the codes.
        possible: (K, D) what all codes are reconstructed as.
    """
    counts = metrics.usage_counts(indices.numpy(), scene.codebook_size)
    distortion = _mean_squared(reconstruction, x)
    best = nearest(x.numpy().astype(np.float64), possible.numpy().astype(np.float64)).squared_distances.mean()
    found = {
        "distortion": distortion,
        "best choice": float(best),
        "perplexity": 2.0 ** metrics.entropy_bits(counts),
        "dead codes": float(metrics.dead_codes(counts)),
    }
    if isinstance(scene.source, Gaussian):
        found["effective bits"] = metrics.effective_bits(scene.source.eigenvalues, distortion)
    return found


def _mean_squared(reconstruction: Tensor, x: Tensor) -> float:
    error = float((reconstruction.double() - x.double()).square().sum(dim=1).mean())
    return error if math.isfinite(error) else math.inf
