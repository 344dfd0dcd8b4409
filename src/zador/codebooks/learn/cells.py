"""What a batch says to a codebook: how many vectors chose each codeword, and their sum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from zador.codebooks.learn.lloyd import cell_sums as sums_on_host
from zador.codebooks.learn.peers import ALONE, Peers
from zador.search.traced import untraced

__all__ = ["Cells", "Seen", "cell_sums", "means", "shared"]

# Numbers of x that are widened to float64 at a time where the sums are formed on a device.
_CHUNK_ELEMENTS = 1 << 22


class Cells(NamedTuple):
    """The statistics of a batch; those of two batches add up, those of two processes too.

    Attributes:
        counts: (K,) vectors that chose each codeword.
        sums: (K, d) their sums, in the dtype of the counts: float64 if the vectors were, else float32.
    """

    counts: Tensor
    sums: Tensor


class Seen(NamedTuple):
    """A training batch as learners and revivers see it: already searched with the codewords as they were before the step.

    Attributes:
        cells: of this batch; summed over all processes where several train together.
        x: (N, d) the vectors of this process.
        indices: (N,) int64 chosen codewords; -1 for a vector that does not count, whatever its row of x holds.
        squared: (N,) squared distances to them, summed over coordinates.
        key: (2,) int64, the random numbers of this step (`zador.noise`), the same in all processes.
        peers: the processes that train together; x, indices and squared are those of this one.
    """

    cells: Cells
    x: Tensor
    indices: Tensor
    squared: Tensor
    key: Tensor
    peers: Peers = ALONE


def cell_sums(x: Tensor, indices: Tensor, codebook_size: int) -> Cells:
    """Return `n_k = |{n : i_n = k}|` and `S_k = Σ_{n : i_n = k} x_n`.

    Added up in float64, on the CPU in the order of the rows: the number of threads changes no bit. On other devices the
    order is torch's, fixed under `torch.use_deterministic_algorithms`. No gradient passes; no N×K array exists.

    Args:
        x: (N, d) of any float type.
        indices: (N,) int64 below K; a negative one leaves its row out, even where that holds NaN.
        codebook_size: K.

    Returns:
        `Cells` on the device of x; float64 if x is, else float32.

    >>> found = cell_sums(torch.tensor([[1.0], [2.0], [9.0]]), torch.tensor([0, 0, -1]), 2)
    >>> found.counts.tolist(), found.sums.tolist()
    ([2.0, 0.0], [[3.0], [0.0]])
    """
    x = x.detach()
    return Cells(*(_cell_sums if untraced(x) else _operator)(x, indices, codebook_size))


def shared(cells: Cells, squared: Tensor, peers: Peers) -> tuple[Cells, Tensor]:
    """Return the cells of all processes, and the sum of `squared` (N,) over all of them, in one exchange.

    Args:
        cells: of this process.
        squared: (N,) squared distances of its vectors.
        peers: the processes.
    """
    total = squared.detach().sum()
    if peers.size == 1:
        return cells, total
    size, dim = cells.sums.shape
    wide = cells.sums.dtype
    packed = torch.cat([cells.sums.flatten(), cells.counts.to(wide), total.to(wide).view(1)])
    summed = peers.sum(packed)
    sums, counts, total = torch.split(summed, [size * dim, size, 1])
    return Cells(counts, sums.view(size, dim)), total[0]


def means(cells: Cells) -> Tensor:
    """Return (K, d) the mean of each cell; 0 where it is empty."""
    return cells.sums / cells.counts.clamp(min=1)[:, None]


def _cell_sums(x: Tensor, indices: Tensor, codebook_size: int) -> tuple[Tensor, Tensor]:
    counts, sums = (_on_host if x.device.type == "cpu" else _on_device)(x, indices, codebook_size)
    dtype = _result_dtype(x)
    return counts.to(dtype), sums.to(dtype)


_operator = torch.library.custom_op("zador::cell_sums", _cell_sums, mutates_args=())


@_operator.register_fake
def _(x: Tensor, indices: Tensor, codebook_size: int) -> tuple[Tensor, Tensor]:
    dtype = _result_dtype(x)
    return (
        torch.empty(codebook_size, dtype=dtype, device=indices.device),
        torch.empty((codebook_size, x.shape[1]), dtype=dtype, device=x.device),
    )


def _result_dtype(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def _on_host(x: Tensor, indices: Tensor, codebook_size: int) -> tuple[Tensor, Tensor]:
    vectors = x.to(_result_dtype(x)).contiguous().numpy()
    chosen = indices.contiguous().numpy()
    # Compiled code trusts its indices; this count, which refuses one that is too large, comes first.
    counts = np.bincount(np.maximum(chosen, -1) + 1, minlength=codebook_size + 1)
    if len(counts) > codebook_size + 1:
        raise IndexError(f"cell_sums: index {chosen.max()} of a codebook of {codebook_size}")
    return torch.from_numpy(counts[1:]), torch.from_numpy(sums_on_host(vectors, None, chosen, codebook_size))


def _on_device(x: Tensor, indices: Tensor, codebook_size: int) -> tuple[Tensor, Tensor]:
    wide = torch.float32 if x.device.type == "mps" else torch.float64
    counts = torch.zeros(codebook_size, dtype=wide, device=x.device)
    sums = torch.zeros((codebook_size, x.shape[1]), dtype=wide, device=x.device)
    valid = indices >= 0
    cells = indices.clamp(min=0)
    counts.index_add_(0, cells, valid.to(wide))
    step = max(1, _CHUNK_ELEMENTS // x.shape[1])
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        sums.index_add_(0, cells[part], torch.where(valid[part, None], x[part], 0).to(wide))
    return counts, sums
