"""Gradient checkpointing runs a pass twice, and a layer learns from it once."""

from __future__ import annotations

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from conformance.layer_members import ALL, LEARNING, MEMBERS, SHORT, over, same_buffers

both_variants = pytest.mark.parametrize("use_reentrant", [False, True])


def step(layer, x, use_reentrant=None, around=1.0, **options):
    """Take a step of a small model; with a variant, the layer and what is `around` it are checkpointed."""
    x = x.clone().requires_grad_()
    seen = []

    def part(x):
        out = layer(x * 1.5 if around else x, **options)
        seen.append(out.indices)
        return (out.quantized * 0.7).sin() if around else out.quantized, out.loss

    y, loss = part(x) if use_reentrant is None else checkpoint(part, x, use_reentrant=use_reentrant)
    (y.pow(2).sum() + loss).backward()
    gradients = [x.grad, *(parameter.grad for parameter in layer.parameters())]
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.sub_(parameter.grad, alpha=0.001)
            parameter.grad = None
    return gradients, seen


def started(member, count):
    """Return layers that have taken a step each, all the same."""
    layers = [member.make() for _ in range(count)]
    for layer in layers:
        step(layer, member.input(20))
    return layers


@over(ALL)
@both_variants
@pytest.mark.parametrize("around", [False, True])
def test_a_checkpointed_layer_learns_once(member, use_reentrant, around):
    """Three steps with checkpointing give the gradients and the buffers of three steps without, to the last bit."""
    plain, saving = started(member, 2)
    for seed in range(3):
        x = member.input(seed)
        (expected, _), (gradients, seen) = step(plain, x, None, around), step(saving, x, use_reentrant, around)
        assert len(seen) in (1, 2)  # a repetition may stop before it is through, when nothing more is needed
        assert all(chosen.equal(seen[0]) for chosen in seen)
        assert all(one.equal(other) for one, other in zip(expected, gradients, strict=True))
        assert same_buffers(plain, saving)


@over(LEARNING)
def test_a_layer_may_start_in_a_checkpointed_pass(member):
    """A pass with gradients starts tables, and its repetition sees what it saw; nothing differs from a plain first step."""
    plain, saving = member.make(), member.make()
    for seed in range(2):
        expected, gradients = step(plain, member.input(seed))[0], step(saving, member.input(seed), False)[0]
        assert all(one.equal(other) for one, other in zip(expected, gradients, strict=True))
        assert same_buffers(plain, saving)


@over([name for name in LEARNING if MEMBERS[name].make().space.into is None])
def test_a_layer_starts_in_the_repetition_of_a_pass_without_gradients(member):
    """The first pass of the reentrant variant starts nothing; its repetition does, once, from the same vectors."""
    plain, saving = member.make(), member.make()
    step(plain, member.input())
    step(saving, member.input(), True)
    for one, other in zip(plain._tables, saving._tables, strict=True):
        assert one.started
        assert other.started
        assert other.key.equal(one.key)


@over(SHORT)
@both_variants
def test_a_checkpointed_layer_learns_once_under_a_mask(member, use_reentrant):
    """Masks do not change that."""
    plain, saving = started(member, 2)
    for seed in range(2):
        x = member.input(seed)
        mask = member.mask(x)
        expected, gradients = (step(plain, x, mask=mask)[0], step(saving, x, use_reentrant, mask=mask)[0])
        assert all(one.equal(other) for one, other in zip(expected, gradients, strict=True))
        assert same_buffers(plain, saving)


@over(SHORT)
@both_variants
def test_evaluation_and_training_may_alternate(member, use_reentrant):
    """An evaluation, a pass that is never differentiated, or a plain step between checkpointed steps confuses nothing."""
    plain, saving = started(member, 2)
    for seed in range(3):
        for layer, variant in ((plain, None), (saving, use_reentrant)):
            layer.eval()
            with torch.no_grad():
                layer(member.input(7))
            layer.train()
            step(layer, member.input(seed), variant)
            step(layer, member.input(seed + 10))
        assert same_buffers(plain, saving)
