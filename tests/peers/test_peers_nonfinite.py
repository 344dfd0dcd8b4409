"""One vector that is not finite: what it does to the codebook there, and here."""

from __future__ import annotations

import pytest
import torch
from vector_quantize_pytorch import VectorQuantize

import zador
from zador.codebooks import Ema
from zador.errors import NonFiniteError

COUNT, DIM, SIZE = 200, 8, 64
BAD = 17


def vectors():
    return torch.randn(1, COUNT, DIM, generator=torch.Generator().manual_seed(0))


def ours(**options):
    return zador.vq(DIM, SIZE, learner=Ema(start=vectors()[0, -SIZE:]), **options)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_one_bad_vector_leaves_the_codebook_alone(value):
    """The peer's codewords are all lost in one step; here the step is refused, the row named, and no codeword moves."""
    x = vectors()
    x[0, BAD, 3] = value
    peer, layer = VectorQuantize(DIM, SIZE), ours()
    peer(x)
    assert not torch.isfinite(peer.codebook).all(dim=1).any()
    before = layer.codebooks[0].clone()
    with pytest.raises(NonFiniteError, match=f"1 of {COUNT} vectors .*rows {BAD}"):
        layer(x)
    assert torch.equal(layer.codebooks[0], before)


def test_one_bad_vector_can_be_left_out_and_counted():
    """With on_nonfinite="skip" the layer learns the same bits as from the vectors without the bad one, and says how many."""
    x = vectors()
    x[0, BAD] = torch.nan
    keep = torch.arange(COUNT) != BAD
    skipping, without = ours(on_nonfinite="skip"), ours()
    out, expected = skipping(x), without(vectors()[:, keep])
    assert (out.info.skipped.item(), out.indices[0, BAD].item()) == (1, -1)
    assert torch.equal(out.indices[0, keep], expected.indices[0])
    assert torch.equal(skipping.codebooks[0], without.codebooks[0])
    assert torch.isfinite(out.loss)
    assert torch.isfinite(out.quantized).all()


def test_what_padding_holds_does_not_matter():
    """NaN under the mask destroys the peer's codebook while its loss stays finite; here it is as if it were not there."""
    x, mask = vectors(), torch.ones(1, COUNT, dtype=torch.bool)
    mask[0, BAD] = False
    dirty = x.clone()
    dirty[0, BAD] = torch.nan
    peer = VectorQuantize(DIM, SIZE)
    _, _, loss = peer(dirty, mask=mask)
    assert torch.isfinite(loss)
    assert torch.isnan(peer.codebook).all()
    layer, clean = ours(), ours()
    out, expected = layer(dirty, mask=mask), clean(x, mask=mask)
    assert torch.equal(out.quantized, expected.quantized)
    assert torch.equal(out.loss, expected.loss)
    assert torch.equal(layer.codebooks[0], clean.codebooks[0])
