"""Access control to a queue (Sutton & Barto 2018, Example 10.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome

REJECT, ACCEPT = 0, 1


class AccessControl(FiniteMDP):
    """Customers of four priorities ask for one of `n_servers` servers; the one at the head of the queue is accepted or turned away.

    State: free servers · 4 + priority of the customer; accepting one pays `rewards[priority]`, and is the same as rejecting where no
    server is free. Then each busy server becomes free with probability `free_probability`, and the next customer's priority is drawn,
    all alike. The queue never empties and nothing ends: what counts is the average reward. Its best is 2.748 per step, computed by
    `best_average_reward`; the book's learner estimates 2.31.
    """

    def __init__(
        self, n_servers: int = 10, free_probability: float = 0.06, rewards: Sequence[float] = (1, 2, 4, 8), render_mode: str | None = None
    ):
        if n_servers < 1 or not 0 < free_probability <= 1 or not len(rewards):
            raise ValueError(
                f"n_servers={n_servers}, free_probability={free_probability}, rewards={list(rewards)}: a server, a chance and a reward are needed."
            )
        self.n_servers, self.n_priorities = n_servers, len(rewards)

        def outcomes(free: int, priority: int, action: int) -> list[Outcome]:
            accepted = action == ACCEPT and free > 0
            free -= accepted
            busy, reward = n_servers - free, float(rewards[priority]) if accepted else 0.0
            return [
                (math.comb(busy, k) * free_probability**k * (1 - free_probability) ** (busy - k) / self.n_priorities,
                 (free + k) * self.n_priorities + next_priority, reward, False)
                for k in range(busy + 1) for next_priority in range(self.n_priorities)
            ]  # fmt: skip

        P = [[outcomes(free, priority, a) for a in (REJECT, ACCEPT)] for free in range(n_servers + 1) for priority in range(self.n_priorities)]
        start = np.zeros(len(P))
        start[-self.n_priorities :] = 1 / self.n_priorities  # all servers are free
        super().__init__(P, start, render_mode=render_mode)


def best_average_reward(p: np.ndarray, r: np.ndarray, tolerance: float = 1e-10) -> tuple[float, np.ndarray]:
    """The best average reward per step of an MDP p [n_states, n_actions, n_states], r [n_states, n_actions] that never ends, and its
    differential action values [n_states, n_actions], by relative value iteration (Puterman 1994, §8.5.5)."""
    h = np.zeros(len(r))
    while True:
        q = r + p @ h
        change = q.max(-1) - h
        if change.max() - change.min() < tolerance:
            return float((change.max() + change.min()) / 2), q - q.max(-1)[0]
        h = q.max(-1) - q.max(-1)[0]
