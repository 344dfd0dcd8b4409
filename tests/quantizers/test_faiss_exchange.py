"""Quantizers to faiss and back: the same vectors from the same codes, on either side."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import zador
from zador.errors import DataError, MissingDependencyError, NonFiniteError, UsageError
from zador.quantizers import (
    Frame,
    ProductQuantizer,
    Rotation,
    VectorQuantizer,
    balanced_slices,
    codes_from_faiss,
    codes_to_faiss,
    fit_entropy_constrained,
    fit_product,
    fit_residual,
    from_faiss,
    search_codes,
    to_faiss,
)

faiss = pytest.importorskip("faiss")
# Its threads and those of other libraries wait for each other actively.
faiss.omp_set_num_threads(1)

DIM = 12


def vectors(count, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((count, DIM)) * np.geomspace(4, 0.3, DIM) + 3.0).astype(dtype)


def on_a_plane(x):
    """A product quantizer that keeps 6 of the 12 principal axes."""
    frame = Frame.principal(x, 6)
    return replace(fit_product(frame.forward(x), slices=3, codebook_size=16), frame=frame)


EXPORTED = {
    "vector": (lambda x: VectorQuantizer.of(zador.fit_codebook(x, 64)), "IndexPQ"),
    "product": (lambda x: fit_product(x, slices=4, codebook_size=16), "IndexPQ"),
    "product-of-bits": (lambda x: fit_product(x, slices=4, codebook_size=2), "IndexPQ"),
    "product-of-bytes": (lambda x: fit_product(x, slices=2, codebook_size=256), "IndexPQ"),
    "product-across-bytes": (lambda x: fit_product(x, slices=3, codebook_size=32), "IndexPQ"),
    "product-beyond-bytes": (lambda x: fit_product(x, slices=3, codebook_size=512), "IndexPQ"),
    "product-balanced": (lambda x: fit_product(x, slices=3, codebook_size=8, slicing=balanced_slices), "IndexPreTransform"),
    "product-rotated": (
        lambda x: fit_product(x, slices=4, codebook_size=16, rotation=Rotation(iterations=3)),
        "IndexPreTransform",
    ),
    "product-on-a-plane": (on_a_plane, "IndexPreTransform"),
    "residual": (lambda x: fit_residual(x, stages=3, codebook_size=16, beam=3), "IndexResidualQuantizer"),
    "residual-greedy": (lambda x: fit_residual(x, stages=3, codebook_size=16, beam=1), "IndexResidualQuantizer"),
    "residual-unequal": (lambda x: fit_residual(x, stages=3, codebook_size=(4, 32, 8)), "IndexResidualQuantizer"),
}


@pytest.fixture(scope="module", params=EXPORTED)
def exported(request):
    """A quantizer, fitted in float32, and the class that its index is to have."""
    fit, kind = EXPORTED[request.param]
    return fit(vectors(1500)), kind


def test_faiss_decodes_our_codes_to_our_vectors(exported):
    """Packed, stored in the exported index and decoded by it, indices become what `decode` makes of them."""
    quantizer, kind = exported
    indices = quantizer.encode(vectors(500, seed=1))
    index = to_faiss(quantizer)
    assert type(index).__name__ == kind
    assert (index.ntotal, index.d) == (0, DIM)
    np.testing.assert_allclose(index.sa_decode(codes_to_faiss(quantizer, indices)), quantizer.decode(indices), atol=1e-5)


def test_faiss_encodes_as_we_do(exported):
    """The exported index chooses the same indices, but for near-ties, and its codes are as wide as ours."""
    quantizer, _ = exported
    x = vectors(500, seed=1)
    index = to_faiss(quantizer)
    codes = index.sa_encode(x)
    ours = codes_to_faiss(quantizer, quantizer.encode(x))
    assert codes.shape == ours.shape
    assert (codes == ours).all(axis=1).mean() > 0.99


def test_codes_and_indices_are_two_ways_to_say_the_same(exported):
    """Packing and unpacking give back the indices, of every integer type and as a tensor."""
    quantizer, _ = exported
    indices = quantizer.encode(vectors(300, seed=1))
    codes = codes_to_faiss(quantizer, indices)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes_from_faiss(quantizer, codes), indices)
    np.testing.assert_array_equal(codes_to_faiss(quantizer, torch.from_numpy(indices)), codes)
    np.testing.assert_array_equal(codes_to_faiss(quantizer, indices.astype(np.uint16)), codes)


def test_a_base_that_goes_along_is_searched_alike(exported):
    """The index holds the base; what it finds is what `search_codes` finds, but for near-ties."""
    quantizer, _ = exported
    indices = quantizer.encode(vectors(800, seed=1))
    index = to_faiss(quantizer, indices)
    queries = vectors(40, seed=2)
    assert index.ntotal == 800
    distances, _ = index.search(queries, 5)
    found = search_codes(quantizer, indices, queries, 5)
    across = 0.0
    frame = getattr(quantizer, "frame", None)
    if frame is not None:  # faiss measures along the axes only
        centred = queries - frame.mean
        across = (centred**2).sum(axis=1) - ((centred @ frame.directions) ** 2).sum(axis=1)
    np.testing.assert_allclose(distances.T + across, found.squared_distances.T, rtol=1e-3, atol=1e-3)


def test_there_and_back_it_decodes_alike(exported):
    """Exported and imported again, a quantizer decodes the same indices to the same vectors, and encodes as before."""
    quantizer, _ = exported
    back = from_faiss(to_faiss(quantizer))
    x = vectors(400, seed=1)
    indices = quantizer.encode(x)
    assert back.sizes == quantizer.sizes
    np.testing.assert_allclose(back.decode(indices), quantizer.decode(indices), atol=1e-5)
    assert (back.encode(x) == indices).all(axis=1).mean() > 0.99
    assert getattr(back, "beam", 1) == getattr(quantizer, "beam", 1)


def test_a_written_index_is_the_same(exported, tmp_path):
    """Written and read by faiss, the index still decodes our codes."""
    quantizer, _ = exported
    indices = quantizer.encode(vectors(100, seed=1))
    faiss.write_index(to_faiss(quantizer, indices), str(tmp_path / "index"))
    index = faiss.read_index(str(tmp_path / "index"))
    assert index.ntotal == 100
    np.testing.assert_allclose(from_faiss(index).decode(indices), quantizer.decode(indices), atol=1e-5)


def test_columns_out_of_order_come_back_as_columns():
    """A permutation before the index becomes the columns of the slices, not a matrix."""
    quantizer = fit_product(vectors(500), slices=3, codebook_size=8, slicing=balanced_slices)
    back = from_faiss(to_faiss(quantizer))
    assert back.frame is None
    for ours, theirs in zip(quantizer.columns, back.columns, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_double_precision_is_rounded_once():
    """A float64 quantizer goes out in float32: its vectors agree to single precision, beside a large offset too."""
    x = vectors(500, dtype=np.float64) + 1000
    for quantizer in (
        fit_product(x, slices=4, codebook_size=16, rotation=Rotation(3)),
        fit_residual(x, stages=2, codebook_size=16),
    ):
        indices = quantizer.encode(x)
        index = to_faiss(quantizer)
        np.testing.assert_allclose(index.sa_decode(codes_to_faiss(quantizer, indices)), quantizer.decode(indices), rtol=2e-7)


def trained_on(index):
    """Trained, though not for long."""
    inner = index
    if isinstance(index, faiss.IndexPreTransform):
        inner, first = faiss.downcast_index(index.index), faiss.downcast_VectorTransform(index.chain.at(0))
        if isinstance(first, faiss.OPQMatrix):
            first.niter = first.niter_pq_0 = first.niter_pq = 3
    if hasattr(inner, "pq"):
        inner.pq.cp.niter = 5
    if hasattr(inner, "pq") and inner.pq.nbits > 8:  # faiss takes a minute to train these
        codewords = np.random.default_rng(3).standard_normal(inner.pq.centroids.size()).astype(np.float32)
        faiss.copy_array_to_vector(codewords, inner.pq.centroids)
        inner.is_trained = True
        return index
    index.train(vectors(1000))
    return index


TRAINED = {
    "PQ": "PQ4x4",
    "PQ, ten bits": "PQ2x10",
    "PQ, three bits": "PQ6x3",
    "OPQ": "OPQ4,PQ4x4",
    "OPQ to fewer axes": "OPQ4_8,PQ4x4",
    "PCA": "PCA6,PQ3x5",
    "PCA, turned": "PCAR8,PQ4x4",
    "random rotation": "RR12,PQ4x4",
    "mean and rotation": "PCA12,RR8,PQ4x4",
    "rotation and mean": "RR12,PCA8,PQ4x4",
    "RQ": "RQ3x4",
    "RQ, unequal": "RQ1x6_2x4",
    "RQ with norms": "RQ3x4_Nqint8",
    "RQ with float norms": "RQ3x4_Nfloat",
    "RQ behind PCA": "PCA8,RQ3x4",
}


@pytest.fixture(scope="module", params=TRAINED)
def trained(request):
    """An index that faiss made and trained."""
    return trained_on(faiss.index_factory(DIM, TRAINED[request.param]))


def test_a_trained_index_is_imported_as_it_decodes(trained):
    """Our decode of faiss's codes is faiss's own; our encoder reaches the error of faiss's."""
    quantizer = from_faiss(trained)
    x = vectors(400, seed=1)
    codes = trained.sa_encode(x)
    indices = codes_from_faiss(quantizer, codes)
    theirs = trained.sa_decode(codes)
    np.testing.assert_allclose(quantizer.decode(indices), theirs, atol=2e-5)
    ours = quantizer.decode(quantizer.encode(x))
    assert ((x - ours) ** 2).sum() < 1.001 * ((x - theirs) ** 2).sum()


def test_an_import_says_what_it_does_not_know(trained, tmp_path):
    """Every index is counted once, `origin` says why, and the quantizer can be saved."""
    quantizer = from_faiss(trained)
    assert all((counts == 1).all() for counts in quantizer.usage)
    assert quantizer.origin["usage"] == "unknown, 1 for every index"
    assert quantizer.origin["imported_from"] == f"faiss.{type(trained).__name__}"
    quantizer.save(tmp_path / "q")
    assert zador.load(tmp_path / "q").fingerprint == quantizer.fingerprint


def test_the_quantizers_inside_an_index_are_imported_too():
    """faiss.ProductQuantizer and faiss.ResidualQuantizer need no index around them."""
    for name, part in (("PQ4x4", "pq"), ("RQ3x4", "rq")):
        index = trained_on(faiss.index_factory(DIM, name))
        x = vectors(50, seed=1)
        quantizer = from_faiss(getattr(index, part))
        np.testing.assert_array_equal(quantizer.decode(quantizer.encode(x)), from_faiss(index).decode(quantizer.encode(x)))


def test_what_faiss_cannot_store_is_told_in_a_line():
    """No power of two, slices not alike, a kind that faiss lacks: the message says what can be exported."""
    x = vectors(400)
    with pytest.raises(UsageError, match=r"stream 0 has 12 codewords, no power of two; fit with codebook_size=8, or 16"):
        to_faiss(fit_product(x, slices=4, codebook_size=12))
    with pytest.raises(UsageError, match=r"stream 1 has 1 codewords.*codebook_size=2, or 2"):
        to_faiss(fit_residual(x, stages=2, codebook_size=(4, 1)))
    for uneven in (fit_product(x, slices=5, codebook_size=8), fit_product(x, slices=2, codebook_size=(8, 16))):
        with pytest.raises(UsageError, match="slices alike, got codebooks of shapes"):
            to_faiss(uneven)
    with pytest.raises(UsageError, match="no counterpart of a EntropyConstrainedQuantizer; quantizers of fit_product"):
        to_faiss(fit_entropy_constrained(x, bits=3.0))


def test_what_changes_distances_is_told_in_a_line():
    """Whitening, normalisation and padding are no rotation; other indexes have no quantizer of ours."""
    for name in ("PCAW8,PQ4x4", "L2norm,PQ4x4", "Pad16,PQ4x4"):
        index = trained_on(faiss.index_factory(DIM, name))
        with pytest.raises(UsageError, match="changes distances; apply it to the vectors yourself"):
            from_faiss(index)
    for other in (faiss.IndexFlatL2(DIM), trained_on(faiss.index_factory(DIM, "IVF4,PQ4x4")), "index"):
        with pytest.raises(UsageError, match=r"expected IndexPQ, IndexResidualQuantizer.*pass that"):
            from_faiss(other)


def test_untrained_or_broken_indexes_are_told_in_a_line():
    """An index that was never trained, and codewords that are no numbers."""
    for index in (faiss.IndexPQ(DIM, 4, 4), faiss.index_factory(DIM, "OPQ4,PQ4x4"), faiss.IndexResidualQuantizer(DIM, 2, 4)):
        with pytest.raises(DataError, match="is not trained; call its train"):
            from_faiss(index)
    with pytest.raises(DataError, match="all codewords are zero; train"):
        from_faiss(faiss.ProductQuantizer(DIM, 4, 4))
    broken = to_faiss(fit_product(vectors(200), slices=4, codebook_size=4))
    faiss.copy_array_to_vector(np.full(4 * DIM, np.nan, np.float32), broken.pq.centroids)
    with pytest.raises(NonFiniteError, match="codewords of the index: 16 of 16 rows"):
        from_faiss(broken)


def test_bad_codes_are_told_in_a_line():
    """Codes of another width or type, and indices out of range."""
    quantizer = fit_product(vectors(200), slices=4, codebook_size=8)
    for codes in (np.zeros((3, 1), np.uint8), np.zeros((3, 6), np.uint8), np.zeros((3, 2), int), np.zeros(2, np.uint8)):
        with pytest.raises(DataError, match=r"codes: expected uint8 of shape \(N, 2\), 12 bits a row"):
            codes_from_faiss(quantizer, codes)
    with pytest.raises(DataError, match="row 0 holds 8 in column 0"):
        codes_to_faiss(quantizer, [[8, 0, 0, 0]])
    with pytest.raises(DataError, match="row 0 holds 8 in column 0"):
        to_faiss(quantizer, [[8, 0, 0, 0]])


def test_without_faiss_the_command_that_installs_it_is_named(monkeypatch):
    """Both directions say what to install; packing codes needs nothing."""
    quantizer = fit_product(vectors(200), slices=4, codebook_size=4)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r"to_faiss needs faiss; pip install 'zador\[faiss\]'"):
        to_faiss(quantizer)
    with pytest.raises(MissingDependencyError, match="from_faiss needs faiss"):
        from_faiss(object())
    assert codes_to_faiss(quantizer, quantizer.encode(vectors(3))).shape == (3, 1)


def test_an_imported_product_is_our_kind():
    """An imported quantizer is of the class that `fit_product` returns, in float32."""
    quantizer = from_faiss(trained_on(faiss.IndexPQ(DIM, 4, 4)))
    assert isinstance(quantizer, ProductQuantizer)
    assert quantizer.dtype == np.float32
