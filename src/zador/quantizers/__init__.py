"""Quantizers: vectors → indices → vectors. Hard values only: no gradient, no losses.

`FiniteScalar` and `LookupFree` compute with torch; they are loaded on first use, so that NumPy users never import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zador.quantizers.asymmetric import search_codes
from zador.quantizers.base import Quantizer
from zador.quantizers.entropy_constrained import EntropyConstrainedQuantizer, fit_entropy_constrained
from zador.quantizers.faiss_codes import codes_from_faiss, codes_to_faiss
from zador.quantizers.faiss_export import to_faiss
from zador.quantizers.faiss_import import from_faiss
from zador.quantizers.fit_lattice import fit_lattice
from zador.quantizers.fit_product import Rotation, fit_product
from zador.quantizers.fit_residual import fit_residual, refit
from zador.quantizers.found import Found
from zador.quantizers.frame import Frame
from zador.quantizers.lattice import LatticeQuantizer
from zador.quantizers.lattices import BW16, D4, E8, Lattice, Z
from zador.quantizers.load import load, load_quantizer
from zador.quantizers.neighbours import nearest_neighbours
from zador.quantizers.product import ProductQuantizer
from zador.quantizers.random_coding import fit_random
from zador.quantizers.residual import ResidualQuantizer
from zador.quantizers.slicing import Slicing, balanced_slices, equal_slices
from zador.quantizers.transform import TransformQuantizer, fit_transform_coding
from zador.quantizers.vector import VectorQuantizer

if TYPE_CHECKING:
    from zador.quantizers.finite_scalar import FiniteScalar
    from zador.quantizers.lookup_free import LookupFree

__all__ = [
    "BW16",
    "D4",
    "E8",
    "EntropyConstrainedQuantizer",
    "FiniteScalar",
    "Found",
    "Frame",
    "Lattice",
    "LatticeQuantizer",
    "LookupFree",
    "ProductQuantizer",
    "Quantizer",
    "ResidualQuantizer",
    "Rotation",
    "Slicing",
    "TransformQuantizer",
    "VectorQuantizer",
    "Z",
    "balanced_slices",
    "codes_from_faiss",
    "codes_to_faiss",
    "equal_slices",
    "fit_entropy_constrained",
    "fit_lattice",
    "fit_product",
    "fit_random",
    "fit_residual",
    "fit_transform_coding",
    "from_faiss",
    "load",
    "load_quantizer",
    "nearest_neighbours",
    "refit",
    "search_codes",
    "to_faiss",
]


def __getattr__(name: str) -> Any:
    if name == "FiniteScalar":
        from zador.quantizers.finite_scalar import FiniteScalar

        return FiniteScalar
    if name == "LookupFree":
        from zador.quantizers.lookup_free import LookupFree

        return LookupFree
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
