"""Pictures of starts: the error along learning, and where it ends against the floor as K grows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from zador.studies.atlas.sheet import Sheet
from zador.studies.atlas.standalone import standalone
from zador.studies.averages import means_of
from zador.studies.page import wording
from zador.studies.page.svg import colour, drawing, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

    from zador.studies.run import Evidence

__all__ = ["draw_courses", "draw_gaps"]

_SHOWN = {
    "uniform ±1/K": ("series-5", "-"),
    "uniform, as wide as the data": ("series-5", (0, (3, 2))),
    "from data": ("series-2", "-"),
    "k-means++": ("ink", "-"),
    "R(D), water-filled": ("series-1", "-"),
    "R(D), isotropic": ("series-1", (0, (3, 2))),
    "Lloyd–Max grid": ("series-0", "-"),
    "reproduction law": ("series-3", "-"),
}
_FLOOR = "K-point floor"
_COLUMNS, _HEIGHT = 3, 96.0
_HIGHEST_COURSE, _HIGHEST_GAP = 10.0, 4.0


def draw_courses(panels: Mapping[str, Evidence], setting: str) -> str:
    """Return the mean distortion along learning as a share of the K-point floor, a panel a study, as a stand-alone SVG.

    Args:
        panels: studies by what stands above them.
        setting: of each study; a Gaussian one.
    """
    return _draw(
        panels,
        lambda axes, evidence: _course(axes, evidence, setting),
        prefix="courses",
        axis="across: steps, on a scale of log(1 + step)",
        up=f"up: distortion as a multiple of the K-point floor, {setting}",
    )


def draw_gaps(panels: Mapping[str, Evidence], settings: str) -> str:
    """Return where learning ends above the K-point floor, in dB, against K, a panel a study, as a stand-alone SVG.

    Args:
        panels: studies by what stands above them.
        settings: how the settings begin that end in K.
    """
    return _draw(
        panels,
        lambda axes, evidence: _gap(axes, evidence, settings),
        prefix="gaps",
        axis="across: codewords K, testbed",
        up=f"up: last distortion above the K-point floor, dB; beyond {_HIGHEST_GAP:g} dB at the edge",
    )


def _draw(panels: Mapping[str, Evidence], into: Callable[[Axes, Evidence], None], *, prefix: str, axis: str, up: str) -> str:
    legend = [*((role, f"{'–' if dash == '-' else '‐ ‐'} {name}") for name, (role, dash) in _SHOWN.items())]
    legend += [("muted", axis), ("muted", up)]
    sheet = Sheet(len(panels), columns=_COLUMNS, height=_HEIGHT, left=17.0, below=11.0, lines=len(legend), breadth=_COLUMNS)
    words: dict[str, str] = {}
    with drawing():
        made = sheet.panels(list(panels), words)
        for axes, evidence in zip(made, panels.values(), strict=True):
            into(axes, evidence)
            axes.tick_params(labelsize=5.2, length=1.5, width=0.5, pad=1.2)
            for spine in axes.spines.values():
                spine.set_linewidth(0.5)
        sheet.legend(made[0], words, legend)
        label = f"{up.removeprefix('up: ')}, for {len(_SHOWN)} starts under {len(panels)} ways to learn."
        return standalone(picture(made[0], prefix=prefix, label=label, words=words))


def _course(axes: Axes, evidence: Evidence, setting: str) -> None:
    floor, last = means_of(evidence)[_FLOOR, setting, "distortion"], 0
    for name, (role, dash) in _SHOWN.items():
        found = [
            one.series[0]
            for stamp, one in evidence.outcomes.items()
            if (stamp.setting, stamp.arm) == (setting, name) and not one.failure
        ]
        if not found:
            continue
        last = max(last, found[0].steps[-1])
        values = np.mean([series.values for series in found], axis=0) / floor
        across = np.log1p(np.array(found[0].steps))
        axes.plot(across, np.minimum(values, _HIGHEST_COURSE), color=colour(role), lw=0.9, ls=dash)
    axes.set_yscale("log")
    axes.set_ylim(1.0, _HIGHEST_COURSE)
    marks = [step for step in (0, 1, 3, 10, 30, 100, 300) if step <= last]
    axes.xaxis.set_major_locator(FixedLocator([math.log1p(step) for step in marks]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.compact(round(math.expm1(value)))))
    _levels(axes, (1.0, 1.5, 2.0, 3.0, 5.0, 10.0))


def _gap(axes: Axes, evidence: Evidence, settings: str) -> None:
    means = means_of(evidence)
    sizes = [int(name.removeprefix(settings)) for name in evidence.design.settings if name.startswith(settings)]
    for name, (role, dash) in _SHOWN.items():
        if (name, f"{settings}{sizes[0]}", "distortion") not in means:
            continue
        values = [
            10
            * math.log10(means[name, f"{settings}{size}", "distortion"] / means[_FLOOR, f"{settings}{size}", "distortion"])
            for size in sizes
        ]
        axes.plot(sizes, np.minimum(values, _HIGHEST_GAP), color=colour(role), lw=0.9, ls=dash, marker="o", ms=1.6, mew=0)
    axes.set_xscale("log")
    axes.set_ylim(0.0, _HIGHEST_GAP)
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    _levels(axes, (0.0, 1.0, 2.0, 3.0, 4.0))


def _levels(axes: Axes, levels: Sequence[float]) -> None:
    axes.yaxis.set_major_locator(FixedLocator(list(levels)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(axis="y", lw=0.4)
