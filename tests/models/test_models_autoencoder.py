"""The autoencoder: what goes where, with the layer and without."""

from __future__ import annotations

import pytest
import torch

import zador
from zador.codebooks import Frozen
from zador.models import Autoencoder, mlp, squared_error

X = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
CORNERS = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


def autoencoder(layer):
    return Autoencoder(mlp([6, 2], seed=1), layer, mlp([2, 6], seed=2))


def test_data_flow_through_the_layer():
    """What the encoder made is z, x̂ the decoder's of the codewords that the layer names, the loss is the layer's own."""
    model = autoencoder(zador.vq(2, 4, learner=Frozen(start=CORNERS)))
    out = model(X)
    torch.testing.assert_close(out.z, model.encoder(X))
    torch.testing.assert_close(out.reconstruction, model.decoder(model.bottleneck.decode(out.indices)))
    distances = (out.z - model.bottleneck.decode(out.indices)).square().sum(1)
    torch.testing.assert_close(out.loss, 0.25 * distances.mean())


@pytest.mark.parametrize("layer", [None, zador.vq(2, 4)])
def test_without_the_layer_nothing_is_quantized_or_learnt(layer):
    """x̂ = decoder(encoder(x)), no indices, no loss; the layer has not started."""
    model = autoencoder(layer)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    out = model(X, quantize=False)
    torch.testing.assert_close(out.reconstruction, model.decoder(model.encoder(X)))
    assert (out.indices, out.loss.item()) == (None, 0.0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_squared_error_sums_coordinates_and_averages_samples():
    """Of (B, …) samples of any shape, with the layer's loss added once."""
    model = autoencoder(zador.vq(2, 4)).eval()
    out = model(X)
    expected = sum(((out.reconstruction[n] - X[n]) ** 2).sum() for n in range(50)) / 50 + out.loss
    torch.testing.assert_close(squared_error(model, X), expected)
    wide = Autoencoder(torch.nn.Identity(), None, torch.nn.Threshold(1e9, 0.0))
    assert squared_error(wide, torch.ones(3, 2, 5)).item() == pytest.approx(10.0)
