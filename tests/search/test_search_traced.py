"""The search as an operator is the search, and what is exported in its place chooses alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import zador
from zador.search.traced import _spelled, traced_nearest


def numbers(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("x_type", "table_type"), [(torch.float32,) * 2, (torch.float64,) * 2, (torch.float64, torch.float32)]
)
def test_the_operator_is_the_search(exact, x_type, table_type):
    """Indices and distances are those of `zador.nearest`, in the wider of the two float types."""
    x, codebook = numbers(700, 6, dtype=x_type), numbers(90, 6, seed=1, dtype=table_type)
    indices, squared = traced_nearest(x, codebook, exact=exact)
    found = zador.nearest(x, codebook, exact=exact)
    assert indices.equal(found.indices)
    assert squared.equal(found.squared_distances)
    assert squared.dtype == torch.promote_types(x_type, table_type)


@pytest.mark.parametrize("exact", [True, False])
def test_no_vectors_have_no_indices(exact):
    """An empty batch gives empty results of the right types."""
    indices, squared = traced_nearest(numbers(0, 6), numbers(9, 6), exact=exact)
    assert (indices.shape, indices.dtype, squared.shape) == ((0,), torch.int64, (0,))


@pytest.mark.parametrize("exact", [True, False])
def test_a_compiled_call_is_the_plain_one(exact):
    """One operator in the graph, whatever the batch."""
    compiled = torch.compile(
        lambda x, c: traced_nearest(x, c, exact=exact), fullgraph=True, backend="aot_eager", dynamic=True
    )
    for count in (5, 300):
        x, codebook = numbers(count, 6), numbers(90, 6, seed=1)
        both = zip(compiled(x, codebook), traced_nearest(x, codebook, exact=exact), strict=True)
        assert all(one.equal(other) for one, other in both)


@given(seed=st.integers(0, 10**6), offset=st.sampled_from([0.0, 10.0, 1e4]), size=st.integers(1, 40))
def test_what_is_exported_chooses_as_the_search_does(seed, offset, size):
    """The spelled-out search is exact also far from the origin, and for fewer codewords than candidates."""
    x, codebook = numbers(200, 5, seed=seed) + offset, numbers(size, 5, seed=seed + 1) + offset
    indices, squared = _spelled(x, codebook)
    found = zador.nearest(x, codebook)
    assert indices.equal(found.indices)
    np.testing.assert_allclose(squared, found.squared_distances, rtol=4 * np.finfo(np.float32).eps, atol=0)


def test_what_is_exported_breaks_ties_as_the_search_does():
    """Of equal codewords both take the lowest index."""
    codebook = torch.tensor([[5.0, 5.0], [1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    x = torch.tensor([[1.0, 0.0], [0.0, 3.0], [0.9, 0.1]])
    assert _spelled(x, codebook)[0].tolist() == zador.nearest(x, codebook).indices.tolist() == [1, 1, 1]
