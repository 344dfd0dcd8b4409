"""Principal angles: known angles, tiny ones, invariances, and what the means of them say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zador import metrics
from zador.errors import DataError, NonFiniteError

EPS = float(np.finfo(np.float64).eps)


def tilted(*angles):
    """Return bases of two subspaces of R^(2m) with the given principal angles."""
    m = len(angles)
    first = np.eye(2 * m)[:, :m]
    second = np.vstack([np.diag(np.cos(angles)), np.diag(np.sin(angles))])
    return first, second


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-9, 1e-4, 0.7, math.pi / 4, math.pi / 2])
def test_one_angle(angle):
    """An angle comes back to the rounding of the bases, also where its cosine is 1 in floating point."""
    assert metrics.principal_angles(*tilted(angle)) == pytest.approx([angle], abs=4 * EPS)


@given(st.lists(st.floats(0, math.pi / 2), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_the_basis_does_not_matter(angles, seed):
    """Rotating space and mixing columns leaves the angles, largest first; both means follow.

    Mixing by a matrix of condition at most 10, in 10 dimensions, loses a few hundred eps. Small angles beside large ones are
    among the cases: there an arc cosine would be off by 1e-8.
    """
    rng = np.random.default_rng(seed)
    first, second = tilted(*angles)
    rotation = np.linalg.qr(rng.standard_normal((len(first), len(first))))[0]
    mixed = [rotation @ basis @ _mixer(rng, len(angles)) for basis in (first, second)]
    expected = sorted(angles, reverse=True)
    assert metrics.principal_angles(*mixed) == pytest.approx(expected, abs=2000 * EPS)
    assert metrics.mean_angle(*mixed) == pytest.approx(np.mean(angles), abs=2000 * EPS)
    assert metrics.subspace_affinity(*mixed) == pytest.approx(np.mean(np.cos(angles) ** 2), abs=2000 * EPS)


def _mixer(rng, size):
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    return left @ np.diag(rng.uniform(0.3, 3.0, size)) @ right


def test_symmetric_and_over_the_smaller_dimension():
    """A line and a plane have one angle, in either order; contained means affinity 1."""
    line, plane = np.array([[1.0], [0.0], [1.0]]), np.eye(3)[:, :2]
    assert metrics.principal_angles(line, plane) == pytest.approx([math.pi / 4], abs=4 * EPS)
    assert metrics.principal_angles(plane, line) == pytest.approx([math.pi / 4], abs=4 * EPS)
    assert metrics.subspace_affinity(plane[:, :1], plane) == pytest.approx(1.0, abs=4 * EPS)


def test_unrelated_subspaces():
    """4 of 64 random dimensions share 4/64 of their energy on average.

    The affinity is tr(P Q) / 4; its variance over random subspaces is 2 m^2 (D - m)^2 / (D^2 (D - 1) (D + 2)) / 16.
    """
    rng, dim, m = np.random.default_rng(0), 64, 4
    shares = [metrics.subspace_affinity(rng.standard_normal((dim, m)), rng.standard_normal((dim, m))) for _ in range(300)]
    variance = 2 * m**2 * (dim - m) ** 2 / (dim**2 * (dim - 1) * (dim + 2)) / m**2
    assert np.mean(shares) == pytest.approx(m / dim, abs=4 * math.sqrt(variance / 300))


def test_a_layer_weight_is_transposed():
    """A tensor (m, D) of rows is a basis after .T, in any precision."""
    weight = torch.eye(3)[:2].requires_grad_()
    assert metrics.mean_angle(weight.T, np.eye(3)[:, :2]) == pytest.approx(0.0, abs=4 * EPS)


@pytest.mark.parametrize(
    ("basis", "other", "error", "words"),
    [
        (np.ones((4, 2)), np.eye(4), DataError, "basis.*rank 1"),
        (np.eye(4), np.zeros((4, 1)), DataError, "other.*rank 0"),
        (np.eye(4)[:2], np.eye(4)[:, :2], DataError, "basis.*transpose"),
        (np.eye(4), np.eye(3), DataError, r"4 rows.*\(3, 3\)"),
        (np.array([[1.0], [math.nan]]), np.eye(2), NonFiniteError, "basis"),
        (np.ones(4), np.eye(4), DataError, "basis"),
    ],
)
def test_mistakes_are_named(basis, other, error, words):
    """Dependent columns, rows in place of columns, and other dimensions are refused."""
    with pytest.raises(error, match=words):
        metrics.principal_angles(basis, other)
