"""What is done on the testbed: codebooks by Lloyd's algorithm, and autoencoders by gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.models.linear import converged, evaluate, pca_lloyd, train
from zador.studies.catalogue.testbed.measures import outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.models.linear import Engine, Recipe
    from zador.studies.catalogue.testbed.scene import Scene
    from zador.studies.rows import Outcome

__all__ = ["ConvergedLloyd", "OnScene", "PcaLloyd", "Trained"]


@dataclass(frozen=True)
class OnScene:
    """Work on what a scene draws.

    Attributes:
        scene: source and sizes.
    """

    scene: Scene

    def fingerprint(self, seed: int, /) -> str:
        """Return the hash of what `seed` draws."""
        return self.scene.source.fingerprint(seed)


@dataclass(frozen=True)
class PcaLloyd(OnScene):
    """Principal axes, k-means++, and a fixed number of Lloyd's updates on all training vectors: protocol A's baseline.

    Attributes:
        iterations: updates.
    """

    iterations: int = 30

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures on evaluation vectors."""
        x, judged = self.scene.source.stacked(seeds)
        model = pca_lloyd(
            x,
            codebook_size=self.scene.codebook_size,
            encoder_dim=self.scene.encoder_dim,
            seeds=seeds,
            iterations=self.iterations,
        )
        return outcomes(self.scene, evaluate(model, judged))


@dataclass(frozen=True)
class ConvergedLloyd(OnScene):
    """The same until no update lowers the training error any more; of several starts, the best on training vectors.

    Attributes:
        restarts: starts.
    """

    restarts: int = 1

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures on evaluation vectors."""
        x, judged = self.scene.source.stacked(seeds)
        model = converged(
            x,
            codebook_size=self.scene.codebook_size,
            encoder_dim=self.scene.encoder_dim,
            seeds=seeds,
            restarts=self.restarts,
        )
        return outcomes(self.scene, evaluate(model, judged))


@dataclass(frozen=True)
class Trained(OnScene):
    """Gradient descent from `Scene.start`.

    Attributes:
        recipe: how to train.
        engine: where gradients come from.
    """

    recipe: Recipe
    engine: Engine

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures on evaluation vectors after the last step, and along the way."""
        x, judged = self.scene.source.stacked(seeds)
        done = train(self.scene.start(seeds), x, self.recipe, self.engine, seeds=seeds, evaluation=judged)
        if done.curve is None:  # pragma: no cover - evaluation vectors were given
            raise AssertionError
        return outcomes(self.scene, done.curve.points[-1], done.curve, done.failures)
