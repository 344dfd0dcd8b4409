"""The promise of `zador.nearest`: the float64 argmin, whatever the data look like."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import zador
from references.search import brute_force
from threads import threads
from zador.errors import DataError, NonFiniteError
from zador.search.tiled import nearest_on_device


def gaussian(seed, count, dim):
    return np.random.default_rng(seed).standard_normal((count, dim))


@st.composite
def hard_cases(draw):
    """Vectors and codebooks on which single precision goes wrong: offsets, modes, outliers, duplicates, grids, scales."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dim, rows, count = (
        draw(st.sampled_from([1, 2, 3, 4, 7, 8, 9, 16, 33, 64, 130])),
        draw(st.integers(1, 400)),
        draw(st.integers(1, 300)),
    )
    x, codebook = rng.standard_normal((rows, dim)), rng.standard_normal((count, dim))
    match draw(st.sampled_from(["plain", "offset", "modes", "outlier", "duplicates", "near", "grid", "same", "far"])):
        case "offset":
            offset = draw(st.sampled_from([1.0, 1e2, 1e3, 1e4]))
            x, codebook = x + offset, codebook + offset
        case "modes":
            x, codebook = (v + rng.choice([-1000.0, 1000.0], (len(v), 1)) for v in (x, codebook))
        case "outlier":
            codebook[rng.integers(count)] = draw(st.sampled_from([1e5, -1e12, 1e30]))
        case "duplicates":
            codebook = codebook[rng.integers(0, count, count)]
        case "near":
            codebook = codebook[rng.integers(0, count, count)] + 1e-6 * rng.standard_normal((count, 1))
        case "grid":
            x, codebook = np.round(x), np.round(codebook)
        case "same":
            x = codebook[rng.integers(0, count, rows)] + draw(st.sampled_from([0.0, 1e-7])) * x
        case "far":
            x = x * 1e6
    scale, dtype = draw(st.sampled_from([1.0, 1.0, 1e-12, 1e4])), draw(st.sampled_from([np.float32, np.float64]))
    return (x * scale).astype(dtype), (codebook * scale).astype(dtype)


@pytest.fixture
def compiled(monkeypatch):
    """Send small problems, too, through the compiled kernel instead of the definition."""
    monkeypatch.setattr("zador.search._TINY", 0)


class TestExact:
    """`exact=True`: the proof holds."""

    @settings(max_examples=200)
    @given(case=hard_cases())
    def test_every_index_is_the_float64_argmin(self, case):
        """On 200 awkward data sets no index differs from brute force, and distances are right to 1e-5."""
        from zador.search.certified import certified

        x, codebook = case
        expected, distance = brute_force(x, codebook)
        with np.errstate(over="ignore"):  # a float32 result cannot hold the square of 1e30
            distance = distance.astype(x.dtype)
        indices, squared, _ = certified(x, codebook)
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_allclose(squared, distance, rtol=1e-5, atol=1e-37)

    @settings(max_examples=60)
    @given(case=hard_cases())
    def test_the_device_path_keeps_the_same_promise(self, case):
        """The tiled torch path, run on the CPU device, agrees with brute force as well."""
        x, codebook = case
        expected, distance = brute_force(x, codebook)
        found = nearest_on_device(torch.from_numpy(x), torch.from_numpy(codebook), exact=True)
        squared = found.squared_distances.numpy()
        fits = distance < np.finfo(x.dtype).max
        # Its definition adds in torch's order: where it names another codeword, the two tie to the last bits of float64.
        np.testing.assert_allclose(squared[fits], distance[fits], rtol=1e-5, atol=1e-37)
        other = np.flatnonzero(found.indices.numpy() != expected)
        chosen = ((x[other].astype(float) - codebook[found.indices.numpy()[other]]) ** 2).sum(axis=-1)
        np.testing.assert_allclose(chosen, distance[other], rtol=1e-13)

    @pytest.mark.usefixtures("compiled")
    def test_ties_go_to_the_lowest_index(self):
        """With every codeword present four times, only the first copies are named."""
        codebook = np.tile(gaussian(0, 64, 8), (4, 1))
        found = zador.nearest(gaussian(1, 500, 8), codebook)
        assert found.indices.max() < 64
        assert found.rechecked == 1.0

    @pytest.mark.usefixtures("compiled")
    def test_easy_data_are_hardly_rechecked(self):
        """On unit Gaussian data fewer than 1 % of the rows need double precision, so the proof is cheap."""
        found = zador.nearest(gaussian(0, 20_000, 16).astype(np.float32), gaussian(1, 512, 16).astype(np.float32))
        assert 0 < found.rechecked < 0.01

    @pytest.mark.usefixtures("compiled")
    def test_an_outlier_codeword_costs_nothing(self):
        """One codeword at 1e12 does not send other rows to double precision."""
        x, codebook = gaussian(0, 5_000, 8).astype(np.float32), gaussian(1, 256, 8).astype(np.float32)
        usual = zador.nearest(x, codebook).rechecked
        codebook[17] = 1e12
        assert zador.nearest(x, codebook).rechecked <= usual + 0.001

    def test_values_beyond_the_square_root_of_the_largest_float_follow_the_definition(self):
        """At 1e200 the squares overflow to infinity in the definition too; indices still agree with it."""
        from zador.search.certified import certified

        x, codebook = 1e200 * gaussian(0, 50, 3), gaussian(1, 40, 3)
        with np.errstate(over="ignore"):
            expected, _ = brute_force(x, codebook)
        np.testing.assert_array_equal(certified(x, codebook)[0], expected)


class TestPlain:
    """`exact=False`: centred single precision."""

    @pytest.mark.usefixtures("compiled")
    @pytest.mark.parametrize("offset", [0.0, 1e2, 1e4])
    def test_an_offset_does_no_harm(self, offset):
        """Centring keeps every index right under a common offset on well separated codewords."""
        x, codebook = gaussian(0, 3_000, 8) + offset, gaussian(1, 300, 8) + offset
        np.testing.assert_array_equal(zador.nearest(x, codebook, exact=False).indices, brute_force(x, codebook)[0])

    @pytest.mark.usefixtures("compiled")
    def test_a_wrong_index_is_a_near_tie(self):
        """Near duplicates may be confused, but the distance lost is below the rounding of single precision."""
        codebook = np.repeat(gaussian(1, 128, 8), 2, axis=0)
        codebook[1::2] += 1e-7
        x = gaussian(0, 2_000, 8)
        found = zador.nearest(x, codebook, exact=False)
        excess = found.squared_distances - brute_force(x, codebook)[1]
        assert found.rechecked == 0.0
        assert excess.max() < 24 * 2**-24 * 4 * (np.abs(x).max() + np.abs(codebook).max()) ** 2 * 8


class TestInputs:
    """What may be handed over, and what comes back."""

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    @pytest.mark.parametrize("size", [10, 3_000])
    def test_tensors_of_every_float_type(self, dtype, size):
        """Tensors come back as int64 indices and distances, float64 only for float64 input, of the rounded values."""
        x, codebook = torch.from_numpy(gaussian(0, size, 8)).to(dtype), torch.from_numpy(gaussian(1, 64, 8)).to(dtype)
        found = zador.nearest(x, codebook)
        expected, distance = brute_force(x.double().numpy(), codebook.double().numpy())
        assert isinstance(found.indices, torch.Tensor)
        assert found.indices.dtype == torch.int64
        assert found.squared_distances.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        np.testing.assert_array_equal(found.indices.numpy(), expected)
        np.testing.assert_allclose(found.squared_distances.numpy(), distance, rtol=1e-5)

    def test_a_tensor_that_requires_grad(self):
        """Searching is no step of a computation graph: a parameter can be searched, and nothing is recorded."""
        x = torch.from_numpy(gaussian(0, 5, 2)).requires_grad_()
        assert not zador.nearest(x, x).squared_distances.requires_grad

    @pytest.mark.usefixtures("compiled")
    def test_strides_do_not_matter(self):
        """Reversed, transposed and every-other views give what their copies give; float16 and mixed types as well."""
        x, codebook = gaussian(0, 16, 4_000).astype(np.float32), gaussian(1, 100, 32)
        for view, table in (
            (x.T, codebook[:, ::2]),
            (x.T[::-2], codebook[::-1, 16:]),
            (x.T.astype(np.float16), codebook[:, :16]),
        ):
            expected, distance = brute_force(view, table)
            found = zador.nearest(view, table)
            np.testing.assert_array_equal(found.indices, expected)
            np.testing.assert_allclose(found.squared_distances, distance, rtol=1e-5)

    @pytest.mark.parametrize(("rows", "count"), [(0, 5), (0, 0), (1, 1), (1, 7), (7, 1)])
    @pytest.mark.parametrize("exact", [True, False])
    def test_none_or_one(self, rows, count, exact):
        """N = 0 gives empty results even for an empty codebook; N = 1 and K = 1 are ordinary."""
        x, codebook = gaussian(0, rows, 3), gaussian(1, count, 3)
        found = zador.nearest(x, codebook, exact=exact)
        np.testing.assert_array_equal(found.indices, brute_force(x, codebook)[0] if rows else [])

    def test_one_codeword_many_rows(self):
        """K = 1 through the compiled kernel: index 0 and the plain distance."""
        from zador.search.certified import certified

        x = gaussian(0, 1_000, 3)
        indices, squared, _ = certified(x, x[:1].copy())
        assert not indices.any()
        np.testing.assert_allclose(squared, ((x - x[0]) ** 2).sum(axis=1))

    def test_equal_vectors_have_distance_zero(self):
        """The distance of a vector to itself as a codeword is 0, not the rounding of a cancelled sum."""
        x = (gaussian(0, 2_000, 32) + 100).astype(np.float32)
        found = zador.nearest(x, x[:300])
        assert (found.squared_distances[:300] == 0).all()

    def test_integers_become_float64(self):
        """Integer pixels are searched exactly."""
        x = np.random.default_rng(0).integers(0, 256, (50, 6))
        assert zador.nearest(x, x).squared_distances.dtype == np.float64

    @pytest.mark.parametrize(
        ("x", "codebook", "error", "message"),
        [
            (np.ones((3, 2)), np.ones((4, 3)), DataError, "x has 2 coordinates and the codebook 3"),
            (np.ones((3, 2)), np.ones((0, 2)), DataError, "codebook is empty"),
            (np.ones(3), np.ones((4, 3)), DataError, r"x: expected shape \(N, D\)"),
            (np.full((3, 2), np.nan), np.ones((4, 2)), NonFiniteError, "x: 3 of 3 rows"),
            (np.ones((3, 2)), np.array([[1, np.inf]]), NonFiniteError, "codebook: 1 of 1 rows"),
            (np.array([[None, "a"]]), np.ones((4, 2)), DataError, "real numbers"),
            (np.ones((2, 2), complex), np.ones((4, 2)), DataError, "real numbers"),
            ([[1.0], [1.0, 2.0]], np.ones((4, 2)), DataError, "different lengths"),
        ],
    )
    def test_what_cannot_be_searched_says_why(self, x, codebook, error, message):
        """Bad input gets one line that names the argument, what was got, and the remedy."""
        with pytest.raises(error, match=message):
            zador.nearest(x, codebook)

    def test_the_device_path_refuses_alike(self):
        """A device tensor with NaN or with the wrong width gets the same kind of error."""
        good, bad = torch.ones(3, 2), torch.tensor([[1.0, float("nan")]])
        with pytest.raises(NonFiniteError, match="1 of 1 rows"):
            nearest_on_device(bad, good, exact=True)
        with pytest.raises(DataError, match="same d"):
            nearest_on_device(good, torch.ones(3, 4), exact=True)


def test_no_matrix_of_all_distances_is_ever_allocated():
    """For N = 100,000 and K = 4,096, whose distances would fill 1.6 GB, numpy's peak stays below 24 MB."""
    x, codebook = gaussian(0, 100_000, 4).astype(np.float32), gaussian(1, 4_096, 4).astype(np.float32)
    zador.nearest(x[:2_000], codebook)
    tracemalloc.start()
    zador.nearest(x, codebook)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24e6


def test_the_number_of_threads_does_not_change_a_bit():
    """One thread and all threads give the same indices and the same distances."""
    x, codebook = gaussian(0, 10_000, 8), gaussian(1, 500, 8)
    with threads(2):
        many = zador.nearest(x, codebook)
    with threads(1):
        one = zador.nearest(x, codebook)
    np.testing.assert_array_equal(one.indices, many.indices)
    np.testing.assert_array_equal(one.squared_distances, many.squared_distances)
