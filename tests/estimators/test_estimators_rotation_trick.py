"""The rotation trick: what R is, what λ is, and what happens where the formula has no value."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from references.estimators import backward, planar_rotation, rotation_matrix, stretch
from zador.errors import UsageError
from zador.estimators import rotation_trick, rotation_trick_without_rescaling
from zador.estimators.reflections import turned_back
from zador.estimators.rotation_trick import turn_back

ROUNDING = 2.0**-23
BOTH = [rotation_trick, rotation_trick_without_rescaling]

both = pytest.mark.parametrize("estimator", BOTH, ids=lambda function: function.__name__)
triples = st.integers(2, 9).flatmap(
    lambda dim: arrays(np.float32, (3, dim), elements=st.floats(-8, 8, width=32, allow_subnormal=False))
)
sizes = st.floats(-30, 30).map(lambda power: 10.0**power)


def gradient(estimator, x, q, g):
    """Return the gradient at x when g arrives at y."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(estimator(x, q), x, g)[0]


def half_angle(x, q):
    """Return ||x̂ + q̂||, in float64: 2 for parallel vectors, 0 for opposite ones, where R jumps."""
    x, q = x.astype(np.float64), q.astype(np.float64)
    return np.linalg.norm(x / np.linalg.norm(x) + q / np.linalg.norm(q))


@given(triples)
def test_two_reflections_are_the_rotation_in_the_plane_of_x_and_q(triple):
    """The reference agrees with trigonometry: the angle from x to q, in their plane, nothing elsewhere."""
    x, q, _ = triple.astype(np.float64)
    assume(min(np.linalg.norm(x), np.linalg.norm(q)) > 1e-3)
    assume(abs(x @ q) < 0.9999 * np.linalg.norm(x) * np.linalg.norm(q))  # the plane exists
    np.testing.assert_allclose(rotation_matrix(x, q), planar_rotation(x, q), atol=1e-9)
    assert np.linalg.det(rotation_matrix(x, q)) > 0


@given(triples)
def test_it_is_the_rotation_matrix(triple):
    """The backward is λ Rᵀ g, and Rᵀ g without rescaling, by the reference's matrix.

    d products and a dozen operations round; what they do to the bisector grows as 1 / ||x̂ + q̂||. Next to the smallest
    normal number a result is off by the smallest subnormal one as well.
    """
    x, q, g = triple
    assume(x.any() and q.any() and half_angle(x, q) > 1e-3)
    expected = backward(rotation_matrix(x, q), g)
    relative = (len(x) + 16) * ROUNDING * (1 + 4 / half_angle(x, q))
    bound = relative * np.linalg.norm(g.astype(np.float64)) + float(np.finfo(np.float32).smallest_subnormal)
    ours = gradient(rotation_trick_without_rescaling, *map(torch.from_numpy, triple)).numpy()
    assert np.abs(ours - expected).max() <= bound
    ours = gradient(rotation_trick, *map(torch.from_numpy, triple)).numpy()
    assert np.abs(ours - stretch(x, q) * expected).max() <= bound * max(stretch(x, q), 1.0)


@given(triples)
def test_operator_and_definition_agree(triple):
    """The compiled rows and the reflections in torch, which other devices use, give the same to rounding."""
    x, q, g = (torch.from_numpy(row).double()[None] for row in triple)
    assume(x.any() and q.any() and half_angle(triple[0], triple[1]) > 1e-3)
    for rescale in (False, True):
        torch.testing.assert_close(turn_back(g, x, q, rescale), turned_back(g, x, q, rescale=rescale), rtol=1e-9, atol=1e-9)


@given(triples)
def test_lengths_and_angles_are_kept(triple):
    """||Rᵀ g|| = ||g||; the gradient stands to x as g stands to q; what is orthogonal to both stays."""
    x, q, g = (torch.from_numpy(row).double() for row in triple)
    assume(x.norm() > 1e-3)
    assume(q.norm() > 1e-3)
    turned, stretched = gradient(rotation_trick_without_rescaling, x, q, g), gradient(rotation_trick, x, q, g)
    slack = 1e-11 * (1 + g.norm())
    assert abs(turned.norm() - g.norm()) <= slack
    assert abs(turned @ x / x.norm() - g @ q / q.norm()) <= slack / min(1.0, float(half_angle(x.numpy(), q.numpy())) + 1e-8)
    torch.testing.assert_close(stretched, turned * q.norm() / x.norm(), rtol=1e-11, atol=1e-11)


@given(triples)
def test_gradients_orthogonal_to_both_are_only_stretched(triple):
    """The rotation moves nothing outside the plane of x and q."""
    x, q, g = triple.astype(np.float64)
    assume(len(x) > 2 and min(np.linalg.norm(x), np.linalg.norm(q)) > 1e-3 and half_angle(x, q) > 1e-2)
    plane, _ = np.linalg.qr(np.stack([x, q], 1))
    for _ in range(2):  # twice: the second removes what rounding left
        g = g - plane @ (plane.T @ g)
    ours = gradient(rotation_trick, *map(torch.from_numpy, (x, q, g))).numpy()
    np.testing.assert_allclose(ours, stretch(x, q) * g, atol=1e-9 * stretch(x, q))


def test_x_is_taken_to_q():
    """λ R x = q, seen from outside: the Jacobian of the backward, transposed, times x."""
    generator = torch.Generator().manual_seed(0)
    x, q = torch.randn(2, 5, generator=generator, dtype=torch.float64)
    rows = [gradient(rotation_trick, x, q, unit) for unit in torch.eye(5, dtype=torch.float64)]
    torch.testing.assert_close(torch.stack(rows) @ x, q, rtol=1e-13, atol=1e-13)


@both
def test_at_zero_the_gradient_passes_as_it_is(estimator):
    """A vector at 0 has no direction: R = I, λ = 1, and the value is still q. The rows beside it are not touched."""
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, -0.0]])
    q, g = torch.tensor([[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]]), torch.tensor([[5.0, -6.0], [0.0, 1.0], [7.0, 8.0]])
    assert estimator(x, q).equal(q)
    assert gradient(estimator, x, q, g).tolist() == [[5.0, -6.0], [1.0, 0.0], [7.0, 8.0]]


def test_a_codeword_at_zero_stops_the_stretched_gradient():
    """With q = 0, λ is 0, the limit of short codewords from any side; without rescaling the gradient passes."""
    x, q, g = torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2), torch.tensor([[5.0, -6.0]])
    assert gradient(rotation_trick, x, q, g).tolist() == [[0.0, 0.0]]
    assert gradient(rotation_trick, x, q + 1e-30, g).norm() < 1e-28
    assert gradient(rotation_trick_without_rescaling, x, q, g).equal(g)


@both
@pytest.mark.parametrize("nudge", [0.0, 1e-7, 1e-5, 1e-3, 1e-2])
def test_opposite_vectors_reflect(estimator, nudge):
    """At and near q̂ = -x̂ nothing is NaN, the length is λ ||g||, and along x the gradient is what g is along q."""
    x = torch.tensor([[3.0, 0.0, 4.0]])
    q = -2 * x + nudge * torch.tensor([[0.0, 1.0, 0.0]])
    g = torch.tensor([[1.0, -2.0, 0.5]])
    back = gradient(estimator, x, q, g).double()
    scale = (q.norm() / x.norm()).double() if estimator is rotation_trick else 1.0
    assert abs(back.norm() / (scale * g.norm()) - 1) < 32 * ROUNDING
    if nudge > 1e-6:  # nearer to opposite, single precision does not know the bisector
        along = (back * x).sum() / x.norm() / scale - (g * q).sum() / q.norm()
        assert abs(along) < 32 * ROUNDING * g.norm() / half_angle(x[0].numpy(), q[0].numpy())
    if nudge == 0.0:
        direction = (x / x.norm()).double()
        torch.testing.assert_close(back, scale * (g - 2 * direction * (direction * g).sum()), rtol=1e-5, atol=1e-6)


def test_one_coordinate_turns_by_a_sign():
    """With d = 1, R is the sign of x q and λ = |q / x|: the gradient is g q / x."""
    x, q, g = torch.tensor([[2.0], [-2.0], [0.5]]), torch.tensor([[1.0], [1.0], [-4.0]]), torch.tensor([[3.0], [3.0], [3.0]])
    torch.testing.assert_close(gradient(rotation_trick, x, q, g), g * q / x, rtol=4 * ROUNDING, atol=0)
    torch.testing.assert_close(
        gradient(rotation_trick_without_rescaling, x, q, g), g * (q / x).sign(), rtol=4 * ROUNDING, atol=0
    )


@given(triples, sizes, sizes)
def test_no_size_of_x_or_q_changes_the_rotation(triple, x_size, q_size):
    """Norms from 1e-30 to 1e30 in float32 neither overflow nor underflow: Rᵀ g is that of vectors of size 1."""
    x, q, g = triple
    assume(min(np.abs(x).max(), np.abs(q).max()) > 1e-2 and half_angle(x, q) > 1e-2)
    scaled = (x * np.float32(x_size / 8)).astype(np.float32), (q * np.float32(q_size / 8)).astype(np.float32)
    ours = gradient(rotation_trick_without_rescaling, *map(torch.from_numpy, (*scaled, g))).numpy()
    bound = (len(x) + 32) * ROUNDING * (1 + 4 / half_angle(x, q)) * np.linalg.norm(g.astype(np.float64))
    # Coordinates below 1e-38 lose digits to the format itself, at most 1e-45 / 1e-32 of the norm.
    assert np.abs(ours - backward(rotation_matrix(*(row.astype(np.float64) for row in scaled)), g)).max() <= bound


def test_a_stretch_beyond_the_format_saturates():
    """λ = 1e60 is the largest float32, on both roads: infinite only where the product is, and never NaN."""
    x, q = torch.tensor([[1e-30, 0.0]]), torch.tensor([[0.0, 1e30]])
    g = torch.tensor([[0.0, 1e-9]])
    largest = torch.finfo(torch.float32).max
    assert gradient(rotation_trick, x, q, g).tolist() == [[pytest.approx(largest * 1e-9), 0.0]]
    assert gradient(rotation_trick, q, x, g / 1e-9).tolist() == [[0.0, 0.0]]
    assert turned_back(g, x, q, rescale=True).isfinite().all()


def test_tiny_gradients_keep_their_digits():
    """Gradients of 1e-30, as after long chains, are turned to the same relative precision."""
    generator = torch.Generator().manual_seed(3)
    x, q, g = torch.randn(3, 20, 6, generator=generator)
    expected = gradient(rotation_trick, x, q, g).double()
    ours = gradient(rotation_trick, x, q, g * 2.0**-100).double() * 2.0**100
    assert ((ours - expected).norm(dim=-1) / expected.norm(dim=-1)).max() < 64 * ROUNDING


def test_not_a_number_stays_in_its_row():
    """A vector that is NaN gets a NaN gradient; its neighbours do not."""
    x, q, g = torch.ones(3, 2), torch.full((3, 2), 2.0), torch.ones(3, 2)
    x[1, 0] = float("nan")
    back = gradient(rotation_trick, x, q, g)
    assert back[1].isnan().all()
    assert back[[0, 2]].isfinite().all()


def test_only_x_and_q_are_kept():
    """Between forward and backward nothing is held that was not there before."""
    x, q = torch.randn(2, 50, 8, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.data_ptr()) or t, lambda t: t):
        rotation_trick(x, q)
    assert sorted(kept) == sorted([x.data_ptr(), q.data_ptr()])


def test_a_second_derivative_is_refused():
    """Differentiating the gradient again is an error with a way out, not a wrong number."""
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    y = rotation_trick(x, torch.ones(4, 3))
    (first,) = torch.autograd.grad((y**2).sum(), x, create_graph=True)
    with pytest.raises(UsageError, match="no second derivative"):
        first.sum().backward()


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (3,), (0, 3)], ids=str)
def test_the_operator_keeps_torchs_contract(shape):
    """`opcheck` passes: schema, shapes of the fake version, tracing."""
    torch.library.opcheck(turn_back, (torch.randn(shape), torch.randn(shape), torch.randn(shape), True))
