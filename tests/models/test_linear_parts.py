"""Retractions, optimisers, schedules, normalisations and the search of a stack, each against its definition."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from references import protocol_a
from zador.errors import UsageError
from zador.models.linear import Adam, Sgd, Warmup, cosine, per_batch, per_code, polar, qr, signed_qr, tangent
from zador.models.linear.nearest import cell_sums, nearest_of_each


def encoders(scale=0.1, dtype=np.float64):
    rng = np.random.default_rng(0)
    exact = np.stack([np.linalg.qr(rng.standard_normal((9, 4)))[0].T for _ in range(5)])
    return (exact + scale * rng.standard_normal(exact.shape)).astype(dtype)


@pytest.mark.parametrize("scale", [1e-8, 0.1, 10.0])
@pytest.mark.parametrize("retraction", [polar, signed_qr, qr])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_retractions_end_orthonormal(retraction, scale, dtype):
    """W Wᵀ = I to some units of rounding, near the manifold and far from it, in the dtype that came in."""
    found = retraction(encoders(scale, dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found @ found.transpose(0, 2, 1), np.broadcast_to(np.eye(4), (5, 4, 4)), atol=100 * np.finfo(dtype).eps
    )


@pytest.mark.parametrize("scale", [1e-8, 0.1, 10.0])
def test_retractions_are_their_definitions(scale):
    """Polar is U Vᵀ of the singular value decomposition, signed QR is Gram-Schmidt from the first row."""
    given = encoders(scale)
    for before, mine, signed in zip(given, polar(given), signed_qr(given), strict=True):
        np.testing.assert_allclose(mine, protocol_a.polar(before), atol=1e-12)
        np.testing.assert_allclose(signed, protocol_a.qr_with_signs(before), atol=1e-11)


def test_polar_of_ill_conditioned_and_huge_encoders():
    """Where squaring would lose digits or overflow, the singular value decomposition decides, for that member alone."""
    given = encoders(0.1)
    given[1] *= 1e200
    given[3, 0] *= 1e-9
    found = polar(given)
    for before, mine in zip(given, found, strict=True):
        np.testing.assert_allclose(mine, protocol_a.polar(before), atol=1e-11)
    np.testing.assert_array_equal(found[0], polar(given[:1])[0])


def test_signed_qr_is_continuous():
    """A small move of W moves the retraction by about as much: no row flips, as LAPACK's signs alone would allow."""
    given = encoders(0.0)
    for seed in range(50):
        moved = given + 1e-6 * np.random.default_rng(seed).standard_normal(given.shape)
        assert np.abs(signed_qr(moved) - given).max() < 1e-4


def test_bare_qr_flips_a_row_whose_leading_entry_changes_its_sign():
    """Half of all frames come back with other signs, and two that differ by 2e-6 come back with opposite first rows."""
    given = np.stack([np.linalg.qr(np.random.default_rng(seed).standard_normal((9, 4)))[0].T for seed in range(200)])
    given *= np.random.default_rng(0).choice([-1, 1], (200, 4, 1))
    signs = np.sign((qr(given) * given).sum(2))
    np.testing.assert_allclose(signs[..., None] * qr(given), given, atol=1e-12)
    # 800 signs, each -1 with probability 1/2: five standard errors.
    assert abs(signs.mean()) < 5 / np.sqrt(800)
    below, above = (np.array([[[lead, 0.6, 0.8]]]) for lead in (-1e-6, 1e-6))
    np.testing.assert_allclose(qr(below), -qr(above), atol=1e-5)
    np.testing.assert_allclose(signed_qr(below), signed_qr(above), atol=1e-5)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Sgd(), lambda p: torch.optim.SGD(p, lr=0.1)),
        (Sgd(momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        (Adam(), lambda p: torch.optim.Adam(p, lr=0.1)),
        (Adam(0.5, 0.9, 1e-4), lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.5, 0.9), eps=1e-4)),
    ],
)
def test_optimisers_are_those_of_torch(ours, theirs):
    """Ten steps end where torch.optim ends, to rounding."""
    rng = np.random.default_rng(0)
    parameter = rng.standard_normal((3, 4))
    peer = torch.tensor(parameter, requires_grad=True)
    optimiser, state = theirs([peer]), ours.init(parameter)
    for number in range(10):
        gradient = rng.standard_normal((3, 4))
        state, update = ours.step(state, gradient, number)
        parameter = parameter - 0.1 * update
        peer.grad = torch.tensor(gradient)
        optimiser.step()
    np.testing.assert_allclose(parameter, peer.detach().numpy(), rtol=0, atol=1e-14)


def test_schedules():
    """Cosine falls from 1 towards 0, a warm-up rises to 1 and hands over."""
    values = [cosine(step, 100) for step in range(100)]
    assert values[0] == 1.0
    assert all(a > b for a, b in pairwise(values))
    assert 0 < values[-1] < 1e-3
    warm = Warmup(10, then=cosine)
    assert [warm(step, 110) for step in range(9, 12)] == [1.0, 1.0, cosine(1, 100)]


def test_per_code_undoes_the_share_of_a_batch():
    """A codeword with n of B members has its gradient multiplied by B / n; one without members keeps 0."""
    gradient = np.ones((1, 3, 2))
    gradient[0, 2] = 0.0
    counts = np.array([[6.0, 2.0, 0.0]])
    np.testing.assert_array_equal(per_batch(gradient, counts, 8), gradient)
    np.testing.assert_allclose(per_code(gradient, counts, 8)[0, :, 0], [8 / 6, 4.0, 0.0])


def test_the_tangent_step_is_half_of_the_canonical_gradient():
    """For orthonormal rows it is ½ (G - W Gᵀ W), which is tangent: its product with Wᵀ is antisymmetric."""
    encoder = polar(encoders())
    gradient = np.random.default_rng(1).standard_normal(encoder.shape)
    found = tangent(gradient, encoder)
    np.testing.assert_allclose(found, (gradient - encoder @ gradient.transpose(0, 2, 1) @ encoder) / 2, atol=1e-14)
    across = found @ encoder.transpose(0, 2, 1)
    np.testing.assert_allclose(across, -across.transpose(0, 2, 1), atol=1e-14)


@pytest.mark.parametrize(("rows", "dim", "size"), [(1, 1, 1), (63, 3, 2), (64, 4, 33), (200, 5, 40)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_search_and_sums_are_their_definitions(rows, dim, size, dtype):
    """Whatever the block, the nearest codeword is the one of all differences, and sums are those of the cells."""
    rng = np.random.default_rng(0)
    z, codewords = rng.standard_normal((2, rows, dim)).astype(dtype), rng.standard_normal((2, size, dim)).astype(dtype)
    indices = nearest_of_each(z, codewords)
    counts, sums = cell_sums(z, indices, size)
    for s in range(2):
        np.testing.assert_array_equal(indices[s], protocol_a.squared_distances(z[s], codewords[s]).argmin(1))
        np.testing.assert_array_equal(counts[s], np.bincount(indices[s], minlength=size))
        expected = np.stack([z[s][indices[s] == k].sum(0, dtype=np.float64) for k in range(size)])
        np.testing.assert_allclose(sums[s], expected, atol=rows * np.finfo(dtype).eps * 4)


def test_search_of_ties_and_of_numbers_that_overflow():
    """Equal codewords: the lowest index; distances beyond the largest number: never an index that does not exist."""
    assert nearest_of_each(np.zeros((1, 1, 2)), np.ones((1, 4, 2))).tolist() == [[0]]
    huge = np.array([[[1e300], [-1e300]]])
    assert nearest_of_each(np.array([[[np.inf], [np.nan], [1e300]]]), huge).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sgd(momentum=1.0), "momentum"),
        (lambda: Adam(first=-0.1), "first"),
        (lambda: Adam(second=float("nan")), "second"),
        (lambda: Adam(epsilon=0.0), "epsilon"),
        (lambda: Warmup(0), "warm"),
    ],
)
def test_settings_that_make_no_sense(make, message):
    """Each is refused by name."""
    with pytest.raises(UsageError, match=message):
        make()
