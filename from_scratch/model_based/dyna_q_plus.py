"""Dyna-Q+ (Sutton 1990, ICML; Sutton & Barto 2018, §8.3): Dyna-Q that looks again at what it has not tried for long.

    (f) n times:  S ← a state seen before, at random;  A ← any action, at random
                  R, S' ← Model(S, A), where an action that was never tried leads back to S with a reward of 0
                  Q(S, A) ← Q(S, A) + α [R + κ √τ(S, A) + γ max_a Q(S', a) − Q(S, A)]

τ(S, A) are the time steps since A was last taken in S, in the world and not in the mind. Only imagined rewards have the bonus.
"""

from __future__ import annotations

import numpy as np

from from_scratch.model_based.dyna_q import DynaQ


class DynaQPlus(DynaQ):
    kappa: float = 1e-3  # κ

    last: np.ndarray  # [S, n_states, n_actions]  the time step in which the action was last taken; 0 for never

    def check(self) -> None:
        super().check()
        self.clock = 0  # time steps so far, of every lane

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "last": np.zeros((self.n_states, self.n_actions))}

    def iterate(self) -> None:
        self.clock += 1
        super().iterate()

    def remember(self, s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, discount: np.ndarray) -> None:
        super().remember(s, a, r, s_next, discount)
        self.last[self.i, s, a] = self.clock

    def imagine(self, u: np.ndarray) -> tuple[np.ndarray, ...]:
        s, a, r, s_next, discount = super().imagine(u)
        τ = self.clock - self.last[self.i[:, None], s, a]
        return s, a, r + self.kappa * np.sqrt(τ), s_next, discount  # R + κ √τ, §8.3

    def imaginable(self, i: np.ndarray, s: np.ndarray) -> np.ndarray:
        return ~np.isneginf(self.Q[i, s])  # every action that can be chosen at all
