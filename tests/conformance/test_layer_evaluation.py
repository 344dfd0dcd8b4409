"""Who learns, and when: only passes in training mode, with gradients enabled, of a layer that is not frozen."""

from __future__ import annotations

import pytest
import torch

from conformance.layer_members import ALL, LEARNING, over, same_buffers, train


def started(member):
    layer = member.make()
    for seed in range(2):
        train(layer, member.input(seed))
    return layer


def state_of(layer):
    return {name: value.clone() for name, value in layer.state_dict().items()}


def unchanged(layer, before):
    # `draws` counts passes, not lessons: each is to draw other numbers.
    return all(before[name].equal(value) or name == "draws" for name, value in layer.state_dict().items())


@over(ALL)
def test_evaluation_gives_gradients_and_losses_and_changes_nothing(member):
    """In eval the gradient reaches x and the projections, losses are those of the data, and every bit of state stays."""
    layer, x = started(member).eval(), member.input(seed=9).requires_grad_()
    before = state_of(layer)
    out = layer(x)
    (out.quantized.pow(2).sum() + out.loss).backward()
    assert unchanged(layer, before)
    assert x.grad.abs().sum() > 0
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.space.parameters())
    assert out.info.distortion > 0
    parts = out.info.commitment + out.info.codebook + out.info.entropy + sum(out.info.other.values())
    torch.testing.assert_close(out.loss.detach(), parts)
    assert (out.info.commitment > 0) == (callable(layer.commitment) or layer.commitment > 0)


@over(ALL)
def test_losses_and_usage_in_info_carry_no_gradient(member):
    """`info` is for logs: nothing in it holds on to the graph."""
    info = member.make()(member.input().requires_grad_()).info
    values = [*info.other.values(), *(value for value in info if isinstance(value, torch.Tensor))]
    assert not any(value.requires_grad for value in values)


@over(LEARNING)
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("how", ["eval", "no_grad", "inference", "update=False", "frozen"])
def test_nothing_learns_unless_asked_to(member, begun, how):
    """No start, no step, no count in eval, under `no_grad`, with `update=False`, or when frozen."""
    layer = started(member) if begun else member.make()
    before, x = state_of(layer), member.input(seed=4)
    if how == "eval":
        layer.eval()(x)
    elif how == "no_grad":
        with torch.no_grad():
            layer(x)
    elif how == "inference":
        with torch.inference_mode():
            layer.eval()(x)
    elif how == "update=False":
        layer(x, update=False)
    else:
        layer.frozen = True
        layer(x)
        layer(x, update=True)
    assert unchanged(layer, before)


@over(LEARNING)
def test_tables_learn_without_gradients_when_asked_to(member):
    """`update=True` under `no_grad` is a training step of the tables: they end as an ordinary step leaves them."""
    asked, ordinary = member.make(), member.make()
    for seed in range(2):
        with torch.no_grad():
            asked(member.input(seed), update=True)
        ordinary(member.input(seed))
        assert same_buffers(asked, ordinary)
    assert all(table.started for table in asked._tables)


@over(LEARNING)
def test_asking_for_an_update_in_eval_is_not_enough(member):
    """In eval nothing learns, whatever `update` says."""
    layer = started(member).eval()
    before = state_of(layer)
    layer(member.input(seed=4), update=True)
    assert unchanged(layer, before)


@over(LEARNING)
def test_a_frozen_layer_still_passes_gradients(member):
    """Frozen tables do not move; encoder and projections learn on."""
    layer, x = started(member), member.input(seed=4).requires_grad_()
    layer.frozen = True
    out = layer(x)
    (out.quantized.pow(2).sum() + out.loss).backward()
    assert x.grad.abs().sum() > 0
