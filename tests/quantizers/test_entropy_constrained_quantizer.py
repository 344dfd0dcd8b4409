"""The entropy-constrained quantizer: its encoder, the rate it is fitted to, and what it gains."""

from __future__ import annotations

import json

import numpy as np
import pytest

import zador
from references import entropy_constrained as reference
from zador.artefacts import MANIFEST
from zador.errors import DataError, FormatError, UsageError
from zador.metrics import entropy_bits
from zador.quantizers import EntropyConstrainedQuantizer, VectorQuantizer, fit_entropy_constrained, load_quantizer


def gaussian(seed, count, dim, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal((count, dim)).astype(dtype)


def error_of(quantizer, x):
    return float(((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_vector_goes_where_error_and_length_are_least(dtype):
    """Indices are the argmin of `||x - c_k||² + penalty_k`, and decode to plain codewords."""
    rng = np.random.default_rng(0)
    codewords, penalties = gaussian(1, 200, 5, dtype), rng.random(200).astype(dtype)
    quantizer = EntropyConstrainedQuantizer(codewords=codewords, penalties=penalties, usage=(np.ones(200),))
    x = gaussian(2, 3000, 5, dtype)
    rounded = np.sqrt(penalties).astype(np.float64) ** 2  # the root is what the table keeps
    indices = quantizer.encode(x)
    np.testing.assert_array_equal(indices[:, 0], reference.penalised_argmin(x, codewords, rounded))
    np.testing.assert_array_equal(quantizer.decode(indices), codewords[indices[:, 0]])


@pytest.mark.parametrize(("bits", "dim"), [(0.4, 2), (1.5, 1), (3.0, 4), (6.0, 4)])
def test_the_training_indices_cost_what_was_asked(bits, dim):
    """The entropy of the usage is within 0.015 bits below `bits`, and origin tells both."""
    quantizer = fit_entropy_constrained(gaussian(0, 12_000, dim), bits=bits)
    entropy = entropy_bits(quantizer.usage[0])
    assert bits - 0.015 <= entropy <= bits + 1e-6
    assert quantizer.origin["entropy_bits"] == pytest.approx(entropy)
    assert quantizer.origin["target_bits"] == bits
    assert quantizer.bits > entropy


def test_it_beats_a_codebook_of_the_same_rate():
    """At 4 bits on N(0, I_4), the error on new vectors is at least 3 % below that of 16 codewords by Lloyd's algorithm."""
    x, fresh = gaussian(0, 80_000, 4), gaussian(1, 20_000, 4)
    plain = VectorQuantizer.of(zador.fit_codebook(x, 16, restarts=3))
    assert error_of(fit_entropy_constrained(x, bits=4.0), fresh) < 0.97 * error_of(plain, fresh)


def test_vectors_at_one_place_get_more_codewords():
    """Where 49 of 50 vectors are alike, the codebook grows until the others can spend the bits."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20_000, 3)) * (rng.random((20_000, 1)) < 0.02)
    quantizer = fit_entropy_constrained(x, bits=0.25)
    assert 0.24 <= entropy_bits(quantizer.usage[0]) <= 0.25
    assert error_of(quantizer, x) < 0.3 * x.var(axis=0).sum()


def test_vectors_of_any_kind_are_fitted():
    """float16 becomes float32, whole numbers float64, and very large ones raise no warning."""
    x = gaussian(0, 600, 3)
    assert fit_entropy_constrained(x.astype(np.float16), bits=2.0).dtype == np.float32
    assert fit_entropy_constrained((20 * x).astype(int), bits=2.0).dtype == np.float64
    assert fit_entropy_constrained(1e18 * x, bits=7.0).origin["entropy_bits"] <= 7.0


def test_impossible_requests_are_refused():
    """A rate that is none, one above what the vectors carry, more codewords than vectors, and vectors that are all alike."""
    x = gaussian(0, 500, 3)
    for bits in (0, -1.0, np.nan, np.inf, "3", None, True):
        with pytest.raises(UsageError, match="bits: expected a positive, finite number"):
            fit_entropy_constrained(x, bits=bits)
    with pytest.raises(DataError, match=r"bits=9, but 500 codewords for these 500 vectors carry only 8\.97"):
        fit_entropy_constrained(x, bits=9)
    with pytest.raises(DataError, match=r"bits=4, but 8 codewords .* carry only 2\.\d+; ask for fewer bits"):
        fit_entropy_constrained(x, bits=4, codebook_size=8)
    with pytest.raises(DataError, match="codebook_size=501"):
        fit_entropy_constrained(x, bits=4, codebook_size=501)
    with pytest.raises(DataError, match="at least two different vectors, got 7 that are all alike"):
        fit_entropy_constrained(np.ones((7, 3)), bits=1)
    with pytest.raises(DataError, match="at least two different vectors, got none"):
        fit_entropy_constrained(np.ones((0, 3)), bits=1)
    with pytest.raises(UsageError, match="seed"):
        fit_entropy_constrained(x, bits=1, seed=-1)


def test_a_file_without_sense_is_refused(tmp_path):
    """Negative penalties, and two streams, are found out as the quantizer loads."""
    rows = {"codewords": np.zeros((2, 3)), "usage": (np.ones(2),)}
    EntropyConstrainedQuantizer(**rows, penalties=np.array([0.1, -0.1])).save(tmp_path / "negative")
    with pytest.raises(FormatError, match="at least 0"):
        load_quantizer(tmp_path / "negative")
    EntropyConstrainedQuantizer(**rows, penalties=np.array([0.1, 0.1])).save(tmp_path / "two")
    text = json.loads((tmp_path / "two" / MANIFEST).read_text())
    text["about"]["sizes"] = [1, 1]
    (tmp_path / "two" / MANIFEST).write_text(json.dumps(text))
    with pytest.raises(FormatError, match="one stream"):
        load_quantizer(tmp_path / "two")
