"""Every layer in two processes; and what must hold of one whatever it is made of."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

import zador
from conformance.layer_members import MEMBERS, Member, same_buffers
from processes.matrix import digested, same_everywhere
from zador.codebooks import ByDistortion, Ema, FromReservoir, Gradient, ReservoirLloyd
from zador.errors import ZadorError
from zador.layers import OptimalTransport, QuantizerDropout, set_process_group

__all__ = ["CASES"]

WORLD = 2
# Samples of the first process, and of the second; and whose are all masked.
PARTS = [(3, 1, None), (4, 0, None), (0, 4, None), (2, 2, 0), (1, 3, 1)]


@dataclass(frozen=True)
class InTwo:
    """A member of the conformance suite in two processes."""

    member: Member

    def alone(self) -> list[dict[str, torch.Tensor]]:
        """Return the state after every step of one process."""
        layer = self.member.make().double()
        return [self._step(layer, number, None) for number in range(len(PARTS))]

    def together(self, rank: int, alone: list[dict[str, torch.Tensor]]) -> dict[str, Any]:
        """Return how far two processes are from one, by name, and digests of all states."""
        layer = self.member.make().double()
        apart: dict[str, float] = {}
        digests = []
        for number, expected in enumerate(alone):
            state = self._step(layer, number, rank)
            digests.append(digested(state))
            for name, tensor in state.items():
                distance = float((tensor.double() - expected[name].double()).abs().max()) if tensor.numel() else 0.0
                apart[name] = max(apart.get(name, 0.0), distance)
        return {"apart": apart, "digests": digests}

    def _step(self, layer: torch.nn.Module, number: int, rank: int | None) -> dict[str, torch.Tensor]:
        first, second, masked = PARTS[number]
        x = self.member.input(number, batch=first + second, dtype=torch.float64)
        mask = self.member.mask(x, seed=number)
        if masked is not None:
            mask[slice(0, first) if masked == 0 else slice(first, None)] = False
        rows = slice(None) if rank is None else slice(0, first) if rank == 0 else slice(first, None)
        out = layer(x[rows], mask[rows])
        world = 1 if rank is None else WORLD
        loss = world * out.quantized.pow(2).sum() + out.loss
        parameters = [parameter for parameter in layer.parameters() if parameter.requires_grad]
        if parameters:
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    total = torch.zeros_like(parameter) if gradient is None else gradient.clone()
                    if rank is not None:
                        torch.distributed.all_reduce(total)
                    parameter.sub_(total / world, alpha=0.001)
        return {name: tensor.clone() for name, tensor in layer.state_dict().items()}


CASES = {name: InTwo(member) for name, member in MEMBERS.items()}


def vectors(seed: int, count: int = 64) -> torch.Tensor:
    """Return (count, 4) vectors."""
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))


def refusal(rank: int, _alone: None) -> dict[str, Any]:
    """One process gets NaN: both stop with a line of their own, and both can go on with the next batch."""
    layer, x = zador.vq(4, 8), vectors(rank)
    if rank == 1:
        x[3, 1] = torch.nan
    try:
        layer(x)
        said = None
    except ZadorError as error:
        said = [type(error).__name__, str(error)]
    layer(vectors(rank + 2))
    return {"said": said, "same": same_everywhere(layer.codebooks[0])}


def evaluation(rank: int, _alone: None) -> dict[str, Any]:
    """The first process validates, encodes, and passes without gradients while the other does nothing of the kind."""
    layer = zador.vq(4, 8)
    layer(vectors(rank))
    if rank == 0:
        layer.eval()(vectors(7))
        layer.encode(vectors(7))
        layer.train()
        with torch.no_grad():
            layer(vectors(7))
        layer(vectors(7), update=False)
    layer(vectors(rank + 2))
    return {"same": same_everywhere(layer.codebooks[0])}


def groups(rank: int, _alone: None) -> dict[str, Any]:
    """Each process learns by itself, in another number of passes, in a group of one; then both in a group of two."""
    alone = [torch.distributed.new_group([member]) for member in range(WORLD)]
    together = torch.distributed.new_group(list(range(WORLD)))
    layer = zador.vq(4, 8)
    set_process_group(torch.nn.Sequential(layer), alone[rank])
    for step in range(1 + rank):
        layer(vectors(10 * step + rank))
    plain, other = zador.vq(4, 8), zador.vq(4, 8)
    set_process_group(other, together)
    other = copy.deepcopy(other)
    for each in (plain, other):
        each(vectors(rank))
    return {
        "apart": not same_everywhere(layer.codebooks[0]),
        "as all": other.codebooks[0].equal(plain.codebooks[0]),
        "same": same_everywhere(plain.codebooks[0]),
    }


def build() -> torch.nn.Module:
    """Return a layer made before there is a process group."""
    return zador.vq(4, 8)


def built_before(rank: int, layer: torch.nn.Module) -> dict[str, Any]:
    """It learns from the vectors of all processes all the same."""
    for step in range(3):
        layer(vectors(10 * step + rank))
    return {"same": same_everywhere(layer.codebooks[0]), "vectors": float(layer.quantizer.table.tally.counts.sum())}


CHECKPOINTED = {
    "gradient": lambda: zador.vq(4, 8, learner=Gradient()),
    "transport": lambda: zador.vq(4, 8, learner=Gradient(), assignment=OptimalTransport()),
    "dropout": lambda: zador.rvq(4, 8, stages=3, dropout=QuantizerDropout(1.0)),
}


def checkpointed(rank: int, _alone: None) -> dict[str, Any]:
    """Return whether a pass that is repeated in the backward has the gradient and the state of one that is not."""
    same = {}
    for name, make in CHECKPOINTED.items():
        plain, repeated = make(), make()
        for step in range(3):
            x = vectors(10 * step + rank, 40 - 16 * rank)
            gradients = []
            for layer, run in ((plain, lambda f, z: f(z)), (repeated, functools.partial(checkpoint, use_reentrant=False))):
                z = x.clone().requires_grad_()
                quantized, loss = run(lambda z, layer=layer: _both(layer, z), z)
                (quantized.sin().sum() + loss).backward()
                gradients.append(z.grad)
                for parameter in layer.parameters():
                    torch.distributed.all_reduce(parameter.grad)
                    parameter.data.sub_(parameter.grad, alpha=0.05)
                    parameter.grad = None
            same[f"{name}, step {step}"] = gradients[0].equal(gradients[1]) and same_buffers(plain, repeated)
    return same


def _both(layer: torch.nn.Module, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    out = layer(z)
    return out.quantized, out.loss


FAR = np.concatenate([np.random.default_rng(1).standard_normal((8, 4)), np.full((8, 4), 50.0)]).astype(np.float32)
COMPILED = {
    "ema": functools.partial(Ema, start=FAR, revive=ByDistortion(patience=2.0)),
    "gradient": functools.partial(Gradient, start=FAR, revive=FromReservoir(patience=2.0)),
    "reservoir": functools.partial(ReservoirLloyd, size=64, start=FAR, revive=ByDistortion(patience=2.0)),
    "start": Ema,
}


def compiled_alone() -> dict[str, torch.Tensor]:
    """Return the codewords of one plain process that sees all vectors."""
    codewords = {}
    for name, learner in COMPILED.items():
        layer = zador.vq(4, 16, learner=learner())
        for step in range(4):
            layer(torch.cat([vectors(10 * step + rank, 128) for rank in range(WORLD)]))
        codewords[name] = layer.codebooks[0].clone()
    return codewords


def compiled_together(rank: int, alone: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return the same of two processes that run one compiled graph each."""
    apart, same = {}, {}
    for name, learner in COMPILED.items():
        layer = zador.vq(4, 16, learner=learner())
        graph = torch.compile(layer, fullgraph=True, backend="aot_eager")
        for step in range(4):
            graph(vectors(10 * step + rank, 128))
        apart[name] = float((layer.codebooks[0] - alone[name]).abs().max())
        same[name] = same_everywhere(layer.codebooks[0])
    return {"apart": apart, "same": same}


def entropy_alone() -> dict[str, torch.Tensor]:
    """Return loss and gradient of the entropy loss of one process."""
    x = vectors(3, 30).double().requires_grad_()
    out = zador.lfq(4)(x)
    (gradient,) = torch.autograd.grad(out.loss, x)
    return {"loss": out.loss.detach(), "gradient": gradient, "entropy": out.info.entropy}


def entropy_together(rank: int, alone: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return how far the mean over two processes, with 22 and 8 of the vectors, is from it."""
    rows = slice(0, 22) if rank == 0 else slice(22, None)
    x = vectors(3, 30).double()[rows].requires_grad_()
    out = zador.lfq(4)(x)
    (gradient,) = torch.autograd.grad(out.loss, x)
    loss = out.loss.detach().clone()
    torch.distributed.all_reduce(loss)
    return {
        "loss": float((loss / WORLD - alone["loss"]).abs()),
        "gradient": float((gradient / WORLD - alone["gradient"][rows]).abs().max()),
        "scale": float(alone["gradient"].abs().max()),
    }
