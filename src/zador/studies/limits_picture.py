"""The ladder as a picture: distortion against rate, every rung a line; where there is one, the band that holds R(D)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from zador.errors import UsageError
from zador.files import write_atomically
from zador.theory import gaussian

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from zador.theory.limits import Limits, Rung
    from zador.theory.rate_band import RateBand

__all__ = ["check_format", "draw"]

_FORMATS = ("svg", "png", "pdf")
_BOUND, _REACHED, _PLAIN = "#1f5f8b", "#b4552d", "#6b6b6b"
_FACES: dict[str, dict[str, Any]] = {
    "zero rate": {"color": _PLAIN, "ls": ":"},
    "Shannon bound": {"color": _BOUND, "ls": "-"},
    "dropped energy": {"color": _PLAIN, "ls": "-."},
    "Shannon bound behind the encoder": {"color": _BOUND, "ls": "--"},
    "K-point floor": {"color": _BOUND, "marker": "_", "ms": 18, "mew": 2.5},
    "K-point floor of these vectors": {"color": _BOUND, "marker": "_", "ms": 18, "mew": 1.2},
    "best known codebook": {"color": _REACHED, "marker": "o"},
    "random R(D) codebook": {"color": _REACHED, "marker": "D", "mfc": "white"},
    "high-rate estimate": {"color": _PLAIN, "marker": "x"},
}
_STYLE = {
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "zador",
    "text.parse_math": False,
}
_FINE = 200


def check_format(path: str) -> str:
    """Return the format that a path's ending names.

    Raises:
        UsageError: none of svg, png and pdf.

    >>> check_format("ladder.svg")
    'svg'
    """
    ending = path.lower().rpartition(".")[2]
    if ending not in _FORMATS:
        raise UsageError(f"plot: expected a file that ends in .svg, .png or .pdf, got {path!r}")
    return ending


def draw(
    path: str,
    ladders: Sequence[Limits],
    rungs: Sequence[Sequence[Rung]],
    *,
    band: RateBand | None = None,
    measured: float | None = None,
) -> None:
    """Write the picture, whole or not at all; its format is the path's ending.

    Args:
        path: where to.
        ladders: one a codebook size, ascending, of one source.
        rungs: those of each ladder.
        band: bounds on R(D) of vectors.
        measured: a distortion to mark.

    Raises:
        UsageError: the path's ending is none of svg, png and pdf.
    """
    ending = check_format(path)
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        axes = figure.add_subplot()
        pad = 0.06 * (ladders[-1].rate_bits - ladders[0].rate_bits) or 1.0
        low, high = max(0.0, ladders[0].rate_bits - pad), ladders[-1].rate_bits + pad
        if band is not None:
            low, high = 0.0, max(high, _draw_band(axes, band))
        _draw_rungs(axes, ladders, rungs, np.linspace(low, high, _FINE))
        if measured is not None:
            axes.axhline(measured, color="black", lw=1)
            axes.annotate(f"measured {measured:.4g}", (0.01, measured), xycoords=("axes fraction", "data"), va="bottom")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlabel("rate, bits per vector")
        axes.set_ylabel("squared error, summed over coordinates")
        axes.grid(visible=True, which="major", color="#e4e4e4", lw=0.6)
        figure.legend(loc="outside lower center", frameon=False, ncols=3, fontsize=9)
        drawn = io.BytesIO()
        figure.savefig(drawn, format=ending, dpi=160, metadata=_undated(ending))
    write_atomically(path, drawn.getvalue())


def _undated(ending: str) -> dict[str, Any]:
    # The same picture is the same file: no date in it.
    return {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending, {})


def _draw_rungs(axes: Axes, ladders: Sequence[Limits], rungs: Sequence[Sequence[Rung]], fine: NDArray[np.float64]) -> None:
    first = ladders[0]
    smooth = {
        "zero rate": np.full(_FINE, first.zero_rate_distortion),
        "Shannon bound": np.asarray(gaussian.distortion_rate(first.eigenvalues, fine)),
        "dropped energy": np.full(_FINE, first.dropped_energy),
        "Shannon bound behind the encoder": first.dropped_energy + np.asarray(gaussian.distortion_rate(first.leading, fine)),
    }
    labels = dict.fromkeys(rung.label for column in rungs for rung in column)
    for label in labels:
        if label in smooth:
            axes.plot(fine, smooth[label], label=label, lw=1.8, **_FACES[label])
            continue
        points = [
            (ladder.rate_bits, rung.distortion, rung.standard_error)
            for ladder, column in zip(ladders, rungs, strict=True)
            for rung in column
            if rung.label == label and rung.distortion > 0
        ]
        x, y, error = np.array(points).T if points else np.zeros((3, 0))
        face: dict[str, Any] = {"ls": "", "ms": 6, "capsize": 2} | _FACES[label]
        axes.errorbar(x, y, yerr=2 * error, label=label, **face)


def _draw_band(axes: Axes, band: RateBand) -> float:
    """Draw the band; return the largest rate in it."""
    distortion, lower, upper = band.curve(_FINE).T
    words = f"R(D) of the vectors, {band.simultaneous_confidence:.0%}" + ("" if band.certified else ", not certified")
    axes.fill_betweenx(distortion, lower, upper, color="#7a9e3f", alpha=0.3, lw=0, label=words)
    return float(upper.max())
