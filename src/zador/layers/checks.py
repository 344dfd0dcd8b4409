"""What a layer is made of, looked at when it is made: a part that does not fit is named then, not in the first pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from zador.errors import UsageError
from zador.estimators import Relaxation

__all__ = ["check_parts"]


def check_parts(estimator: Any, commitment: Any, regularisers: Any) -> None:
    """Raise UsageError unless these are an estimator, a weight and a list of losses: see `Bottleneck`."""
    if isinstance(estimator, Relaxation):
        raise UsageError(
            f"estimator: {type(estimator).__name__} weighs all codewords; build the layer with "
            "zador.categorical_vq(..., estimator=...), or zador.gumbel_vq(...)"
        )
    if not callable(estimator) or isinstance(estimator, type):
        raise UsageError(
            f"estimator={estimator!r}: expected a function (x, q) -> y, such as zador.estimators.rotation_trick, or an "
            "object such as zador.estimators.NSVQ()"
        )
    if not (callable(commitment) or (isinstance(commitment, int | float) and 0 <= commitment < math.inf)):
        raise UsageError(f"commitment: expected a number of at least 0, or a function of step and usage, got {commitment!r}")
    if not isinstance(regularisers, Sequence) or not all(callable(each) and hasattr(each, "name") for each in regularisers):
        raise UsageError(f"regularisers={regularisers!r}: expected a list of losses, such as [zador.layers.Diversity()]")
