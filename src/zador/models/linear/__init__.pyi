# The public names of the sub-room; `__init__.py` loads each on first use.
from .autoencoder import LinearAutoencoder
from .autograd import Autograd
from .batches import Batches, generator_stream, legacy_stream
from .chained import Chained
from .directions import CodebookGradient, EncoderGradient, per_batch, per_code, plain, tangent
from .engine import Batch, Engine, Gradients, Parameters
from .evaluation import Evaluation, evaluate
from .manual import Manual
from .optimisers import Adam, Optimiser, Sgd
from .random_start import KMeansCodewords, NormalCodewords, random_start
from .recipe import Loss, Rates, Recipe, Step
from .retractions import Retraction, polar, qr, signed_qr
from .schedules import Schedule, Warmup, constant, cosine
from .start import converged, pca_lloyd, start
from .training import Curve, Training, train

__all__ = [
    "Adam",
    "Autograd",
    "Batch",
    "Batches",
    "Chained",
    "CodebookGradient",
    "Curve",
    "EncoderGradient",
    "Engine",
    "Evaluation",
    "Gradients",
    "KMeansCodewords",
    "LinearAutoencoder",
    "Loss",
    "Manual",
    "NormalCodewords",
    "Optimiser",
    "Parameters",
    "Rates",
    "Recipe",
    "Retraction",
    "Schedule",
    "Sgd",
    "Step",
    "Training",
    "Warmup",
    "constant",
    "converged",
    "cosine",
    "evaluate",
    "generator_stream",
    "legacy_stream",
    "pca_lloyd",
    "per_batch",
    "per_code",
    "plain",
    "polar",
    "qr",
    "random_start",
    "signed_qr",
    "start",
    "tangent",
    "train",
]
