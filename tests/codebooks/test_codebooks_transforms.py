"""Maps in front of a codebook: each starts from any codewords, and each is the formula it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zador.codebooks import AffineTransform, LinearTransform, MlpTransform, linear_table
from zador.errors import UsageError

TRANSFORMS = [LinearTransform(), AffineTransform(), MlpTransform(), MlpTransform(hidden=3, seed=5)]


def codewords(dtype=torch.float64, size=50):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.standard_normal((size, 4)) * [1, 10, 0.1, 3] @ rng.standard_normal((4, 4)) + 8).to(dtype)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 1e-4), (torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_any_codewords_are_the_image_of_a_split(transform, dtype, tolerance):
    """To rounding, in float32 or better: a spectrum with a condition near 10⁵, an offset, a plane, a single point."""
    for given in (codewords(dtype), codewords(dtype)[:3], codewords(dtype)[:1].repeat(5, 1)):
        parts = transform.split(given)
        assert parts._fields[0] == "base"
        assert {part.dtype for part in parts} == {torch.float64 if dtype == torch.float64 else torch.float32}
        found = transform.codewords(parts)
        torch.testing.assert_close(found, given.to(found.dtype), rtol=tolerance, atol=tolerance)


def test_an_affine_base_has_no_scale_of_its_own():
    """Mean 0 and variance 1 in every coordinate; `c = s ⊙ b + t`, coordinate by coordinate."""
    parts = AffineTransform().split(codewords())
    torch.testing.assert_close(parts.base.mean(dim=0), torch.zeros(4).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(parts.base.var(dim=0, correction=0), torch.ones(4).double(), rtol=1e-12, atol=0)
    changed = parts._replace(scale=parts.scale * 2, shift=parts.shift + 1)
    expected = [[s * b + t for b, s, t in zip(row, changed.scale, changed.shift, strict=True)] for row in parts.base]
    torch.testing.assert_close(AffineTransform().codewords(changed), torch.tensor(expected).double(), rtol=1e-14, atol=0)


def test_an_mlp_is_its_formula():
    """`W b + t + V gelu(U b + u)` written out with another V; at the start the linear map of the same codewords."""
    transform = MlpTransform(hidden=6)
    parts = transform.split(codewords())
    assert parts.output_weight.shape == (4, 6)
    assert not parts.output_weight.any()
    assert all(one.equal(other) for one, other in zip(parts[:3], linear_table(codewords()), strict=True))
    bent = parts._replace(output_weight=torch.from_numpy(np.random.default_rng(1).standard_normal((4, 6))))
    for base, found in zip(parts.base, transform.codewords(bent), strict=True):
        hidden = torch.stack([row @ base + u for row, u in zip(parts.hidden_weight, parts.hidden_bias, strict=True)])
        gelu = hidden * (1 + torch.erf(hidden / 2**0.5)) / 2
        torch.testing.assert_close(
            found, parts.weight @ base + parts.bias + bent.output_weight @ gelu, rtol=1e-12, atol=1e-12
        )


def test_hidden_units_are_all_different_and_of_one_seed():
    """The same seed draws the same bits, another one others; within ±1/√d, four units a coordinate unless said otherwise."""
    one, same, other = (MlpTransform(seed=seed).split(codewords()) for seed in (0, 0, 1))
    assert one.hidden_weight.shape == (16, 4)
    assert one.hidden_weight.equal(same.hidden_weight)
    assert not one.hidden_weight.equal(other.hidden_weight)
    assert one.hidden_weight.unique().numel() == 64
    assert one.hidden_weight.abs().max() <= 0.5
    with pytest.raises(UsageError, match="MlpTransform: hidden"):
        MlpTransform(hidden=0)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_the_gradient_of_one_codeword_moves_all(transform):
    """A step of the shared parameters displaces every codeword; so it does where the base learns as well."""
    parts = transform.split(codewords())
    shared = [part.clone().requires_grad_() for part in parts[1:]]
    kind = type(parts)
    before = transform.codewords(parts)
    (transform.codewords(kind(parts[0], *shared))[0] ** 2).sum().backward()
    stepped = [part.detach() - 1e-3 * part.grad for part in shared]
    assert (transform.codewords(kind(parts[0], *stepped)) != before).any(dim=1).all()
