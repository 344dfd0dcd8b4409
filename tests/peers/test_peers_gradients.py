"""Which gradient reaches whom, and what a pass changes that it should not."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from vector_quantize_pytorch import LatentQuantize, VectorQuantize

import zador
from zador.codebooks import Ema, Gradient

COUNT, DIM, SIZE = 100, 4, 16


def drawn(count=COUNT, seed=0):
    return torch.randn(1, count, DIM, generator=torch.Generator().manual_seed(seed))


CODEBOOK = drawn(SIZE, seed=1)[0]


def test_commitment_and_codebook_loss_have_weights_of_their_own():
    """The peer's one weight moves codebook and encoder alike, with opposite gradients; here α and β are two numbers."""
    x = drawn().requires_grad_()
    peer = VectorQuantize(DIM, SIZE, learnable_codebook=True, ema_update=False, commitment_weight=0.25, rotation_trick=False)
    peer(x)[2].backward()
    torch.testing.assert_close(peer._codebook.embed.grad.sum(dim=(0, 1)), -x.grad.sum(dim=(0, 1)))
    alpha, beta = 2.0, 0.25
    mine = drawn().requires_grad_()
    layer = zador.vq(DIM, SIZE, learner=Gradient(alpha, start=CODEBOOK), commitment=beta)
    out = layer(mine)
    out.loss.backward()
    difference = (mine - CODEBOOK[out.indices]).detach()
    torch.testing.assert_close(mine.grad, 2 * beta * difference / COUNT)
    expected = torch.zeros(SIZE, DIM).index_add_(0, out.indices[0], -2 * alpha * difference[0] / COUNT)
    (codewords,) = layer.parameters()
    torch.testing.assert_close(codewords.grad, expected)


def test_a_loss_belongs_to_the_caller():
    """Adding to the peer's loss in evaluation adds to all its later losses; here it is a number of its own."""
    peer, layer = VectorQuantize(DIM, SIZE).eval(), zador.vq(DIM, SIZE, learner=Ema(start=CODEBOOK)).eval()
    loss = peer(drawn())[2]
    loss += 5
    assert peer(drawn())[2] == 5
    before = layer(drawn()).loss
    mine = layer(drawn()).loss
    mine += 5
    assert torch.equal(layer(drawn()).loss, before)


def test_no_grad_teaches_nothing():
    """The peer's codebook moves under no_grad in training mode; here nothing does, unless it is asked for."""
    peer, layer = VectorQuantize(DIM, SIZE), zador.vq(DIM, SIZE, learner=Ema(start=CODEBOOK))
    theirs = peer.codebook.clone()
    mine = {name: value.clone() for name, value in layer.state_dict().items()}
    with torch.no_grad():
        peer(drawn())
        layer(drawn())
        assert not torch.equal(peer.codebook, theirs)
        assert all(torch.equal(value, mine[name]) for name, value in layer.state_dict().items())
        layer(drawn(), update=True)
    assert not torch.equal(layer.codebooks[0], CODEBOOK)


def test_evaluation_passes_gradients_and_reports_losses():
    """In evaluation the peer cuts the gradient and says 0; here the encoder's gradient and the loss are as in training."""
    x = drawn().requires_grad_()
    quantized, _, loss = VectorQuantize(DIM, SIZE).eval()(x)
    assert (quantized.requires_grad, loss.item()) == (False, 0.0)
    layer = zador.vq(DIM, SIZE, learner=Ema(start=CODEBOOK)).eval()
    out = layer(x)
    out.quantized.sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))
    expected = 0.25 * (x - CODEBOOK[out.indices]).square().sum(dim=-1).mean()
    torch.testing.assert_close(out.loss, expected)
    assert out.loss.requires_grad


def test_forward_runs_no_backward(monkeypatch):
    """With an optimiser of its own the peer's forward calls backward and steps; here the optimiser is the model's."""
    calls = []
    backward = torch.Tensor.backward
    monkeypatch.setattr(
        torch.Tensor, "backward", lambda self, *args, **kwargs: calls.append(1) or backward(self, *args, **kwargs)
    )
    sgd = lambda parameters: torch.optim.SGD(parameters, lr=1.0)  # noqa: E731 - the peer wants a factory
    peer = VectorQuantize(DIM, SIZE, learnable_codebook=True, ema_update=False, in_place_codebook_optimizer=sgd)
    before = peer.codebook.detach().clone()
    peer(drawn())
    assert len(calls) == 1
    assert not torch.equal(peer.codebook, before)
    layer = zador.vq(DIM, SIZE, learner=Gradient(start=CODEBOOK))
    layer(drawn().requires_grad_())
    assert len(calls) == 1
    assert torch.equal(layer.codebooks[0], CODEBOOK)


def test_one_learner_moves_the_codebook():
    """With an orthogonality loss the peer's codebook is a parameter and an average at once; here it is one or the other."""
    peer = VectorQuantize(DIM, SIZE, orthogonal_reg_weight=1.0)
    before = peer.codebook.detach().clone()
    peer(drawn())
    assert isinstance(peer._codebook.embed, nn.Parameter)
    assert not torch.equal(peer.codebook, before)
    averaged, taught = (zador.vq(DIM, SIZE, learner=each(start=CODEBOOK)) for each in (Ema, Gradient))
    assert list(averaged.parameters()) == []
    (codewords,) = taught.parameters()
    taught(drawn().requires_grad_()).loss.backward()
    assert torch.equal(codewords, CODEBOOK)
    assert codewords.grad.abs().sum() > 0


def test_every_parameter_gets_a_gradient():
    """The values of the peer's LatentQuantize are parameters that nothing teaches; here each parameter is taught."""
    peer = LatentQuantize(levels=[4, 4, 4, 4], dim=DIM)
    quantized, _, loss = peer(torch.randn(2, DIM, 3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_())
    (quantized.sum() + loss).backward()
    assert {parameter.grad for parameter in peer.values_per_latent} == {None}
    layers = [
        zador.vq(8, SIZE, codebook_dim=DIM, learner=Gradient()),
        zador.rvq(8, SIZE, stages=2, codebook_dim=DIM, learner=Gradient()),
        zador.pq(8, SIZE, parts=2, codebook_dim=DIM, learner=Gradient()),
        zador.fsq((4, 4), dim=8),
        zador.lfq(8, codebook_size=16),
        zador.bsq(8, codebook_size=16),
    ]
    for layer in layers:
        out = layer(torch.randn(200, 8, generator=torch.Generator().manual_seed(0)))
        (out.quantized.square().sum() + out.loss).backward()
        grads = {name: parameter.grad for name, parameter in layer.named_parameters()}
        assert [name for name, grad in grads.items() if grad is None or not grad.abs().sum() > 0] == []


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_the_commitment_of_every_stage_reaches_the_encoder(stage):
    """Three stages: the gradient of the commitment is that of the sum, to which each stage adds what it leaves over."""
    x = drawn().requires_grad_()
    layer = zador.rvq(DIM, SIZE, stages=3, learner=Ema(start=CODEBOOK), commitment=0.5)
    layer.frozen = True
    out = layer(x)
    out.loss.backward()
    rest = x.detach() - torch.stack([CODEBOOK[out.indices[..., s]] for s in range(3)]).cumsum(dim=0)
    torch.testing.assert_close(x.grad, rest.sum(dim=0) / COUNT)
    assert rest[stage].abs().sum() > 0
