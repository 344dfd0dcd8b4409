"""Vectors that are pictures: the PNGs inside a report hold the right pixels."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from studies.comparison import report_cases
from zador.studies.comparison.records import DataCard, Exhibit
from zador.studies.comparison.report import pictures


def card(shape, value_range=(0.0, 1.0)):
    """Data of which only the shape of the pictures matters."""
    return DataCard("d", 1, 1, int(np.prod(shape)), 1.0, "", shape, value_range)


def pixels(link):
    """The picture behind a data: link."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(link.partition(",")[2]))))


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3)])
def test_pixels_are_those_of_the_vector(shape):
    """Row by row, channel last, the low end of the range black and the high end white."""
    vector = np.linspace(-1, 3, int(np.prod(shape)))
    shown = pixels(pictures.data_link(vector, card(shape, (-1.0, 3.0))))
    assert shown.shape == shape
    np.testing.assert_array_equal(shown, np.rint((vector + 1) / 4 * 255).reshape(shape))


def test_values_outside_the_range_are_clipped_and_not_wrapped():
    """A codeword slightly darker than black is black, not white."""
    shown = pixels(pictures.data_link(np.array([-0.1, 1.1]), card((1, 2))))
    assert shown.tolist() == [[0, 255]]


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_numbers_of_channels_are_shown_in_grey(channels):
    """What is neither grey nor red, green and blue is shown as the mean of its channels."""
    vector = np.repeat([0.0, 1.0], channels)
    assert pixels(pictures.data_link(vector, card((1, 2, channels)))).tolist() == [[0, 255]]


def test_codewords_come_most_used_first_and_dead_ones_are_called_dead():
    """The order follows usage, ties stay in codebook order, and the captions carry the counts."""
    words = np.eye(4)
    exhibit = Exhibit("a", 2.0, words, np.array([0, 5, 9, 5]), words[:1], words[:1])
    tiles = pictures.codewords(exhibit, card((2, 2)), budget=10**6)
    assert [tile.text for tile in tiles] == [
        "codeword 2, chosen 9 times",
        "codeword 1, chosen 5 times",
        "codeword 3, chosen 5 times",
        "codeword 0, dead",
    ]
    assert [tile.caption for tile in tiles] == ["9", "5", "5", "dead"]
    assert pixels(tiles[0].source).ravel().tolist() == [0, 0, 255, 0]
    many = Exhibit("a", 7.0, np.zeros((100, 4)), np.arange(100) % 2, words[:1], words[:1])
    order = [int(tile.text.split()[1].strip(",")) for tile in pictures.codewords(many, card((2, 2)), budget=10**6)]
    assert order == [*range(1, 100, 2), *range(0, 100, 2)]


def test_a_small_budget_keeps_the_most_used():
    """At least one codeword is shown, and no more than fit."""
    exhibit = report_cases.digits().exhibits[0]
    data = report_cases.digits().data
    whole = pictures.codewords(exhibit, data, budget=10**6)
    assert len(whole) == 16
    assert pictures.codewords(exhibit, data, budget=0) == whole[:1]
    assert pictures.codewords(exhibit, data, budget=sum(len(tile.source) for tile in whole[:5])) == whole[:5]


def test_pairs_carry_their_squared_error():
    """Under each original and its codeword stands the squared error between them, summed over coordinates."""
    exhibit = report_cases.digits().exhibits[0]
    pairs = pictures.pairs(exhibit, report_cases.digits().data)
    errors = ((exhibit.originals - exhibit.reconstructions) ** 2).sum(axis=1)
    np.testing.assert_allclose([pair.error for pair in pairs], errors)


@pytest.mark.parametrize(("shape", "size"), [((8, 8), (48, 48)), ((28, 28), (56, 56)), ((200, 100), (100, 200))])
def test_pictures_are_enlarged_by_whole_numbers(shape, size):
    """Small pictures grow to a size one can see, large ones keep theirs."""
    words = np.zeros((1, int(np.prod(shape))))
    exhibit = Exhibit("a", 0.0, words, np.array([1]), words, words)
    tile = pictures.codewords(exhibit, card(shape), budget=10**6)[0]
    assert (tile.width, tile.height) == size
