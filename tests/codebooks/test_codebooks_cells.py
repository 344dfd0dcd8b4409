"""Statistics of cells: the definition, what is masked, which bits, and what a compiler sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from references import learners as reference
from threads import threads
from zador.codebooks import cell_sums


def drawn(seed, count, dim, size):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_normal((count, dim)).astype(np.float32)), torch.from_numpy(
        rng.integers(-1, size, count)
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 40),
    dim=st.integers(1, 5),
    size=st.integers(1, 9),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
@settings(max_examples=60, deadline=None)
def test_counts_and_sums_are_the_definition(seed, count, dim, size, dtype):
    """A loop over the vectors in float64 gives the same counts, and the same sums to half a unit of their last place."""
    x, indices = drawn(seed, count, dim, size)
    x = x.to(dtype)
    found = cell_sums(x, indices, size)
    counts, sums = reference.cells(x.double().numpy(), indices.numpy(), size)
    assert found.counts.dtype == found.sums.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    np.testing.assert_array_equal(found.counts.numpy(), counts)
    # Float64 sums of 40 numbers of size <= 5 are off by 40² · 5 · 2^-53; rounding to float32 adds 2^-24.
    unit = 0.0 if dtype == torch.float64 else 2.0**-24
    np.testing.assert_allclose(found.sums.numpy(), sums, rtol=unit, atol=1e-12)


def test_what_is_masked_touches_nothing():
    """Rows of index -1 hold NaN and infinity; counts and sums are those without these rows."""
    x, indices = drawn(0, 500, 3, 7)
    assert (indices == -1).any()
    dirty = x.clone()
    dirty[indices == -1] = torch.tensor([float("nan"), float("inf"), 1.0])
    found, clean = cell_sums(dirty, indices, 7), cell_sums(x[indices >= 0], indices[indices >= 0], 7)
    assert torch.equal(found.sums, clean.sums)
    assert torch.equal(found.counts, clean.counts)
    assert torch.isfinite(found.sums).all()


def test_small_numbers_survive_among_large_ones():
    """Sums are formed in float64: ten thousand times 1 beside ± 1e9 do not drown."""
    x = torch.ones(10_002, 1)
    x[0], x[-1] = 1e9, -1e9
    assert cell_sums(x, torch.zeros(10_002, dtype=torch.int64), 1).sums.item() == 10_000


def test_threads_change_no_bit_of_a_large_batch():
    """Twelve million numbers, which two parts share, give the same bits on one thread and on two."""
    x, indices = drawn(0, 100_000, 120, 64)
    with threads(2):
        many = cell_sums(x, indices, 64)
    with threads(1):
        one = cell_sums(x, indices, 64)
    assert torch.equal(many.sums, one.sums)


def test_views_are_read_as_they_look():
    """Transposed and strided vectors and indices give what their copies give."""
    x, indices = drawn(0, 400, 6, 7)
    found = cell_sums(x.T.contiguous().T[::2], indices[::2], 7)
    assert torch.equal(found.sums, cell_sums(x[::2].contiguous(), indices[::2].contiguous(), 7).sums)


def test_an_index_beyond_the_codebook_is_refused():
    """Compiled code would write outside the table: index 7 of 7 codewords is an error instead."""
    x, indices = drawn(0, 4, 2, 7)
    indices[2] = 7
    with pytest.raises(IndexError, match="index 7 of a codebook of 7"):
        cell_sums(x, indices, 7)


def test_the_path_of_other_devices_agrees():
    """Called on the CPU, the sums by index_add are those of the compiled loop to the rounding of float64, NaN masked."""
    from zador.codebooks.learn.cells import _on_device

    x, indices = drawn(0, 3000, 5, 17)
    x[indices == -1] = float("nan")
    found, (counts, sums) = cell_sums(x, indices, 17), _on_device(x, indices, 17)
    np.testing.assert_array_equal(counts.float().numpy(), found.counts.numpy())
    # To half a unit of float32 (relative), and of float64 sums of 3000 numbers below 5 (absolute).
    np.testing.assert_allclose(sums.numpy(), found.sums.numpy(), rtol=2.0**-24, atol=1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_and_repeats():
    """On a GPU the counts are equal, the sums equal to rounding, and repeat bit for bit when asked to be deterministic."""
    x, indices = drawn(0, 50_000, 5, 17)
    here, there = cell_sums(x, indices, 17), cell_sums(x.cuda(), indices.cuda(), 17)
    assert torch.equal(here.counts, there.counts.cpu())
    torch.testing.assert_close(here.sums, there.sums.cpu(), rtol=2.0**-23, atol=1e-8)
    torch.use_deterministic_algorithms(mode=True)
    try:
        again = [cell_sums(x.cuda(), indices.cuda(), 17).sums for _ in range(2)]
    finally:
        torch.use_deterministic_algorithms(mode=False)
    assert torch.equal(*again)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_operation_keeps_the_promises_of_torch(dtype):
    """`opcheck` finds schema, fake tensors and dispatch in order, and a compiled call is the plain one."""
    x, indices = drawn(0, 50, 3, 7)
    torch.library.opcheck(torch.ops.zador.cell_sums.default, (x.to(dtype), indices, 7))
    compiled = torch.compile(cell_sums, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(x, indices, 7).sums, cell_sums(x, indices, 7).sums)
