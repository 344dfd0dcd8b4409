"""The methods that `zador compare` sets side by side, and at which rates each can be had."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks import (
    Codebook,
    FromData,
    Initialiser,
    KMeansPlusPlus,
    Lloyd,
    LloydMaxGrid,
    RateDistortion,
    Uniform,
    ZadorDensity,
)
from zador.codebooks.fit import distinct_rows
from zador.errors import UsageError
from zador.quantizers import (
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
)
from zador.studies.comparison.method import Method, Room
from zador.studies.comparison.trained import TRAINED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers import Quantizer

__all__ = ["CODEBOOKS", "METHODS", "STRUCTURED", "largest_table", "split_bits", "table"]

_MOST_TABLE_BITS = 16
_MOST_STREAM_BITS = 8
_MOST_CONSTRAINED_BITS = 10
_MOST_BITS_A_COORDINATE = 12


def largest_table(bits: int) -> int:
    """Return the codewords of the largest single table that any method fits at `bits`, or at its parts."""
    return int(2 ** min(bits, _MOST_TABLE_BITS))


def split_bits(bits: int, room: Room) -> tuple[int, ...] | None:
    """Return the alphabets of streams of at most 8 bits, at least two streams, whose bits add up to `bits`; None if none do.

    >>> split_bits(64, Room(distinct=1000, dim=128)), split_bits(11, Room(distinct=1000, dim=128))
    ((256, 256, 256, 256, 256, 256, 256, 256), (64, 32))
    """
    most = min(_MOST_STREAM_BITS, room.distinct.bit_length() - 1)
    if bits < 2 or most < 1:  # noqa: PLR2004 - two streams of one bit
        return None
    streams = max(2, -(-bits // most))
    least, longer = divmod(bits, streams)
    return (2 ** (least + 1),) * longer + (2**least,) * (streams - longer)


def table(name: str, start: Initialiser, learner: Lloyd) -> Method:
    """Return the method of one table of `2 ** bits` codewords that begins at `start` and moves by `learner`."""

    def fit(x: NDArray[Any], bits: int, seed: int, /) -> Quantizer:
        first = np.asarray(start(x, 2**bits, np.random.default_rng(seed)), x.dtype)
        result = learner.fit(x, first)
        return VectorQuantizer.of(Codebook(result.codewords, result.usage))

    return Method(name, fit, _has_codewords)


def _has_codewords(bits: int, room: Room, /) -> bool:
    return bits <= _MOST_TABLE_BITS and 2**bits <= room.distinct


def _splits(bits: int, room: Room, /) -> bool:
    return split_bits(bits, room) is not None


def _splits_into_slices(bits: int, room: Room, /) -> bool:
    sizes = split_bits(bits, room)
    return sizes is not None and len(sizes) <= room.dim


def _can_be_constrained(bits: int, room: Room, /) -> bool:
    return bits <= _MOST_CONSTRAINED_BITS and 2 ** (bits + 1) <= room.distinct


def _fits_the_axes(bits: int, room: Room, /) -> bool:
    return bits <= _MOST_BITS_A_COORDINATE * room.dim


def _has_blocks_of_eight(bits: int, room: Room, /) -> bool:
    return room.dim >= E8.dim and _fits_the_axes(bits, room)


def _product(rotation: Rotation | None, x: NDArray[Any], bits: int, seed: int, /) -> Quantizer:
    sizes = _sizes(x, bits)
    return fit_product(x, slices=len(sizes), codebook_size=sizes, rotation=rotation, seed=seed)


def _residual(beam: int, x: NDArray[Any], bits: int, seed: int, /) -> Quantizer:
    sizes = _sizes(x, bits)
    return fit_residual(x, stages=len(sizes), codebook_size=sizes, beam=beam, seed=seed)


def _sizes(x: NDArray[Any], bits: int) -> tuple[int, ...]:
    sizes = split_bits(bits, Room(distinct_rows(x, 2**_MOST_STREAM_BITS), x.shape[1]))
    if sizes is None:
        raise UsageError(f"{bits} bits do not split into streams of one bit or more; ask for at least 2")
    return sizes


CODEBOOKS = (
    table("uniform + Lloyd", Uniform(), Lloyd()),
    table("from data + Lloyd", FromData(), Lloyd()),
    table("k-means++ + Lloyd", KMeansPlusPlus(), Lloyd()),
    table("R(D) law + Lloyd", RateDistortion(), Lloyd()),
    table("Zador density + Lloyd", ZadorDensity(), Lloyd()),
    table("Lloyd–Max grid + Lloyd", LloydMaxGrid(), Lloyd()),
)
"""One table of 2^bits codewords each: they differ in how it starts."""

STRUCTURED = (
    Method("product", partial(_product, None), _splits_into_slices),
    Method("product, learned axes", partial(_product, Rotation()), _splits_into_slices),
    Method("residual, greedy", partial(_residual, 1), _splits),
    Method("residual, beam 5", partial(_residual, 5), _splits),
    Method("scalar Lloyd–Max, PCA", lambda x, bits, _seed, /: fit_transform_coding(x, bits=bits), _fits_the_axes),
    Method("random R(D) codebook", lambda x, bits, seed, /: fit_random(x, bits=bits, seed=seed), _fits_the_axes),
    Method(
        "entropy-constrained VQ",
        lambda x, bits, seed, /: fit_entropy_constrained(x, bits=bits, seed=seed),
        _can_be_constrained,
        entropy_coded=True,
    ),
    Method(
        "lattice Z, coded",
        lambda x, bits, _seed, /: fit_lattice(x, bits=bits, lattice=Z),
        _fits_the_axes,
        entropy_coded=True,
    ),
    Method(
        "lattice E8, coded",
        lambda x, bits, _seed, /: fit_lattice(x, bits=bits, lattice=E8),
        _has_blocks_of_eight,
        entropy_coded=True,
    ),
)
"""Codewords without one table: slices, stages, axes, lattices; and rates that only an entropy coder reaches."""

METHODS = CODEBOOKS + TRAINED + STRUCTURED
