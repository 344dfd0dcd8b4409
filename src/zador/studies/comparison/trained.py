"""Codebooks that are trained in batches: by a layer, and by gradients together with the subspace they live in."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zador.codebooks import Codebook, Ema, principal_axes
from zador.estimators import rotation_trick, straight_through
from zador.layers import vq
from zador.metrics import usage_counts
from zador.models.linear import Autograd, Rates, Recipe, converged, cosine, start, train
from zador.quantizers import VectorQuantizer
from zador.search import nearest
from zador.studies.comparison.method import Method
from zador.theory import gaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.models.linear import Engine, LinearAutoencoder
    from zador.quantizers import Quantizer
    from zador.studies.comparison.method import Room

__all__ = ["TRAINED"]

_MOST_BITS = 10
"""A step looks at every codeword for each of its vectors: beyond so many bits, training takes minutes."""

_RECIPE = Recipe(steps=500, batch_size=1024, record_every=500)
_ENCODER_RATE = 0.4
"""For data whose kept variance is 1; on the testbed, where it is 8.4, that is the reports' rate of 0.05."""
_CODEBOOK_RATE = 0.1
"""Times K: the gradient of a codeword is that of the batch, of which it has a share of about 1 / K."""


def _serves(bits: int, room: Room, /) -> bool:
    return bits <= _MOST_BITS and 2**bits <= room.distinct


def _layer(x: NDArray[Any], bits: int, seed: int, /) -> Quantizer:
    layer = vq(x.shape[1], 2**bits, learner=Ema(seed=seed))
    rng, vectors = np.random.default_rng(seed), torch.from_numpy(x)
    for _ in range(_RECIPE.steps):
        layer(vectors[rng.integers(0, len(x), _RECIPE.batch_size)])
    codewords = layer.decode(torch.arange(2**bits)).numpy().astype(x.dtype)
    return VectorQuantizer.of(Codebook(codewords, usage_counts(nearest(x, codewords).indices, len(codewords)).astype(float)))


def _axes(x: NDArray[Any], bits: int) -> int:
    """Return m: the axes on which reverse water-filling spends bits at this rate, at least one."""
    eigenvalues = principal_axes(x).eigenvalues
    return max(1, int(np.count_nonzero(gaussian.reproduction_variances(eigenvalues, bits))))


def _lloyd(x: NDArray[Any], bits: int, seed: int, /) -> Quantizer:
    mean = x.mean(axis=0, dtype=np.float64)
    return _quantizer(x, converged(x, codebook_size=2**bits, encoder_dim=_axes(x, bits), seeds=[seed], mean=mean))


def _train(engine: Engine, x: NDArray[Any], bits: int, seed: int, /) -> Quantizer:
    mean, axes, size = x.mean(axis=0, dtype=np.float64), _axes(x, bits), 2**bits
    kept = float(principal_axes(x).eigenvalues[:axes].sum())
    scale = np.asarray(np.sqrt(kept), x.dtype)
    scaled = (x - mean.astype(x.dtype)) / scale
    begun = start(scaled, codebook_size=size, encoder_dim=axes, seeds=[seed], sample=None)
    rates = Rates(_ENCODER_RATE, _CODEBOOK_RATE * size, cosine)
    done = train(begun, scaled, replace(_RECIPE, rates=rates), engine, seeds=[seed])
    return _quantizer(x, replace(done.model, codewords=done.model.codewords * float(scale), mean=mean[None]))


def _quantizer(x: NDArray[Any], model: LinearAutoencoder) -> Quantizer:
    usage = usage_counts(model.encode(x)[0], model.codebook_size).astype(float)
    found = model.member(0, usage)
    return VectorQuantizer.of(Codebook(np.asarray(found.codewords, x.dtype), found.usage))


TRAINED = (
    Method("PCA + Lloyd", _lloyd, _serves),
    Method("straight-through", partial(_train, Autograd(straight_through)), _serves),
    Method("rotation trick", partial(_train, Autograd(rotation_trick)), _serves),
    Method("VQ layer, EMA", _layer, _serves),
)
"""One table of 2^bits codewords: in the subspace of an orthonormal encoder, which is that of the principal axes or turned by
gradients; or in all dimensions, as `zador.vq` learns it from 500 batches.

Behind an orthonormal encoder the projection estimator, and manual gradients, are straight-through itself: no arms of their
own.
"""
