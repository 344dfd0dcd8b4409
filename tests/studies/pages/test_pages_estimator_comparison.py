"""The page on protocol B, from rows that are known: counts, splits, protocols, pictures, and a place for everything."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations_with_replacement
from pathlib import Path
from statistics import pstdev

import numpy as np
import pytest

from zador.studies.catalogue import COMPARISON
from zador.studies.claims import Status, all_claims
from zador.studies.claims.prediction import parts_of
from zador.studies.pages.estimator_comparison import (
    PAGE,
    answer,
    differences,
    distribution,
    excess,
    found_or_not,
    survival,
    under,
)
from zador.studies.pages.page import filled
from zador.studies.rows import Outcome, Stamp
from zador.studies.run import Evidence

DOCS = Path(__file__).parents[3] / "docs"
ARMS = ("straight-through", "straight-through, other batches", "projection", "rotation trick")


def outcome(arm, setting, seed):
    """Return numbers in which seeds 1 and 2 have found the subspace, and the original protocol counts dead codes for it."""
    found, number = seed <= 2, sum(map(ord, arm + setting)) % 7 / 1000
    dead = 17.0 if found and setting.endswith("original") and arm != "PCA + Lloyd, converged" else 0.0
    error = {"PCA + Lloyd, converged": 2.0, "projection": 2.2}.get(arm, 2.1)
    metrics = dict.fromkeys(["entropy", "in-subspace", "effective bits", "Lloyd residual", "row flips", "diverged"], number)
    angles = {"principal angle": 0.5 if found else 1.55, "dead on training": float(seed == 3)}
    return Outcome({"dead codes": dead, "reconstruction": error + seed / 1e6, **angles, **metrics})


@pytest.fixture(scope="module")
def found():
    """Five seeds of every arm of the three studies."""
    designs = [study().with_seeds(5) for study in COMPARISON]
    return {
        design.name: Evidence(
            design,
            {
                Stamp(design.name, arm.setting, arm.name, seed): outcome(arm.name, arm.setting, seed)
                for arm in design.arms
                for seed in (design.seeds[:1] if arm.limit else design.seeds)
            },
        )
        for design in designs
    }


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_everything_has_its_place_and_pictures_are_pictures(found):
    """Tables fill the page that is committed, twice alike; pictures are well formed and the page shows each."""
    page = (DOCS / "estimator-comparison.md").read_text(encoding="utf-8")
    tables = PAGE.tables(found)
    assert filled(filled(page, tables), tables) == filled(page, tables)
    pictures = PAGE.pictures(found)
    for name, svg in pictures.items():
        assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - ours
        assert f"(estimator-comparison/{name})" in page


def test_a_claim_under_another_protocol_is_the_same_prediction_there(found):
    """Settings change their protocol and nothing else does; every one of them is run, or the verdict says that it is not."""
    claims = [claim for claim in all_claims() if claim.protocol in found]
    assert len(claims) >= 20
    for claim in claims:
        there = under(claim, "sound")
        assert there.controls == ()
        for before, after in zip(parts_of(claim.prediction), parts_of(there.prediction), strict=True):
            assert after.setting == re.sub("original|corrected", "sound", before.setting)
            assert (type(after), after.arm) == (type(before), before.arm)
    lines = survival(*found.values()).splitlines()[2:]
    assert len(lines) == len(claims)
    assert all(status in {*Status} for line in lines for status in (cell.split(" ", 1)[1] for cell in cells(line)[1:]))


def test_runs_are_split_by_what_they_found(found):
    """Eight of twenty runs came nearer: 17 dead codes where they were judged elsewhere, none on the vectors they learned."""
    lines = found_or_not(found["estimator-comparison"], ["K = 32, original", "K = 32, sound"], ARMS).splitlines()[2:]
    assert cells(lines[0]) == ["K = 32, original", "8 of 20", "17.0", "0.0", "12 of 20", "0.0", "0.3"]
    assert cells(lines[1]) == ["K = 32, sound", "8 of 20", "0.0", "0.0", "12 of 20", "0.0", "0.3"]


def test_quartiles_are_values_that_runs_had(found):
    """Two of four runs have none, the others 17: the median is 0, which a run had, and not 8.5, which none had."""
    sizes = found["estimator-comparison"]
    four = Evidence(sizes.design.with_seeds(4), {at: ran for at, ran in sizes.outcomes.items() if at.seed <= 4})
    line = distribution(four, "dead codes", ["K = 64, original"], ["projection"]).splitlines()[2]
    assert cells(line)[2:] == ["2 of 4", "0", "0", "0", "17", "17"]


def test_nothing_resolved_is_said_of_equal_arms(found):
    """Arms with equal counts: 0 of 5 for each, under each protocol."""
    said = answer(found["estimator-comparison"]).splitlines()
    assert len(said) == 3
    assert all(line.count("0 of 5 (mean differences +0.00 to +0.00)") == 3 for line in said)


def test_differences_are_those_of_pairs(found):
    """Equal counts differ by 0.00 in every pair, a line a setting; nothing is bold."""
    table = differences(found["estimator-comparison"], ARMS[1:])
    assert len(table.splitlines()) == 2 + 15
    assert all(cells(line)[1:] == ["0.00 (0.00 to 0.00)"] * 3 for line in table.splitlines()[2:])


def test_the_excess_over_k_means_is_a_share_of_it(found):
    """2.2 against 2.0 is 10 % more, with the same seeds to rounding of the table."""
    line = excess(found["estimator-comparison"], "reconstruction", ["K = 8, sound"], ["projection"]).splitlines()[2]
    ends = [float(text) for text in re.findall(r"\+([\d.]+)\s%", cells(line)[2])]
    np.testing.assert_allclose(ends, 10.0, atol=0.05)


@pytest.mark.parametrize(
    ("most", "printed", "runs"),
    [(32, ("5.7", "8.0"), (0, 0, 17)), (64, ("3.0", "4.2"), (0, 0, 9)), (16, ("3.7", "5.2"), (0, 0, 11))],
)
def test_what_three_runs_print_has_one_reading(most, printed, runs):
    """Of all triples of whole numbers of dead codes one has the printed mean and standard deviation, as the page says."""
    likely = (one for one in combinations_with_replacement(range(most), 3) if f"{sum(one) / 3:.1f}" == printed[0])
    assert [one for one in likely if f"{pstdev(one):.1f}" == printed[1]] == [runs]
