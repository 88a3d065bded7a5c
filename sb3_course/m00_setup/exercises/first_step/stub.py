"""A first step on FrozenLake (Gymnasium's documentation: "Basic usage").

    S F F F        S start, F frozen, H hole, G goal; the cells are numbered row by row, from 0 to 15
    F H F H        actions: 0 left, 1 down, 2 right, 3 up
    F F F H        a hole and the goal end the episode; the goal pays 1, all else 0
    H F F G

    env = gym.make("FrozenLake-v1", is_slippery=False)
    observation, info = env.reset(seed=0)                                    # two things
    observation, reward, terminated, truncated, info = env.step(action)      # five things

A worked example: the actions right, down lead from cell 0 to 1 and then to 5, which is a hole. The cells are [0, 1, 5], the return is 0.
"""

import gymnasium as gym


def walk(actions):
    """Play a list of actions on the lake without slips, from a reset on. Stop when the episode is over, even if there are actions left.

    Returns cells, total: the list of all cells, the start included, as whole numbers; and the sum of the rewards.
    """
    raise NotImplementedError("your turn: reset, then step after step")


def picture(actions):
    """The lake after these actions as a text, which env.render() gives if the environment was made with the right render_mode.

    The actions do not end the episode. Nothing may open a window: that fails on a server.
    """
    raise NotImplementedError("your turn: make, reset, step, render")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print("observations:", gym.make("FrozenLake-v1").observation_space)
    print(walk([1, 1, 2, 1, 2, 2]))
    print(picture([1, 1, 2]))
