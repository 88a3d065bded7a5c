"""Two states whose loops pay (Kakade 2002, "A natural policy gradient", NIPS 14, its simple MDP of two states)."""

from __future__ import annotations

from from_scratch.envs.chains.finite import FiniteMDP

STAY, MOVE = 0, 1


class TwoLoops(FiniteMDP):
    """In each of two states one may stay, which pays 1 in the first and 2 in the second, or move to the other for nothing. It never ends.

    Staying in the second state is best: a reward of 2 a step. A policy that rarely stays there, and so is rarely there, is told by its gradient to
    stay in the first, which leads it farther away. Start: the first state.
    """

    def __init__(self, render_mode: str | None = None):
        table = [[[(1.0, s, float(s + 1), False)], [(1.0, 1 - s, 0.0, False)]] for s in range(2)]
        super().__init__(table, desc=["SG"], render_mode=render_mode)
