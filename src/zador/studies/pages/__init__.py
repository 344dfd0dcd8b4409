"""Pages of the documentation that are made from the rows of studies, one page a file."""

from zador.studies.pages.choosing import PAGE as _CHOOSING
from zador.studies.pages.commitment import PAGE as _COMMITMENT
from zador.studies.pages.estimator_comparison import PAGE as _ESTIMATOR_COMPARISON
from zador.studies.pages.estimator_zoo import PAGE as _ESTIMATOR_ZOO
from zador.studies.pages.gradient_atlas import PAGE as _GRADIENT_ATLAS
from zador.studies.pages.initialisation import PAGE as _INITIALISATION
from zador.studies.pages.optimisers import PAGE as _OPTIMISERS
from zador.studies.pages.page import Page
from zador.studies.pages.pictures import PAGE as _PICTURES
from zador.studies.pages.real_data import PAGE as _REAL_DATA
from zador.studies.pages.scale import PAGE as _SCALE
from zador.studies.pages.structure import PAGE as _STRUCTURE
from zador.studies.pages.verdicts import PAGE as _VERDICTS

__all__ = ["PAGES", "Page"]

PAGES: tuple[Page, ...] = (
    _GRADIENT_ATLAS,
    _INITIALISATION,
    _ESTIMATOR_COMPARISON,
    _ESTIMATOR_ZOO,
    _PICTURES,
    _COMMITMENT,
    _OPTIMISERS,
    _SCALE,
    _REAL_DATA,
    _STRUCTURE,
    _CHOOSING,
    _VERDICTS,
)
"""Every page."""
