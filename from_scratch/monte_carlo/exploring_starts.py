"""Monte Carlo control with exploring starts (Sutton & Barto 2018, §5.3).

    loop for each episode:
        choose S₀ and A₀ at random, so that every pair has a probability above 0
        generate an episode from them, following π: S₀, A₀, R₁, …, S_T−1, A_T−1, R_T
        G ← 0
        loop for t = T−1, T−2, …, 0:
            G ← γ G + R_t+1
            unless the pair S_t, A_t appears in S₀, A₀, …, S_t−1, A_t−1:
                Q(S_t, A_t) ← the mean of all G so far that followed first visits to S_t, A_t
                π(S_t) ← argmax_a Q(S_t, a)

S₀ is the environment's to choose: its start distribution should cover all states (BlackjackTable with start="exploring" does). A₀ is drawn here,
uniformly, and nothing else explores.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from from_scratch.monte_carlo.control import MCControl


class MCExploringStarts(MCControl):
    exploration_initial_eps: ClassVar[float] = 0.0
    exploration_final_eps: ClassVar[float] = 0.0
    exploration_fraction: ClassVar[float] = 0.0

    def iterate(self) -> None:
        s, u = self.state, self.draw()
        starting = (self.memory.t == 0).reshape(s.shape)
        anything = self.anything(self.Q[self.i[:, None], s], u[..., 1], u[..., 2:])
        episodes = self.remember(self.play(np.where(starting, anything, self.choose(s, u))))
        if episodes is not None:
            self.update(episodes)
