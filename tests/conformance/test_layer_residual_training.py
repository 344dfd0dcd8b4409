"""Residual layers train in every stage: the pull on x is `2β/n Σ_s (r_s - q_s)`, and every table moves."""

from __future__ import annotations

import pytest
import torch

from conformance.layer_members import MEMBERS, over, train
from references.residual_straight_through import commitment, sound_commitment
from zador.codebooks import Ema, Gradient
from zador.layers import rvq

STAGED = ["rvq", "rvq-shared", "rvq-gradient"]
BETA = 0.25


def pull(x, codebooks, weight=BETA):
    """Return `2β/n Σ_s r_{s+1}`, and how much of it the first stage alone would give, by the definition."""
    rest, total, first = x, torch.zeros_like(x), None
    for codewords in codebooks:
        rest = rest - codewords[((rest[:, None] - codewords) ** 2).sum(-1).argmin(1)]
        total = total + rest
        first = rest if first is None else first
    return 2 * weight / len(x) * total, 2 * weight / len(x) * first


def assert_every_stage_pulls(loss_of, x, codebooks):
    """Assert that the gradient of a commitment loss is the closed form of all stages."""
    x = x.clone().requires_grad_()
    loss_of(x).backward()
    expected, of_first = pull(x.detach(), codebooks)
    assert (expected - of_first).norm() > 0.1 * expected.norm()
    torch.testing.assert_close(x.grad, expected, rtol=1e-4, atol=1e-7)


def codebooks_of(layer, stages=3):
    return [codewords.clone() for codewords in layer.codebooks] * (stages // len(layer.codebooks))


def started(member):
    layer = member.make()
    train(layer, member.input())
    return layer


@over(STAGED)
@pytest.mark.parametrize("training", [True, False])
def test_the_commitment_of_every_stage_reaches_the_encoder(member, training):
    """The gradient is the closed form with the codewords that the pass saw, in training and in eval."""
    layer, x = started(member).train(training), member.input(3).view(-1, 8)
    assert layer.commitment == BETA
    assert_every_stage_pulls(lambda x: layer(x).loss, x, codebooks_of(layer))


@over(STAGED)
def test_each_stage_adds_its_own_part(member):
    """Leaving out stage s changes the gradient by the part of that stage."""
    layer, x = started(member).eval(), member.input(3).view(-1, 8).requires_grad_()
    codebooks = codebooks_of(layer)
    for stages in (1, 2, 3):
        shorter = rvq(8, 16, stages, learner=Ema(start=codebooks[0]))
        for table, codewords in zip(shorter._tables, codebooks, strict=False):
            table.codewords.copy_(codewords)
        (gradient,) = torch.autograd.grad(shorter.eval()(x).loss, x)
        torch.testing.assert_close(gradient, pull(x.detach(), codebooks[:stages])[0], rtol=1e-4, atol=1e-7)


def test_the_known_bug_would_be_seen():
    """The wiring of the reports fails this very assertion, and the sound one passes it."""
    layer, x = started(MEMBERS["rvq"]), MEMBERS["rvq"].input(3).view(-1, 8)
    codebooks = codebooks_of(layer)
    assert_every_stage_pulls(lambda x: sound_commitment(x, codebooks, BETA), x, codebooks)
    with pytest.raises(AssertionError, match="not close"):
        assert_every_stage_pulls(lambda x: commitment(x, codebooks, BETA), x, codebooks)
    leaf = x.clone().requires_grad_()
    commitment(leaf, codebooks, BETA).backward()
    torch.testing.assert_close(leaf.grad, pull(x, codebooks)[1], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("learner", [Ema(), Gradient()], ids=["ema", "gradient"])
def test_the_table_of_every_stage_moves(learner):
    """No stage stays where it started, and each lowers what it was given to lower."""
    layer, member = rvq(8, 16, 4, learner=learner), MEMBERS["rvq"]
    train(layer, member.input())
    before = codebooks_of(layer, 4)
    for seed in range(1, 4):
        train(layer, member.input(seed))
    moved = [not one.equal(other) for one, other in zip(before, layer.codebooks, strict=True)]
    assert moved == [True] * 4
    assert (layer(member.input(9)).info.usage > 0).all()


def test_a_grouped_layer_pulls_in_every_stage_of_every_group():
    """The closed form holds part by part."""
    member = MEMBERS["grvq"]
    layer = started(member).eval()
    x = member.input(3).view(-1, 8).requires_grad_()
    layer(x).loss.backward()
    codebooks = codebooks_of(layer, 4)
    parts = [
        pull(x.detach()[:, part], tables)[0] for part, tables in ((slice(4), codebooks[:2]), (slice(4, 8), codebooks[2:]))
    ]
    torch.testing.assert_close(x.grad, torch.cat(parts, dim=1), rtol=1e-4, atol=1e-7)
