"""Twenty seeds of the linear autoencoder at once against a plain PyTorch loop of the same model with one seed.

Targets, time per step and seed: autograd 5 times faster than the loop, manual 3 times. One thread of linear algebra, as the
workers of a study have.
"""

from __future__ import annotations

import os
from statistics import median
from typing import TYPE_CHECKING

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

from paired import ratio, take_turns
from zador.data import low_rank_gaussian
from zador.estimators import projection, rotation_trick
from zador.models.linear import Autograd, Manual, Rates, Recipe, Step, per_code, start, tangent, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.models.linear import Engine

SEEDS, STEPS = 20, 200
ENCODER_DIM, CODEBOOK_SIZE, BATCH = 4, 32, 1024
CONTESTANTS: dict[str, tuple[Engine, Recipe]] = {
    "autograd": (Autograd(), Recipe(STEPS, BATCH)),
    "projection": (Autograd(projection), Recipe(STEPS, BATCH)),
    "rotation trick": (Autograd(rotation_trick), Recipe(STEPS, BATCH)),
    "manual": (Manual(), Recipe(STEPS, BATCH, rates=Rates(encoder=0.08), step=Step(tangent, per_code))),
    "manual, single precision": (Manual(np.float32), Recipe(STEPS, BATCH, step=Step(tangent, per_code))),
}


def main() -> None:
    """Print microseconds per step and seed, and the ratio of the plain loop to ours."""
    contestants = {name: (_ours, (name,)) for name in CONTESTANTS}
    seconds, _ = take_turns({"plain loop": (_plain, ()), **contestants})
    loop = seconds["plain loop"]
    print(f"D=64, m={ENCODER_DIM}, K={CODEBOOK_SIZE}, B={BATCH}, {SEEDS} seeds; median of 7 turns, one thread")
    print(f"{'plain PyTorch loop, one seed':>28}: {1e6 * median(loop) / STEPS:7.0f} µs per step and seed")
    for name in CONTESTANTS:
        times = [value / SEEDS for value in seconds[name]]
        print(
            f"{name:>28}: {1e6 * median(times) / STEPS:7.0f} µs per step and seed, {1 / ratio(times, loop):.1f} times faster"
        )


def _ours(name: str) -> Callable[[], None]:
    torch.set_num_threads(1)
    engine, recipe = CONTESTANTS[name]
    data = [low_rank_gaussian(seed=seed).train.astype(engine.dtype) for seed in range(SEEDS)]
    begin = start(data, codebook_size=CODEBOOK_SIZE, encoder_dim=ENCODER_DIM, seeds=range(SEEDS), iterations=2)

    def work() -> None:
        train(begin, data, recipe, engine, seeds=range(SEEDS))

    return work


def _plain() -> Callable[[], None]:
    torch.set_num_threads(1)
    x = torch.from_numpy(low_rank_gaussian(seed=0).train).float()
    begin = start(x.numpy(), codebook_size=CODEBOOK_SIZE, encoder_dim=ENCODER_DIM, seeds=[0], iterations=2)
    first = (torch.from_numpy(begin.encoder[0]).float(), torch.from_numpy(begin.codewords[0]).float())

    def work() -> None:
        encoder, codebook = (tensor.clone().requires_grad_() for tensor in first)
        for _ in range(STEPS):
            batch = x[torch.randint(0, len(x), (BATCH,))]
            z = batch @ encoder.T
            codes = torch.cdist(z.detach(), codebook.detach()).argmin(1)
            q = codebook[codes]
            decoded = (z + (q - z).detach()) @ encoder
            loss = ((batch - decoded) ** 2).sum(1).mean()
            loss = loss + ((z.detach() - q) ** 2).sum(1).mean() + 0.25 * ((z - q.detach()) ** 2).sum(1).mean()
            loss.backward()
            with torch.no_grad():
                encoder -= 0.05 * encoder.grad
                codebook -= 0.2 * codebook.grad
                left, _, right = torch.linalg.svd(encoder, full_matrices=False)
                encoder.copy_(left @ right)
                encoder.grad, codebook.grad = None, None

    return work


if __name__ == "__main__":
    main()
