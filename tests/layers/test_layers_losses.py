"""The commitment loss: known from the search, its gradient added in the same pass as the estimator's."""

from __future__ import annotations

import torch

from zador.estimators import straight_through
from zador.layers.losses import committed, mean_over
from zador.quantizers.codes import Quantized


def quantized(z, q, left_over=None):
    squared = ((z - q) ** 2).sum(dim=1).detach()
    return Quantized(torch.zeros(len(z), 1, dtype=torch.int64), q, left_over, squared, squared)


def numbers(seed):
    return torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_mean_over_nothing_is_zero():
    """Tensor or number, 0 vectors make 0."""
    total = torch.tensor(0.0)
    assert mean_over(total, 0) == mean_over(total, torch.tensor(0)) == 0
    assert mean_over(torch.tensor(6.0), 3) == mean_over(torch.tensor(6.0), torch.tensor(3)) == 2


def test_value_and_gradient_are_those_of_the_formula():
    """`β ||z - q||² / n` by autograd, plus what comes through the estimator, whatever weighs the loss from above."""
    z, q, g = numbers(0).requires_grad_(), numbers(1), numbers(2)
    kept, loss = committed(z, quantized(z, q), 5, 0.25)
    ((straight_through(kept, q) * g).sum() + 3.0 * loss).backward()
    expected = numbers(0).requires_grad_()
    plain = 0.25 * ((expected - q) ** 2).sum() / 5
    ((expected * g).sum() + 3.0 * plain).backward()
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(z.grad, expected.grad)


def test_what_stages_left_over_is_what_pulls():
    """With `left_over` given, the gradient is `2β/n` of that."""
    z, q, left = numbers(0).requires_grad_(), numbers(1), numbers(3)
    committed(z, quantized(z, q, left), 5, 0.25)[1].backward()
    torch.testing.assert_close(z.grad, 2 * 0.25 / 5 * left)


def test_without_gradients_the_loss_is_still_reported():
    """Z passes untouched, and the value is the same."""
    z, q = numbers(0), numbers(1)
    kept, loss = committed(z, quantized(z, q), 5, 0.25)
    assert kept is z
    torch.testing.assert_close(loss, 0.25 * ((z - q) ** 2).sum() / 5)
    assert committed(z.requires_grad_(), quantized(z, q), 5, 0.0)[1] == 0
