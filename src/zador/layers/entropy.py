"""The entropy loss of one-bit codes: every vector sure of its code, all vectors together of all codes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from zador.codebooks import ALONE, Peers
from zador.errors import UsageError
from zador.units import NATS_PER_BIT
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.quantizers import LookupFree

__all__ = ["Entropy", "EntropyLoss", "codebook_entropy", "log_odds", "per_sample_entropy"]


class EntropyLoss(NamedTuple):
    """What `Entropy` returns; scalars, in bits.

    Attributes:
        loss: `weight · (per_sample - diversity · codebook)`.
        per_sample: `E_n H(p(·|z_n))`, small if each vector is near one codeword.
        codebook: `H(E_n p(·|z_n))`, d if all codewords are used alike; an upper bound of it in more than one group.
    """

    loss: Tensor
    per_sample: Tensor
    codebook: Tensor


@dataclass(frozen=True)
class Entropy:
    """`w (E_n H(p(·|z_n)) - γ H(E_n p(·|z_n)))` with `p(c|z) ∝ exp(-||z - c||² / τ)` over all 2^d codewords, in bits.

    The loss of lookup-free quantization [yu2023language], there in nats: w = 0.1 per nat is w = 0.069 per bit. Codewords
    are the corners of a cube, so p is a product over coordinates, `p(c_i = s | z_i) = σ(4 s z_i / τ)`, and neither term
    needs a table of N × 2^d: see `per_sample_entropy` and `codebook_entropy`.

    Temperature: τ = 0.01 is usual; implementations write it as 1/τ = 100 too. On the sphere, s = 1/√d, the paper writes
    `exp(τ' c·z)` [zhao2024image]: τ' = 2/τ.

    Args:
        weight: w >= 0.
        diversity: γ >= 0.
        temperature: τ > 0, in units of squared distance.
        group: bits whose joint distribution is taken; with fewer than d, `codebook` is an upper bound.

    Raises:
        UsageError: an argument out of its range.

    Example:
        >>> from zador.quantizers import LookupFree
        >>> spread = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> [round(part.item(), 3) for part in Entropy()(spread, LookupFree(2))]
        [-0.2, 0.0, 2.0]
        >>> [round(part.item(), 3) for part in Entropy()(spread.abs(), LookupFree(2))[:2]]
        [0.0, 0.0]
    """

    weight: float = 0.1
    diversity: float = 1.0
    temperature: float = 0.01
    group: int = 18

    def __post_init__(self) -> None:
        for name in ("weight", "diversity"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name}: expected a number of at least 0, got {getattr(self, name)}")
        if not 0 < self.temperature < math.inf:
            raise UsageError(f"temperature: expected a number above 0, got {self.temperature}")
        as_count(self.group, "group")

    def __call__(
        self, z: Tensor, quantizer: LookupFree, valid: Tensor | None = None, *, peers: Peers = ALONE
    ) -> EntropyLoss:
        """Return the loss of z, differentiable.

        Args:
            z: (N, d) what `quantizer.bound` returned.
            quantizer: whose codewords are meant.
            valid: (N,) booleans or weights; None for all alike. Vectors that weigh 0 may hold anything; with none left
                the loss is 0.
            peers: the processes over whose vectors means are taken; the mean of the loss over them is that of all vectors.
        """
        odds = log_odds(z, quantizer, self.temperature)
        per_sample = per_sample_entropy(odds, valid, peers=peers)
        codebook = codebook_entropy(odds, valid, group=self.group, peers=peers)
        return EntropyLoss(self.weight * (per_sample - self.diversity * codebook), per_sample, codebook)


def log_odds(z: Tensor, quantizer: LookupFree, temperature: float) -> Tensor:
    """Return `ln (p_i / (1 - p_i)) = 4 s z_i / τ`: p_i is the probability that bit i of the code of z is 1.

    Args:
        z: (N, d).
        quantizer: codewords {-s, s}^d.
        temperature: τ of `p(c|z) ∝ exp(-||z - c||² / τ)`.

    Returns:
        (N, d), float64 for float64, else float32.
    """
    z = z if z.dtype == torch.float64 else z.float()
    return z * (4.0 * quantizer.scale / temperature)


def per_sample_entropy(odds: Tensor, valid: Tensor | None = None, *, peers: Peers = ALONE) -> Tensor:
    """Return `E_n Σ_i h(p_ni)` with `h(p) = -p log2 p - (1-p) log2(1-p)`: the exact mean of H(p(·|z_n)), in bits.

    With a = |log odds|, `h = (ln(1 + e^-a) + a σ(-a)) / ln 2`: two positive terms, exact however sure the code is.

    Args:
        odds: (N, d) log odds of the bits.
        valid: (N,) booleans or weights.
        peers: the mean of the result over the processes is that of all their vectors.

    >>> round(per_sample_entropy(torch.zeros(5, 3)).item(), 6)
    3.0
    """
    odds, weights = _weighted(odds, valid, peers)
    a = odds.abs()
    entropies = functional.softplus(-a) + a * torch.sigmoid(-a)
    return (entropies.sum(-1) * weights).sum() * (peers.size / NATS_PER_BIT)


def codebook_entropy(odds: Tensor, valid: Tensor | None = None, *, group: int = 18, peers: Peers = ALONE) -> Tensor:
    """Return H(E_n p(·|z_n)), the entropy of the mean distribution over the codewords, in bits.

    Of d bits cut in halves, the mean of the joint distribution is `AᵀB / N`, with A (N, 2^⌈d/2⌉) and B (N, 2^⌊d/2⌋) those of
    the halves: one matrix product, exact, and N·2·2^(d/2) + 2^d numbers in place of N·2^d. More than `group` bits are cut
    into ⌈d / group⌉ groups of equal size, ±1; the sum of the entropies of groups is an upper bound of that of all
    (subadditivity). `group=1` is the factorised estimate of [zhao2024image].

    Args:
        odds: (N, d) log odds of the bits.
        valid: (N,) booleans or weights.
        group: the most bits of a group; 2^group numbers are held.
        peers: the processes over whose vectors the mean is taken.

    >>> odds = torch.tensor([[9.0, 9.0], [-9.0, -9.0]]) * 9
    >>> round(codebook_entropy(odds).item(), 6), round(codebook_entropy(odds, group=1).item(), 6)
    (1.0, 2.0)
    """
    odds, weights = _weighted(odds, valid, peers)
    dim, rows = (bits := odds.t().contiguous()).shape
    groups = -(-dim // group)
    size, longer = dim // groups, dim % groups
    cut = longer * (size + 1)
    entropy = _joint_entropy(bits[cut:].reshape(groups - longer, size, rows), weights, peers)
    if longer:
        entropy = entropy + _joint_entropy(bits[:cut].reshape(longer, size + 1, rows), weights, peers)
    return entropy


def _weighted(odds: Tensor, valid: Tensor | None, peers: Peers) -> tuple[Tensor, Tensor]:
    """Return the log odds with 0 where nothing counts, and weights (N,) of sum 1 over all processes; 0 if nothing counts."""
    if valid is None and peers.size == 1:
        return odds, odds.new_full(odds.shape[:1], 1.0 / max(1, odds.shape[0]))
    weights = odds.new_ones(odds.shape[:1]) if valid is None else valid.to(odds.dtype)
    total = peers.sum(weights.sum())
    return odds.where(weights[:, None] > 0, 0.0), weights / torch.where(total > 0, total, 1.0)


def _joint_entropy(bits: Tensor, weights: Tensor, peers: Peers) -> Tensor:
    """Return the sum over groups of the entropies of the mean joint distributions of their bits, log odds (G, g, N)."""
    half = (bits.shape[1] + 1) // 2
    with torch.autocast(bits.device.type, enabled=False):
        mean = peers.sum(_joint(bits[:, :half], weights) @ _joint(bits[:, half:], None).transpose(1, 2))
    return -(mean * mean.clamp(min=torch.finfo(mean.dtype).tiny).log2()).sum()


def _joint(bits: Tensor, weights: Tensor | None) -> Tensor:
    """Return the joint distributions (G, 2^g, N) of independent bits, times the weights (N,)."""
    groups, size, rows = bits.shape
    if size == 0:
        return bits.new_ones((groups, 1, rows))
    if size == 1:
        # Below √tiny is 0: products of what is left are seldom subnormal, and processors are slow with those.
        sure = torch.finfo(bits.dtype).tiny ** 0.5
        table = functional.threshold(torch.cat([torch.sigmoid(-bits), torch.sigmoid(bits)], dim=1), sure, 0.0)
        return table if weights is None else table * weights
    first, second = _joint(bits[:, : size // 2], weights), _joint(bits[:, size // 2 :], None)
    # N comes last, so that the factors are multiplied along their rows, whole vectors at a time.
    return (first.unsqueeze(2) * second.unsqueeze(1)).flatten(1, 2)
