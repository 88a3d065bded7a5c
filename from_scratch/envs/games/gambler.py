"""The gambler's problem (Sutton & Barto 2018, Example 4.3)."""

from __future__ import annotations

from from_scratch.envs.chains.finite import FiniteMDP

GOAL = 100


class Gambler(FiniteMDP):
    """Stakes 1, 2, … 50 (action a stakes a + 1) on a coin that comes up heads with probability `p_heads`: the stake is won or lost.

    The state is the capital; 0 and 100 end the episode, 100 pays 1, so that V(s) at γ = 1 is the chance to get there. Nobody stakes more
    than they have or need: larger stakes count as the largest sensible one. The book also has a stake of nothing, which changes no value.
    An episode begins with any capital from 1 to 99, or with `capital`.
    """

    def __init__(self, p_heads: float = 0.4, capital: int | None = None, render_mode: str | None = None):
        if not 0 < p_heads < 1:
            raise ValueError(f"p_heads={p_heads}: a probability between 0 and 1, neither of them.")
        if capital is not None and not 0 < capital < GOAL:
            raise ValueError(f"capital={capital}: a game begins with 1 to {GOAL - 1}.")
        over = [(1.0, 0, 0.0, True)]
        table = [[over] * (GOAL // 2) for _ in range(GOAL + 1)]
        for s in range(1, GOAL):
            for a in range(GOAL // 2):
                stake = min(a + 1, s, GOAL - s)
                won, lost = s + stake, s - stake
                table[s][a] = [(p_heads, won, float(won == GOAL), won == GOAL), (1 - p_heads, lost, 0.0, lost == 0)]
        begin = [float(0 < s < GOAL if capital is None else s == capital) for s in range(GOAL + 1)]
        super().__init__(table, [weight / sum(begin) for weight in begin], render_mode=render_mode)
