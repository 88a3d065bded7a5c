"""an episode that takes long is said to have terminated: the world counts steps and ends it, so that its ends are not those of P (E13)

It is the wrapper that counts, and it says truncated.
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
        return [[self.outcomes(s, a) for a in range(4)] for s in range(len(self.letters))]

    def outcomes(self, s, a):
        """P[s][a]."""
        if self.letters[s] in "#G":
            return [(1.0, s, 0.0, True)]
        chances = [(1 - self.slip, a), *((self.slip / 2, side) for side in SIDES[a])]
        return [(p, *self.moved(s, way)) for p, way in chances if p > 0]

    def moved(self, s, way):
        """s_next, reward, terminated of a step that goes this way."""
        row, column = s // self.columns + MOVES[way][0], s % self.columns + MOVES[way][1]
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        s_next = row * self.columns + column if inside and self.desc[row][column] != "#" else s
        at_goal = self.letters[s_next] == "G"
        return s_next, self.goal_reward if at_goal else self.step_reward, at_goal

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        self.s = int(self.np_random.choice(len(self.letters), p=self.initial_state_distrib))
        return self.s, {}

    def step(self, action):
        outcomes = self.P[self.s][action]
        k = self.np_random.choice(len(outcomes), p=[outcome[0] for outcome in outcomes])
        _, self.s, reward, terminated = outcomes[k]
        self.t += 1
        return self.s, reward, terminated or self.t >= 100, False, {}

    def render(self):
        if self.render_mode != "ansi":
            return None
        letters = self.letters[: self.s] + "A" + self.letters[self.s + 1 :]
        return "\n".join(letters[k : k + self.columns] for k in range(0, len(letters), self.columns))


def random_maze(rows, columns, density, rng):
    while True:
        cells = np.where(rng.random((rows, columns)) < density, "#", ".")
        start, goal = rng.choice(rows * columns, size=2, replace=False)
        cells.flat[start], cells.flat[goal] = "S", "G"
        desc = ["".join(line) for line in cells]
        if has_way_out(desc):
            return desc


def has_way_out(desc):
    """Whether G can be reached from S: flood the floor from S, cell by cell."""
    cells = {(row, column): letter for row, line in enumerate(desc) for column, letter in enumerate(line) if letter != "#"}
    waiting = [cell for cell, letter in cells.items() if letter == "S"]
    seen = set(waiting)
    while waiting:
        row, column = waiting.pop()
        if cells[row, column] == "G":
            return True
        for cell in {(row + down, column + right) for down, right in MOVES} & cells.keys() - seen:
            seen.add(cell)
            waiting.append(cell)
    return False


gym.registry.pop("OwnGrid-v0", None)  # the file may be imported more than once
gym.register("OwnGrid-v0", entry_point=OwnGrid, max_episode_steps=200)  # a limit of time is this wrapper's affair: it truncates

if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    env = OwnGrid(random_maze(6, 8, 0.3, np.random.default_rng(0)), render_mode="ansi")
    env.reset(seed=0)
    for action in (3, 1, 3, 1):
        print(env.render(), end="\n\n")
        print(env.step(action))
