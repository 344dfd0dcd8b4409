"""Weights that change: bounded, exact at the ends, and heard by the layer."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.checkpoint import checkpoint

import zador
from zador.errors import UsageError
from zador.estimators import Cosine, Exponential, Linear
from zador.layers import AdaptiveCommitment, Annealed, CosineWarmUp, Scheduled, WarmUp

ONE = torch.tensor(1.0)
weights = st.floats(0, 1e3, width=16)


def drawn(rows=64, seed=0):
    return torch.randn(rows, 4, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30)
@given(kind=st.sampled_from([WarmUp, CosineWarmUp]), end=weights, start=weights, steps=st.integers(1, 10**6), t=st.data())
def test_warm_up_goes_from_start_to_weight_and_never_past_them(kind, end, start, steps, t):
    """Exact at step 0 and from `steps` on, between the two and monotone before, to the rounding of float32."""
    rule = kind(end, steps, start)
    at = sorted(t.draw(st.lists(st.integers(0, steps), min_size=2, max_size=2)))
    early, late = (rule(torch.tensor(step), ONE).item() for step in at)
    slack = 4 * torch.finfo(torch.float32).eps * max(start, end)
    assert rule(torch.tensor(0), ONE).item() == pytest.approx(start, rel=1e-6)
    assert rule(torch.tensor(steps), ONE).item() == rule(torch.tensor(3 * steps), ONE).item() == pytest.approx(end, rel=1e-6)
    assert min(start, end) - slack <= early <= max(start, end) + slack
    assert (late - early) * (end - start) >= -slack * abs(end - start)


@pytest.mark.parametrize("schedule", [Exponential(1.0, 0.1, 10), Linear(1.0, 0.1, 10), Cosine(1.0, 0.1, 10)], ids=str)
def test_schedules_of_temperatures_are_weights(schedule):
    """The same numbers, whatever the usage."""
    for step in (0, 3, 10, 30):
        assert Annealed(schedule)(torch.tensor(step), torch.tensor(0.0)).equal(schedule(torch.tensor(step)))


@settings(max_examples=30)
@given(high=weights, low=weights, target=st.floats(1e-3, 1), usage=st.floats(0, 1))
def test_adaptive_commitment_follows_usage_between_its_bounds(high, low, target, usage):
    """`low` where nothing is used, `high` from the target on, a straight line between, never outside and never NaN."""
    rule = AdaptiveCommitment(high, low, target)
    found = rule(torch.tensor(0), torch.tensor(usage)).item()
    slack = 4 * torch.finfo(torch.float32).eps * max(high, low)
    assert min(low, high) - slack <= found <= max(low, high) + slack
    assert found == pytest.approx(low + (high - low) * min(usage / target, 1), rel=1e-5, abs=slack)
    assert rule(torch.tensor(0), torch.tensor(0.0)).item() == pytest.approx(low)
    assert rule(torch.tensor(0), ONE).item() == pytest.approx(high)


def test_a_layer_hears_of_its_usage():
    """β is `low` in the first pass, before anything was counted, and `high` once the codebook is in use."""
    layer = zador.vq(4, 8, commitment=AdaptiveCommitment(high=1.0, low=0.125))
    for expected in (0.125, 1.0):
        layer.eval()
        out = layer(drawn())
        torch.testing.assert_close(out.info.commitment, expected * out.info.distortion)
        layer.train()
        layer(drawn())


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_repeated_pass_weighs_as_the_first(reentrant):
    """Under a checkpoint, gradients of warmed-up losses are those of plain passes, to the bit."""
    gradients = []
    for repeated in (False, True):
        rule = Scheduled(zador.layers.Diversity(weight=1.0), WarmUp(1.0, 3))
        layer = zador.vq(4, 8, regularisers=[rule], commitment=WarmUp(1.0, 3))
        layer(drawn())
        for _ in range(2):
            x = drawn(seed=1).requires_grad_()
            loss = checkpoint(lambda x, on=layer: on(x).loss, x, use_reentrant=reentrant) if repeated else layer(x).loss
            loss.backward()
            gradients.append(x.grad)
    assert gradients[0].equal(gradients[2])
    assert gradients[1].equal(gradients[3])
    assert not gradients[0].equal(gradients[1])


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: WarmUp(-1.0, 10), "WarmUp: weight"),
        (lambda: CosineWarmUp(1.0, 10, start=float("inf")), "CosineWarmUp: start"),
        (lambda: WarmUp(1.0, 0), "WarmUp: steps"),
        (lambda: Annealed(0.5), "Annealed"),
        (lambda: AdaptiveCommitment(low=-0.1), "AdaptiveCommitment: low"),
        (lambda: AdaptiveCommitment(target=0.0), "target"),
        (lambda: AdaptiveCommitment(target=1.5), "target"),
    ],
)
def test_arguments_out_of_range_are_refused(make, match):
    """One clear line each."""
    with pytest.raises(UsageError, match=match):
        make()
