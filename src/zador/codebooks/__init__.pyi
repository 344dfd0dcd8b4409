# The public names of the room; `__init__.py` loads each on first use.
from .affine import AffineTable, AffineTransform
from .fit import fit_codebook
from .initialise.axes import PrincipalAxes, principal_axes
from .initialise.base import Initialiser, PredictingInitialiser
from .initialise.best_gaussian import BestGaussian
from .initialise.from_data import FromData
from .initialise.gaussian_codewords import GaussianCodewords
from .initialise.isotropic_rate_distortion import IsotropicRateDistortion
from .initialise.kmeans_plus_plus import KMeansPlusPlus
from .initialise.lloyd_max_grid import LloydMaxGrid, allocate_levels
from .initialise.rate_distortion import RateDistortion
from .initialise.reproduction_law import DiscreteLaw, ReproductionLaw
from .initialise.uniform import Uniform
from .initialise.zador_density import ZadorDensity
from .learn.cells import Cells, Seen, cell_sums, shared
from .learn.ema import Ema, EmaState
from .learn.empty import keep_empty, relocate_empty
from .learn.entropy_budget import EntropyBudget
from .learn.entropy_constrained import (
    EntropyConstrained,
    EntropyConstrainedInfo,
    EntropyConstrainedResult,
    EntropyConstrainedState,
)
from .learn.frozen import Frozen
from .learn.gradient import Gradient, codebook_loss
from .learn.kernel_drift import KernelDrift
from .learn.learner import CodewordsState, Learner, LearnerState, Learning
from .learn.lloyd import Lloyd, LloydInfo, LloydResult, LloydState
from .learn.online_kmeans import OnlineKMeans, OnlineKMeansState
from .learn.peers import ALONE, Alone, Peers, enlisted, first_row, peers_of
from .learn.reservoir import Reservoir, empty_reservoir, with_batch
from .learn.reservoir_lloyd import ReservoirLloyd, ReservoirLloydState
from .learn.sinkhorn import sinkhorn_prices, transport_plan
from .linear import LinearTable, LinearTransform, linear_codewords, linear_table
from .mlp import MlpTable, MlpTransform
from .revive.base import Load, Proposal, Revival, Reviver, revived
from .revive.by_distortion import ByDistortion
from .revive.from_batch import FromBatch
from .revive.from_reservoir import FromReservoir, ReservoirLoad
from .revive.since import never_chosen, restarted, since_chosen, windowed_usage
from .revive.split_most_loaded import SplitMostLoaded
from .table import Codebook, load
from .transform import CodebookTransform

__all__ = [
    "ALONE",
    "AffineTable",
    "AffineTransform",
    "Alone",
    "BestGaussian",
    "ByDistortion",
    "Cells",
    "Codebook",
    "CodebookTransform",
    "CodewordsState",
    "DiscreteLaw",
    "Ema",
    "EmaState",
    "EntropyBudget",
    "EntropyConstrained",
    "EntropyConstrainedInfo",
    "EntropyConstrainedResult",
    "EntropyConstrainedState",
    "FromBatch",
    "FromData",
    "FromReservoir",
    "Frozen",
    "GaussianCodewords",
    "Gradient",
    "Initialiser",
    "IsotropicRateDistortion",
    "KMeansPlusPlus",
    "KernelDrift",
    "Learner",
    "LearnerState",
    "Learning",
    "LinearTable",
    "LinearTransform",
    "Lloyd",
    "LloydInfo",
    "LloydMaxGrid",
    "LloydResult",
    "LloydState",
    "Load",
    "MlpTable",
    "MlpTransform",
    "OnlineKMeans",
    "OnlineKMeansState",
    "Peers",
    "PredictingInitialiser",
    "PrincipalAxes",
    "Proposal",
    "RateDistortion",
    "ReproductionLaw",
    "Reservoir",
    "ReservoirLloyd",
    "ReservoirLloydState",
    "ReservoirLoad",
    "Revival",
    "Reviver",
    "Seen",
    "SplitMostLoaded",
    "Uniform",
    "ZadorDensity",
    "allocate_levels",
    "cell_sums",
    "codebook_loss",
    "empty_reservoir",
    "enlisted",
    "first_row",
    "fit_codebook",
    "keep_empty",
    "linear_codewords",
    "linear_table",
    "load",
    "never_chosen",
    "peers_of",
    "principal_axes",
    "relocate_empty",
    "restarted",
    "revived",
    "shared",
    "since_chosen",
    "sinkhorn_prices",
    "transport_plan",
    "windowed_usage",
    "with_batch",
]
