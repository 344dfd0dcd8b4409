"""The table: state under the learner's names, started from what is given, moved by what it is asked."""

from __future__ import annotations

import pytest
import torch

from zador.codebooks import Ema, Gradient, OnlineKMeans
from zador.layers.table import LearnedTable
from zador.quantizers.codes import Asked

GIVEN = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def asked(table, x, indices):
    codewords = table.look()
    squared = ((x - codewords.detach()[indices]) ** 2).sum(dim=1)
    return Asked(x, indices, squared, codewords)


def taught(table, x, indices):
    question = asked(table, x, indices)
    return table.learn(question, table.cells(question))


def test_given_codewords_are_the_start():
    """No initialiser runs; the table has started."""
    table = LearnedTable(6, 3, Ema(start=GIVEN))
    assert table.started
    assert table.codewords.equal(GIVEN)
    table.start(torch.ones(500, 3), None)
    assert table.codewords.equal(GIVEN)


@pytest.mark.parametrize(("learner", "fields"), [(Ema, {"counts", "steps"}), (OnlineKMeans, {"counts"}), (Gradient, set())])
def test_the_state_of_the_learner_is_the_state_of_the_table(learner, fields):
    """Its fields are buffers under their names, next to the key, the flag and the tally."""
    names = set(LearnedTable(6, 3, learner(revive=None)).state_dict())
    assert names == {"codewords", "started", "key", "tally.counts", "tally.since"} | fields


def test_one_step_is_the_learner_s():
    """`learn` writes what `learner.step` returns: at decay 0 the mean of the members."""
    table = LearnedTable(6, 3, Ema(start=GIVEN, decay=0.0))
    x = torch.arange(12.0).view(4, 3)
    revived = taught(table, x, torch.tensor([0, 0, 2, 2]))
    torch.testing.assert_close(table.codewords[0], x[:2].mean(dim=0))
    torch.testing.assert_close(table.codewords[2], x[2:].mean(dim=0))
    assert table.codewords[[1, 3, 4, 5]].equal(GIVEN[[1, 3, 4, 5]])
    assert revived == 0
    assert table.key[1] == 1
    assert table.tally.usage() == pytest.approx(2 / 6)


def test_codewords_on_the_sphere_stay_there():
    """Given, looked at, and moved, they have length 1."""
    table = LearnedTable(6, 3, Ema(start=3 * GIVEN, decay=0.0), sphere=True)
    taught(table, torch.nn.functional.normalize(GIVEN + 0.3), torch.arange(6))
    for codewords in (table.codewords, table.look()):
        torch.testing.assert_close(codewords.norm(dim=1), torch.ones(6))


def test_streams_of_one_seed_are_different_tables():
    """Tables of a layer neither start nor draw alike."""
    one, two = (LearnedTable(6, 3, Ema(), stream=stream) for stream in (0, 1))
    assert not one.codewords.equal(two.codewords)
    assert not one.key.equal(two.key)


def test_recalled_codewords_are_those_before_the_last_step():
    """With a gradient, if they are a parameter; and afterwards those of now."""
    table = LearnedTable(6, 3, Gradient(start=GIVEN))
    taught(table, GIVEN + 1, torch.arange(6))
    with torch.no_grad():
        table.codewords.add_(1.0)
    table.recall(back=True)
    assert table.look().equal(GIVEN)
    assert table.look().requires_grad
    table.recall(back=False)
    assert table.look().equal(GIVEN + 1)
