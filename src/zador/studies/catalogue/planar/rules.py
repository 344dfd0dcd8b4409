"""What a run in the plane reconstructs from: one adapter for each way in which an estimator is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from zador.estimators import Estimator, NoisyEstimator, Relaxation

__all__ = ["Mixed", "Noisy", "Plain", "Rule"]


class Rule(Protocol):
    """How the reconstruction loss reaches encodings, and perhaps codewords.

    Attributes:
        teaches: whether codewords learn from the reconstruction; else they have a codebook loss, and encodings a commitment.
    """

    @property
    def teaches(self) -> bool:
        """See the class."""

    def noise(self, codebook_size: int, /) -> int:
        """Return how many uniform numbers a vector needs."""

    def __call__(self, z: Tensor, codewords: Tensor, noise: Tensor, /) -> Tensor:
        """Return y (..., B, 2), what stands for x̂ in training.

        Args:
            z: (..., B, 2) encodings.
            codewords: (..., K, 2).
            noise: (..., B, n) uniform in [0, 1).
        """


@dataclass(frozen=True)
class Plain:
    """y = q, with a gradient rule of its own and none to the codewords.

    Attributes:
        estimator: the rule.
        teaches: False.
    """

    estimator: Estimator
    teaches: bool = False

    def noise(self, _codebook_size: int, /) -> int:
        """Return 0."""
        return 0

    def __call__(self, z: Tensor, codewords: Tensor, _noise: Tensor, /) -> Tensor:
        """Return y; see `Rule`."""
        return self.estimator(z, chosen(z, codewords).detach())


@dataclass(frozen=True)
class Noisy:
    """y = z + an error of the length it has, with a gradient to z and to q.

    Attributes:
        estimator: the rule.
        teaches: True.
    """

    estimator: NoisyEstimator
    teaches: bool = True

    def noise(self, _codebook_size: int, /) -> int:
        """Return 2: one number a coordinate."""
        return 2

    def __call__(self, z: Tensor, codewords: Tensor, noise: Tensor, /) -> Tensor:
        """Return y; see `Rule`."""
        return self.estimator(z, chosen(z, codewords), noise)


@dataclass(frozen=True)
class Mixed:
    """y = Σ w_k c_k with weights from the logits -||z - c_k||² / width.

    Attributes:
        relaxation: the weights.
        width: in the unit of squared distance.
        teaches: True.
    """

    relaxation: Relaxation
    width: float
    teaches: bool = True

    def noise(self, codebook_size: int, /) -> int:
        """Return K if it draws, else 0."""
        return codebook_size if self.relaxation.draws else 0

    def __call__(self, z: Tensor, codewords: Tensor, noise: Tensor, /) -> Tensor:
        """Return y; see `Rule`."""
        logits = (2.0 * z @ codewords.mT - codewords.square().sum(-1)[..., None, :]) / self.width
        return self.relaxation(logits, noise, torch.tensor(0)).weights @ codewords


def chosen(z: Tensor, codewords: Tensor) -> Tensor:
    """Return q (..., B, 2), the nearest codewords of z; a gradient there reaches the codewords."""
    distances = codewords.square().sum(-1)[..., None, :] - 2.0 * z @ codewords.mT
    indices = distances.detach().argmin(-1, keepdim=True).expand(*z.shape)
    return codewords.gather(-2, indices)
