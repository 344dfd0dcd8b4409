"""Soft choices with every distance written down, and the losses that are made of them."""

from __future__ import annotations

import torch


def probabilities(z, codewords, temperature):
    """Return p(k | z_n) ∝ exp(-||z_n - c_k||² / τ), (N, K)."""
    return torch.softmax(-((z[:, None] - codewords[None]) ** 2).sum(-1) / temperature, dim=1)


def entropy_bits(p):
    """Return -Σ p log2 p over the last axis."""
    return -(p * p.clamp(min=1e-300).log2()).sum(-1)


def energy_distance(x, y):
    """Return 2 E|x - y| - E|x - x'| - E|y - y'| of different rows, one pair at a time."""

    def mean(one, other, skip):
        pairs = [(one[i] - other[j]).norm() for i in range(len(one)) for j in range(len(other)) if not (skip and i == j)]
        return torch.stack(pairs).mean()

    return 2 * mean(x, y, False) - mean(x, x, True) - mean(y, y, True)
