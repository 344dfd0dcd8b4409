"""Does what synthetic vectors say hold on real ones, and does a nonlinear encoder beat a table?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zador.codebooks import Ema, RateDistortion, Uniform
from zador.estimators import rotation_trick
from zador.models.linear import Autograd, Manual, Rates, Recipe, Step, per_code, tangent
from zador.studies.catalogue.bounds import limit_arms
from zador.studies.catalogue.codes.code import DEAD, NEAREST, TRAINING
from zador.studies.catalogue.codes.fitted import Fitted, Product
from zador.studies.catalogue.codes.layers import FiniteScalars, Vq
from zador.studies.catalogue.codes.networks import RECIPE, Network
from zador.studies.catalogue.codes.tables import LearnedAxes, PrincipalAxesLloyd, Table
from zador.studies.catalogue.judgement import DISTORTION, EFFECTIVE_BITS, PERPLEXITY
from zador.studies.catalogue.sources import Bundled, Embeddings, Gaussian, MotionFrames
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zador.models import Training
    from zador.studies.catalogue.codes.code import Draws

__all__ = ["real_data", "real_data_8_bits", "real_data_dead_codes"]

_TESTBED = np.geomspace(4.0, 0.25, 6)
_GAUSSIAN = Gaussian((*(_TESTBED / _TESTBED.sum()).tolist(), *(0.0,) * 58), train=6400, evaluation=1600)

_SOURCES: dict[str, Draws] = {
    "digits": Bundled("digits"),
    "photos": Bundled("photos"),
    "embeddings": Embeddings(),
    "motion": MotionFrames(),
    "Gaussian": _GAUSSIAN,
}
_SEEDS, _FEWER_SEEDS, _QUICK_SEEDS, _SHORTER = 20, 10, 5, 5
_LATENT, _HIDDEN = 8, (128,)
_BITS, _MANY = 6, 256

_REFERENCE = "PCA + Lloyd"
_RATES = Rates(encoder=0.4, codebook=0.2)
"""Protocol A's 0.05 and 0.2: its variances add up to 8.3, ours to 1, and the encoder's gradient is proportional to them."""
_MANUAL_RATES = Rates(encoder=0.66, codebook=0.2)
_GRADIENT = Recipe(steps=200, batch_size=2048, rates=_RATES)
_MANUAL = Recipe(steps=200, batch_size=2048, rates=_MANUAL_RATES, step=Step(tangent, per_code))

_DATA_NOTE = (
    "Digits: 1438 to fit on, 8 × 8. Photos: 6784 patches of 8 × 8 × 3 of two photographs. Both in all their principal axes. "
    "Embeddings: 6400 synthetic vectors of length 1 in 384 dimensions with a power-law spectrum and a common direction; no "
    "text behind them. Motion: 6400 frames of 100 synthetic sequences, 20 joints; judged on other sequences. Gaussian: the "
    "six variances of protocol A in 64 dimensions. Variances add up to 1: a distortion is a share of the variance."
)
_BOUND_NOTE = (
    "D(R) of a Gaussian with the same covariance is no limit for vectors that are none: effective bits may exceed the rate, "
    "and say how much of the structure a code finds that a covariance does not show."
)
_ENCODER_NOTE = (
    "Encoders keep m = 8 coordinates. Behind the orthonormal ones the decoder is the transpose; the MLPs are D-128-8-128-D "
    "with GELU (3 in the middle for fsq), trained from random weights with the layer in place."
)
_SHORT_NOTE = "A quick run: two kinds of data, a fifth of the steps. Claims are judged on the full run."
_MEASURES = (DISTORTION, TRAINING, NEAREST, EFFECTIVE_BITS, PERPLEXITY, DEAD)


def real_data(*, quick: bool = False) -> Design:
    """Return the study at 6 bits: tables, encoders that are given or learned, networks; four kinds of data, a Gaussian."""
    arms = tuple(arm for setting, source in _chosen(quick=quick) for arm in _six_bits(source, setting, quick=quick))
    return _design(
        "real-data",
        title="Does what synthetic vectors say hold on real ones?",
        question=(
            "On the linear-Gaussian testbed gradients end where PCA + Lloyd converges, and the data hardly matter. Here the "
            "same methods see digits, photographs, frames of motion and vectors with the spectrum of text embeddings, at "
            "6 bits. Beside them stand a table in all coordinates and networks. A network with one index of K values is a "
            "table of K decoded points: it cannot go below the best table of that size, but it may end nearer to it."
        ),
        arms=arms,
        quick=quick,
    )


def real_data_8_bits(*, quick: bool = False) -> Design:
    """Return the study at 8 bits, where there are at least 20 vectors a codeword: not for digits."""
    arms: list[Arm] = []
    for setting, source in _chosen(quick=quick):
        if setting not in {"digits", "Gaussian"}:
            arms += limit_arms(source, _MANY, setting)
            arms.append(Arm("table", Table(source, 256), setting))
            arms.append(Arm("product, 2 slices", Fitted(source, Product(2, 16, turns=2)), setting))
            arms.append(Arm(_REFERENCE, PrincipalAxesLloyd(source, _MANY, _LATENT), setting))
            arms.append(Arm("autograd STE", LearnedAxes(source, _MANY, _LATENT, _shorter(_GRADIENT, quick=quick)), setting))
            arms.append(Arm("MLP + vq", Network(source, Vq(_MANY), _LATENT, _HIDDEN, _trained(quick=quick)), setting))
    return _design(
        "real-data-8-bits",
        title="And at 8 bits?",
        question="The same with four times as many codewords, where there are vectors enough to place them.",
        arms=tuple(arms),
        quick=quick,
        seeds=_FEWER_SEEDS,
    )


def real_data_dead_codes(*, quick: bool = False) -> Design:
    """Return the study of starts behind an MLP at K = 256: uniform or k-means++, when, with or without revival."""
    trained = _trained(quick=quick)
    starts = {
        "k-means++": (Ema(revive=None), trained),
        "k-means++, at once": (Ema(revive=None), replace(trained, warm_up=0)),
        "uniform": (Ema(start=Uniform(), revive=None), trained),
        "uniform, revived": (Ema(start=Uniform()), trained),
    }
    arms = tuple(
        Arm(name, Network(_SOURCES[setting], Vq(_MANY, learner), _LATENT, _HIDDEN, recipe), setting)
        for setting in ("photos", "Gaussian")
        for name, (learner, recipe) in starts.items()
    )
    design = _design(
        "real-data-dead-codes",
        title="Are dead codes a matter of images, or of where codewords start?",
        question=(
            "The reports saw no dead codes and ask whether that was clean Gaussian data or the initialisation. The same MLP "
            "learns on photographs and on Gaussian vectors, K = 256, its codebook by moving averages without revival: from "
            "k-means++ on encodings that 50 steps without a codebook have shaped, from k-means++ on those of random "
            "weights, from uniform codewords as VQ-VAEs have them, and from those with revival."
        ),
        arms=arms,
        quick=quick,
        seeds=_FEWER_SEEDS,
    )
    return replace(design, reference="k-means++", metrics=(DEAD, DISTORTION, TRAINING, NEAREST, EFFECTIVE_BITS, PERPLEXITY))


def _six_bits(source: Draws, setting: str, *, quick: bool) -> Iterator[Arm]:
    size, slice_size = 2**_BITS, 2 ** (_BITS // 2)
    gradient, manual, recipe = _shorter(_GRADIENT, quick=quick), _shorter(_MANUAL, quick=quick), _trained(quick=quick)
    rotated = LearnedAxes(source, size, _LATENT, gradient, Autograd(rotation_trick))
    yield from limit_arms(source, size, setting)
    yield Arm("table", Table(source, size), setting)
    yield Arm("table, R(D) start", Table(source, size, RateDistortion()), setting)
    yield Arm("product, 2 slices", Fitted(source, Product(2, slice_size, turns=2)), setting)
    yield Arm(_REFERENCE, PrincipalAxesLloyd(source, size, _LATENT), setting)
    yield Arm("autograd STE", LearnedAxes(source, size, _LATENT, gradient), setting)
    yield Arm("manual STE", LearnedAxes(source, size, _LATENT, manual, Manual()), setting)
    yield Arm("rotation trick", rotated, setting)
    yield Arm("MLP + vq", Network(source, Vq(size), _LATENT, _HIDDEN, recipe), setting)
    yield Arm("MLP + fsq", Network(source, FiniteScalars((4,) * 3), 3, _HIDDEN, recipe), setting)


def _chosen(*, quick: bool) -> list[tuple[str, Draws]]:
    return [(name, source) for name, source in _SOURCES.items() if not quick or name in {"digits", "motion"}]


def _shorter(recipe: Recipe, *, quick: bool) -> Recipe:
    return replace(recipe, steps=recipe.steps // _SHORTER) if quick else recipe


def _trained(*, quick: bool) -> Training:
    if quick:
        return replace(RECIPE, steps=RECIPE.steps // _SHORTER, warm_up=RECIPE.warm_up // _SHORTER)
    return RECIPE


def _design(name: str, *, title: str, question: str, arms: tuple[Arm, ...], quick: bool, seeds: int = _SEEDS) -> Design:
    count = _QUICK_SEEDS if quick else seeds
    notes = (_DATA_NOTE, _ENCODER_NOTE, _BOUND_NOTE)
    return Design(
        name=name,
        title=title,
        question=question,
        arms=arms,
        metrics=_MEASURES,
        reference=_REFERENCE,
        factor="data",
        seeds=tuple(range(1, count + 1)),
        notes=(_SHORT_NOTE, *notes) if quick else notes,
        short=quick,
    )
