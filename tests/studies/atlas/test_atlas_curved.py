"""SF-DiVeQ as the atlas judges it: against its layer in training, and its truth against an exact sum on the line."""

from __future__ import annotations

import numpy as np
import torch

import zador
from references.gradient_of_noise import slope, staircase
from zador.codebooks import Gradient
from zador.estimators import DiVeQ
from zador.layers import chained
from zador.studies.atlas.losses import Decoded
from zador.studies.atlas.scene import Scene
from zador.studies.atlas.subjects import Curved


def scene_of(codewords, points, *, draws, seed=0):
    """Return a scene of these codewords and points with σ = 0.3 and a curved loss."""
    codewords, points = (torch.tensor(each, dtype=torch.float64) for each in (codewords, points))
    loss = Decoded()(codewords, points, torch.Generator().manual_seed(seed))
    return Scene.at(codewords, points, loss, sigma=0.3, draws=draws, seed=seed)


def passes_of_the_layer(scene, estimator, count):
    """Return gradients (count, P, d) and losses (count, P) of passes of `zador.sf_diveq`, means over a scene's noise."""
    size, dim = scene.codewords.shape
    start = scene.codewords[chained(scene.codewords)].numpy()
    layer = zador.sf_diveq(dim, size, estimator=estimator, learner=Gradient(start=start, revive=None)).double()
    z = scene.z.flatten(1, 2).requires_grad_()
    gradients, losses = [], []
    for _ in range(count):
        each = scene.loss(layer(z).quantized)
        gradients.append(torch.autograd.grad(each.sum(), z)[0].mean(1))
        losses.append(each.detach().mean(1))
    return torch.stack(gradients), torch.stack(losses)


def test_the_arm_is_the_layer_in_training():
    """Means of gradients and losses of 400 passes, within five standard errors; noise wide enough that both ends matter."""
    scene = scene_of([[-1.0, 0.4], [1.3, 1.1], [0.2, -1.2], [-0.3, 1.5]], [[0.1, 0.2], [0.8, -0.4], [-0.9, 1.0]], draws=2048)
    rule = DiVeQ(variance=1.0)
    sent = Curved(rule)(scene)
    gradients, losses = passes_of_the_layer(scene, rule, 400)
    for arm, layer in ((sent.gradient.mean(2), gradients), (sent.losses.mean(2), losses)):
        # Blocks vary with λ, the rule's noise and the scene's; passes share the scene's, so that this error is an upper one.
        error = (arm.var(1) / arm.shape[1] + layer.var(0) / len(layer)).sqrt()
        assert ((arm.mean(1) - layer.mean(0)).abs() <= 5 * error).all()
        assert error.max() < 0.05 * layer.mean(0).abs().max()


def test_the_truth_is_that_of_the_expected_loss_on_the_curve():
    """On the line without noise of the rule: staircases of two candidates, exact in ε, averaged over a grid of both λ."""
    codewords = [[0.3], [-1.5], [1.6]]
    scene = scene_of(codewords, [[-0.8], [0.2], [0.5]], draws=65_536)
    subject = Curved(DiVeQ(variance=0.0))
    found = subject.truth(scene, subject(scene).losses)
    corners, grid = np.sort(np.ravel(codewords)), (np.arange(24) + 0.5) / 24
    pairs = corners[:-1] + np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2) * np.diff(corners)

    def heights(point):
        candidates = torch.from_numpy(pairs)[None, ..., None].expand(len(scene.points), -1, -1, -1)
        return scene.loss(candidates)[point].numpy()

    for point, place in enumerate(scene.points.numpy()):
        f = heights(point)
        exact = slope(
            lambda x, f=f: np.mean([staircase(c, h, x[0], scene.sigma) for c, h in zip(pairs, f, strict=True)]), place
        )
        error = found[point].std(0) / found.shape[1] ** 0.5
        assert abs(found[point].mean(0) - exact[0]) <= 5 * error + 1e-3 * abs(exact[0])
        assert error < 0.1 * abs(exact[0])
