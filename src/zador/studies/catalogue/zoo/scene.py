"""What all arms of the zoo share: vectors, sizes, and the model that each of them starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from zador import fit_codebook
from zador.models import Adam, Autoencoder, Training, cosine, fit, mlp

if TYPE_CHECKING:
    from zador.studies.catalogue.sources.source import DrawnSource

__all__ = ["SPACING", "Begun", "Scene", "Split"]

SPACING = 2.0
"""Median distance of a codeword to its nearest neighbour at the start: the unit of the gradient atlas, see there."""

_STREAMS = 1_000_000
"""Seeds of encoders, decoders and batches lie far from each other and from those of the data."""


class Split(NamedTuple):
    """Vectors of a seed, float32.

    Attributes:
        train: (N, D).
        evaluation: (M, D).
    """

    train: Tensor
    evaluation: Tensor


class Begun(NamedTuple):
    """A model that was trained without quantization, and k-means on what its encoder makes of the training vectors.

    Where z lies and how large it is means nothing to such a model. Here its mean is 0, as rotations depend on where the
    origin is, and codewords are `SPACING` apart, as layers that draw take squared distances for nats.

    Attributes:
        model: with no layer; not to be trained further, see `Scene.model`.
        codewords: (K, d).
    """

    model: Autoencoder
    codewords: Tensor


@dataclass(frozen=True)
class Scene:
    """D coordinates through an encoder to d, one of K codewords, and back.

    Attributes:
        source: of the vectors.
        hidden: widths between D and d; none for linear maps.
        latent_dim: d.
        codebook_size: K.
        warm_up: how the model without quantization is trained.
        training: how all arms go on from there, but for their objective.
    """

    source: DrawnSource
    hidden: tuple[int, ...] = ()
    latent_dim: int = 4
    codebook_size: int = 64
    warm_up: Training = field(default_factory=lambda: Training(steps=500, optimiser=Adam(1e-2), schedule=cosine))
    training: Training = field(
        default_factory=lambda: Training(steps=250, optimiser=Adam(2e-3), schedule=cosine, record_every=50)
    )

    def data(self, seed: int) -> Split:
        """Return the vectors of a seed."""
        return Split(*(torch.from_numpy(part.astype(np.float32)) for part in self.source.draw(seed)))

    def model(self, seed: int) -> Autoencoder:
        """Return encoder and decoder as the warm-up left them, without a layer: a copy of one's own."""
        fresh = self._untrained(seed)
        fresh.load_state_dict(self.begun(seed).model.state_dict())
        return fresh

    def begun(self, seed: int) -> Begun:
        """Return where all arms of a seed start."""
        return _begun(self, seed)

    def batches(self, seed: int) -> int:
        """Return the seed of the batches that all arms draw."""
        return seed + 3 * _STREAMS

    def _untrained(self, seed: int) -> Autoencoder:
        inputs = len(self.data(seed).train[0])
        widths = (inputs, *self.hidden, self.latent_dim)
        return Autoencoder(mlp(widths, seed=seed + _STREAMS), None, mlp(widths[::-1], seed=seed + 2 * _STREAMS))


@lru_cache(maxsize=16)
def _begun(scene: Scene, seed: int) -> Begun:
    train = scene.data(seed).train
    model = scene._untrained(seed)  # noqa: SLF001 - a part of the class above its line
    fit(model, train, scene.warm_up, seed=scene.batches(seed))
    with torch.no_grad():
        z = model.encoder(train)
    book = fit_codebook(z.numpy(), scene.codebook_size, seed=seed)
    codewords, mean = torch.from_numpy(np.asarray(book.codewords, np.float32)), z.mean(dim=0)
    scale = SPACING / torch.cdist(codewords, codewords).fill_diagonal_(torch.inf).amin(dim=1).median()
    _move(model, mean, scale)
    return Begun(model.eval(), (codewords - mean) * scale)


@torch.no_grad()
def _move(model: Autoencoder, mean: Tensor, scale: Tensor) -> None:
    """Put (z - mean) · scale in the place of z, without a change to what the model makes of its vectors."""
    encoder, decoder = (
        [layer for layer in network.modules() if isinstance(layer, nn.Linear)] for network in (model.encoder, model.decoder)
    )
    encoder[-1].bias.sub_(mean).mul_(scale)
    encoder[-1].weight.mul_(scale)
    decoder[0].bias.add_(decoder[0].weight @ mean)
    decoder[0].weight.div_(scale)
