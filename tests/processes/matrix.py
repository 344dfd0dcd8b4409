"""Learner × initialiser × reviver: a codebook that two processes train, and the same one trained by one of them alone."""

from __future__ import annotations

import functools
import hashlib
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import zador
from zador.codebooks import (
    BestGaussian,
    ByDistortion,
    Ema,
    FromBatch,
    FromData,
    FromReservoir,
    Frozen,
    Gradient,
    IsotropicRateDistortion,
    KernelDrift,
    KMeansPlusPlus,
    LloydMaxGrid,
    OnlineKMeans,
    RateDistortion,
    ReproductionLaw,
    ReservoirLloyd,
    SplitMostLoaded,
    Uniform,
    ZadorDensity,
)

__all__ = ["CASES", "INITIALISERS", "LEARNERS", "REVIVERS", "Case", "batches", "digested", "part", "same_everywhere"]

SIZE, DIM = 8, 3
GIVEN = np.random.default_rng(0).standard_normal((SIZE, DIM))

INITIALISERS = {
    "best Gaussian": BestGaussian(),
    "from data": FromData(),
    "given": GIVEN,
    "isotropic rate-distortion": IsotropicRateDistortion(),
    "k-means++": KMeansPlusPlus(),
    "Lloyd-Max grid": LloydMaxGrid(),
    "rate-distortion": RateDistortion(),
    "reproduction law": ReproductionLaw(),
    "uniform": Uniform(),
    "Zador density": ZadorDensity(),
}
REVIVERS = {
    "nobody": None,
    "by distortion": ByDistortion(patience=2.0),
    "from batch": FromBatch(patience=2.0),
    "from reservoir": FromReservoir(patience=2.0),
    "split": SplitMostLoaded(patience=2.0),
    "threshold": ByDistortion(threshold=1.0, decay=0.5),
}
LEARNERS = {
    "ema": Ema,
    "gradient": Gradient,
    "online": OnlineKMeans,
    "kernel drift": lambda start, revive: KernelDrift(Ema(start=start, revive=revive)),
    "reservoir Lloyd": functools.partial(ReservoirLloyd, size=40, every=2),
}


@dataclass(frozen=True)
class Batch:
    """What goes into one step: all vectors (N, d), which count, and where the second process begins."""

    x: torch.Tensor
    valid: torch.Tensor
    cut: int


def batches() -> list[Batch]:
    """Return batches of one process that has more, of one that has none, of one whose vectors are all masked, and so on.

    From the fourth on vectors come from elsewhere, so that codewords die.
    """
    generator = torch.Generator().manual_seed(0)
    made = []
    for number, (count, cut, masked) in enumerate(
        [
            (100, 95, slice(0)),
            (90, 90, slice(0)),
            (80, 0, slice(0)),
            (70, 30, slice(0, 30)),
            (80, 40, slice(35, 50)),
            (60, 33, slice(33, 60)),
            (50, 20, slice(0, 50)),
            (75, 40, slice(0)),
        ]
    ):
        x = torch.randn(count, DIM, generator=generator, dtype=torch.float64) * torch.tensor([2.0, 1.0, 0.5])
        valid = torch.ones(count, dtype=torch.bool)
        valid[masked] = False
        made.append(Batch(x + 6.0 * (number >= 3), valid, cut))
    return made


def part(batch: Batch, rank: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return vectors and mask of a process, or of all together."""
    rows = slice(None) if rank is None else slice(0, batch.cut) if rank == 0 else slice(batch.cut, None)
    return batch.x[rows].clone(), batch.valid[rows]


def digested(state: dict[str, torch.Tensor]) -> dict[str, str]:
    """Return what is the same for two states, tensor by tensor, only if their bits are."""
    return {
        name: hashlib.blake2b(tensor.detach().contiguous().numpy().tobytes(), digest_size=8).hexdigest()
        for name, tensor in state.items()
    }


def same_everywhere(tensor: torch.Tensor) -> bool:
    """Return whether all processes hold the same bits."""
    first = tensor.detach().clone()
    torch.distributed.broadcast(first, src=0)
    same = torch.tensor(first.equal(tensor.detach()), dtype=torch.int64)
    torch.distributed.all_reduce(same, torch.distributed.ReduceOp.MIN)
    return bool(same)


@dataclass(frozen=True)
class Case:
    """A layer to train."""

    make: Any

    def alone(self) -> list[dict[str, torch.Tensor]]:
        """Return the state after every step of one process that sees everything."""
        layer = self.make().double()
        return [_step(layer, *part(batch, None)) for batch in batches()]

    def together(self, rank: int, alone: list[dict[str, torch.Tensor]]) -> dict[str, Any]:
        """Train in two processes; return how far codewords are from those of one, and digests of all states."""
        layer = self.make().double()
        apart, digests, revived = [], [], 0
        for batch, expected in zip(batches(), alone, strict=True):
            state = _step(layer, *part(batch, rank))
            revived += int(expected.pop("revived"))
            state.pop("revived")
            digests.append(digested(state))
            names = [name for name in expected if name.endswith("codewords")]
            apart.append(max(float((state[name] - expected[name]).abs().max()) for name in names))
        return {"apart": apart, "digests": digests, "revived": revived}


def _step(layer: torch.nn.Module, x: torch.Tensor, valid: torch.Tensor) -> dict[str, torch.Tensor]:
    """Take one step, by plain gradient descent for what is a parameter, and return a copy of the state."""
    out = layer(x, valid)
    parameters = list(layer.parameters())
    if parameters:
        gradients = torch.autograd.grad(out.loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=0.3)
    return {name: tensor.clone() for name, tensor in layer.state_dict().items()} | {"revived": out.info.revived.sum()}


CASES = {
    f"{learner} × {initialiser} × {reviver}": Case(
        functools.partial(
            lambda learner, initialiser, reviver: zador.vq(
                DIM, SIZE, learner=LEARNERS[learner](start=INITIALISERS[initialiser], revive=REVIVERS[reviver])
            ),
            learner,
            initialiser,
            reviver,
        )
    )
    for learner, initialiser, reviver in itertools.product(LEARNERS, INITIALISERS, REVIVERS)
} | {"frozen × given × nobody": Case(lambda: zador.vq(DIM, SIZE, learner=Frozen(start=GIVEN)))}
