"""Tables behind maps: started like plain ones, moved by an optimiser alone."""

from __future__ import annotations

import pytest
import torch

import zador
from zador.codebooks import AffineTransform, Ema, Gradient, LinearTransform, MlpTransform
from zador.errors import UsageError
from zador.layers import LinearLearnedTable, TransformedTable

TRANSFORMS = [LinearTransform(), AffineTransform(), MlpTransform(), AffineTransform(learns_base=False)]


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_it_starts_where_a_plain_table_would(transform):
    """Given codewords, and those of k-means++ on the first vectors, are what is looked at."""
    given = 3 * vectors(16, 4) + 5
    table = TransformedTable(16, 4, Gradient(start=given, revive=None), transform=transform)
    torch.testing.assert_close(table.look().detach(), given, rtol=1e-4, atol=1e-4)
    x = vectors(400, 4) * torch.tensor([3.0, 1.0, 0.5, 0.1]) + 5
    layer, plain = zador.simvq(4, 16, transform=transform), zador.vq(4, 16, learner=Gradient(revive=None))
    layer(x)
    plain(x)
    torch.testing.assert_close(layer.codebooks[0], plain.codebooks[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_one_vector_moves_every_codeword(transform):
    """Under plain gradient descent; the base moves only where it learns, and only where it is chosen."""
    x, layer = vectors(400, 4) + 5, zador.simvq(4, 16, transform=transform)
    layer(x)
    before, base = layer.codebooks[0], layer.quantizer.table.codewords.detach().clone()
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.05)
    out = layer(x[:1] + 0.3)
    out.loss.backward()
    optimiser.step()
    assert bool(((layer.codebooks[0] - before).abs().amax(dim=1) > 0).all())
    moved = (layer.quantizer.table.codewords.detach() != base).any(dim=1)
    assert moved.nonzero().flatten().tolist() == (out.indices.tolist() if transform.learns_base else [])


@pytest.mark.parametrize("make", [zador.simvq, lambda *sizes, **options: zador.rsimvq(*sizes, 2, **options)])
@pytest.mark.parametrize("transform", TRANSFORMS[1:3], ids=repr)
def test_they_learn(make, transform):
    """The codebook loss falls under Adam, in one stage and in two."""
    x = vectors(2000, 4) @ vectors(4, 4, seed=3) + 5
    layer = make(4, 32, transform=transform)
    layer(x)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        out = layer(x)
        out.loss.backward()
        optimiser.step()
        losses.append(out.info.codebook.item())
    assert losses[-1] < 0.95 * losses[0]


def test_an_mlp_bends_what_a_linear_map_cannot():
    """Codewords on a line, vectors on a parabola: the loss behind a hidden layer falls below that of any linear map."""
    t = torch.linspace(-2, 2, 400)
    x = torch.stack([t, t**2], dim=1)
    start = torch.stack([torch.linspace(-2, 2, 16), torch.linspace(0, 4, 16)], dim=1)
    best = {}
    for transform in (LinearTransform(), MlpTransform()):
        layer = zador.simvq(2, 16, learner=Gradient(start=start, revive=None), transform=transform)
        optimiser = torch.optim.Adam(layer.parameters(), lr=0.03)
        for _ in range(120):
            optimiser.zero_grad()
            out = layer(x)
            out.loss.backward()
            optimiser.step()
        best[type(transform)] = out.info.distortion.item()
    assert best[MlpTransform] < 0.5 * best[LinearTransform]


def test_the_table_of_simvq_is_one_of_them():
    """`LinearLearnedTable` has the names that checkpoints of SimVQ know."""
    table = LinearLearnedTable(8, 3, Gradient(revive=None))
    assert isinstance(table, TransformedTable)
    assert {name for name, _ in table.named_parameters()} == {"weight", "bias"}
    assert "codewords" in dict(table.named_buffers())


def test_what_cannot_learn_so_is_refused():
    """Learners that take steps of their own, revival of single codewords, and maps that are none."""
    with pytest.raises(UsageError, match="learns by gradient"):
        TransformedTable(8, 3, Ema(revive=None))
    with pytest.raises(UsageError, match="revive=None"):
        TransformedTable(8, 3, Gradient())
    with pytest.raises(UsageError, match="transform='mlp': expected an object"):
        zador.simvq(3, 8, transform="mlp")
