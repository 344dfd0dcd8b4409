"""What is said of an estimator at a place: how far its mean is from two truths, and how far one draw is from its mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from zador.studies.atlas.truth import of_nearest
from zador.studies.design import Metric
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from zador.studies.atlas.scene import Place
    from zador.studies.atlas.subjects import Sent, Subject

__all__ = ["MEASURES", "Judged", "judge"]

MEASURES = (
    Metric(
        "hard cosine",
        "cosine, hard",
        "Cosine of the mean gradient with that of the expected loss at the nearest codeword; mean over the points.",
        decimals=3,
        lower_is_better=False,
    ),
    Metric(
        "own cosine",
        "cosine, own",
        "The same with the gradient of the estimator's own expected loss: that of what its forward makes in training.",
        decimals=3,
        lower_is_better=False,
    ),
    Metric(
        "hard bias",
        "bias, hard",
        "Distance of the mean gradient from that of the expected loss at the nearest codeword, as a share of the length of "
        "the latter.",
        decimals=3,
    ),
    Metric(
        "own bias",
        "bias, own",
        "The same against its own expected loss. Never printed below one standard error, which is how well it was resolved.",
        decimals=3,
    ),
    Metric(
        "draw cosine",
        "cosine of a draw",
        "Cosine of a single gradient (one noisy vector, one draw) with that of its own expected loss; 0 where it is zero.",
        decimals=3,
        lower_is_better=False,
    ),
    Metric(
        "deviation",
        "deviation of a draw",
        "Root mean square distance of a single gradient from their mean, as a share of its own truth's length.",
        decimals=3,
    ),
    Metric(
        "length",
        "length",
        "Length of the mean gradient as a share of that of the loss at the nearest codeword.",
        decimals=3,
        lower_is_better=None,
    ),
    Metric(
        "resolution",
        "standard error",
        "Of the difference between mean gradient and own truth, as a share of the latter's length.",
        decimals=4,
        lower_is_better=None,
    ),
)
"""Shares are of root mean squares over the points of a scene: a point where the truth is nearly 0 decides nothing alone."""


@dataclass(frozen=True)
class Judged:
    """One estimator at one kind of place.

    Attributes:
        place: where.
        subject: who.
    """

    place: Place
    subject: Subject

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return one outcome a seed."""
        return [self._one(seed) for seed in seeds]

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of the scene."""
        return self.place.fingerprint(seed)

    def _one(self, seed: int) -> Outcome:
        scene = self.place.scene(seed)
        sent = self.subject(scene)
        hard = _hard(self.place, seed)
        truth = self.subject.truth
        own = hard if truth is of_nearest else truth(scene, sent.losses)
        return Outcome(judge(sent, own, hard))


@lru_cache(maxsize=8)  # as many as scenes are kept
def _hard(place: Place, seed: int) -> Tensor:
    return of_nearest(place.scene(seed))


def judge(sent: Sent, own: Tensor, hard: Tensor) -> dict[str, float]:
    """Return the measures by name.

    Args:
        sent: what was sent back.
        own: (P, B, d) the gradient of the estimator's own expected loss, by blocks.
        hard: (P, B, d) that of the loss at the nearest codeword.
    """
    blocks = sent.gradient.mean(2)
    mean, own_truth, hard_truth = (each.mean(1) for each in (blocks, own, hard))
    own_size, hard_size = _rms(own_truth), _rms(hard_truth)
    error = _error(blocks - own)
    spread = (sent.gradient - mean[:, None, None]).square().sum(-1).mean().sqrt()
    found = {
        "hard bias": _bias(blocks - hard) / hard_size,
        "own bias": _bias(blocks - own) / own_size,
        "hard cosine": _cosine(mean, hard_truth).mean(),
        "own cosine": _cosine(mean, own_truth).mean(),
        "draw cosine": _cosine(sent.gradient, own_truth[:, None, None]).mean(),
        "deviation": spread / own_size,
        "length": _rms(mean) / hard_size,
        "resolution": error / own_size,
    }
    return {name: float(value) for name, value in found.items()}


def _rms(vectors: Tensor) -> Tensor:
    return vectors.square().sum(-1).mean().sqrt()


def _error(differences: Tensor) -> Tensor:
    """Return the standard error of the mean over blocks (P, B, d), root mean square over points."""
    return (differences.var(1).sum(-1) / differences.shape[1]).mean().sqrt()


def _bias(differences: Tensor) -> Tensor:
    """Return the length of the mean of blocks (P, B, d) without what their noise adds to it; at least the standard error."""
    error = _error(differences)
    return (_rms(differences.mean(1)) ** 2 - error**2).clamp(min=0).sqrt().maximum(error)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    product = (a * b).sum(-1)
    cosine: Tensor = product / (a.norm(dim=-1) * b.norm(dim=-1)).clamp(min=torch.finfo(torch.float64).tiny)
    return cosine
