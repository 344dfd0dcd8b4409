"""Learned maps around a code: the identity at first, in every layer, and learned with the rest."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import zador
from zador.codebooks import Gradient
from zador.errors import UsageError
from zador.layers import LinearTransport, ModuleTransport, OrthogonalTransport

KINDS = [OrthogonalTransport(), LinearTransport(), ModuleTransport(nn.Identity(), nn.Identity())]
LAYERS = {
    "vq": lambda **options: zador.vq(8, 16, **options),
    "projected": lambda **options: zador.vq(8, 16, codebook_dim=3, heads=2, **options),
    "rvq": lambda **options: zador.rvq(8, 16, stages=2, **options),
    "fsq": lambda **options: zador.fsq((5, 5, 5), dim=8, **options),
    "multiscale": lambda **options: zador.multiscale(8, 16, (1, 2), **options),
    "gumbel": lambda **options: zador.gumbel_vq(8, 16, **options),
}


def drawn(seed=0, shape=(40, 2, 2, 8)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) + 1


def turned(layer, seed=3):
    """Give the maps of a layer other parameters than the identity."""
    with torch.no_grad():
        for module in (layer.space.before, layer.space.after):
            for parameter in module.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)))
    return layer


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("transport", KINDS, ids=lambda kind: type(kind).__name__)
def test_transport_starts_as_the_identity(transport, make):
    """Until something is learned, indices, values, losses and gradients are those of the same layer without, to rounding."""
    found = []
    for options in ({}, {"transport": transport}):
        layer, x = make(**options), drawn().requires_grad_()
        layer(drawn())
        out = layer(x)
        (out.quantized.pow(2).sum() + out.loss).backward()
        found.append((out.indices, out.quantized, out.loss, x.grad))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("transport", KINDS[:2], ids=lambda kind: type(kind).__name__)
def test_decoded_indices_are_the_values_of_the_layer(transport, make):
    """The way back of `decode` is that of the layer, to the bit, and of a copy; a state dict carries the maps."""
    layer = turned(make(transport=transport))
    layer(drawn())
    layer.eval()
    out = layer(drawn(1))
    assert layer.decode(layer.encode(drawn(1))).equal(out.quantized)
    for twin in (copy.deepcopy(layer), make(transport=transport).eval()):
        twin.load_state_dict(layer.state_dict(), strict=True)
        assert twin(drawn(1)).quantized.equal(out.quantized)
        # A copy has maps of its own.
        turned(twin)
        assert not twin(drawn(1)).quantized.equal(out.quantized)
        assert layer(drawn(1)).quantized.equal(out.quantized)


def test_a_rotation_keeps_squared_errors():
    """`QᵀQ = I` to rounding however far it has learned, so distortion in the code is distortion outside."""
    layer = turned(zador.vq(8, 16, transport=OrthogonalTransport()))
    with torch.no_grad():
        layer.space.before.skew.mul_(20)
    q = layer.space.before.matrix()
    torch.testing.assert_close(q @ q.T, torch.eye(8), rtol=0, atol=1e-5)
    layer(drawn())
    out = layer.eval()(drawn())
    outside = ((out.quantized - drawn()) ** 2).sum(-1).mean()
    torch.testing.assert_close(out.info.distortion, outside, rtol=1e-5, atol=0)


def test_gradients_cross_a_rotation_as_if_it_were_not_there():
    """Straight through Q and Qᵀ is straight through: what reaches x is what came from above."""
    layer, x = turned(zador.vq(8, 16, transport=OrthogonalTransport(), commitment=0.0)), drawn().requires_grad_()
    g = drawn(4)
    (layer(x).quantized * g).sum().backward()
    torch.testing.assert_close(x.grad, g, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_rotations_are_formed_in_single_precision_or_better(dtype):
    """A model of 16 bits, or under autocast, still rotates in float32."""
    layer = turned(zador.vq(8, 16, transport=OrthogonalTransport())).to(dtype)
    x = drawn().to(dtype)
    rows = layer.space.enter(x, None, None)
    assert rows.x.dtype == torch.promote_types(dtype, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.space.enter(x, None, None).x.equal(rows.x)
    assert layer(x).quantized.dtype == dtype


def test_product_quantization_learns_the_transform_that_pairs_variances():
    """Two correlated coordinates, a table each: a rotation, learned through the layer's own losses, lowers the error."""
    x = drawn(0, (2000, 2)) @ torch.tensor([[3.0, 2.7], [0.0, 1.3]])
    errors = []
    for options in ({}, {"transport": OrthogonalTransport()}):
        layer = zador.pq(2, (8, 2), parts=2, learner=Gradient(), **options)
        layer(x)
        optimiser = torch.optim.Adam(layer.parameters(), lr=0.05)
        for _ in range(150):
            optimiser.zero_grad()
            layer(x).loss.backward()
            optimiser.step()
        errors.append(layer.eval()(x).info.distortion.item())
    assert errors[1] < 0.7 * errors[0]


def test_masked_vectors_come_out_as_zeros_whatever_the_modules_do():
    """A bias does not show where nothing was, nor NaN in what is masked."""
    layer = turned(zador.vq(8, 16, transport=LinearTransport()))
    x, mask = drawn(0, (40, 8)), torch.arange(40) % 3 != 0
    x[~mask] = torch.nan
    out = layer(x, mask)
    assert (out.quantized[~mask] == 0).all()
    assert out.loss.isfinite()


def test_what_is_no_transport_is_refused():
    """One line says what was expected; modules have to return as many coordinates as they get."""
    with pytest.raises(UsageError, match="transport='orthogonal'"):
        zador.vq(8, 16, transport="orthogonal")
    with pytest.raises(UsageError, match="ModuleTransport"):
        ModuleTransport(nn.Linear(8, 8), lambda x: x)
    with pytest.raises(UsageError, match=r"shape \(160, 8\) back, got \(160, 3\)"):
        zador.vq(8, 16, transport=ModuleTransport(nn.Linear(8, 3), nn.Linear(3, 8)))(drawn())
