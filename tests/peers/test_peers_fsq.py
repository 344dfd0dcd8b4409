"""Grids: indices beyond 2^24, values that are not finite, and tables that nobody needs."""

from __future__ import annotations

import pytest
import torch
from vector_quantize_pytorch import FSQ, LFQ

import zador
from zador.errors import NonFiniteError

COUNT = 2000


def drawn(dim, scale=1.0):
    return scale * torch.randn(COUNT, dim, generator=torch.Generator().manual_seed(0))


def numbers(values, levels):
    """The index by the definition, in Python's integers: `Σ_i l_i Π_{j<i} L_j`, l_i the level of coordinate i from 0."""
    indices = []
    for row in values.tolist():
        index, place = 0, 1
        for value, level in zip(row, levels, strict=True):
            half = level // 2
            index += (round(value * half) + half) * place
            place *= level
        indices.append(index)
    return indices


@pytest.mark.parametrize(("dim", "least_wrong"), [(9, 0.5), (10, 0.9)])
def test_large_grids_have_right_indices(dim, least_wrong):
    """At 2^27 codes most of the peer's indices are wrong, at 2^30 nearly all; here they are right and decode."""
    levels = [8] * dim
    peer, layer = FSQ(levels, return_indices=False), zador.fsq(levels)
    codes, _ = peer(drawn(dim)[None])
    theirs = peer.codes_to_indices(codes)[0].tolist()
    wrong = sum(a != b for a, b in zip(theirs, numbers(codes[0], levels), strict=True)) / COUNT
    assert wrong > least_wrong
    out = layer(drawn(dim))
    assert out.indices.tolist() == numbers(out.quantized, levels)
    assert torch.equal(layer.decode(out.indices), out.quantized)


def test_the_largest_grids_do_not_overflow():
    """From 2^32 codes on the peer's place values, in 32 bits, are 0; here indices are exact to 2^63 - 1."""
    assert FSQ([8] * 12, return_indices=False)._basis[-1] == 0
    levels = [8] * 20 + [7]
    layer = zador.fsq(levels)
    out = layer(drawn(21, scale=10.0))
    assert max(out.indices.tolist()) > 2**62
    assert torch.equal(layer.decode(out.indices), out.quantized)
    assert out.indices.tolist() == numbers(out.quantized, levels)


def test_nan_has_no_index():
    """The peer gives NaN an index, of which no code exists; here it is refused, or left out with -1."""
    x = drawn(3)
    x[5, 1] = torch.nan
    _, indices = FSQ([4, 5, 6])(x[None])
    assert indices.min() == -(2**31)
    with pytest.raises(NonFiniteError, match="rows 5"):
        zador.fsq((4, 5, 6))(x)
    out = zador.fsq((4, 5, 6), on_nonfinite="skip")(x)
    assert (out.indices[5].item(), out.indices[out.indices >= 0].numel()) == (-1, COUNT - 1)


@pytest.mark.parametrize(
    ("peer", "layer", "codes"),
    [
        (lambda: FSQ([8, 8, 8, 5, 5, 5]), lambda: zador.fsq((8, 8, 8, 5, 5, 5)), 64000),
        (lambda: LFQ(dim=14), lambda: zador.lfq(14), 2**14),
    ],
)
def test_no_table_of_codes_is_kept(peer, layer, codes):
    """The peer writes out all K codes of d coordinates at construction; here there is the tally, two numbers a code."""
    dim = 6 if codes == 64000 else 14
    assert max(buffer.numel() for buffer in peer().buffers()) == codes * dim
    assert sum(buffer.numel() for buffer in layer().buffers()) <= 2 * codes + 16


def test_the_entropy_loss_holds_no_table():
    """The peer's entropy loss keeps N x 2^d numbers for the backward pass; here 10 bits are held in two halves of 5."""
    bits, count = 10, 4096
    held = {"peer": [], "ours": []}
    layers = {"peer": LFQ(dim=bits), "ours": zador.lfq(bits)}
    for name, layer in layers.items():
        x = torch.randn(1, count, bits, generator=torch.Generator().manual_seed(0)).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(lambda t, name=name: held[name].append(t.numel()) or t, lambda t: t):
            layer(x)
    assert max(held["peer"]) == count * 2**bits
    assert max(held["ours"]) <= count * 2 ** (bits // 2)
