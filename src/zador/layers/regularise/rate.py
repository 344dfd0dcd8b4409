"""The rate term of entropy-constrained quantization, softly: what it costs to say which codeword was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from zador.estimators.temperature import as_temperature
from zador.layers.losses import mean_over
from zador.layers.regularise.requests import as_weight, requests, unless_empty
from zador.layers.regularise.soft_assignment import soft_assignment

if TYPE_CHECKING:
    from torch import Tensor

    from zador.layers.losses import Batch
    from zador.layers.tally import Tally
    from zador.quantizers.codes import Code

__all__ = ["Rate", "code_lengths"]


@dataclass(frozen=True)
class Rate:
    """`λ Σ_s E_n E_{k ~ p(·|z_n)} [-log2 r_k]`: expected bits a vector, over all its indices s [chou1989entropy].

    `p(k|z) ∝ exp(-||z - c_k||² / τ)`, and r is how often codewords are chosen: the running usage of the table, or the mean
    of p over the batch, of all processes. The loss draws vectors and codewords, so far as those have a gradient, to where
    codewords are cheap; the choice itself remains the nearest codeword. Beside a squared error summed over coordinates λ is
    the slope -dD/dR: squared error worth paying for a bit.

    From the batch, the loss is the entropy of the mean of p, the opposite of `Diversity`.

    Attributes:
        weight: λ >= 0.
        temperature: τ > 0, in units of squared distance.
        from_batch: whether r is the mean of p over the batch.

    Raises:
        UsageError: an argument out of its range.

    Example:
        >>> from zador.layers import vq
        >>> layer = vq(dim=2, codebook_size=4, regularisers=[Rate(weight=1.0)]).eval()
        >>> layer(torch.zeros(8, 2)).info.other["rate"]  # nothing chosen yet: log2 4
        tensor(2.)
    """

    weight: float = 0.1
    temperature: float = 1.0
    from_batch: bool = False
    name: ClassVar[str] = "rate"

    def __post_init__(self) -> None:
        """Refuse what is no weight, and no temperature."""
        as_weight(self.weight, "Rate")
        as_temperature(self.temperature, "Rate: temperature")

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:
        """Return the weighted loss of vectors z (N, d) that have entered `code`."""
        losses = []
        for table, x, weights in requests(z, code, batch.valid):
            masses = soft_assignment(x, table.look().clone(), weights, self.temperature).masses
            if self.from_batch:
                shared = batch.peers.sum(masses.detach())
                lengths = -_shares(shared, 0.0).clamp(min=torch.finfo(shared.dtype).tiny).log2()
            else:
                lengths = code_lengths(table.tally)
            losses.append((masses * lengths.to(masses.dtype)).sum())
        if not losses:
            return z.new_zeros(())
        return unless_empty(mean_over(torch.stack(losses).sum(), batch.number) * self.weight, batch.number)


def code_lengths(tally: Tally) -> Tensor:
    """Return `-log2 ((n_k + 1/2) / (n + K/2))`, (K,) bits, of the counts of a tally [krichevsky1981performance].

    Half a vector is added to each, so that a codeword nobody has chosen costs many bits, but not infinitely many.
    """
    return -_shares(tally.counts, 0.5).log2()


def _shares(counts: Tensor, more: float) -> Tensor:
    return (counts + more) / (counts.sum() + more * len(counts)).clamp(min=torch.finfo(counts.dtype).tiny)
