"""Nearest codeword on any torch device: centred, through one reused tile of products, with the bound of `certified.py`.

The CPU has a fused kernel (`fused.py`); here the device's own matrix product fills a tile, the minimum is taken from it, and
the next block of rows overwrites it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from zador.errors import DataError, NonFiniteError
from zador.search.record import Nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["nearest_on_device"]

_TILE_ELEMENTS = 1 << 22
_RUN = 1 << 14
_CENTRE_SAMPLE = 1024
_UNIT = torch.finfo(torch.float32).eps / 2
_LONGEST_CODEWORD, _LONGEST_ROW, _HIGHEST, _UNDERFLOW = 2.0**60, 2.0**40, 2.0**100, 2.0**-110


class _Table(NamedTuple):
    factors: Tensor  # (d + 1, K) float32: -2 c and, below it, -2 g ||c||
    bias: Tensor  # (K,) float32: ||c||² (1 - g)
    norms: Tensor  # (K,) float64
    centre: Tensor  # (d,) float64
    scale: float
    growth: float


def nearest_on_device(x: Tensor, codebook: Any, *, exact: bool) -> Nearest:
    """Search (N, d) vectors among (K, d) codewords on the device of `x`; see `zador.nearest` for the contract.

    Raises:
        DataError: shapes that do not fit, an empty codebook, or `exact` on a device without float64.
        NonFiniteError: NaN or infinity in either argument.
    """
    x, codewords = x.detach(), torch.as_tensor(codebook).detach().to(x.device)
    _check(x, codewords)
    if exact and x.device.type == "mps":
        raise DataError("nearest: exact=True needs float64, which device 'mps' does not have; pass x.cpu() or exact=False")
    count = len(x)
    double = torch.float64 in (x.dtype, codewords.dtype)
    indices = torch.empty(count, dtype=torch.int64, device=x.device)
    squared = torch.empty(count, dtype=torch.float64 if double else torch.float32, device=x.device)
    if count == 0:
        return Nearest(indices, squared)
    table = _prepare(codewords, certified=exact)
    run = min(_RUN, len(codewords))
    step = max(1, min(count, _TILE_ELEMENTS // run))
    tile = torch.empty((step, run), dtype=torch.float32, device=x.device)
    rechecked = 0
    with _full_precision():
        for start in range(0, count, step):
            block = x[start : start + step].to(table.centre.dtype)
            found, doubtful = _scan(block, table, tile)
            rows = torch.nonzero(doubtful).ravel() if exact else doubtful.new_empty(0, dtype=torch.int64)
            if len(rows):
                found[rows] = _by_definition(block[rows], codewords)
            rechecked += len(rows)
            indices[start : start + step] = found
            squared[start : start + step] = _squared(block, codewords, found)
    return Nearest(indices, squared, rechecked / count)


def _check(x: Tensor, codebook: Tensor) -> None:
    for name, tensor in (("x", x), ("codebook", codebook)):
        if tensor.ndim != 2 or tensor.shape[1] == 0 or not tensor.dtype.is_floating_point:  # noqa: PLR2004 - a matrix
            raise DataError(f"{name}: expected a (N, d) tensor of floats, got {tuple(tensor.shape)} {tensor.dtype}")
        bad = int((~torch.isfinite(tensor)).any(dim=1).sum())
        if bad:
            raise NonFiniteError(f"{name}: {bad} of {len(tensor)} rows hold NaN or infinity; remove or impute them first")
    if x.shape[1] != codebook.shape[1] or (len(codebook) == 0 < len(x)):
        raise DataError(
            f"nearest: x has shape {tuple(x.shape)} and the codebook {tuple(codebook.shape)}; "
            "both need the same d, and the codebook at least one codeword"
        )


def _prepare(codebook: Tensor, *, certified: bool) -> _Table:
    wide = torch.float32 if codebook.device.type == "mps" else torch.float64
    table = codebook.to(wide)
    centre = table[:: -(-len(table) // _CENTRE_SAMPLE)].median(dim=0).values
    table = table - centre
    norms = torch.linalg.vector_norm(table, dim=1)
    typical = float(norms.median()) or float(norms.max())
    scale = 2.0 ** -round(torch.log2(torch.tensor(typical)).clamp(-126, 126).item()) if typical > 0 else 1.0
    roundings = (codebook.shape[1] + 16) * _UNIT
    growth = roundings / (1 - roundings) if certified else 0.0
    norms = norms * scale
    usable = norms <= _LONGEST_CODEWORD
    factors = torch.cat([table * scale, (growth * norms)[:, None]], dim=1) * usable[:, None]
    bias = torch.where(usable, norms**2 * (1 - growth), torch.inf)
    return _Table((-2.0 * factors).float().T.contiguous(), bias.float(), norms, centre, scale, growth)


def _scan(block: Tensor, table: _Table, tile: Tensor) -> tuple[Tensor, Tensor]:
    """Return the index with the lowest lower end for each row, and whether its upper end fails to clear the others."""
    centred = ((block - table.centre) * table.scale).float()
    length = torch.linalg.vector_norm(centred.to(block.dtype), dim=1) * (1 + 1e-6)
    rows = torch.cat([centred, length.float()[:, None]], dim=1)
    best = torch.full((len(rows),), torch.inf, device=rows.device)
    second, index = best.clone(), torch.zeros(len(rows), dtype=torch.int64, device=rows.device)
    for start in range(0, len(table.bias), tile.shape[1]):
        bias = table.bias[start : start + tile.shape[1]]
        scores = tile.ravel()[: len(rows) * len(bias)].view(len(rows), len(bias))
        torch.addmm(bias, rows, table.factors[:, start : start + tile.shape[1]], out=scores)
        low, where = scores.min(dim=1)
        rest = scores.scatter_(1, where[:, None], torch.inf).amin(dim=1)
        better = low < best
        second = torch.minimum(torch.minimum(second, rest), torch.where(better, best, low))
        index = torch.where(better, where + start, index)
        best = torch.where(better, low, best)
    norm = table.norms[index]
    error = table.growth * norm * (norm + 2 * length)
    own = 4 * (block.shape[1] + 4) * 1.2e-16 * (length + norm) ** 2
    ceiling = best.to(block.dtype) + 2 * error * (1 + 1e-6) + own + _UNDERFLOW
    return index, ~((second > ceiling) & (ceiling < _HIGHEST) & (length < _LONGEST_ROW))


def _by_definition(rows: Tensor, codebook: Tensor) -> Tensor:
    found = torch.empty(len(rows), dtype=torch.int64, device=rows.device)
    step = max(1, _TILE_ELEMENTS // codebook.numel())
    for start in range(0, len(rows), step):
        difference = rows[start : start + step, None, :].double() - codebook.double()
        found[start : start + step] = (difference**2).sum(dim=-1).argmin(dim=1)
    return found


def _squared(block: Tensor, codebook: Tensor, index: Tensor) -> Tensor:
    return ((block - codebook[index].to(block.dtype)) ** 2).sum(dim=1)


@contextmanager
def _full_precision() -> Iterator[None]:
    """TF32 keeps 10 bits of a product; the bound is for 24. The caller's setting comes back afterwards."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
