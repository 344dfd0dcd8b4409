"""LookupFree: the nearest corner of a cube, its index, and what it has in common with FiniteScalar."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from references import lookup_free as reference
from zador.errors import DataError, UsageError
from zador.quantizers import FiniteScalar, LookupFree

KINDS = [LookupFree(1), LookupFree(5), LookupFree(1, spherical=True), LookupFree(6, spherical=True)]
EPS = torch.finfo(torch.float32).eps


def normal(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("quantizer", KINDS, ids=str)
def test_select_finds_the_nearest_codeword(quantizer):
    """Index and values are those of a search through all 2^d codewords."""
    z = quantizer.bound(normal((200, quantizer.dim)))
    indices, values = quantizer.select(z)
    codewords = reference.codewords(quantizer.dim, quantizer.scale)
    assert indices.equal(torch.cdist(z.double(), codewords).argmin(1))
    torch.testing.assert_close(values, codewords[indices].float(), rtol=EPS, atol=0)


@pytest.mark.parametrize("quantizer", KINDS, ids=str)
def test_every_code_comes_back_from_its_values(quantizer):
    """`select(decode(i))` is i with the same bits of the values, for every index."""
    indices = torch.arange(quantizer.sizes[0])
    again, same = quantizer.select(quantizer.decode(indices))
    assert again.equal(indices)
    assert same.equal(quantizer.decode(indices))


@pytest.mark.parametrize("dim", [24, 25, 31, 32, 53, 62])
def test_indices_are_exact_up_to_62_bits(dim):
    """The largest index, its neighbours and random ones decode to their bits and come back."""
    draws = torch.randint(0, 1 << dim, (50,), generator=torch.Generator().manual_seed(1)).tolist()
    chosen = [0, 1, (1 << dim) - 1, (1 << dim) - 2, 1 << (dim - 1), *draws]
    quantizer = LookupFree(dim)
    values = quantizer.decode(torch.tensor(chosen))
    assert values.tolist() == [[1.0 if i >> bit & 1 else -1.0 for bit in range(dim)] for i in chosen]
    assert quantizer.encode(values).tolist() == chosen


def test_zero_has_the_sign_plus():
    """sign(0) = sign(-0) = +1."""
    assert LookupFree(3).select(torch.tensor([[0.0, -0.0, -1e-30]]))[1].tolist() == [[1.0, 1.0, -1.0]]


def test_on_the_sphere_codewords_and_vectors_have_length_one():
    """`bound` and `decode` return unit vectors, also of vectors whose squares overflow no float32 but are near it."""
    quantizer = LookupFree(7, spherical=True)
    z = normal((50, 7)) * torch.logspace(-9, 18, 50)[:, None]
    for unit in (quantizer.bound(z), quantizer.decode(torch.arange(128))):
        torch.testing.assert_close(unit.norm(dim=-1), torch.ones(len(unit)), rtol=8 * EPS, atol=0)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-12, 1e-6])
def test_vectors_without_a_direction_have_a_finite_gradient(size):
    """Neither value nor gradient of `bound` is NaN or infinite at 0 and near it; at 0 the gradient is the identity."""
    z = torch.full((1, 4), size, requires_grad=True)
    bounded = LookupFree(4, spherical=True).bound(z)
    (gradient,) = torch.autograd.grad(bounded[0, 0], z)
    assert bounded.isfinite().all()
    assert gradient.isfinite().all()
    if size == 0.0:
        assert gradient.tolist() == [[1.0, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize("quantizer", KINDS[1:2] + KINDS[3:], ids=str)
def test_the_gradient_of_bound_is_its_derivative(quantizer):
    """Finite differences agree with autograd; `select` has no gradient."""
    z = normal((4, quantizer.dim)).double().requires_grad_()
    assert torch.autograd.gradcheck(quantizer.bound, z)
    assert not quantizer.select(quantizer.bound(z))[1].requires_grad


def test_a_masked_index_is_zero():
    """-1 decodes to zeros, on the cube and on the sphere."""
    for quantizer in KINDS:
        assert quantizer.decode(torch.tensor([-1])).tolist() == [[0.0] * quantizer.dim]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("spherical", [False, True])
def test_short_floats_are_computed_in_float32(dtype, spherical):
    """A half-precision z gives what the same numbers give in float32, bit for bit; 300² would overflow float16."""
    quantizer, z = LookupFree(5, spherical=spherical), (normal((30, 5)) * 300).to(dtype)
    assert quantizer.bound(z).equal(quantizer.bound(z.float()))
    assert quantizer.encode(z).equal(quantizer.encode(z.float()))
    assert quantizer.select(quantizer.bound(z))[1].dtype == torch.float32


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (2, 3, 4), (4,)])
def test_any_shape_of_vectors(shape):
    """Indices have the shape without the coordinates, values that of z; also when there is nothing."""
    quantizer = LookupFree(4, spherical=True)
    indices, values = quantizer.select(quantizer.bound(normal(shape)))
    assert (indices.shape, values.shape, indices.dtype) == (shape[:-1], shape, torch.int64)
    assert quantizer.decode(indices).equal(values)


@pytest.mark.parametrize("spherical", [False, True])
def test_compiled_and_exported_are_eager(spherical):
    """One graph of plain operators for any number of vectors, with the same indices and values."""

    class Module(torch.nn.Module):
        def forward(self, z):
            quantizer = LookupFree(5, spherical=spherical)
            indices, values = quantizer.select(quantizer.bound(z))
            return indices, values, quantizer.decode(indices)

    exported = torch.export.export(Module(), (normal((5, 5)),), dynamic_shapes=({0: torch.export.Dim("n")},))
    assert all(str(node.target).startswith("aten.") for node in exported.graph.nodes if node.op == "call_function")
    compiled = torch.compile(Module(), fullgraph=True, dynamic=True, backend="aot_eager")
    for rows in (64, 33):
        z = normal((rows, 5), seed=rows)
        for run in (compiled, exported.module()):
            assert all(a.equal(b) for a, b in zip(run(z), Module()(z), strict=True))


@pytest.mark.parametrize("dim", [0, -1, 63, 2.0])
def test_dimensions_without_an_index_are_refused(dim):
    """None, a fraction, or more bits than an index has."""
    with pytest.raises(UsageError, match="dim"):
        LookupFree(dim)


def test_what_belongs_to_another_quantizer_is_refused():
    """Vectors of another length and indices out of range are named."""
    with pytest.raises(DataError, match=r"\(…, 3\).*got \(7, 1\)"):
        LookupFree(3).bound(torch.zeros(7, 1))
    with pytest.raises(DataError, match="expected 0 to 7"):
        LookupFree(3).decode(torch.tensor([8]))


def test_rates_are_the_number_of_bits():
    """D bits, 2^d codes; s is 1 or 1/√d."""
    assert (LookupFree(18).bits, LookupFree(18).sizes, LookupFree(18).scale) == (18.0, (1 << 18,), 1.0)
    assert LookupFree(9, spherical=True).scale == pytest.approx(1 / math.sqrt(9), rel=1e-15)


@given(st.integers(1, 20), st.integers(0, 2**32))
def test_it_is_a_grid_of_two_levels(dim, seed):
    """On any vectors, index and values are those of the symmetric FiniteScalar with two levels a coordinate."""
    v = normal((8, dim), seed=seed)
    for ours, theirs in zip(LookupFree(dim).select(v), FiniteScalar((2,) * dim, symmetric=True).select(v), strict=True):
        assert ours.equal(theirs)


@given(st.integers(1, 20), st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_the_sphere_forgets_the_length(dim, seed, factor):
    """Spherical codes are those of the cube, whatever the vector is multiplied by."""
    z = normal((8, dim), seed=seed)
    assert LookupFree(dim, spherical=True).encode(z * factor).equal(LookupFree(dim).encode(z))
