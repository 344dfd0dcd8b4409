"""What is run: a model trained on with an estimator, and what it is held against."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from zador import fit_codebook, nearest
from zador.models import fit
from zador.studies.catalogue.zoo.figures import figures, of_codes
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zador.studies.catalogue.zoo.scene import Scene
    from zador.studies.catalogue.zoo.ways import Way

__all__ = ["KMeans", "OnScene", "Trained", "TwoStage"]


@dataclass(frozen=True)
class OnScene:
    """Work on the vectors of a scene, one seed at a time.

    Attributes:
        scene: vectors, sizes, start.
    """

    scene: Scene

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the outcome of each seed."""
        return [self.one(seed) for seed in seeds]

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of the vectors."""
        return self.scene.source.fingerprint(seed)

    def one(self, seed: int) -> Outcome:
        """Return the outcome of a seed."""
        raise NotImplementedError


@dataclass(frozen=True)
class Trained(OnScene):
    """The start of the scene, trained on with a layer and an estimator.

    Attributes:
        way: how they are put into the model.
    """

    way: Way

    def one(self, seed: int) -> Outcome:
        """Return the figures at the end, and the curve."""
        scene, data = self.scene, self.scene.data(seed)
        model = self.way.enter(scene.model(seed), scene.begun(seed), seed)
        recipe = replace(scene.training, objective=self.way.objective)
        done = fit(
            model,
            data.train,
            recipe,
            seed=scene.batches(seed) + 1,
            observe=lambda _, found: figures(scene, found, data.evaluation),
        )
        return Outcome(
            {**done.observed[-1], "diverged": float(bool(done.failure))},
            _curves(done.steps, done.observed),
            done.failure or "",
        )


@dataclass(frozen=True)
class TwoStage(OnScene):
    """The start itself: an autoencoder trained without quantization, then k-means on what its encoder makes of vectors."""

    def one(self, seed: int) -> Outcome:
        """Return its figures."""
        begun, x = self.scene.begun(seed), self.scene.data(seed).evaluation
        with torch.no_grad():
            z = begun.model.encoder(x)
            indices = torch.from_numpy(nearest(z.numpy(), begun.codewords.numpy()).indices)
            reconstruction = begun.model.decoder(begun.codewords[indices])
            possible = begun.model.decoder(begun.codewords)
        return Outcome({**of_codes(self.scene, x, reconstruction, indices, possible), "diverged": 0.0})


@dataclass(frozen=True)
class KMeans(OnScene):
    """K codewords for the vectors themselves, the best of several starts: no encoder and no decoder.

    An autoencoder with one of K codes a vector has K reconstructions, so on the vectors that it is fitted to no model beats
    the best table of K vectors.

    Attributes:
        restarts: starts.
    """

    restarts: int = 5

    def one(self, seed: int) -> Outcome:
        """Return its figures."""
        data = self.scene.data(seed)
        book = fit_codebook(data.train.numpy(), self.scene.codebook_size, restarts=self.restarts, seed=seed)
        codewords = torch.from_numpy(book.codewords).float()
        indices = torch.from_numpy(nearest(data.evaluation.numpy(), codewords.numpy()).indices)
        found = of_codes(self.scene, data.evaluation, codewords[indices], indices, codewords)
        return Outcome({**found, "diverged": 0.0})


def _curves(steps: tuple[int, ...], observed: Sequence[Mapping[str, float]]) -> tuple[Series, ...]:
    """Return the curves of a model with codes; without, its error lies where it would spread the axis of all others."""
    if "perplexity" not in observed[0]:
        return ()
    return tuple(
        Series(metric, steps, tuple(each.get(metric, math.nan) for each in observed))
        for metric in ("distortion", "perplexity")
    )
