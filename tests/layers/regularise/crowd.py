"""Several processes in one: threads that meet at every exchange, with the gradient that `Peers.sum` promises."""

from __future__ import annotations

import threading

import torch

from zador.layers.losses import Batch


class _Peer:
    handle = 0

    def __init__(self, crowd, rank):
        self.crowd, self.rank, self.size = crowd, rank, crowd.size

    def sum(self, x):
        total = sum(self._all(x.detach()))
        return (x - x.detach()) * self.size + total if x.requires_grad else total

    def gather(self, x):
        return torch.cat(self._all(x.detach()))

    def agreed(self, x):
        return self._all(x.detach())[0]

    def _all(self, x):
        self.crowd.table[self.rank] = x
        self.crowd.barrier.wait()
        everything = list(self.crowd.table)
        self.crowd.barrier.wait()
        return everything


class _Crowd:
    def __init__(self, size):
        self.size, self.table = size, [None] * size
        self.barrier = threading.Barrier(size, timeout=20)


def together(work, shares):
    """Return `work(share, peer)` of every share of the data, each in a process of its own."""
    crowd = _Crowd(len(shares))
    results = [None] * len(shares)

    def run(rank):
        results[rank] = work(shares[rank], _Peer(crowd, rank))

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(len(shares))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result is not None for result in results)
    return results


def losses(regulariser, code, shares, step=3):
    """Return the loss and the gradients of vectors and parameters, of one process on all shares, and of several averaged."""
    parameters = list(code.parameters())

    def work(share, peer):
        z, valid = share
        z = z.clone().requires_grad_()
        total = sum(int(v.sum()) for _, v in shares)
        loss = regulariser(z, code, Batch(valid, torch.tensor(total) / peer.size, torch.tensor(step), peer))
        return z, loss

    def derived(parts):
        mean = torch.stack([loss for _, loss in parts]).mean()
        vectors = [z for z, _ in parts]
        found = torch.autograd.grad(mean, [*vectors, *parameters], allow_unused=True, materialize_grads=True)
        return mean.detach(), torch.cat(found[: len(vectors)]), found[len(vectors) :]

    whole = [(torch.cat([z for z, _ in shares]), torch.cat([v for _, v in shares]))]
    return derived(together(work, whole)), derived(together(work, shares))
