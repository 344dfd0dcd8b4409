"""From tensors to rows and back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zador.layers.space import Space


@given(shape=st.lists(st.integers(0, 3), max_size=3), place=st.integers(0, 3))
def test_rows_go_back_where_they_came_from(shape, place):
    """Without projections `leave(enter(x)) == x`, wherever the coordinates are."""
    axis = min(place, len(shape))
    full = (*shape[:axis], 5, *shape[axis:])
    x = torch.arange(float(torch.Size(full).numel())).view(full)
    space = Space(5, 5, axis=axis)
    rows = space.enter(x, None, None)
    assert rows.x.shape == (torch.Size(shape).numel(), 5)
    assert rows.lead == tuple(shape)
    assert space.leave(rows.x, rows).equal(x)


def test_projections_start_as_an_orthonormal_map_and_its_transpose():
    """Down and up again is the orthogonal projection on what the code sees; up and down again loses nothing."""
    space = Space(8, 3)
    into, out = space.into.weight, space.out.weight
    torch.testing.assert_close(into @ into.T, torch.eye(3))
    assert out.equal(into.T)
    assert not space.into.bias.any()
    assert not space.out.bias.any()


def test_a_wider_code_sees_everything():
    """With d > D the maps are isometric the other way round."""
    space, x = Space(3, 8), torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    rows = space.enter(x, None, None)
    torch.testing.assert_close(space.leave(rows.x, rows), x)


@pytest.mark.parametrize(("given", "inside"), [(torch.float16, torch.float32), (torch.float64, torch.float64)])
def test_rows_are_at_least_of_single_precision(given, inside):
    """16 bits are widened; what leaves has the type that came."""
    space = Space(4, 4)
    rows = space.enter(torch.ones(2, 4, dtype=given), None, None)
    assert rows.x.dtype == inside
    assert space.leave(rows.x, rows).dtype == given


def test_masked_rows_come_out_as_zeros_even_with_a_bias():
    """The bias of the projection does not show where nothing was."""
    space = Space(4, 2)
    torch.nn.init.ones_(space.out.bias)
    rows = space.enter(torch.ones(3, 4), torch.tensor([True, False, True]), None)
    out = space.leave(rows.x, rows)
    assert not out[1].any()
    assert out[0].any()


def test_no_float_is_lost_without_projections():
    """Contiguous float32 vectors are viewed, not copied."""
    x = torch.ones(2, 3, 4)
    assert Space(4, 4).enter(x, None, None).x.data_ptr() == x.data_ptr()
