"""A grid whose rewards are shaped (Ng, Harada & Russell 1999): by a potential, which leaves the best policies what they are, or by a bonus, which need not."""

from __future__ import annotations

from from_scratch.envs.chains.finite import Outcome
from from_scratch.envs.grids.gridworld import GridWorld


class ShapedGrid(GridWorld):
    """`size` × `size` cells from one corner to the opposite one; every step costs 1, the last one too, and the goal is the end.

    To the reward of a step from s to s′ is added F(s, s′) = γΦ(s′) − Φ(s), with Φ(s) = −`potential` d(s) / (1 − slip) for a distance of d(s) steps to the goal,
    and `progress` if s′ is nearer to the goal than s: of Randløv & Alstrøm's (1998) bicycle, which learnt to ride in circles. `gamma` is the learner's γ.
    `plain` is the same grid without either, in which policies are judged.
    """

    def __init__(
        self, size: int = 10, slip: float = 0.2, potential: float = 0.0, progress: float = 0.0, gamma: float = 0.99, render_mode: str | None = None
    ):
        if size < 2:
            raise ValueError(f"size={size}: a start and a goal need a grid of at least 2 × 2 cells.")
        if potential and not 0 <= slip < 1:
            raise ValueError(f"slip={slip}: the potential is a distance over 1 − slip, so a slip lies between 0 and 1, below 1.")
        self.size, self.potential, self.progress, self.gamma = size, potential, progress, gamma
        desc = ["S" + "." * (size - 1), *["." * size] * (size - 2), "." * (size - 1) + "G"]
        self.plain = GridWorld(desc=desc, slip=slip, step_reward=-1.0, rewards={"G": 0.0})
        super().__init__(desc=desc, slip=slip, step_reward=-1.0, rewards={"G": 0.0}, render_mode=render_mode)

    def distance(self, s: int) -> int:
        """How many steps lie between a cell and the goal."""
        row, column = divmod(s, self.size)
        return 2 * (self.size - 1) - row - column

    def phi(self, s: int) -> float:
        """Φ(s): minus what the way to the goal costs, times `potential`, if of all steps a share of 1 − slip goes where it should."""
        return -self.potential * self.distance(s) / (1 - self.slip) if self.potential else 0.0

    def outcomes(self, s: int, a: int) -> list[Outcome]:
        if self.letters[s] == "G":
            return super().outcomes(s, a)
        return [(p, s_next, reward + self.shaping(s, s_next), terminated) for p, s_next, reward, terminated in super().outcomes(s, a)]

    def shaping(self, s: int, s_next: int) -> float:
        """F(s, s′), and the bonus for progress; Φ is 0 at the goal, as it has to be where an episode ends."""
        return self.gamma * self.phi(s_next) - self.phi(s) + self.progress * (self.distance(s_next) < self.distance(s))
