"""The door: what is not finite is refused or left out, what is masked is not looked at."""

from __future__ import annotations

import pytest
import torch

from zador.errors import NonFiniteError
from zador.layers.door import finite_rows

X = torch.arange(12.0).view(6, 2)


def spoilt(*rows):
    x = X.clone()
    x[list(rows), 1] = torch.nan
    return x


def test_finite_rows_pass_as_they_are():
    """No copy, no mask, nothing left out."""
    x, valid, skipped = finite_rows(X, None, skip=False)
    assert x is X
    assert (valid, skipped.item()) == (None, 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_sums_that_overflow_are_no_reason_to_refuse(dtype):
    """Only what is not finite itself is refused."""
    largest = torch.full((100, 4), torch.finfo(dtype).max, dtype=dtype)
    assert finite_rows(largest, None, skip=False)[0] is largest


def test_the_error_counts_and_names_the_first():
    """Five rows by number, and dots where there are more."""
    with pytest.raises(NonFiniteError, match=r"x: 2 of 6 vectors .* \(rows 1, 4\); .*on_nonfinite="):
        finite_rows(spoilt(1, 4), None, skip=False)
    with pytest.raises(NonFiniteError, match=r"6 of 6 vectors .* \(rows 0, 1, 2, 3, 4, \.\.\.\)"):
        finite_rows(spoilt(*range(6)), None, skip=False)


def test_opposite_infinities_do_not_hide_each_other():
    """A sum of +inf and -inf is NaN, which is noticed."""
    x = X.clone()
    x[0, 0], x[1, 0] = torch.inf, -torch.inf
    with pytest.raises(NonFiniteError, match="2 of 6"):
        finite_rows(x, None, skip=False)


def test_masked_rows_may_hold_anything():
    """They are zeros from here on."""
    valid = torch.tensor([True, False, True, True, False, True])
    x, kept, skipped = finite_rows(spoilt(1, 4), valid, skip=False)
    assert kept is valid
    assert x.equal(X.where(valid[:, None], 0.0))
    assert skipped == 0


def test_skipped_rows_are_counted_once():
    """A masked row that is not finite is masked, not skipped."""
    x, kept, skipped = finite_rows(spoilt(1, 4), torch.tensor([True, False, True, True, True, True]), skip=True)
    assert kept.tolist() == [True, False, True, True, False, True]
    assert skipped == 1
    assert torch.isfinite(x).all()


def test_no_rows_are_finite():
    """An empty batch passes."""
    assert finite_rows(torch.zeros(0, 2), None, skip=False)[0].shape == (0, 2)
