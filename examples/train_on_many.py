"""Train an autoencoder with a codebook in several processes, and go on where training was when one of them dies.

    torchrun --standalone --nproc-per-node 2 --max-restarts 3 examples/train_on_many.py runs/many
    torchrun --standalone --nproc-per-node 2 --max-restarts 3 examples/train_on_many.py runs/crash --crash-at 30

The second run kills one of its own workers. Both end with the same numbers, to the bit: all that the layer knows is in its
`state_dict`. The layer needs no setting for any of this: it asks in every pass which processes there are.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import signal
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.nn.parallel import DistributedDataParallel

import zador

BATCH, CHECKPOINT_EVERY, PATIENCE = 256, 10, dt.timedelta(minutes=1)
FLAT = StateDictOptions(flatten_optimizer_state_dict=True)


class Autoencoder(nn.Module):
    """32 numbers to one of 64 codewords in 8 dimensions, and back."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 8))
        self.layer = zador.vq(dim=8, codebook_size=64)
        self.decoder = nn.Sequential(nn.Linear(8, 64), nn.GELU(), nn.Linear(64, 32))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, zador.layers.Info]:
        """Return the loss, and what the layer has to say."""
        out = self.layer(self.encoder(x))
        return (self.decoder(out.quantized) - x).square().sum(dim=1).mean() + out.loss, out.info


def batch(step: int, rank: int) -> torch.Tensor:
    """Return vectors of a mixture of 16 Gaussians, the same for the same step and process."""
    generator = torch.Generator().manual_seed(1_000_003 * step + rank)
    centres = 3 * torch.randn(16, 32, generator=torch.Generator().manual_seed(0))
    return centres[torch.randint(16, (BATCH,), generator=generator)] + torch.randn(BATCH, 32, generator=generator)


def save(path: Path, step: int, net: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Write everything to one file, whole or not at all."""
    learnt = get_optimizer_state_dict(net, optimiser, options=FLAT)
    tensors = {f"model/{name}": tensor for name, tensor in net.state_dict().items()}
    tensors |= {f"optimiser/{name}": value for name, value in learnt.items() if isinstance(value, torch.Tensor)}
    unfinished = path.with_suffix(".part")
    save_file(tensors, unfinished, metadata={"step": str(step)})
    unfinished.replace(path)


def resume(path: Path, net: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Load the last checkpoint, if there is one, and return the next step."""
    if not path.exists():
        return 0
    tensors = load_file(path)
    parts = {owner: {} for owner in ("model", "optimiser")}
    for key, tensor in tensors.items():
        owner, name = key.split("/")
        parts[owner][name] = tensor
    net.load_state_dict(parts["model"])
    settings = get_optimizer_state_dict(net, optimiser, options=FLAT)
    set_optimizer_state_dict(net, optimiser, settings | parts["optimiser"], options=FLAT)
    with safe_open(path, "pt") as file:
        return int(file.metadata()["step"])


def train(folder: Path, steps: int, crash_at: int | None = None) -> None:
    """Train up to step number `steps`, from the last checkpoint in the folder."""
    rank, device = dist.get_rank(), torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    torch.manual_seed(0)
    net = Autoencoder().to(device)
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.safetensors"
    start = resume(checkpoint, net, optimiser)
    model = DistributedDataParallel(net)
    for step in range(start, steps):
        first_time = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"
        if step == crash_at and first_time and rank == dist.get_world_size() - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        loss, info = model(batch(step, rank).to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (step + 1) % CHECKPOINT_EVERY == 0:
            if rank == 0:
                save(checkpoint, step + 1, net, optimiser)
                print(f"step {step + 1}: loss {loss:.3f}, usage {info.usage.item():.2f}", flush=True)
            dist.barrier()


def meet() -> None:
    """Form the process group.

    torchrun keeps one store through all restarts, and in it the addresses of workers that are gone: each attempt gets keys
    of its own. Who has waited for a minute waits for somebody who is gone: better to fail, and be started again.
    """
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    store = dist.TCPStore(
        os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), world, is_master=False, timeout=PATIENCE
    )
    attempt = dist.PrefixStore(f"attempt {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, store=attempt, rank=rank, world_size=world, timeout=PATIENCE)


def main() -> None:
    """Read the command line, meet the other processes, and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the checkpoint is kept")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--crash-at", type=int, help="kill the last worker before this step, the first time")
    arguments = parser.parse_args()
    meet()
    train(arguments.folder, arguments.steps, arguments.crash_at)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
