"""Models that torch wraps: DistributedDataParallel and fully_shard."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import itertools
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import load_file
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

import zador
from processes.matrix import same_everywhere
from zador.codebooks import Ema, Gradient
from zador.errors import ZadorError
from zador.layers import codebook_parameters

__all__ = [
    "EXAMPLE",
    "ddp_alone",
    "ddp_together",
    "ddp_with_an_empty_rank",
    "digests",
    "example",
    "fsdp_of_codewords",
    "fsdp_together",
    "model",
]

WORLD, STEPS = 2, 6


class Autoencoder(nn.Module):
    """Two linear maps with a quantizer between them, which may be under a checkpoint."""

    def __init__(self, learner: Any, *, checkpointed: bool = False) -> None:
        super().__init__()
        self.checkpointed = checkpointed
        self.encoder, self.decoder = nn.Linear(6, 4), nn.Linear(4, 6)
        self.layer = zador.vq(4, 16, learner=learner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the loss."""
        parts = checkpoint(self.quantize, x, use_reentrant=False) if self.checkpointed else self.quantize(x)
        return ((self.decoder(parts[0]) - x) ** 2).mean() + parts[1]

    def quantize(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the layer made of x, and its loss."""
        out = self.layer(self.encoder(x))
        return out.quantized, out.loss


def model(learner: Any, *, checkpointed: bool = False) -> Autoencoder:
    """Return the same model every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Autoencoder(learner, checkpointed=checkpointed).double()


def batch(step: int, rank: int | None) -> torch.Tensor:
    """Return the vectors of a process, or of all."""
    x = torch.randn(80, 6, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
    return x if rank is None else x[40 * rank : 40 * rank + 40]


def train(net: nn.Module, rank: int | None) -> list[float]:
    """Train for some steps and return the losses."""
    optimiser, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
    for step in range(STEPS):
        optimiser.zero_grad()
        loss = net(batch(step, rank))
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


LEARNERS = {"ema": Ema, "gradient": Gradient}


def ddp_alone() -> dict[str, dict[str, torch.Tensor]]:
    """Return the trained state of one process that sees everything."""
    states = {}
    for name, learner in LEARNERS.items():
        net = model(learner())
        train(net, None)
        states[name] = net.state_dict()
    return states


def ddp_together(rank: int, alone: dict[str, dict[str, torch.Tensor]]) -> dict[str, Any]:
    """Return how far DDP is from it, and whether all processes have the same."""
    found = {}
    for name, checkpointed in itertools.product(LEARNERS, (False, True)):
        net = DistributedDataParallel(model(LEARNERS[name](), checkpointed=checkpointed))
        train(net, rank)
        state = net.module.state_dict()
        found[f"{name}, checkpointed" if checkpointed else name] = {
            "same": all(same_everywhere(tensor) for tensor in state.values()),
            "apart": max(float((state[key].double() - tensor.double()).abs().max()) for key, tensor in alone[name].items()),
        }
    return found


def ddp_with_an_empty_rank(rank: int, _alone: None) -> dict[str, Any]:
    """The second process has nothing, then only masked vectors; every parameter has a gradient all the same."""
    layer = zador.vq(4, 8, codebook_dim=3, learner=Gradient())
    net = DistributedDataParallel(layer)
    gradients = []
    for step in range(3):
        count = 0 if rank == 1 and step == 0 else 30
        x = torch.randn(count, 4, generator=torch.Generator().manual_seed(step))
        out = net(x, torch.full((count,), not (rank == 1 and step == 1)))
        net.zero_grad()
        (out.quantized.sum() + out.loss).backward()
        gradients.append(all(p.grad is not None and bool(p.grad.isfinite().all()) for p in layer.parameters()))
    return {"gradients": gradients, "same": all(same_everywhere(p.grad) for p in layer.parameters())}


def fsdp_together(rank: int, _alone: None) -> dict[str, Any]:
    """Train sharded, gather the checkpoint, load it into one plain model, and compare what the two say."""
    mesh = init_device_mesh("cpu", (WORLD,))
    found = {}
    for name, learner in LEARNERS.items():
        plain = model(learner())
        net = model(learner())
        own = codebook_parameters(net)
        fully_shard(net.encoder, mesh=mesh)
        fully_shard(net, mesh=mesh, ignored_params=own)
        losses, expected = train(net, rank), train(DistributedDataParallel(plain), rank)
        state = get_model_state_dict(net, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
        net.eval()
        said = float(net(batch(99, None)).detach())
        restored = float("nan")
        if rank == 0:
            saved = io.BytesIO()
            torch.save(state, saved)
            saved.seek(0)
            fresh = model(learner())
            fresh.load_state_dict(torch.load(saved, weights_only=True), strict=True)
            restored = float(fresh.eval()(batch(99, None)).detach())
        found[name] = {
            "apart": max(abs(one - other) for one, other in zip(losses, expected, strict=True)),
            "said": said,
            "restored": restored,
            "same": same_everywhere(net.layer.codebooks[0]),
        }
    return found


EXAMPLE = Path(__file__).parents[2] / "examples" / "train_on_many.py"


def digests(checkpoint: Path) -> dict[str, str]:
    """Return a digest of every tensor in a checkpoint."""
    return {name: hashlib.sha256(tensor.tobytes()).hexdigest() for name, tensor in load_file(checkpoint).items()}


def example(rank: int, _alone: None) -> dict[str, Any]:
    """Return what the example has learnt after 20 steps that nobody disturbed."""
    specification = importlib.util.spec_from_file_location("train_on_many", EXAMPLE)
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    with tempfile.TemporaryDirectory() as folder:
        script.train(Path(folder), steps=20)
        return digests(Path(folder) / "checkpoint.safetensors") if rank == 0 else {}


def fsdp_of_codewords(rank: int, _alone: None) -> dict[str, Any]:
    """Sharding codewords that a table has to place itself is refused, in one line."""
    mesh = init_device_mesh("cpu", (WORLD,))
    net = model(Gradient())
    fully_shard(net, mesh=mesh)
    try:
        train(net, rank)
    except ZadorError as error:
        return {"said": str(error)}
    return {"said": None}
