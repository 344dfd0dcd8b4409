"""Trained faiss indexes as quantizers: for limits, real bits, and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.quantizers.faiss_export import import_faiss
from zador.quantizers.frame import Frame
from zador.quantizers.product import ProductQuantizer
from zador.quantizers.residual import ResidualQuantizer
from zador.validation import check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers.base import Origin

__all__ = ["from_faiss"]

_ORTHONORMAL = 1e-4


def from_faiss(index: Any) -> ProductQuantizer | ResidualQuantizer:
    """Return the float32 quantizer that encodes and decodes as a trained faiss index does.

    Transforms before the index become the axes of a product quantizer, or go into the codewords of a residual one, whose
    own mean is 0. What the index holds is not read; `codes_from_faiss` turns its codes into indices. How often the
    training vectors chose each codeword is not in a faiss index: the usage of every one is 1, as `origin` says.

    Args:
        index: `IndexPQ`, `IndexResidualQuantizer`, or an `IndexPreTransform` of mean, rotation, PCA without whitening or
            permutation before one of them; or a `faiss.ProductQuantizer` or `faiss.ResidualQuantizer` itself.

    Raises:
        MissingDependencyError: faiss is not installed.
        UsageError: another kind of index, or a transform that changes distances.
        DataError: not trained.
        NonFiniteError: codewords with NaN or infinity.

    Example:
        >>> import faiss
        >>> x = np.random.default_rng(0).standard_normal((2000, 8)).astype(np.float32)
        >>> index = faiss.index_factory(8, "OPQ4,PQ4x4")
        >>> index.train(x)
        >>> quantizer = from_faiss(index)
        >>> bool(np.allclose(quantizer.decode(quantizer.encode(x)), index.sa_decode(index.sa_encode(x)), atol=1e-5))
        True
    """
    faiss = import_faiss("from_faiss")
    name, frame = type(index).__name__, None
    if not getattr(index, "is_trained", True):
        raise DataError(f"from_faiss: this {name} is not trained; call its train(vectors) first")
    inner = index  # parts of an index live no longer than it does: `index` stays
    if isinstance(inner, faiss.IndexPreTransform):
        frame = _frame(faiss, inner)
        inner = faiss.downcast_index(inner.index)
    if isinstance(inner, faiss.IndexPQ):
        inner = inner.pq
    if isinstance(inner, faiss.IndexResidualQuantizer):
        inner = inner.rq
    origin: Origin = {"imported_from": f"faiss.{name}", "usage": "unknown, 1 for every index"}
    if not isinstance(inner, faiss.ProductQuantizer | faiss.ResidualQuantizer):
        raise UsageError(
            f"from_faiss: expected IndexPQ, IndexResidualQuantizer, or one of them behind linear transforms, got "
            f"{type(inner).__name__}; if it has .pq or .rq, pass that"
        )
    if isinstance(inner, faiss.ProductQuantizer):
        return _product(faiss, inner, frame, origin)
    return _residual(faiss, inner, frame, origin)


def _product(faiss: Any, pq: Any, frame: Frame | None, origin: Origin) -> ProductQuantizer:
    tables = faiss.vector_to_array(pq.centroids).reshape(pq.M, pq.ksub, pq.dsub)
    check_finite(tables.reshape(-1, pq.dsub), "codewords of the index")
    if not tables.any():
        raise DataError("from_faiss: all codewords are zero; train the product quantizer first")
    columns = np.arange(pq.d)
    if frame is not None and not frame.mean.any() and _is_permutation(frame.directions):
        columns, frame = frame.directions.argmax(axis=0), None
    return ProductQuantizer(
        frame=frame,
        columns=tuple(columns.reshape(pq.M, pq.dsub)),
        codebooks=tuple(tables),
        usage=tuple(np.ones(pq.ksub) for _ in range(pq.M)),
        origin=origin,
    )


def _residual(faiss: Any, rq: Any, frame: Frame | None, origin: Origin) -> ResidualQuantizer:
    sizes = [1 << int(bits) for bits in faiss.vector_to_array(rq.nbits)]
    table = faiss.vector_to_array(rq.codebooks).reshape(sum(sizes), rq.d)
    check_finite(table, "codewords of the index")
    mean = np.zeros(rq.d, np.float32)
    if frame is not None:
        mean, table = frame.mean, (table.astype(np.float64) @ frame.directions.T).astype(np.float32)
    return ResidualQuantizer(
        mean=mean,
        codebooks=tuple(np.ascontiguousarray(part) for part in np.split(table, np.cumsum(sizes)[:-1])),
        beam=int(rq.max_beam_size),
        usage=tuple(np.ones(size) for size in sizes),
        origin=origin,
    )


def _frame(faiss: Any, index: Any) -> Frame:
    """Return the frame that the transforms before an index amount to: `Uᵀ(x - μ)`, one after the other."""
    mean, directions = np.zeros(index.d), np.eye(index.d)
    for place in range(index.chain.size()):
        shift, axes = _step(faiss, faiss.downcast_VectorTransform(index.chain.at(place)))
        mean, directions = mean + directions @ shift, directions @ axes
    return Frame(mean.astype(np.float32), np.ascontiguousarray(directions, np.float32))


def _step(faiss: Any, transform: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return μ and U of one transform `Uᵀ(x - μ)` that faiss undoes as `μ + U z`."""
    rows, columns = transform.d_out, transform.d_in
    if isinstance(transform, faiss.CenteringTransform):
        return faiss.vector_to_array(transform.mean).astype(np.float64), np.eye(columns)
    if isinstance(transform, faiss.RemapDimensionsTransform):
        chosen = faiss.vector_to_array(transform.map)
        if sorted(chosen) == list(range(columns)):
            return np.zeros(columns), np.eye(columns)[:, chosen]
    if isinstance(transform, faiss.LinearTransform):
        matrix = faiss.vector_to_array(transform.A)[: rows * columns].reshape(rows, columns).astype(np.float64)
        if np.isfinite(matrix).all() and np.abs(matrix @ matrix.T - np.eye(rows)).max() < _ORTHONORMAL:
            bias = faiss.vector_to_array(transform.b).astype(np.float64) if transform.have_bias else np.zeros(rows)
            return -matrix.T @ bias, matrix.T
    raise UsageError(
        f"from_faiss: the {type(transform).__name__} before the index changes distances; apply it to "
        "the vectors yourself, and pass the index behind it (faiss.downcast_index(index.index))"
    )


def _is_permutation(matrix: NDArray[Any]) -> bool:
    return matrix.shape[0] == matrix.shape[1] and bool(((matrix == 0) | (matrix == 1)).all())
