"""Gradients: what crosses the layer is the estimator's, what the losses add is theirs, to rounding."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

from conformance.layer_members import ALL, LEARNING, MEMBERS, over, train
from zador.codebooks import Gradient

# One table, so that moving a codeword does not change what later stages see; a stage takes what it sees as given.
ONE_BY_GRADIENT = [
    name
    for name in LEARNING
    if isinstance(MEMBERS[name].make()._tables[0].learner, Gradient) and not name.startswith(("rvq", "rsimvq"))
]


def settled(member):
    """Return a trained layer in double precision, which no longer moves."""
    layer = member.make().double()
    for seed in range(2):
        train(layer, member.input(seed, dtype=torch.float64))
    return layer.eval()


def few(member):
    """Return a small batch."""
    x = member.input(seed=9, batch=1, dtype=torch.float64)
    return x if member.whole or x.ndim > 3 else x[:, ..., :5] if member.axis == 1 else x[:, :5]


@over(ALL, promise="loss of vectors")
def test_the_gradient_of_the_losses_is_that_of_their_values(member):
    """Inside a cell, commitment and further losses differentiate to what differences of their values give."""
    layer = settled(member)

    def losses(x):
        out = layer(x)
        return out.loss - out.info.codebook

    # In many dimensions along random directions: the same rule at a cost that does not grow with them.
    x = few(member).requires_grad_()
    assert torch.autograd.gradcheck(losses, x, fast_mode=x.numel() > 60)


@over(ALL, promise="loss of vectors")
def test_the_gradient_of_masked_losses_is_that_of_their_values(member):
    """The same where some vectors do not count."""
    layer, x = settled(member), member.input(seed=9, batch=2, dtype=torch.float64)
    mask = member.mask(x)

    def losses(x):
        out = layer(x, mask)
        return out.loss - out.info.codebook

    assert torch.autograd.gradcheck(losses, x.requires_grad_(), fast_mode=True)


@over(ONE_BY_GRADIENT)
def test_the_gradient_of_the_codebook_loss_is_that_of_its_value(member):
    """For codewords that learn by gradient, too; vectors are taken as given."""
    layer, x = settled(member), few(member)
    names = [name for name, _ in layer.quantizer.named_parameters(prefix="quantizer")]

    def loss(*values):
        out = functional_call(layer, dict(zip(names, values, strict=True)), (x,))
        return out.loss - out.info.commitment - out.info.entropy

    parameters = dict(layer.named_parameters())
    assert torch.autograd.gradcheck(loss, [parameters[name].detach().clone().requires_grad_() for name in names])


@over([name for name in ALL if not MEMBERS[name].opaque])
@pytest.mark.parametrize("training", [True, False])
def test_the_gradient_of_values_crosses_as_if_nothing_had_been_quantized(member, training):
    """dy/dx is that of the same layer without its quantizer: projections and squashing, and the identity between them."""
    layer = settled(member).train(training)
    layer.frozen = True
    x = member.input(seed=9, dtype=torch.float64).requires_grad_()
    from_above = member.input(seed=10, dtype=torch.float64)
    out = layer(x).quantized
    (crossed,) = torch.autograd.grad(out, x, from_above)
    rows = layer.space.enter(x, None, None)
    smooth = layer.space.leave(layer.quantizer.enter(rows.x), rows)
    (expected,) = torch.autograd.grad(smooth, x, from_above)
    torch.testing.assert_close(crossed, expected, rtol=1e-12, atol=1e-12)


@over(ALL, promise="own estimator")
def test_the_estimator_decides_what_crosses(member):
    """An estimator of one's own is called once, with what entered and what it became, and its gradient is the one."""
    layer, calls = settled(member), []

    class Triple(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, q):  # noqa: ARG004 - torch's
            return q.clone()

        @staticmethod
        def backward(ctx, g):  # noqa: ARG004 - torch's
            return 3 * g, None

    def estimator(z, q):
        calls.append((z, q))
        return Triple.apply(z, q)

    x, from_above = (member.input(seed=seed, dtype=torch.float64) for seed in (9, 10))
    usual = layer.estimator
    layer.estimator = estimator
    out = layer(x.requires_grad_()).quantized
    (tripled,) = torch.autograd.grad(out, x, from_above)
    (((z, q)),) = calls
    assert z.requires_grad
    assert not q.requires_grad
    if not member.opaque:
        layer.estimator = usual
        (single,) = torch.autograd.grad(layer(x).quantized, x, from_above)
        torch.testing.assert_close(tripled, 3 * single, rtol=1e-12, atol=1e-12)


@over(LEARNING)
def test_codewords_get_a_gradient_from_their_own_loss_alone(member):
    """The loss of the model does not reach codewords through quantized values."""
    layer = settled(member)
    parameters = list(layer.quantizer.parameters())
    x = member.input(seed=9, dtype=torch.float64).requires_grad_()
    if parameters:
        gradients = torch.autograd.grad(layer(x).quantized.pow(2).sum(), parameters, allow_unused=True)
        assert all(gradient is None or not gradient.any() for gradient in gradients)
    assert layer(x).quantized.requires_grad
