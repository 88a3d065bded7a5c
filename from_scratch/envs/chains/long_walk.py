"""The long random walk of Sutton & Barto 2018, Example 9.1."""

from __future__ import annotations

from from_scratch.envs.chains.finite import FiniteMDP, Outcome

LEFT, RIGHT = 0, 1


class LongWalk(FiniteMDP):
    """`n` states in a row, walked from the middle. An action says to which side, chance how far: 1 … `jump` states, all alike.

    Whoever leaves at the left end is paid −1, at the right end 1, and the episode ends. The book's walk is that of the uniformly random
    policy; its states 1 … 1000 are 0 … 999 here.
    """

    def __init__(self, n: int = 1000, jump: int = 100, render_mode: str | None = None):
        if n < 1 or jump < 1:
            raise ValueError(f"n={n}, jump={jump}: both count states, from 1 on.")

        def walk(s: int, side: int) -> list[Outcome]:
            inside = [s + side * j for j in range(1, jump + 1) if 0 <= s + side * j < n]
            outcomes: list[Outcome] = [(1 / jump, s_next, 0.0, False) for s_next in inside]
            beyond = jump - len(inside)
            return outcomes + ([(beyond / jump, s, float(side), True)] if beyond else [])

        start = [0.0] * n
        start[(n - 1) // 2] = 1.0
        super().__init__([[walk(s, -1), walk(s, 1)] for s in range(n)], start, render_mode=render_mode)
