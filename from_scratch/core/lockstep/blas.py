"""Matrix products and functions of vectors, called from compiled loops without a detour through Python.

They are the very ones that torch calls where torch's library exports them (MKL's), so that results have torch's bits: its products,
and its tanh and square root, are not NumPy's to the last bit. Elsewhere the products are SciPy's and the functions compiled here.

A library may choose its kernel by where its operands lie: MKL on AMD's processors rounds a product otherwise if one starts off a
16-byte boundary. So whoever asks for a product here brings operands in contiguous memory that starts on a cache line, as a tensor of
its own does: then the numbers alone decide the result.

Two environment variables, read when this is imported, are for tests: FROM_SCRATCH_PRODUCTS=scipy hides torch's library, as where it
exports nothing, and FROM_SCRATCH_ALIGNED=strict counts operands that are not aligned in `misaligned`.
"""

from __future__ import annotations

import ctypes
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

LINE = 64  # bytes of a cache line, on which torch's own tensors start


def aligned(*shape: int) -> np.ndarray:
    """Uninitialised memory in single precision that starts on a cache line."""
    n, line = math.prod(shape), LINE // 4
    memory = np.empty(n + line, np.float32)
    first = -memory.ctypes.data % LINE // 4
    return memory[first : first + n].reshape(shape)


def _torchs_library() -> Any:
    if os.environ.get("FROM_SCRATCH_PRODUCTS") == "scipy":
        return None
    for library in sorted((Path(torch.__file__).parent / "lib").glob("*torch_cpu.*")):
        try:
            return ctypes.CDLL(str(library))
        except OSError:
            continue
    return None


_library = _torchs_library()
_kept: list[Any] = []  # functions made here, so that they stay where they are
misaligned: list[str] = []  # operands that were not aligned, where somebody counts


def _of_torch(name: str) -> int | None:
    """Where a function of torch's library lies in memory; None where the library keeps it to itself, or has another."""
    function = getattr(_library, name, None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value


def _of_each(f: Any) -> int:
    """Where a function of every number, compiled here with MKL's signature, lies in memory."""

    @cfunc(types.void(types.int32, types.CPointer(types.float32), types.CPointer(types.float32), types.int64))
    def run(n: int, x: Any, y: Any, mode: int) -> None:
        for i in range(n):
            y[i] = f(x[i])

    _kept.append(run)
    return run.address


def _count(*addresses: int) -> None:
    misaligned.extend(f"an operand of a product starts {address % LINE} bytes behind a cache line" for address in addresses if address % LINE)


def check_alignment(*operands: torch.Tensor) -> None:
    """Count tensors that do not start on a cache line, where somebody counts."""
    if STRICT and operands[0].device.type == "cpu":
        _count(*(operand.data_ptr() for operand in operands))


def _counting(sgemm: int) -> int:
    """A product that counts operands which do not start on a cache line."""
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)
    inner = kind(sgemm)

    def product(*arguments: int) -> None:
        _count(*(arguments[place] for place in (6, 8, 11)))
        inner(*arguments)

    _kept.append(kind(product))
    return ctypes.cast(_kept[-1], ctypes.c_void_p).value  # type: ignore[return-value]


STRICT = os.environ.get("FROM_SCRATCH_ALIGNED") == "strict"
IS_TORCHS = all(_of_torch(name) for name in ("sgemm_", "vmsTanh", "vmsSqrt"))
SGEMM: int = _of_torch("sgemm_") or get_cython_function_address("scipy.linalg.cython_blas", "sgemm")
SGEMM = _counting(SGEMM) if STRICT else SGEMM
TANH: int = _of_torch("vmsTanh") or _of_each(math.tanh)
SQRT: int = _of_torch("vmsSqrt") or _of_each(math.sqrt)

MODE = 0x2 | 0x140000 | 0x100  # as torch calls them: high accuracy, denormals kept, errors ignored

AS_IT_IS, TRANSPOSED = ord("n"), ord("t")


def _product(typing: Any, sgemm: Any, op_a: Any, op_b: Any, m: Any, n: Any, k: Any, a: Any, lda: Any, b: Any, ldb: Any, beta: Any, c: Any, ldc: Any) -> Any:
    """C ← op(A) op(B) + β C, column by column as Fortran has it: C is m × n, op(A) m × k; a, b and c are addresses."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> Any:
        letter, integer, single = ir.IntType(8), ir.IntType(32), ir.FloatType()
        address = letter.as_pointer()
        forms = [letter, letter, integer, integer, integer, address, integer, address, integer, single, address, integer]

        def passed(value: Any, form: Any) -> Any:
            """Fortran takes everything by reference."""
            if form is address:
                return builder.inttoptr(value, address)
            value = value if form is single else builder.trunc(value, form)
            return builder.bitcast(cgutils.alloca_once_value(builder, value), address)

        arguments = [passed(value, form) for value, form in zip(given[1:], forms, strict=True)]
        arguments.insert(5, passed(ir.Constant(single, 1.0), single))  # α
        builder.call(builder.inttoptr(given[0], ir.FunctionType(ir.VoidType(), [address] * 13).as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 10, types.float32, types.int64, types.int64), generate


def _each(typing: Any, function: Any, n: Any, x: Any, y: Any) -> Any:
    """y = function(x) of n numbers; x and y are addresses and may be the same."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> Any:
        integer, long, address = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()
        call = builder.inttoptr(given[0], ir.FunctionType(ir.VoidType(), [integer, address, address, long]).as_pointer())
        x, y = (builder.inttoptr(given[i], address) for i in (2, 3))
        builder.call(call, [builder.trunc(given[1], integer), x, y, ir.Constant(long, MODE)])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


product: Any = intrinsic(_product)
each: Any = intrinsic(_each)
