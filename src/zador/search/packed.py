"""A codebook laid out for the kernel: centred, scaled, rounded once, in panels of `PANEL` codewords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.search.simd import PANEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PackedCodebook", "Range", "centre_of", "pack"]

_CENTRE_SAMPLE = 1024
# Products and sums round d + 2 times; the inputs and the bound itself a few times more, generously counted.
_EXTRA_ROUNDINGS = 16


@dataclass(frozen=True)
class Range:
    """Where a precision holds, for codewords scaled to a typical norm of 1.

    Attributes:
        underflow: absolute error of a score, from products below the smallest normal number.
        row: a vector longer than this is left to the next precision.
        codeword: a codeword longer than this is left out: its score exceeds `score` for every such row.
        score: a best score above this is left to the next precision.
    """

    underflow: float
    row: float
    codeword: float
    score: float


_RANGES = {4: Range(2.0**-110, 2.0**40, 2.0**60, 2.0**100), 8: Range(2.0**-900, 2.0**300, 2.0**400, 2.0**700)}


@dataclass(frozen=True, eq=False)
class PackedCodebook:
    """Codewords in the form that `scan_panels` reads; the score of k is `||c_k||² - 2 x·c_k` for centred x and c.

    Attributes:
        panels: (P, d or d + 1, PANEL) factors `-2 c`; with a certificate one more row, `-2 g ||c||`, that meets `||x||`.
        bias: (P * PANEL,) `||c||² (1 - g)`; infinite for the padding.
        norms: (K,) float64 `||c||`.
        centre: (d,) float64, what is subtracted from vectors and codewords.
        scale: power of two that both are multiplied by.
        growth: g, the relative error bound of a score; 0 without a certificate.
        limits: where the precision that the panels are stored in holds.
    """

    panels: NDArray[Any]
    bias: NDArray[Any]
    norms: NDArray[np.float64]
    centre: NDArray[np.float64]
    scale: float
    growth: float
    limits: Range


def centre_of(codebook: NDArray[Any]) -> NDArray[np.float64]:
    """Return the coordinate-wise median of (a sample of) the codewords: an outlier codeword does not move it."""
    step = -(-len(codebook) // _CENTRE_SAMPLE)
    return np.asarray(np.median(codebook[::step].astype(np.float64), axis=0))


def pack(codebook: NDArray[Any], dtype: type[np.floating[Any]], *, certified: bool) -> PackedCodebook:
    """Pack (K, d) codewords for a search in `dtype`; `certified` folds the error bound into the scores."""
    count, dim = codebook.shape
    centre = centre_of(codebook)
    unit = float(np.finfo(dtype).eps) / 2
    roundings = (dim + _EXTRA_ROUNDINGS) * unit
    growth = roundings / (1 - roundings) if certified else 0.0
    padded = -(-count // PANEL) * PANEL
    panels = np.zeros((padded // PANEL, dim + certified, PANEL), dtype)
    bias = np.full(padded, np.inf, dtype)
    norms = np.empty(count, np.float64)
    _norms(codebook, centre, norms)
    # Any power of two leaves every digit as it is. The typical norm becomes 1; one wild codeword changes nothing.
    typical = float(np.median(norms)) or float(norms.max())
    scale = 2.0 ** -int(np.clip(np.frexp(typical)[1], -1000, 1000)) if np.isfinite(typical) and typical > 0 else 1.0
    norms *= scale
    limits = _RANGES[np.dtype(dtype).itemsize]
    _fill(codebook, (centre, norms), (scale, growth, limits.codeword), panels, bias)
    return PackedCodebook(panels, bias, norms, centre, scale, growth, limits)


@njit(nogil=True, cache=True)
def _norms(codebook: Any, centre: Any, norms: Any) -> None:
    for k in range(codebook.shape[0]):
        total = 0.0
        for t in range(codebook.shape[1]):
            total += (codebook[k, t] - centre[t]) ** 2
        norms[k] = np.sqrt(total)


@njit(nogil=True, cache=True)
def _fill(codebook: Any, geometry: Any, settings: Any, panels: Any, bias: Any) -> None:
    centre, norms = geometry
    scale, growth, longest = settings
    dim = codebook.shape[1]
    for k in range(codebook.shape[0]):
        if not norms[k] <= longest:
            continue  # its bias stays infinite
        panel, lane = k // panels.shape[2], k % panels.shape[2]
        for t in range(dim):
            panels[panel, t, lane] = -2.0 * ((codebook[k, t] - centre[t]) * scale)
        if panels.shape[1] > dim:
            panels[panel, dim, lane] = -2.0 * growth * norms[k]
        bias[k] = norms[k] * norms[k] * (1.0 - growth)
