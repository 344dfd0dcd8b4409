"""Every quantizer keeps every promise: one table of members, one test a promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import zador
from zador.artefacts import MANIFEST
from zador.errors import DataError, FormatError, NonFiniteError
from zador.quantizers import (
    D4,
    E8,
    Rotation,
    VectorQuantizer,
    Z,
    fit_entropy_constrained,
    fit_lattice,
    fit_product,
    fit_random,
    fit_residual,
    fit_transform_coding,
    load_quantizer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.quantizers import Quantizer

DIM = 12


@dataclass(frozen=True)
class Member:
    """A quantizer under test: how it is fitted, and whether every codeword encodes to itself."""

    fit: Callable[[Any], Quantizer]
    projection: bool = True


MEMBERS = {
    "vector": Member(lambda x: VectorQuantizer.of(zador.fit_codebook(x, 32))),
    "product": Member(lambda x: fit_product(x, slices=4, codebook_size=16)),
    "product-rotated": Member(lambda x: fit_product(x, slices=4, codebook_size=16, rotation=Rotation(iterations=5))),
    "residual": Member(lambda x: fit_residual(x, stages=3, codebook_size=16, beam=1), projection=False),
    "residual-beam": Member(lambda x: fit_residual(x, stages=3, codebook_size=16, beam=5, refits=2), projection=False),
    "transform": Member(lambda x: fit_transform_coding(x, bits=9.5)),
    "lattice-Z": Member(lambda x: fit_lattice(x, bits=9.5, lattice=Z)),
    "lattice-D4": Member(lambda x: fit_lattice(x, bits=30.0, lattice=D4), projection=False),
    "lattice-E8": Member(lambda x: fit_lattice(x, bits=40.0, lattice=E8), projection=False),
    "entropy-constrained": Member(lambda x: fit_entropy_constrained(x, bits=4.0), projection=False),
    "random": Member(lambda x: fit_random(x, bits=5.0)),
    "random-slices": Member(lambda x: fit_random(x, bits=12.0, slice_bits=5)),
}


def vectors(count, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((count, DIM)) * np.geomspace(4, 0.3, DIM) + 3.0).astype(dtype)


@pytest.fixture(scope="module", params=[(name, dtype) for name in MEMBERS for dtype in ("float32", "float64")], ids="-".join)
def fitted(request):
    """A member, fitted to 3000 vectors of one float type."""
    name, dtype = request.param
    return MEMBERS[name], MEMBERS[name].fit(vectors(3000, dtype)), np.dtype(dtype)


def test_indices_are_in_range_and_values_of_the_right_type(fitted):
    """Indices are int64 within the alphabets, one column a stream; values have the dtype of the training data."""
    _, quantizer, dtype = fitted
    x = vectors(500, dtype, seed=1)
    indices = quantizer.encode(x)
    assert indices.shape == (500, len(quantizer.sizes))
    assert indices.dtype == np.int64
    assert (indices >= 0).all()
    assert (indices < np.array(quantizer.sizes)).all()
    decoded = quantizer.decode(indices)
    assert decoded.shape == x.shape
    assert decoded.dtype == quantizer.dtype == dtype
    assert quantizer.dim == DIM


def test_it_quantizes(fitted):
    """The error on new vectors is well below their variance: the indices carry information."""
    _, quantizer, dtype = fitted
    x = vectors(2000, dtype, seed=1)
    error = ((x - quantizer.decode(quantizer.encode(x))) ** 2).sum(axis=1).mean()
    assert error < 0.75 * x.var(axis=0).sum()


def test_codewords_encode_to_themselves(fitted):
    """Where the promise holds, decode(encode(decode(i))) equals decode(i) up to rounding."""
    member, quantizer, dtype = fitted
    if not member.projection:
        pytest.skip("its encoder weighs rate, or is no exhaustive search")
    decoded = quantizer.decode(quantizer.encode(vectors(500, dtype, seed=1)))
    again = quantizer.decode(quantizer.encode(decoded))
    np.testing.assert_allclose(again, decoded, atol=1e-4 if dtype == np.float32 else 1e-10)


def test_rows_are_encoded_by_themselves(fitted):
    """In one call, in pieces of any size, or strided: the same bits for every row."""
    _, quantizer, dtype = fitted
    x = vectors(9001, dtype, seed=2)
    indices = quantizer.encode(x)
    values = quantizer.decode(indices)
    for start, stop in ((0, 1), (1, 8), (8, 700), (700, 9001)):
        np.testing.assert_array_equal(quantizer.encode(x[start:stop]), indices[start:stop])
        np.testing.assert_array_equal(quantizer.decode(indices[start:stop]), values[start:stop])
    np.testing.assert_array_equal(quantizer.encode(np.asfortranarray(x)[::3]), indices[::3])


def test_usage_counts_the_training_vectors(fitted):
    """The usage of every stream adds up to the training vectors, and is what encoding them gives."""
    _, quantizer, dtype = fitted
    indices = quantizer.encode(vectors(3000, dtype))
    for stream, counts in enumerate(quantizer.usage):
        np.testing.assert_array_equal(counts, np.bincount(indices[:, stream], minlength=len(counts)))


def test_bits_are_those_of_fixed_length_indices(fitted):
    """The rate is the sum of log2 of the alphabets."""
    _, quantizer, _ = fitted
    assert quantizer.bits == pytest.approx(np.log2(np.array(quantizer.sizes, float)).sum(), rel=1e-12, abs=1e-12)


def test_the_same_seed_gives_the_same_quantizer(fitted):
    """Fitted twice to the same data: the same fingerprint, which every bit of every table enters."""
    member, quantizer, dtype = fitted
    assert member.fit(vectors(3000, dtype)).fingerprint == quantizer.fingerprint
    assert member.fit(vectors(3000, dtype, seed=5)).fingerprint != quantizer.fingerprint


def test_saved_and_loaded_it_is_the_same(fitted, tmp_path):
    """Loaded again it encodes, decodes, models and describes itself alike, and nothing but two files is left."""
    _, quantizer, dtype = fitted
    quantizer.save(tmp_path / "q")
    loaded = load_quantizer(tmp_path / "q")
    x = vectors(300, dtype, seed=1)
    indices = quantizer.encode(x)
    assert type(loaded) is type(quantizer)
    assert repr(loaded) == repr(quantizer)
    assert loaded.fingerprint == quantizer.fingerprint
    np.testing.assert_array_equal(loaded.encode(x), indices)
    np.testing.assert_array_equal(loaded.decode(indices), quantizer.decode(indices))
    assert len(list((tmp_path / "q").iterdir())) == 2


def test_tensors_come_back_as_tensors(fitted):
    """A tensor gives a tensor of indices, and a tensor of indices a tensor of vectors."""
    _, quantizer, dtype = fitted
    x = vectors(50, dtype, seed=1)
    indices = quantizer.encode(torch.from_numpy(x))
    assert isinstance(indices, torch.Tensor)
    np.testing.assert_array_equal(indices.numpy(), quantizer.encode(x))
    decoded = quantizer.decode(indices)
    assert isinstance(decoded, torch.Tensor)
    np.testing.assert_array_equal(decoded.numpy(), quantizer.decode(indices.numpy()))


def test_nothing_in_nothing_out(fitted):
    """No vectors give no indices, and no indices no vectors."""
    _, quantizer, dtype = fitted
    indices = quantizer.encode(np.empty((0, DIM), dtype))
    assert indices.shape == (0, len(quantizer.sizes))
    assert quantizer.decode(indices).shape == (0, DIM)


def test_vectors_far_outside_are_encoded(fitted):
    """A vector a thousand deviations away gets indices in range, and a finite value."""
    _, quantizer, dtype = fitted
    x = np.full((3, DIM), 4000.0, dtype) * np.array([[1], [-1], [0.5]], dtype)
    assert np.isfinite(quantizer.decode(quantizer.encode(x))).all()


def test_bad_vectors_are_refused(fitted):
    """NaN, another number of coordinates, and numbers too large for the float type are told in one line."""
    _, quantizer, dtype = fitted
    with pytest.raises(NonFiniteError):
        quantizer.encode(np.full((2, DIM), np.nan))
    with pytest.raises(DataError, match=f"x has {DIM + 1} coordinates"):
        quantizer.encode(np.zeros((2, DIM + 1)))
    if dtype == np.float32:
        with pytest.raises(DataError, match="beyond float32"):
            quantizer.encode(np.full((2, DIM), 1e300))


def test_bad_indices_are_refused(fitted):
    """Floats, another number of streams, and indices out of range are told in one line."""
    _, quantizer, dtype = fitted
    good = quantizer.encode(vectors(4, dtype))
    with pytest.raises(DataError, match="whole numbers"):
        quantizer.decode(good.astype(float))
    with pytest.raises(DataError, match="one column a stream"):
        quantizer.decode(np.concatenate([good, good], axis=1))
    for wrong in (-1, quantizer.sizes[0]):
        bad = good.copy()
        bad[2, 0] = wrong
        with pytest.raises(DataError, match="1 of 4 rows hold indices outside"):
            quantizer.decode(bad)


def test_altered_settings_are_refused(fitted, tmp_path):
    """Every plain value of the manifest, altered, is found out as it loads, or gives another fingerprint."""
    import json

    _, quantizer, _ = fitted
    quantizer.save(tmp_path)
    text = (tmp_path / MANIFEST).read_text()
    about = json.loads(text)["about"]
    for name, value in about.items():
        if name == "origin":
            continue
        for other in (None, "x", 0, [], {"a": 1}, [-1]):
            if other == value:
                continue
            (tmp_path / MANIFEST).write_text(json.dumps({**json.loads(text), "about": {**about, name: other}}))
            with pytest.raises(FormatError):
                load_quantizer(tmp_path)
