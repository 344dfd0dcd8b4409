"""How a codebook starts and stays alive, and whose random numbers are used for it."""

from __future__ import annotations

import inspect

import pytest
import torch
from vector_quantize_pytorch import VectorQuantize

import zador
from zador.codebooks import ByDistortion, Ema, Gradient
from zador.errors import UsageError
from zador.estimators import straight_through

DIM, SIZE = 8, 64


def drawn(count, seed=0, dim=DIM):
    return torch.randn(1, count, dim, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("flag", ["straight_through", "learnable_codebook"])
def test_an_option_alone_will_do(flag):
    """Each of these flags alone is a bare assertion error in the peer, of its defaults; here a part is put in place."""
    with pytest.raises(AssertionError):
        VectorQuantize(DIM, SIZE, **{flag: True})
    parts = {"straight_through": {"estimator": straight_through}, "learnable_codebook": {"learner": Gradient()}}
    out = zador.vq(DIM, SIZE, **parts[flag])(drawn(1000))
    assert torch.isfinite(out.loss)


def test_codewords_can_be_given_to_a_learned_codebook():
    """Assigning codewords to the peer's learnable codebook is a RuntimeError; here a learner starts from them."""
    peer = VectorQuantize(DIM, SIZE, learnable_codebook=True, ema_update=False)
    with pytest.raises(RuntimeError):
        peer.codebook = drawn(SIZE)[0]
    layer = zador.vq(DIM, SIZE, learner=Gradient(start=drawn(SIZE)[0]))
    assert torch.equal(layer.codebooks[0], drawn(SIZE)[0])


@pytest.mark.parametrize("frozen", [False, True])
def test_only_training_starts_a_codebook(frozen):
    """The peer's k-means start runs on validation data, and on a frozen codebook; here neither starts anything."""
    peer = VectorQuantize(DIM, SIZE, kmeans_init=True, freeze_codebook=frozen).train(frozen)
    layer = zador.vq(DIM, SIZE).train(frozen)
    layer.frozen = frozen
    theirs = peer.codebook.clone()
    mine = {name: value.clone() for name, value in layer.state_dict().items()}
    peer(drawn(1000))
    layer(drawn(1000))
    assert not torch.equal(peer.codebook, theirs)
    assert all(torch.equal(value, mine[name]) for name, value in layer.state_dict().items())


def test_a_small_first_batch_makes_no_duplicates():
    """From 11 vectors the peer starts 64 codewords for good, 11 and zeros; here the start waits for enough vectors."""
    peer, layer = VectorQuantize(DIM, SIZE, kmeans_init=True, decay=1.0), zador.vq(DIM, SIZE)
    peer(drawn(11))
    assert peer._codebook.initted
    assert len(torch.unique(peer.codebook.round(decimals=4), dim=0)) <= 12
    for seed in range(5):
        layer(drawn(11, seed))
    table = layer.quantizer.table
    assert not table.started
    layer(drawn(1000))
    assert table.started
    assert len(torch.unique(layer.codebooks[0], dim=0)) == SIZE


def test_a_threshold_that_no_batch_can_reach_is_refused():
    """With 1024 vectors for 4096 codewords the peer declares most codewords dead for ever; here the sum is shown."""
    count, size = 1024, 4096
    peer = VectorQuantize(2, size, threshold_ema_dead_code=2)
    for seed in range(5):
        peer(drawn(count, seed, dim=2))
    moved = peer.codebook.clone()
    peer(drawn(count, 5, dim=2))
    assert (moved != peer.codebook).any(dim=1).double().mean() > 0.2
    # The average number of hits is N / K = 1/4, so at most an eighth of them can have 2, and the rest are below it.
    assert count / size / 2 == 0.125
    layer = zador.vq(2, size, learner=Ema(revive=ByDistortion(threshold=2)))
    with pytest.raises(UsageError, match="threshold 2 × 4096 codewords = 8192 hits a batch, but a batch holds 1024 vectors"):
        layer(drawn(count, dim=2))


def test_random_numbers_are_the_layers_own():
    """The peer draws from the global generator, so that others change its codebook; here a seed decides, and nobody else."""

    def trained(make, seed):
        torch.manual_seed(seed)
        layer = make()
        for batch in range(3):
            layer(drawn(300, batch))
        return layer

    def peer():
        return VectorQuantize(DIM, SIZE, kmeans_init=True, threshold_ema_dead_code=2)

    assert not torch.equal(trained(peer, 0).codebook, trained(peer, 1).codebook)

    def ours(seed):
        # So impatient that codewords are revived, with random numbers, in every batch.
        return lambda: zador.vq(DIM, SIZE, learner=Ema(revive=ByDistortion(patience=2.0), seed=seed))

    torch.manual_seed(0)
    state = torch.get_rng_state()
    layer = trained(ours(0), 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(layer.codebooks[0], trained(ours(0), 1).codebooks[0])
    assert not torch.equal(layer.codebooks[0], trained(ours(1), 0).codebooks[0])


def test_the_default_average_is_long():
    """The peer's default decay of 0.8 remembers 5 batches and keeps jumping; ours of 0.99 lies 22 times closer to the mean.

    The stationary variance of an average of batch means is `(1 - γ) / (1 + γ)` of theirs: 1/9 and 1/199.
    """
    assert inspect.signature(VectorQuantize).parameters["decay"].default == 0.8
    batch, dim, steps = 16, 64, 400
    peer = VectorQuantize(dim, 1)
    # Without the warm-up, so that the average is stationary from the start.
    layer = zador.vq(dim, 1, learner=Ema(warmup=1, start=torch.zeros(1, dim)))
    errors = []
    for step in range(steps):
        x = drawn(batch, step, dim=dim)
        peer(x)
        layer(x)
        if step >= steps // 2:
            errors.append([peer.codebook.square().mean().item(), layer.codebooks[0].square().mean().item()])
    theirs, mine = (batch * torch.tensor(errors).mean(dim=0)).tolist()
    # Means of (1 - γ) (steps/2) dim = 2560 and 128 independent squares: 5 standard errors of sqrt(2 / n).
    assert theirs == pytest.approx(1 / 9, rel=5 * (2 / 2560) ** 0.5)
    assert mine == pytest.approx(1 / 199, rel=5 * (2 / 128) ** 0.5)
