"""CartPole in bins: a table for a world without states.

An observation of CartPole is four numbers: position [m], speed [m/s], angle [rad], and the angle's speed [rad/s]. Each is cut into bins of equal width
between LOW and HIGH; what lies beyond an end belongs to the bin at that end. `bins` says into how many: (1, 1, 6, 12) ignores the first two, and makes
1 · 1 · 6 · 12 = 72 cells. Then Q-learning works on cells as it does on states.

A worked example: 4 bins from -1 to 1 have the inner edges -0.5, 0, 0.5. So -7 and -0.6 lie in bin 0, -0.2 in 1, 0 and 0.3 in 2, 0.5 and 9 in 3. With bins
(2, 3, 2, 2), an observation that lies in the bins (1, 2, 0, 1) has the cell ((1 · 3 + 2) · 2 + 0) · 2 + 1 = 21: a number whose digits are the bins.
"""

import gymnasium as gym
import numpy as np

LOW, HIGH = np.array([-2.4, -3.0, -0.2095, -2.0]), np.array([2.4, 3.0, 0.2095, 2.0])  # 0.2095 rad are 12 degrees


def inner_edges(bins):
    """The edges between the bins of each of the four numbers, a list of four arrays; n bins have n − 1 inner edges."""
    raise NotImplementedError("your turn: cut each number into bins")


def cell(observation, edges):
    """The number of the cell in which an observation [4] lies, a whole number from 0 on; edges is what inner_edges gives.

    What lies on an edge belongs to the bin above it.
    """
    raise NotImplementedError("your turn: four bins, one number")


def learn(env, bins, n_episodes, alpha, gamma, epsilon, rng):
    """Q [n_cells, n_actions], which begins at 0, and how many steps each episode had [n_episodes].

    env has observations of four numbers, and env.action_space.n actions. Q-learning, with the step size alpha, and in episode k = 0, 1, … with the probability
    epsilon(k) of any action; among equally good actions each is equally likely. rng is a np.random.Generator. In s_next, r, terminated, truncated, info =
    env.step(a), terminated says that the pole fell, truncated that time was up: then there was more to come.
    """
    raise NotImplementedError("your turn: Q-learning on cells")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    env = gym.make("CartPole-v1")
    env.reset(seed=0)
    _, lengths = learn(env, (1, 1, 6, 12), 300, 0.1, 0.99, lambda k: max(0.05, 1 - k / 150), np.random.default_rng(0))
    print("steps of balance, means of 50 episodes:", *np.mean(np.reshape(lengths, (-1, 50)), axis=1).round())
