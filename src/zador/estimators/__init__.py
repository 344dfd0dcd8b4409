"""How a gradient crosses a quantizer: functions (x, q) → y, one a file, each under its own name and source."""

from __future__ import annotations

from zador.estimators.estimator import Estimator
from zador.estimators.gumbel_softmax import GumbelSoftmax, Relaxed, gumbel_softmax
from zador.estimators.projection import projection
from zador.estimators.rotation_trick import rotation_trick, rotation_trick_without_rescaling
from zador.estimators.straight_through import straight_through
from zador.estimators.temperature import Constant, Cosine, Exponential, Linear, Schedule, effective_temperature

__all__ = [
    "Constant",
    "Cosine",
    "Estimator",
    "Exponential",
    "GumbelSoftmax",
    "Linear",
    "Relaxed",
    "Schedule",
    "effective_temperature",
    "gumbel_softmax",
    "projection",
    "rotation_trick",
    "rotation_trick_without_rescaling",
    "straight_through",
]
