"""The shapes of indices: one number a vector, or S where there are S streams."""

from __future__ import annotations

import torch
from torch import Tensor

from zador.errors import DataError

__all__ = ["checked_indices", "from_rows", "to_rows"]


def from_rows(numbers: Tensor, lead: tuple[int, ...]) -> Tensor:
    """Return numbers (N, S) in the shape `lead`, with a last axis for the streams if there are several."""
    return numbers.view(lead) if numbers.shape[1] == 1 else numbers.view(*lead, numbers.shape[1])


def to_rows(indices: Tensor, streams: int) -> tuple[Tensor, tuple[int, ...]]:
    """Return indices as rows (N, S), and the shape that `from_rows` needs to undo that."""
    lead = tuple(indices.shape if streams == 1 else indices.shape[:-1])
    return indices.reshape(-1, streams), lead


def checked_indices(indices: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Return indices as int64, if they are what a code with these sizes can have made.

    In a graph, exported or compiled, only types and shapes are looked at.

    Raises:
        DataError: no whole numbers, another number of streams, below -1 or beyond their alphabet.
    """
    if indices.dtype.is_floating_point or indices.dtype.is_complex or indices.dtype == torch.bool:
        raise DataError(f"indices: expected whole numbers, got {indices.dtype}; pass what encode returned")
    if len(sizes) > 1 and (indices.ndim == 0 or indices.shape[-1] != len(sizes)):
        raise DataError(
            f"indices: expected a last axis of {len(sizes)} streams, got shape {tuple(indices.shape)}; pass what encode "
            "returned, all streams (-1 for those to leave out)"
        )
    numbers = indices.to(torch.int64)
    if torch.compiler.is_compiling() or torch.compiler.is_exporting():
        return numbers
    most = torch.tensor(sizes, device=numbers.device) if len(sizes) > 1 else sizes[0]
    outside = (numbers < -1) | (numbers >= most)
    if bool(outside.any()):
        first = ", ".join(map(str, numbers[outside][:5].tolist()))
        raise DataError(
            f"indices: {int(outside.sum())} of {numbers.numel()} are no index of this layer ({first}); expected 0 to "
            f"{max(sizes) - 1}, or -1 for nothing"
        )
    return numbers
