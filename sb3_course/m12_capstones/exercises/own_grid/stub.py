"""A grid world of your own, for capstone C: an environment with a table of all that can happen, a picture in text, and mazes drawn at random.

A map is a list of lines of equal length:

    S.#.        S start; with several, an episode begins in one of them at random      . floor
    ...G        G goal: entering it ends the episode                                   # obstacle: never entered

States number all cells in rows, obstacles too: s = row · columns + column. In this map S is 0, and G is 7.
The actions are 0 up, 1 down, 2 left, 3 right. A step against an obstacle or the edge stays where it is.
With probability `slip` a step goes to one of the two sides instead, with half of that to each: up or down if left or right was meant, and the other way round.
The step into the goal pays goal_reward, any other step pays step_reward.

A worked example: the map ["S.G"] with slip 0. P[1][3], right from 1: [(1.0, 2, goal_reward, True)]; P[0][2], left from 0: [(1.0, 0, step_reward, False)].
With slip 0.2, right from cell 0 goes to 1 with probability 0.8, and slips up or down, where the edge is, with 0.2: it stays in 0.
"""

import gymnasium as gym
import numpy as np

MAP = [  # the one that the study trains on; put one of your mazes here
    "S..#....",
    ".#...#.#",
    ".#.#...#",
    "...#.#..",
    ".#...##.",
    "...#...G",
]
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))  # up, down, left, right: what is added to row and column
SIDES = ((2, 3), (2, 3), (0, 1), (0, 1))  # where a slip goes, for each action


class OwnGrid(gym.Env):
    metadata = {"render_modes": ["ansi"], "render_fps": 4}

    def __init__(self, desc=MAP, slip=0.0, step_reward=-1.0, goal_reward=10.0, render_mode=None):
        """It is written already. self.s is the state: reset and step set it, and so do the checks."""
        self.desc, self.slip, self.step_reward, self.goal_reward, self.render_mode = list(desc), slip, step_reward, goal_reward, render_mode
        self.rows, self.columns = len(self.desc), len(self.desc[0])
        self.letters = "".join(self.desc)  # the letter of each state
        starts = np.array([letter == "S" for letter in self.letters], dtype=float)
        self.initial_state_distrib = starts / starts.sum()  # the probability with which an episode begins in each state
        self.observation_space, self.action_space = gym.spaces.Discrete(len(self.letters)), gym.spaces.Discrete(4)
        self.s = int(starts.argmax())
        self.P = self.table()

    def table(self):
        """All that can happen: P[s][a] = [(probability, s_next, reward, terminated), ...] for each state s and action a; a list or a dict of them.

        The probabilities of each P[s][a] sum to 1. An s_next may stand there twice. In an obstacle and in the goal nothing is ever done; for those
        P[s][a] = [(1.0, s, 0.0, True)].
        """
        raise NotImplementedError("your turn: the table of what can happen")

    def reset(self, *, seed=None, options=None):
        """Begin an episode: gives s, a whole number, and a dict, which may be empty.

        super().reset(seed=seed) makes a new self.np_random if there is a seed, and leaves the old one otherwise. Draw from it, and from nothing else.
        """
        raise NotImplementedError("your turn: begin an episode")

    def step(self, action):
        """Gives s_next, reward, terminated, truncated, info: what P says, with its probabilities, drawn from self.np_random.

        truncated is always False: when an episode takes too long is not for the world to say. info is a dict, which may be empty.
        """
        raise NotImplementedError("your turn: one step")

    def render(self):
        """With render_mode "ansi" the map as text, its lines joined by "\\n", with an A in the cell of the agent; without a render_mode None.

        At the beginning on the map ["S.G"] it is "A.G", and after a step to the right "SAG".
        """
        raise NotImplementedError("your turn: draw the picture")


def random_maze(rows, columns, density, rng):
    """A map: a list of `rows` lines of `columns` letters, with one S, one G, and a way of steps up, down, left, right between them.

    About a share `density` of the cells, up to 0.4, are obstacles; a few more or less do not matter. rng is a generator, np.random.default_rng(seed): what it
    draws decides, so that each seed has its own maze, and always the same.
    """
    raise NotImplementedError("your turn: draw a maze with a way out")


gym.registry.pop("OwnGrid-v0", None)  # the file may be imported more than once
gym.register("OwnGrid-v0", entry_point=OwnGrid, max_episode_steps=200)  # a limit of time is this wrapper's affair: it truncates

if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    env = OwnGrid(random_maze(6, 8, 0.3, np.random.default_rng(0)), render_mode="ansi")
    env.reset(seed=0)
    for action in (3, 1, 3, 1):
        print(env.render(), end="\n\n")
        print(env.step(action))
