"""Codes of small maps: an index or two for each patch, or some for the whole and some for its patches."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from zador import layers
from zador.codebooks import Ema, fit_codebook
from zador.models import Autoencoder, Training, fit
from zador.search import nearest
from zador.studies.catalogue.codes.code import Code, OnSource, measured
from zador.studies.catalogue.codes.networks import RECIPE
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.layers import Bottleneck
    from zador.models import Fitted
    from zador.studies.catalogue.codes.fitted import Fit
    from zador.studies.catalogue.sources import PhotoMaps

__all__ = ["EachPatch", "LayerOnMaps", "MultiscaleLayer", "PatchLayer", "TwoLevels"]

_TABLE_DIM = 16
"""Coordinates of a codeword of the trained layers, behind linear maps."""


@dataclass(frozen=True)
class EachPatch(OnSource):
    """One quantizer for all patches, each patch by itself.

    Attributes:
        fit: what fits it.
    """

    source: PhotoMaps
    fit: Fit

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures."""
        return [self._of(seed) for seed in seeds]

    def _of(self, seed: int) -> Outcome:
        drawn, patches = self.source.draw(seed), self.source.side**2
        dim = drawn.train.shape[1] // patches
        quantizer = self.fit(drawn.train.reshape(-1, dim), seed)

        def encode(x: NDArray[np.float64]) -> NDArray[np.int64]:
            found: NDArray[np.int64] = quantizer.encode(x.reshape(-1, dim))
            return found.reshape(len(x), -1)

        def decode(indices: NDArray[np.int64]) -> NDArray[np.float64]:
            return np.asarray(quantizer.decode(indices.reshape(-1, len(quantizer.sizes)))).reshape(len(indices), -1)

        kept = sum(tensor.size for name, tensor in quantizer.artefact().tensors.items() if not name.startswith("usage"))
        return Outcome(measured(self.source, drawn, Code(quantizer.sizes * patches, encode, decode, kept)))


@dataclass(frozen=True)
class TwoLevels(OnSource):
    """An index for the mean of all patches, then one for what each patch has besides [razavi2019generating].

    Attributes:
        whole: codewords for the mean.
        each: codewords for what is left, one table for all patches.
    """

    source: PhotoMaps
    whole: int
    each: int

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures."""
        return [self._of(seed) for seed in seeds]

    def _of(self, seed: int) -> Outcome:
        drawn, patches = self.source.draw(seed), self.source.side**2
        dim = drawn.train.shape[1] // patches
        train = drawn.train.reshape(-1, patches, dim)
        top = fit_codebook(train.mean(axis=1), self.whole, seed=seed).codewords
        left = train - top[nearest(train.mean(axis=1), top).indices][:, None]
        bottom = fit_codebook(left.reshape(-1, dim), self.each, seed=seed).codewords

        def encode(x: NDArray[np.float64]) -> NDArray[np.int64]:
            cut = x.reshape(-1, patches, dim)
            first = nearest(cut.mean(axis=1), top).indices
            rest = nearest((cut - top[first][:, None]).reshape(-1, dim), bottom).indices
            return np.column_stack([first, rest.reshape(-1, patches)])

        def decode(indices: NDArray[np.int64]) -> NDArray[np.float64]:
            return np.asarray((top[indices[:, :1]] + bottom[indices[:, 1:]]).reshape(len(indices), -1))

        code = Code((self.whole, *(self.each,) * patches), encode, decode, top.size + bottom.size)
        return Outcome(measured(self.source, drawn, code))


@dataclass(frozen=True)
class PatchLayer:
    """`zador.vq` on every patch of a map.

    Attributes:
        codebook_size: K.
    """

    codebook_size: int

    def __call__(self, dim: int, _side: int, seed: int, /) -> Bottleneck:
        """Return the layer."""
        return layers.vq(dim, self.codebook_size, codebook_dim=_TABLE_DIM, learner=Ema(seed=seed), seed=seed)


@dataclass(frozen=True)
class MultiscaleLayer:
    """`zador.multiscale`: the map as one patch, then as all its patches, with one table.

    Attributes:
        codebook_size: K.
    """

    codebook_size: int

    def __call__(self, dim: int, side: int, seed: int, /) -> Bottleneck:
        """Return the layer."""
        learner = Ema(seed=seed)
        return layers.multiscale(dim, self.codebook_size, (1, side), codebook_dim=_TABLE_DIM, learner=learner, seed=seed)


@dataclass(frozen=True)
class LayerOnMaps(OnSource):
    """A layer with linear maps to 16 coordinates and back, trained in mini-batches of maps; it is all there is to train.

    Attributes:
        layer: what makes it.
        recipe: how to train.
    """

    source: PhotoMaps
    layer: PatchLayer | MultiscaleLayer
    recipe: Training = field(default=replace(RECIPE, warm_up=0))

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures after the last step."""
        return [self._of(seed) for seed in seeds]

    def _of(self, seed: int) -> Outcome:
        drawn, side = self.source.draw(seed), self.source.side
        width: int = drawn.train.shape[1]
        dim, scale = width // side**2, math.sqrt(width)
        layer = self.layer(dim, side, seed)
        model = Autoencoder(nn.Unflatten(1, (side, side, dim)), layer, nn.Flatten(1))
        done: Fitted[None] = fit(model, _maps(drawn.train, scale), self.recipe, seed=seed)
        model.eval()
        indices = layer.encode(model.encoder(_maps(drawn.train[:1], scale)))
        shape, streams = indices.shape[1:], indices[0].numel()

        @torch.no_grad()
        def encode(x: NDArray[np.float64]) -> NDArray[np.int64]:
            found: Tensor = layer.encode(model.encoder(_maps(x, scale)))
            return np.asarray(found.reshape(len(x), streams).numpy())

        @torch.no_grad()
        def decode(indices: NDArray[np.int64]) -> NDArray[np.float64]:
            values = model.decoder(layer.decode(torch.from_numpy(indices).reshape(-1, *shape)))
            return np.asarray(values.double().numpy() / scale)

        kept = sum(parameter.numel() for parameter in model.parameters()) + sum(table.numel() for table in layer.codebooks)
        sizes = layer.sizes * (streams // len(layer.sizes))
        return Outcome(measured(self.source, drawn, Code(sizes, encode, decode, kept)), failure=done.failure or "")


def _maps(x: NDArray[np.float64], scale: float) -> Tensor:
    return torch.from_numpy((x * scale).astype(np.float32))
