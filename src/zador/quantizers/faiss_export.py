"""Quantizers as faiss indexes: the same codewords, the same codes, in the library that serves them in production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import MissingDependencyError, UsageError
from zador.quantizers.faiss_codes import codes_to_faiss, stream_bits
from zador.quantizers.product import ProductQuantizer
from zador.quantizers.residual import ResidualQuantizer
from zador.quantizers.vector import VectorQuantizer

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from zador.quantizers.base import Quantizer

__all__ = ["import_faiss", "to_faiss"]


def to_faiss(quantizer: Quantizer, indices: Any = None) -> Any:
    """Return the faiss index that encodes, decodes and searches as `quantizer` does, in single precision.

    | quantizer | index |
    |---|---|
    | product, vector | `IndexPQ` |
    | product whose slices are not neighbouring coordinates | `IndexPreTransform`: a permutation, then `IndexPQ` |
    | product along other axes | `IndexPreTransform`: the mean, the axes, then `IndexPQ` |
    | residual | `IndexResidualQuantizer`, the mean of the data within the codewords of the first stage |

    Distances of an index along fewer axes than coordinates leave out what lies across them; the order is the same.

    Args:
        quantizer: of `fit_product`, `fit_residual` or `fit_codebook`; each K a power of two, slices alike in length and K.
        indices: (N, S) what `encode` returned for a base, which the index then holds; None for an empty index.

    Raises:
        MissingDependencyError: faiss is not installed.
        UsageError: nothing in faiss decodes like this quantizer; the message says what would.
        DataError: indices that do not fit.

    Example:
        >>> from zador.quantizers import fit_product
        >>> x = np.random.default_rng(0).standard_normal((2000, 8)).astype(np.float32)
        >>> quantizer = fit_product(x, slices=4, codebook_size=16)
        >>> index = to_faiss(quantizer, quantizer.encode(x))
        >>> type(index).__name__, index.ntotal, index.code_size
        ('IndexPQ', 2000, 2)
    """
    faiss = import_faiss("to_faiss")
    widths, transforms = stream_bits(quantizer), []
    if isinstance(quantizer, ResidualQuantizer):
        inner = _residual(faiss, quantizer, widths)
    elif isinstance(quantizer, ProductQuantizer):
        inner, transforms = _product(faiss, quantizer.codebooks, widths), _transforms(faiss, quantizer)
    elif isinstance(quantizer, VectorQuantizer):
        inner = _product(faiss, (quantizer.codewords,), widths)
    index = faiss.IndexPreTransform(inner) if transforms else inner
    for transform in transforms:
        index.prepend_transform(transform)
    if indices is not None:
        inner.add_sa_codes(codes_to_faiss(quantizer, indices))
        index.ntotal = inner.ntotal
    return index


def import_faiss(verb: str) -> ModuleType:
    """Return the module `faiss`.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingDependencyError(f"{verb} needs faiss; pip install 'zador[faiss]'") from error
    module: ModuleType = faiss
    return module


def _product(faiss: Any, codebooks: tuple[NDArray[Any], ...], widths: list[int]) -> Any:
    shapes = [codebook.shape for codebook in codebooks]
    if len(set(shapes)) > 1:
        raise UsageError(
            f"faiss wants slices alike, got codebooks of shapes {', '.join(map(str, shapes[:8]))}; fit with one "
            "codebook_size and a number of slices that divides the coordinates"
        )
    index = faiss.IndexPQ(len(codebooks) * shapes[0][1], len(codebooks), widths[0])
    _put(faiss, np.stack(codebooks), index.pq.centroids)
    index.is_trained = True
    return index


def _residual(faiss: Any, quantizer: ResidualQuantizer, widths: list[int]) -> Any:
    if len(set(widths)) == 1:
        index = faiss.IndexResidualQuantizer(quantizer.dim, len(widths), widths[0])
    else:
        each = faiss.UInt64Vector()
        faiss.copy_array_to_vector(np.array(widths, np.uint64), each)
        index = faiss.IndexResidualQuantizer(quantizer.dim, each)
    first = quantizer.codebooks[0].astype(np.float64) + quantizer.mean
    _put(faiss, np.concatenate([first, *quantizer.codebooks[1:]]), index.rq.codebooks)
    index.rq.max_beam_size = quantizer.beam
    index.rq.is_trained = index.is_trained = True
    return index


def _transforms(faiss: Any, quantizer: ProductQuantizer) -> list[Any]:
    """Return what stands before the slices, the last transform first."""
    order = np.concatenate(quantizer.columns)
    if quantizer.frame is None:
        if (order == np.arange(len(order))).all():
            return []
        permutation = faiss.RemapDimensionsTransform(len(order), len(order), False)
        faiss.copy_array_to_vector(order.astype(np.int32), permutation.map)
        return [permutation]
    axes = faiss.LinearTransform(quantizer.dim, len(order), False)
    _put(faiss, quantizer.frame.directions[:, order].T, axes.A)
    axes.is_trained = True
    axes.set_is_orthonormal()
    # Not as the bias of the axes: an offset across them would be lost, and one along them rounded.
    mean = faiss.CenteringTransform(quantizer.dim)
    _put(faiss, quantizer.frame.mean, mean.mean)
    mean.is_trained = True
    return [axes, mean] if quantizer.frame.mean.any() else [axes]


def _put(faiss: Any, array: NDArray[Any], vector: Any) -> None:
    faiss.copy_array_to_vector(np.ascontiguousarray(array, np.float32).ravel(), vector)
