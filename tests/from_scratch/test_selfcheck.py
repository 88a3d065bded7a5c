"""The self-check says yes where bits are equal, no where they are not, and disturbs nobody."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from from_scratch.core.lockstep import blas, kernels, selfcheck

pytestmark = [pytest.mark.numerical, pytest.mark.bits]


@pytest.fixture
def anew():
    selfcheck.equalities.cache_clear()
    yield
    selfcheck.equalities.cache_clear()


def test_each_part_is_judged_and_nobodys_random_numbers_are_drawn(anew):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    found = selfcheck.equalities()
    assert set(selfcheck.PARTS) < set(found) and {type(answer) for answer in found.values()} == {bool}
    assert torch.equal(before[0], torch.get_rng_state()) and np.array_equal(before[1], np.random.get_state()[1])


@pytest.mark.parametrize(("part", "kernel"), [("products", "mlp"), ("sums", "row_sums"), ("norms", "norm"), ("tanh", "pull_tanh"), ("optimisers", "adam")])
def test_a_kernel_whose_last_bit_differs_is_seen(anew, monkeypatch, part, kernel):
    exact = getattr(kernels, kernel)

    def off(*arguments):
        result = exact(*arguments)
        written = {"mlp": 5, "row_sums": 1, "pull_tanh": 2, "adam": 1}.get(kernel)
        if written is None:
            return np.nextafter(np.float32(result), np.float32(np.inf))
        np.nextafter(arguments[written], np.float32(np.inf), out=arguments[written])
        return result

    monkeypatch.setattr(kernels, kernel, off)
    assert selfcheck.equalities()[part] is False and not selfcheck.follows_torch()


def test_functions_of_another_library_are_seen(anew, monkeypatch):
    monkeypatch.setattr(blas, "TANH", blas.SQRT)
    assert not selfcheck.equalities()["tanh"]


def said_by_a_process(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_torchs_library_can_be_hidden():
    code = "from from_scratch.core.lockstep import blas; print(blas.IS_TORCHS)"
    assert said_by_a_process(code, FROM_SCRATCH_PRODUCTS="scipy") == "False"


def test_operands_off_a_cache_line_are_counted_where_it_is_asked():
    code = """
import torch
from from_scratch.core.lockstep import blas, mlp
x, w, b = torch.zeros(2, 3, 5), torch.zeros(2, 4, 5), torch.zeros(2, 4)  # the second w starts 80 bytes behind the first
mlp.affine(x, w, b)
print(len(blas.misaligned), blas.misaligned[0])
"""
    assert said_by_a_process(code, FROM_SCRATCH_ALIGNED="strict") == "1 an operand of a product starts 16 bytes behind a cache line"
    assert said_by_a_process(code.replace(", blas.misaligned[0]", ""), FROM_SCRATCH_ALIGNED="") == "0"
