"""The verdict: which sentence follows from which numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from studies.comparison.report_cases import arm, coded, gaussian, streams
from zador.studies.comparison.report import verdict
from zador.studies.comparison.report.judgement import RESOLVED_AT, gap_error, judge
from zador.studies.page import wording


def judged(*arms):
    """The judgements on these arms."""
    return judge(dataclasses.replace(gaussian(), arms=arms, exhibits=()))


@pytest.mark.parametrize(("rival", "resolved"), [(10.42, False), (10.43, True)])
def test_a_lead_is_resolved_beyond_three_standard_errors_of_the_difference(rival, resolved):
    """With a standard error of √2 · 0.1 the difference has to exceed 0.424."""
    judgement = judged(arm("a", distortion=10.0), arm("b", distortion=rival))[0]
    assert judgement.best.name == "a"
    assert judgement.resolved is resolved


def test_a_lead_without_noise_is_resolved_and_a_tie_is_not():
    """Standard errors of zero make any difference count, and equality none."""
    assert judged(arm("a", se=0.0), arm("b", distortion=10.01, se=0.0))[0].resolved
    assert not judged(arm("a", se=0.0), arm("b", se=0.0))[0].resolved


def test_with_unknown_noise_nothing_is_resolved():
    """A single held-out vector has no standard error: no lead counts, however large, and no number is made up."""
    judgement = judged(arm("a", se=np.nan), arm("b", distortion=90.0, se=np.nan))[0]
    assert not judgement.resolved
    assert "b (9.0 times the error, –\N{NO-BREAK SPACE}s.e.)" in verdict.lead(judgement)


def test_a_noisy_third_arm_can_be_tied_where_the_second_is_not():
    """Every rival is compared with the best on its own noise."""
    judgement = judged(arm("a", se=0.0), arm("b", distortion=10.1, se=0.01), arm("c", distortion=10.5, se=1.0))[0]
    assert [tied.name for tied in judgement.tied] == ["c"]


@pytest.mark.parametrize(
    ("arms", "sentence"),
    [
        ([arm("a"), arm("b", distortion=12)], "a is the best quantizer at 4 bits."),
        (
            [arm("a"), arm("b", distortion=12), arm("a", 6.0), arm("b", 6.0, 12)],
            "a is the best quantizer at 4 and 6 bits.",
        ),
        (
            [arm("a"), arm("b", distortion=12), arm("a", 6.0, 12), arm("b", 6.0)],
            "The best quantizer depends on the rate: a at 4 bits and b at 6 bits.",
        ),
        (
            [arm("a"), arm("b", distortion=10.01)],
            "a has the lowest error at 4 bits; its lead over the next best is within the noise.",
        ),
        (
            [arm("a"), arm("b", distortion=10.01), arm("a", 6.0, 10.01), arm("b", 6.0)],
            "a at 4 bits and b at 6 bits have the lowest error; their lead over the next best is within the noise.",
        ),
        (
            [arm("a"), arm("b", distortion=12), arm("a", 6.0, 10.01), arm("b", 6.0)],
            "Best: a at 4 bits. At 6 bits the lead is not resolved.",
        ),
        (
            [arm("a")],
            "Only a was compared, so there is no choice to make; how far it is from the bound stands below.",
        ),
    ],
)
def test_the_headline_follows_from_the_numbers(arms, sentence):
    """Each pattern of leaders and noise has its sentence."""
    assert verdict.headline(judged(*arms)).replace("\N{NO-BREAK SPACE}", " ") == sentence


def test_the_advice_names_what_may_be_taken_and_what_not():
    """Arms never resolved from the best are safe, arms always resolved from it are not, the rest goes unnamed."""
    said = verdict.advice(
        judged(
            arm("a"), arm("b", distortion=10.01), arm("c", distortion=12), arm("d", distortion=10.1),
            arm("a", 6.0), arm("b", 6.0, 10.01), arm("c", 6.0, 12), arm("d", 6.0, 12),
        )
    )  # fmt: skip
    assert said == "Not clearly beaten at any rate: a and b. Clearly worse than the best at every rate: c."
    assert verdict.advice(judged(arm("a"), arm("b", distortion=12))) == ""


def spoken(text):
    """With plain spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_where_an_entropy_coder_wins_the_best_without_one_is_named():
    """Coded arms compete at equal entropy; the advice and the card name who wins without a coder, at those rates only."""
    best = [coded("c"), arm("a", distortion=11), streams("s", distortion=12)]
    both = judged(*best, coded("c", 6.0), streams("s", 6.0, distortion=12), arm("a", 8.0), coded("c", 8.0, distortion=12))
    assert spoken(verdict.headline(both)) == "The best quantizer depends on the rate: c at 4 and 6 bits and a at 8 bits."
    assert spoken(verdict.advice(both)) == (
        "Entropy-coded quantizers compete at equal entropy; the lowest error without an entropy coder: "
        "a at 4 bits and s at 6 bits."
    )
    assert verdict.advice(judged(arm("a"), coded("c", distortion=12), arm("b", distortion=13))) == ""
    assert [verdict.without_coder(judgement) for judgement in both[1:]] == [
        "Entropy-coded; the next best needs no entropy coder.",
        "",
    ]


def test_the_gain_by_an_entropy_coder_is_told_where_the_lead_does_not():
    """If the next best is coded as well, or no lead is resolved, the card says how far the best without a coder is."""
    third = judged(coded("c"), coded("d", distortion=11), streams("s", distortion=12))[0]
    assert spoken(verdict.without_coder(third)) == "Entropy-coded. Best without an entropy coder: s (+20 %, 14.1 s.e.)."
    tied = judged(coded("c"), arm("a", distortion=10.1))[0]
    assert spoken(verdict.without_coder(tied)) == "Entropy-coded. Best without an entropy coder: a (+1.0 %, 0.7 s.e.)."
    assert verdict.without_coder(judged(coded("c"), coded("d"))[0]) == "Entropy-coded, as all at this rate."
    assert verdict.without_coder(judged(coded("c"))[0]) == "Entropy-coded."


def test_the_card_says_what_a_file_costs_and_who_is_closer_to_the_bound_there():
    """Real bits of the best, and the arm of the smallest gap at real bits where that is another."""
    best = coded("c", real_bits=4.5, real_gap_db=1.0)
    alone = judged(best, arm("a", distortion=11, real_gap_db=1.0))[0]
    assert spoken(verdict.in_a_file(alone)) == "In a file: 4.50 bits, gap +1.00 dB."
    beaten = judged(best, arm("b, with a comma", distortion=11, real_bits=3.25, real_gap_db=0.9))[0]
    assert spoken(verdict.in_a_file(beaten)) == (
        "In a file: 4.50 bits, gap +1.00 dB; closest to the bound by real bits: “b, with a comma” (3.25 bits, gap +0.90 dB)."
    )
    assert spoken(verdict.in_a_file(judged(arm(real_gap_db=np.inf))[0])) == "In a file: 4.00 bits."


def test_names_with_commas_stand_in_quotes():
    """A list of names can be read, whatever the names are."""
    found = judged(arm("lattice, coded"), arm("b", distortion=10.01), arm("residual, greedy", distortion=12))
    assert verdict.headline(found).startswith("“lattice, coded” has the lowest error")
    assert verdict.advice(found) == (
        "Not clearly beaten: “lattice, coded” and b. Clearly worse than the best: “residual, greedy”."
    )


def test_the_advice_is_about_arms_that_exist_at_every_rate():
    """A table that cannot be had at a high rate is neither safe nor bad at every rate."""
    at_four = [arm("t"), arm("s", distortion=10.01), arm("u", distortion=12)]
    advice = verdict.advice(judged(*at_four, arm("s", 64.0), streams("v", 64.0, distortion=12)))
    assert advice == "Not clearly beaten at any rate: s."


def test_the_resolution_allows_for_as_many_rivals_as_it_says():
    """Twice the tail beyond three standard errors, for 18 rivals, is 5 % at most."""
    assert 2 * norm.sf(RESOLVED_AT) * 18 <= 0.05


def test_the_distance_says_above_below_or_neither():
    """More and less error is given in percent of the bound; within the noise it is neither."""
    assert verdict.distance(arm(distortion=9.9)) == "above the Gaussian D(R): 10\N{NO-BREAK SPACE}% more error"
    assert verdict.distance(arm(distortion=36.0)) == "above the Gaussian D(R): 4.0 times the error"
    assert verdict.distance(arm(distortion=8.1)).startswith("below the Gaussian D(R): 10\N{NO-BREAK SPACE}% less error")
    assert verdict.distance(arm(distortion=9.15)).startswith("on the Gaussian D(R)")
    assert verdict.distance(arm(gap_db=-np.inf)).startswith("no error left")
    assert verdict.distance(arm(gap_db=np.inf)).startswith("above a Gaussian D(R) of zero")


def test_the_error_of_a_gap_is_that_of_its_logarithm():
    """10 log10 of the error one s.e. up and down spans twice the stated error, to first order."""
    judged_arm = arm(distortion=10.0, se=0.01)
    assert gap_error(judged_arm) == pytest.approx((in_db(10.01) - in_db(9.99)) / 2, rel=1e-5)


def in_db(value):
    """A ratio in dB."""
    return 10 * np.log10(value)


def test_the_lead_names_rivals_noise_and_the_quickest():
    """A lead in the noise comes with those it cannot be told from and the cheapest of them."""
    tied = judged(arm("a", seconds=9.0), arm("b", distortion=10.1, seconds=0.2), arm("c", distortion=12, seconds=0.1))[0]
    said = verdict.lead(tied).replace("\N{NO-BREAK SPACE}", " ")
    assert said == "Not resolved; within the noise: b (+1.0 %, 0.7 s.e.). Quickest of them to fit: b, 0.20 s."
    clear = judged(arm("a"), arm("c", distortion=12))[0]
    assert verdict.lead(clear).replace("\N{NO-BREAK SPACE}", " ") == "Lead resolved: next comes c (+20 %, 14.1 s.e.)."


def test_warnings_are_for_overfitting_overspending_and_dead_codewords_only():
    """A sound arm has none; one that learnt by heart, left indices unused, or costs more than asked for is told of."""
    assert verdict.warnings(arm()) == []
    assert "25\N{NO-BREAK SPACE}% above the training error" in verdict.warnings(arm(train_distortion=8.0))[0]
    assert "is 20.0 times the training error" in verdict.warnings(arm(train_distortion=0.5))[0]
    assert verdict.warnings(arm(train_distortion=8.0, distortion_se=3.0)) == []
    assert verdict.warnings(arm(dead=3))[0].startswith("3 of 16")
    assert spoken(verdict.warnings(streams(dead=3))[0]) == "3 of the indices (2 × 4) chosen by no held-out vector."
    assert verdict.warnings(coded(dead=3)) == []
    assert verdict.warnings(coded(cross_entropy_bits=4.07)) == []
    assert spoken(verdict.warnings(coded(cross_entropy_bits=4.6))[0]) == (
        "It meets 4 bits on its training vectors; held-out vectors cost 4.60 even with an ideal coder."
    )
    assert verdict.warnings(arm(cross_entropy_bits=4.6)) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (wording.number(-0.0001, 2), "0.00"),
        (wording.number(float("nan"), 2), "–"),
        (wording.number(float("-inf"), 2), "−∞"),
        (wording.decibels(0.0049), "0.00"),
        (wording.decibels(1.0), "+1.00"),
        (wording.percent(0.0995), "10\N{NO-BREAK SPACE}%"),
        (wording.seconds(0.001), "under 0.01\N{NO-BREAK SPACE}s"),
        (wording.seconds(59.6), "60\N{NO-BREAK SPACE}s"),
        (wording.seconds(204), "3.4\N{NO-BREAK SPACE}min"),
        (wording.count(1, "vector"), "1\N{NO-BREAK SPACE}vector"),
        (wording.listing(["a", "b", "c", "d"]), "a, b, c and d"),
        (wording.compact(-12_000.0), "−12k"),
        (wording.compact(9_999.0), "9999"),
        (wording.compact(-2.5e-7), "−2.5e−7"),
        (wording.more(1.155), "16\N{NO-BREAK SPACE}% more error"),
        (wording.more(3.04), "3.0 times the error"),
        (wording.more(45.6), "46 times the error"),
        (wording.significant(1_396_698.2), "1,396,698"),
        (wording.unbroken("8 × 256, 4"), "8\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}256, 4"),
        (wording.rate(1.0), "1\N{NO-BREAK SPACE}bit"),
        (wording.rate(np.log2(100)), "6.644\N{NO-BREAK SPACE}bits"),
    ],
)
def test_numbers_read_well(said, expected):
    """Signs, units, plurals and the edges of rounding."""
    assert said == expected


@pytest.mark.parametrize(
    ("values", "errors", "shown"),
    [
        ([512.345, 98.7654], [9.1, 2.34], ["512.3", "98.8"]),
        ([0.012345, 0.5], [0.00031, 0.01], ["0.01235", "0.50000"]),
        ([12.3456, 1.2], [], ["12.35", "1.20"]),
        ([1.5e9, 2.0], [], ["1.500e+09", "2.000e+00"]),
        ([0.5, 0.25], [3e-8], ["5.000e−01", "2.500e−01"]),
        ([0.0, 0.0], [0.0], ["0.000", "0.000"]),
        ([], [], []),
    ],
)
def test_a_column_has_one_number_of_decimals(values, errors, shown):
    """The smallest error decides how many decimals are worth printing; without one, four digits are."""
    assert wording.column(values, errors) == shown
