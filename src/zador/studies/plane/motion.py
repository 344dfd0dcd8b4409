"""Training as a picture that moves: one frame a place of the trace, of which style sheets show one at a time.

Without them, on paper, and for those who asked their system for less motion, the last frame is what is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador.studies.plane.canvas import ROUND, Panel, document, legend, number, outlined, rounded, text
from zador.studies.plane.course import window_of
from zador.studies.plane.stills import way

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zador.studies.plane.canvas import Window
    from zador.studies.plane.course import Course

__all__ = ["draw_motion"]

_MOVING, _RESTING, _ROUNDS = 6.0, 3.0, 3
"""Seconds on the way and at its end, and how often; then it stays at the end."""
_FOOT = 26.0
_SHOWN, _DOT = 150, 0.013
"""Vectors that move, and the width of their dots as a share of a panel."""


def draw_motion(found: Mapping[str, Course], *, prefix: str, label: str) -> str:
    """Return cells, encodings and codewords moving as training goes on, a panel an arm, as one `<svg>` for a page.

    Args:
        found: by name; all with places after the same steps.
        prefix: of its classes, unique where several pictures share a page.
        label: what it shows, for those who do not see it.
    """
    (steps,) = {course.trace.steps for course in found.values()}
    window = window_of(found)
    panels, height = Panel.sheet(len(found), min(len(found), 4), window)
    pairs = list(zip(panels, found.values(), strict=True))
    body = [panel.named(name) for panel, name in zip(panels, found, strict=True)]
    body += [_data(found, window, prefix), *(_ways(panel, course) for panel, course in pairs)]
    body += list(_frames(pairs, steps, prefix, height))
    words = [
        ("muted", "encodings z = W x"),
        ("series-0", "codewords"),
        ("line", "cells"),
        ("series-1", "the whole way of each codeword, in a colour of its own"),
    ]
    body += legend(words, height + 12.0)
    return document(height + _FOOT, label, [_style(len(steps), prefix), *body])


def _ways(panel: Panel, course: Course) -> str:
    ways = (way(panel, course, place) for place in range(course.trace.codewords.shape[1]))
    return f'<g opacity=".45">{"".join(ways)}</g>'


def _frames(pairs: list[tuple[Panel, Course]], steps: tuple[int, ...], prefix: str, height: float) -> Iterator[str]:
    for place, step in enumerate(steps):
        hidden = "" if step == steps[-1] else ' visibility="hidden"'
        drawn = "".join(_frame(panel, course, place, prefix) for panel, course in pairs)
        said = text(3.0, height + 7.5, f"after {step:,} of {steps[-1]:,} steps", weight=600)
        yield f'<g class="{prefix} {prefix}-{place}"{hidden}>{drawn}{said}</g>'


def _frame(panel: Panel, course: Course, place: int, prefix: str) -> str:
    codewords = course.trace.codewords[place]
    return (
        f'<use href="#{prefix}-data" transform="{panel.mapping(course.trace.encoder[place])}"/>'
        + outlined(panel.cells(codewords), "line", 0.7)
        + rounded(panel.dots(codewords), "series-0", 4.0)
    )


def _data(found: Mapping[str, Course], window: Window, prefix: str) -> str:
    """Return vectors x once, in units of the plane: each frame shows them through its encoder, W x.

    Only those whose encodings stay inside the panels are shown.
    """
    vectors = next(iter(found.values())).vectors[:_SHOWN]
    inside = [window.holds(vectors @ matrix.T) for course in found.values() for matrix in course.trace.encoder]
    dots = "".join(f"M{across:.2f} {up:.2f}h0" for across, up in vectors[np.all(inside, axis=0)].tolist())
    width = _DOT * 2.0 * window.reach
    return (
        f'<defs><path id="{prefix}-data" d="{dots}" fill="none" stroke="var(--muted)" stroke-width="{width:.2f}" '
        f'{ROUND} opacity=".5"/></defs>'
    )


def _style(frames: int, prefix: str) -> str:
    """Return the rules that show one frame after the other, where motion is wanted; held while a pointer is on it."""
    whole = _MOVING + _RESTING
    share = 100.0 * _MOVING / whole / (frames - 1)
    timing = f"{number(whole)}s step-end {_ROUNDS}"
    rules = [
        f".{prefix}{{visibility:hidden}}.{prefix}-{frames - 1}{{visibility:visible}}",
        f"svg:hover>.{prefix}{{animation-play-state:paused}}",
    ]
    for place in range(frames):
        start, end = f"{place * share:.2f}%", f"{(place + 1) * share:.2f}%"
        shown = f"{start}{{visibility:visible}}" + (f"{end}{{visibility:hidden}}" if place < frames - 1 else "")
        before = "0%{visibility:hidden}" if place else ""
        after = "100%{visibility:hidden}" if place < frames - 1 else "100%{visibility:visible}"
        rules.append(
            f".{prefix}-{place}{{animation:{prefix}-{place} {timing}}}@keyframes {prefix}-{place}{{{before}{shown}{after}}}"
        )
    return f"<style>@media screen and (prefers-reduced-motion:no-preference){{{''.join(rules)}}}</style>"
