"""The grid world once more: outcomes added up in a dictionary, cells as pairs, steps with a coin of their own, and mazes around a way that is drawn first."""

from collections import defaultdict

import gymnasium
import numpy
from gymnasium.spaces import Discrete

UP, DOWN, LEFT, RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
WAYS = [UP, DOWN, LEFT, RIGHT]
TURNED = {UP: [LEFT, RIGHT], DOWN: [LEFT, RIGHT], LEFT: [UP, DOWN], RIGHT: [UP, DOWN]}


class OwnGrid(gymnasium.Env):
    metadata = {"render_modes": ["ansi"], "render_fps": 4}

    def __init__(self, desc=("S..", "#.#", "..G"), slip=0.0, step_reward=-1.0, goal_reward=10.0, render_mode=None):
        self.desc, self.letters, self.columns = desc, "".join(desc), len(desc[0])
        self.cells = [(row, column) for row in range(len(desc)) for column in range(self.columns)]
        self.floor = {cell for cell, letter in zip(self.cells, self.letters, strict=True) if letter != "#"}
        self.goals = {cell for cell, letter in zip(self.cells, self.letters, strict=True) if letter == "G"}
        self.slip, self.step_reward, self.goal_reward, self.render_mode = slip, step_reward, goal_reward, render_mode
        self.begins = [s for s, letter in enumerate(self.letters) if letter == "S"]
        self.initial_state_distrib = numpy.bincount(self.begins, minlength=len(self.letters)) / len(self.begins)
        self.observation_space, self.action_space, self.s = Discrete(len(self.letters)), Discrete(4), self.begins[0]
        self.P = self.table()

    def goes(self, s, way):
        """The cell to which a step leads."""
        cell = (self.cells[s][0] + way[0], self.cells[s][1] + way[1])
        return cell if cell in self.floor else self.cells[s]

    def table(self):
        P = {}
        for s, cell in enumerate(self.cells):
            P[s] = {a: [(1.0, s, 0.0, True)] for a in range(4)}
            if cell not in self.floor - self.goals:
                continue
            for a, way in enumerate(WAYS):
                p = defaultdict(float)
                p[self.goes(s, way)] += 1 - self.slip
                for side in TURNED[way]:
                    p[self.goes(s, side)] += self.slip / 2
                P[s][a] = [(chance, *self.earned(target)) for target, chance in p.items()]
        return P

    def earned(self, target):
        at_goal = target in self.goals
        return self.cells.index(target), self.goal_reward if at_goal else self.step_reward, at_goal

    def reset(self, seed=None, options=None):
        gymnasium.Env.reset(self, seed=seed)
        self.s = self.begins[self.np_random.integers(len(self.begins))]
        return self.s, {"picture": None}

    def step(self, action):
        if self.cells[self.s] in self.goals:
            return self.s, 0.0, True, False, {}
        if self.cells[self.s] not in self.floor:
            return self.s, 0.0, True, False, {}
        way = WAYS[action]
        if self.np_random.random() < self.slip:
            way = TURNED[way][int(self.np_random.random() < 0.5)]
        self.s, reward, terminated = self.earned(self.goes(self.s, way))
        return numpy.int64(self.s), reward, terminated, False, {}

    def render(self):
        if self.render_mode is None:
            return None
        lines = [list(line) for line in self.desc]
        row, column = self.cells[self.s]
        lines[row][column] = "A"
        return "\n".join(map("".join, lines)) + "\n"


def random_maze(rows, columns, density, rng):
    """From the upper left corner to the lower right one: a way that goes down and right as the coin falls, and obstacles elsewhere."""
    cells = rng.permutation([*"#" * round(density * rows * columns), *"." * (rows * columns - round(density * rows * columns))]).reshape(rows, columns)
    row = column = 0
    while (row, column) != (rows - 1, columns - 1):
        cells[row, column] = "."
        down = column == columns - 1 or (row < rows - 1 and rng.random() < 0.5)
        row, column = row + down, column + (not down)
    cells[0, 0], cells[-1, -1] = "S", "G"
    return ["".join(line) for line in cells.tolist()]


gymnasium.registry.pop("OwnGrid-v0", None)
gymnasium.register("OwnGrid-v0", entry_point=OwnGrid, max_episode_steps=200)
