"""Quantitative claims as data, and verdicts on them computed from rows."""

from zador.studies.claims.claim import Claim, Control, all_claims, read_claims
from zador.studies.claims.contradiction import Contradiction, Explanation, all_contradictions, read_contradictions
from zador.studies.claims.evidence import Evidence, weigh
from zador.studies.claims.prediction import AllOf, Best, Differs, Equal, Fails, Level, Prediction, Spread
from zador.studies.claims.runs import Runs
from zador.studies.claims.verdict import Status, Verdict, verdicts

__all__ = [
    "AllOf",
    "Best",
    "Claim",
    "Contradiction",
    "Control",
    "Differs",
    "Equal",
    "Evidence",
    "Explanation",
    "Fails",
    "Level",
    "Prediction",
    "Runs",
    "Spread",
    "Status",
    "Verdict",
    "all_claims",
    "all_contradictions",
    "read_claims",
    "read_contradictions",
    "verdicts",
    "weigh",
]
