"""One number a candidate over many situations: how far it usually stays behind the best of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador.studies.pages.choices import choose
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.statistics import aggregate, mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zador.studies.pages.choices import Candidate
    from zador.studies.statistics import Aggregate

__all__ = ["excess", "overall_table"]


def excess(situations: Mapping[str, Sequence[Candidate]], name: str) -> Aggregate | None:
    """Return the interquartile mean, over all runs of all situations, of a candidate's excess over the best of each.

    The excess of a run is `value / centre of the best candidate - 1` for an error: a share, and so comparable between
    situations. Runs are drawn within situations for the interval (stratified bootstrap, 95 %).

    Args:
        situations: the candidates of each; lower is better.
        name: of the candidate.

    Returns:
        None where fewer than two situations have the candidate.
    """
    strata = []
    for offered in situations.values():
        own = next((one for one in offered if one.name == name), None)
        if own is None:
            continue
        centre = min(mean_interval([*one.values.values()], lower_is_better=True).centre for one in offered)
        strata.append(np.array([*own.values.values()]) / centre - 1.0)
    return aggregate(strata) if len(strata) > 1 else None


def overall_table(situations: Mapping[str, Sequence[Candidate]], first: str) -> str:
    """Return a Markdown table: each candidate's usual excess, and in how many situations it is the best or shown as good.

    Args:
        situations: the candidates of each; lower is better.
        first: what the candidates are, the heading of the first column.
    """
    chosen = {situation: choose(offered) for situation, offered in situations.items()}
    lines = []
    for name in dict.fromkeys(one.name for offered in situations.values() for one in offered):
        present = [situation for situation, offered in situations.items() if any(one.name == name for one in offered)]
        good = sum(name == chosen[one].best or name in {each.name for each in chosen[one].alike} for one in present)
        bad = sum(name in {each.name for each in chosen[one].worse} for one in present)
        found = excess(situations, name)
        usual = "–" if found is None else f"{_percent(found.value)} ({_percent(found.low)} … {_percent(found.high)})"
        order = np.inf if found is None else found.value
        counts = (f"{good} of {len(present)}", f"{bad} of {len(present)}")
        failures = "–" if found is None else f"{found.failures} of {found.runs}"
        lines.append((order, [escaped(name), usual, *counts, failures]))
    headings = [first, "usual excess over the best (95 %)", "best or as good", "shown to be worse", "runs failed"]
    return pipe_table(headings, [cells for _, cells in sorted(lines, key=lambda line: line[0])])


def _percent(share: float) -> str:
    return "fails" if np.isinf(share) else f"{100 * share:.1f} %" if abs(share) < 1 else f"{100 * share:.0f} %"
