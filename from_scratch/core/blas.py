"""Matrix products without a detour through Python: BLAS's `sgemm`, called from compiled loops.

It is the one that torch itself calls where torch's library exports it (MKL), so that a product has torch's bits; SciPy's otherwise.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import torch
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic


def _of_torch() -> int | None:
    """Where torch's sgemm lies in memory; None where its library keeps it to itself, or has another."""
    for library in sorted((Path(torch.__file__).parent / "lib").glob("*torch_cpu.*")):
        try:
            return ctypes.cast(ctypes.CDLL(str(library)).sgemm_, ctypes.c_void_p).value
        except (OSError, AttributeError):
            continue
    return None


OF_TORCH = _of_torch()
SGEMM: int = OF_TORCH or get_cython_function_address("scipy.linalg.cython_blas", "sgemm")

AS_IT_IS, TRANSPOSED = ord("n"), ord("t")

_ARGUMENTS = (*[types.int64] * 10, types.float32, types.int64, types.int64)


def _product(typing: Any, sgemm: Any, op_a: Any, op_b: Any, m: Any, n: Any, k: Any, a: Any, lda: Any, b: Any, ldb: Any, beta: Any, c: Any, ldc: Any) -> Any:
    """C ← op(A) op(B) + β C, column by column as Fortran has it: C is m × n, op(A) m × k; a, b and c are addresses."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> Any:
        letter, integer, single = ir.IntType(8), ir.IntType(32), ir.FloatType()
        address = letter.as_pointer()
        forms = [None, letter, letter, integer, integer, integer, address, integer, address, integer, single, address, integer]

        def passed(value: Any, form: Any) -> Any:
            """Fortran takes everything by reference."""
            if form is address:
                return builder.inttoptr(value, address)
            value = value if form is single else builder.trunc(value, form)
            return builder.bitcast(cgutils.alloca_once_value(builder, value), address)

        arguments = [passed(value, form) for value, form in zip(given[1:], forms[1:], strict=True)]
        arguments.insert(5, passed(ir.Constant(single, 1.0), single))  # α
        builder.call(builder.inttoptr(given[0], ir.FunctionType(ir.VoidType(), [address] * 13).as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(*_ARGUMENTS), generate


product: Any = intrinsic(_product)
