# The public names; `__init__.py` loads each from its room on first use.
from . import (
    codebooks,
    coding,
    data,
    errors,
    estimators,
    layers,
    metrics,
    models,
    quantizers,
    search,
    studies,
    theory,
    units,
)
from .codebooks import Codebook, fit_codebook
from .layers import (
    bsq,
    fsq,
    grvq,
    gumbel_vq,
    lfq,
    multiscale,
    pq,
    random_projection,
    rfsq,
    rsimvq,
    rvq,
    simvq,
    vq,
)
from .quantizers import load
from .search import Nearest, nearest
from .theory.limits import Limits, limits

__version__: str

__all__ = [
    "Codebook",
    "Limits",
    "Nearest",
    "bsq",
    "codebooks",
    "coding",
    "data",
    "errors",
    "estimators",
    "fit_codebook",
    "fsq",
    "grvq",
    "gumbel_vq",
    "layers",
    "lfq",
    "limits",
    "load",
    "metrics",
    "models",
    "multiscale",
    "nearest",
    "pq",
    "quantizers",
    "random_projection",
    "rfsq",
    "rsimvq",
    "rvq",
    "search",
    "simvq",
    "studies",
    "theory",
    "units",
    "vq",
]
