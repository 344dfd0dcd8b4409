"""How the table of a layer starts: from the first vectors of training, gathered until they are enough."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from zador.codebooks import ALONE, peers_of
from zador.codebooks.fit import distinct_rows
from zador.search.traced import untraced

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zador.codebooks import Initialiser, Peers

__all__ = ["Start"]

# k-means++ and laws fitted to a spectrum both want several vectors a codeword; of more than many they learn little.
_ENOUGH, _PLENTY = 8, 64

# An operator takes numbers and tensors, no objects: it finds the object by its number. Nothing is kept alive here.
_STARTS: WeakValueDictionary[int, Start] = WeakValueDictionary()
_NUMBERS = count()


class Start:
    """Calls an initialiser once 8 K vectors have been seen of which K are distinct, or 64 K; with 64 K of them at most.

    Until then codewords are placed on vectors seen so far, drawn at random, so that training can go on. What has been
    gathered is not saved in a checkpoint: training that is resumed before the start gathers anew.

    Args:
        initialiser: `(x, K, rng) -> (K, d)`.
        seed: of its random choices.
        split: codewords (K, d) → the tensors that a table keeps of them.
    """

    def __init__(self, initialiser: Initialiser, seed: int, split: Callable[[Tensor], tuple[Tensor, ...]]) -> None:
        self.initialiser = initialiser
        self.seed = seed
        self.split = split
        self._pool: list[NDArray[Any]] = []
        self._enlist()

    def __call__(self, x: Tensor, valid: Tensor | None, table: tuple[list[Tensor], Tensor], peers: Peers = ALONE) -> None:
        """Fill in the table in place, as long as it has not started; note when that was the start.

        Args:
            x: (N, d) finite.
            valid: (N,) booleans, or None for all.
            table: what `split` returns for codewords (K, d), of which the first has K rows, without gradient; and whether
                it has started, a boolean of shape (1,).
            peers: the processes whose vectors it starts from.
        """
        parts, started = table
        if untraced(x) and bool(started):
            return
        rows = torch.ones(x.shape[0], dtype=torch.bool, device=x.device) if valid is None else valid
        _start(x, rows, parts, started, self.number, peers.handle)

    def gather(self, x: NDArray[Any], codebook_size: int) -> tuple[NDArray[Any] | None, bool]:
        """Return codewords (K, d) and whether they are final; None while nothing has been seen."""
        self._pool.append(x)
        seen = np.concatenate(self._pool)
        rng = np.random.default_rng(self.seed)
        enough, plenty = _ENOUGH * codebook_size, _PLENTY * codebook_size
        if len(seen) >= plenty or (len(seen) >= enough and distinct_rows(seen, codebook_size) >= codebook_size):
            self._pool.clear()
            some = seen if len(seen) <= plenty else seen[np.sort(rng.choice(len(seen), plenty, replace=False))]
            return self.initialiser(np.ascontiguousarray(some), codebook_size, rng), True
        if len(seen) == 0:
            return None, False
        return seen[rng.permutation(np.arange(max(codebook_size, len(seen))) % len(seen))[:codebook_size]], False

    def __deepcopy__(self, memo: dict[int, Any]) -> Start:
        """Return one that gathers for itself."""
        return Start(self.initialiser, self.seed, self.split)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs; it gathers for itself."""
        return {"initialiser": self.initialiser, "seed": self.seed, "split": self.split, "_pool": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._enlist()

    def _enlist(self) -> None:
        self.number = next(_NUMBERS)
        _STARTS[self.number] = self


@torch.library.custom_op("zador::start", mutates_args=("parts", "started"))
def _start(x: Tensor, valid: Tensor, parts: list[Tensor], started: Tensor, number: int, handle: int) -> None:
    if bool(started):
        return
    start, peers = _STARTS[number], peers_of(handle)
    placed, final = start.gather(peers.gather(x[valid]).cpu().numpy(), len(parts[0]))
    if placed is None:
        return
    for part, value in zip(parts, start.split(torch.from_numpy(np.ascontiguousarray(placed))), strict=True):
        # Arithmetic on another processor may differ in its last bit.
        part.copy_(peers.agreed(value.to(part.device, part.dtype)))
    started.fill_(final)


@_start.register_fake
def _(*_: object) -> None:
    """Return nothing, as the operator does."""
