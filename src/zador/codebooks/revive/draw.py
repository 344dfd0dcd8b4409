"""Draw rows without replacement and hand them to the dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zador.codebooks.learn.peers import ALONE, Peers, first_row, peers_of
from zador.codebooks.revive.base import Proposal
from zador.noise import uniform

if TYPE_CHECKING:
    from zador.codebooks.learn.cells import Seen

__all__ = ["eligible", "proposal_from", "sub_key"]

# A multiplier with well mixed bits, for hashing rows.
_ODD = 0x5851F42D4C957F2D
# Rows drawn for each dead codeword: some may turn out to repeat others.
_DRAWS = 2


def sub_key(key: Tensor, stream: int) -> Tensor:
    """Return the key (2,) of another stream than `key`, for one of several draws of a step."""
    return torch.stack([key[0] + stream, key[1]])


def eligible(seen: Seen) -> Tensor:
    """Return (N,) bool: the vectors that count, are finite, and do not lie on a codeword already."""
    return (seen.indices >= 0) & (seen.squared > 0) & torch.isfinite(seen.squared)


def proposal_from(
    vectors: Tensor, log_weights: Tensor, key: Tensor, codewords: Tensor, dead: Tensor, peers: Peers = ALONE
) -> Proposal:
    """Put dead codewords on distinct vectors of all processes, drawn without replacement with the given weights.

    The rows with the largest `log w_n + G_n`, G_n independent standard Gumbel, are such a draw [kool2019stochastic]. Rows
    that repeat another are dropped after it. If there are fewer rows than dead codewords, the others stay where they are.

    Args:
        vectors: (M, d).
        log_weights: (M,); minus infinity for a row that is never taken, and may then hold anything.
        key: (2,) of the random numbers.
        codewords: (K, d).
        dead: (K,) bool.
        peers: the processes whose rows are drawn from; `vectors` and `log_weights` are those of this one.
    """
    moved, taken = _placed(vectors.detach(), log_weights, key, codewords, dead, peers.handle)
    return Proposal(moved, taken, torch.zeros_like(dead))


@torch.library.custom_op("zador::placed", mutates_args=())
def _placed(
    vectors: Tensor, log_weights: Tensor, key: Tensor, codewords: Tensor, dead: Tensor, handle: int
) -> tuple[Tensor, Tensor]:
    """Return the codewords and who was moved; one operation, so that compiled code draws no more than there are dead."""
    wanted = int(dead.sum())
    if wanted == 0:
        return codewords.clone(), torch.zeros_like(dead)
    scores, places = _best(vectors, log_weights, key, _DRAWS * wanted, peers_of(handle))
    places = places.to(codewords.dtype)
    places = places[(scores > -torch.inf) & _first_of_equals(places)]
    taken = dead & (dead.cumsum(0) <= len(places))
    moved = codewords.clone()
    moved[taken] = places[:wanted]
    return moved, taken


def _best(vectors: Tensor, log_weights: Tensor, key: Tensor, count: int, peers: Peers) -> tuple[Tensor, Tensor]:
    """Return the `count` largest scores among the rows of all processes, and those rows, best first."""
    first, total = first_row(peers, vectors)
    noise = _gumbel(key, total)[first : first + len(vectors)]
    scores, rows = (log_weights + noise).topk(min(count, len(vectors)))
    # No process has more than `count` of the best: what each sends is enough.
    scores, places = peers.gather(scores), peers.gather(vectors[rows])
    order = scores.argsort(descending=True, stable=True)[:count]
    return scores[order], places[order]


@_placed.register_fake
def _(
    vectors: Tensor, log_weights: Tensor, key: Tensor, codewords: Tensor, dead: Tensor, handle: int
) -> tuple[Tensor, Tensor]:
    del vectors, log_weights, key, handle
    return torch.empty_like(codewords), torch.empty_like(dead)


def _gumbel(key: Tensor, count: int) -> Tensor:
    # The largest are what counts: u, near 0, is where the uniform numbers are finest. Never infinite.
    smallest = 2.0**-26
    return -torch.log(-torch.log1p(-uniform(key, [count]).clamp(min=smallest)))


def _first_of_equals(rows: Tensor) -> Tensor:
    """Return (M,) bool: whether no earlier row holds the same numbers.

    Equal rows meet when sorted by a hash of their bits. Two rows that differ could share one and keep equal rows apart: a
    duplicate would then pass, with probability below M² / 2^64.
    """
    bits = (rows + 0.0).view(torch.int64 if rows.dtype == torch.float64 else torch.int32).to(torch.int64)
    factors = torch.arange(1, rows.shape[1] + 1, device=rows.device) * _ODD | 1
    mixed = bits * _ODD
    hashes = ((mixed ^ (mixed >> 29)) * factors).sum(dim=1)
    order = hashes.argsort(stable=True)
    repeats = (rows[order][1:] == rows[order][:-1]).all(dim=1)
    return torch.ones_like(order, dtype=torch.bool).index_put((order[1:],), ~repeats)
