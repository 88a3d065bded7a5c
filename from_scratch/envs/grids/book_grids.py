"""Grids on which Sutton & Barto (2018) show what values are, and what exploring costs."""

from __future__ import annotations

from from_scratch.envs.chains.finite import Outcome
from from_scratch.envs.grids.gridworld import GridWorld

JUMPS = {"A": ("a", 10.0), "B": ("b", 5.0)}  # letter: where every action leads from there, and what it pays


class JumpGrid(GridWorld):
    """Example 3.5: from A every action leads to A′ and pays 10, from B to B′ and 5; a step against the edge costs 1, all others nothing.

    It never ends. `from_scratch/JumpGrid-v0` begins anywhere, and is cut after 100 steps.
    """

    def __init__(self, render_mode: str | None = None):
        super().__init__(desc=[".A.B.", ".....", "...b.", ".....", ".a..."], terminal="", starts=".AaBb", render_mode=render_mode)

    def outcomes(self, s: int, a: int) -> list[Outcome]:
        if self.letters[s] in JUMPS:
            target, reward = JUMPS[self.letters[s]]
            return [(1.0, self.letters.index(target), reward, False)]
        s_next, _, _ = self.move(s, a)
        return [(1.0, s_next, -1.0 if s_next == s else 0.0, False)]


class CornerGrid(GridWorld):
    """Example 4.1: 4 × 4 cells, every step costs 1, and two opposite corners are the end. An episode begins in any other cell."""

    def __init__(self, render_mode: str | None = None):
        super().__init__(desc=["GSSS", "SSSS", "SSSS", "SSSG"], step_reward=-1.0, rewards={"G": 0.0}, render_mode=render_mode)


class CliffWalk(GridWorld):
    """The cliff of Example 6.6: every step costs 1; a step off the edge (C) costs 100 and leads back to the start, and the episode goes on.

    Gymnasium's CliffWalking-v1 in our order of actions; with `slip` steps go astray to either side, as in every GridWorld.
    """

    def __init__(self, slip: float = 0.0, render_mode: str | None = None):
        desc = [*["." * 12] * 3, "S" + "C" * 10 + "G"]
        super().__init__(desc=desc, slip=slip, step_reward=-1.0, rewards={"G": 0.0, "C": -99.0}, render_mode=render_mode)

    def move(self, s: int, way: int) -> tuple[int, float, bool]:
        s_next, reward, terminated = super().move(s, way)
        return (self.letters.index("S") if self.letters[s_next] == "C" else s_next), reward, terminated
