"""Nearest codeword against faiss, torch and scikit-learn: wall time, share of the machine's own GEMM rate, peak memory.

Targets: `exact=False` at most 1.0 times the best peer, certified at most 1.5 times; at most 64 MB beyond the input at
N = 1,000,000 and K = 65,536.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

import zador
from paired import ratio, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPES = (
    (65536, 4, 1024),
    (65536, 8, 8192),
    (65536, 64, 512),
    (65536, 64, 1024),
    (32768, 256, 1024),
    (16384, 32, 65536),
)
GEMM_SIDE = 2048


def main() -> None:
    """Print one line a shape, then the memory lines."""
    gemm = 2 * GEMM_SIDE**3 / median(take_turns({"gemm": (_gemm, ())})[0]["gemm"])
    print(f"GEMM (torch, {GEMM_SIDE}³, float32): {gemm / 1e9:.0f} GFLOP/s")
    print("ms: median of 7 turns; ratio: to the best peer, median over turns; GEMM: share of the rate above")
    header = ("N", "d", "K", "plain", "certified", "faiss", "cdist", "sklearn", "ratio", "certified", "GEMM", "rechecked")
    print(" ".join(f"{name:>9}" for name in header))
    for shape in SHAPES:
        print(_line(shape, gemm), flush=True)
    for dim in (8, 64):
        _print_memory(dim)


def _line(shape: tuple[int, int, int], gemm: float) -> str:
    seconds, results = take_turns(
        {
            "plain": (_zador, (shape, False)),
            "certified": (_zador, (shape, True)),
            "faiss": (_faiss, (shape,)),
            "cdist": (_cdist, (shape,)),
            "sklearn": (_sklearn, (shape,)),
        }
    )
    peers = (seconds["faiss"], seconds["cdist"], seconds["sklearn"])
    count, dim, size = shape
    values = [str(value) for value in shape]
    values += [f"{1e3 * median(times):.1f}" for times in seconds.values()]
    values += [f"{ratio(seconds[name], *peers):.2f}" for name in ("plain", "certified")]
    values += [f"{2 * count * dim * size / median(seconds['plain']) / gemm:.2f}", f"{results['certified'][-1]:.5f}"]
    return " ".join(f"{value:>9}" for value in values)


def _data(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    (count, dim, size), rng = shape, np.random.default_rng(0)
    return rng.standard_normal((count, dim), dtype=np.float32), rng.standard_normal((size, dim), dtype=np.float32)


def _gemm() -> Callable[[], None]:
    import torch

    square = torch.from_numpy(np.random.default_rng(0).standard_normal((GEMM_SIDE, GEMM_SIDE), dtype=np.float32))

    def work() -> None:
        square @ square

    return work


def _zador(shape: tuple[int, int, int], exact: bool) -> Callable[[], float]:  # noqa: FBT001 - one of two contestants
    x, codebook = _data(shape)
    return lambda: zador.nearest(x, codebook, exact=exact).rechecked


def _faiss(shape: tuple[int, int, int]) -> Callable[[], None]:
    import faiss

    x, codebook = _data(shape)

    def work() -> None:
        index = faiss.IndexFlatL2(x.shape[1])
        index.add(codebook)
        index.search(x, 1)

    return work


def _cdist(shape: tuple[int, int, int]) -> Callable[[], None]:
    import torch

    x, codebook = (torch.from_numpy(array) for array in _data(shape))

    def work() -> None:
        torch.cdist(x, codebook).argmin(dim=1)

    return work


def _sklearn(shape: tuple[int, int, int]) -> Callable[[], None]:
    from sklearn.metrics import pairwise_distances_argmin

    x, codebook = _data(shape)

    def work() -> None:
        pairwise_distances_argmin(x, codebook)

    return work


def _print_memory(dim: int) -> None:
    """Measure in a process of its own, which has compiled and loaded everything before the peak is reset."""
    command = [sys.executable, str(Path(__file__).with_name("search_memory.py")), str(dim)]
    print(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())  # noqa: S603 - our own file


if __name__ == "__main__":
    main()
