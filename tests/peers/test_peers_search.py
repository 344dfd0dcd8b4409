"""Whether the codeword that is chosen is the nearest one, and the value returned that codeword."""

from __future__ import annotations

import pytest
import torch
from vector_quantize_pytorch import VectorQuantize

import zador
from zador.codebooks import Frozen
from zador.estimators import rotation_trick

COUNT, DIM, SIZE = 1000, 16, 512


def drawn(count, seed, offset=0.0):
    return torch.randn(count, DIM, generator=torch.Generator().manual_seed(seed)) + offset


def nearest(x, codebook):
    """By the definition, in double precision."""
    return ((x.double()[:, None] - codebook.double()) ** 2).sum(dim=-1).argmin(dim=1)


def both(codebook):
    """The peer and ours, over the same codewords at rest."""
    size, dim = codebook.shape
    peer = VectorQuantize(dim, size, freeze_codebook=True)
    peer.codebook = codebook
    return peer.eval(), zador.vq(dim, size, learner=Frozen(start=codebook), estimator=rotation_trick)


@pytest.mark.parametrize(("offset", "peers_share"), [(1000.0, 0.6), (10000.0, 0.05)])
def test_data_with_an_offset(offset, peers_share):
    """Far from the origin the peer finds the nearest codeword every other time, then hardly ever; ours always."""
    x, codebook = drawn(COUNT, 0, offset), drawn(SIZE, 1, offset)
    peer, layer = both(codebook)
    expected = nearest(x, codebook)
    assert (peer(x[None])[1][0] == expected).double().mean() < peers_share
    assert torch.equal(layer.encode(x), expected)
    assert torch.equal(layer.eval()(x).indices, expected)


def test_the_fast_search_of_training_is_centred():
    """Without a certificate, in training, the offset costs nothing either: what is chosen is as near as the nearest."""
    x, codebook = drawn(COUNT, 0, 10000.0), drawn(SIZE, 1, 10000.0)
    _, layer = both(codebook)
    expected = ((x.double() - codebook[nearest(x, codebook)].double()) ** 2).sum(dim=1)
    found = ((x.double() - codebook[layer.train()(x).indices].double()) ** 2).sum(dim=1)
    # Coordinates are centred before they are rounded, to float32 of numbers near 4: d products of that size.
    torch.testing.assert_close(found, expected, rtol=0, atol=4 * DIM * 16 * torch.finfo(torch.float32).eps)


def test_codewords_close_together_are_told_apart():
    """The peer's distances end at 1e-4, and everything closer is its index 0; here every codeword finds itself."""
    codebook = 1e-6 * drawn(64, 2)
    peer, layer = both(codebook)
    assert (peer(codebook[None])[1] == 0).all()
    assert torch.equal(layer.encode(codebook), torch.arange(64))
    assert torch.equal(layer(codebook).indices, torch.arange(64))


@pytest.mark.parametrize("length", [0.0, 1e-8])
def test_the_rotation_trick_returns_the_codeword(length):
    """For a vector of (nearly) no length the peer's training output is no codeword at all; here it is the one chosen."""
    x = torch.full((1, 5, DIM), length / DIM**0.5)
    codebook = drawn(SIZE, 1)
    peer, layer = both(codebook)
    theirs, chosen, _ = peer.train()(x.clone().requires_grad_())
    off = torch.linalg.vector_norm(theirs - codebook[chosen], dim=-1) / torch.linalg.vector_norm(codebook[chosen], dim=-1)
    assert (off > 0.9).all()
    mine = x.clone().requires_grad_()
    out = layer.train()(mine)
    assert torch.equal(out.quantized, codebook[out.indices])
    out.quantized.sum().backward()
    assert torch.isfinite(mine.grad).all()


def test_autocast_leaves_the_search_alone():
    """Under bfloat16 autocast on the CPU the peer takes distances in 16 bits and errs; here indices are the same."""
    x, codebook = drawn(COUNT, 0), drawn(1024, 1)
    peer, layer = both(codebook)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        theirs, mine = peer(x[None])[1][0], layer.eval()(x).indices
    expected = nearest(x, codebook)
    assert (theirs == expected).double().mean() < 0.995
    assert torch.equal(mine, expected)


def test_double_precision_stays_double():
    """float64 vectors are searched by the peer in float32, which cannot tell these apart; here in float64."""
    codebook = 1 + 1e-10 * drawn(64, 3).double()
    peer, layer = both(codebook)
    assert (peer.double()(codebook[None])[1][0] == torch.arange(64)).double().mean() < 0.1
    assert torch.equal(layer.double().encode(codebook), torch.arange(64))
