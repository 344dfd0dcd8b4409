"""Counts of use over a window: exact usage, faded perplexity."""

from __future__ import annotations

import math

import pytest
import torch

from zador.layers.tally import Tally, kept_wide, usage_of


def test_before_the_first_batch_nothing_is_used():
    """Usage 0, perplexity 1, and no NaN."""
    tally = Tally(8)
    assert (tally.usage().item(), tally.perplexity().item()) == (0.0, 1.0)


def test_usage_is_the_share_chosen_within_the_window():
    """A codeword stays in use for 64 K vectors after its last, and no longer."""
    tally = Tally(4)
    tally.add(torch.tensor([1.0, 1.0, 0.0, 0.0]))
    tally.add(torch.tensor([0.0, 255.0, 0.0, 0.0]))
    assert tally.usage() == 0.5
    tally.add(torch.tensor([0.0, 1.0, 0.0, 0.0]))
    assert tally.usage() == 0.25


def test_counts_fade_by_vectors_and_not_by_batches():
    """Two batches of n fade what came before as much as one of 2n."""
    one, two = Tally(4), Tally(4)
    for tally in (one, two):
        tally.add(torch.tensor([100.0, 0.0, 0.0, 0.0]))
    one.add(torch.tensor([0.0, 64.0, 0.0, 0.0]))
    for _ in range(2):
        two.add(torch.tensor([0.0, 32.0, 0.0, 0.0]))
    assert one.counts[0].item() == pytest.approx(100 * math.exp(-64 / 256), rel=1e-6)
    torch.testing.assert_close(one.counts[0], two.counts[0])


def test_perplexity_is_that_of_the_shares():
    """Equal counts of k codewords give k."""
    tally = Tally(8)
    tally.add(torch.tensor([3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    assert tally.perplexity().item() == pytest.approx(3.0, rel=1e-6)


def test_indices_are_heard_as_their_counts():
    """`hear` is `add` of the histogram; -1 counts for nothing."""
    by_index, by_count = Tally(4), Tally(4)
    by_index.hear(torch.tensor([0, 2, 2, -1, -1]))
    by_count.add(torch.tensor([1.0, 0.0, 2.0, 0.0]))
    assert all(a.equal(b) for a, b in zip(by_index.buffers(), by_count.buffers(), strict=True))


def test_usage_of_several_tables_is_one_number_each():
    """And none for none."""
    usage, perplexity = usage_of([Tally(4), Tally(8)], torch.zeros(()))
    assert (usage.shape, perplexity.shape) == ((2,), (2,))
    assert usage_of([], torch.zeros(()))[0].shape == (0,)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_statistics_stay_wide(dtype):
    """In a model of 16 bits float32 keeps every bit, float64 becomes float32, and integers are left alone."""
    narrow = kept_wide(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)
    value = torch.tensor([1 / 3, 16777215.0])
    assert narrow(value).equal(value)
    assert narrow(value.double()).dtype == torch.float32
    assert narrow(torch.tensor([2**40])).item() == 2**40
    assert kept_wide(lambda tensor: tensor.double())(value).dtype == torch.float64
