"""A linear encoder with a decoder of its own, or with its transpose, and a codebook between: S of them trained together."""

from zador.studies.catalogue.linear_pair.pair import LinearPair, Shape
from zador.studies.catalogue.linear_pair.starts import Normal, Start, principal_rows, random_orthonormal_rows, random_rows
from zador.studies.catalogue.linear_pair.training import PairRecipe, PairTraining, Revived, train_pair
from zador.studies.catalogue.linear_pair.work import (
    MEASURES,
    PROJECTION_LOSS,
    FixedPair,
    TrainedPair,
    least_squares,
    pair_limits,
    transposed,
)

__all__ = [
    "MEASURES",
    "PROJECTION_LOSS",
    "FixedPair",
    "LinearPair",
    "Normal",
    "PairRecipe",
    "PairTraining",
    "Revived",
    "Shape",
    "Start",
    "TrainedPair",
    "least_squares",
    "pair_limits",
    "principal_rows",
    "random_orthonormal_rows",
    "random_rows",
    "train_pair",
    "transposed",
]
