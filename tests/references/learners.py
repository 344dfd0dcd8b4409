"""Learners by their definitions: loops over vectors and codewords, NumPy float64, and the sums kept that ours avoid."""

from __future__ import annotations

import numpy as np


def cells(x, indices, size):
    """Return counts (K,) and sums (K, d), one vector after the other."""
    counts, sums = np.zeros(size), np.zeros((size, x.shape[1]))
    for row, k in zip(np.asarray(x, np.float64), indices, strict=True):
        if k >= 0:
            counts[k] += 1
            sums[k] += row
    return counts, sums


def ema(codewords, batches, decay, warmup):
    """Return codewords after batches of (x, indices): the ratio of averaged sums to averaged counts, both from 0."""
    codewords = np.array(codewords, np.float64)
    averaged_sums, averaged_counts = np.zeros_like(codewords), np.zeros(len(codewords))
    for t, (x, indices) in enumerate(batches):
        gamma = min(decay, (1 + t) / (warmup + t))
        counts, sums = cells(x, indices, len(codewords))
        averaged_counts = gamma * averaged_counts + (1 - gamma) * counts
        averaged_sums = gamma * averaged_sums + (1 - gamma) * sums
        for k in range(len(codewords)):
            if averaged_counts[k] > 0:
                codewords[k] = averaged_sums[k] / averaged_counts[k]
    return codewords


def smoothed_ema(codewords, batches, decay, smoothing):
    """Return codewords after batches at a constant decay, with pseudo-members where each codeword stands."""
    codewords, averaged = np.array(codewords, np.float64), np.zeros(len(codewords))
    for x, indices in batches:
        counts, sums = cells(x, indices, len(codewords))
        averaged = decay * averaged + (1 - decay) * counts
        laplace = (averaged + smoothing) / (averaged.sum() + len(averaged) * smoothing) * averaged.sum()
        for k in np.flatnonzero(counts):
            a = min(1.0, (1 - decay) * counts[k] / laplace[k])
            codewords[k] += a * (sums[k] / counts[k] - codewords[k])
    return codewords


def mean_of_members(codewords, batches):
    """Return each codeword as the mean of all the vectors that ever had its index, where there is one."""
    codewords = np.array(codewords, np.float64)
    x, indices = np.concatenate([x for x, _ in batches]), np.concatenate([indices for _, indices in batches])
    for k in range(len(codewords)):
        if (indices == k).any():
            codewords[k] = x[indices == k].mean(axis=0, dtype=np.float64)
    return codewords


def since(size, batches):
    """Return, for each codeword, the vectors since the end of the last batch in which it was chosen; None for never."""
    found = [None] * size
    for indices in batches:
        valid = [k for k in indices if k >= 0]
        found = [None if age is None else age + len(valid) for age in found]
        for k in valid:
            found[k] = 0
    return found


def drifted(before, after, chosen, bandwidth=None):
    """Return codewords (K, d); those not chosen have moved by the kernel-weighted mean of the moves of the others."""
    found = np.array(after, np.float64)
    if bandwidth is None:
        nearest = [min(np.linalg.norm(c - other) for j, other in enumerate(before) if j != k) for k, c in enumerate(before)]
        bandwidth = sorted(nearest)[(len(nearest) - 1) // 2]
    for j in np.flatnonzero(~chosen):
        total, weight = np.zeros(before.shape[1]), 0.0
        for k in np.flatnonzero(chosen):
            w = np.exp(-((before[j] - before[k]) ** 2).sum() / (2 * bandwidth**2))
            total, weight = total + w * (after[k] - before[k]), weight + w
        if weight > 0:
            found[j] = before[j] + total / weight
    return found
