"""With FROM_SCRATCH_ALIGNED=strict, no test may multiply operands that do not start on a cache line."""

import pytest

from from_scratch.core.lockstep import blas


@pytest.fixture(autouse=blas.STRICT)
def every_operand_is_aligned():
    blas.misaligned.clear()
    yield
    assert not blas.misaligned, f"{len(blas.misaligned)} operands, the first: {blas.misaligned[0]}"
