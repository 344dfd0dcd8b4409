"""Ways to put an estimator into a model: what becomes of an autoencoder without a layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

from zador.codebooks import Gradient
from zador.estimators import NoisyEstimator, Relaxation
from zador.layers import CategoricalBottleneck, categorical_vq, expected_loss, gumbel_vq, vq
from zador.models import Autoencoder, squared_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from zador.codebooks import Learner
    from zador.estimators import Estimator, ScoredEstimator
    from zador.models import Objective
    from zador.studies.catalogue.zoo.scene import Begun

__all__ = ["Choosing", "Continuous", "Scoring", "Way", "Weighing", "no_gradient"]


class Way(Protocol):
    """A frozen dataclass that says how a model is quantized in training."""

    @property
    def objective(self) -> Objective:
        """What is made small."""

    def enter(self, model: Autoencoder, begun: Begun, seed: int) -> Autoencoder:
        """Return the model with its layer, whose codewords are those of the start; `seed` is that of everything drawn."""


def no_gradient(_x: Tensor, q: Tensor) -> Tensor:
    """Return q, and let no gradient through: the encoder learns from the commitment loss alone."""
    return q.detach()


def _learner(begun: Begun, seed: int, weight: float = 1.0) -> Learner:
    """Return the learner of all arms: codewords from where all start, moved by the model's optimiser, none revived."""
    return Gradient(weight, start=begun.codewords, revive=None, seed=seed)


@dataclass(frozen=True)
class Continuous:
    """No layer."""

    @property
    def objective(self) -> Objective:
        """The squared error."""
        return squared_error

    def enter(self, model: Autoencoder, _begun: Begun, _seed: int) -> Autoencoder:
        """Return the model as it is."""
        return model


@dataclass(frozen=True)
class Choosing:
    """`zador.vq` with the nearest codeword.

    Attributes:
        estimator: how the gradient crosses.
        weight: α of the codebook loss.
        commitment: β.
    """

    estimator: Estimator | NoisyEstimator
    weight: float = 1.0
    commitment: float = 0.25

    @property
    def objective(self) -> Objective:
        """The squared error."""
        return squared_error

    def enter(self, model: Autoencoder, begun: Begun, seed: int) -> Autoencoder:
        """Return the model with the layer."""
        estimator = self.estimator
        if isinstance(estimator, NoisyEstimator):
            estimator = replace(estimator, seed=seed)
        layer = vq(
            begun.codewords.shape[1],
            len(begun.codewords),
            estimator=cast("Estimator", estimator),
            learner=_learner(begun, seed, self.weight),
            commitment=self.commitment,
        )
        return Autoencoder(model.encoder, layer, model.decoder)


@dataclass(frozen=True)
class Weighing:
    """A layer that weighs all codewords.

    Attributes:
        relaxation: how; None for that of `zador.gumbel_vq`.
    """

    relaxation: Relaxation | None = None

    @property
    def objective(self) -> Objective:
        """The squared error."""
        return squared_error

    def enter(self, model: Autoencoder, begun: Begun, seed: int) -> Autoencoder:
        """Return the model with the layer."""
        size, dim = begun.codewords.shape
        learner = _learner(begun, seed)
        layer = (
            gumbel_vq(dim, size, learner=learner)
            if self.relaxation is None
            else categorical_vq(dim, size, estimator=self.relaxation, learner=learner)
        )
        return Autoencoder(model.encoder, layer, model.decoder)


class _Scored(Autoencoder):
    """An autoencoder whose gradient comes from the loss of what was drawn, see `zador.layers.expected_loss`."""

    def __init__(self, model: Autoencoder, layer: CategoricalBottleneck, estimator: ScoredEstimator, draws: int) -> None:
        super().__init__(model.encoder, layer, model.decoder)
        self.estimator, self.draws = estimator, draws


@dataclass(frozen=True)
class Scoring:
    """Codewords drawn, and an estimator that is told the loss of each vector.

    Attributes:
        estimator: makes it.
        draws: codewords drawn for each vector.
    """

    estimator: Callable[[], ScoredEstimator]
    draws: int = 1

    @property
    def objective(self) -> Objective:
        """The expected squared error."""
        return _expected_error

    def enter(self, model: Autoencoder, begun: Begun, seed: int) -> Autoencoder:
        """Return the model with the layer and the estimator."""
        size, dim = begun.codewords.shape
        layer = categorical_vq(dim, size, learner=_learner(begun, seed))
        return _Scored(model, layer, self.estimator(), self.draws)


def _expected_error(model: nn.Module, x: Tensor, /, *, quantize: bool) -> Tensor:
    """Return E over the draws of ‖x - decoder(c)‖², mean over the batch, with the layer's losses."""
    if not isinstance(model, _Scored) or not quantize:
        return squared_error(model, x, quantize=quantize)
    out = expected_loss(
        cast("CategoricalBottleneck", model.bottleneck),
        model.encoder(x),
        lambda q: (model.decoder(q) - x).square().sum(dim=-1),
        estimator=model.estimator,
        draws=model.draws,
    )
    return out.loss
