"""Exercise 1: a random agent on CartPole.

A pole stands on a cart, which is pushed to the left (action 0) or to the right (action 1). Every step pays 1. The episode ends when the pole leans by more than
12 degrees or the cart leaves its track (terminated), and is cut short after 500 steps (truncated).

    env = gym.make("CartPole-v1")
    observation, info = env.reset(seed=0)                                    # a new episode
    observation, reward, terminated, truncated, info = env.step(action)      # one step of it

A worked example: an episode in which the pole falls at the 22nd step has the return 1 + 1 + … + 1 = 22.
"""

import gymnasium as gym
import numpy as np


def returns(n, seed, file=None):
    """The returns of n episodes of CartPole-v1 with uniformly random actions: a list of n numbers.

    seed: a whole number. The same seed gives the same list, another seed another list. There are two things to be seeded: the environment, once, at its first
    reset, and whatever draws the actions, `np.random.default_rng(seed)` or `env.action_space.seed(seed)`. Later resets have no seed: they go on with the
    generator that the first one made. The observations, four numbers, are not needed here.

    file: a text file that is open for writing, or None. Its first line is a heading; then comes a line for each episode, written when the episode has ended:

        episode,return,length
        1,22.0,22
        2,13.0,13
    """
    raise NotImplementedError("your turn: play n episodes")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print("actions:", gym.make("CartPole-v1").action_space, "(0 left, 1 right)")
    found = np.array(returns(100, seed=0))
    print(f"mean {found.mean():.1f}, standard deviation {found.std():.1f}, least {found.min():g}, largest {found.max():g}")
