"""An encoder, a layer that quantizes, a decoder; and what the three are trained to make small."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from torch import Tensor, nn

if TYPE_CHECKING:
    from zador.layers import LayerOutput

__all__ = ["Autoencoder", "Objective", "Reconstructed", "squared_error"]


class Reconstructed(NamedTuple):
    """What an autoencoder made of a batch.

    Attributes:
        reconstruction: x̂, of the shape of x.
        indices: as the layer returns them; None where nothing was quantized.
        loss: of the layer, 0-d: commitment, codebook and all others; 0 where nothing was quantized.
        z: what the encoder made of x, before the layer.
    """

    reconstruction: Tensor
    indices: Tensor | None
    loss: Tensor
    z: Tensor


class Autoencoder(nn.Module):
    """x̂ = decoder(ẑ), ẑ = bottleneck(z), z = encoder(x).

        x ──► encoder ──► z ──► bottleneck ──► ẑ ──► decoder ──► x̂
                          │      │     │       ▲
                          │   indices  loss    │
                          └────────────────────┘
                       quantize=False, or no bottleneck

    Args:
        encoder: from x to what the layer takes.
        bottleneck: any layer of `zador.layers`; None for an autoencoder that quantizes nothing.
        decoder: from what the layer returns to the shape of x.

    Example:
        >>> import torch
        >>> import zador
        >>> from zador.models import mlp
        >>> model = Autoencoder(mlp([16, 64, 4]), zador.vq(4, 32), mlp([4, 64, 16]))
        >>> x = torch.randn(100, 16, generator=torch.Generator().manual_seed(0))
        >>> out = model(x)
        >>> out.reconstruction.shape, out.indices.shape, model(x, quantize=False).indices
        (torch.Size([100, 16]), torch.Size([100]), None)
    """

    def __init__(self, encoder: nn.Module, bottleneck: nn.Module | None, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.bottleneck, self.decoder = encoder, bottleneck, decoder

    def forward(self, x: Tensor, *, quantize: bool = True) -> Reconstructed:
        """Return what becomes of x; in training mode the layer learns from it.

        Args:
            x: as the encoder takes it.
            quantize: False leaves the layer out, and it learns nothing: how training warms up.
        """
        z = self.encoder(x)
        if self.bottleneck is None or not quantize:
            return Reconstructed(self.decoder(z), None, z.new_zeros(()), z)
        out: LayerOutput = self.bottleneck(z)
        return Reconstructed(self.decoder(out.quantized), out.indices, out.loss, z)


class Objective(Protocol):
    """What a training loop makes small."""

    def __call__(self, model: nn.Module, x: Tensor, /, *, quantize: bool) -> Tensor:
        """Return the loss of a batch, 0-d, mean over its vectors."""


def squared_error(model: nn.Module, x: Tensor, /, *, quantize: bool = True) -> Tensor:
    """Return mean over the batch of ‖x - x̂‖², summed over all coordinates of a sample, plus the layer's loss.

    Args:
        model: an `Autoencoder`, or what returns a `Reconstructed` as it does.
        x: (B, …), B samples.
        quantize: as the model takes it.

    Example:
        >>> import torch
        >>> model = Autoencoder(nn.Identity(), None, nn.Linear(2, 2, bias=False).requires_grad_(False))
        >>> _ = model.decoder.weight.zero_()
        >>> squared_error(model, torch.tensor([[3.0, 4.0], [0.0, 1.0]])).item()
        13.0
    """
    out: Reconstructed = model(x, quantize=quantize)
    return (out.reconstruction - x).square().flatten(1).sum(dim=1).mean() + out.loss
