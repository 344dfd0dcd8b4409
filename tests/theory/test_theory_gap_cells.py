"""Moments of a sample and of its cells, in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from zador.theory.gap.cells import cells_of, squared_errors

EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_textbook_moments_in_blocks_of_any_size(monkeypatch, rows):
    """Mean, covariance and cell means agree with NumPy's, cell by cell, however many rows are read at a time."""
    monkeypatch.setattr("zador.theory.gap.cells._BLOCK_BYTES", 8 * 4 * rows)
    rng = np.random.default_rng(rows)
    x, indices = rng.standard_normal((500, 4)) + 3.0, rng.choice([0, 1, 4], 500)
    found = cells_of(x, indices, 6)
    assert found.origin == pytest.approx(x.mean(axis=0), rel=1e-13)
    assert found.covariance == pytest.approx(np.cov(x, rowvar=False, bias=True), rel=1e-12, abs=1e-13)
    assert found.counts.tolist() == [np.count_nonzero(indices == k) for k in range(6)]
    for k in (0, 1, 4):
        assert found.means[k] + found.origin == pytest.approx(x[indices == k].mean(axis=0), rel=1e-13)
    assert not found.means[[2, 3, 5]].any()
    table = rng.standard_normal((6, 4))
    assert squared_errors(x, indices, table) == pytest.approx(((x - table[indices]) ** 2).sum(axis=1), rel=1e-13)


def test_a_constant_far_from_zero_has_no_variance():
    """The mean of 300,000 times π 1e9 is off by many units in the last place; the covariance does not see them."""
    value = 1e9 * np.pi
    found = cells_of(np.full((300_000, 2), value), np.zeros(300_000, int), 1)
    assert (abs(found.origin - value) > 10 * EPS * value).all()  # or this tests nothing
    assert (abs(found.covariance) < (EPS * value) ** 2).all()
