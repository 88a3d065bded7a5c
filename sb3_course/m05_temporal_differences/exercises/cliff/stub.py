"""Exercise 5: Sarsa, Expected Sarsa and Q-learning at the cliff (Sutton & Barto 2018, sections 6.4 to 6.6).

All three learn a table Q [n_states, n_actions], which begins at 0, after every step from s by a to s':

    Q(s, a) ← Q(s, a) + α (target − Q(s, a))

    target = r + γ Q(s', A')                 Sarsa; A' is the action that is played next (eq. 6.7)
             r + γ Σ_a π(a|s') Q(s', a)      Expected Sarsa; π is the ε-greedy policy (eq. 6.9)
             r + γ max_a Q(s', a)            Q-learning (eq. 6.8)
             r                               all three, if the episode terminated

A worked example: Q(s', ·) = (0, 2), r = 1, γ = 0.5, ε = 0.2, A' = 0. Sarsa's target is 1 + 0.5 · 0 = 1; Q-learning's 1 + 0.5 · 2 = 2. The ε-greedy policy takes
action 1 with 0.8 + 0.1, action 0 with 0.1: Expected Sarsa's target is 1 + 0.5 · (0.1 · 0 + 0.9 · 2) = 1.9.
"""

import gymnasium as gym
import numpy as np


def target(kind, r, q_next, a_next, terminated, gamma, epsilon):
    """The number towards which Q(s, a) is moved.

    kind is "sarsa", "expected_sarsa" or "q_learning"; q_next [n_actions] is Q(s', ·); a_next is A'.
    """
    raise NotImplementedError("your turn: three targets")


def choose(q, epsilon, rng):
    """An action, ε-greedily: with probability epsilon any one, otherwise one of those with the largest q [n_actions]; among equals each is equally likely.

    rng is a np.random.Generator: rng.random(), rng.integers(n), rng.choice(actions).
    """
    raise NotImplementedError("your turn: explore, and break ties")


def learn(env, kind, n_episodes, alpha, gamma, epsilon, rng):
    """Q [n_states, n_actions] and the undiscounted return of each episode, a list or an array of n_episodes numbers.

    env has Discrete spaces: env.observation_space.n states, env.action_space.n actions. An episode begins with s, info = env.reset(); each step is
    s_next, r, terminated, truncated, info = env.step(a). It is over when it terminated, or was truncated, which means cut short: there was more to come,
    so the last target still has γ times a value of s'.
    Take actions by choose, targets by target. Sarsa draws A' before it updates Q, and plays that A' next; the other two may draw it before or after.
    """
    raise NotImplementedError("your turn: the loop")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. Over many seeds the means are about -27, -21 and -50
    for kind in ("sarsa", "expected_sarsa", "q_learning"):
        Q, returns = learn(gym.make("CliffWalking-v1"), kind, 500, 0.5, 1.0, 0.1, np.random.default_rng(0))
        print(f"{kind:15} mean return of the last 100 episodes: {np.mean(returns[-100:]):.1f}")
