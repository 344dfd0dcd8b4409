"""Entropy-constrained vector quantization with Python loops, as Chou, Lookabaugh and Gray wrote it down."""

from __future__ import annotations

import numpy as np


def penalised_argmin(x, codewords, penalties):
    """Return the index of the least `||x - c_k||² + penalty_k` of each vector, in float64; the lowest on ties."""
    x, codewords = np.asarray(x, np.float64), np.asarray(codewords, np.float64)
    return np.array([np.argmin(((codewords - row) ** 2).sum(axis=1) + penalties) for row in x])


def step(x, codewords, lengths, multiplier):
    """Return (codewords, lengths) after one update, and (D, H) of the assignment to the old ones."""
    indices = penalised_argmin(x, codewords, multiplier * lengths)
    distortion = np.mean(((x - codewords[indices]) ** 2).sum(axis=1))
    shares = np.array([np.mean(indices == k) for k in range(len(codewords))])
    used = [k for k in range(len(codewords)) if shares[k] > 0]
    entropy = -sum(shares[k] * np.log2(shares[k]) for k in used)
    moved = np.array([x[indices == k].mean(axis=0) for k in used])
    return (moved, -np.log2(shares[used])), (distortion, entropy)
