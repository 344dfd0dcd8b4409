"""Two choices of what to step along: how codewords are normalised, and which part of the encoder's gradient counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CodebookGradient", "EncoderGradient", "per_batch", "per_code", "plain", "tangent"]

# (gradient of the batch loss (S, K, m), members of each codeword (S, K), batch size) -> (S, K, m).
CodebookGradient = Callable[[NDArray[Any], NDArray[Any], int], NDArray[Any]]
# (gradient (S, m, D), encoder (S, m, D)) -> (S, m, D).
EncoderGradient = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


def per_batch(gradient: NDArray[Any], _counts: NDArray[Any], _batch_size: int) -> NDArray[Any]:
    """Return the gradient as it is, `2α (n_k / B) (e_k - mean of its n_k members)`: what automatic differentiation gives."""
    return gradient


def per_code(gradient: NDArray[Any], counts: NDArray[Any], batch_size: int) -> NDArray[Any]:
    """Return the gradient times B / n_k, `2α (e_k - mean of its members)`; 0 for a codeword without members.

    A step of rate η multiplies e_k - mean by 1 - 2αη: unstable for αη > 1, a mirror at αη = 1, whatever the encoder does.
    """
    scale = np.where(counts > 0, batch_size / np.maximum(counts, 1), 0)
    return np.asarray(gradient * scale[:, :, None].astype(gradient.dtype))


def plain(gradient: NDArray[Any], _encoder: NDArray[Any]) -> NDArray[Any]:
    """Return the Euclidean gradient G as it is."""
    return gradient


def tangent(gradient: NDArray[Any], encoder: NDArray[Any]) -> NDArray[Any]:
    """Return `G - ½ W (GᵀW + WᵀG)`, for orthonormal rows ½ (G - W Gᵀ W).

    Half of the gradient in the canonical metric of the Stiefel manifold [edelman1998geometry]. It is protocol A's formula,
    which is not the orthogonal projection G - ½ (G Wᵀ + W Gᵀ) W onto the tangent space.
    """
    across = encoder @ gradient.transpose(0, 2, 1)
    return np.asarray(gradient - (across @ encoder + (encoder @ encoder.transpose(0, 2, 1)) @ gradient) / 2)
