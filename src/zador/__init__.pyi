# The public names; `__init__.py` loads each from its room on first use.
from . import codebooks, coding, data, errors, metrics, quantizers, search, studies, theory, units
from .codebooks import Codebook, fit_codebook
from .quantizers import load
from .search import Nearest, nearest
from .theory.limits import Limits, limits

__version__: str

__all__ = [
    "Codebook",
    "Limits",
    "Nearest",
    "codebooks",
    "coding",
    "data",
    "errors",
    "fit_codebook",
    "limits",
    "load",
    "metrics",
    "nearest",
    "quantizers",
    "search",
    "studies",
    "theory",
    "units",
]
