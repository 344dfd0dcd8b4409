"""The entropy loss: the definition over all codewords, at a fraction of its size."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from references import lookup_free as reference
from zador.errors import UsageError
from zador.layers.entropy import Entropy, codebook_entropy, log_odds, per_sample_entropy
from zador.quantizers import LookupFree

KINDS = [LookupFree(1), LookupFree(2), LookupFree(7), LookupFree(8, spherical=True)]
EPS = torch.finfo(torch.float32).eps


def drawn(quantizer, rows=30, seed=0, dtype=torch.float64):
    return quantizer.bound(torch.randn((rows, quantizer.dim), generator=torch.Generator().manual_seed(seed)).to(dtype))


@pytest.mark.parametrize("temperature", [0.05, 0.7, 20.0])
@pytest.mark.parametrize("quantizer", KINDS, ids=str)
def test_the_two_entropies_are_those_of_the_definition(quantizer, temperature):
    """Both terms and their gradients are those of a softmax over all N × 2^d distances, to the rounding of float64."""
    ours, theirs = (drawn(quantizer).clone().requires_grad_() for _ in range(2))
    got = Entropy(temperature=temperature)(ours, quantizer)
    expected = reference.entropies(theirs, quantizer.scale, temperature)
    for value, wanted in zip(got[1:], expected, strict=True):
        (gradient,), (wished,) = (torch.autograd.grad(v, z, retain_graph=True) for v, z in ((value, ours), (wanted, theirs)))
        torch.testing.assert_close(value, wanted, rtol=1e-13, atol=1e-13)
        # Gradients scale with 4 s / τ times the entropies.
        torch.testing.assert_close(gradient, wished, rtol=1e-11, atol=1e-13 / temperature)


def test_the_loss_is_their_weighted_difference():
    """`w (E H - γ H E)`, of the parts that are returned beside it."""
    quantizer = LookupFree(4)
    loss, per_sample, codebook = Entropy(weight=0.3, diversity=2.5, temperature=1.0)(drawn(quantizer), quantizer)
    torch.testing.assert_close(loss, 0.3 * (per_sample - 2.5 * codebook), rtol=1e-15, atol=0)


def test_gradients_are_derivatives():
    """Finite differences agree, with weights, in one group and in several, at z = 0 too."""
    quantizer, weights = LookupFree(5), torch.tensor([1.0, 0.0, 0.5, 2.0], dtype=torch.float64)
    z = drawn(quantizer, rows=4)
    z[0, 0] = 0.0
    for group in (5, 3, 1):
        rule = Entropy(temperature=1.3, group=group)
        assert torch.autograd.gradcheck(lambda z, rule=rule: rule(z, quantizer, weights).loss, z.clone().requires_grad_())


def test_odds_are_those_of_the_conventions_in_use():
    """`4 s z / τ`: exp(2 z·c · 100) of implementations is τ = 0.01, and exp(τ' z·c) on the sphere is τ = 2 / τ'."""
    for quantizer, temperature, factor in ((LookupFree(3), 0.01, 200.0), (LookupFree(3, spherical=True), 2 / 7, 7.0)):
        z = drawn(quantizer) / 50
        logits = factor * z @ reference.codewords(3, quantizer.scale).t()
        ones = torch.softmax(logits, 1) @ (reference.codewords(3, 1.0) > 0).double()
        torch.testing.assert_close(log_odds(z, quantizer, temperature).sigmoid(), ones, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("dim", "group"), [(6, 6), (6, 5), (6, 4), (6, 3), (6, 2), (6, 1), (7, 3), (5, 99)])
def test_groups_add_the_entropies_of_their_bits(dim, group):
    """In ⌈d/g⌉ groups of sizes that differ by one at most, the sum of the entropies of the bits of each by themselves."""
    odds = torch.randn((20, dim), dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 3
    sizes = [len(part) for part in torch.arange(dim).tensor_split(-(-dim // group))]
    # σ(4 s z / τ) with s = 1, τ = 1: z = odds / 4.
    parts = [reference.entropies(part / 4, 1.0, 1.0)[1] for part in odds.split(sizes, dim=1)]
    torch.testing.assert_close(codebook_entropy(odds, group=group), sum(parts), rtol=1e-13, atol=0)


def test_codes_that_all_occur_have_all_bits():
    """All 2^10 sure codes once: 0 bits per sample, 10 bits together, in any groups; one code alone: none."""
    quantizer = LookupFree(10)
    everything = quantizer.decode(torch.arange(1024))
    for group in (18, 4, 1):
        _, per_sample, codebook = Entropy(group=group)(everything, quantizer)
        assert per_sample == 0
        assert codebook.item() == pytest.approx(10.0, abs=10 * 10 * EPS)
    assert Entropy()(everything[:1].expand(50, -1), quantizer).codebook.abs() < 10 * EPS


def test_bits_that_agree_are_counted_once_in_one_group():
    """Two bits that are always equal: 1 bit as one group, the bound of 2 in two groups."""
    odds = torch.tensor([[60.0, 60.0], [-60.0, -60.0]])
    assert codebook_entropy(odds).item() == pytest.approx(1.0, abs=4 * EPS)
    assert codebook_entropy(odds, group=1).item() == pytest.approx(2.0, abs=4 * EPS)


@pytest.mark.parametrize("broken", [0.0, 1e30, math.nan, math.inf])
def test_masked_vectors_weigh_nothing(broken):
    """Values and gradients are those of the valid vectors alone, whatever stands in the others."""
    quantizer, rule = LookupFree(5), Entropy(temperature=0.8)
    z, valid = drawn(quantizer), torch.arange(30) % 3 != 0
    padded = z.masked_fill(~valid[:, None], broken).requires_grad_()
    alone = z[valid].clone().requires_grad_()
    got, expected = rule(padded, quantizer, valid), rule(alone, quantizer)
    torch.testing.assert_close(torch.stack(got), torch.stack(expected), rtol=1e-13, atol=1e-15)
    (gradient,), (wished,) = (torch.autograd.grad(out.loss, x) for out, x in ((got, padded), (expected, alone)))
    torch.testing.assert_close(gradient[valid], wished, rtol=1e-11, atol=1e-15)
    assert (gradient[~valid] == 0).all()


def test_weights_count_like_repetitions():
    """A vector of weight 2 is two vectors; all weights may be scaled, also below a sum of 1."""
    quantizer, rule = LookupFree(4), Entropy(temperature=0.8)
    z = drawn(quantizer, rows=3)
    twice = torch.stack(rule(torch.cat([z, z[:1]]), quantizer))
    for factor in (1.0, 0.01):
        weights = torch.tensor([2.0, 1.0, 1.0]) * factor
        torch.testing.assert_close(torch.stack(rule(z, quantizer, weights)), twice, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("rows", "valid"), [(0, None), (0, torch.zeros(0, dtype=torch.bool)), (5, torch.zeros(5, dtype=torch.bool))]
)
def test_nothing_valid_gives_zero(rows, valid):
    """An empty batch and one that is masked altogether: loss 0, gradient 0."""
    quantizer = LookupFree(4)
    z = drawn(quantizer, rows=rows).requires_grad_()
    out = Entropy()(z, quantizer, valid)
    (gradient,) = torch.autograd.grad(out.loss, z)
    assert [part.item() for part in out] == [0.0, 0.0, 0.0]
    assert (gradient == 0).all()


@pytest.mark.parametrize("size", [1e-8, 1.0, 90.0, 1e4, 1e30])
def test_sure_and_unsure_bits_stay_finite(size):
    """No log of 0 and no overflow in float32, values or gradients, however large the odds."""
    odds = (torch.randn((50, 9), generator=torch.Generator().manual_seed(3)) * size).requires_grad_()
    for value in (per_sample_entropy(odds), codebook_entropy(odds), codebook_entropy(odds, group=2)):
        (gradient,) = torch.autograd.grad(value, odds)
        assert value.isfinite()
        assert gradient.isfinite().all()


def test_entropies_of_sure_bits_keep_their_digits():
    """H at odds a is `e^-a (1 + a) / ln 2` to first order: 20 to 80 in float32 to its rounding, where 1 - p is 0."""
    odds = torch.tensor([[20.0, 40.0, 80.0]])
    for i in range(3):
        a = odds[0, i].item()
        # Exponent and logarithm of float32 are within 4 units in the last place, a itself is exact.
        assert per_sample_entropy(odds[:, i : i + 1]).item() == pytest.approx(math.exp(-a) * (1 + a) / math.log(2), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_floats_and_autocast_are_computed_in_float32(dtype):
    """A half-precision z, and autocast, give the float32 result bit for bit."""
    quantizer = LookupFree(9)
    z = drawn(quantizer, dtype=torch.float32).to(dtype)
    plain = torch.stack(Entropy()(z.float(), quantizer))
    assert torch.stack(Entropy()(z, quantizer)).equal(plain)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.stack(Entropy()(z.float(), quantizer)).equal(plain)


@pytest.mark.parametrize("masked", [pytest.param(False, marks=pytest.mark.long), True])
def test_compiled_is_eager(masked):
    """One graph for any number of vectors, forward and backward, to the rounding of float32."""
    quantizer, rule = LookupFree(7), Entropy(temperature=0.5, group=3)
    compiled = torch.compile(lambda z, valid: rule(z, quantizer, valid), fullgraph=True, dynamic=True, backend="aot_eager")
    for rows in (40, 33):
        z = drawn(quantizer, rows=rows, dtype=torch.float32).requires_grad_()
        valid = torch.arange(rows) % 4 > 0 if masked else None
        got, expected = compiled(z, valid), rule(z, quantizer, valid)
        torch.testing.assert_close(torch.stack(got), torch.stack(expected), rtol=100 * EPS, atol=0)
        gradients = [torch.autograd.grad(out.loss, z)[0] for out in (got, expected)]
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-7)


def test_memory_does_not_hold_every_codeword_for_every_vector():
    """No tensor of a forward and backward pass at d = 16 has more than N·2^⌈d/2⌉ or 2^d numbers."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numbers = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, tuple | list) else (out,):
                self.numbers = max(self.numbers, tensor.untyped_storage().nbytes() // 4 if torch.is_tensor(tensor) else 0)
            return out

    z = drawn(LookupFree(16), rows=500, dtype=torch.float32).requires_grad_()
    with Largest() as largest:
        Entropy()(z, LookupFree(16)).loss.backward()
    assert 2**16 <= largest.numbers <= 500 * 2**8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"weight": -1.0}, "weight"),
        ({"diversity": math.nan}, "diversity"),
        ({"temperature": 0.0}, "temperature"),
        ({"group": 0}, "group"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, said):
    """Negative weights, no temperature, no group."""
    with pytest.raises(UsageError, match=said):
        Entropy(**arguments)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32), st.floats(0.01, 100.0))
def test_entropies_are_ordered(dim, group, seed, size):
    """`0 <= E H <= H E <= its bound in groups <= d`: concavity of the entropy, and subadditivity."""
    odds = torch.randn((12, dim), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * size
    ladder = [0.0, per_sample_entropy(odds), codebook_entropy(odds), codebook_entropy(odds, group=group), dim]
    assert all(low <= high + 1e-12 for low, high in itertools.pairwise(ladder))
