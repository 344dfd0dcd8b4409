"""An encoder, a layer and a decoder that learn together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from zador.models import Adam, Autoencoder, Training, Warmup, cosine, fit, mlp
from zador.studies.catalogue.codes.code import Code, OnSource, measured
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.layers import Bottleneck
    from zador.studies.catalogue.codes.layers import MakeLayer

__all__ = ["RECIPE", "Network", "of_network"]

RECIPE = Training(steps=300, batch_size=256, optimiser=Adam(1e-2), schedule=Warmup(20, then=cosine), warm_up=50)
"""Adam down a cosine; the first 50 steps leave the layer out: its codewords start among encodings that mean something."""


@dataclass(frozen=True)
class Network(OnSource):
    """D – hidden – m, a layer, m – hidden – D; float32, from random weights, by Adam.

    The network sees vectors scaled by √D: coordinates of variance 1 on average, which random weights are made for.

    Attributes:
        layer: what makes the layer.
        latent: m.
        hidden: widths between; none for linear maps.
        recipe: how to train.
    """

    layer: MakeLayer
    latent: int
    hidden: tuple[int, ...] = ()
    recipe: Training = field(default=RECIPE)

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures after the last step, and the distortion along the way."""
        return [self._of(seed) for seed in seeds]

    def _of(self, seed: int) -> Outcome:
        drawn = self.source.draw(seed)
        dim: int = drawn.train.shape[1]
        scale = math.sqrt(dim)
        widths = (dim, *self.hidden, self.latent)
        encoder, decoder = mlp(widths, seed=2 * seed), mlp(widths[::-1], seed=2 * seed + 1)
        layer = self.layer(self.latent, seed)
        model = Autoencoder(encoder, layer, decoder)
        judged = _float(drawn.evaluation, scale)

        def seen(_step: int, network: nn.Module) -> float:
            error: Tensor = (network(judged).reconstruction - judged).square().sum(dim=1).mean()
            return float(error.item() / dim)

        done = fit(model, _float(drawn.train, scale), self.recipe, seed=seed, observe=seen)
        curve = Series("distortion", done.steps[1:], done.observed[1:])
        return Outcome(measured(self.source, drawn, of_network(model, layer, scale)), (curve,), done.failure or "")


def of_network(model: Autoencoder, layer: Bottleneck, scale: float = 1.0) -> Code:
    """Return the code that a trained autoencoder is; one number for every parameter and codeword is stored.

    Args:
        model: which; it stays in evaluation mode.
        layer: its bottleneck.
        scale: what vectors are multiplied by before it sees them.
    """
    streams = len(layer.sizes)
    model.eval()

    @torch.no_grad()
    def encode(x: NDArray[np.float64]) -> NDArray[np.int64]:
        indices: Tensor = layer.encode(model.encoder(_float(x, scale)))
        return np.asarray(indices.reshape(len(x), streams).numpy())

    @torch.no_grad()
    def decode(indices: NDArray[np.int64]) -> NDArray[np.float64]:
        chosen = torch.from_numpy(indices)
        return np.asarray(model.decoder(layer.decode(chosen[:, 0] if streams == 1 else chosen)).double().numpy() / scale)

    kept = sum(parameter.numel() for parameter in model.parameters()) + sum(table.numel() for table in layer.codebooks)
    return Code(layer.sizes, encode, decode, kept)


def _float(x: NDArray[np.float64], scale: float) -> Tensor:
    return torch.from_numpy((x * scale).astype(np.float32))
