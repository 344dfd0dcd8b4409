"""Where the vectors of a study come from: each source is a value, and a seed says what it draws."""

from zador.studies.catalogue.sources.bundled import Bundled
from zador.studies.catalogue.sources.embeddings import Embeddings
from zador.studies.catalogue.sources.gaussian import Gaussian
from zador.studies.catalogue.sources.mixture import Mixture
from zador.studies.catalogue.sources.motion import MotionFrames
from zador.studies.catalogue.sources.photo_maps import PhotoMaps
from zador.studies.catalogue.sources.source import Drawn, DrawnSource, Source

__all__ = ["Bundled", "Drawn", "DrawnSource", "Embeddings", "Gaussian", "Mixture", "MotionFrames", "PhotoMaps", "Source"]
