"""Residual quantization: stages, the beam, and the re-fit of all stages at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from references.structured import beam_by_definition, best_of_all
from zador.errors import DataError, UsageError
from zador.quantizers import fit_residual, refit
from zador.quantizers.beam import beam_search, packed_stages
from zador.quantizers.stage import fit_stage, shrunk


def vectors(count, dim=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, dim)) * np.geomspace(3, 0.5, dim) + 100


def error(quantizer, x):
    return float(((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1).mean())


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 70),
    dim=st.integers(1, 9),
    sizes=st.lists(st.integers(1, 21), min_size=1, max_size=4),
    beam=st.integers(2, 40),
    seed=st.integers(0, 1000),
)
def test_the_beam_is_the_beam_by_definition(rows, dim, sizes, beam, seed):
    """The compiled beam search ends with the error of the one written down plainly, at any size and width."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, dim))
    codebooks = tuple(rng.standard_normal((size, dim)) * 0.6**s for s, size in enumerate(sizes))
    found = beam_search(x, codebooks, packed_stages(codebooks), beam)
    expected = beam_by_definition(x, codebooks, beam)

    def errors(indices):
        return ((x - sum(c[indices[:, s]] for s, c in enumerate(codebooks))) ** 2).sum(axis=1)

    np.testing.assert_allclose(errors(found), errors(expected), rtol=1e-9, atol=1e-12)


def test_a_beam_as_wide_as_everything_finds_the_best_sum():
    """When no sum is ever dropped, the search is exhaustive."""
    x = vectors(60)
    quantizer = fit_residual(vectors(500), stages=3, codebook_size=5, beam=125)
    reached = ((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1)
    np.testing.assert_allclose(reached, best_of_all(x, quantizer.codebooks, quantizer.mean), rtol=1e-9)


def test_a_wider_beam_serves_new_vectors_better():
    """Beams of 1, 2, 5 and 16 over the same codebooks: each lowers the error of vectors it has not seen."""
    quantizer = fit_residual(vectors(3000), stages=5, codebook_size=16, beam=1)
    errors = [error(replace(quantizer, beam=beam), vectors(2000, seed=1)) for beam in (1, 2, 5, 16)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.97 * errors[0]


def test_without_a_beam_each_stage_takes_the_nearest():
    """Greedy encoding is the nearest codeword of every residual."""
    quantizer = fit_residual(vectors(1000), stages=3, codebook_size=8, beam=1)
    x = vectors(50, seed=1)
    residual = x - quantizer.mean
    for s, codebook in enumerate(quantizer.codebooks):
        nearest = ((residual[:, None] - codebook[None]) ** 2).sum(axis=2).argmin(axis=1)
        np.testing.assert_array_equal(quantizer.encode(x)[:, s], nearest)
        residual = residual - codebook[nearest]


def test_single_and_double_precision_agree_despite_an_offset():
    """An offset of 1e4 costs the beam no digits: float32 ends within 1e-3 of float64."""
    x = vectors(2000) + 1e4
    double = fit_residual(x, stages=4, codebook_size=16)
    single = fit_residual(x.astype(np.float32), stages=4, codebook_size=16)
    new = vectors(1000, seed=1) + 1e4
    assert error(single, new.astype(np.float32).astype(float)) == pytest.approx(error(double, new), rel=0.03)


def test_the_refit_is_the_least_squares_solution():
    """For given indices no codebooks have a smaller error than the re-fitted ones; the ridge costs a thousandth."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 4))
    indices = rng.integers(0, 5, (600, 3))
    start = tuple(rng.standard_normal((5, 4)) for _ in range(3))
    moved = refit(x, indices, start)
    design = np.concatenate([np.eye(5)[indices[:, s]] for s in range(3)], axis=1)
    solution, *_ = np.linalg.lstsq(design, x, rcond=None)
    best = ((x - design @ solution) ** 2).sum()
    assert ((x - design @ np.concatenate(moved)) ** 2).sum() == pytest.approx(best, rel=1e-5)


def test_the_refit_leaves_codewords_alone_that_nothing_chose():
    """An unused codeword stays where it was; the two that were used together add up to the mean."""
    x = np.random.default_rng(0).standard_normal((50, 3))
    codebooks = (np.full((2, 3), 7.0), np.zeros((1, 3)))
    moved = refit(x, np.zeros((50, 2), int), codebooks)
    np.testing.assert_allclose(moved[0][1], 7.0)
    np.testing.assert_allclose(moved[0][0] + moved[1][0], x.mean(axis=0), atol=0.01)


def test_refits_lower_the_training_error_and_with_plenty_of_data_the_other():
    """At 3000 vectors a codeword the joint re-fit serves new vectors better too, and is on by default."""
    x, new = vectors(12000, dim=4), vectors(8000, dim=4, seed=1)
    without, with_refits = (fit_residual(x, stages=6, codebook_size=4, refits=refits) for refits in (0, None))
    assert with_refits.origin["refits"] == 5
    assert with_refits.origin["training_distortion"] < without.origin["training_distortion"]
    assert error(with_refits, new) < 0.99 * error(without, new)


def test_refits_are_off_by_default_with_few_vectors():
    """At 60 vectors a codeword the re-fit would learn noise."""
    assert fit_residual(vectors(1000), stages=2, codebook_size=16).origin["refits"] == 0


def test_shrinking_serves_new_vectors_better():
    """Many axes of pure noise and few vectors a cell: shrunk means are nearer to the truth, and to new vectors."""
    rng = np.random.default_rng(0)
    centres = np.zeros((20, 30))
    centres[:, :2] = rng.standard_normal((20, 2)) * 5
    cells, new_cells = rng.integers(0, 20, (2, 400))
    x, new = (centres[c] + rng.standard_normal((400, 30)) for c in (cells, new_cells))
    means = np.stack([x[cells == k].mean(axis=0) for k in range(20)])
    drawn = shrunk(means, x, cells)
    plain_error, shrunk_error = (((new - table[new_cells]) ** 2).sum(axis=1).mean() for table in (means, drawn))
    assert shrunk_error < plain_error - 0.7 * 28 / 20
    np.testing.assert_allclose(drawn[:, :2], means[:, :2], rtol=0.05, atol=0.05)


def test_as_many_codewords_as_vectors_are_not_shrunk():
    """Where there is no variance within cells to learn from, the codewords stay the vectors."""
    x = np.random.default_rng(0).standard_normal((8, 3))
    assert shrunk(x, x, np.arange(8)) is x


def test_a_stage_tells_apart_what_differs_on_late_axes_only():
    """Vectors that agree on the leading axes and differ on the others still get all codewords asked for."""
    x = np.repeat(np.eye(24), 3, axis=0)
    codebook = fit_stage(x, 24, np.random.default_rng(0))
    assert len(codebook) == 24


def test_any_number_of_stages():
    """Twelve stages of one bit: the error falls with every stage that is kept."""
    x = vectors(2000)
    quantizer = fit_residual(x, stages=12, codebook_size=2, refits=0, beam=1)
    indices = quantizer.encode(x)
    residual, errors = x - quantizer.mean, []
    for s, codebook in enumerate(quantizer.codebooks):
        residual = residual - codebook[indices[:, s]]
        errors.append((residual**2).sum())
    assert errors == sorted(errors, reverse=True)
    assert quantizer.bits == 12.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": 0}, "stages"),
        ({"beam": 0}, "beam"),
        ({"refits": -1}, "refits"),
        ({"codebook_size": [4, 4, 4]}, "or 2 of them"),
        ({"stages": 100, "codebook_size": 90, "refits": 1}, "too many to re-fit"),
    ],
)
def test_requests_that_make_no_sense(change, message):
    """Counts that no data could satisfy are usage errors that say what is possible."""
    with pytest.raises(UsageError, match=message):
        fit_residual(vectors(100), **{"stages": 2, "codebook_size": 4, **change})


def test_data_that_will_not_do():
    """Too few distinct vectors are a data error."""
    with pytest.raises(DataError, match="ask for at most 1"):
        fit_residual(np.ones((50, 4)), stages=2, codebook_size=4)
