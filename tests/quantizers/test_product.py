"""Product quantization: the best of all combinations, cut and turned so that slicing costs little."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from references.structured import best_of_all, product_as_sums
from zador.codebooks import Lloyd
from zador.errors import DataError, NonFiniteError, UsageError
from zador.quantizers import Rotation, balanced_slices, equal_slices, fit_product


def spread(count, dim=8, seed=0):
    """Gaussian vectors whose variance falls by 64 along random axes."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.standard_normal((dim, dim)))
    return rng.standard_normal((count, dim)) * np.geomspace(4, 0.5, dim) @ axes.T + 5


def error(quantizer, x):
    return float(((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("rotation", [None, Rotation(0), Rotation(8)])
def test_it_chooses_the_best_of_all_combinations(rotation):
    """Slice by slice it finds the codeword nearest among the product of all slices."""
    x = spread(1500)
    quantizer = fit_product(x, slices=3, codebook_size=6, rotation=rotation)
    new = spread(40, seed=1)
    mean = 0.0 if quantizer.frame is None else quantizer.frame.mean
    reached = ((new - quantizer.decode(quantizer.encode(new))) ** 2).sum(axis=1)
    np.testing.assert_allclose(reached, best_of_all(new, product_as_sums(quantizer), mean), rtol=1e-9)


def test_one_slice_is_a_plain_codebook():
    """With a single slice its error is that of Lloyd's fixed point: no update of the means lowers it."""
    x = spread(800)
    quantizer = fit_product(x, slices=1, codebook_size=16)
    indices = quantizer.encode(x)[:, 0]
    means = np.stack([x[indices == k].mean(axis=0) for k in range(16)])
    assert np.abs(means - quantizer.codebooks[0]).max() < 0.1
    assert quantizer.origin["training_distortion"] == pytest.approx(error(quantizer, x), rel=1e-12)


def test_a_learned_rotation_beats_principal_axes_and_these_beat_none():
    """On data whose axes lie askew, turning the cuts lowers the training error, and learning the turn lowers it again."""
    x = spread(4000, dim=12)
    plain, principal, learned = (
        fit_product(x, slices=4, codebook_size=16, rotation=rotation).origin["training_distortion"]
        for rotation in (None, Rotation(0), Rotation(30))
    )
    assert principal < 0.8 * plain
    assert learned < principal


def test_the_learned_frame_stays_orthonormal():
    """After many turns in single precision the axes are still orthonormal to rounding."""
    quantizer = fit_product(spread(1000).astype(np.float32), slices=2, codebook_size=8, rotation=Rotation(40))
    gram = quantizer.frame.directions.T.astype(np.float64) @ quantizer.frame.directions
    np.testing.assert_allclose(gram, np.eye(8), atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(dim=st.integers(1, 40), slices=st.integers(1, 40), seed=st.integers(0, 1000))
def test_slices_hold_each_coordinate_once_in_nearly_equal_numbers(dim, slices, seed):
    """Equal or balanced: a partition into slices whose lengths differ by one at most."""
    slices = min(slices, dim)
    variances = np.random.default_rng(seed).gamma(0.3, size=dim)
    for slicing in (equal_slices, balanced_slices):
        parts = slicing(variances, slices)
        assert sorted(np.concatenate(parts).tolist()) == list(range(dim))
        assert {len(part) for part in parts} <= {dim // slices, -(-dim // slices)}


def test_balanced_slices_have_alike_products_of_variances():
    """Sixteen variances over four decades: products of the slices agree within a factor of 3, equal slices by 1e9."""
    variances = np.geomspace(1, 1e-4, 16)
    balanced, equal = (
        np.array([np.log(variances[part]).sum() for part in cut(variances, 4)]) for cut in (balanced_slices, equal_slices)
    )
    assert np.ptp(balanced) < np.log(3)
    assert np.ptp(equal) > np.log(1e9)


def test_balanced_slices_spread_the_coordinates_that_do_not_vary():
    """Coordinates without variance are shared out like the others; no slice is made of them alone."""
    parts = balanced_slices(np.array([4.0, 0.0, 3.0, 0.0, 2.0, 1.0, 0.0, 0.0]), 2)
    assert [sum(c in (1, 3, 6, 7) for c in part.tolist()) for part in parts] == [2, 2]


def test_sizes_may_differ_by_slice():
    """One number a slice gives a rate that is no multiple of the slices."""
    quantizer = fit_product(spread(600), slices=2, codebook_size=[16, 8])
    assert quantizer.sizes == (16, 8)
    assert quantizer.bits == 7.0


def test_a_slice_with_few_distinct_parts_gets_few_codewords():
    """Binary coordinates in pairs have four values: four codewords, no error, no duplicate."""
    x = np.random.default_rng(0).integers(0, 2, (400, 6)).astype(float)
    quantizer = fit_product(x, slices=3, codebook_size=16)
    assert quantizer.sizes == (4, 4, 4)
    assert error(quantizer, x) == 0.0


def test_the_learner_can_be_chosen():
    """A learner without iterations leaves the codewords where k-means++ drew them: on vectors."""
    x = spread(300)
    quantizer = fit_product(x, slices=2, codebook_size=8, learner=Lloyd(iterations=0))
    assert all((codeword == x[:, :4]).all(axis=1).any() for codeword in quantizer.codebooks[0])


def test_tensors_and_half_precision_are_taken():
    """A tensor, and float16, which becomes float32."""
    x = torch.from_numpy(spread(200)).half()
    assert fit_product(x, slices=2, codebook_size=4).dtype == np.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slices": 9}, "at most 8"),
        ({"slices": 0}, "slices"),
        ({"codebook_size": 0}, "codebook_size"),
        ({"codebook_size": [4]}, "or 2 of them"),
        ({"codebook_size": 4.5}, "whole number"),
        ({"seed": -1}, "seed"),
    ],
)
def test_requests_that_make_no_sense(change, message):
    """Counts that no data could satisfy are usage errors that say what is possible."""
    with pytest.raises(UsageError, match=message):
        fit_product(spread(100), **{"slices": 2, "codebook_size": 4, **change})


def test_data_that_will_not_do():
    """Too few distinct vectors, and NaN, are data errors."""
    with pytest.raises(DataError, match="ask for at most 1"):
        fit_product(np.ones((50, 4)), slices=2, codebook_size=4)
    with pytest.raises(NonFiniteError):
        fit_product(np.full((50, 4), np.nan), slices=2, codebook_size=4)
