"""The page of the estimator zoo: what is said of an estimator follows from its rows."""

from __future__ import annotations

import re

import numpy as np

from zador.studies.catalogue import ZOO
from zador.studies.pages.estimator_zoo import PAGE
from zador.studies.rows import Outcome, Stamp
from zador.studies.run import Evidence

SHIFTS = {"DiVeQ": -0.2, "projection": 0.3, "two stages": 0.1}
"""Of the error, against all other arms; seeds and arms stray by 0.001."""


def evidence(design):
    rng = np.random.default_rng(0)
    outcomes = {}
    for arm in design.arms:
        for seed in design.seeds[: 1 if arm.limit else None]:
            error = 2.0 + 0.1 * seed + SHIFTS.get(arm.name, 0.0) + 0.001 * rng.standard_normal()
            metrics = dict.fromkeys([metric.name for metric in design.metrics], 1.5 + 0.001 * rng.standard_normal())
            outcomes[Stamp(design.name, arm.setting, arm.name, seed)] = Outcome(metrics | {design.metrics[0].name: error})
    return Evidence(design, outcomes)


def test_sentences_and_tables_follow_from_rows():
    """What is lower is called lower and taken, what is higher worse; the gain on two stages is that of the reference."""
    tables = PAGE.tables({study().name: evidence(study().with_seeds(7)) for study in ZOO})
    for paragraph in tables["answers"].split("\n\n"):
        lower, higher, rest = (
            re.search(rf"{head}[^:]*: (.*?)\. ", paragraph)[1] for head in ("Lower", "Higher", "Not told")
        )
        assert re.sub(r" \(.*?\)", "", lower) == "DiVeQ"
        assert re.sub(r" \(.*?\)", "", higher) == "projection"
        assert "rotation trick" in rest
        assert "Straight-through has gained on two stages (+" in paragraph
    lines = {line.split("|")[1].strip(): line for line in tables["overview"].splitlines()}
    assert lines["straight-through"].count("reference") == 2
    assert lines["DiVeQ"].count("**−") == 2
    assert lines["projection"].count("**+") == 2
    assert all("**DiVeQ**" in line and "projection (" in line for line in tables["choice"].splitlines()[2:])
    assert lines["no gradient"].rstrip(" |") != lines["no gradient"]  # it has no cost
    assert "K-point floor" in tables["levels"]
    assert "Rotation offers no practical benefit over STE" in tables["claims"]
