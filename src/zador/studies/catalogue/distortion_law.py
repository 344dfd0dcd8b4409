"""By which power of the codebook's size does distortion fall, beside Zador's 2/d?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador.studies.catalogue.growth.curve import MEASURES, Curve
from zador.studies.catalogue.growth.fits import Fitted, seeded, split
from zador.studies.catalogue.growth.laws import Predicted, floor, scalar, shannon, zador
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CURVES", "METHOD", "distortion_law"]

METHOD = "Lloyd, by splitting"
"""The reference: what is measured."""

_SEEDS, _QUICK_SEEDS = 20, 5
_TESTBED = tuple(np.geomspace(4.0, 0.25, 6).tolist())


def _sizes(doublings: int) -> tuple[int, ...]:
    return tuple(8 * 2**k for k in range(doublings + 1))


CURVES = {
    "d = 1": Curve((1.0,), _sizes(4), 2048),
    "d = 2": Curve((1.0,) * 2, _sizes(5), 512),
    "d = 4": Curve((1.0,) * 4, _sizes(6), 256),
    "d = 8": Curve((1.0,) * 8, _sizes(6), 256),
    "testbed, four axes": Curve(_TESTBED[:4], _sizes(6), 256),
    "testbed, whole error": Curve(_TESTBED[:4], _sizes(6), 256, sum(_TESTBED[4:])),
}
_QUICK = {
    "d = 1": Curve((1.0,), _sizes(3), 64),
    "d = 4": Curve((1.0,) * 4, _sizes(3), 64),
    "testbed, four axes": Curve(_TESTBED[:4], _sizes(3), 64),
}


def distortion_law(*, quick: bool = False) -> Design:
    """Return the study: K from 8 on, Gaussians of 1, 2, 4 and 8 dimensions, and the testbed behind four axes."""
    count = _QUICK_SEEDS if quick else _SEEDS
    curves = _QUICK if quick else CURVES
    return Design(
        name="distortion-law",
        title="By which power of K does distortion fall?",
        question=(
            "Zador's asymptote says K^(−2/d), Shannon's D(R) of d equal variances the same at every rate. Real codebooks of "
            "moderate size are far from the asymptote: what exponent do they show, and does it approach 2/d from below? The "
            "exponent is fitted for every seed, so that it has an interval."
        ),
        factor="source",
        arms=tuple(arm for setting, curve in curves.items() for arm in _arms(curve, setting)),
        metrics=MEASURES,
        reference=METHOD,
        seeds=tuple(range(1, count + 1)),
        notes=(
            (
                "Lloyd's algorithm by splitting: from k-means++ at K = 8 until an update gains below 1e-4 of the error, "
                "then every codeword is split in two and it runs again. Each size is fitted to 256 vectors a codeword or "
                "more (2048 where d = 1, 512 where d = 2) and judged on 100,000 others. On the testbed k-means++ with 30 "
                "updates, protocol A's baseline, stands beside it."
            ),
            (
                "Sizes end at K = 128, 256, 512 for d = 1, 2 and above: where a cell has few vectors, what is fitted to the "
                "sample looks like a smaller exponent."
            ),
            "Zador's asymptote is a limit of large K, no bound; below its range it lies above what is measured.",
        ),
        short=quick,
    )


def _arms(curve: Curve, setting: str) -> Iterator[Arm]:
    predictions = {"Shannon D(R)": shannon, "Zador's asymptote": zador}
    testbed = len(set(curve.variances)) > 1
    if not testbed:
        predictions["K-point floor"] = floor
    if len(curve.variances) == 1:
        predictions["optimal (Lloyd–Max)"] = scalar
    for name, law in predictions.items():
        yield Arm(name, Predicted(curve, law), setting, limit=True)
    yield Arm(METHOD, Fitted(curve, split), setting)
    if testbed:
        yield Arm("k-means++, 30 updates", Fitted(curve, seeded), setting)
