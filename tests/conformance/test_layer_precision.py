"""Reduced precision: networks may compute in 16 bits, statistics and losses never do."""

from __future__ import annotations

import pytest
import torch

from conformance.layer_members import ALL, PLAIN, over, same_buffers, train

HALVES = [torch.bfloat16, torch.float16]


def wide(layer):
    """Return whether everything that a layer averages is of float32 or better."""
    return all(value.dtype.itemsize >= 4 for value in layer.quantizer.state_dict().values() if value.is_floating_point())


@over(ALL)
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_autocast_leaves_statistics_and_losses_in_single_precision(member, dtype):
    """Under autocast nothing is NaN; losses, parts of losses and statistics are float32."""
    layer = member.make()
    for seed in range(3):
        x = member.input(seed, dtype=dtype).requires_grad_()
        with torch.autocast("cpu", dtype):
            out = layer(x)
            (out.quantized.float().pow(2).sum() + out.loss).backward()
        losses = [out.loss, out.info.commitment, out.info.codebook, out.info.entropy, out.info.distortion]
        assert {loss.dtype for loss in losses} == {torch.float32}
        assert all(torch.isfinite(value).all() for value in (*losses, out.quantized, x.grad))
    assert wide(layer)
    assert all(torch.isfinite(value).all() for value in layer.state_dict().values())


@over(PLAIN)
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_autocast_does_not_change_what_is_chosen(member, dtype):
    """Without projections, 16 bits under autocast give the indices and statistics of float32 on the same rounded input."""
    cast, single = member.make(), member.make()
    for seed in range(3):
        rounded = member.input(seed, dtype=dtype)
        with torch.autocast("cpu", dtype):
            out = cast(rounded)
        same = single(rounded.float())
        assert out.indices.equal(same.indices)
        assert out.loss.equal(same.loss)
        assert out.quantized.equal(same.quantized.to(dtype))
    assert same_buffers(cast, single)


@over(ALL)
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_a_model_in_16_bits_keeps_its_statistics(member, dtype):
    """`.half()` and `.bfloat16()` turn projections, and leave codewords, counts and sums as they are."""
    layer = member.make()
    train(layer, member.input())
    before = {name: value.clone() for name, value in layer.quantizer.state_dict().items()}
    layer.to(dtype)
    assert wide(layer)
    assert all(before[name].equal(value) for name, value in layer.quantizer.state_dict().items())
    gradient, _ = train(layer, member.input(1, dtype=dtype))
    assert gradient.dtype == dtype
    assert all(parameter.dtype == dtype for parameter in layer.space.parameters())


@over(ALL)
def test_a_model_in_double_precision_is_one(member):
    """`.double()` reaches codewords, values and losses."""
    layer = member.make().double()
    for seed in range(2):
        gradient, _ = train(layer, member.input(seed, dtype=torch.float64))
    out = layer(member.input(2, dtype=torch.float64))
    assert {gradient.dtype, out.quantized.dtype, out.loss.dtype, out.info.distortion.dtype} == {torch.float64}
    assert all(codewords.dtype == torch.float64 for codewords in layer.codebooks)
