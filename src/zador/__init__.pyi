# The public names; `__init__.py` loads each from its room on first use.
from . import codebooks, data, errors, metrics, search, studies, theory, units
from .codebooks import Codebook, fit_codebook, load
from .search import Nearest, nearest
from .theory.limits import Limits, limits

__version__: str

__all__ = [
    "Codebook",
    "Limits",
    "Nearest",
    "codebooks",
    "data",
    "errors",
    "fit_codebook",
    "limits",
    "load",
    "metrics",
    "nearest",
    "search",
    "studies",
    "theory",
    "units",
]
