"""The pictures of the study of the plane, in the order in which they are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.catalogue.planar.training import Run
from zador.studies.design import Picture
from zador.studies.plane.boundary_fields import draw_boundary, rules_of
from zador.studies.plane.course import courses
from zador.studies.plane.motion import draw_motion
from zador.studies.plane.stills import draw_cells, draw_ways

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.plane.course import Course
    from zador.studies.run import Evidence

__all__ = ["album"]

_MOVING = ("straight-through", "projection", "rotation trick", "DiVeQ")


def album(evidence: Evidence) -> tuple[Picture, ...]:
    """Return what moves, then cells, ways, and fields at a boundary, of the first seed under the first setting.

    Args:
        evidence: the study of the plane, in its full form or in a short one.
    """
    design = evidence.design
    setting, seed = design.settings[0], design.seeds[0]
    found = courses(evidence, setting, seed)
    moving = {name: course for name, course in found.items() if name in _MOVING}
    of = f"{setting.capitalize()}, seed {seed}"
    return (
        _motion(moving, of),
        Picture(
            "Voronoi cells at the end",
            draw_cells(found, label=f"Voronoi cells, encodings and codewords of {len(found)} arms at the end."),
            f"{of}. A cell holds the encodings that its codeword stands for. Lloyd's algorithm encodes by the identity: "
            "where encodings are larger than there, or turned, the encoder did not come back to it.",
        ),
        Picture(
            "Ways of the codewords",
            draw_ways(found, label=f"The way of each codeword of {len(found)} arms, over the cells at the end."),
            f"{of}, at 25 steps of each run, closer to each other at its start. Lloyd's algorithm starts at the vectors "
            "themselves, the others at their encodings.",
        ),
        _boundary(evidence, of),
    )


def _motion(moving: Mapping[str, Course], of: str) -> Picture:
    return Picture(
        "Codewords and cells along training",
        draw_motion(moving, prefix="motion", label=f"Codewords, cells and encodings of {len(moving)} arms along training."),
        f"{of}. Encodings turn and grow as the encoder goes to the identity, and codewords follow. Three rounds, then the "
        "end, which is also what is printed, and shown to those who asked for less motion; a pointer on it holds it.",
    )


def _boundary(evidence: Evidence, of: str) -> Picture:
    design = evidence.design
    setting, seed = design.settings[0], design.seeds[0]
    start = next(arm.work for arm in design.under(setting) if isinstance(arm.work, Run)).plane.start(seed)
    label = "Gradient fields of estimators around one Voronoi boundary, beside the true gradient."
    return Picture(
        "Gradients at a boundary",
        draw_boundary(start, rules_of(design, setting), seed, prefix="boundary", label=label),
        f"{of}, before the first step. Needles point downhill from their wide end. The true gradient, under noise of a "
        "quarter of the codewords' spacing, crosses the boundary and is continuous; what looks at one codeword alone jumps.",
    )
