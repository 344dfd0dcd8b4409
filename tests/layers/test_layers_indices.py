"""Shapes of indices, there and back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zador.errors import DataError
from zador.layers.indices import checked_indices, from_rows, to_rows


@given(lead=st.lists(st.integers(0, 3), max_size=4).map(tuple), streams=st.integers(1, 3))
def test_rows_and_shapes_are_inverse(lead, streams):
    """`from_rows` and `to_rows` undo each other, empty batches and single vectors included."""
    rows = torch.arange(torch.Size(lead).numel() * streams).view(-1, streams)
    shaped = from_rows(rows, lead)
    assert shaped.shape == lead + ((streams,) if streams > 1 else ())
    again, found = to_rows(shaped, streams)
    assert again.equal(rows)
    assert found == lead


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_any_whole_numbers_will_do(dtype):
    """They become int64."""
    checked = checked_indices(torch.tensor([0, 3], dtype=dtype), (4,))
    assert (checked.dtype, checked.tolist()) == (torch.int64, [0, 3])


def test_every_stream_has_its_own_alphabet():
    """The bound of one stream is not that of another."""
    assert checked_indices(torch.tensor([[3, 8], [-1, -1]]), (4, 9)).shape == (2, 2)
    with pytest.raises(DataError, match=r"1 of 2 are no index of this layer \(4\)"):
        checked_indices(torch.tensor([[4, 3]]), (4, 9))
