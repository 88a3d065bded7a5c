"""Many seeds in lock-step, with torch's bits: the one door to this room. Whoever trusts it as others trust torch may stop reading here.

The weights of S networks are rows of one block, and one optimiser steps them all (rows.py, optimiser.py); modules and optimizers stay ordinary
objects, whose memory this is. An equation, a method marked `@per_seed`, is pure per seed: data [S, M, ...] in, one number per seed out. It may
run in three ways, and gives the same numbers in each:

    as a program     (programs.py, arrays.py)   evaluated once with Arrays, which write down every call of NumPy, forwards and backwards; from
                                                then on the calls alone are repeated. For plain MLPs in single precision on the CPU.
    on a tape        (rows.py, mlp.py)          with tensors; what the stacked MLPs compute is differentiated by hand, the rest by autograd.
    through modules  (rows.py: OwnMemory)       by autograd alone, seed after seed, as torch does it: for everything else.

docs/lockstep.md says who chooses, what an equation may read, and shows one at work. The other files hold what these stand on: compiled loops
(kernels.py), torch's own matrix products (blas.py), and a check of whose bits this machine has (selfcheck.py).
"""

from from_scratch.core.lockstep.arrays import Array, Program, Unknown
from from_scratch.core.lockstep.layers import Layers
from from_scratch.core.lockstep.lstm import StackedLSTM, is_plain_lstm
from from_scratch.core.lockstep.mlp import StackedMLP, in_own_memory, is_plain_mlp, stack
from from_scratch.core.lockstep.optimiser import RowOptimizer, optimiser_of
from from_scratch.core.lockstep.programs import ArrayRows, eager
from from_scratch.core.lockstep.rows import OwnMemory, Rows, is_far, per_seed, spans_of

__all__ = [
    "Array", "ArrayRows", "Layers", "OwnMemory", "Program", "RowOptimizer", "Rows", "StackedLSTM", "StackedMLP", "Unknown", "eager", "in_own_memory",
    "is_far", "is_plain_lstm", "is_plain_mlp", "optimiser_of", "per_seed", "spans_of", "stack",
]  # fmt: skip
