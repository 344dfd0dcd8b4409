"""The kernels: inner loops of search and seeding, written as vector instructions.

A compiler given plain loops does not find the register tile of `emitter.py`, and a BLAS call has to write the products
to memory before anybody can take their minimum; here only the minimum over a panel leaves the registers.

Letters: d width of a (packed) vector, P panels, R rows of a block. Memory: blocks (d, R), panels (P, d, PANEL).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from zador.search.emitter import INT, PANEL, ROW_VECTORS, Emitter, block_rows, smallest, tile

__all__ = ["CANCELLED", "PANEL", "block_rows", "centre_panel", "lower_distances", "panel_scores", "scan_panels"]

# Independent sums of one score, so that a multiply-add does not wait for the one before it.
_CHAINS = 4
CANCELLED = 1e-4


@intrinsic
def scan_panels(_typing: Any, rows: Any, panels: Any, bias: Any, run: Any, best: Any, second: Any, index: Any) -> Any:
    """Update, for each of R rows, the smallest panel minimum, the second smallest, and the number of the best panel.

    Panels run[0] to run[1] - 1 are visited in order; the score of codeword k is bias[k] + sum_t panels[t, k] rows[t].
    """
    signature = types.void(rows, panels, bias, run, best, second, index)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        emit = Emitter(context, builder, sig.args[0].dtype)
        arrays = [place for place, kind in enumerate(sig.args) if isinstance(kind, types.Array)]
        x, c, b, low, next_low, number = (emit.pointer(args[a], sig.args[a]) for a in arrays)
        begin, end = cgutils.unpack_tuple(builder, args[3])
        width = emit.first_axis(args[0], sig.args[0])
        at = [j * emit.lanes for j in range(ROW_VECTORS)]
        lows = [emit.variable(emit.load(emit.at(low, j), emit.floats)) for j in at]
        nexts = [emit.variable(emit.load(emit.at(next_low, j), emit.floats)) for j in at]
        numbers = [emit.variable(emit.load(emit.at(number, j), emit.indices)) for j in at]
        with cgutils.for_range_slice(builder, begin, end, ir.Constant(INT, 1), intp=INT) as (panel, _count):
            codeword = builder.mul(panel, ir.Constant(INT, PANEL))
            scores = tile(emit, x, emit.at(c, builder.mul(codeword, width)), emit.at(b, codeword), width)
            name = panel if emit.index == INT else builder.trunc(panel, emit.index)
            name = emit.splat(name, emit.indices)
            for j in range(ROW_VECTORS):
                value, old = smallest(emit, [line[j] for line in scores]), builder.load(lows[j])
                better = emit.less(value, old)
                loser = builder.select(better, old, value)
                builder.store(emit.minimum(loser, builder.load(nexts[j])), nexts[j])
                builder.store(builder.select(better, value, old), lows[j])
                builder.store(builder.select(better, name, builder.load(numbers[j])), numbers[j])
        for j, slot_low, slot_next, slot_number in zip(at, lows, nexts, numbers, strict=True):
            emit.store(builder.load(slot_low), emit.at(low, j))
            emit.store(builder.load(slot_next), emit.at(next_low, j))
            emit.store(builder.load(slot_number), emit.at(number, j))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def lower_distances(_typing: Any, rows: Any, panel: Any, bias: Any, norms: Any, closest: Any, out: Any) -> Any:
    """Write out (PANEL, R) = max(0, min(closest, score + norms)) for a block (d, R) and a panel (d, PANEL).

    Return how many `score + norms`, differences of squares, are less than `CANCELLED` of the squares: mostly rounding.
    """
    signature = types.intp(rows, panel, bias, norms, closest, out)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        emit = Emitter(context, builder, sig.args[0].dtype)
        x, c, b, n, old, target = (emit.pointer(a, t) for a, t in zip(args, sig.args, strict=True))
        scores = tile(emit, x, c, b, emit.first_axis(args[0], sig.args[0]))
        doubts = ir.Constant(emit.indices, [0] * emit.lanes)
        for k in range(PANEL):
            length = emit.splat(emit.load(emit.at(b, k), emit.scalar), emit.floats)
            for j in range(ROW_VECTORS):
                norm = emit.load(emit.at(n, j * emit.lanes), emit.floats)
                squared = builder.fadd(scores[k][j], norm)
                mostly_rounding = emit.less(squared, builder.fmul(emit.number(CANCELLED), builder.fadd(length, norm)))
                doubts = builder.or_(doubts, builder.zext(mostly_rounding, emit.indices))
                lowest = emit.minimum(squared, emit.load(emit.at(old, j * emit.lanes), emit.floats))
                lowest = builder.select(emit.less(emit.number(0.0), lowest), lowest, emit.number(0.0))
                emit.store(lowest, emit.at(target, (k * ROW_VECTORS + j) * emit.lanes))
        total = ir.FunctionType(emit.index, [emit.indices])
        name = f"llvm.vector.reduce.add.v{emit.lanes}i{emit.index.width}"
        count = builder.call(cgutils.get_or_insert_function(builder.module, total, name), [doubts])
        return count if emit.index == INT else builder.zext(count, INT)

    return signature, codegen


@intrinsic
def centre_panel(_typing: Any, codewords: Any, centre: Any, panel: Any, bias: Any) -> Any:
    """Write panel = -2 (c - centre), bias = ||c - centre||² for float64 codewords (d, PANEL) and a centre (d,)."""
    signature = types.void(codewords, centre, panel, bias)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        wide, emit = (Emitter(context, builder, sig.args[a].dtype, PANEL) for a in (0, 2))
        c, m = wide.pointer(args[0], sig.args[0]), wide.pointer(args[1], sig.args[1])
        target, b = emit.pointer(args[2], sig.args[2]), emit.pointer(args[3], sig.args[3])
        squared = emit.variable(emit.number(0.0))
        with cgutils.for_range(builder, emit.first_axis(args[0], sig.args[0]), intp=INT) as loop:
            place = builder.mul(loop.index, ir.Constant(INT, PANEL))
            middle = wide.splat(wide.load(wide.at(m, loop.index), wide.scalar), wide.floats)
            difference = builder.fsub(wide.load(wide.at(c, place), wide.floats), middle)
            difference = builder.fptrunc(difference, emit.floats)
            emit.store(builder.fmul(emit.number(-2.0), difference), emit.at(target, place))
            builder.store(emit.fma(difference, difference, builder.load(squared)), squared)
        emit.store(builder.load(squared), b)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def panel_scores(_typing: Any, rows: Any, row: Any, panels: Any, panel: Any, bias: Any, out: Any) -> Any:
    """Write into out[PANEL] the scores of one row of a block against every codeword of one panel."""
    signature = types.void(rows, types.intp, panels, types.intp, bias, out)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        emit = Emitter(context, builder, sig.args[0].dtype, PANEL)
        x, c = emit.pointer(args[0], sig.args[0]), emit.pointer(args[2], sig.args[2])
        b, target = emit.pointer(args[4], sig.args[4]), emit.pointer(args[5], sig.args[5])
        width = emit.first_axis(args[0], sig.args[0])
        codeword = builder.mul(args[3], ir.Constant(INT, PANEL))
        base = emit.at(c, builder.mul(codeword, width))
        stride = ir.Constant(INT, block_rows(emit.size))

        def step(t: Any, total: Any) -> None:
            value = emit.splat(emit.load(emit.at(x, builder.mul(t, stride), args[1]), emit.scalar), emit.floats)
            weights = emit.load(emit.at(base, builder.mul(t, ir.Constant(INT, PANEL))), emit.floats)
            builder.store(emit.fma(value, weights, builder.load(total)), total)

        totals = [emit.variable(emit.load(emit.at(b, codeword), emit.floats))]
        totals += [emit.variable(emit.number(0.0)) for _ in range(_CHAINS - 1)]
        whole = builder.and_(width, ir.Constant(INT, -_CHAINS))
        with cgutils.for_range_slice(builder, ir.Constant(INT, 0), whole, ir.Constant(INT, _CHAINS), intp=INT) as (
            t,
            _,
        ):
            for chain, total in enumerate(totals):
                step(builder.add(t, ir.Constant(INT, chain)), total)
        with cgutils.for_range_slice(builder, whole, width, ir.Constant(INT, 1), intp=INT) as (t, _):
            step(t, totals[0])
        first, *others = (builder.load(total) for total in totals)
        for other in others:
            first = builder.fadd(first, other)
        emit.store(first, target)
        return context.get_dummy_value()

    return signature, codegen
