"""Diversity and rate: soft choices, at a fraction of their size."""

from __future__ import annotations

import math

import pytest
import torch

import zador
from references import soft_assignment as reference
from zador.codebooks import ALONE, Gradient
from zador.layers import Batch, Diversity, Rate, Tally
from zador.layers.regularise import soft_assignment as module
from zador.layers.regularise.rate import code_lengths
from zador.layers.regularise.soft_assignment import soft_assignment


def drawn(rows, dim=3, seed=0):
    return torch.randn(rows, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def code_of(codewords):
    """Return the code of a layer with these codewords."""
    return zador.vq(codewords.shape[1], len(codewords), learner=Gradient(start=codewords)).quantizer


def batch(rows, valid=None):
    return Batch(valid, rows if valid is None else valid.sum(), torch.tensor(0), ALONE)


@pytest.mark.parametrize("held", [1 << 22, 13])
@pytest.mark.parametrize("temperature", [0.01, 1.0, 50.0])
def test_sums_and_gradients_are_those_of_all_probabilities(monkeypatch, held, temperature):
    """Formed at once or one vector at a time, far from the origin too, they are those of an N × K softmax."""
    monkeypatch.setattr(module, "_CHUNK_ELEMENTS", held)
    weights, pull = torch.tensor([1.0, 0.0, 1.0, 0.5], dtype=torch.float64), drawn(1, 5, seed=9)[0]
    found = []
    for ours in (True, False):
        z, c = ((each + 100.0).requires_grad_() for each in (drawn(4), drawn(5, seed=1)))
        if ours:
            masses, entropy = soft_assignment(z, c, weights, temperature)
        else:
            p = reference.probabilities(z, c, temperature)
            masses, entropy = weights @ p, (weights * reference.entropy_bits(p)).sum() * math.log(2)
        gradients = torch.autograd.grad((masses * pull).sum() + 0.7 * entropy, (z, c))
        found.append((masses, entropy, *gradients))
    # Squares of 100 carry 1e-16 · 1e4 each; gradients and logits divide it by the temperature.
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-11 / min(temperature, 1.0) ** 2)


def test_gradients_are_derivatives():
    """Finite differences agree, for vectors and codewords, of masses and of entropy alone too."""
    z, c, w = drawn(4).requires_grad_(), drawn(3, seed=1).requires_grad_(), torch.ones(4, dtype=torch.float64)
    for part in (0, 1):
        assert torch.autograd.gradcheck(lambda z, c, part=part: soft_assignment(z, c, w, 0.9)[part], (z, c))


def test_diversity_is_the_difference_of_its_entropies():
    """`w (s E H(p) - H(E p))` in bits, of the vectors that count."""
    z, c, valid = drawn(30), drawn(5, seed=1), torch.arange(30) % 4 != 0
    p = reference.probabilities(z[valid], c, 0.7)
    expected = 0.2 * (0.5 * reference.entropy_bits(p).mean() - reference.entropy_bits(p.mean(0)))
    found = Diversity(weight=0.2, temperature=0.7, per_sample=0.5)(z, code_of(c), batch(30, valid))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_diversity_lies_between_all_alike_and_all_bits():
    """One codeword for all: 0; as many vectors at each: -log2 K; and descending from there spreads a collapsed choice."""
    c = torch.eye(4, dtype=torch.float64) * 10
    sure = Diversity(weight=1.0)
    assert abs(sure(c[:1].expand(8, 4), code_of(c), batch(8))) < 1e-12
    torch.testing.assert_close(sure(c, code_of(c), batch(4)), torch.tensor(-2.0, dtype=torch.float64))
    z = (c[:1] * 0.3 + 0.01 * drawn(64, 4)).requires_grad_()
    optimiser = torch.optim.Adam([z], lr=0.1)
    code = code_of(c)
    for _ in range(100):
        optimiser.zero_grad()
        Diversity(weight=1.0, temperature=20.0, per_sample=1.0)(z, code, batch(64)).backward()
        optimiser.step()
    counts = zador.nearest(z.detach(), c).indices.bincount(minlength=4)
    assert (counts > 0).all()


def test_rate_is_the_expected_length_of_an_ideal_code():
    """With running usage, `E Σ p (-log2 r)`, r counted with half a vector more each; all indices of a vector add up."""
    z, c = drawn(30), drawn(5, seed=1)
    code = code_of(c)
    code.table.tally.add(torch.tensor([8.0, 4.0, 2.0, 1.0, 0.0]))
    lengths = -((torch.tensor([8.5, 4.5, 2.5, 1.5, 0.5]) / 17.5).log2())
    torch.testing.assert_close(code_lengths(code.table.tally), lengths)
    expected = (reference.probabilities(z, c, 0.7) * lengths).sum(1).mean()
    torch.testing.assert_close(Rate(weight=1.0, temperature=0.7)(z, code, batch(30)), expected, rtol=1e-6, atol=0)
    heads = zador.vq(6, 5, heads=2, shared_codebook=True, learner=Gradient(start=c)).quantizer
    both = Rate(weight=1.0)(torch.cat([z, z], dim=1), heads, batch(30))
    torch.testing.assert_close(both.item(), 2 * math.log2(5), rtol=1e-6, atol=0)


def test_rate_from_the_batch_is_the_opposite_of_diversity():
    """Value and gradients: holding r while p moves loses nothing, as `Σ dp = 0`."""
    c = drawn(5, seed=1)
    found = []
    for rule in (Rate(weight=1.0, from_batch=True), Diversity(weight=1.0)):
        z, code = drawn(30).requires_grad_(), code_of(c)
        loss = rule(z, code, batch(30))
        found.append((loss, *torch.autograd.grad(loss, (z, code.table.codewords))))
    torch.testing.assert_close(found[0], tuple(-each for each in found[1]), rtol=1e-10, atol=1e-13)


def test_rate_buys_bits_with_squared_error():
    """Adding the loss to the squared error lowers the entropy of the choices and raises the error, as ECVQ does."""
    z = drawn(2000, 2).float()
    measured = []
    for rule in ([], [Rate(weight=0.3, temperature=0.1)]):
        layer = zador.vq(2, 16, learner=Gradient(), regularisers=rule)
        optimiser = torch.optim.Adam(layer.parameters(), lr=0.05)
        layer(z)
        for _ in range(100):
            optimiser.zero_grad()
            layer(z).loss.backward()
            optimiser.step()
        out = layer.eval()(z)
        shares = out.indices.bincount(minlength=16) / len(z)
        measured.append((reference.entropy_bits(shares).item(), out.info.distortion.item()))
    (bits, error), (fewer, more) = measured
    assert fewer < bits - 0.1
    assert more > error


def test_codewords_nobody_has_chosen_cost_bits_but_not_infinitely_many():
    """Before the first batch all cost log2 K."""
    torch.testing.assert_close(code_lengths(Tally(8)), torch.full((8,), 3.0))
