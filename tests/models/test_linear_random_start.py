"""The start that knows nothing: the law of its encoder, where its codewords come from, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from zador.codebooks import FromData
from zador.errors import DataError, UsageError
from zador.metrics import mean_angle
from zador.models.linear import KMeansCodewords, NormalCodewords, random_start

SIZES = {"codebook_size": 8, "encoder_dim": 3}


def test_rows_are_orthonormal_and_prefer_no_direction():
    """W Wᵀ = I, and the share m / D of the energy of any direction is kept on average: five standard errors."""
    seeds, dim = list(range(400)), 12
    model = random_start(np.eye(dim), **SIZES, seeds=seeds, codewords=NormalCodewords())
    np.testing.assert_allclose(
        model.encoder @ model.encoder.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (400, 3, 3)), atol=1e-14
    )
    kept = (model.encoder**2).sum(1)
    error = kept.std(axis=0) / np.sqrt(len(seeds))
    assert (np.abs(kept.mean(axis=0) - 3 / dim) < 5 * error).all()


def test_codewords_from_a_normal_law_do_not_look_at_data():
    """Their standard deviation is what was asked for, and other data change nothing."""
    rng = np.random.default_rng(0)
    one, two = (
        random_start(x, **SIZES, seeds=range(100), codewords=NormalCodewords(0.1)) for x in rng.standard_normal((2, 50, 9))
    )
    np.testing.assert_array_equal(one.codewords, two.codewords)
    values = one.codewords.ravel()
    assert values.std() == pytest.approx(0.1, abs=5 * 0.1 / np.sqrt(2 * values.size))
    assert (random_start(np.eye(9), **SIZES, seeds=[1], codewords=NormalCodewords(0.0)).codewords == 0).all()


def test_k_means_codewords_are_a_fixed_point_of_lloyd_on_the_first_encodings():
    """Each codeword is the mean of the encodings nearest to it, among the first `sample`; later vectors change nothing."""
    x = np.random.default_rng(0).standard_normal((700, 9))
    model = random_start(x, **SIZES, seeds=[1, 2], codewords=KMeansCodewords(sample=300, iterations=1000))
    again = random_start(x[:300], **SIZES, seeds=[1, 2], codewords=KMeansCodewords(sample=300, iterations=1000))
    np.testing.assert_array_equal(model.codewords, again.codewords)
    for encoder, codewords in zip(model.encoder, model.codewords, strict=True):
        z = x[:300] @ encoder.T
        nearest = ((z[:, None] - codewords) ** 2).sum(2).argmin(1)
        means = np.stack([z[nearest == k].mean(0) for k in range(8)])
        np.testing.assert_allclose(codewords, means, atol=1e-12)


def test_seeds_know_nothing_of_each_other_nor_of_data_drawn_with_the_same_seed():
    """Members are what they are alone, and the encoder of seed s is as far from a basis drawn with seed s as any other."""
    x = np.random.default_rng(0).standard_normal((500, 64))
    together, alone = (random_start(x, **SIZES, seeds=seeds) for seeds in ([3, 4, 5], [4]))
    np.testing.assert_array_equal(together.encoder[1], alone.encoder[0])
    np.testing.assert_array_equal(together.codewords[1], alone.codewords[0])
    drawn = np.random.default_rng(4).standard_normal((64, 3)), np.random.default_rng(4).standard_normal((3, 64)).T
    # cos²θ of unrelated subspaces has mean 3/64: its root is 0.22, and a mean angle below 1 would be no accident.
    assert all(mean_angle(alone.encoder[0].T, basis) > 1.0 for basis in drawn)


def test_an_initialiser_of_codebooks_sees_the_encodings():
    """`FromData` draws codewords that are encodings by this very encoder, with the mean taken off."""
    x, mean = np.random.default_rng(0).standard_normal((60, 9)), np.arange(9.0)
    model = random_start(x, **SIZES, seeds=[7], codewords=FromData(), mean=mean)
    z = (x - mean) @ model.encoder[0].T
    assert ((z[:, None] - model.codewords[0]) ** 2).sum(2).min(0) == pytest.approx(0, abs=1e-24)
    np.testing.assert_array_equal(model.mean, [mean])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: random_start(x, codebook_size=8, encoder_dim=10, seeds=[1]), UsageError, "at most the 9 coordinates"),
        (lambda x: random_start(x[:5], **SIZES, seeds=[1]), DataError, "8"),
        (lambda x: random_start(x, **SIZES, seeds=[1], mean=np.zeros(4)), DataError, "mean: expected shape"),
        (lambda _x: NormalCodewords(-1.0), UsageError, "scale: expected a finite number"),
    ],
)
def test_what_it_refuses(make, error, message):
    """One clear line for what cannot be."""
    with pytest.raises(error, match=message):
        make(np.random.default_rng(0).standard_normal((60, 9)))
