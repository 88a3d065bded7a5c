"""A model from counts (Sutton & Barto 2018, sections 3.1 and 8.2).

What happened is a list of steps, each (s, a, r, s_next, terminated). What is estimated from it is a table, as Gymnasium's environments have it:

    P[s][a] = [(probability, s_next, reward, terminated), ...]

    p(s', r | s, a) is estimated by N(s, a, s', r) / N(s, a): how often it happened, of how often a was done in s.

A worked example: in state 0, action 0 led to state 1 twice, paying 0, and once to state 2, paying 1 and ending the episode. Then

    P[0][0] = [(2/3, 1, 0.0, False), (1/3, 2, 1.0, True)]        (in any order)
"""

import gymnasium as gym
import numpy as np


def collect(env, n, rng):
    """n steps in an environment with whole numbers for states and actions, all actions being equally likely: a list of (s, a, r, s_next, terminated).

    All random numbers come from rng, a np.random.Generator: the actions, and a seed for the first reset, `int(rng.integers(2**31))`. When an episode is over,
    terminated or truncated, the next step is the first of a new one; the list simply goes on. s_next is where the step led, not where the new episode begins;
    terminated is what the environment said, and False where only time was up.
    """
    raise NotImplementedError("your turn: walk at random, and write down each step")


def estimate(steps, n_states, n_actions):
    """The table P that the steps suggest, for the states 0 to n_states − 1 and the actions 0 to n_actions − 1.

    Of a pair (s, a) that was never tried nothing is known. Say that it stays in s, pays 0 and does not end: [(1.0, s, 0.0, False)].
    """
    raise NotImplementedError("your turn: from counts to probabilities")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    lake = gym.make("FrozenLake-v1")
    P = estimate(collect(lake, 10_000, np.random.default_rng(0)), 16, 4)
    print("to the right from the start, estimated:", P[0][2])
    print("to the right from the start, true:     ", lake.unwrapped.P[0][2])
