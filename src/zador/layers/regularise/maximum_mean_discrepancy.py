"""Codewords that are distributed as the vectors are, as far as a kernel can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from zador.errors import UsageError
from zador.layers.regularise.drawn import drawn_rows
from zador.layers.regularise.requests import as_weight, learned_by_gradient, requests, sample, unless_empty
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.layers.losses import Batch
    from zador.layers.regularise.requests import Request
    from zador.quantizers.codes import Code

__all__ = ["MMD", "GaussianKernel", "energy_kernel"]


def energy_kernel(squared: Tensor) -> Tensor:
    """Return `-||x - y||` of squared distances: with it, MMD² is the energy distance [szekely2013energy].

    It has no scale to set, and its pull does not fade with distance.

    >>> energy_kernel(torch.tensor([0.0, 9.0])).tolist()
    [0.0, -3.0]
    """
    apart = squared > 0
    return torch.where(apart, -torch.where(apart, squared, 1.0).sqrt(), 0.0)


@dataclass(frozen=True)
class GaussianKernel:
    """`Σ_b exp(-||x - y||² / (2 b²)) / B` over B bandwidths b.

    Attributes:
        bandwidths: positive, in units of distance; far beyond them nothing is felt.

    Raises:
        UsageError: none, or one that is not positive.

    >>> GaussianKernel((1.0,))(torch.tensor([0.0])).item()
    1.0
    """

    bandwidths: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)

    def __post_init__(self) -> None:
        """Refuse what is no bandwidth."""
        if not self.bandwidths or not all(0 < each < math.inf for each in self.bandwidths):
            raise UsageError(f"GaussianKernel: expected bandwidths above 0, got {self.bandwidths}")

    def __call__(self, squared: Tensor) -> Tensor:
        """Return the kernel of squared distances."""
        return torch.stack([torch.exp(squared / (-2.0 * each**2)) for each in self.bandwidths]).mean(dim=0)


@dataclass(frozen=True)
class MMD:
    """`w Σ_tables (E k(z, z') + E k(c, c') - 2 E k(z, c))`, the squared maximum mean discrepancy [gretton2012kernel].

    Of vectors, evenly spaced in the batch of all processes, and of codewords, drawn by lot at every step. The gradient goes
    to the codewords alone. Unlike `Wasserstein` it sees more than two moments; what it makes alike are the two laws, while
    the best codewords for squared error lie wider than the vectors do [zador1982asymptotic]: the codebook loss knows that.

    Attributes:
        weight: w >= 0.
        kernel: squared distances → kernel, elementwise.
        vectors: at most so many.
        codewords: at most so many.
        unbiased: leave out what pairs something with itself; the estimate may then be negative.
        seed: of the draw of codewords.

    Raises:
        UsageError: an argument out of its range; when it is called, a layer without codewords that learn by gradient.

    Example:
        >>> from zador.codebooks import Gradient
        >>> from zador.layers import vq
        >>> learner = Gradient(start=[[3.0], [5.0]])
        >>> layer = vq(dim=1, codebook_size=2, learner=learner, regularisers=[MMD(weight=1.0)])
        >>> layer(torch.tensor([[-2.0], [2.0]])).info.other["mmd"].item()  # 2 · 4 - 4 - 2
        2.0
    """

    weight: float = 1.0
    kernel: Callable[[Tensor], Tensor] = energy_kernel
    vectors: int = 1024
    codewords: int = 1024
    unbiased: bool = True
    seed: int = 0
    name: ClassVar[str] = "mmd"

    def __post_init__(self) -> None:
        """Refuse what is no weight, no kernel and no number."""
        as_weight(self.weight, "MMD")
        as_count(self.vectors, "MMD: vectors", least=2)
        as_count(self.codewords, "MMD: codewords", least=2)
        as_count(self.seed, "MMD: seed", least=0)
        if not callable(self.kernel):
            raise UsageError(f"MMD: kernel: expected a function of squared distances, got {self.kernel!r}")

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:
        """Return the weighted loss of vectors z (N, d) that have entered `code`."""
        moved = learned_by_gradient(code, "MMD")
        losses = [
            self._of(request, batch)
            for request in requests(z.detach(), code, batch.valid)
            if any(request.table is table for table in moved)
        ]
        return unless_empty(torch.stack(losses).sum() * self.weight, batch.number)

    def _of(self, request: Request, batch: Batch) -> Tensor:
        x, weights = sample(request, self.vectors, batch.peers)
        y = request.table.look().clone()
        if self.codewords < len(y):
            y = y[drawn_rows(len(y), self.codewords, self.seed, batch.step)]
        wide = torch.promote_types(x.dtype, y.dtype)
        # Far from the origin the squares of lengths would drown the distances.
        centre = y.detach().mean(dim=0)
        x, y, weights = (x - centre).to(wide), (y - centre).to(wide), weights.to(wide)
        ones = weights.new_ones(len(y))
        return self._alike(x, weights) + self._alike(y, ones) - 2.0 * self._pairs(x, y, weights, ones)

    def _alike(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return E k(x, x')."""
        number = weights.sum()
        apart = 1.0 - torch.eye(len(x), dtype=x.dtype, device=x.device)
        # On the diagonal 0 exactly, not what rounding leaves of it.
        pairs = self.kernel(_squared(x, x) * apart)
        if self.unbiased:
            return ((pairs * apart) @ weights) @ weights / (number * (number - 1)).clamp(min=1)
        return (pairs @ weights) @ weights / (number**2).clamp(min=1)

    def _pairs(self, x: Tensor, y: Tensor, of_x: Tensor, of_y: Tensor) -> Tensor:
        """Return E k(x, y)."""
        return of_x @ self.kernel(_squared(x, y)) @ of_y / (of_x.sum() * of_y.sum()).clamp(min=1)


def _squared(x: Tensor, y: Tensor) -> Tensor:
    """Return ||x_i - y_j||², (N, K)."""
    return ((x**2).sum(dim=1)[:, None] + (y**2).sum(dim=1) - 2.0 * x @ y.T).clamp(min=0)
