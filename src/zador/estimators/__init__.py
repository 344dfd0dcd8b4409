"""How a gradient crosses a quantizer: functions (x, q) → y, one a file, each under its own name and source."""

from __future__ import annotations

from zador.estimators.additive_noise import AdditiveNoise
from zador.estimators.blahut_arimoto import BlahutArimoto
from zador.estimators.dither import dithered
from zador.estimators.diveq import DiVeQ
from zador.estimators.estimator import Estimator, NoisyEstimator
from zador.estimators.gumbel_softmax import GumbelSoftmax, gumbel_softmax
from zador.estimators.householder import householder, householder_without_rescaling
from zador.estimators.index_backpropagation import IndexBackpropagation
from zador.estimators.nsvq import NSVQ
from zador.estimators.projection import projection
from zador.estimators.reinmax import ReinMax, reinmax
from zador.estimators.relaxation import Relaxation, Relaxed
from zador.estimators.rescaling import rescaling
from zador.estimators.rotation_trick import rotation_trick, rotation_trick_without_rescaling
from zador.estimators.scored import (
    Baseline,
    ConstantBaseline,
    MovingAverage,
    Rebar,
    Relax,
    Scored,
    ScoredEstimator,
    ScoreFunction,
    control_network,
    leave_one_out,
)
from zador.estimators.soft_assignment import SoftAssignment
from zador.estimators.straight_through import straight_through
from zador.estimators.temperature import Constant, Cosine, Cyclic, Exponential, Linear, Schedule, effective_temperature

__all__ = [
    "NSVQ",
    "AdditiveNoise",
    "Baseline",
    "BlahutArimoto",
    "Constant",
    "ConstantBaseline",
    "Cosine",
    "Cyclic",
    "DiVeQ",
    "Estimator",
    "Exponential",
    "GumbelSoftmax",
    "IndexBackpropagation",
    "Linear",
    "MovingAverage",
    "NoisyEstimator",
    "Rebar",
    "ReinMax",
    "Relax",
    "Relaxation",
    "Relaxed",
    "Schedule",
    "ScoreFunction",
    "Scored",
    "ScoredEstimator",
    "SoftAssignment",
    "control_network",
    "dithered",
    "effective_temperature",
    "gumbel_softmax",
    "householder",
    "householder_without_rescaling",
    "leave_one_out",
    "projection",
    "reinmax",
    "rescaling",
    "rotation_trick",
    "rotation_trick_without_rescaling",
    "straight_through",
]
