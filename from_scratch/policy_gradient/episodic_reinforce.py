"""REINFORCE as it was at first, each action weighed by the return of its whole episode (Williams 1992, Machine Learning 8:229, §5).

    repeat:
        play N episodes S_0, A_0, R_1, …, S_{T−1}, A_{T−1}, R_T with π(·|·, θ)
        for each:  G_0 ← R_1 + γ R_2 + … + γ^{T−1} R_T
        θ ← θ + α (1/N) Σ_episodes G_0 Σ_t ∇ ln π(A_t|S_t, θ)
"""

from __future__ import annotations

from typing import ClassVar

from from_scratch.core.loops.episodes import Steps
from from_scratch.policy_gradient.reinforce import REINFORCE


class EpisodicREINFORCE(REINFORCE):
    """G_0 is the sum of γ^t G_t, which REINFORCE has in its place, and of the rewards before step t, which the action at t cannot have caused. These are
    worth 0 on average and leave the gradient's expectation as it is, ∇J(θ) for any γ, but its variance grows. Rewards counted from each action on, *reward
    to go*, are what REINFORCE means today: this class is here to be compared with it.
    """

    gamma_power: ClassVar[bool] = False  # G_0 is discounted from the start of the episode as it is

    def update(self, steps: Steps) -> None:
        self.improve_policy(steps, steps.whole)
