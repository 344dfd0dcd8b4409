"""What paired runs say and what they do not: differences, intervals, families of tests, seeds that would settle it."""

from zador.studies.statistics.aggregate import (
    Aggregate,
    Profile,
    Statistic,
    aggregate,
    interquartile_mean,
    performance_profile,
    probability_of_improvement,
)
from zador.studies.statistics.bounds import Equivalence, above, below, equivalent
from zador.studies.statistics.difference import Difference, compare
from zador.studies.statistics.holm import holm
from zador.studies.statistics.interval import Average, mean_interval
from zador.studies.statistics.needed import CEILING, needed, power, unresolved
from zador.studies.statistics.sign_flips import sign_flip_p, signed_ranks

__all__ = [
    "CEILING",
    "Aggregate",
    "Average",
    "Difference",
    "Equivalence",
    "Profile",
    "Statistic",
    "above",
    "aggregate",
    "below",
    "compare",
    "equivalent",
    "holm",
    "interquartile_mean",
    "mean_interval",
    "needed",
    "performance_profile",
    "power",
    "probability_of_improvement",
    "sign_flip_p",
    "signed_ranks",
    "unresolved",
]
