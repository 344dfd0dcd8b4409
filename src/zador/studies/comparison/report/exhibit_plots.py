"""A codebook to look at: pure functions from an exhibit to inline SVG; numbers first, then marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from zador.studies.comparison.report.codeword_table import table
from zador.studies.page import wording
from zador.studies.page.svg import below, caption, colour, drawing, panel, picture

if TYPE_CHECKING:
    from zador.studies.comparison.records import Exhibit

__all__ = ["MOST_COORDINATES", "codewords", "profiles", "usage"]

MOST_COORDINATES = 256
"""Coordinates and codewords that a heat map or a profile shows; more would be finer than a pixel."""

_PROFILES = 6
_FEW = 20


def usage(exhibit: Exhibit, *, prefix: str) -> str:
    """Return how often each codeword was chosen, most used first, with the level at which all would be used alike."""
    counts = np.sort(table(exhibit)[1])[::-1]
    uniform = float(counts.mean())
    # Runs of equal counts are one step: the picture stays small however large the codebook is.
    edges = np.concatenate([[0], np.flatnonzero(np.diff(counts)) + 1, [len(counts)]])
    steep = counts[0] > 2 * _FEW * uniform > 0
    dead = int((counts == 0).sum())
    label = (
        f"Sorted usage of {wording.count(len(counts), 'codeword')}: the most used was chosen {counts[0]:,} times, uniform "
        f"use would be {uniform:.3g}, and {dead:,} were never chosen."
    )
    with drawing():
        axes = panel(210)
        bars = axes.stairs(counts[edges[:-1]], edges, fill=True, color=colour("series-0"), baseline=0.5 if steep else 0)
        bars.set(linewidth=0.8, edgecolor=colour("series-0"))  # a spike of one among thousands must show
        axes.axhline(uniform, color=colour("ink"), lw=1.2, ls=(0, (5, 3)))
        axes.set_xlim(-0.006 * len(counts), 1.006 * len(counts))
        if steep:
            axes.set_yscale("log")
        axes.set_ylim(0.5 if steep else 0, max(1.12 * float(counts[0]), 1.3 * uniform, 1.0))
        axes.text(0.995, uniform, f"uniform: {uniform:.3g}", transform=axes.get_yaxis_transform(), ha="right", va="bottom")
        if dead:
            axes.plot(
                [len(counts) - dead, len(counts)], [0, 0], transform=axes.get_xaxis_transform(), lw=5, color=colour("warn")
            )
        axes.yaxis.set_major_locator(LogLocator(numticks=5) if steep else MaxNLocator(4, integer=True))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.compact(value)))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("codewords, most used first", labelpad=5)
        caption(axes, f"held-out vectors that chose it{' (log scale)' if steep else ''}")
        return picture(axes, prefix=prefix, label=label)


def codewords(exhibit: Exhibit, *, prefix: str) -> str:
    """Return a heat map: one row a codeword, most used first, one column a coordinate."""
    words, counts = table(exhibit)
    shown = words[np.argsort(-counts, kind="stable")[:MOST_COORDINATES], :MOST_COORDINATES]
    low, high = float(shown.min()), float(shown.max())
    label = f"Heat map of {wording.count(len(shown), 'codeword')} by {wording.count(shown.shape[1], 'coordinate')}."
    with drawing():
        axes = panel(100 + min(230, 24 * len(shown)), right=16, bottom=74)
        axes.imshow(shown, aspect="auto", interpolation="none", cmap="viridis", vmin=low, vmax=high)
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlabel("coordinate", labelpad=3)
        caption(axes, "codewords, most used first")
        scale = axes.inset_axes((0.25, -62, 0.5, 9), transform=below(axes))
        scale.imshow(np.linspace(0, 1, 64)[None], aspect="auto", interpolation="none", cmap="viridis")
        scale.set_axis_off()
        scale.text(-0.02, 0.5, wording.short(low), transform=scale.transAxes, ha="right", va="center")
        scale.text(1.02, 0.5, wording.short(high), transform=scale.transAxes, ha="left", va="center")
        return picture(axes, prefix=prefix, label=label)


def profiles(exhibit: Exhibit, *, prefix: str) -> str:
    """Return some held-out vectors, coordinate by coordinate, each under its reconstruction; "" if there are none."""
    if not len(exhibit.originals):
        return ""
    pairs = list(zip(exhibit.originals, exhibit.reconstructions, strict=True))[:_PROFILES]
    pairs = [(original[:MOST_COORDINATES], copy[:MOST_COORDINATES]) for original, copy in pairs]
    low, high = min(float(np.min(pair)) for pair in pairs), max(float(np.max(pair)) for pair in pairs)
    label = f"{wording.count(len(pairs), 'held-out vector')}, each with its reconstruction, coordinate by coordinate."
    with drawing():
        frame = panel(330)
        frame.set_axis_off()
        caption(frame, "value by coordinate: grey the vector, colour what stands for it")
        for place, (original, copy) in enumerate(pairs):
            row, place_in_row = divmod(place, 3)
            axes = frame.inset_axes((0.35 * place_in_row, 0.55 * (1 - row), 0.3, 0.42))
            mark = "o" if len(original) <= _FEW else ""
            axes.plot(original, color=colour("muted"), lw=1, marker=mark, ms=4)
            axes.plot(copy, color=colour("series-1"), lw=1.6, marker=mark, ms=3)
            axes.set_ylim(low - 0.05 * (high - low or 1), high + 0.05 * (high - low or 1))
            axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(3))
            axes.tick_params(labelleft=place_in_row == 0)
        return picture(frame, prefix=prefix, label=label)
