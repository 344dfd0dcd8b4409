"""One number over many situations: shares of the best, failed runs counted, intervals that hold the number."""

from __future__ import annotations

import numpy as np
import pytest

from zador.studies.pages.choices import Candidate
from zador.studies.pages.overall import excess, overall_table


def made(name: str, mean: float) -> Candidate:
    """Return 20 runs around a mean, with a noise of 1 %."""
    noise = np.random.default_rng(len(name)).normal(size=20)
    return Candidate(name, dict(enumerate((mean * (1 + 0.01 * (noise - noise.mean()))).tolist())))


SITUATIONS = {
    "here": [made("good", 2.0), made("plain", 2.2)],
    "there": [made("good", 300.0), made("plain", 330.0), made("rare", 310.0)],
}


def test_the_excess_is_a_share_whatever_the_unit():
    """Ten per cent in both situations is ten per cent over all, and the interval holds it."""
    found = excess(SITUATIONS, "plain")
    assert found.value == pytest.approx(0.1, abs=0.003)
    assert found.low < found.value < found.high
    assert excess(SITUATIONS, "good").value == pytest.approx(0.0, abs=0.003)
    assert excess(SITUATIONS, "rare") is None


def test_the_table_counts_situations_and_failures():
    """The best comes first; runs that failed are counted, and pull the number up."""
    failing = Candidate("breaks", {seed: float("nan") if seed < 10 else 2.0 for seed in range(20)})
    table = overall_table({name: [*offered, failing] for name, offered in SITUATIONS.items()}, "method").splitlines()
    assert table[2].startswith("| good |")
    assert "2 of 2" in table[2]
    assert next(line for line in table if "| breaks |" in line).endswith("| 20 of 40 |")
    assert "| rare | – | 0 of 1 | 1 of 1 | – |" in table
