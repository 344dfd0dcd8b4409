"""What makes no sense is refused in one line that says what was asked, what was got, and what to do."""

from __future__ import annotations

import pytest
import torch

from zador.codebooks import Ema, Gradient, MlpTransform
from zador.errors import DataError, NonFiniteError, UsageError
from zador.estimators import NSVQ
from zador.layers import Diversity, OptimalTransport, bsq, fsq, grvq, lfq, multiscale, pq, rfsq, rvq, simvq, vq

X = torch.zeros(2, 5, 8)
MASK = torch.ones(2, 5, dtype=torch.bool)
LENGTHS = torch.tensor([5, 2])
IMAGE = torch.zeros(2, 8, 4, 4)


def layer():
    return vq(8, 16)


def stages():
    return rvq(8, 16, 3)


def maps():
    return multiscale(8, 16, (1, 4), axis=1)


PASSES = {
    "another number of coordinates": (lambda: layer()(torch.zeros(2, 5, 7)), DataError, r"8 coordinates on axis -1, got 7"),
    "channels elsewhere": (lambda: layer()(IMAGE), DataError, r"axis=1 for \(B, D, H, W\)"),
    "whole numbers": (lambda: layer()(X.long()), DataError, "expected floats"),
    "no axes": (lambda: layer()(torch.tensor(1.0)), DataError, "expected floats with an axis"),
    "an axis that is not there": (lambda: vq(8, 16, axis=3)(X), DataError, "axis 3"),
    "a mask of another shape": (lambda: layer()(X, MASK[:1]), DataError, r"expected booleans of shape \(2, 5\)"),
    "a mask with coordinates": (lambda: layer()(X, torch.ones_like(X).bool()), DataError, r"mask: .*\(2, 5, 8\)"),
    "a mask of floats": (lambda: layer()(X, MASK.float()), DataError, "mask: expected booleans.*float32"),
    "a mask of integers": (lambda: layer()(X, MASK.long()), DataError, "mask: expected booleans.*int64"),
    "mask and lengths": (lambda: layer()(X, MASK, LENGTHS), UsageError, "mask and lengths"),
    "too few lengths": (lambda: layer()(X, lengths=LENGTHS[:1]), DataError, "lengths: .*2 sequences"),
    "lengths of images": (lambda: vq(8, 16, axis=1)(IMAGE, lengths=LENGTHS), DataError, "lengths: .*for maps pass mask"),
    "lengths of single vectors": (lambda: layer()(X[0], lengths=LENGTHS), DataError, "lengths: "),
    "maps of another size": (lambda: maps()(torch.zeros(2, 8, 4, 5)), DataError, r"maps of \(4, 4\) pixels"),
    "maps without axes": (lambda: maps()(torch.zeros(8, 8)), DataError, r"maps of \(4, 4\) pixels"),
    "a mask of pixels": (lambda: maps()(IMAGE, torch.ones(2, 4, 4).bool()), DataError, "one boolean for each map"),
    "a float mask of maps": (lambda: maps()(IMAGE, torch.ones(2)), DataError, "mask: expected booleans"),
    "lengths of maps": (lambda: maps()(IMAGE, lengths=LENGTHS), DataError, "maps have no lengths"),
    "encode, another number": (lambda: layer().encode(torch.zeros(7)), DataError, "8 coordinates"),
    "decode, floats": (lambda: layer().decode(torch.zeros(3)), DataError, "whole numbers, got torch.float32"),
    "decode, booleans": (lambda: layer().decode(MASK), DataError, "whole numbers, got torch.bool"),
    "decode, too large": (lambda: layer().decode(torch.tensor([3, 16])), DataError, r"1 of 2 .*\(16\); expected 0 to 15"),
    "decode, below -1": (lambda: layer().decode(torch.tensor([-2])), DataError, r"\(-2\)"),
    "decode, too few streams": (lambda: stages().decode(torch.zeros(4, 2).long()), DataError, "last axis of 3 streams"),
    "decode, no streams": (lambda: stages().decode(torch.tensor(1)), DataError, "last axis of 3 streams"),
    "decode, one stream too large": (lambda: pq(8, (4, 9), 2).decode(torch.tensor([5, 5])), DataError, r"\(5\)"),
    "decode, past a grid": (lambda: fsq((5, 5)).decode(torch.tensor([25])), DataError, r"0 to 24"),
}

CONSTRUCTIONS = {
    "a class for an estimator": (lambda: vq(8, 16, estimator=NSVQ), UsageError, r"NSVQ\(\)"),
    "a class for a transform": (lambda: simvq(8, 16, transform=MlpTransform), UsageError, r"LinearTransform\(\)"),
    "a class for an assignment": (lambda: vq(8, 16, assignment=OptimalTransport), UsageError, r"OptimalTransport\(\)"),
    "a number for a dropout": (lambda: rvq(8, 16, 2, dropout=0.5), UsageError, r"QuantizerDropout\(0.5\)"),
    "one regulariser": (lambda: vq(8, 16, regularisers=Diversity()), UsageError, "expected a list"),
    "an unknown option": (lambda: vq(8, 16, head=2), UsageError, "no option head; there are assignment, axis, "),
    "an option of others": (lambda: rvq(8, 16, 2, heads=2), UsageError, "rvq: there is no option heads"),
    "heads that do not fit": (lambda: vq(8, 16, heads=3), UsageError, "8 coordinates.*3 heads; pass codebook_dim"),
    "no heads": (lambda: vq(8, 16, heads=0), UsageError, "heads: "),
    "no codewords": (lambda: vq(8, 0), UsageError, "codebook_size: .*at least 1, got 0"),
    "half a codeword": (lambda: vq(8, 1.5), UsageError, "codebook_size: .*1.5"),
    "no dimension": (lambda: vq(0, 16), UsageError, "dim: "),
    "what to do with NaN": (lambda: vq(8, 16, on_nonfinite="drop"), UsageError, 'expected "raise" or "skip"'),
    "too many parts": (lambda: pq(3, 16, 4), UsageError, "parts: 3 coordinates"),
    "sizes of other parts": (lambda: pq(8, (4, 4), 3), UsageError, "codebook_size"),
    "learners of other stages": (lambda: rvq(8, 16, 3, learner=[Ema(), Ema()]), UsageError, "one for each of the 3 tables"),
    "no stages": (lambda: rvq(8, 16, 0), UsageError, "stages"),
    "stages that share unequal tables": (lambda: rvq(8, (4, 8), 2, shared_codebook=True), UsageError, "shared_codebook"),
    "groups that do not fit": (lambda: grvq(8, 16, 2, 3), UsageError, "8 coordinates.*3 groups"),
    "levels in one number": (lambda: fsq(8), UsageError, "levels: expected the levels of each coordinate"),
    "two symmetric levels in stages": (lambda: rfsq((2, 2), 2), UsageError, "hold a 2, .*use 3 or more"),
    "codes of no power of 2": (lambda: lfq(8, 100), UsageError, "power of 2, one sign a bit, got 100"),
    "one code": (lambda: bsq(8, 1), UsageError, "codebook_size"),
    "scales that shrink": (lambda: multiscale(8, 16, (4, 2)), UsageError, "scales: expected sizes that grow"),
    "no scales": (lambda: multiscale(8, 16, ()), UsageError, "scales"),
    "codewords of another size": (
        lambda: vq(8, 16, learner=Ema(start=torch.zeros(15, 8))),
        DataError,
        "expected 16 codewords",
    ),
    "codewords of another dimension": (lambda: vq(8, 16, learner=Ema(start=torch.zeros(16, 7))), DataError, "8 coordinates"),
    "codewords with NaN": (lambda: vq(8, 16, learner=Ema(start=torch.full((16, 8), torch.nan))), NonFiniteError, "start"),
    "the name of an initialiser": (lambda: vq(8, 16, learner=Gradient(start="kmeans")), UsageError, "start='kmeans'"),
}


@pytest.mark.parametrize("case", PASSES)
def test_bad_input_is_refused(case):
    """Tensors that do not fit get one line that names them."""
    make, error, message = PASSES[case]
    with pytest.raises(error, match=message) as raised:
        make()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("case", CONSTRUCTIONS)
def test_bad_options_are_refused(case):
    """Options that make no sense are refused when the layer is made, not when it is used."""
    make, error, message = CONSTRUCTIONS[case]
    with pytest.raises(error, match=message) as raised:
        make()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("make", [layer, stages, lambda: pq(8, 16, 2, codebook_dim=4), lambda: fsq((5, 5)), lambda: lfq(8)])
def test_minus_one_decodes_to_zeros(make):
    """Where all streams are -1 there is nothing, not even the bias of a projection."""
    made = make()
    streams = (len(made.sizes),) if len(made.sizes) > 1 else ()
    assert not made.decode(torch.full((4, *streams), -1)).any()


def test_streams_may_be_left_out():
    """-1 in some streams of a residual layer leaves out those stages."""
    made = stages().eval()
    made.train()(torch.randn(200, 8, generator=torch.Generator().manual_seed(0)))
    indices = made.encode(torch.ones(3, 8))
    first = made.codebooks[0][indices[:, 0]]
    indices[:, 1:] = -1
    assert made.decode(indices).equal(first)
