"""Masks: a vector that is masked might as well not be there."""

from __future__ import annotations

import pytest
import torch

from conformance.layer_members import ALL, MEMBERS, over, same_buffers, train

SEQUENCES = [name for name in ALL if MEMBERS[name].shape[1:] in ((40, 8), (40, 3), (8, 40))]


def pass_of(layer, x, **options):
    """Return quantized, indices, loss, and the gradient of x, after a pass."""
    x = x.detach().clone().requires_grad_()
    out = layer(x, **options)
    (out.quantized.pow(2).sum() + out.loss).backward()
    gradients = [parameter.grad for parameter in layer.parameters()]
    layer.zero_grad()
    return out, x.grad, gradients


def started(member, count):
    layers = [member.make() for _ in range(count)]
    for layer in layers:
        train(layer, member.input(8))
    return layers


def close(one, other):
    """Assert that two numbers are one sum of float32 in two orders: of n terms, apart by at most n roundings."""
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@over(ALL, promise="leaving out")
@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_masking_is_leaving_out(member, fresh, training):
    """Values, indices, losses, gradients and what tables learn are those of a pass over the valid vectors alone."""
    masked, fewer = [each.train(training) for each in ((member.make(), member.make()) if fresh else started(member, 2))]
    x = member.input(seed=9)
    mask = member.mask(x)
    out, gradient, others = pass_of(masked, x, mask=mask)
    alone, expected, as_well = pass_of(fewer, member.only(x, mask))
    assert out.indices[mask].flatten().equal(alone.indices.flatten())
    assert member.only(out.quantized, mask).equal(alone.quantized)
    close(out.loss, alone.loss)
    close(out.info.distortion, alone.info.distortion)
    close(member.only(gradient, mask), expected)
    for one, other in zip(others, as_well, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    for name, value in masked.state_dict().items():
        close(value, fewer.state_dict()[name])


@over(ALL)
@pytest.mark.parametrize("training", [True, False])
def test_padding_may_hold_anything(member, training):
    """NaN, infinity or 10³⁰ in masked vectors change no bit of anything; what comes out there is 0, -1, gradient 0."""
    layers, x = [layer.train(training) for layer in started(member, 4)], member.input(seed=9)
    mask = member.mask(x)
    wide = member.wide(mask, x)
    expected, gradient, others = pass_of(layers[0], x, mask=mask)
    for layer, junk in zip(layers[1:], (torch.nan, torch.inf, 1e30), strict=True):
        out, again, also = pass_of(layer, x.where(wide, junk), mask=mask)
        assert all(one.equal(other) for one, other in zip(out[:3], expected[:3], strict=True))
        assert again.equal(gradient)
        assert all(one is other or one.equal(other) for one, other in zip(also, others, strict=True))
        assert same_buffers(layer, layers[0])
    assert (expected.quantized[~wide] == 0).all()
    assert (gradient[~wide] == 0).all()
    assert (expected.indices[~mask] == -1).all()


@over(ALL)
def test_a_mask_that_masks_nothing_is_none(member):
    """All True is the same as no mask: indices, values and state to the bit, losses and gradients to rounding."""
    masked, plain = started(member, 2)
    x = member.input(seed=9)
    out, gradient, _ = pass_of(masked, x, mask=torch.ones(member.lead(x), dtype=torch.bool))
    same, expected, _ = pass_of(plain, x)
    assert out.indices.equal(same.indices)
    assert out.quantized.equal(same.quantized)
    close(out.loss, same.loss)
    close(gradient, expected)
    assert same_buffers(masked, plain)


@over(SEQUENCES)
def test_lengths_are_a_mask(member):
    """For sequences, `lengths` says which first positions count."""
    by_length, by_mask = started(member, 2)
    x, lengths = member.input(seed=9), torch.tensor([40, 0, 17, 1])
    mask = torch.arange(40) < lengths[:, None]
    one, other = pass_of(by_length, x, lengths=lengths), pass_of(by_mask, x, mask=mask)
    assert all(a.equal(b) for a, b in zip((*one[0][:3], one[1]), (*other[0][:3], other[1]), strict=True))
    assert by_length.encode(x, lengths=lengths).equal(by_mask.encode(x, mask))
    assert same_buffers(by_length, by_mask)


@over(ALL)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("empty", [True, False])
def test_nothing_to_quantize_costs_nothing(member, training, fresh, empty):
    """An empty batch and one that is all masked have loss 0, finite gradients, and teach nothing."""
    layer = (member.make() if fresh else started(member, 1)[0]).train(training)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    x = member.input(seed=9, batch=0 if empty else None)
    options = {} if empty else {"mask": torch.zeros(member.lead(x), dtype=torch.bool)}
    out, gradient, others = pass_of(layer, x, **options)
    assert out.loss == 0
    assert out.info.distortion == 0
    assert torch.isfinite(out.info.perplexity).all()
    assert (out.quantized.shape, out.indices.shape[: len(member.lead(x))]) == (x.shape, member.lead(x))
    assert (gradient == 0).all()
    assert all(other is None or not other.any() for other in others if other is None or other.ndim > 1)
    assert layer.decode(layer.encode(x, **options)).equal(out.quantized)
    for name, value in layer.state_dict().items():
        assert value.equal(before[name]) or name.endswith(("key", "draws", "step"))
