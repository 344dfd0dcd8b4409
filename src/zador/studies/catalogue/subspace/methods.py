"""What is done in 256 dimensions: training as in protocol B, and k-means behind principal axes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zador.models.linear import converged, train
from zador.studies.catalogue.subspace.measures import Trace, outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.models.linear import Engine, Recipe, Retraction
    from zador.studies.catalogue.subspace.scene import Scene
    from zador.studies.rows import Outcome

__all__ = ["KMeans", "Trained", "Turns"]


@dataclass(frozen=True)
class Trained:
    """Gradient descent from `Scene.start`.

    Attributes:
        scene: source, sizes and start.
        recipe: how to train.
        engine: where gradients come from.
    """

    scene: Scene
    recipe: Recipe
    engine: Engine

    def fingerprint(self, seed: int, /) -> str:
        """Return the hash of what `seed` draws."""
        return self.scene.source.fingerprint(seed)

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures after the last step, and along the way."""
        fitted, judged = self.scene.vectors(seeds)
        turns = Turns(self.recipe.step.retraction, len(seeds))
        watched = replace(self.recipe, step=replace(self.recipe.step, retraction=turns))
        done = train(self.scene.start(seeds), fitted, watched, self.engine, seeds=seeds, evaluation=judged)
        if done.curve is None:  # pragma: no cover - evaluation vectors were given
            raise AssertionError
        return outcomes(self.scene, seeds, done.model, Trace(done.curve, done.failures, turns.count.tolist()))


class Turns:
    """A retraction that counts the rows it turns around: those it takes to the other side of the origin.

    Attributes:
        count: (S,) rows turned so far.
    """

    def __init__(self, retraction: Retraction, members: int) -> None:
        self.retraction, self.count = retraction, np.zeros(members, np.int64)

    def __call__(self, encoder: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return what the retraction makes of (S, m, D)."""
        found = self.retraction(encoder)
        self.count += (np.einsum("smd,smd->sm", found, encoder) < 0).sum(axis=1)
        return found


@dataclass(frozen=True)
class KMeans:
    """Principal axes, k-means++, and Lloyd's algorithm on all vectors until nothing changes: no gradient at all.

    Attributes:
        scene: source and sizes; where training starts does not matter.
    """

    scene: Scene

    def fingerprint(self, seed: int, /) -> str:
        """Return the hash of what `seed` draws."""
        return self.scene.source.fingerprint(seed)

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures on evaluation vectors."""
        fitted, _ = self.scene.vectors(seeds)
        sizes = {"codebook_size": self.scene.codebook_size, "encoder_dim": self.scene.encoder_dim}
        return outcomes(self.scene, seeds, converged(fitted, **sizes, seeds=seeds))
