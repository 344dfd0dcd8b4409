"""Quantizer dropout: each sample goes through as many stages as it drew, and the others neither add, learn nor commit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import zador
from zador.codebooks import Ema, Frozen
from zador.errors import UsageError
from zador.layers import QuantizerDropout

START = np.random.default_rng(0).standard_normal((16, 4)).astype(np.float32)


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def dropping(probability=0.5, least=1, stages=4, seed=0, learner=None, **options):
    frozen = Frozen(start=START) if learner is None else learner
    return zador.rvq(4, 16, stages, learner=frozen, dropout=QuantizerDropout(probability, least, seed), **options)


def depths_of(indices):
    """Return how many stages each sample (B, T, S) went through, if all its vectors went equally far."""
    used = (indices >= 0).sum(dim=2)
    assert (used == used[:, :1]).all()
    assert ((indices >= 0) == (torch.arange(indices.shape[2]) < used[..., None])).all()
    return used[:, 0]


@pytest.mark.parametrize(("probability", "least"), [(0.5, 1), (0.3, 3)])
def test_depths_follow_their_law(probability, least):
    """P(S' = s) = p / (S - least + 1), plus 1 - p for all S: over 10 batches of 800 samples, within 4 standard errors."""
    layer, counts = dropping(probability, least), np.zeros(5)
    for seed in range(10):
        counts += np.bincount(depths_of(layer(vectors(800, 1, 4, seed=seed)).indices), minlength=5)
    law = np.array([0.0] + [probability / (5 - least) if depth >= least else 0.0 for depth in range(1, 5)])
    law[4] += 1 - probability
    assert (np.abs(counts / 8000 - law) <= 4 * np.sqrt(law * (1 - law) / 8000)).all()


def test_samples_go_equally_far_whatever_they_are():
    """Sequences, images and single vectors; every vector of a sample stops at the same stage, samples at different ones."""
    layer = dropping()
    assert len(depths_of(layer(vectors(30, 7, 4)).indices).unique()) > 1
    assert len(depths_of(layer(vectors(200, 4)).indices[:, None]).unique()) == 4
    image = zador.rvq(4, 16, 4, axis=1, learner=Frozen(start=START), dropout=QuantizerDropout())
    assert len(depths_of(image(vectors(30, 4, 3, 5)).indices.flatten(1, 2)).unique()) > 1
    assert layer(vectors(4)).indices.shape == (4,)


def test_a_pass_is_that_of_as_many_stages():
    """Values, losses and the gradient of each sample are those of a layer that has only the stages it went through."""
    layer, x = dropping(1.0, commitment=1.0), vectors(12, 5, 4).requires_grad_()
    out = layer(x)
    out.loss.backward()
    depths = depths_of(out.indices)
    assert set(depths.tolist()) == {1, 2, 3, 4}
    loss, distortion = 0.0, 0.0
    for sample, depth in enumerate(depths.tolist()):
        plain = zador.rvq(4, 16, depth, learner=Frozen(start=START), commitment=1.0)
        leaf = x[sample].detach().requires_grad_()
        alone = plain(leaf)
        (alone.loss / 12).backward()
        indices = alone.indices.view(5, -1)
        assert out.indices[sample, :, :depth].equal(indices)
        torch.testing.assert_close(out.quantized[sample], alone.quantized)
        torch.testing.assert_close(x.grad[sample], leaf.grad)
        loss, distortion = loss + alone.loss / 12, distortion + alone.info.distortion / 12
    torch.testing.assert_close(out.loss, loss)
    torch.testing.assert_close(out.info.distortion, distortion)


def test_stages_that_are_left_out_learn_nothing():
    """Tables learn what a layer without dropout would from the samples that reach them; no count moves for the rest."""
    layer = dropping(1.0, learner=Ema(start=START))
    out = layer(vectors(20, 10, 4))
    depths = depths_of(out.indices)
    for stage, table in enumerate(layer._tables):
        assert table.tally.counts.sum() == 10 * (depths > stage).sum()
    x, shallow = vectors(20, 10, 4), depths <= 1
    deep = zador.rvq(4, 16, 2, learner=Ema(start=START))
    deep(x, mask=torch.ones(20, 10, dtype=torch.bool) & ~shallow[:, None])
    torch.testing.assert_close(layer._tables[1].codewords, deep._tables[1].codewords)


def test_evaluation_goes_through_all_stages():
    """So does `encode` in training mode; and prefixes of the indices are codes, without dropout or with it."""
    layer, x = dropping(1.0), vectors(6, 5, 4)
    assert (layer.encode(x) >= 0).all()
    assert (layer.eval()(x).indices >= 0).all()
    indices = layer.encode(x)
    for stages in range(1, 5):
        fewer = indices.clone()
        fewer[..., stages:] = -1
        assert layer.decode(fewer).equal(zador.rvq(4, 16, stages, learner=Frozen(start=START)).eval()(x).quantized)


def test_every_pass_draws_anew_and_every_seed_another_way():
    """The number of the pass is state: a loaded layer draws what the saved one would have; another seed draws otherwise."""
    layer, x = dropping(), vectors(50, 3, 4)
    first, second = (depths_of(layer(x).indices) for _ in range(2))
    assert not first.equal(second)
    again = dropping()
    assert depths_of(again(x).indices).equal(first)
    other = dropping(seed=1)
    assert not depths_of(other(x).indices).equal(first)
    other, fresh = dropping(), dropping()
    fresh.load_state_dict(again.state_dict())
    assert depths_of(fresh(x).indices).equal(second)


def test_processes_draw_each_for_itself():
    """The stream of a process, its rank, tells its draws from those of others."""
    dropout, number = QuantizerDropout(), torch.tensor(3)
    assert dropout(number, 100, 4, stream=0).equal(dropout(number, 100, 4))
    assert not dropout(number, 100, 4, stream=1).equal(dropout(number, 100, 4, stream=0))


def test_groups_stop_together_and_shared_tables_hear_all_stages():
    """Every group of a sample goes equally far; one table for all stages counts as many vectors as there were."""
    groups = zador.grvq(8, 16, 3, 2, dropout=QuantizerDropout(1.0))
    indices = groups(vectors(30, 5, 8)).indices
    assert depths_of(indices[..., :3]).equal(depths_of(indices[..., 3:]))
    shared = zador.rvq(4, 16, 3, shared_codebook=True, dropout=QuantizerDropout(1.0))
    found = shared(vectors(30, 5, 4)).indices
    assert shared._tables[0].tally.counts.sum() == (found >= 0).sum()
    assert len(depths_of(zador.rsimvq(4, 16, 3, dropout=QuantizerDropout(1.0))(vectors(30, 5, 4)).indices).unique()) == 3


def test_what_drops_nothing_or_everything_is_refused():
    """Probabilities outside (0, 1], no stage at all, and as many stages as there are."""
    for probability in (0.0, -0.1, 1.1):
        with pytest.raises(UsageError, match="0 < probability <= 1"):
            QuantizerDropout(probability)
    with pytest.raises(UsageError, match="least"):
        QuantizerDropout(least=0)
    with pytest.raises(UsageError, match="least < 4"):
        dropping(least=4)
