"""Who is judged: one adapter for each way in which an estimator is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from zador.estimators import Baseline, ConstantBaseline, Rebar, Relax, ScoreFunction, control_network, dithered
from zador.layers import chained
from zador.studies.atlas.truth import of_draws, of_nearest, of_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from zador.estimators import BlahutArimoto, Estimator, NoisyEstimator, Relaxed, ScoredEstimator
    from zador.studies.atlas.scene import Scene

__all__ = ["Annealed", "ControlVariate", "Crossing", "Curved", "Dithered", "Noisy", "Relaxing", "Score", "Sent", "Subject"]

_LEARN_BATCH, _LEARN_RATE = 256, 0.03


class Sent(NamedTuple):
    """What an estimator sent back.

    Attributes:
        gradient: (P, B, n, d) at each noisy point.
        losses: (P, B, n) at what its forward made of it.
    """

    gradient: Tensor
    losses: Tensor


class Subject(Protocol):
    """An estimator in a scene.

    Attributes:
        truth: the gradient of its own expected loss: see `zador.studies.atlas.truth`.
    """

    @property
    def truth(self) -> Callable[[Scene, Tensor | None], Tensor]:
        """See the class."""

    def __call__(self, scene: Scene, /) -> Sent:
        """Return the gradient at every noisy point of the scene."""


@dataclass(frozen=True)
class Crossing:
    """(x, q) → y: the nearest codeword, and a gradient rule.

    Attributes:
        estimator: the rule.
        truth: of its expected loss.
    """

    estimator: Estimator
    truth: Callable[[Scene, Tensor | None], Tensor] = of_nearest

    def __call__(self, scene: Scene) -> Sent:
        """Return what it sends back; see `Subject`."""
        return _sent(scene, lambda z: self.estimator(z, scene.codewords[scene.nearest]))


@dataclass(frozen=True)
class Noisy:
    """(x, q, noise) → y: a random vector near x or its codeword.

    Attributes:
        estimator: the rule.
        truth: of its expected loss.
    """

    estimator: NoisyEstimator
    truth: Callable[[Scene, Tensor | None], Tensor] = of_values

    def __call__(self, scene: Scene) -> Sent:
        """Return what it sends back; see `Subject`."""
        noise = scene.uniforms(scene.codewords.shape[1], 0)
        return _sent(scene, lambda z: self.estimator(z, scene.codewords[scene.nearest], noise))


@dataclass(frozen=True)
class Curved:
    """`zador.sf_diveq` in training, on the curve through all codewords in the order of `chained`; λ of each draw its own.

    Attributes:
        estimator: the rule between a noisy vector and both ends of the segment whose point is the nearest.
        truth: of its expected loss, over λ and the noise of the rule as well.
    """

    estimator: NoisyEstimator
    truth: Callable[[Scene, Tensor | None], Tensor] = of_values

    def __call__(self, scene: Scene) -> Sent:
        """Return what it sends back; see `Subject`."""
        corners = scene.codewords[chained(scene.codewords)]
        places = scene.uniforms(len(corners) - 1, 0).to(corners.dtype)
        points = torch.lerp(corners[:-1], corners[1:], places[..., None])
        segment = (points - scene.z[..., None, :]).square().sum(-1).argmin(-1, keepdim=True)
        place = places.gather(-1, segment)
        first, second = (scene.uniforms(corners.shape[1], stream) for stream in (1, 2))

        def between(z: Tensor) -> Tensor:
            start = self.estimator(z, corners[segment[..., 0]], first)
            return torch.lerp(start, self.estimator(z, corners[segment[..., 0] + 1], second), place)

        return _sent(scene, between)


@dataclass(frozen=True)
class Dithered:
    """The grid that is shifted at random and back: it looks at no codeword.

    Attributes:
        width: Δ.
        truth: of its expected loss.
    """

    width: float
    truth: Callable[[Scene, Tensor | None], Tensor] = of_values

    def __call__(self, scene: Scene) -> Sent:
        """Return what it sends back; see `Subject`."""
        noise = scene.uniforms(scene.codewords.shape[1], 0)
        return _sent(scene, lambda z: dithered(z, self.width, noise))


@dataclass(frozen=True)
class Relaxing:
    """(logits, noise, step) → weights of the codewords, as `GumbelSoftmax` has them.

    Attributes:
        relaxation: the weights.
        truth: of its expected loss: `of_draws` where weights are a codeword drawn, `of_nearest` where it is the most
            probable, `of_values` where they are a mixture.
    """

    relaxation: Callable[[Tensor, Tensor, Tensor], Relaxed]
    truth: Callable[[Scene, Tensor | None], Tensor] = of_values

    def __call__(self, scene: Scene) -> Sent:
        """Return what it sends back; see `Subject`."""
        noise = scene.uniforms(len(scene.codewords), 0)

        def mixed(z: Tensor) -> Tensor:
            return self.relaxation(scene.logits(z), noise, torch.tensor(0)).weights @ scene.codewords

        return _sent(scene, mixed)


@dataclass(frozen=True)
class Annealed:
    """Blahut–Arimoto weights with the marginal that a layer would have come to at this very place.

    Attributes:
        relaxation: the weights.
        steps: of the marginal towards its fixed point, over all noisy points of the scene.
        truth: of its expected loss, the marginal held.
    """

    relaxation: BlahutArimoto
    steps: int = 20
    truth: Callable[[Scene, Tensor | None], Tensor] = of_values

    def __call__(self, scene: Scene) -> Sent:
        """Return what it sends back; see `Subject`."""
        logits, step = scene.logits(scene.z), torch.tensor(0)
        marginal = torch.full((len(scene.codewords),), 1.0 / len(scene.codewords), dtype=torch.float64)
        for _ in range(self.steps):
            marginal = self.relaxation(logits, None, step, marginal=marginal).weights.mean((0, 1, 2))

        def mixed(z: Tensor) -> Tensor:
            return self.relaxation(scene.logits(z), None, step, marginal=marginal).weights @ scene.codewords

        return _sent(scene, mixed)


@dataclass(frozen=True)
class Score:
    """The score function estimator.

    Attributes:
        baseline: what is subtracted.
        draws: M of each vector.
        truth: of its expected loss.
    """

    baseline: Baseline = ConstantBaseline()  # noqa: RUF009 - frozen
    draws: int = 1
    truth: Callable[[Scene, Tensor | None], Tensor] = of_draws

    def __call__(self, scene: Scene) -> Sent:
        """Return what it sends back; see `Subject`."""
        return _scored(scene, ScoreFunction(self.baseline), self.draws)


@dataclass(frozen=True)
class ControlVariate:
    """REBAR, or RELAX with a network, after its control variate has learned at this very place.

    Attributes:
        hidden: width of the network; 0 for REBAR.
        steps: of Adam on η, τ and the network, on other noise.
        truth: of its expected loss.
    """

    hidden: int = 0
    steps: int = 100
    truth: Callable[[Scene, Tensor | None], Tensor] = of_draws

    def __call__(self, scene: Scene) -> Sent:
        """Return what it sends back; see `Subject`."""
        size = len(scene.codewords)
        estimator = Relax(control_network(size, self.hidden, seed=scene.seed)) if self.hidden else Rebar()
        estimator = estimator.double()
        points = scene.points[:, None].expand(-1, max(1, _LEARN_BATCH // len(scene.points)), -1)
        generator = torch.Generator().manual_seed(scene.seed)
        optimiser = torch.optim.Adam(estimator.parameters(), _LEARN_RATE)
        for _ in range(self.steps):
            noise = scene.sigma * torch.randn(points.shape, generator=generator, dtype=torch.float64)
            logits = scene.logits(points + noise).requires_grad_()
            uniforms = torch.rand(logits.shape, generator=generator, dtype=torch.float64)
            optimiser.zero_grad()
            estimator(scene.loss, logits, scene.codewords, uniforms).loss.mean().backward()
            optimiser.step()
        return _scored(scene, estimator.requires_grad_(False), 1)


def _sent(scene: Scene, forward: Callable[[Tensor], Tensor]) -> Sent:
    z = scene.z.clone().requires_grad_()
    losses = scene.loss(forward(z))
    (gradient,) = torch.autograd.grad(losses.sum(), z)
    return Sent(gradient, losses.detach())


def _scored(scene: Scene, estimator: ScoredEstimator, draws: int) -> Sent:
    z = scene.z.clone().requires_grad_()
    noise = scene.uniforms(len(scene.codewords), 0, draws=draws if draws > 1 else 0)
    scored = estimator(scene.loss, scene.logits(z), scene.codewords, noise)
    (gradient,) = torch.autograd.grad(scored.loss.sum(), z)
    return Sent(gradient, scored.loss.detach())
