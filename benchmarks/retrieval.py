"""Search among 64-bit codes: time against faiss on the very same codes, and how many neighbours each quantizer finds.

Target: no slower than `IndexPQ` of faiss with many queries, with distances in double precision. Exact search among raw
vectors is set beside `IndexFlatL2`. Recall is on 100,000 vectors that no quantizer was fitted to, with 1000 queries.
"""

from __future__ import annotations

import sys
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from paired import ratio, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMS, SIZE, NEIGHBOURS = 8, 256, 10
# Vectors, queries, coordinates.
SHAPES = ((100_000, 1000, 128), (1_000_000, 100, 128), (1_000_000, 1000, 128), (1_000_000, 1000, 768), (1_000_000, 1, 128))
RAW_SHAPES = ((100_000, 1000, 128), (100_000, 1000, 768), (1_000_000, 100, 128))
TRAIN, BASE, QUERIES, DIM = 50_000, 100_000, 1000, 128


def main() -> None:
    """Print times, or with the argument `recall` the recall of a quantizer a line."""
    if sys.argv[1:] == ["recall"]:
        for kind in ("spectrum", "photos"):
            print(f"{kind:>28} {'1@1':>6} {'1@10':>6} {'1@100':>6} {'10@10':>6}")
            for name in QUANTIZERS:
                with get_context("spawn").Pool(1) as process:
                    found = process.apply(_recall, (name, kind))
                print(f"{name:>28} " + " ".join(f"{value:6.3f}" for value in found), flush=True)
        return
    for title, ours, theirs, shapes in (
        ("product codes, IndexPQ", _product, _faiss_product, SHAPES),
        ("residual codes, IndexResidualQuantizer with norms", _residual, _faiss_residual, SHAPES[:3]),
        ("raw vectors, IndexFlatL2", _raw, _faiss_raw, RAW_SHAPES),
    ):
        print(f"{title}\n{'N':>9} {'Q':>5} {'D':>4} {'ours s':>8} {'faiss s':>8} {'ratio':>6}")
        for shape in shapes:
            seconds, _ = take_turns({"ours": (ours, (shape,)), "faiss": (theirs, (shape,))}, turns=5)
            times = median(seconds["ours"]), median(seconds["faiss"])
            row = f"{shape[0]:>9} {shape[1]:>5} {shape[2]:>4} {times[0]:8.3f} {times[1]:8.3f}"
            print(row, f"{ratio(seconds['ours'], seconds['faiss']):6.2f}", flush=True)


def _codes(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(0, SIZE, (shape[0], STREAMS), np.uint8), rng.standard_normal((shape[1], shape[2]), np.float32)


def _made(shape: tuple[int, int, int], *, residual: bool) -> Any:
    from zador.quantizers import ProductQuantizer, ResidualQuantizer

    rng, dim = np.random.default_rng(0), shape[2]
    usage = (np.ones(SIZE),) * STREAMS
    if residual:
        tables = [rng.standard_normal((SIZE, dim), np.float32) * np.float32(0.5**s) for s in range(STREAMS)]
        return ResidualQuantizer(mean=np.zeros(dim, np.float32), codebooks=tuple(tables), usage=usage)
    tables = [rng.standard_normal((SIZE, dim // STREAMS), np.float32) for _ in range(STREAMS)]
    columns = tuple(np.array_split(np.arange(dim), STREAMS))
    return ProductQuantizer(frame=None, columns=columns, codebooks=tuple(tables), usage=usage)


def _ours(shape: tuple[int, int, int], *, residual: bool) -> Callable[[], None]:
    from zador.quantizers import search_codes

    quantizer, (codes, queries) = _made(shape, residual=residual), _codes(shape)

    def work() -> None:
        search_codes(quantizer, codes, queries, NEIGHBOURS)

    return work


def _product(shape: tuple[int, int, int]) -> Callable[[], None]:
    return _ours(shape, residual=False)


def _residual(shape: tuple[int, int, int]) -> Callable[[], None]:
    return _ours(shape, residual=True)


def _faiss_product(shape: tuple[int, int, int]) -> Callable[[], None]:
    import faiss

    codes, queries = _codes(shape)
    index = faiss.IndexPQ(shape[2], STREAMS, 8)
    tables = np.stack(_made(shape, residual=False).codebooks)
    faiss.copy_array_to_vector(tables.ravel(), index.pq.centroids)
    index.is_trained = True
    index.add_sa_codes(codes)

    def work() -> None:
        index.search(queries, NEIGHBOURS)

    return work


def _faiss_residual(shape: tuple[int, int, int]) -> Callable[[], None]:
    import faiss

    codes, queries = _codes(shape)
    norms = faiss.AdditiveQuantizer.ST_norm_float
    index = faiss.IndexResidualQuantizer(shape[2], STREAMS, 8, faiss.METRIC_L2, norms)
    quantizer = _made(shape, residual=True)
    faiss.copy_array_to_vector(np.concatenate(quantizer.codebooks).ravel(), index.rq.codebooks)
    index.rq.is_trained = index.is_trained = True
    squared = [(quantizer.decode(part) ** 2).sum(axis=1) for part in np.array_split(codes.astype(np.int64), 100)]
    stored = np.concatenate(squared).astype(np.float32)[:, None].view(np.uint8)
    index.add_sa_codes(np.ascontiguousarray(np.concatenate([codes, stored], axis=1)))

    def work() -> None:
        index.search(queries, NEIGHBOURS)

    return work


def _vectors(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((shape[0], shape[2]), np.float32), rng.standard_normal((shape[1], shape[2]), np.float32)


def _raw(shape: tuple[int, int, int]) -> Callable[[], None]:
    from zador.quantizers import nearest_neighbours

    base, queries = _vectors(shape)

    def work() -> None:
        nearest_neighbours(base, queries, NEIGHBOURS)

    return work


def _faiss_raw(shape: tuple[int, int, int]) -> Callable[[], None]:
    import faiss

    base, queries = _vectors(shape)
    index = faiss.IndexFlatL2(shape[2])
    index.add(base)

    def work() -> None:
        index.search(queries, NEIGHBOURS)

    return work


def _data(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    count = TRAIN + BASE + QUERIES
    if kind == "spectrum":
        axes, _ = np.linalg.qr(rng.standard_normal((DIM, DIM)))
        return (rng.standard_normal((count, DIM)) / np.sqrt(np.arange(1, DIM + 1)) @ axes.T).astype(np.float32)
    from sklearn.datasets import load_sample_images

    pictures = np.stack([picture.mean(axis=2) for picture in load_sample_images().images])
    patches = np.lib.stride_tricks.sliding_window_view(pictures, (8, 16), axis=(1, 2))
    height, width = patches.shape[1:3]
    chosen = rng.permutation(len(pictures) * height * width)[:count]
    which, row, column = np.unravel_index(chosen, (len(pictures), height, width))
    return patches[which, row, column].reshape(count, DIM).astype(np.float32)


def _recall(name: str, kind: str) -> list[float]:
    from zador.metrics import recall
    from zador.quantizers import nearest_neighbours, search_codes

    x = _data(kind)
    train, base, queries = x[:TRAIN], x[TRAIN : TRAIN + BASE], x[TRAIN + BASE :]
    quantizer = QUANTIZERS[name](train)
    truth = nearest_neighbours(base, queries, 10).indices
    found = search_codes(quantizer, quantizer.encode(base), queries, 100).indices
    return [*(recall(found[:, :k], truth[:, :1]) for k in (1, 10, 100)), recall(found[:, :10], truth)]


def _fit(method: str, **settings: Any) -> Callable[[np.ndarray], Any]:
    def fit(x: np.ndarray) -> Any:
        from zador import quantizers

        given = {key: getattr(quantizers, value)() if isinstance(value, str) else value for key, value in settings.items()}
        return getattr(quantizers, method)(x, **given)

    return fit


def _faiss_trained(factory: str) -> Callable[[np.ndarray], Any]:
    def fit(x: np.ndarray) -> Any:
        import faiss

        from zador.quantizers import from_faiss

        index = faiss.index_factory(DIM, factory)
        index.train(x)
        return from_faiss(index)

    return fit


QUANTIZERS: dict[str, Callable[[np.ndarray], Any]] = {
    "product": _fit("fit_product"),
    "product, learned axes": _fit("fit_product", rotation="Rotation"),
    "residual, beam 5": _fit("fit_residual"),
    "transform coding": _fit("fit_transform_coding", bits=64),
    "lattice, entropy 64": _fit("fit_lattice", bits=64),
    "faiss OPQ8,PQ8, imported": _faiss_trained("OPQ8,PQ8x8"),
    "faiss RQ8x8, imported": _faiss_trained("RQ8x8"),
}


if __name__ == "__main__":
    main()
