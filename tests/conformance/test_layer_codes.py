"""Indices and values: what is encoded decodes to exactly what the network saw."""

from __future__ import annotations

import math

import pytest
import torch

from conformance.layer_members import ALL, LEARNING, over, same_buffers, train

FLOATS = [torch.bfloat16, torch.float32, torch.float64]


def trained(member):
    layer = member.make()
    for seed in range(2):
        train(layer, member.input(seed))
    return layer


@over(ALL)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_decoding_gives_the_quantized_values(member, dtype):
    """In eval `decode(encode(x)) == quantized` to the last bit, in the float type of x."""
    layer, x = trained(member).eval(), member.input(seed=9, dtype=dtype)
    out, indices = layer(x), layer.encode(x)
    assert indices.equal(out.indices)
    assert layer.decode(indices).to(dtype).equal(out.quantized)


@over(ALL)
def test_decoding_gives_the_quantized_values_of_masked_vectors_too(member):
    """Masked vectors have indices -1, which decode to the zeros that stand in quantized."""
    layer, x = trained(member).eval(), member.input(seed=9)
    mask = member.mask(x)
    out, indices = layer(x, mask), layer.encode(x, mask)
    assert indices.equal(out.indices)
    assert layer.decode(indices).equal(out.quantized)
    assert indices.equal(torch.where(mask if mask.ndim == indices.ndim else mask[..., None], layer.encode(x), -1))
    assert out.quantized.equal(torch.where(member.wide(mask, x), layer(x).quantized, 0.0))


@over(ALL)
def test_indices_are_within_their_alphabets(member):
    """Stream s has indices 0 … K_s - 1, and `bits` is the sum of their log2."""
    layer = trained(member)
    indices = layer.encode(member.input(seed=9)).reshape(-1, len(layer.sizes))
    assert indices.min() >= 0
    assert (indices < torch.tensor(layer.sizes)).all()
    assert layer.bits == pytest.approx(sum(math.log2(size) for size in layer.sizes), rel=1e-15)


@over(ALL)
def test_encoding_changes_nothing_in_any_mode(member):
    """`encode` and `decode` in training mode neither start nor teach a table."""
    layer, fresh = member.make(), member.make()
    for _ in range(2):
        layer.decode(layer.encode(member.input()))
    assert same_buffers(layer, fresh)
    assert layer.training


@over(LEARNING)
def test_encoding_in_training_mode_is_that_of_evaluation(member):
    """`encode` uses the certified search and the present codewords whatever the mode."""
    layer, x = trained(member), member.input(seed=9)
    indices = layer.encode(x)
    assert indices.equal(layer.eval()(x).indices)
