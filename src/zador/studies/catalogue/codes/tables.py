"""One table of codewords: in all coordinates, or behind an orthonormal encoder that is given or learned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zador.codebooks import KMeansPlusPlus, fit_codebook
from zador.models.linear import Autograd, Recipe, converged, start, train
from zador.studies.catalogue.codes.code import OnSource, measured, of_table
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.codebooks import Initialiser
    from zador.models.linear import Engine, LinearAutoencoder
    from zador.studies.catalogue.codes.code import Draws

__all__ = ["LearnedAxes", "PrincipalAxesLloyd", "Table"]


@dataclass(frozen=True)
class Table(OnSource):
    """Lloyd's algorithm in all coordinates, until an update gains less than 1e-5.

    Attributes:
        codebook_size: K.
        start: where codewords come from.
        iterations: most updates.
    """

    codebook_size: int
    start: Initialiser = field(default_factory=KMeansPlusPlus)
    iterations: int = 100

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures."""
        return [self._of(seed) for seed in seeds]

    def _of(self, seed: int) -> Outcome:
        drawn = self.source.draw(seed)
        fitted = fit_codebook(drawn.train, self.codebook_size, init=self.start, iterations=self.iterations, seed=seed)
        return Outcome(measured(self.source, drawn, of_table(fitted.codewords)))


@dataclass(frozen=True)
class PrincipalAxesLloyd(OnSource):
    """The m leading principal axes, k-means++ and Lloyd's algorithm on them until nothing changes.

    Attributes:
        codebook_size: K.
        encoder_dim: m.
    """

    codebook_size: int
    encoder_dim: int

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures."""
        x, _ = self.source.stacked(seeds)
        model = converged(x, codebook_size=self.codebook_size, encoder_dim=self.encoder_dim, seeds=seeds)
        return _outcomes(self.source, seeds, model)


@dataclass(frozen=True)
class LearnedAxes(OnSource):
    """Orthonormal rows and codewords by gradient, from principal axes, k-means++ and 20 updates of Lloyd on.

    Attributes:
        codebook_size: K.
        encoder_dim: m.
        recipe: how to train.
        engine: where gradients come from.
    """

    codebook_size: int
    encoder_dim: int
    recipe: Recipe = field(default_factory=Recipe)
    engine: Engine = field(default_factory=Autograd)

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures; a run that diverged says so."""
        x, _ = self.source.stacked(seeds)
        begun = start(x, codebook_size=self.codebook_size, encoder_dim=self.encoder_dim, seeds=seeds)
        done = train(begun, x, self.recipe, self.engine, seeds=seeds)
        return _outcomes(self.source, seeds, done.model, done.failures)


def _outcomes(
    source: Draws, seeds: Sequence[int], model: LinearAutoencoder, failures: Sequence[str | None] = ()
) -> list[Outcome]:
    said: Any = failures or (None,) * len(seeds)
    return [
        Outcome(measured(source, source.draw(seed), of_table(model.member(number).codewords)), failure=said[number] or "")
        for number, seed in enumerate(seeds)
    ]
