"""Estimators that need the loss, not only its gradient: the law of the draw is differentiated, not the codeword."""

from __future__ import annotations

from zador.estimators.scored.baselines import Baseline, ConstantBaseline, MovingAverage, leave_one_out
from zador.estimators.scored.problem import Problem, Scored, ScoredEstimator
from zador.estimators.scored.rebar import Rebar
from zador.estimators.scored.relax import Relax, control_network
from zador.estimators.scored.score_function import ScoreFunction

__all__ = [
    "Baseline",
    "ConstantBaseline",
    "MovingAverage",
    "Problem",
    "Rebar",
    "Relax",
    "ScoreFunction",
    "Scored",
    "ScoredEstimator",
    "control_network",
    "leave_one_out",
]
