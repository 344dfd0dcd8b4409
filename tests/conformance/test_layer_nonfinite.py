"""NaN and infinity never reach a codebook: they are refused by name, or left out and counted."""

from __future__ import annotations

import pytest
import torch

from conformance.layer_members import ALL, MEMBERS, over, same_buffers, train
from zador.errors import NonFiniteError
from zador.layers import fsq, lfq, rvq, vq

BAD = [torch.nan, torch.inf, -torch.inf]


def spoilt(member, value):
    """Return a batch with one number replaced, and the row of the vector it is in."""
    x = member.input(seed=9)
    vectors = x.movedim(member.axis, -1).contiguous()
    vectors.view(-1, vectors.shape[-1])[7, -1] = value
    return vectors.movedim(-1, member.axis).contiguous(), 7


@over(ALL, promise="raises")
@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("training", [True, False])
def test_what_is_not_finite_is_refused(member, value, training):
    """The error counts the vectors and names the rows; no buffer has changed, and the layer works on."""
    layer, twin = member.make(), member.make()
    for each in (layer, twin):
        train(each, member.input())
    x, row = spoilt(member, value)
    layer.train(training)
    count = member.vectors(x)
    with pytest.raises(NonFiniteError, match=rf"1 of {count} vectors hold NaN or infinity \(rows {row}\)"):
        layer(x)
    with pytest.raises(NonFiniteError):
        layer.encode(x)
    assert same_buffers(layer, twin)
    train(layer.train(), member.input(1))
    train(twin, member.input(1))
    assert same_buffers(layer, twin)


@over(ALL, promise="raises")
def test_a_fresh_layer_does_not_start_from_what_is_not_finite(member):
    """The first batch is refused before a table starts from it."""
    layer = member.make()
    with pytest.raises(NonFiniteError):
        layer(spoilt(member, torch.nan)[0])
    assert same_buffers(layer, member.make())


SKIPPING = {
    "vq": lambda: vq(8, 16, on_nonfinite="skip"),
    "vq-heads": lambda: vq(8, 16, heads=2, on_nonfinite="skip", codebook_dim=3),
    "rvq": lambda: rvq(8, 16, 2, on_nonfinite="skip"),
    "fsq": lambda: fsq((5, 5, 5), dim=8, on_nonfinite="skip"),
    "lfq": lambda: lfq(8, on_nonfinite="skip"),
}


@pytest.mark.parametrize("name", SKIPPING)
@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("masked", [True, False])
def test_what_is_not_finite_can_be_left_out(name, value, masked):
    """`on_nonfinite="skip"` is a mask over such vectors: counted, 0 and -1, and no part of what is learnt."""
    skipping, member = SKIPPING[name](), MEMBERS["vq-ema"]
    masking = SKIPPING[name]()
    for seed in range(3):
        x = member.input(seed)
        given = member.mask(x) if masked else torch.ones(4, 40, dtype=torch.bool)
        holes = torch.zeros(4, 40, dtype=torch.bool)
        holes[:, ::7] = True
        leaf = x.masked_fill(holes[..., None], value).requires_grad_()
        out = skipping(leaf, given if masked else None)
        same = masking(x, given & ~holes)
        assert out.info.skipped == (holes & given).sum()
        assert all(one.equal(other) for one, other in zip(out[:3], same[:3], strict=True))
        (out.quantized.sum() + out.loss).backward()
        assert torch.isfinite(leaf.grad).all()
        assert (leaf.grad[holes] == 0).all()
    assert same_buffers(skipping, masking)
    assert all(torch.isfinite(buffer).all() for buffer in skipping.state_dict().values())


def test_maps_with_a_bad_pixel_are_left_out_whole():
    """Where a vector is a map, one bad pixel spoils the map, and no other."""
    from zador.layers import multiscale

    layer, x = multiscale(8, 16, (1, 4), axis=1, on_nonfinite="skip"), MEMBERS["multiscale"].input()
    x[2, 3, 1, 1] = torch.nan
    out = layer(x)
    assert (out.indices[2] == -1).all()
    assert (out.quantized[2] == 0).all()
    assert (out.indices[[0, 1, 3]] >= 0).all()
