"""Straight-through: the gradient is handed on as it is, without a copy."""

from __future__ import annotations

import torch

from zador.estimators import straight_through


def test_the_gradient_is_handed_on():
    """The backward is g -> g, to the last bit, also for numbers that x + (q - x) would have rounded."""
    x = torch.tensor([[1e8, 0.0], [0.1, float("inf")]], requires_grad=True)
    g = torch.tensor([[3.0, -1e-45], [-0.0, 1e38]])
    straight_through(x, torch.zeros(2, 2)).backward(g)
    assert x.grad.view(torch.int32).equal(g.view(torch.int32))


def test_the_gradient_is_not_copied():
    """What reaches x is the tensor that reached y."""
    x, g = torch.zeros(4, 3, requires_grad=True), torch.ones(4, 3)
    (at_x,) = torch.autograd.grad(straight_through(x, torch.zeros(4, 3)), x, g)
    assert at_x.data_ptr() == g.data_ptr()


def test_it_can_be_differentiated_twice():
    """Through y², the second derivative at x is that of the square, 2."""
    x = torch.zeros(3, requires_grad=True)
    y = straight_through(x, torch.tensor([1.0, 2.0, 3.0]))
    (first,) = torch.autograd.grad((y**2).sum(), x, create_graph=True)
    assert first.tolist() == [2.0, 4.0, 6.0]
    assert torch.autograd.grad(first.sum(), x)[0].tolist() == [2.0, 2.0, 2.0]
