"""Reading back what `save` wrote: the one place that knows every kind of quantizer by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador import artefacts
from zador.codebooks import Codebook
from zador.codebooks import storage as codebook_storage
from zador.errors import FormatError, ZadorError
from zador.quantizers.entropy_constrained import EntropyConstrainedQuantizer
from zador.quantizers.lattice import LatticeQuantizer
from zador.quantizers.product import ProductQuantizer
from zador.quantizers.residual import ResidualQuantizer
from zador.quantizers.transform import TransformQuantizer
from zador.quantizers.vector import VectorQuantizer

if TYPE_CHECKING:
    import os

    from zador.artefacts import Artefact
    from zador.quantizers.base import Quantizer

__all__ = ["load", "load_quantizer"]

_KINDS: dict[str, type[Quantizer]] = {
    kind.kind: kind
    for kind in (
        VectorQuantizer,
        ProductQuantizer,
        ResidualQuantizer,
        TransformQuantizer,
        LatticeQuantizer,
        EntropyConstrainedQuantizer,
    )
}


def load(path: str | os.PathLike[str]) -> Codebook | Quantizer:
    """Return what was saved to the directory `path`, after checking all of it: a `Codebook` or a quantizer.

    Raises:
        FormatError: nothing there, written by a newer version, altered, truncated, or its values make no sense.
    """
    artefact = artefacts.read(path)
    if artefact.kind == codebook_storage.KIND:
        return Codebook(*codebook_storage.unpack(artefact))
    return _quantizer(artefact)


def load_quantizer(path: str | os.PathLike[str]) -> Quantizer:
    """Return the quantizer that was saved to the directory `path`; a codebook becomes the `VectorQuantizer` over it.

    Raises:
        FormatError: as `load`.
    """
    return _quantizer(artefacts.read(path))


def _quantizer(artefact: Artefact) -> Quantizer:
    kind = _KINDS.get(artefact.kind)
    if kind is None:
        known = ", ".join(_KINDS)
        raise FormatError(f"{artefact.place}: holds a {artefact.kind!r}, this zador knows {known}; upgrade zador")
    try:
        return kind.from_artefact(artefact)
    except ZadorError:
        raise
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise FormatError(
            f"{artefact.place}: these values make no {artefact.kind} quantizer ({error}); save it again"
        ) from None
