"""The entropy loss of codebooks: all vectors together choose all codewords, and, if wanted, each of them one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from zador.errors import UsageError
from zador.estimators.temperature import as_temperature
from zador.layers.losses import mean_over
from zador.layers.regularise.requests import as_weight, requests, unless_empty
from zador.layers.regularise.soft_assignment import soft_assignment
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks import Peers
    from zador.layers.losses import Batch
    from zador.layers.regularise.requests import Request
    from zador.quantizers.codes import Code

__all__ = ["Diversity", "mean_entropy"]


@dataclass(frozen=True)
class Diversity:
    """`w Σ_tables (s E_n H(p(·|z_n)) - H(E_n p(·|z_n)))` with `p(k|z) ∝ exp(-||z - c_k||² / τ)`, in bits.

    The second term is least, -log2 K, where codewords are chosen alike on the whole. The first, off by default, wants each
    vector sure of its own [yu2023language, there of one-bit codes: see `Entropy`]. Means are over what a table is asked in
    all processes. Gradients reach the vectors, and codewords that learn by gradient. N × K numbers are never held at once.

    Attributes:
        weight: w >= 0.
        temperature: τ > 0, in units of squared distance; 1 is that of `gumbel_vq`. Well below the squared distance between
            codewords choices are hard and gradients vanish; well above it everything is chosen alike already.
        per_sample: s >= 0.

    Raises:
        UsageError: an argument out of its range.

    Example:
        >>> from zador.layers import vq
        >>> layer = vq(dim=2, codebook_size=4, regularisers=[Diversity(weight=0.1)])
        >>> layer(torch.zeros(8, 2)).info.other["diversity"] >= -0.2
        tensor(True)
    """

    weight: float = 0.1
    temperature: float = 1.0
    per_sample: float = 0.0
    name: ClassVar[str] = "diversity"

    def __post_init__(self) -> None:
        """Refuse what is no weight, and no temperature."""
        as_weight(self.weight, "Diversity")
        as_temperature(self.temperature, "Diversity: temperature")
        if not self.per_sample >= 0:
            raise UsageError(f"Diversity: per_sample: expected a number of at least 0, got {self.per_sample}")

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:
        """Return the weighted loss of vectors z (N, d) that have entered `code`."""
        losses = [self._of(request, batch.peers) for request in requests(z, code, batch.valid)]
        return unless_empty(torch.stack(losses).sum() * self.weight, batch.number) if losses else z.new_zeros(())

    def _of(self, request: Request, peers: Peers) -> Tensor:
        # A copy, since a revival may write into a parameter before the backward pass has used it.
        shares = soft_assignment(request.x, request.table.look().clone(), request.weights, self.temperature)
        number = peers.sum(request.weights.sum())
        each = mean_over(shares.entropy_nats, number) * peers.size / NATS_PER_BIT
        return self.per_sample * each - mean_entropy(shares.masses, number, peers)


def mean_entropy(masses: Tensor, number: Tensor, peers: Peers) -> Tensor:
    """Return `H(m / n)`, 0-d, in bits, of the masses m (K,) of all processes, whose sum is n; 0 if that is 0."""
    shares = mean_over(peers.sum(masses), number)
    return -(shares * shares.clamp(min=torch.finfo(shares.dtype).tiny).log2()).sum()
