"""Structured quantizers at 64 bits against faiss's, on 50,000 x 128: error, time to fit, time to encode.

Target: no more error on new vectors than the same method there. Two kinds of vectors: Gaussian with eigenvalues 1/i along
random axes, and 8 x 16 patches of two photographs. Every contestant has a process of its own and one turn: fits take from
seconds to minutes. Times are reported, errors are what is compared; D(R) is that of a Gaussian of the same covariance.
"""

from __future__ import annotations

import sys
import time
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

TRAIN, NEW, DIM, BITS = 50_000, 10_000, 128, 64
KINDS = ("spectrum", "photos")


def main() -> None:
    """Print a table a kind of data; arguments, if any, pick contestants by the start of their names."""
    asked = tuple(sys.argv[1:])
    chosen = {name: fit for name, fit in CONTESTANTS.items() if not asked or name.startswith(asked)}
    for kind in KINDS:
        print(f"{kind}: Gaussian D(R) at {BITS} bits {_bound(kind):.6g}")
        print(f"{'':>28} {'new':>10} {'training':>10} {'gap dB':>7} {'fit s':>8} {'encode s':>8}")
        for name in chosen:
            with get_context("spawn").Pool(1) as process:
                new, training, fit_seconds, encode_seconds = process.apply(_turn, (name, kind))
            gap = 10 * np.log10(new / _bound(kind))
            row = f"{name:>28} {new:10.6g} {training:10.6g} {gap:7.2f} {fit_seconds:8.1f} {encode_seconds:8.2f}"
            print(row, flush=True)


def _data(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    count = TRAIN + NEW
    if kind == "spectrum":
        axes, _ = np.linalg.qr(rng.standard_normal((DIM, DIM)))
        return (rng.standard_normal((count, DIM)) / np.sqrt(np.arange(1, DIM + 1)) @ axes.T).astype(np.float32)
    from sklearn.datasets import load_sample_images

    pictures = np.stack([picture.mean(axis=2) for picture in load_sample_images().images])
    patches = np.lib.stride_tricks.sliding_window_view(pictures, (8, 16), axis=(1, 2))
    which, row, column = (rng.integers(0, size, count) for size in patches.shape[:3])
    return patches[which, row, column].reshape(count, DIM).astype(np.float32)


def _bound(kind: str) -> float:
    from zador.codebooks import principal_axes
    from zador.theory import gaussian

    return float(gaussian.distortion_rate(principal_axes(_data(kind)).eigenvalues, BITS))


def _turn(name: str, kind: str) -> tuple[float, float, float, float]:
    x = _data(kind)
    train, new = x[:TRAIN], x[TRAIN:]
    fit = CONTESTANTS[name]
    if not name.startswith("faiss"):
        fit(train[:2000])  # compiles, or loads what was compiled
    start = time.perf_counter()
    encode, decode = fit(train)
    fitted = time.perf_counter()
    codes = encode(new)
    encoded = time.perf_counter()
    errors = [float(((part - decode(encode(part))) ** 2).sum(axis=1).mean()) for part in (new, train)]
    assert len(codes) == NEW  # noqa: S101 - a script
    return errors[0], errors[1], fitted - start, encoded - fitted


Verbs = tuple["Callable[[np.ndarray], Any]", "Callable[[Any], np.ndarray]"]


def _ours(method: str, **settings: Any) -> Callable[[np.ndarray], Verbs]:
    def fit(x: np.ndarray) -> Verbs:
        from zador import quantizers

        given = {key: value() if callable(value) else value for key, value in settings.items()}
        quantizer = getattr(quantizers, method)(x, **given)
        return quantizer.encode, quantizer.decode

    return fit


def _rotation() -> Any:
    from zador.quantizers import Rotation

    return Rotation()


def _lattice() -> Any:
    from zador.quantizers import E8

    return E8


def _faiss(name: str, **settings: int) -> Callable[[np.ndarray], Verbs]:
    def fit(x: np.ndarray) -> Verbs:
        import faiss

        quantizer = getattr(faiss, name)(DIM, 8, 8)
        for key, value in settings.items():
            setattr(quantizer, key, value)
        quantizer.train(x)
        return quantizer.compute_codes, quantizer.decode

    return fit


def _faiss_rotated(x: np.ndarray) -> Verbs:
    import faiss

    rotation, quantizer = faiss.OPQMatrix(DIM, 8), faiss.ProductQuantizer(DIM, 8, 8)
    rotation.train(x)
    quantizer.train(rotation.apply(x))
    return (
        lambda y: quantizer.compute_codes(rotation.apply(y)),
        lambda codes: rotation.reverse_transform(quantizer.decode(codes)),
    )


CONTESTANTS: dict[str, Callable[[np.ndarray], Verbs]] = {
    "product": _ours("fit_product"),
    "faiss PQ": _faiss("ProductQuantizer"),
    "product, learned axes": _ours("fit_product", rotation=_rotation),
    "faiss OPQ": _faiss_rotated,
    "residual, greedy": _ours("fit_residual", beam=1),
    "faiss RQ, beam 1": _faiss("ResidualQuantizer", max_beam_size=1),
    "residual, beam 5": _ours("fit_residual", beam=5),
    "faiss RQ, beam 5": _faiss("ResidualQuantizer", max_beam_size=5),
    "residual, beam 16": _ours("fit_residual", beam=16),
    "faiss LSQ": _faiss("LocalSearchQuantizer"),
    "scalar Lloyd-Max, PCA": _ours("fit_transform_coding", bits=BITS),
    "lattice E8, entropy 64": _ours("fit_lattice", bits=BITS, lattice=_lattice),
}


if __name__ == "__main__":
    main()
