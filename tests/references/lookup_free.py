"""One-bit codes with every codeword written down: N × 2^d distances, a softmax, entropies by their definition."""

from __future__ import annotations

import itertools

import torch


def codewords(dim, scale):
    """Return all 2^d codewords; bit i of the row's number is the sign of coordinate i."""
    signs = itertools.product((-1.0, 1.0), repeat=dim)
    return torch.tensor([row[::-1] for row in signs], dtype=torch.float64) * scale


def probabilities(z, scale, temperature):
    """Return p(c | z_n) ∝ exp(-||z_n - c||² / τ), (N, 2^d) float64."""
    squared = ((z.double()[:, None, :] - codewords(z.shape[1], scale)[None]) ** 2).sum(-1)
    return torch.softmax(-squared / temperature, dim=1)


def entropy_bits(p):
    """Return -Σ p log2 p over the last axis."""
    return -(p * p.clamp(min=1e-300).log2()).sum(-1)


def entropies(z, scale, temperature, weights=None):
    """Return the weighted mean of the entropies, and the entropy of the weighted mean, in bits."""
    p = probabilities(z, scale, temperature)
    weights = torch.ones(len(z), dtype=torch.float64) if weights is None else weights.double()
    weights = weights / weights.sum()
    return (weights * entropy_bits(p)).sum(), entropy_bits((weights[:, None] * p).sum(0))
