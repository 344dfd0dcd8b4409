"""What all regularisers promise: the vectors of all processes, masks, arguments, and tables that they can move."""

from __future__ import annotations

import pytest
import torch

import zador
from layers.regularise.crowd import losses
from zador.codebooks import Ema, Frozen, Gradient
from zador.errors import UsageError
from zador.layers import MMD, Diversity, GaussianKernel, Orthogonal, Rate, Scheduled, WarmUp, Wasserstein
from zador.layers.regularise.requests import Request, requests, sample

OF_CODEWORDS = [Orthogonal(), Orthogonal(used_only=True, at_most=5), Wasserstein(), MMD(), MMD(vectors=9, codewords=6)]
OF_CHOICES = [Diversity(per_sample=0.3), Rate(), Rate(from_batch=True)]
EVERY = [*OF_CODEWORDS, *OF_CHOICES]


def drawn(rows, dim=4, seed=0):
    return torch.randn(rows, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def trained(make=zador.vq, learner=None, **options):
    """Return the code of a layer that has seen a batch, in double precision."""
    layer = make(4, 8, learner=learner or Gradient(), **options).double()
    layer(drawn(64))
    return layer.quantizer


def twice(make):
    return lambda *sizes, **options: make(*sizes, 2, **options)


CODES = {
    "vq": trained(),
    "heads": trained(heads=2, shared_codebook=True),
    "pq": trained(twice(zador.pq)),
    "rvq": trained(twice(zador.rvq)),
    "rvq-shared": trained(twice(zador.rvq), shared_codebook=True),
}


def named(regulariser):
    """Return a name that is the same in every process, as the text of one that holds a function is not."""
    kernel = getattr(regulariser, "kernel", None)
    return (
        repr(regulariser).replace(repr(kernel), getattr(kernel, "__name__", "kernel"))
        if callable(kernel)
        else repr(regulariser)
    )


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
@pytest.mark.parametrize("regulariser", EVERY, ids=named)
def test_several_processes_are_one_with_all_their_vectors(regulariser, code):
    """Uneven shares, one of them empty and one all masked: the mean loss and all gradients are those of one process."""
    valid = torch.ones(20, dtype=torch.bool)
    valid[[0, 3, 19]] = False
    shares = [
        (drawn(20, seed=1), valid),
        (drawn(0, seed=2), valid[:0]),
        (drawn(7, seed=3), torch.ones(7, dtype=torch.bool)),
        (drawn(5, seed=4), torch.zeros(5, dtype=torch.bool)),
    ]
    one, several = losses(regulariser, code, shares)
    torch.testing.assert_close(several, one, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("regulariser", OF_CODEWORDS, ids=named)
@pytest.mark.parametrize("learner", [Ema(), Frozen(start=torch.eye(4))], ids=["Ema", "Frozen"])
def test_what_moves_codewords_refuses_those_that_nothing_moves(regulariser, learner):
    """One line says which learner there is, and what to pass."""
    layer = zador.vq(4, 4, learner=learner, regularisers=[regulariser])
    with pytest.raises(UsageError, match=rf"{type(learner).__name__}\).*learner=Gradient"):
        layer(drawn(64).float())
    with pytest.raises(UsageError, match="no codebook"):
        zador.fsq((5, 5), regularisers=[regulariser])(drawn(64, 2).float())


@pytest.mark.parametrize("regulariser", OF_CHOICES, ids=named)
def test_what_moves_vectors_serves_any_codebook_and_is_nothing_without(regulariser):
    """Under `Ema` the gradient goes to the vectors; a grid has no table, so the loss is 0."""
    layer, z = zador.vq(4, 8, learner=Ema(), regularisers=[regulariser], commitment=0.0), drawn(64).float()
    layer(z)
    layer(z.requires_grad_()).loss.backward()
    assert z.grad.any()
    assert zador.fsq((5, 5), regularisers=[regulariser])(drawn(64, 2).float()).loss == 0


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Diversity(weight=-1.0), "Diversity: weight"),
        (lambda: Diversity(temperature=0.0), "Diversity: temperature"),
        (lambda: Diversity(per_sample=-0.1), "per_sample"),
        (lambda: Rate(weight=float("nan")), "Rate: weight"),
        (lambda: Rate(temperature=-1.0), "Rate: temperature"),
        (lambda: Orthogonal(at_most=1), "at_most"),
        (lambda: Wasserstein(weight="1"), "Wasserstein: weight"),
        (lambda: MMD(vectors=1), "MMD: vectors"),
        (lambda: MMD(kernel="energy"), "MMD: kernel"),
        (lambda: GaussianKernel(()), "GaussianKernel"),
        (lambda: GaussianKernel((1.0, 0.0)), "GaussianKernel"),
    ],
)
def test_arguments_out_of_range_are_refused(make, match):
    """One clear line each."""
    with pytest.raises(UsageError, match=match):
        make()


def test_requests_are_what_the_tables_of_a_layer_see():
    """For every kind of code they are the vectors that the search itself shows a watch, in the same tables."""
    z, valid = drawn(30, seed=5), torch.arange(30) % 3 != 0
    maps = zador.multiscale(1, 4, (1, 2), axis=1, learner=Gradient()).double()
    maps(drawn(64).view(64, 1, 2, 2))
    for code in (*CODES.values(), maps.quantizer):
        heard = {}

        class Watch:
            def before(self, *_):
                pass

            def after(self, table, asked, heard=heard):
                heard[id(table)] = asked

        code.select(z, valid, Watch())
        found = requests(z, code, valid)
        assert {id(each.table) for each in found} == set(heard)
        for each in found:
            asked = heard[id(each.table)]
            counts = asked.indices >= 0
            rows = [torch.tensor(sorted(x.tolist())) for x in (each.x[each.weights.bool()], asked.x[counts])]
            torch.testing.assert_close(*rows)


def test_samples_are_evenly_spaced_among_what_counts():
    """All of few vectors, every third of many; masked ones are passed over, and rows that are not needed weigh 0."""
    x, weights = torch.arange(12.0)[:, None], torch.tensor([1.0, 0.0] * 6)
    rows, needed = sample(Request(None, x, weights), 8, zador.codebooks.ALONE)
    assert rows[needed.bool()].flatten().tolist() == [0, 2, 4, 6, 8, 10]
    assert needed.tolist() == [1] * 6 + [0] * 2
    rows, needed = sample(Request(None, x, weights), 2, zador.codebooks.ALONE)
    assert rows.flatten().tolist() == [0, 6]
    assert needed.tolist() == [1, 1]
    assert not sample(Request(None, x[:0], weights[:0]), 2, zador.codebooks.ALONE)[1].any()


def test_a_codebook_may_be_revived_between_a_pass_and_its_backward():
    """A second pass that moves codewords in place does not disturb the gradients of the first."""
    for regulariser in EVERY:
        layer = zador.vq(4, 8, learner=Gradient(), regularisers=[regulariser])
        layer(drawn(64).float())
        first = layer(drawn(64, seed=1).float()).loss
        with torch.no_grad():
            layer.quantizer.table.codewords.mul_(2.0)
        first.backward()
        assert layer.quantizer.table.codewords.grad.isfinite().all()


def test_scheduled_losses_are_factors_of_the_same_name():
    """At step t of 4 a warmed-up loss is t / 4 of itself, also where a checkpoint repeats the pass."""
    plain, x = Diversity(), drawn(64).float()
    layers = [zador.vq(4, 8, regularisers=[each]) for each in (plain, Scheduled(plain, WarmUp(1.0, 4)))]
    for step in range(6):
        one, other = (layer(x).info.other["diversity"] for layer in layers)
        torch.testing.assert_close(other, one * min(step / 4, 1.0))
    with pytest.raises(UsageError, match="Scheduled"):
        Scheduled(plain, 0.5)
