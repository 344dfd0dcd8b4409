"""What a study does: arms under settings, with seeds, as a frozen configuration that says everything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from zador.studies.rows import Outcome
    from zador.studies.run import Evidence

__all__ = ["Arm", "Design", "Metric", "Picture", "Quoted", "Work", "no_pictures"]


@runtime_checkable
class Work(Protocol):
    """What is done for one arm under one setting: a frozen dataclass whose fields are the whole configuration."""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return one outcome a seed, in order.

        The outcome of a seed is the same to the last bit whichever other seeds it is computed beside.
        """

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of the data that `seed` stands for, so that results on other data are not taken for these."""


@dataclass(frozen=True)
class Arm:
    """One thing that is tried, under one setting.

    Attributes:
        name: as tables call it, e.g. "autograd STE"; the same name under every setting.
        work: what is done.
        setting: level of the study's factor, e.g. "K = 32"; empty where there is none.
        limit: whether this is what theory says: it depends on no seed, and is computed once, as if its seed were the first.
    """

    name: str
    work: Work
    setting: str = ""
    limit: bool = False


@dataclass(frozen=True)
class Metric:
    """What is measured.

    Attributes:
        name: as rows call it.
        heading: as tables call it, with the unit.
        meaning: one sentence.
        decimals: in tables.
        lower_is_better: which way is good; None where neither is.
    """

    name: str
    heading: str
    meaning: str
    decimals: int = 4
    lower_is_better: bool | None = True


@dataclass(frozen=True)
class Quoted:
    """A number that a report printed, to stand beside ours.

    Attributes:
        arm: under which name the study has it.
        metric: which.
        value: as printed, in the metric's unit.
        seed: of the run that it came from.
        setting: of the study's factor.
        source: file and section.
        tolerance: half a unit of the last printed digit: a number of ours within it would have been printed the same.
        also: further seeds, where the mean of several runs was printed.
    """

    arm: str
    metric: str
    value: float
    seed: int
    setting: str = ""
    source: str = ""
    tolerance: float = 0.0
    also: tuple[int, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds that the number is of."""
        return (self.seed, *self.also)


@dataclass(frozen=True)
class Picture:
    """What a study draws beside the tables and curves that every report has.

    Attributes:
        title: what is drawn, in a few words.
        svg: one `<svg class="plot" role="img" aria-label="…">` element in the colours of `zador.studies.page.svg`, all text
            in it escaped, every id and class of its own unique in the page.
        caption: what to see, in a sentence or two.
    """

    title: str
    svg: str
    caption: str


def no_pictures(_evidence: Evidence, /) -> tuple[Picture, ...]:
    """Return nothing: tables and curves say it all."""
    return ()


@dataclass(frozen=True)
class Design:
    """A study.

    Attributes:
        name: as the command line calls it.
        title: the question in a few words.
        question: what is asked, and what would count as an answer, in a few sentences.
        factor: what the settings are levels of, e.g. "codebook size"; empty for a single setting.
        arms: everything that is run, in table order, grouped by setting.
        metrics: what is measured, most important first; verdicts between arms rest on the first.
        reference: the arm that others are compared with.
        seeds: of the runs.
        quoted: what the reports printed.
        notes: what a reader has to know to read the tables rightly.
        short: whether this is a short form of the study, on which no claim is judged.
        pictures: what the report shows beside tables and curves, a function of a module; the same evidence, the same text.
    """

    name: str
    title: str
    question: str
    arms: tuple[Arm, ...]
    metrics: tuple[Metric, ...]
    reference: str
    factor: str = ""
    seeds: tuple[int, ...] = (42,)
    quoted: tuple[Quoted, ...] = ()
    notes: tuple[str, ...] = ()
    short: bool = False
    pictures: Callable[[Evidence], tuple[Picture, ...]] = no_pictures

    @property
    def settings(self) -> tuple[str, ...]:
        """Levels of the factor, in table order."""
        return tuple(dict.fromkeys(arm.setting for arm in self.arms))

    def under(self, setting: str) -> Iterator[Arm]:
        """Yield the arms under one setting, in table order."""
        return (arm for arm in self.arms if arm.setting == setting)

    def with_seeds(self, count: int) -> Self:
        """Return the same study with `count` seeds, from the first one on: what was run with fewer stays of use."""
        return replace(self, seeds=tuple(range(self.seeds[0], self.seeds[0] + count)))
