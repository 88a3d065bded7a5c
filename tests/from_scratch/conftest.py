"""With FROM_SCRATCH_ALIGNED=strict, no test may multiply operands that do not start on a cache line."""

import signal

import pytest
import torch

from from_scratch.core.lockstep import blas


@pytest.fixture(autouse=blas.STRICT)
def every_operand_is_aligned():
    blas.misaligned.clear()
    yield
    assert not blas.misaligned, f"{len(blas.misaligned)} operands, the first: {blas.misaligned[0]}"


@pytest.fixture(autouse=True)
def distributions_check_their_parameters(monkeypatch):
    """torch switches that off for good with a process's first compile()."""
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)


@pytest.fixture
def ctrl_c():
    """Ctrl-C interrupts, as at a terminal; a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
