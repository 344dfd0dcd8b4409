"""Three ways to train on a subspace: as the report did, with its two mistakes put right, and as one would."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zador.estimators import projection, rotation_trick, straight_through
from zador.models.linear import Adam, Chained, KMeansCodewords, Loss, Rates, Recipe, Step, qr, signed_qr
from zador.studies.catalogue.bounds import limit_arms
from zador.studies.catalogue.subspace.methods import KMeans, Trained
from zador.studies.catalogue.subspace.scene import Blind, Scene, Warm
from zador.studies.catalogue.subspace.source import Subspace
from zador.studies.design import Arm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from zador.codebooks import Initialiser
    from zador.estimators import Estimator
    from zador.models.linear import Batches, Retraction
    from zador.studies.catalogue.subspace.scene import Begin

__all__ = [
    "CORRECTED",
    "KMEANS",
    "ORIGINAL",
    "OTHER_BATCHES",
    "PROJECTION",
    "PROTOCOLS",
    "ROTATION_TRICK",
    "SOUND",
    "STRAIGHT_THROUGH",
    "Protocol",
    "Table",
    "Way",
    "shuffled",
    "shuffled_otherwise",
]

KMEANS = "PCA + Lloyd, converged"

_BATCH, _EPOCHS, _POINTS = 256, 40, 5
_RATE, _EPSILON = 0.002, 1e-8
_ENCODER_DIM = 4
_ORDER = 20
_FAR = 1_000_000
_ANY = KMeansCodewords()


def shuffled(seed: int, vectors: int, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Yield batches of one permutation after the other: every vector once an epoch; batches may reach into the next.

    >>> stream = shuffled(1, 4, 2)
    >>> sorted([*next(stream).tolist(), *next(stream).tolist()])
    [0, 1, 2, 3]
    """
    rng = np.random.default_rng([_ORDER, seed])
    left = np.empty(0, np.int64)
    while True:
        while len(left) < batch_size:
            left = np.concatenate([left, rng.permutation(vectors)])
        yield left[:batch_size]
        left = left[batch_size:]


def shuffled_otherwise(seed: int, vectors: int, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Yield the same of another seed, which no study uses."""
    return shuffled(seed + _FAR, vectors, batch_size)


@dataclass(frozen=True)
class Way:
    """A way to train: all else is the setting's.

    Attributes:
        name: as tables and claims call it.
        estimator: between encoder and codebook.
        batches: in which order vectors are seen.
    """

    name: str
    estimator: Estimator
    batches: Batches = shuffled


STRAIGHT_THROUGH = Way("straight-through", straight_through)
OTHER_BATCHES = Way("straight-through, other batches", straight_through, shuffled_otherwise)
"""Straight-through once more: what differs from it by no more than this says nothing about estimators."""
PROJECTION = Way("projection", projection)
"""What the report calls rotation."""
ROTATION_TRICK = Way("rotation trick", rotation_trick)
"""The rotation trick proper, which the report did not run."""


@dataclass(frozen=True)
class Protocol:
    """How it is trained and judged.

    Attributes:
        name: as settings call it.
        elsewhere: whether vectors to judge on lie in another subspace than those to fit on.
        retraction: of the encoder, after every step.
        begin: from where codewords come to where training starts.
        means: whether the terms of the loss are means over coordinates: α and β, and Adam's epsilon, are then larger.
    """

    name: str
    elsewhere: bool
    retraction: Retraction
    begin: Callable[[Initialiser], Begin]
    means: bool

    def scene(self, table: Table) -> Scene:
        """Return what all arms of a setting share."""
        source = Subspace(noise=table.noise, elsewhere=self.elsewhere)
        return Scene(table.codebook_size, source, self.begin(table.codewords), _ENCODER_DIM)

    def recipe(self, table: Table) -> Recipe:
        """Return how straight-through is trained; the others differ in the estimator alone."""
        source = Subspace(noise=table.noise)
        steps = table.epochs * source.train // _BATCH
        factor, shrunk = (source.dim / _ENCODER_DIM, source.dim) if self.means else (1.0, 1)
        return Recipe(
            steps=steps,
            batch_size=_BATCH,
            rates=Rates(_RATE, _RATE),
            loss=Loss(factor, factor * table.commitment),
            step=Step(retraction=self.retraction, optimiser=Adam(epsilon=_EPSILON * shrunk)),
            batches=shuffled,
            record_every=steps // _POINTS,
        )


ORIGINAL = Protocol("original", elsewhere=True, retraction=qr, begin=Blind, means=True)
"""The report's: judged in another subspace, QR's signs as they come, a random encoder, means over coordinates."""
CORRECTED = Protocol("corrected", elsewhere=False, retraction=signed_qr, begin=Blind, means=True)
"""One subspace, and a retraction that is continuous; nothing else is changed."""
SOUND = Protocol("sound", elsewhere=False, retraction=signed_qr, begin=Warm, means=False)
"""From the principal axes, with summed losses, too."""

PROTOCOLS = (ORIGINAL, CORRECTED, SOUND)


@dataclass(frozen=True)
class Table:
    """What a setting says, under any protocol.

    Attributes:
        codebook_size: K.
        codewords: where they start.
        noise: standard deviation of the noise.
        commitment: β as the report has it, before any factor.
        epochs: passes over the vectors.
    """

    codebook_size: int
    codewords: Initialiser
    noise: float = 0.1
    commitment: float = 0.25
    epochs: int = _EPOCHS

    def arms(self, protocol: Protocol, setting: str, ways: Sequence[Way]) -> Iterator[Arm]:
        """Yield the limits, k-means, and these ways to train."""
        scene, recipe = protocol.scene(self), protocol.recipe(self)
        yield from limit_arms(scene.source, scene.codebook_size, setting, encoder_dim=scene.encoder_dim)
        # Where training starts is nothing to k-means: one cell for all that differ in it.
        yield Arm(KMEANS, KMeans(replace(scene, begin=Blind(_ANY))), setting)
        for way in ways:
            yield Arm(way.name, Trained(scene, replace(recipe, batches=way.batches), Chained(way.estimator)), setting)
