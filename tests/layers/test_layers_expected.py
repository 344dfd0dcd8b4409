"""The expected loss of a layer that draws: the gradient of the exact expectation, at x, codewords and decoder."""

from __future__ import annotations

import pytest
import torch

import zador
from zador.codebooks import Ema, Frozen, Gradient
from zador.errors import DataError, UsageError
from zador.estimators import BlahutArimoto, IndexBackpropagation, Rebar, ScoreFunction, leave_one_out
from zador.layers import expected_loss

CODEWORDS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.5], [2.0, 2.0]])
TARGET = torch.tensor([0.4, -0.3])


def loss(q):
    """A loss for each vector."""
    return ((q - TARGET) ** 2).sum(-1) + q[..., 0].sin()


def layer(learner=None, heads=1, **options):
    """A layer that draws, with no loss of its own."""
    learner = Frozen(start=CODEWORDS) if learner is None else learner
    return zador.gumbel_vq(2 * heads, 4, learner=learner, heads=heads, prior=0.0, **options)


@pytest.mark.parametrize(
    ("estimator", "draws"),
    [(ScoreFunction(), 1), (ScoreFunction(leave_one_out), 3), (Rebar(0.5, 0.7), 2)],
    ids=["score function", "leave one out", "REBAR"],
)
def test_the_mean_gradient_is_that_of_the_exact_expectation(estimator, draws):
    """20,000 copies of one vector: gradients at x and at the codewords within the errors of those of Σ_k p_k f(c_k)."""
    book = layer(Gradient(start=CODEWORDS, weight=1e-30))
    x = torch.tensor([0.6, 0.4])
    exact_x = x.double().requires_grad_()
    codewords = CODEWORDS.double().requires_grad_()
    p = torch.softmax(-((exact_x - codewords) ** 2).sum(-1), -1)
    at_x, at_codewords = torch.autograd.grad((p * loss(codewords)).sum(), [exact_x, codewords])
    count, blocks = 20_000, 20
    many = x.expand(count, 2).clone().requires_grad_()
    found = []
    for block in range(blocks):  # the codewords' gradient comes as a mean: blocks tell its spread
        part = many[block * count // blocks : (block + 1) * count // blocks]
        out = expected_loss(book, part, loss, estimator=estimator, draws=draws)
        found.append(torch.autograd.grad(out.loss, [many, book.codes[0].table.codewords]))
    rows = torch.stack([each[0] for each in found]).sum(0).double() * (count / blocks)
    assert ((rows.mean(0) - at_x).abs() < 4.5 * rows.std(0) / count**0.5).all()
    tables = torch.stack([each[1] for each in found]).double()
    # Twenty blocks: Student's t with 19 degrees of freedom, at the chance that 4.5 standard errors have.
    assert ((tables.mean(0) - at_codewords).abs() < 6.5 * tables.std(0) / blocks**0.5).all()


def test_how_a_layer_relaxes_its_choice_plays_no_part():
    """A layer that takes the nearest codeword draws here, the same as one that draws."""
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    ours = zador.categorical_vq(2, 4, estimator=IndexBackpropagation(), learner=Frozen(start=CODEWORDS), prior=0.0)
    assert expected_loss(ours, x, loss).indices.equal(expected_loss(layer(), x, loss).indices)


def test_three_lines_train_an_encoder():
    """Plain SGD through a decoder lowers the loss in evaluation by half."""
    generator = torch.Generator().manual_seed(0)
    data = torch.randn(256, 2, generator=generator)
    encoder, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    for module in (encoder, decoder):
        torch.nn.init.eye_(module.weight)
        torch.nn.init.zeros_(module.bias)
    with torch.no_grad():
        encoder.weight.mul_(0.1)  # nearly all vectors begin in the middle, and are drawn at random
    book = layer(Gradient(start=3.0 * torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])))
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters(), *book.parameters()], 0.05)

    def pass_once():
        return expected_loss(book, encoder(data), lambda q: ((decoder(q) - data) ** 2).sum(-1), draws=2)

    before = pass_once().info.other["expected"].item()
    for _ in range(150):
        optimiser.zero_grad()
        pass_once().loss.backward()
        optimiser.step()
    assert pass_once().info.other["expected"].item() < 0.5 * before


def test_the_decoder_gets_the_ordinary_gradient():
    """At the codewords drawn, for one draw."""
    book, weight = layer(), torch.tensor([0.5, -1.0], requires_grad=True)
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def through(q):
        return torch.tanh(q @ weight)

    out = expected_loss(book, x, through, estimator=Rebar(), draws=1)
    assert out.quantized.detach().equal(CODEWORDS[out.indices])
    (plain,) = torch.autograd.grad(through(CODEWORDS[out.indices]).mean(), weight)
    torch.testing.assert_close(torch.autograd.grad(out.loss, weight)[0], plain)


def test_evaluation_judges_the_nearest_codewords():
    """No draw, no estimator: the loss at what the layer returns."""
    book = layer().eval()
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    out = expected_loss(book, x, loss)
    assert out.indices.equal(book.encode(x))
    torch.testing.assert_close(out.info.other["expected"], loss(CODEWORDS[out.indices]).mean())


def test_the_layer_learns_and_draws_as_ever():
    """Table, tally and counts move as in an ordinary pass; passes draw other numbers; a copy of the state repeats them."""
    book, twin = layer(Ema(start=CODEWORDS)), layer(Ema(start=CODEWORDS))
    twin.load_state_dict(book.state_dict())
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    first, second = expected_loss(book, x, loss), expected_loss(book, x, loss)
    again = expected_loss(twin, x, loss)
    assert first.indices.equal(again.indices)
    assert first.loss.equal(again.loss)
    assert not first.indices.equal(second.indices)
    assert int(book.draws) == 2
    assert not book.codebooks[0].equal(CODEWORDS)
    assert type(book.relaxation).__name__ == "GumbelSoftmax"
    ordinary = layer(Ema(start=CODEWORDS))
    assert ordinary(x).indices.equal(first.indices)
    expected_loss(ordinary, x, loss)
    assert ordinary.codebooks[0].equal(book.codebooks[0])


@pytest.mark.parametrize("estimator", [ScoreFunction(), Rebar()], ids=["score function", "REBAR"])
def test_images_heads_and_samples_fit(estimator):
    """(B, D, H, W) with two heads and one loss an image: shapes, a gradient everywhere, and heads told apart."""
    book = layer(Gradient(start=CODEWORDS), heads=2, axis=1)
    x = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    seen = []

    def by_image(q):
        seen.append(q.detach())
        return (q - 1.0).square().mean(dim=(1, 2, 3))

    out = expected_loss(book, x, by_image, estimator=estimator)
    out.loss.backward()
    assert out.quantized.equal(seen[0])
    assert out.indices.shape == (3, 5, 6, 2)
    assert {each.shape for each in seen} == {x.shape}
    assert x.grad.abs().amin() > 0


def test_masked_vectors_count_nowhere():
    """Loss, gradients at x and at the codewords are those of the vectors that count, whatever the others hold."""
    x = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[True, True, False, False, False], [True, True, True, False, True]])
    results = []
    for filling in (0.0, 7.0):
        book = layer(Gradient(start=CODEWORDS))
        inside = x.where(mask[..., None], filling).requires_grad_()
        out = expected_loss(book, inside, loss, mask=mask)
        assert out.indices[~mask].eq(-1).all()
        first = loss(CODEWORDS)[out.indices.clamp(min=0)][mask].mean()
        alone = expected_loss(layer(Gradient(start=CODEWORDS)), inside, loss, estimator=ScoreFunction(), draws=1, mask=mask)
        torch.testing.assert_close(alone.info.other["expected"], first)
        out.loss.backward()
        assert not inside.grad[~mask].any()
        results.append((out.loss.detach(), inside.grad, book.codes[0].table.codewords.grad))
    for one, other in zip(*results, strict=True):
        assert one.equal(other)


def test_masked_vectors_of_a_sample_get_nothing_of_its_loss():
    """One loss for each sample, which leaves masked vectors out: neither x nor codewords hear of those."""
    x = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[True, True, False, False, False], [True, True, True, False, True]])
    results = []
    for filling in (0.0, 7.0):
        book = layer(Gradient(start=CODEWORDS))
        inside = x.where(mask[..., None], filling).requires_grad_()
        out = expected_loss(book, inside, lambda q: (loss(q) * mask).sum(-1), estimator=ScoreFunction(), draws=1, mask=mask)
        out.loss.backward()
        assert not inside.grad[~mask].any()
        scores = torch.nn.functional.one_hot(out.indices[mask], 4) - torch.softmax(
            -(torch.cdist(x[mask], CODEWORDS) ** 2), -1
        )
        weights = (loss(out.quantized.detach()) * mask).sum(-1, keepdim=True).expand(2, 5)[mask] / 2
        torch.testing.assert_close(inside.grad[mask], 2 * weights[:, None] * (scores @ CODEWORDS), rtol=1e-4, atol=1e-5)
        results.append((out.loss.detach(), inside.grad, book.codes[0].table.codewords.grad))
    # The codewords' gradient by the law of the draw: Σ_n a_n Σ_k s_nk ∂logit_nk/∂c_k, and by f itself where it was drawn.
    at_logits = weights[:, None] * scores
    by_law = 2 * (at_logits.T @ x[mask] - at_logits.sum(0)[:, None] * CODEWORDS)
    leaf = CODEWORDS.clone().requires_grad_()
    (by_loss,) = torch.autograd.grad(loss(leaf[out.indices[mask]]).sum() / 2, leaf)
    by_table = torch.zeros_like(leaf).index_add(0, out.indices[mask], 2 * (CODEWORDS[out.indices[mask]] - x[mask])) / 6
    torch.testing.assert_close(results[0][2], by_law + by_loss + by_table, rtol=1e-4, atol=1e-5)
    for one, other in zip(*results, strict=True):
        assert one.equal(other)


def test_nonsense_is_refused_in_a_line():
    """A layer that draws nothing, no draw, a mean over the batch."""
    x = torch.zeros(4, 2)
    for other in (zador.vq(2, 4), zador.categorical_vq(2, 4, estimator=BlahutArimoto())):
        with pytest.raises(UsageError, match="expected a layer that can draw"):
            expected_loss(other, x, loss)
    with pytest.raises(UsageError, match="draws"):
        expected_loss(layer(), x, loss, draws=0)
    for training in (True, False):
        with pytest.raises(DataError, match="do not take the mean over the batch"):
            expected_loss(layer().train(training), x, lambda q: q.mean(dim=(0, 1), keepdim=True))
