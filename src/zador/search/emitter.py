"""Words for vector instructions, and the register tile of rows by codewords that every kernel of `simd.py` is built on.

A tile of `ROW_VECTORS` x lanes rows times `PANEL` codewords lives in registers: one vector of rows is multiplied by one
broadcast coordinate of a codeword at a time. Vector types come from LLVM, which lowers them to AVX-512, AVX2, SSE or
NEON, whichever the machine has.

Letters: d width of a (packed) vector, P panels, R rows of a block. Memory: `rows` (d, R), `panels` (P, d, PANEL).
This file and `simd.py` are the only ones that speak LLVM. Compiled callers are cached by their own file's date: after an
edit here, install again (`make`), or delete `__pycache__`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils

if TYPE_CHECKING:
    from numba import types

__all__ = ["INT", "PANEL", "ROW_VECTORS", "VECTOR_BYTES", "Emitter", "block_rows", "smallest", "tile"]

_FEATURES = llvmlite.binding.get_host_cpu_features()
VECTOR_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
# 32 vector registers (AVX-512, NEON) hold an 8 x 2 tile of sums; 16 registers hold 4 x 3.
_MANY_REGISTERS = VECTOR_BYTES == 64 or bool(_FEATURES.get("neon"))  # noqa: PLR2004 - bytes of an AVX-512 register
PANEL, ROW_VECTORS = (8, 2) if _MANY_REGISTERS else (4, 3)

INT = ir.IntType(64)


def block_rows(itemsize: int) -> int:
    """Return R, the rows of a block, for floats of `itemsize` bytes."""
    return ROW_VECTORS * VECTOR_BYTES // itemsize


class Emitter:
    """Short words for the instructions that kernels are made of, for one element type; `lanes` defaults to a full vector."""

    def __init__(self, context: Any, builder: Any, dtype: types.Float, lanes: int | None = None) -> None:
        lanes = lanes or VECTOR_BYTES * 8 // dtype.bitwidth
        self.context, self.builder, self.lanes, self.size = context, builder, lanes, dtype.bitwidth // 8
        self.scalar = ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()  # noqa: PLR2004 - bits of a float
        self.index = ir.IntType(dtype.bitwidth)
        self.floats, self.indices = ir.VectorType(self.scalar, lanes), ir.VectorType(self.index, lanes)
        name = f"llvm.fmuladd.v{lanes}f{dtype.bitwidth}"
        signature = ir.FunctionType(self.floats, [self.floats] * 3)
        self._fma = cgutils.get_or_insert_function(builder.module, signature, name)

    def pointer(self, array: Any, array_type: types.Array) -> Any:
        """Return the address of the first element."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        return self.builder.ptrtoint(data, INT)

    def at(self, base: Any, *terms: Any) -> Any:
        """Return the address of `base` plus the sum of `terms` elements."""
        for term in terms:
            offset = term if isinstance(term, ir.Value) else ir.Constant(INT, term)
            base = self.builder.add(base, self.builder.mul(offset, ir.Constant(INT, self.size)))
        return base

    def first_axis(self, array: Any, array_type: types.Array) -> Any:
        """Return the length of the first axis."""
        shape = self.context.make_array(array_type)(self.context, self.builder, array).shape
        return cgutils.unpack_tuple(self.builder, shape)[0]

    def load(self, address: Any, kind: Any) -> Any:
        """Return the scalar or vector of type `kind` at `address`."""
        return self.builder.load(self.builder.inttoptr(address, kind.as_pointer()), align=self.size)

    def store(self, value: Any, address: Any) -> None:
        """Write a scalar or vector."""
        self.builder.store(value, self.builder.inttoptr(address, value.type.as_pointer()), align=self.size)

    def splat(self, value: Any, kind: Any) -> Any:
        """Return a vector of type `kind` with `value` in every lane."""
        empty = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, empty, zeros)

    def number(self, value: float) -> Any:
        """Return a constant in every lane."""
        return self.splat(ir.Constant(self.scalar, value), self.floats)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """Return `a b + c`."""
        return self.builder.call(self._fma, [a, b, c])

    def less(self, a: Any, b: Any) -> Any:
        """Return `a < b`, lane by lane; false where either is NaN."""
        return self.builder.fcmp_ordered("<", a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        """Return `a` where it is smaller, else `b`."""
        return self.builder.select(self.less(a, b), a, b)

    def variable(self, value: Any) -> Any:
        """Return a variable on the stack; LLVM's register promotion turns all of them into registers."""
        slot = cgutils.alloca_once(self.builder, value.type)
        self.builder.store(value, slot)
        return slot


def tile(emit: Emitter, rows: Any, panel: Any, bias: Any, width: Any) -> list[list[Any]]:
    """Return the scores bias[k] + sum_t panel[t, k] * rows[t, r], a vector of rows for each (codeword, row vector)."""
    builder = emit.builder
    start = [emit.splat(emit.load(emit.at(bias, k), emit.scalar), emit.floats) for k in range(PANEL)]
    sums = [[emit.variable(value) for _ in range(ROW_VECTORS)] for value in start]
    with cgutils.for_range(builder, width, intp=INT) as loop:
        t_rows = builder.mul(loop.index, ir.Constant(INT, ROW_VECTORS * emit.lanes))
        t_panel = builder.mul(loop.index, ir.Constant(INT, PANEL))
        x = [emit.load(emit.at(rows, t_rows, j * emit.lanes), emit.floats) for j in range(ROW_VECTORS)]
        for k in range(PANEL):
            c = emit.splat(emit.load(emit.at(panel, t_panel, k), emit.scalar), emit.floats)
            for j in range(ROW_VECTORS):
                builder.store(emit.fma(c, x[j], builder.load(sums[k][j])), sums[k][j])
    return [[builder.load(slot) for slot in line] for line in sums]


def smallest(emit: Emitter, values: list[Any]) -> Any:
    """Return the lane-wise minimum as a balanced tree, so that the comparisons do not wait for each other."""
    while len(values) > 1:
        values = [emit.minimum(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
    return values[0]
