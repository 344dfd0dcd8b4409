"""No codebook of K points does better: lower bounds on the distortion of fixed-rate codebooks, and the best known ones."""

from zador.theory.kpoint.best_known import LARGEST as LARGEST_SEARCHED
from zador.theory.kpoint.best_known import BestKnown, best_known
from zador.theory.kpoint.bound import KPointBound
from zador.theory.kpoint.floor import lower_bound
from zador.theory.kpoint.samples import lower_bound_of_samples

__all__ = ["LARGEST_SEARCHED", "BestKnown", "KPointBound", "best_known", "lower_bound", "lower_bound_of_samples"]
