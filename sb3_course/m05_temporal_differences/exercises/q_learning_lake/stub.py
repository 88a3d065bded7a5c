"""Q-learning that works: on the lake, with slips, and where the end has a state of its own (Sutton & Barto 2018, section 6.5).

    Q(s, a) ← Q(s, a) + α(n) [target − Q(s, a)]            the n-th update of this state and action

    target = r + γ max_a Q(s', a)                          (eq. 6.8)
             r                                             if the episode terminated

Step size and exploration are functions, so that both can fall: alpha(n) is the step size of the n-th update of a state and action, n = 1, 2, …;
epsilon(k) is the probability of a random action in episode k = 0, 1, …

A worked example: Q(s, ·) = (2, 0), Q(s', ·) = (1, 3), r = 1, γ = 0.5, action 0 for the first time, alpha(1) = 0.5. The target is 1 + 0.5 · 3 = 2.5, and
Q(s, 0) becomes 2 + 0.5 · (2.5 − 2) = 2.25. If the episode terminated, the target is 1, and Q(s, 0) becomes 1.5.
"""

import gymnasium as gym
import numpy as np


def greedy(q, rng):
    """One of the actions with the largest q [n_actions]; among equals each is equally likely.

    rng is a np.random.Generator: rng.random(), rng.integers(n), rng.choice(actions).
    """
    raise NotImplementedError("your turn: break ties")


def update(Q, N, s, a, r, s_next, terminated, gamma, alpha):
    """Count the step in N, and move Q(s, a) towards its target. Both are arrays [n_states, n_actions], and are changed in place.

    N[s, a] is how often Q(s, a) was updated so far, this time not included.
    """
    raise NotImplementedError("your turn: one step of learning")


def q_learning(env, n_episodes, gamma, alpha, epsilon, rng):
    """Q [n_states, n_actions] after so many episodes; Q and N begin at 0.

    env has Discrete spaces: env.observation_space.n states, env.action_space.n actions. An episode begins with s, info = env.reset(); each step is
    s_next, r, terminated, truncated, info = env.step(a). It is over when it terminated, or was truncated, which means cut short: there was more to come.
    In episode k, an action is any one with probability epsilon(k), otherwise the greedy one.
    """
    raise NotImplementedError("your turn: the loop")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    Q = q_learning(gym.make("FrozenLake-v1", is_slippery=False), 1000, 0.99, lambda n: 0.5, lambda k: 0.1, np.random.default_rng(0))
    print(Q.max(1).reshape(4, 4).round(2))
