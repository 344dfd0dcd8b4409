"""Screens: which of many base vectors could be among the k nearest, in single precision and sixteen pairs at a time.

A screen compares a lower end of a score with the most that it may be, and answers with bits; it never writes a score. Who
passes is computed in double precision. What cannot be compared (NaN, from an overflow) passes too. Speaks LLVM through the
words of `search/emitter.py`, as `search/simd.py` does.

Letters: B base vectors, S streams, d coordinates. Floats are float32 where nothing else is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from zador.search.emitter import INT, PANEL, ROW_VECTORS, Emitter, block_rows, tile

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BLOCK", "LANES", "LINE", "PANEL", "ROW_VECTORS", "add_squares", "screen_codes", "screen_vectors"]

# Queries of a block of vectors, and of each of its vector registers.
BLOCK = block_rows(4)
LANES = BLOCK // ROW_VECTORS
# Queries whose tables lie side by side: with float32 entries a line of the cache.
LINE = 16
_INT32_BYTES = 4


@intrinsic
def screen_vectors(_typing: Any, rows: Any, panel: Any, bias: Any, limits: Any, hits: Any) -> Any:
    """Write hits (PANEL, ROW_VECTORS) int32: bit l is set unless `bias[k] + Σ_t panel[t, k] rows[t, r] > limits[r]`.

    Here r = j * LANES + l for hits[k, j]; rows is (d, BLOCK), panel (d, PANEL), bias (PANEL,), limits (BLOCK,).
    """
    signature = types.void(rows, panel, bias, limits, hits)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        emit = Emitter(context, builder, sig.args[0].dtype)
        x, c, b, most, out = (emit.pointer(value, kind) for value, kind in zip(args, sig.args, strict=True))
        scores = tile(emit, x, c, b, emit.first_axis(args[0], sig.args[0]))
        ceilings = [emit.load(emit.at(most, j * emit.lanes), emit.floats) for j in range(ROW_VECTORS)]
        for k in range(PANEL):
            for j in range(ROW_VECTORS):
                bits = _bits(emit, scores[k][j], ceilings[j])
                emit.store(bits, emit.at(out, k * ROW_VECTORS + j))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def screen_codes(_typing: Any, codes: Any, table: Any, bias: Any, limits: Any, hits: Any) -> Any:
    """Write hits (B,) int32: bit l of hits[b] is set unless `bias[b] + Σ_s table[codes[b, s], l] > limits[l]`.

    Codes (B, S) int32 are rows of table (ΣK, LINE): all streams have one table, and start where the one before ends.
    """
    signature = types.void(codes, table, bias, limits, hits)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        emit = Emitter(context, builder, sig.args[1].dtype, LINE)
        c, t, b, most, out = (emit.pointer(value, kind) for value, kind in zip(args, sig.args, strict=True))
        ceiling = emit.load(most, emit.floats)
        for row, first, streams in _rows(emit, args[0], sig.args[0]):
            start = emit.splat(emit.load(emit.at(b, row), emit.scalar), emit.floats)
            total = _sum_of_lines(emit, c, t, (first, streams), start)
            emit.store(_bits(emit, total, ceiling), emit.at(out, row))  # an int32 is as wide as a float32
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def add_squares(_typing: Any, codes: Any, table: Any, squares: Any) -> Any:
    """Add to squares (B, LINE) float64 `(Σ_s table[codes[b, s], l])²`; codes as for `screen_codes`, table in float64."""
    signature = types.void(codes, table, squares)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        emit = Emitter(context, builder, sig.args[1].dtype, LINE)
        c, t, out = (emit.pointer(value, kind) for value, kind in zip(args, sig.args, strict=True))
        for row, first, streams in _rows(emit, args[0], sig.args[0]):
            total = _sum_of_lines(emit, c, t, (first, streams), emit.number(0.0))
            place = emit.at(out, builder.mul(row, ir.Constant(INT, LINE)))
            emit.store(emit.fma(total, total, emit.load(place, emit.floats)), place)
        return context.get_dummy_value()

    return signature, codegen


def _rows(emit: Emitter, codes: Any, kind: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Emit a loop over the rows of codes (B, S): the row, where its codes begin, and S."""
    array = emit.context.make_array(kind)(emit.context, emit.builder, codes)
    count, streams = cgutils.unpack_tuple(emit.builder, array.shape)
    with cgutils.for_range(emit.builder, count, intp=INT) as loop:
        yield loop.index, emit.builder.mul(loop.index, streams), streams


def _sum_of_lines(emit: Emitter, codes: Any, table: Any, place: tuple[Any, Any], start: Any) -> Any:
    """Return `start` plus the lines of the table that the codes of one row name."""
    first, streams = place
    builder, total = emit.builder, emit.variable(start)
    with cgutils.for_range(builder, streams, intp=INT) as stream:
        offset = builder.mul(builder.add(first, stream.index), ir.Constant(INT, _INT32_BYTES))
        code = builder.zext(emit.load(builder.add(codes, offset), ir.IntType(8 * _INT32_BYTES)), INT)
        line = emit.load(emit.at(table, builder.mul(code, ir.Constant(INT, LINE))), emit.floats)
        builder.store(builder.fadd(builder.load(total), line), total)
    return builder.load(total)


def _bits(emit: Emitter, values: Any, ceilings: Any) -> Any:
    """Return an int32 with a bit for every lane in which `values > ceilings` does not hold."""
    within = emit.builder.fcmp_unordered("<=", values, ceilings)
    return emit.builder.zext(emit.builder.bitcast(within, ir.IntType(emit.lanes)), ir.IntType(32))
