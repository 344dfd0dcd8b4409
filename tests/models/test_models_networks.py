"""Networks are their formula, and come from their seed alone."""

from __future__ import annotations

import pytest
import torch

from zador.errors import UsageError
from zador.models import mlp


def test_an_mlp_is_its_formula():
    """W₂ relu(W₁ x + b₁) + b₂: no activation behind the last layer."""
    network = mlp([3, 5, 2], activation=torch.nn.ReLU, seed=4)
    first, _, last = network
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    by_hand = (x @ first.weight.T + first.bias).clamp(min=0) @ last.weight.T + last.bias
    torch.testing.assert_close(network(x), by_hand)
    assert len(mlp([3, 2])) == 1


def test_weights_are_uniform_within_their_bound():
    """In ±1/√n, n the inputs; the mean square of 256 · 400 of them is 1/3n within four standard errors."""
    first = mlp([400, 256, 2], seed=1)[0]
    assert first.weight.abs().max() <= 400**-0.5
    assert first.bias.abs().max() <= 400**-0.5
    squares = 400 * first.weight.double().square()
    # u² of u uniform in ±1 has mean 1/3 and variance 4/45.
    assert abs(squares.mean() - 1 / 3) < 4 * (4 / 45 / squares.numel()) ** 0.5


def test_weights_come_from_the_seed_alone():
    """Equal seeds give equal weights, other seeds others, and torch's global generator is not asked."""
    before = torch.get_rng_state()
    one, same, other = mlp([4, 8, 4], seed=3), mlp([4, 8, 4], seed=3), mlp([4, 8, 4], seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("widths", [[], [4], [4, 0], [4, 2.5]])
def test_widths_that_make_no_network_are_refused(widths):
    """One width, none, or one that is no count."""
    with pytest.raises(UsageError, match="widths"):
        mlp(widths)


def test_a_seed_that_is_none_is_refused():
    """Weights that nobody could draw again are not drawn."""
    with pytest.raises(UsageError, match="seed"):
        mlp([2, 2], seed=None)
