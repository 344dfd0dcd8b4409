# The public names of the room; `__init__.py` loads each on first use.
from . import linear
from .autoencoder import Autoencoder, Objective, Reconstructed, squared_error
from .networks import mlp
from .optimisers import Adam, MakeOptimiser
from .schedules import Schedule, Warmup, constant, cosine
from .training import Fitted, Training, fit

__all__ = [
    "Adam",
    "Autoencoder",
    "Fitted",
    "MakeOptimiser",
    "Objective",
    "Reconstructed",
    "Schedule",
    "Training",
    "Warmup",
    "constant",
    "cosine",
    "fit",
    "linear",
    "mlp",
    "squared_error",
]
