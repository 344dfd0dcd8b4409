"""The inner loop of the search, written as vector instructions: a register tile of rows by codewords, minimum fused in.

A compiler given plain loops does not find this shape, and a BLAS call has to write the products to memory before
anybody can take their minimum. Here a tile of `ROW_VECTORS` x lanes rows times `PANEL` codewords lives in registers: one
vector of rows is multiplied by one broadcast coordinate of a codeword at a time, and only the minimum over the panel
leaves. Vector types come from LLVM, which lowers them to AVX-512, AVX2, SSE or NEON, whichever the machine has.

Letters: d width of a (packed) vector, P panels, R rows of a block. Memory: `rows` (d, R), `panels` (P, d, PANEL).
This is the only file that speaks LLVM.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["PANEL", "block_rows", "panel_scores", "scan_panels"]

_FEATURES = llvmlite.binding.get_host_cpu_features()
_VECTOR_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
# 32 vector registers (AVX-512, NEON) hold an 8 x 2 tile of sums; 16 registers hold 4 x 3.
_MANY_REGISTERS = _VECTOR_BYTES == 64 or bool(_FEATURES.get("neon"))  # noqa: PLR2004 - bytes of an AVX-512 register
PANEL, ROW_VECTORS = (8, 2) if _MANY_REGISTERS else (4, 3)

# Independent sums of one score, so that a multiply-add does not wait for the one before it.
_CHAINS = 4

_INT = ir.IntType(64)


def block_rows(itemsize: int) -> int:
    """Return R, the rows of a block, for floats of `itemsize` bytes."""
    return ROW_VECTORS * _VECTOR_BYTES // itemsize


class _Emitter:
    """Short words for the instructions that the kernels below are made of, for one element type."""

    def __init__(self, context: Any, builder: Any, dtype: types.Float, lanes: int) -> None:
        self.context, self.builder, self.lanes, self.size = context, builder, lanes, dtype.bitwidth // 8
        self.scalar = ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()  # noqa: PLR2004 - bits of a float
        self.index = ir.IntType(dtype.bitwidth)
        self.floats, self.indices = ir.VectorType(self.scalar, lanes), ir.VectorType(self.index, lanes)
        name = f"llvm.fmuladd.v{lanes}f{dtype.bitwidth}"
        signature = ir.FunctionType(self.floats, [self.floats] * 3)
        self._fma = cgutils.get_or_insert_function(builder.module, signature, name)

    def pointer(self, array: Any, array_type: types.Array) -> Any:
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        return self.builder.ptrtoint(data, _INT)

    def at(self, base: Any, *terms: Any) -> Any:
        """Address of `base` plus the sum of `terms` elements."""
        for term in terms:
            offset = term if isinstance(term, ir.Value) else ir.Constant(_INT, term)
            base = self.builder.add(base, self.builder.mul(offset, ir.Constant(_INT, self.size)))
        return base

    def load(self, address: Any, kind: Any) -> Any:
        return self.builder.load(self.builder.inttoptr(address, kind.as_pointer()), align=self.size)

    def store(self, value: Any, address: Any) -> None:
        self.builder.store(value, self.builder.inttoptr(address, value.type.as_pointer()), align=self.size)

    def splat(self, value: Any, kind: Any) -> Any:
        empty = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, empty, zeros)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self.builder.call(self._fma, [a, b, c])

    def less(self, a: Any, b: Any) -> Any:
        return self.builder.fcmp_ordered("<", a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.less(a, b), a, b)

    def variable(self, value: Any) -> Any:
        """Return a variable on the stack; LLVM's register promotion turns all of them into registers."""
        slot = cgutils.alloca_once(self.builder, value.type)
        self.builder.store(value, slot)
        return slot


def _tile(emit: _Emitter, rows: Any, panel: Any, bias: Any, width: Any) -> list[list[Any]]:
    """Return the scores bias[k] + sum_t panel[t, k] * rows[t, r], a vector of rows for each (codeword, row vector)."""
    builder = emit.builder
    start = [emit.splat(emit.load(emit.at(bias, k), emit.scalar), emit.floats) for k in range(PANEL)]
    sums = [[emit.variable(value) for _ in range(ROW_VECTORS)] for value in start]
    with cgutils.for_range(builder, width, intp=_INT) as loop:
        t_rows = builder.mul(loop.index, ir.Constant(_INT, ROW_VECTORS * emit.lanes))
        t_panel = builder.mul(loop.index, ir.Constant(_INT, PANEL))
        x = [emit.load(emit.at(rows, t_rows, j * emit.lanes), emit.floats) for j in range(ROW_VECTORS)]
        for k in range(PANEL):
            c = emit.splat(emit.load(emit.at(panel, t_panel, k), emit.scalar), emit.floats)
            for j in range(ROW_VECTORS):
                builder.store(emit.fma(c, x[j], builder.load(sums[k][j])), sums[k][j])
    return [[builder.load(slot) for slot in line] for line in sums]


def _smallest(emit: _Emitter, values: list[Any]) -> Any:
    """Return the lane-wise minimum as a balanced tree, so that the comparisons do not wait for each other."""
    while len(values) > 1:
        values = [emit.minimum(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
    return values[0]


@intrinsic
def scan_panels(_typing: Any, rows: Any, panels: Any, bias: Any, run: Any, best: Any, second: Any, index: Any) -> Any:
    """Update, for each of R rows, the smallest panel minimum, the second smallest, and the number of the best panel.

    Panels run[0] to run[1] - 1 are visited in order; the score of codeword k is bias[k] + sum_t panels[t, k] rows[t].
    """
    signature = types.void(rows, panels, bias, run, best, second, index)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        dtype = sig.args[0].dtype
        emit = _Emitter(context, builder, dtype, _VECTOR_BYTES * 8 // dtype.bitwidth)
        arrays = [place for place, kind in enumerate(sig.args) if isinstance(kind, types.Array)]
        x, c, b, low, next_low, number = (emit.pointer(args[a], sig.args[a]) for a in arrays)
        begin, end = cgutils.unpack_tuple(builder, args[3])
        width = cgutils.unpack_tuple(builder, context.make_array(sig.args[0])(context, builder, args[0]).shape)[0]
        at = [j * emit.lanes for j in range(ROW_VECTORS)]
        lows = [emit.variable(emit.load(emit.at(low, j), emit.floats)) for j in at]
        nexts = [emit.variable(emit.load(emit.at(next_low, j), emit.floats)) for j in at]
        numbers = [emit.variable(emit.load(emit.at(number, j), emit.indices)) for j in at]
        with cgutils.for_range_slice(builder, begin, end, ir.Constant(_INT, 1), intp=_INT) as (panel, _count):
            codeword = builder.mul(panel, ir.Constant(_INT, PANEL))
            scores = _tile(emit, x, emit.at(c, builder.mul(codeword, width)), emit.at(b, codeword), width)
            name = panel if emit.index == _INT else builder.trunc(panel, emit.index)
            name = emit.splat(name, emit.indices)
            for j in range(ROW_VECTORS):
                value, old = _smallest(emit, [line[j] for line in scores]), builder.load(lows[j])
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
def panel_scores(_typing: Any, rows: Any, row: Any, panels: Any, panel: Any, bias: Any, out: Any) -> Any:
    """Write into out[PANEL] the scores of one row of a block against every codeword of one panel."""
    signature = types.void(rows, types.intp, panels, types.intp, bias, out)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        dtype = sig.args[0].dtype
        emit = _Emitter(context, builder, dtype, PANEL)
        x, c = emit.pointer(args[0], sig.args[0]), emit.pointer(args[2], sig.args[2])
        b, target = emit.pointer(args[4], sig.args[4]), emit.pointer(args[5], sig.args[5])
        width = cgutils.unpack_tuple(builder, context.make_array(sig.args[0])(context, builder, args[0]).shape)[0]
        codeword = builder.mul(args[3], ir.Constant(_INT, PANEL))
        base = emit.at(c, builder.mul(codeword, width))
        stride = ir.Constant(_INT, block_rows(emit.size))

        def step(t: Any, total: Any) -> None:
            value = emit.splat(emit.load(emit.at(x, builder.mul(t, stride), args[1]), emit.scalar), emit.floats)
            weights = emit.load(emit.at(base, builder.mul(t, ir.Constant(_INT, PANEL))), emit.floats)
            builder.store(emit.fma(value, weights, builder.load(total)), total)

        zero = emit.splat(ir.Constant(emit.scalar, 0.0), emit.floats)
        totals = [emit.variable(emit.load(emit.at(b, codeword), emit.floats))]
        totals += [emit.variable(zero) for _ in range(_CHAINS - 1)]
        whole = builder.and_(width, ir.Constant(_INT, -_CHAINS))
        with cgutils.for_range_slice(builder, ir.Constant(_INT, 0), whole, ir.Constant(_INT, _CHAINS), intp=_INT) as (
            t,
            _,
        ):
            for chain, total in enumerate(totals):
                step(builder.add(t, ir.Constant(_INT, chain)), total)
        with cgutils.for_range_slice(builder, whole, width, ir.Constant(_INT, 1), intp=_INT) as (t, _):
            step(t, totals[0])
        first, *others = (builder.load(total) for total in totals)
        for other in others:
            first = builder.fadd(first, other)
        emit.store(first, target)
        return context.get_dummy_value()

    return signature, codegen
