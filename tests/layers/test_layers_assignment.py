"""Assignments other than the nearest codeword: equal shares in training, and error weighed against bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import zador
from references.entropy_constrained import penalised_argmin
from zador.codebooks import ByDistortion, Ema, FromData, Frozen, Gradient
from zador.errors import UsageError
from zador.layers import EntropyCoded, Nearest, OptimalTransport
from zador.metrics import entropy_bits


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def shares(indices: torch.Tensor, size: int) -> np.ndarray:
    return np.bincount(indices.flatten().numpy(), minlength=size)


# Optimal transport


def test_training_shares_out_and_evaluation_takes_the_nearest():
    """Codewords far from all vectors get their share in training; in evaluation, and in `encode`, the nearest is chosen."""
    start = torch.cat([vectors(8, 4), vectors(8, 4, seed=1) + 4])
    layer = zador.vq(4, 16, learner=Frozen(start=start), assignment=OptimalTransport(epsilon=0.002, iterations=1000))
    x = vectors(800, 4, seed=2)
    out = layer(x)
    assert shares(layer.encode(x), 16)[8:].max() < 10
    # Of a share of 50, what an argmax over rows misses where several codewords divide a vector.
    assert np.abs(shares(out.indices, 16) - 50).max() <= 10
    assert out.quantized.equal(start[out.indices])
    nearest = torch.cdist(x.double(), start.double()).argmin(dim=1)
    assert layer.encode(x).equal(nearest)
    assert layer.eval()(x).indices.equal(nearest)


def test_distances_are_those_to_what_was_chosen():
    """Commitment and distortion speak of the assigned codeword, not of the nearest."""
    layer, x = (
        zador.vq(4, 16, learner=Frozen(start=vectors(16, 4) * 3), assignment=OptimalTransport()),
        vectors(300, 4, seed=1),
    )
    out = layer(x)
    squared = ((x - out.quantized.detach()) ** 2).sum(dim=1).mean()
    torch.testing.assert_close(out.info.distortion, squared)
    torch.testing.assert_close(out.loss, 0.25 * squared)
    assert (out.indices != layer.encode(x)).any()


@pytest.mark.parametrize("learner", [Ema(start=FromData(), revive=None), Gradient(revive=None)], ids=["ema", "gradient"])
def test_no_codeword_dies_of_a_bad_start(learner):
    """From 64 codewords in a far corner, a plain layer uses a handful for good; with transport all of them are used."""
    corner = vectors(64, 2) * 0.1 + 4
    used = {}
    for assignment in (Nearest(), OptimalTransport()):
        layer = zador.vq(2, 64, learner=type(learner)(start=corner, revive=None), assignment=assignment)
        optimiser = torch.optim.Adam(layer.parameters(), lr=0.05) if list(layer.parameters()) else None
        for step in range(100):
            layer(vectors(512, 2, seed=step)).loss.backward() if optimiser else layer(vectors(512, 2, seed=step))
            if optimiser:
                optimiser.step()
                optimiser.zero_grad()
        used[type(assignment)] = len(torch.unique(layer.encode(vectors(20_000, 2, seed=1000))))
    assert used[Nearest] < 32
    assert used[OptimalTransport] >= 60


def test_heads_stages_and_cosines_share_out_too():
    """Every table of a layer does so by itself, and masked vectors count for none."""
    options = {"assignment": OptimalTransport(iterations=50), "learner": Ema(start=FromData(), revive=None)}
    for layer in (
        zador.vq(4, 8, heads=2, cosine=True, **options),
        zador.rvq(4, 8, 2, **options),
        zador.pq(4, 8, 2, **options),
    ):
        layer(vectors(800, 4))
        mask = torch.arange(800) % 5 > 0
        out = layer(vectors(800, 4, seed=1), mask)
        for stream in out.indices[mask].T:
            assert np.abs(shares(stream, 8) - 80).max() <= 24
        assert (out.indices[~mask] == -1).all()


# Entropy-constrained


def entropy_coded(size=16, multiplier=0.5, **options):
    return zador.vq(2, size, assignment=EntropyCoded(multiplier), learner=Ema(revive=None, **options))


def test_what_is_chosen_minimises_error_and_bits():
    """In training, evaluation and `encode`: the float64 argmin over all codewords, lowest index on ties."""
    layer = entropy_coded(start=vectors(16, 2))
    for seed in range(4):
        layer(vectors(200, 2, seed=seed))
    x = vectors(2000, 2, seed=9)
    table = layer.quantizer.table
    expected = penalised_argmin(x.numpy(), table.codewords.numpy(), 0.5 * table.lengths().numpy())
    np.testing.assert_array_equal(layer.encode(x), expected)
    assert layer.eval()(x).indices.equal(layer.encode(x))
    layer.train()
    assert layer(x, update=False).indices.equal(layer.encode(x))
    assert not layer.encode(x).equal(zador.nearest(x, table.codewords).indices)


def test_lengths_are_those_of_usage_and_info_tells_their_mean():
    """`l_k = log2((n + K) / (n_k + 1))`; `info.rate` is the mean over the vectors that count; it is log2 K before any."""
    layer = entropy_coded(start=vectors(16, 2))
    assert layer.quantizer.table.lengths().tolist() == [4.0] * 16
    layer(vectors(300, 2))
    counts = layer.quantizer.table.tally.counts
    lengths = torch.log2((counts.sum() + 16) / (counts + 1))
    torch.testing.assert_close(layer.quantizer.table.lengths(), lengths)
    mask = torch.arange(100) % 3 > 0
    out = layer(vectors(100, 2, seed=1), mask)
    torch.testing.assert_close(out.info.rate, lengths[out.indices[mask]].mean()[None])
    assert zador.rvq(4, [16, 8], 2)(vectors(300, 4)).info.rate.tolist() == [4.0, 3.0]


def test_what_a_bit_is_worth_decides_between_error_and_entropy():
    """On skewed vectors entropy falls as λ rises, and `D + λH` ends below that of the nearest codeword, for each λ."""
    generator = torch.Generator().manual_seed(0)

    def skewed(count):
        return torch.randn(count, 2, generator=generator).abs() ** 3 * torch.randn(count, 2, generator=generator).sign()

    fresh, measured = skewed(20_000), {}
    start = skewed(64).numpy()
    for multiplier in (0.0, 0.3, 1.0):
        layer = entropy_coded(64, multiplier, start=start)
        for _ in range(150):
            layer(skewed(1024))
        indices, layer = layer.encode(fresh), layer.eval()
        entropy = entropy_bits(shares(indices, 64).astype(float))
        measured[multiplier] = layer(fresh).info.distortion.item(), entropy
    entropies = [entropy for _, entropy in measured.values()]
    assert entropies[0] > entropies[1] + 0.2
    assert entropies[1] > entropies[2] + 0.2
    plain_error, plain_entropy = measured[0.0]
    for multiplier in (0.3, 1.0):
        error, entropy = measured[multiplier]
        assert error + multiplier * entropy < plain_error + multiplier * plain_entropy - 0.05 * multiplier


def test_a_multiplier_of_zero_is_the_nearest_codeword():
    """The same indices, bit by bit the same state."""
    coded, plain = entropy_coded(multiplier=0.0), zador.vq(2, 16, learner=Ema(revive=None))
    for seed in range(3):
        x = vectors(300, 2, seed=seed)
        assert coded(x).indices.equal(plain(x).indices)
    assert all(value.equal(plain.state_dict()[name]) for name, value in coded.state_dict().items())


def test_codewords_not_worth_their_bits_stay_out():
    """At a high price few codewords are used, and nobody puts the others elsewhere; a learner that would is refused."""
    layer = entropy_coded(32, 3.0, start=vectors(32, 2))
    revived = sum(int(layer(vectors(2048, 2, seed=seed)).info.revived) for seed in range(30))
    assert revived == 0
    assert len(torch.unique(layer.encode(vectors(5000, 2)))) < 16
    for learner in (Ema(), Gradient(), Ema(revive=ByDistortion())):
        with pytest.raises(UsageError, match="revive=None"):
            zador.vq(2, 16, assignment=EntropyCoded(0.5), learner=learner)


def test_stages_and_parts_weigh_as_well():
    """Every table has its own lengths; the rates are listed table by table."""
    for layer in (
        zador.rvq(2, 16, 2, assignment=EntropyCoded(0.3), learner=Ema(revive=None)),
        zador.pq(2, 16, 2, assignment=EntropyCoded(0.3), learner=Ema(revive=None)),
    ):
        for seed in range(5):
            out = layer(vectors(500, 2, seed=seed))
        assert out.info.rate.shape == (2,)
        assert (out.info.rate < 4).all()


def test_bad_assignments_are_refused():
    """Names, prices below 0, and plans without entropy or turns."""
    cases = {
        "assignment='sinkhorn': expected an object": "sinkhorn",
        "multiplier": EntropyCoded(-1.0),
        "epsilon": OptimalTransport(epsilon=0.0),
        "iterations": OptimalTransport(iterations=0),
    }
    for message, assignment in cases.items():
        with pytest.raises(UsageError, match=message):
            zador.vq(2, 16, assignment=assignment, learner=Ema(revive=None))
