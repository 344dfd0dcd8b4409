"""The layers under test: every preset in the configurations that make a difference, and inputs that suit them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from zador.codebooks import (
    AffineTransform,
    ByDistortion,
    Ema,
    FromBatch,
    Frozen,
    Gradient,
    KernelDrift,
    MlpTransform,
    OnlineKMeans,
)
from zador.estimators import (
    NSVQ,
    AdditiveNoise,
    BlahutArimoto,
    DiVeQ,
    Exponential,
    IndexBackpropagation,
    ReinMax,
    SoftAssignment,
    householder,
    rotation_trick,
)
from zador.layers import (
    MMD,
    AdaptiveCommitment,
    CosineWarmUp,
    Diversity,
    EntropyCoded,
    LinearTransport,
    OptimalTransport,
    Orthogonal,
    OrthogonalTransport,
    QuantizerDropout,
    Rate,
    Scheduled,
    WarmUp,
    Wasserstein,
    bsq,
    categorical_vq,
    fsq,
    grvq,
    gumbel_vq,
    lfq,
    multiscale,
    pq,
    random_projection,
    rfsq,
    rsimvq,
    rvq,
    sf_diveq,
    simvq,
    vq,
)
from zador.layers.table import LearnedTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zador.layers import Bottleneck

__all__ = ["ALL", "LEARNING", "MEMBERS", "PLAIN", "RESIDUAL", "SHORT", "Member", "over", "same_buffers", "train"]

CODEWORDS = np.random.default_rng(5).standard_normal((16, 8)).astype(np.float32)
# Nobody chooses the far half of these codewords; with little patience they are revived in the first batch.
DRAWS = {"leaving out": "it draws among all rows, and where there are fewer rows the numbers are others"}
DRAWN = {
    "leaving out": "it draws a number for every row",
    "own estimator": "its relaxation is its estimator",
    "one process": "each process draws numbers of its own",
}
NOISY = {"leaving out": "it draws noise for every row", "one process": "each process draws numbers of its own"}
DROPPING = {
    "leaving out": "each sample draws how far it goes, and the valid vectors alone are one sample",
    "one process": "each process draws numbers of its own",
}
CHOICES = (Scheduled(Diversity(per_sample=0.5), CosineWarmUp(1.0, 3)), Rate(temperature=0.5))
MATCHING = (Orthogonal(used_only=True, at_most=8), Scheduled(Wasserstein(), WarmUp(1.0, 3)), MMD(vectors=32, codewords=12))
WEIGHED = {"own estimator": "its relaxation is its estimator"}
FAR = np.concatenate([CODEWORDS, CODEWORDS + 30.0])


@dataclass(frozen=True)
class Member:
    """A layer, and what to feed it.

    Attributes:
        make: returns a fresh layer; two of them are the same to the last bit.
        shape: of a batch; the first axis may have any length.
        axis: where the coordinates are.
        whole: how many trailing axes of positions make one "vector" of the layer: 2 for maps.
        without: promises that do not apply, each with its reason.
        opaque: whether a gradient crosses otherwise than straight through.
    """

    make: Callable[[], Bottleneck]
    shape: tuple[int, ...] = (4, 40, 8)
    axis: int = -1
    whole: int = 0
    without: dict[str, str] = field(default_factory=dict)
    opaque: bool = False

    def input(self, seed: int = 0, batch: int | None = None, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return a batch, no two numbers of which are alike."""
        shape = (self.shape[0] if batch is None else batch, *self.shape[1:])
        drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        return (drawn * 1.3 + 0.2).to(dtype)

    def lead(self, x: torch.Tensor) -> tuple[int, ...]:
        """Return the shape of a mask for x."""
        positions = x.movedim(self.axis, -1).shape[:-1]
        return tuple(positions[: len(positions) - self.whole])

    def mask(self, x: torch.Tensor, seed: int = 3) -> torch.Tensor:
        """Return a mask for x that leaves out about a third of the vectors, some and not all of them."""
        drawn = torch.rand(self.lead(x), generator=torch.Generator().manual_seed(seed)) < 0.67
        drawn.view(-1)[0], drawn.view(-1)[-1] = True, False
        return drawn

    def wide(self, mask: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return a mask in the shape of x, coordinates and all."""
        full = mask.view(*mask.shape, *[1] * self.whole).expand(x.movedim(self.axis, -1).shape[:-1])
        return full[..., None].expand(x.movedim(self.axis, -1).shape).movedim(-1, self.axis)

    def only(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the valid vectors of x alone, as a batch that the member understands."""
        if self.whole:
            return x[mask]
        kept = x.movedim(self.axis, -1)[mask]
        if self.axis == -1:
            return kept
        return kept.view(1, -1, *[1] * (x.ndim - 3), kept.shape[-1]).movedim(-1, self.axis)

    def vectors(self, x: torch.Tensor) -> int:
        """Return how many vectors x holds, pixels of maps counted one by one."""
        return math.prod(x.shape) // x.shape[self.axis]


MEMBERS = {
    "vq-ema": Member(lambda: vq(8, 16)),
    "vq-gradient": Member(lambda: vq(8, 16, learner=Gradient())),
    "vq-online": Member(lambda: vq(8, 16, learner=OnlineKMeans())),
    "vq-frozen": Member(lambda: vq(8, 16, learner=Frozen(start=CODEWORDS))),
    "vq-revived": Member(lambda: vq(8, 32, learner=Ema(start=FAR, revive=ByDistortion(patience=2.0))), without=DRAWS),
    "vq-revived-gradient": Member(
        lambda: vq(8, 32, learner=Gradient(start=FAR, revive=FromBatch(patience=2.0))), without=DRAWS
    ),
    "vq-cosine": Member(lambda: vq(8, 16, cosine=True)),
    "vq-cosine-gradient": Member(lambda: vq(8, 16, cosine=True, learner=Gradient())),
    "vq-rotation": Member(lambda: vq(8, 16, estimator=rotation_trick), opaque=True),
    "vq-householder": Member(lambda: vq(8, 16, estimator=householder), opaque=True),
    "vq-nsvq": Member(lambda: vq(8, 16, estimator=NSVQ(), learner=Gradient()), without=NOISY, opaque=True),
    "vq-diveq": Member(lambda: vq(8, 16, estimator=DiVeQ(), learner=Gradient()), without=NOISY, opaque=True),
    "vq-noise": Member(lambda: vq(8, 16, estimator=AdditiveNoise()), without=NOISY),
    "vq-transport": Member(lambda: vq(8, 16, assignment=OptimalTransport())),
    "vq-entropy-coded": Member(lambda: vq(8, 16, assignment=EntropyCoded(0.5), learner=Ema(revive=None))),
    "vq-drift": Member(lambda: vq(8, 16, learner=KernelDrift())),
    "vq-heads": Member(lambda: vq(8, 16, heads=2)),
    "vq-shared-projected": Member(lambda: vq(8, 16, heads=2, shared_codebook=True, codebook_dim=3)),
    "vq-projected": Member(lambda: vq(8, 16, codebook_dim=4, learner=Gradient())),
    "vq-image": Member(lambda: vq(8, 16, axis=1), (4, 8, 6, 7), axis=1),
    "vq-sequence": Member(lambda: vq(8, 16, axis=1), (4, 8, 40), axis=1),
    "vq-video": Member(lambda: vq(8, 16, axis=1, codebook_dim=4, heads=2), (4, 8, 3, 4, 5), axis=1),
    "vq-skip": Member(lambda: vq(8, 16, on_nonfinite="skip"), without={"raises": "it leaves such vectors out instead"}),
    "vq-entropies": Member(lambda: vq(8, 16, regularisers=CHOICES, commitment=AdaptiveCommitment())),
    "vq-matched": Member(
        lambda: vq(8, 16, learner=Gradient(), regularisers=MATCHING, commitment=WarmUp(0.5, 4)),
        without={"loss of vectors": "its losses of codewords depend on vectors that they take as given"},
    ),
    "rvq-entropies": Member(lambda: rvq(8, 16, stages=2, learner=Gradient(), regularisers=CHOICES)),
    "pq-rotated": Member(lambda: pq(8, 16, parts=3, transport=OrthogonalTransport())),
    "vq-carried": Member(lambda: vq(8, 16, axis=1, codebook_dim=4, transport=LinearTransport()), (4, 8, 40), axis=1),
    "pq": Member(lambda: pq(8, 16, parts=3)),
    "rvq": Member(lambda: rvq(8, 16, stages=3)),
    "rvq-shared": Member(lambda: rvq(8, 16, stages=3, shared_codebook=True)),
    "rvq-gradient": Member(lambda: rvq(8, 16, stages=3, learner=Gradient(weight=0.5))),
    "rvq-projected": Member(lambda: rvq(8, 16, stages=3, codebook_dim=4)),
    "rvq-dropout": Member(lambda: rvq(8, 8, stages=3, dropout=QuantizerDropout(0.6, seed=5)), without=DROPPING),
    "grvq": Member(lambda: grvq(8, 16, stages=2, groups=2)),
    "simvq": Member(lambda: simvq(8, 16)),
    "simvq-projected": Member(lambda: simvq(8, 16, codebook_dim=4, axis=1), (4, 8, 40), axis=1),
    "simvq-affine": Member(lambda: simvq(8, 16, transform=AffineTransform())),
    "simvq-mlp": Member(lambda: simvq(8, 16, transform=MlpTransform(hidden=12))),
    "rsimvq": Member(lambda: rsimvq(8, 16, stages=3)),
    "gumbel": Member(lambda: gumbel_vq(8, 16), without=DRAWN, opaque=True),
    "gumbel-heads": Member(lambda: gumbel_vq(8, 16, heads=2, learner=Ema()), without=DRAWN, opaque=True),
    "reinmax": Member(lambda: categorical_vq(8, 16, estimator=ReinMax()), without=DRAWN, opaque=True),
    "ibq": Member(lambda: categorical_vq(8, 16, commitment=0.25), without=WEIGHED, opaque=True),
    "ibq-heads": Member(
        lambda: categorical_vq(8, 16, heads=2, estimator=IndexBackpropagation(0.5), prior=1e-3),
        without=WEIGHED,
        opaque=True,
    ),
    "softvq": Member(
        lambda: categorical_vq(8, 16, estimator=SoftAssignment(Exponential(2.0, 0.1, steps=5))), without=WEIGHED, opaque=True
    ),
    "blahut-arimoto": Member(
        lambda: categorical_vq(8, 16, heads=2, estimator=BlahutArimoto(2.0, decay=0.5), learner=Ema(), prior=0.1),
        without=WEIGHED,
        opaque=True,
    ),
    "sf-diveq": Member(lambda: sf_diveq(8, 16), without=NOISY, opaque=True),
    "sf-diveq-projected": Member(lambda: sf_diveq(8, 16, codebook_dim=4, commitment=0.25), without=NOISY, opaque=True),
    "random-projection": Member(lambda: random_projection(8, 16, 4, codebooks=2)),
    "fsq": Member(lambda: fsq((8, 5, 5)), (4, 40, 3)),
    "fsq-projected": Member(lambda: fsq((8, 5, 5), dim=8, heads=2, axis=1), (4, 8, 5, 6), axis=1),
    "rfsq": Member(lambda: rfsq((5, 5, 5), stages=3), (4, 40, 3)),
    "lfq": Member(lambda: lfq(8)),
    "lfq-heads": Member(lambda: lfq(8, heads=2, commitment=0.25)),
    "bsq": Member(lambda: bsq(8)),
    "bsq-projected": Member(lambda: bsq(8, codebook_size=2**6, axis=1), (4, 8, 5, 6), axis=1),
    "multiscale": Member(lambda: multiscale(8, 16, (1, 2, 4), axis=1), (9, 8, 4, 4), axis=1, whole=2),
    "multiscale-projected": Member(lambda: multiscale(8, 16, (2, (3, 4)), codebook_dim=4), (12, 3, 4, 8), whole=2),
}

ALL = list(MEMBERS)
# One of each kind, for promises that take long to check.
SHORT = ["vq-ema", "vq-projected", "vq-cosine", "rvq", "fsq-projected", "lfq", "multiscale"]
LEARNING = [name for name in ALL if any(isinstance(part, LearnedTable) for part in MEMBERS[name].make().modules())]
RESIDUAL = [name for name in ALL if name.startswith(("rvq", "grvq", "rfsq"))]
# Without projections: values are codewords, and the estimator's gradient is that of x.
PLAIN = [name for name in ALL if (space := MEMBERS[name].make().space).into is None and space.before is None]


def over(names: Iterable[str], promise: str = "", long: Iterable[str] = ()) -> pytest.MarkDecorator:
    """Return the mark that runs a test for each of the members, as `member`; those in `long` only where time allows."""

    def case(name: str) -> object:
        marks = [pytest.mark.long] if name in long else []
        if promise in MEMBERS[name].without:
            marks.append(pytest.mark.skip(reason=MEMBERS[name].without[promise]))
        return pytest.param(MEMBERS[name], id=name, marks=marks)

    return pytest.mark.parametrize("member", [case(name) for name in names])


def train(layer: nn.Module, x: torch.Tensor, **options: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Take one training step, SGD for what are parameters, and return the gradient of x and the indices."""
    x = x.detach().clone().requires_grad_()
    out = layer(x, **options)
    (out.quantized.double().pow(2).sum() + out.loss).backward()
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=0.001)
                parameter.grad = None
    return x.grad, out.indices


def same_buffers(one: nn.Module, other: nn.Module) -> bool:
    """Return whether all parameters and buffers of two layers are the same bits."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)
