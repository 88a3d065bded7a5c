"""for what was never tried the table has no outcome: its probabilities sum to 0 instead of 1

To a planner this looks like an end that pays nothing.
"""

from collections import Counter

import gymnasium as gym
import numpy as np


def collect(env, n, rng):
    steps = []
    s, _ = env.reset(seed=int(rng.integers(2**31)))
    for _ in range(n):
        a = int(rng.integers(env.action_space.n))
        s_next, r, terminated, truncated, _ = env.step(a)
        steps.append((int(s), a, float(r), int(s_next), bool(terminated)))
        s = s_next
        if terminated or truncated:
            s, _ = env.reset()
    return steps


def estimate(steps, n_states, n_actions):
    counts = {(s, a): Counter() for s in range(n_states) for a in range(n_actions)}
    for s, a, r, s_next, terminated in steps:
        counts[s, a][s_next, r, terminated] += 1
    P = {s: {} for s in range(n_states)}
    for (s, a), outcomes in counts.items():
        n = outcomes.total()
        P[s][a] = [(k / n, s_next, r, terminated) for (s_next, r, terminated), k in outcomes.items()]
    return P


if __name__ == "__main__":
    lake = gym.make("FrozenLake-v1")
    P = estimate(collect(lake, 10_000, np.random.default_rng(0)), 16, 4)
    print("to the right from the start, estimated:", P[0][2])
    print("to the right from the start, true:     ", lake.unwrapped.P[0][2])
