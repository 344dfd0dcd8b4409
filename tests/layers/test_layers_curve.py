"""SF-DiVeQ: candidates on the curve, the gradient at both ends of a segment, codewords alone in evaluation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

import zador
from zador.codebooks import Ema, FromBatch, Gradient
from zador.errors import UsageError
from zador.estimators import DiVeQ, straight_through
from zador.layers import CurveTable, chained

CORNERS = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [-1.0, 2.0]], np.float32)


def layer_of(variance=0.0, **options):
    """Return a layer over four corners, in double precision."""
    learner = Gradient(start=CORNERS, revive=None)
    return zador.sf_diveq(2, 4, estimator=DiVeQ(variance=variance), learner=learner, **options).double()


def batch(count=200, seed=0):
    """Return vectors around the curve."""
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 1


def test_values_in_training_are_the_nearest_of_one_point_on_each_segment():
    """All vectors that chose a segment have one value, which lies on it; no other value was nearer; each pass has others."""
    layer, x = layer_of(), batch()
    first, second = layer(x), layer(x)
    corners = torch.from_numpy(CORNERS).double()
    points = torch.stack([first.quantized[first.indices == segment][0] for segment in range(3)]).detach()
    torch.testing.assert_close(first.quantized, points[first.indices], rtol=1e-12, atol=1e-12)
    along, length = points - corners[:-1], (corners[1:] - corners[:-1])
    places = (along * length).sum(1) / (length**2).sum(1)
    assert ((places >= 0) & (places < 1)).all()
    torch.testing.assert_close(points, corners[:-1] + places[:, None] * length, rtol=1e-12, atol=1e-12)
    assert torch.cdist(x, points).argmin(1).equal(first.indices)
    assert not torch.allclose(first.quantized, second.quantized)


def test_places_are_uniform_and_no_two_passes_or_processes_share_them():
    """4,000 places of two passes in two processes: all different, and uniform by Kolmogorov–Smirnov at 1e-4."""
    code = zador.sf_diveq(1, 1001).quantizer
    passes = [SimpleNamespace(draw=torch.tensor(draw), rank=rank) for draw in (0, 1) for rank in (0, 1)]
    places = torch.cat([code.places(each) for each in passes]).double().numpy()
    assert stats.kstest(places, "uniform").pvalue > 1e-4
    # Of 4,000 numbers of 24 bits one pair may well be equal.
    assert len(np.unique(places)) > 3990


def test_the_gradient_is_shared_by_the_vector_and_both_ends():
    """For y = (1 - λ) DiVeQ(x, a) + λ DiVeQ(x, b): written out with unit vectors, g summing to itself without noise."""
    layer, x, g = layer_of(), batch().requires_grad_(), batch(seed=1)
    out = layer(x)
    (codewords,) = layer.parameters()
    at_x, at_codewords = torch.autograd.grad(out.quantized, [x, codewords], g)
    corners, expected = codewords.detach(), torch.zeros(4, 2, dtype=torch.float64)
    rest = g.clone()
    for n, segment in enumerate(out.indices.tolist()):
        a, b = corners[segment], corners[segment + 1]
        place = (out.quantized[n].detach() - a).norm() / (b - a).norm()
        for end, share, number in ((a, 1 - place, segment), (b, place, segment + 1)):
            u = (end - x[n].detach()) / (end - x[n].detach()).norm()
            expected[number] += share * (u @ g[n]) * u
            rest[n] -= share * (u @ g[n]) * u
    torch.testing.assert_close(at_codewords, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(at_x, rest, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(at_x.sum(0) + at_codewords.sum(0), g.sum(0), rtol=1e-9, atol=1e-9)


def test_evaluation_and_encoding_know_the_codewords_only():
    """`encode` gives the nearest codeword in any mode, evaluation its value; in training K - 1 segments have indices."""
    layer, x = layer_of(), batch()
    nearest = torch.cdist(x, torch.from_numpy(CORNERS).double()).argmin(1)
    assert layer(x).indices.max() == 2
    assert layer.encode(x).equal(nearest)
    out = layer.eval()(x)
    assert out.indices.equal(nearest)
    assert out.quantized.equal(layer.decode(nearest))


def test_there_is_no_codebook_loss():
    """The loss is the commitment to the point on the curve, and 0 by default; codewords get no gradient from it."""
    layer, x = layer_of(commitment=0.5), batch()
    out = layer(x)
    assert out.info.codebook == 0
    torch.testing.assert_close(out.loss.detach(), 0.5 * ((x - out.quantized.detach()) ** 2).sum(1).mean())
    assert layer_of()(x).loss == 0


def test_a_curve_learns_to_lie_where_vectors_are():
    """Adam on the squared error of a ring: evaluated on codewords, the error falls to a third at least of what it was."""
    generator = torch.Generator().manual_seed(0)
    angle = 6.28 * torch.rand(4000, 1, generator=generator)
    ring = torch.cat([angle.cos(), angle.sin()], dim=1)
    start = 0.1 * torch.randn(16, 2, generator=generator)
    layer = zador.sf_diveq(2, 16, learner=Gradient(start=start, revive=None))
    before = layer.eval()(ring).info.distortion
    optimiser = torch.optim.Adam(layer.train().parameters(), lr=0.02)
    for step in range(150):
        x = ring[step % 8 :: 8]
        optimiser.zero_grad()
        ((layer(x).quantized - x) ** 2).sum(1).mean().backward()
        optimiser.step()
    assert layer.eval()(ring).info.distortion < before / 3


def test_found_codewords_are_chained_and_given_ones_are_not():
    """A greedy tour from the farthest out: its steps are short; codewords handed over keep their order."""
    codewords = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    order = chained(codewords)
    assert order.sort().values.equal(torch.arange(100))
    assert ((codewords - codewords.mean(0)).norm(dim=1).argmax()) == order[0]
    steps = (codewords[order][1:] - codewords[order][:-1]).norm(dim=1)
    for n in range(98):
        later = (codewords[order][n + 2 :] - codewords[order][n]).norm(dim=1)
        assert (later >= steps[n]).all()
    (found,) = CurveTable.split(codewords)
    assert found.equal(codewords[order])
    assert layer_of().codebooks[0].equal(torch.from_numpy(CORNERS).double())


def test_nonsense_is_refused():
    """Learners that revive or do not learn by gradient, one codeword, an estimator without noise, an unknown option."""
    for learner in (Ema(), Gradient(revive=FromBatch()), Gradient()):
        with pytest.raises(UsageError, match=r"pass Gradient\(revive=None\)"):
            zador.sf_diveq(2, 4, learner=learner)
    with pytest.raises(UsageError, match="codebook_size"):
        zador.sf_diveq(2, 1)
    with pytest.raises(UsageError, match="takes noise"):
        zador.sf_diveq(2, 4, estimator=straight_through)
    with pytest.raises(UsageError, match="no option heads"):
        zador.sf_diveq(2, 4, heads=2)
