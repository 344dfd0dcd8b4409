"""The truths of the atlas: against quadrature, finite differences, brute force, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from references.gradient_of_noise import slope, smooth, staircase
from zador.estimators import GumbelSoftmax, Relaxed, straight_through
from zador.studies.atlas.losses import Decoded, linear, reconstruction
from zador.studies.atlas.scene import Place, Scene, boundary_distance
from zador.studies.atlas.subjects import Crossing, Relaxing, Score
from zador.studies.atlas.truth import of_draws, of_nearest, of_values

LOSSES = {"linear": linear, "reconstruction": reconstruction, "decoder": Decoded()}


def scene_of(dim=1, count=5, points=4, sigma=0.3, draws=4096, loss=None, seed=0):
    """Return a scene with random codewords and points."""
    generator = torch.Generator().manual_seed(seed)
    codewords = 2.0 * torch.randn(count, dim, generator=generator, dtype=torch.float64)
    places = torch.randn(points, dim, generator=generator, dtype=torch.float64)
    found = (loss or Decoded())(codewords, places, generator)
    return Scene.at(codewords, places, found, sigma=sigma, draws=draws, seed=seed)


def within(found, expected, deviations=5.0):
    """Return whether the means over blocks (P, B, d) are within some standard errors of what is expected (P, d)."""
    error = found.std(1) / found.shape[1] ** 0.5
    return bool(((found.mean(1) - torch.as_tensor(expected)).abs() <= deviations * error + 1e-9).all())


@pytest.mark.parametrize("loss", LOSSES)
def test_on_the_line_the_hard_truth_is_exact(loss):
    """It is the derivative of Σ_k f_k P(cell k), in every block alike: nothing is drawn."""
    scene = scene_of(loss=LOSSES[loss], draws=64)
    found = of_nearest(scene)
    assert found.std(1).max() < 1e-12
    codewords = scene.codewords[:, 0].numpy()
    for point, losses, gradient in zip(scene.points, scene.losses.numpy(), found.mean(1), strict=True):
        expected = slope(lambda x, f=losses: staircase(codewords, f, x[0], scene.sigma), point.numpy())
        # Central differences of step 1e-4: an error of 1e-8 F''' / 6.
        assert gradient.numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("dim", [2, 5])
def test_in_the_plane_and_beyond_the_hard_truth_is_that_of_brute_force(dim):
    """E f(q(z)) ε / σ² from the scene's own noise, without lines: both within their errors, and the line's are smaller."""
    scene = scene_of(dim, count=9, draws=32_768)
    lines = of_nearest(scene)
    values = scene.losses[:, None, None].expand(*scene.nearest.shape, -1).gather(-1, scene.nearest[..., None])
    brute = (values * scene.noise).mean(2) / scene.sigma**2
    assert within(brute, lines.mean(1))
    assert lines.std(1).mean() < 0.5 * brute.std(1).mean()


def test_a_distant_boundary_costs_no_precision():
    """Two codewords, 6 σ from the boundary: (f_2 - f_1) φ(6) / σ along the line between them, in closed form."""
    codewords = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    sigma = 0.15
    point = torch.tensor([[-6.0 * sigma, 0.4]], dtype=torch.float64)
    loss = Decoded()(codewords, point, torch.Generator().manual_seed(1))
    scene = Scene.at(codewords, point, loss, sigma=sigma, draws=64, seed=0)
    step = float(scene.losses[0, 1] - scene.losses[0, 0])
    expected = step * math.exp(-18.0) / math.sqrt(2 * math.pi) / sigma
    found = of_nearest(scene).mean(1)[0]
    assert found[0].item() == pytest.approx(expected, rel=1e-9)
    assert abs(found[1].item()) < 1e-9 * abs(expected)  # by symmetry exactly 0; pairs of noise cancel


@pytest.mark.parametrize("dim", [1, 2])
def test_the_truth_of_draws_is_the_derivative_of_its_expected_loss(dim):
    """Σ_k p_k f_k under Gauss-Hermite nodes, differentiated by central differences."""
    scene = scene_of(dim, draws=8192)

    def expected_loss(z, losses):
        squared = ((z[:, None] - scene.codewords.numpy()) ** 2).sum(-1)
        p = np.exp(-squared + squared.min(1, keepdims=True))
        return (p / p.sum(1, keepdims=True)) @ losses

    expected = [
        slope(lambda x, f=losses: smooth(lambda z: expected_loss(z, f), x, scene.sigma), point.numpy())
        for point, losses in zip(scene.points, scene.losses.numpy(), strict=True)
    ]
    assert within(of_draws(scene), np.array(expected))


def softly(logits, noise, step):
    """A soft assignment: no noise at all."""
    del noise, step
    return Relaxed(torch.softmax(logits, -1), logits.argmax(-1))


def test_a_soft_assignment_has_no_bias_of_its_own():
    """Its gradient under Gauss-Hermite nodes is the derivative of its expected loss under them, to rounding."""
    scene = scene_of(2, points=1)

    def losses_at(z):
        return scene.loss((torch.softmax(scene.logits(torch.as_tensor(z)), -1) @ scene.codewords)[None])[0]

    def gradients_at(z):
        leaf = torch.as_tensor(z).requires_grad_()
        weights = softly(scene.logits(leaf), None, None).weights
        return torch.autograd.grad(scene.loss((weights @ scene.codewords)[None]).sum(), leaf)[0].numpy()

    point = scene.points[0].numpy()
    expected = slope(lambda x: smooth(lambda z: losses_at(z).numpy(), x, scene.sigma, nodes=40), point)
    assert smooth(gradients_at, point, scene.sigma, nodes=40) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("relaxation", [softly, GumbelSoftmax(0.7, hard=False)], ids=["soft assignment", "Gumbel-softmax"])
def test_estimators_that_differentiate_their_own_forward_are_measured_as_unbiased(relaxation):
    """The truth from values alone and the mean gradient agree within the error of their difference."""
    scene = scene_of(2)
    sent = Relaxing(relaxation)(scene)
    assert within(sent.gradient.mean(2) - of_values(scene, sent.losses), torch.zeros(len(scene.points), 2))


def test_the_score_function_has_no_bias_of_its_own():
    """Its mean is the exact sum over codewords, within the error."""
    scene = scene_of(2)
    sent = Score()(scene)
    assert within(sent.gradient.mean(2) - of_draws(scene), torch.zeros(len(scene.points), 2))


def test_values_and_lines_agree_on_the_hard_truth():
    """`of_values` of straight-through's losses, which knows nothing of cells, against `of_nearest`."""
    scene = scene_of(3, count=8, draws=32_768)
    sent = Crossing(straight_through)(scene)
    assert within(of_values(scene, sent.losses) - of_nearest(scene), torch.zeros(len(scene.points), 3))


@pytest.mark.parametrize(("sigma", "error"), [(1.0, 1e-6), (0.5, 0.02), (0.125, None)])
def test_straight_through_is_exact_for_a_linear_loss_under_wide_noise(sigma, error):
    """On a grid of step 1 the blurred staircase has the slope 1 + O(e^{-2 π² σ²}): one cell is plenty, an eighth is not."""
    codewords = torch.arange(-30.0, 31.0, dtype=torch.float64)[:, None]
    points = torch.tensor([[0.1], [0.3], [0.5]], dtype=torch.float64)
    scene = Scene.at(codewords, points, lambda y: y[..., 0], sigma=sigma, draws=64, seed=0)
    wrong = (Crossing(straight_through)(scene).gradient.mean((1, 2)) - of_nearest(scene).mean(1)).abs().max().item()
    assert wrong < error if error is not None else wrong > 0.5
    first_harmonic = 2 * math.exp(-2 * math.pi**2 * sigma**2)
    if error is not None:
        assert wrong == pytest.approx(first_harmonic, rel=0.3)


@pytest.mark.parametrize("distance", [0.125, 1.0, 4.0])
@pytest.mark.parametrize("dim", [1, 2, 8])
def test_points_are_as_far_from_the_boundary_as_they_should_be(distance, dim):
    """In every scene, to rounding, and inside the cell of the codeword that they were placed in."""
    place = Place(dim=dim, distance=distance, draws=32)
    for seed in range(3):
        scene = place.scene(seed)
        owner = scene.logits(scene.points).argmax(-1)
        far = boundary_distance(scene.codewords, scene.points, owner) / scene.sigma
        torch.testing.assert_close(far, torch.full_like(far, distance), rtol=1e-6, atol=0)


@pytest.mark.parametrize("place", [Place(draws=32), Place(dim=8, distance=4.0, draws=32)], ids=["near", "far"])
def test_points_lie_beside_the_line_between_two_codewords(place):
    """Nearly all of them: on that line straight-through's error would be of one kind only."""
    off = []
    for seed in range(5):
        scene = place.scene(seed)
        owner = scene.logits(scene.points).argmax(-1)
        apart = torch.cdist(scene.codewords, scene.codewords).fill_diagonal_(torch.inf)
        way = scene.codewords[apart.argmin(1)[owner]] - scene.codewords[owner]
        way = way / way.norm(dim=1, keepdim=True)
        along = scene.points - scene.codewords[owner]
        off.append((along - (along * way).sum(1, keepdim=True) * way).norm(dim=1) > 0.01)
    assert torch.stack(off).double().mean() > 0.9


def test_scenes_repeat_and_seeds_differ():
    """The same seed gives the same bits and fingerprint; noise comes in pairs."""
    place = Place(draws=64)
    one, other = place.scene(1), place.scene(2)
    assert place.scene(1).noise.equal(one.noise)
    assert not one.codewords.equal(other.codewords)
    assert place.fingerprint(1) == Place(draws=64).fingerprint(1) != place.fingerprint(2)
    half = one.noise.shape[2] // 2
    assert one.noise[:, :, :half].equal(-one.noise[:, :, half:])
