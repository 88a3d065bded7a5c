"""One state whose importance-sampled returns have infinite variance (Sutton & Barto 2018, Example 5.5), as from_scratch/InfiniteVariance-v0.

    right   ends for nothing
    left    with probability 0.9 back to the same state for nothing, with 0.1 the end and a reward of 1

Always left is worth 1 at γ = 1. Under a behaviour that goes either way with ½, a return of 1 after n steps left has the ratio 2ⁿ, and
E[ratio² · G²] = 0.1 Σ_n 0.9ⁿ 2ⁿ · 2 diverges.
"""

from __future__ import annotations

from from_scratch.envs.chains.finite import FiniteMDP

LEFT, RIGHT = 0, 1


class InfiniteVariance(FiniteMDP):
    def __init__(self, render_mode: str | None = None):
        super().__init__([[[(0.9, 0, 0.0, False), (0.1, 0, 1.0, True)], [(1.0, 0, 0.0, True)]]], render_mode=render_mode)
