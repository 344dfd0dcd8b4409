"""The page on scale: 512 codewords in 512 dimensions, and the law of distortion against the codebook's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from zador.studies.atlas.sheet import Sheet
from zador.studies.atlas.standalone import standalone
from zador.studies.averages import means_of
from zador.studies.catalogue import SCALE
from zador.studies.catalogue.distortion_law import METHOD
from zador.studies.catalogue.growth.curve import exponent
from zador.studies.catalogue.growth.laws import Predicted
from zador.studies.page.svg import colour, drawing, picture
from zador.studies.pages.outcome import outcome
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_of, claims_table, means_table, relative_table
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.report.results import measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from zador.studies.run import Evidence

__all__ = ["PAGE", "draw_law", "exponents", "law"]

_SMALL = 1e-2
"""Below it numbers are written with a power of ten."""

_LINES = {
    "Zador's asymptote": ("muted", (0, (4, 2))),
    "Shannon D(R)": ("line", "-"),
    "K-point floor": ("bound", "-"),
}


def law(evidence: Evidence) -> str:
    """Return the measured exponents in sentences, each with its interval over seeds, beside 2/d."""
    samples, sentences = measure(evidence).samples, []
    for setting, dim in _dims(evidence).items():
        average = samples[setting, METHOD, "exponent"].average
        if average is None:
            continue
        halves = [samples[setting, METHOD, f"exponent, {half} half"].centre for half in ("lower", "upper")]
        trend = "rises" if halves[1] > halves[0] else "falls"
        sentences.append(
            f"**{escaped(setting)}:** {average.centre:.4f} (95 % {average.low:.4f} to {average.high:.4f}, "
            f"{average.n} seeds) beside 2/d = {2 / dim:g}; it {trend} from {halves[0]:.3f} over the smaller half of "
            f"the sizes to {halves[1]:.3f} over the larger."
        )
    return "\n".join(f"* {sentence}" for sentence in sentences)


def exponents(evidence: Evidence) -> str:
    """Return a Markdown table: what is measured, and the exponents of the laws over the same sizes."""
    means, settings = means_of(evidence), evidence.design.settings
    lines = []
    for arm in dict.fromkeys(arm.name for arm in evidence.design.arms):
        cells = [means.get((arm, setting, "exponent")) for setting in settings]
        lines.append([escaped(arm), *("" if cell is None else f"{cell:.3f}" for cell in cells)])
    return pipe_table(["−d log D / d log K", *settings], lines)


def draw_law(evidence: Evidence) -> str:
    """Return the curves of distortion against K, a panel for each source, as a stand-alone SVG."""
    settings = list(evidence.design.settings)
    legend = [
        ("series-0", "● measured, mean over seeds; line: fitted power of K"),
        ("muted", "‐ ‐ Zador’s asymptote"),
        ("bound", "– floor under K points"),
        ("muted", "– pale: Shannon’s D(R)"),
        ("muted", "across: K; up: share of the variance; both logarithmic"),
    ]
    sheet = Sheet(len(settings), columns=3, height=88.0, left=26.0, below=14.0, lines=len(legend))
    words: dict[str, str] = {}
    with drawing():
        panels = sheet.panels(settings, words)
        for axes, setting in zip(panels, settings, strict=True):
            _panel(axes, evidence, setting)
        sheet.legend(panels[0], words, legend)
        label = f"Distortion against the number of codewords for {len(settings)} sources, with fitted powers and limits."
        return standalone(picture(panels[0], prefix="law", label=label, words=words))


def _panel(axes: Axes, evidence: Evidence, setting: str) -> None:
    curves = _curves(evidence, setting)
    whole = _variance(evidence, setting)
    sizes, measured = curves[METHOD]
    power = exponent(sizes.astype(int).tolist(), measured)
    middle = np.exp(np.mean(np.log(sizes))), np.exp(np.mean(np.log(measured)))
    axes.set_xscale("log")
    axes.set_yscale("log")
    for name, (role, dash) in _LINES.items():
        if name in curves:
            axes.plot(sizes, curves[name][1] / whole, color=colour(role), lw=1.1, ls=dash)
    axes.plot(sizes, middle[1] * (sizes / middle[0]) ** -power / whole, color=colour("series-0"), lw=0.9)
    axes.plot(sizes, measured / whole, color=colour("series-0"), lw=0, marker="o", ms=2.4, mew=0)
    values = np.concatenate([curve / whole for _, curve in curves.values()])
    axes.set_ylim(values.min() / 1.2, values.max() * 1.2)
    axes.xaxis.set_major_locator(FixedLocator([sizes[0], sizes[-1]]))
    axes.yaxis.set_major_locator(FixedLocator([values.min(), values.max()]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(_short))
    axes.tick_params(labelsize=5.6, length=1.5, width=0.5, pad=1.2)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)


def _short(value: float, _place: int | None = None) -> str:
    """Return a whole number as it is, another with two decimals or, where that would be too few, two figures.

    >>> _short(512.0), _short(0.48), _short(0.0039)
    ('512', '0.48', '3.9e−3')
    """
    if value >= 1 and value == round(value):
        return f"{value:.0f}"
    figures = f"{value:.1e}"
    return f"{value:.2f}" if value >= _SMALL else f"{float(figures[:3]):g}e−{-int(figures[4:])}"


def _curves(evidence: Evidence, setting: str) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return sizes and mean distortions by arm."""
    found: dict[str, list[tuple[float, ...]]] = {}
    sizes: tuple[int, ...] = ()
    for stamp, one in evidence.outcomes.items():
        if stamp.setting == setting and one.series:
            sizes = one.series[0].steps
            found.setdefault(stamp.arm, []).append(one.series[0].values)
    return {arm: (np.array(sizes, float), np.mean(values, axis=0)) for arm, values in found.items()}


def _laws(evidence: Evidence) -> dict[str, Predicted]:
    return {arm.setting: arm.work for arm in evidence.design.arms if isinstance(arm.work, Predicted)}


def _dims(evidence: Evidence) -> dict[str, int]:
    return {setting: len(work.curve.variances) for setting, work in _laws(evidence).items()}


def _variance(evidence: Evidence, setting: str) -> float:
    curve = _laws(evidence)[setting].curve
    return sum(curve.variances) + curve.dropped


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    scale, falls = found["scale"], found["distortion-law"]
    return {
        "answer": outcome(scale),
        "scale": _all_metrics(scale),
        "against Lloyd": relative_table(scale, scale.design.metrics[0]),
        "law": law(falls),
        "exponents": exponents(falls),
        "gains": means_table(falls, next(metric for metric in falls.design.metrics if metric.name == "gain 8 to 16")),
        "later gains": means_table(falls, next(metric for metric in falls.design.metrics if metric.name == "gain 32 to 64")),
        "claims": claims_table(claims_of(scale, falls)),
    }


def _all_metrics(evidence: Evidence) -> str:
    """Return a Markdown table of one setting: an arm a line, its metrics side by side, means over seeds."""
    means, metrics = means_of(evidence), evidence.design.metrics
    lines = []
    for arm in evidence.design.arms:
        cells = [means.get((arm.name, "", metric.name)) for metric in metrics]
        shown = (
            "" if cell is None or np.isnan(cell) else f"{cell:.{metric.decimals}f}"
            for cell, metric in zip(cells, metrics, strict=True)
        )
        lines.append([escaped(arm.name), *shown])
    return pipe_table(["", *(metric.heading for metric in metrics)], lines)


PAGE = Page("scale", SCALE, _tables, lambda found: {"law.svg": draw_law(found["distortion-law"])})
