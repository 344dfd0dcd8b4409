"""Stills of one seed: Voronoi cells with encodings and codewords at the end, and the ways that codewords went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.page.svg import SERIES
from zador.studies.plane.canvas import Panel, document, legend, number, outlined, rounded
from zador.studies.plane.course import window_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zador.studies.plane.course import Course

__all__ = ["draw_cells", "draw_ways", "final", "way"]

_COLUMNS = 4
_LEGEND = 14.0


def draw_cells(found: Mapping[str, Course], *, label: str) -> str:
    """Return cells, encodings and codewords at the end of every arm, a panel each, as one `<svg>` for a page.

    Args:
        found: by name.
        label: what it shows, for those who do not see it.
    """
    panels, height = Panel.sheet(len(found), _COLUMNS, window_of(found))
    body = [
        part for panel, (name, course) in zip(panels, found.items(), strict=True) for part in _cells(panel, name, course)
    ]
    words = [("muted", "encodings z = W x"), ("series-0", "codewords"), ("warn", "dead codewords")]
    return document(height + _LEGEND, label, [*body, *legend(words, height)])


def draw_ways(found: Mapping[str, Course], *, label: str) -> str:
    """Return the way of each codeword over the cells at the end, a panel an arm, as one `<svg>` for a page.

    Args:
        found: by name.
        label: what it shows, for those who do not see it.
    """
    panels, height = Panel.sheet(len(found), _COLUMNS, window_of(found))
    body = []
    for panel, (name, course) in zip(panels, found.items(), strict=True):
        body += [panel.named(name), outlined(panel.cells(course.trace.codewords[-1]), "line", 0.5)]
        body += [way(panel, course, place) for place in range(course.trace.codewords.shape[1])]
    words = [("ink", "dots: where codewords end; each way in a colour of its own, from its ring")]
    return document(height + _LEGEND, label, [*body, *legend(words, height)])


def final(panel: Panel, course: Course) -> str:
    """Return cells, encodings and codewords at the end of a course."""
    last, dead = course.trace.codewords[-1], course.dead
    parts = [
        rounded(panel.dots(course.encodings()), "muted", 1.2, 0.45),
        outlined(panel.cells(last), "line", 0.7),
        rounded(panel.dots(last[~dead]), "series-0", 4.0),
    ]
    return "".join([*parts, rounded(panel.dots(last[dead]), "warn", 4.0)] if dead.any() else parts)


def way(panel: Panel, course: Course, place: int) -> str:
    """Return the way of one codeword: a ring where it began, a dot where it ended."""
    points, role = course.trace.codewords[:, place], f"series-{place % SERIES}"
    across, down = panel.at(points[0]).tolist()
    return (
        f'<circle cx="{number(across)}" cy="{number(down)}" r="1.6" fill="none" stroke="var(--{role})" stroke-width=".6"/>'
        f"{outlined(f'M{panel.line(points)}', role, 0.9)}{rounded(panel.dots(points[-1:]), role, 3.6)}"
    )


def _cells(panel: Panel, name: str, course: Course) -> Iterator[str]:
    yield panel.named(name)
    yield final(panel, course)
