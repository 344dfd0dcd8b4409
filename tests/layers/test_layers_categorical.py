"""The layer that draws its codewords: the law of the draw, its gradient, and what a schedule counts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats
from torch.utils.checkpoint import checkpoint

import zador
from zador.codebooks import Frozen, Gradient
from zador.errors import UsageError
from zador.estimators import (
    BlahutArimoto,
    Exponential,
    GumbelSoftmax,
    IndexBackpropagation,
    ReinMax,
    SoftAssignment,
    straight_through,
)

CODEWORDS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.5], [2.0, 2.0]], np.float32)


def test_codewords_are_drawn_from_the_softmax_of_squared_distances():
    """20,000 draws for one vector: chi-square against exp(-||z - c||²) at 1e-4."""
    layer = zador.gumbel_vq(2, 4, learner=Frozen(start=CODEWORDS))
    z = torch.tensor([[0.6, 0.4]])
    drawn = layer(z.expand(20_000, 2)).indices
    law = torch.softmax(-((z - torch.from_numpy(CODEWORDS)) ** 2).sum(dim=1), dim=0).double().numpy()
    counts = np.bincount(drawn.numpy(), minlength=4)
    assert stats.chisquare(counts, law / law.sum() * len(drawn)).pvalue > 1e-4


def test_values_are_codewords_in_training_if_hard_and_mixtures_if_soft():
    """Hard values are rows of the codebook to the last bit."""
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    hard = zador.gumbel_vq(2, 4, learner=Frozen(start=CODEWORDS))(x)
    assert hard.quantized.equal(torch.from_numpy(CODEWORDS)[hard.indices])
    soft = zador.gumbel_vq(2, 4, learner=Frozen(start=CODEWORDS), estimator=GumbelSoftmax(hard=False))(x)
    assert not soft.quantized.equal(torch.from_numpy(CODEWORDS)[soft.indices])


def test_evaluation_takes_the_nearest():
    """No draw, and decode(encode(x)) is what comes out."""
    layer = zador.gumbel_vq(2, 4, learner=Frozen(start=CODEWORDS)).eval()
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    out = layer(x)
    assert out.indices.equal(torch.cdist(x, torch.from_numpy(CODEWORDS)).argmin(dim=1))
    assert layer.decode(layer.encode(x)).equal(out.quantized)


def test_every_pass_draws_other_numbers_and_every_seed_too():
    """Two passes differ; a layer built alike draws alike."""
    x = torch.zeros(200, 2)
    one, same = (zador.gumbel_vq(2, 4, learner=Frozen(start=CODEWORDS)) for _ in range(2))
    other = zador.gumbel_vq(2, 4, learner=Frozen(start=CODEWORDS, seed=1))
    first, second = one(x).indices, one(x).indices
    assert not first.equal(second)
    assert same(x).indices.equal(first)
    assert not other(x).indices.equal(first)


def test_the_gradient_reaches_vectors_codewords_and_the_temperature():
    """All three are finite and not all zero; without learning there is no log_scale."""
    relaxation = GumbelSoftmax(Exponential(2.0, 0.5, steps=10), learnable=True)
    layer = zador.gumbel_vq(4, 4, heads=2, estimator=relaxation, learner=Gradient(start=CODEWORDS))
    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (layer(x).quantized ** 2).sum().backward()
    gradients = [x.grad, *(parameter.grad for parameter in layer.parameters())]
    assert len(gradients) == 4
    assert all(bool(gradient.isfinite().all()) and bool(gradient.abs().sum() > 0) for gradient in gradients)
    assert zador.gumbel_vq(4, 4).log_scale is None


def test_soft_gradients_are_those_of_autograd_written_out():
    """With soft weights y is a smooth function; its gradient equals that of the formula, draw by draw."""
    layer = zador.gumbel_vq(2, 4, learner=Frozen(start=CODEWORDS), estimator=GumbelSoftmax(0.7, hard=False)).double()
    x = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)

    def run(z: torch.Tensor) -> torch.Tensor:
        layer.draws.zero_()  # the same numbers in every pass
        return layer(z).quantized

    assert torch.autograd.gradcheck(run, (x,))


def test_schedules_count_the_batches_learnt_from():
    """Neither evaluation nor a pass without learning counts."""
    layer = zador.gumbel_vq(2, 4)
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    layer(x)
    layer(x, update=False)
    layer.eval()(x)
    assert layer.step.item() == 1


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpointed_pass_repeats_its_draw(reentrant):
    """The repetition in the backward pass sees the same noise, so gradients are those without checkpointing."""
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    gradients = []
    for wrap in (False, True):
        layer = zador.gumbel_vq(2, 4, learner=Gradient(start=CODEWORDS), estimator=GumbelSoftmax(1.0))
        z = x.clone().requires_grad_()
        y = checkpoint(lambda t, f=layer: f(t).quantized, z, use_reentrant=reentrant) if wrap else layer(z).quantized
        (y**2).sum().backward()
        gradients.append(z.grad)
        assert (layer.step.item(), layer.draws.item()) == (1, 1)
    torch.testing.assert_close(gradients[0], gradients[1])


def test_the_prior_is_the_divergence_from_even_use_of_the_codebook():
    """log2 K - H(softmax), a mean over the vectors that count; 0 weight for none."""
    layer = zador.gumbel_vq(2, 4, learner=Frozen(start=CODEWORDS), prior=1.0)
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    p = torch.softmax(-(torch.cdist(x, torch.from_numpy(CODEWORDS)) ** 2), dim=1)
    expected = (2 + (p * p.log2()).sum(dim=1)).mean()
    torch.testing.assert_close(layer(x).info.other["prior"], expected)
    mask = torch.arange(50) < 20
    torch.testing.assert_close(layer(x, mask).info.other["prior"], (2 + (p * p.log2()).sum(dim=1))[:20].mean())
    assert layer(x, torch.zeros(50, dtype=torch.bool)).loss == 0


@pytest.mark.parametrize("relaxation", [GumbelSoftmax, ReinMax, IndexBackpropagation, SoftAssignment, BlahutArimoto])
def test_other_layers_do_not_take_it_for_an_estimator(relaxation):
    """`vq(estimator=GumbelSoftmax())` says which layer to build; that one says the same of pointwise estimators."""
    with pytest.raises(UsageError, match=f"{relaxation.__name__} weighs all codewords.*categorical_vq.*gumbel_vq"):
        zador.vq(2, 4, estimator=relaxation())
    with pytest.raises(UsageError, match=r"expected one that weighs all codewords.*zador\.vq"):
        zador.categorical_vq(2, 4, estimator=straight_through)


def test_gumbel_vq_is_categorical_vq_with_other_defaults():
    """The same numbers for the same estimator and prior; the default prior is 5e-4 there and 0 here."""
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    options = {"learner": Frozen(start=CODEWORDS), "estimator": GumbelSoftmax(0.5)}
    one, same = zador.gumbel_vq(2, 4, **options)(x), zador.categorical_vq(2, 4, prior=5e-4, **options)(x)
    assert one.loss.equal(same.loss)
    assert one.loss > 0
    assert one.indices.equal(same.indices)
    assert zador.categorical_vq(2, 4, **options)(x).loss == 0


def test_index_backpropagation_takes_the_certified_nearest_in_training_and_moves_all_codewords():
    """Far from 0, where single-precision logits tie, indices are those of the search; every codeword has a gradient."""
    generator = torch.Generator().manual_seed(0)
    far = torch.randn(16, 4, generator=generator) + 3e3
    layer = zador.categorical_vq(4, 16, learner=Gradient(start=far), estimator=IndexBackpropagation(10.0))
    x = (far[torch.arange(200) % 16] + 0.5 * torch.randn(200, 4, generator=generator)).requires_grad_()
    out = layer(x, update=False)
    assert out.indices.equal(layer.encode(x))
    assert out.quantized.equal(far[out.indices])
    assert not (2 * x @ far.T - (far**2).sum(1)).argmax(1).equal(out.indices)
    near = zador.categorical_vq(2, 4, learner=Gradient(start=CODEWORDS))
    ((near(torch.full((1, 2), 0.2)).quantized - 1) ** 2).sum().backward()
    (codewords,) = near.quantizer.parameters()
    assert (codewords.grad.abs().sum(dim=1) > 0).all()


def test_soft_values_are_mixtures_and_their_gradient_is_exact():
    """The mean of the codewords under softmax(-||z - c||² / τ); finite differences agree."""
    layer = zador.categorical_vq(2, 4, estimator=SoftAssignment(0.7), learner=Gradient(start=CODEWORDS)).double()
    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    codewords = torch.from_numpy(CODEWORDS).double()
    # The temperature of a schedule is a float32 number.
    p = torch.softmax(-(torch.cdist(x, codewords) ** 2) / torch.tensor(0.7), dim=1)
    torch.testing.assert_close(layer(x, update=False).quantized, p @ codewords)
    assert torch.autograd.gradcheck(lambda x: layer(x, update=False).quantized, (x.requires_grad_(),))


def test_commitment_draws_the_vectors_to_what_was_chosen():
    """β mean ||z - c||² with its gradient 2 β (z - c) / n, masks and all."""
    layer = zador.categorical_vq(2, 4, learner=Frozen(start=CODEWORDS), commitment=0.5)
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mask = torch.arange(50) < 20
    out = layer(x, mask)
    rest = torch.where(mask[:, None], x.detach() - torch.from_numpy(CODEWORDS)[out.indices], 0.0)
    torch.testing.assert_close(out.info.commitment, 0.5 * (rest**2).sum() / 20)
    torch.testing.assert_close(torch.autograd.grad(out.loss, x)[0], rest / 20)


def test_processes_draw_other_numbers():
    """The key of a draw depends on the process, the table and the number of the pass."""
    layer = zador.gumbel_vq(4, 4, heads=2)
    contexts = [SimpleNamespace(rank=rank, draw=torch.tensor(number)) for rank in (0, 1) for number in (0, 1)]
    passes = [SimpleNamespace(context=context) for context in contexts]
    keys = [tuple(layer._key(head, lesson).tolist()) for lesson in passes for head in (0, 1)]
    tables = [tuple(table.key.tolist()) for table in layer._tables]
    assert len({*keys, *tables}) == len(keys) + len(tables)
