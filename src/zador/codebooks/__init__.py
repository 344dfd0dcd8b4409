"""Codebooks: how a table of codewords starts (`initialise/`), how it moves (`learn/`), and how it is kept."""

from __future__ import annotations

from zador.codebooks.fit import fit_codebook
from zador.codebooks.initialise.axes import PrincipalAxes, principal_axes
from zador.codebooks.initialise.base import Initialiser, PredictingInitialiser
from zador.codebooks.initialise.best_gaussian import BestGaussian
from zador.codebooks.initialise.from_data import FromData
from zador.codebooks.initialise.gaussian_codewords import GaussianCodewords
from zador.codebooks.initialise.isotropic_rate_distortion import IsotropicRateDistortion
from zador.codebooks.initialise.kmeans_plus_plus import KMeansPlusPlus
from zador.codebooks.initialise.lloyd_max_grid import LloydMaxGrid, allocate_levels
from zador.codebooks.initialise.rate_distortion import RateDistortion
from zador.codebooks.initialise.reproduction_law import DiscreteLaw, ReproductionLaw
from zador.codebooks.initialise.uniform import Uniform
from zador.codebooks.initialise.zador_density import ZadorDensity
from zador.codebooks.learn.empty import keep_empty, relocate_empty
from zador.codebooks.learn.entropy_budget import EntropyBudget
from zador.codebooks.learn.entropy_constrained import (
    EntropyConstrained,
    EntropyConstrainedInfo,
    EntropyConstrainedResult,
    EntropyConstrainedState,
)
from zador.codebooks.learn.lloyd import Lloyd, LloydInfo, LloydResult, LloydState
from zador.codebooks.table import Codebook, load

__all__ = [
    "BestGaussian",
    "Codebook",
    "DiscreteLaw",
    "EntropyBudget",
    "EntropyConstrained",
    "EntropyConstrainedInfo",
    "EntropyConstrainedResult",
    "EntropyConstrainedState",
    "FromData",
    "GaussianCodewords",
    "Initialiser",
    "IsotropicRateDistortion",
    "KMeansPlusPlus",
    "Lloyd",
    "LloydInfo",
    "LloydMaxGrid",
    "LloydResult",
    "LloydState",
    "PredictingInitialiser",
    "PrincipalAxes",
    "RateDistortion",
    "ReproductionLaw",
    "Uniform",
    "ZadorDensity",
    "allocate_levels",
    "fit_codebook",
    "keep_empty",
    "load",
    "principal_axes",
    "relocate_empty",
]
