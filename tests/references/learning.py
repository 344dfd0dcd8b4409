"""A batch for learners, searched by brute force, and a codebook trained on a stream of them, without any layer."""

from __future__ import annotations

import numpy as np
import torch

from references.search import brute_force
from zador.codebooks import Seen, cell_sums, never_chosen
from zador.noise import new_key
from zador.search import nearest_of_clean


def seen_by(x, codewords, key=None, indices=None):
    """Return `Seen` of x (N, d): its nearest codewords, or given indices of which negative ones do not count."""
    x, codewords = torch.as_tensor(x), torch.as_tensor(codewords)
    chosen = torch.as_tensor(brute_force(x.numpy(), codewords.numpy())[0] if indices is None else indices)
    squared = ((x - codewords[chosen.clamp(min=0)]) ** 2).sum(dim=1)
    return Seen(cell_sums(x, chosen, len(codewords)), x, chosen, squared, new_key(0) if key is None else key)


def trained(learner, start, batches, seed=0):
    """Return the learner's last state and `since`, after a pass over batches (N, d); with the learner's reviver, if any."""
    state = learner.init(torch.as_tensor(start))
    key, since = new_key(seed), never_chosen(len(start))
    reviving = None if learner.revive is None else learner.revive.init(state.codewords)
    for x in batches:
        found = nearest_of_clean(x, state.codewords.numpy())
        chosen = torch.from_numpy(found.indices)
        vectors = torch.from_numpy(x)
        squared = torch.from_numpy(found.squared_distances)
        seen = Seen(cell_sums(vectors, chosen, len(start)), vectors, chosen, squared, key)
        state = learner.step(state, seen)
        if learner.revive is not None:
            reviving, since, state = learner.revive.step(reviving, since, state, seen)
        key = key + torch.tensor([0, 1])
    return state, since


def gaussian_batches(seed, mean, steps, *, count=4096, dim=8):
    """Yield float32 batches of N(mean · 1, I)."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        yield (rng.standard_normal((count, dim)) + mean).astype(np.float32)
