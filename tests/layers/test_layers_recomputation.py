"""Which pass is a repetition."""

from __future__ import annotations

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from zador.errors import UsageError
from zador.layers import vq

X = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))


def started():
    layer = vq(4, 8)
    layer(X)
    return layer


def test_an_error_in_a_repetition_leaves_no_trace():
    """Whatever ends a repetition, tables are themselves again afterwards."""
    layer, passes = started(), []

    def part(x):
        passes.append(x)
        y = layer(x).quantized
        if len(passes) == 2:
            raise ArithmeticError
        return y.sin()

    with pytest.raises(ArithmeticError):
        checkpoint(part, X.clone().requires_grad_(), use_reentrant=False).sum().backward()
    assert not layer._recomputation.repeating
    assert layer.quantizer.table.look().equal(layer.quantizer.table.codewords)


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_two_layers_in_one_checkpoint_each_learn_once(use_reentrant):
    """Layers do not share what they know of repetitions."""
    plain, saving = [started(), started()], [started(), started()]
    x, other = X.clone().requires_grad_(), X.clone().requires_grad_()
    (plain[1](plain[0](x).quantized * 0.9).quantized.pow(2).sum()).backward()
    part = lambda x: saving[1](saving[0](x).quantized * 0.9).quantized  # noqa: E731
    checkpoint(part, other, use_reentrant=use_reentrant).pow(2).sum().backward()
    assert x.grad.equal(other.grad)
    for one, two in zip(plain, saving, strict=True):
        assert all(a.equal(b) for a, b in zip(one.buffers(), two.buffers(), strict=True))


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_a_frozen_layer_learns_from_neither_pass(use_reentrant):
    """Frozen, or without updates, the repetition changes nothing either."""
    layer = started()
    before = [buffer.clone() for buffer in layer.buffers()]
    layer.frozen = True
    checkpoint(lambda x: layer(x).quantized, X.clone().requires_grad_(), use_reentrant=use_reentrant).sum().backward()
    layer.frozen = False
    part = lambda x: layer(x, update=False).quantized  # noqa: E731
    checkpoint(part, X.clone().requires_grad_(), use_reentrant=use_reentrant).sum().backward()
    assert all(a.equal(b) for a, b in zip(before, layer.buffers(), strict=True))


def test_a_repetition_of_another_pass_than_the_last_is_refused():
    """Two checkpointed passes that both teach the layer before one backward: an error, not a wrong gradient."""
    layer = started()
    x, y = X.clone().requires_grad_(), (X + 0.5).requires_grad_()
    outs = [checkpoint(lambda z: layer(z).quantized.sin(), z, use_reentrant=False) for z in (x, y)]
    with pytest.raises(UsageError, match="update=False"):
        (outs[0].sum() + outs[1].sum()).backward()
    assert not layer._recomputation.repeating


def test_a_checkpointed_pass_in_evaluation_repeats_itself():
    """After training, an evaluation under a checkpoint sees today's codewords both times."""
    layer = started()
    layer(X * 1.5)
    layer.eval()
    x, other = X.clone().requires_grad_(), X.clone().requires_grad_()
    layer(x).loss.backward()
    checkpoint(lambda z: layer(z).loss, other, use_reentrant=False).backward()
    assert x.grad.equal(other.grad)
