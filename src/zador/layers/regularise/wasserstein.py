"""Codewords that lie as the vectors do: the distance between the two normal laws with their moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from zador.layers.losses import mean_over
from zador.layers.regularise.requests import as_weight, learned_by_gradient, moments_dtype, requests, unless_empty

if TYPE_CHECKING:
    from zador.codebooks import Peers
    from zador.layers.losses import Batch
    from zador.layers.regularise.requests import Request
    from zador.quantizers.codes import Code

__all__ = ["Wasserstein", "gaussian_wasserstein"]


@dataclass(frozen=True)
class Wasserstein:
    """`w Σ_tables W2²(N(μ_z, Σ_z), N(μ_c, Σ_c))` of the moments of vectors and of codewords [fang2025enhancing].

        W2² = |μ_z - μ_c|² + tr Σ_z + tr Σ_c - 2 tr (Σ_z^½ Σ_c Σ_z^½)^½                            [olkin1982distance]

    Moments divide by N and by K. The gradient goes to the codewords alone, and is that of the formula: each is drawn to
    where the linear map that carries one law to the other takes it, `(2 w / K) (c_k - T c_k)`. A codebook far from the data
    comes to lie among them as a whole, dead codewords too; the last step, to the centroids, is the codebook loss's.
    Published code takes the eigenvalues of Σ_z Σ_c as if that product were symmetric: the same only where the two commute.

    Where codewords do not extend in a direction at all, nothing says which of them to move there, and none is moved. Costs
    products of d × d matrices in float64, N d² operations and d³.

    Attributes:
        weight: w >= 0; the unit is that of the squared error, summed over coordinates.

    Raises:
        UsageError: a weight out of its range; when it is called, a layer without codewords that learn by gradient.

    Example:
        >>> from zador.codebooks import Gradient
        >>> from zador.layers import vq
        >>> learner = Gradient(start=[[3.0], [5.0]])
        >>> layer = vq(dim=1, codebook_size=2, learner=learner, regularisers=[Wasserstein(weight=1.0)])
        >>> layer(torch.tensor([[-2.0], [2.0]])).info.other["wasserstein"].item()  # 4² + (2 - 1)²
        17.0
    """

    weight: float = 0.5
    name: ClassVar[str] = "wasserstein"

    def __post_init__(self) -> None:
        """Refuse what is no weight."""
        as_weight(self.weight, "Wasserstein")

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:
        """Return the weighted loss of vectors z (N, d) that have entered `code`."""
        moved = learned_by_gradient(code, "Wasserstein")
        losses = [
            gaussian_wasserstein(request.table.look(), *_moments(request, batch.peers))
            for request in requests(z.detach(), code, batch.valid)
            if any(request.table is table for table in moved)
        ]
        return unless_empty(torch.stack(losses).sum() * self.weight, batch.number)


def gaussian_wasserstein(codewords: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Return W2² between the law of the codewords and N(mean, covariance), see `Wasserstein`.

    Differentiable in the codewords, once, from a closed form that is finite for singular covariances too.

    Args:
        codewords: (K, d).
        mean: (d,) without gradient.
        covariance: (d, d) symmetric, without gradient.

    Returns:
        0-d, of the type of the codewords.

    >>> gaussian_wasserstein(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.zeros(2), torch.eye(2))
    tensor(1.)
    """
    value, gradient = _closed_form(codewords.detach().to(covariance.dtype), mean.to(covariance.dtype), covariance)
    # The value is exact, as nothing is added to it; the gradient of what is added is the closed form.
    return value.to(codewords.dtype) + ((codewords - codewords.detach()) * gradient.to(codewords.dtype)).sum()


@torch.no_grad()
def _closed_form(codewords: Tensor, mean: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
    size = len(codewords)
    centre = codewords.mean(dim=0)
    centred = codewords - centre
    root = _power(covariance, 0.5)[0]
    inner = root @ (centred.T @ centred / size) @ root
    inverse_root, trace = _power((inner + inner.T) / 2, -0.5)
    value = ((mean - centre) ** 2).sum() + covariance.trace() + (centred**2).sum() / size - 2.0 * trace
    # c is carried to T c = μ_z + Σ_z^½ (Σ_z^½ Σ_c Σ_z^½)^-½ Σ_z^½ (c - μ_c).
    carried = mean + centred @ (root @ inverse_root @ root)
    return value.clamp(min=0.0), (codewords - carried) * (2.0 / size)


def _power(matrix: Tensor, exponent: float) -> tuple[Tensor, Tensor]:
    """Return a symmetric matrix to a power, 0 where its eigenvalues are 0 to rounding, and the sum of their roots."""
    values, vectors = torch.linalg.eigh(matrix)
    kept = values > values[-1].clamp(min=0.0) * (len(values) * torch.finfo(values.dtype).eps)
    powers = torch.where(kept, values, 1.0) ** exponent * kept
    return (vectors * powers) @ vectors.T, torch.where(kept, values, 0.0).sqrt().sum()


@torch.no_grad()
def _moments(request: Request, peers: Peers) -> tuple[Tensor, Tensor]:
    """Return mean (d,) and covariance (d, d) of the vectors of all processes."""
    x = request.x.detach().to(moments_dtype(request.x))
    weighted = x * request.weights.to(x.dtype)[:, None]
    dim = x.shape[1]
    packed = torch.cat([(weighted.T @ x).flatten(), weighted.sum(dim=0), request.weights.to(x.dtype).sum().view(1)])
    products, sums, number = torch.split(peers.sum(packed), [dim * dim, dim, 1])
    mean = mean_over(sums, number[0])
    return mean, mean_over(products, number[0]).view(dim, dim) - torch.outer(mean, mean)
