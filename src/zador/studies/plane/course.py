"""Where one run went, to be drawn: run again, as a table of results holds its measures and not its way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zador.search import nearest
from zador.studies.catalogue.planar.lloyd import FromStart
from zador.studies.catalogue.planar.training import Run
from zador.studies.one_thread import one_thread
from zador.studies.plane.canvas import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from zador.studies.catalogue.planar.training import Trace
    from zador.studies.run import Evidence

__all__ = ["Course", "courses", "window_of"]

_SHOWN = 250
"""Encodings that are drawn of each arm."""
_LEAST, _AIR = 0.01, 1.08


@dataclass(frozen=True, eq=False)
class Course:
    """What is drawn of one arm.

    Attributes:
        trace: where encoder and codewords went.
        vectors: (M, 2) to judge on; the first are drawn.
    """

    trace: Trace
    vectors: NDArray[np.float64]

    def encodings(self, place: int = -1) -> NDArray[np.float64]:
        """Return the encodings (M', 2) that are drawn, at one place of the trace; by default at its end."""
        return np.asarray(self.vectors[:_SHOWN] @ self.trace.encoder[place].T)

    @property
    def dead(self) -> NDArray[np.bool_]:
        """(K,) codewords that no vector uses at the end."""
        last = np.ascontiguousarray(self.trace.codewords[-1])
        used = nearest(np.ascontiguousarray(self.vectors @ self.trace.encoder[-1].T), last).indices
        return np.asarray(np.bincount(used, minlength=len(last)) == 0)


def courses(evidence: Evidence, setting: str, seed: int) -> dict[str, Course]:
    """Return the courses of a setting's arms that go anywhere, in table order.

    The same seed gives the same bits, so that what is drawn is what was measured. Cells keep no ways: a report draws every
    series that it finds, and this would be thirty more in each cell, for a seed of which one is ever shown.

    Args:
        evidence: the study.
        setting: which vectors.
        seed: which run.
    """
    works = {arm.name: arm.work for arm in evidence.design.under(setting)}
    return {name: _course(work, seed) for name, work in works.items() if isinstance(work, Run | FromStart)}


def window_of(found: Mapping[str, Course]) -> Window:
    """Return the least square, with some air, that holds all ways, and all but a few of the encodings at the end."""
    ways = np.concatenate([course.trace.codewords.reshape(-1, 2) for course in found.values()])
    spread = [np.quantile(course.encodings(), (_LEAST, 1.0 - _LEAST), axis=0) for course in found.values()]
    every = np.concatenate([ways, *spread])
    low, high = every.min(axis=0), every.max(axis=0)
    across, up = (0.5 * (low + high)).tolist()
    return Window((across, up), _AIR * 0.5 * float((high - low).max()))


@lru_cache(maxsize=32)
def _course(work: Run | FromStart, seed: int) -> Course:
    with one_thread():  # as it was measured; and steps this small wait for threads longer than they take
        (trace,) = work.traces((seed,))
    return Course(trace, work.plane.start(seed).evaluation)
