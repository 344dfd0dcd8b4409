"""Rescaling: the gradient times ||q|| / ||x||, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from references.estimators import stretch
from zador.estimators import rescaling, rotation_trick

ROUNDING = 2.0**-23
triples = st.integers(1, 9).flatmap(
    lambda dim: arrays(np.float32, (3, dim), elements=st.floats(-8, 8, width=32, allow_subnormal=False))
)


def gradient(x, q, g, estimator=rescaling):
    """Return the gradient at x when g arrives at y."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(estimator(x, q), x, g)[0]


@given(triples, st.sampled_from([1e-30, 1.0, 1e30]))
def test_it_is_the_ratio_of_the_norms(triple, size):
    """λ g by the definition in float64, also for norms whose squares leave the format."""
    x, q, g = triple
    assume(min(np.abs(x).max(), np.abs(q).max()) > 1e-2)
    x, q = x * np.float32(size / 8), q * np.float32(size / 8)
    ours = gradient(*map(torch.from_numpy, (x, q, g))).numpy()
    expected = stretch(x, q) * g.astype(np.float64)
    assert np.abs(ours - expected).max() <= (len(x) + 16) * ROUNDING * np.abs(expected).max() + 1e-44


def test_where_nothing_turns_it_is_the_rotation_trick():
    """For parallel vectors the rotation is the identity, and the stretch is all that is left of it."""
    x, g = torch.randn(2, 20, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(gradient(x, 3 * x, g), gradient(x, 3 * x, g, rotation_trick), rtol=1e-12, atol=1e-12)


def test_zeros_and_infinite_ratios_have_values():
    """Zero x gives g, zero q gives 0, and a ratio of 1e60 is the largest float32."""
    x = torch.tensor([[0.0, 0.0], [1.0, 2.0], [1e-30, 0.0]])
    q, g = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 1e30]]), torch.tensor([[5.0, -6.0], [7.0, 8.0], [1e-9, 0.0]])
    back = gradient(x, q, g)
    assert back[:2].tolist() == [[5.0, -6.0], [0.0, 0.0]]
    assert back[2, 0].item() == pytest.approx(torch.finfo(torch.float32).max * 1e-9, rel=1e-5)
