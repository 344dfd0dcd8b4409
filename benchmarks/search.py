"""Nearest codeword against faiss, torch and scikit-learn: wall time, share of the machine's own GEMM rate, peak memory.

Targets: `exact=False` at most 1.0 times the best peer, certified at most 1.5 times; at most 64 MB beyond the input at
N = 1,000,000 and K = 65,536.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

import faiss
import numpy as np
import torch
from sklearn.metrics import pairwise_distances_argmin

import zador
from paired import ratio, take_turns

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
    """Print one line a shape, then the memory line."""
    rng = np.random.default_rng(0)
    side = rng.standard_normal((GEMM_SIDE, GEMM_SIDE), dtype=np.float32)
    square = torch.from_numpy(side)
    gemm = 2 * GEMM_SIDE**3 / median(take_turns({"gemm": lambda: square @ square})["gemm"])
    print(f"{torch.get_num_threads()} threads; GEMM (torch, {GEMM_SIDE}³, float32): {gemm / 1e9:.0f} GFLOP/s")
    print("ms: median of 7 turns; ratio: to the best peer, median over turns; GEMM: share of the rate above")
    header = ("N", "d", "K", "plain", "certified", "faiss", "cdist", "sklearn", "ratio", "certified", "GEMM", "rechecked")
    print(" ".join(f"{name:>9}" for name in header))
    for count, dim, size in SHAPES:
        x = rng.standard_normal((count, dim), dtype=np.float32)
        codebook = rng.standard_normal((size, dim), dtype=np.float32)
        print(_line(x, codebook, gemm), flush=True)
    for dim in (8, 64):
        _print_memory(dim)


def _line(x: np.ndarray, codebook: np.ndarray, gemm: float) -> str:
    tensors = torch.from_numpy(x), torch.from_numpy(codebook)
    seconds = take_turns(
        {
            "plain": lambda: zador.nearest(x, codebook, exact=False),
            "certified": lambda: zador.nearest(x, codebook),
            "faiss": lambda: _faiss(x, codebook),
            "cdist": lambda: torch.cdist(*tensors).argmin(dim=1),
            "sklearn": lambda: pairwise_distances_argmin(x, codebook),
        }
    )
    peers = (seconds["faiss"], seconds["cdist"], seconds["sklearn"])
    flops = 2 * len(x) * codebook.size
    values = [f"{value}" for value in (len(x), x.shape[1], len(codebook))]
    values += [f"{1e3 * median(times):.1f}" for times in seconds.values()]
    values += [f"{ratio(seconds[name], *peers):.2f}" for name in ("plain", "certified")]
    values += [f"{flops / median(seconds['plain']) / gemm:.2f}", f"{zador.nearest(x, codebook).rechecked:.5f}"]
    return " ".join(f"{value:>9}" for value in values)


def _faiss(x: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    index = faiss.IndexFlatL2(x.shape[1])
    index.add(codebook)
    return index.search(x, 1)[1]


def _print_memory(dim: int) -> None:
    """Measure in a process of its own, which has compiled and loaded everything before the peak is reset."""
    result = subprocess.run(  # noqa: S603 - our own file
        [sys.executable, str(Path(__file__).with_name("search_memory.py")), str(dim)],
        capture_output=True,
        text=True,
        check=True,
    )
    print(result.stdout.strip())


if __name__ == "__main__":
    main()
