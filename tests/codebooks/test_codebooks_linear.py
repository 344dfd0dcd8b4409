"""SimVQ's table: any codewords as the image of a white base, and one gradient that moves them all."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zador.codebooks import linear_codewords, linear_table


def codewords(dtype=torch.float64):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.standard_normal((50, 4)) * [1, 10, 0.1, 3] @ rng.standard_normal((4, 4)) + 8).to(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 1e-4), (torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_the_image_of_the_base_are_the_codewords(dtype, tolerance):
    """To rounding, at any precision, in float32 or better; the base has mean 0 and unit covariance."""
    # The covariance has a condition near 1e5 (times 2e-16); in float32, dozens of products near 100 (times 6e-8).
    given = codewords(dtype)
    table = linear_table(given)
    assert table.base.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(linear_codewords(table), given.to(table.base.dtype), rtol=tolerance, atol=tolerance)
    base = table.base.double()
    torch.testing.assert_close(base.mean(dim=0), torch.zeros(4, dtype=torch.float64), rtol=0, atol=tolerance)
    torch.testing.assert_close(base.T @ base / 50, torch.eye(4, dtype=torch.float64), rtol=0, atol=tolerance)
    torch.testing.assert_close(table.weight, table.weight.T, rtol=tolerance, atol=tolerance)


def test_codewords_in_a_plane_or_in_a_point():
    """Fewer codewords than dimensions, or all equal: the base is 0 where they do not extend, and finite."""
    for given in (codewords()[:3], codewords()[:1].repeat(5, 1)):
        table = linear_table(given)
        assert all(torch.isfinite(part).all() for part in table)
        torch.testing.assert_close(linear_codewords(table), given, rtol=1e-10, atol=1e-10)


def test_the_gradient_of_one_codeword_moves_all():
    """A step that pulls one codeword by W and b displaces every codeword; the base stays."""
    table = linear_table(codewords())
    weight, bias = table.weight.clone().requires_grad_(), table.bias.clone().requires_grad_()
    (linear_codewords(table._replace(weight=weight, bias=bias))[0] ** 2).sum().backward()
    moved = linear_codewords(
        table._replace(weight=weight.detach() - 0.01 * weight.grad, bias=bias.detach() - 0.01 * bias.grad)
    )
    assert (moved != codewords()).all(dim=1).all()
    assert table.base.grad is None
