"""Jack's car rental (Sutton & Barto 2018, Example 4.2), with the whole Poisson distributions."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from from_scratch.core.exact.mdp import Model
from from_scratch.envs.chains.finite import as_pixels, as_text

MOST_CARS, MOST_MOVED = 20, 5
RENT, MOVING_COST = 10.0, 2.0
REQUESTS, RETURNS = (3.0, 4.0), (3.0, 2.0)  # expected per day, at the first and the second location


class CarRental(gym.Env):
    """State 21·n₁ + n₂: cars at the two locations in the evening. Action a moves a − 5 cars over night from the first to the second (−5 … 5).

    A moved car costs 2, a rented one earns 10, returned ones can be rented the day after, and cars above 20 at a place are sent away.
    Asked to move more cars than there are, it moves all. It never ends; the book's discount is 0.9, and an episode begins with 10 cars each.
    There is no table `P`: its two million transitions would take some 250 MB as Gymnasium's tuples, more with every possible rent as an outcome of
    its own; and with mean rents alone, what is played from the table would not be this game. Planners get the model from `mdp()`.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(self, render_mode: str | None = None):
        self.render_mode = render_mode
        self.observation_space, self.action_space = spaces.Discrete((MOST_CARS + 1) ** 2), spaces.Discrete(2 * MOST_MOVED + 1)
        self.cars = np.array([10, 10])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """options={"cars": (n₁, n₂)} begins there."""
        super().reset(seed=seed)
        self.cars = np.array((options or {}).get("cars", (10, 10)))
        return self._state(), {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        n = moved(self.cars[0], self.cars[1], int(action) - MOST_MOVED)
        morning = np.minimum(self.cars - (n, -n), MOST_CARS)
        rented = np.minimum(self.np_random.poisson(REQUESTS), morning)
        self.cars = np.minimum(morning - rented + self.np_random.poisson(RETURNS), MOST_CARS)
        return self._state(), float(RENT * rented.sum() - MOVING_COST * abs(n)), False, False, {}

    def _state(self) -> int:
        return int(self.cars[0] * (MOST_CARS + 1) + self.cars[1])

    def render(self) -> str | np.ndarray | None:
        """21 × 21 cells, a row for each number of cars at the first location, with the agent in one."""
        cells = ["." * (MOST_CARS + 1)] * (MOST_CARS + 1)
        if self.render_mode == "ansi":
            return as_text(cells, self._state())
        return as_pixels(cells, self._state()) if self.render_mode == "rgb_array" else None

    def mdp(self) -> Model:
        """p(s'|s, a) and expected rewards; nothing is cut off the distributions. A day's two locations do not depend on each other."""
        (p1, rented1), (p2, rented2) = (one_day(*rates) for rates in zip(REQUESTS, RETURNS, strict=True))
        n_states, n_actions, size = (MOST_CARS + 1) ** 2, 2 * MOST_MOVED + 1, MOST_CARS + 1
        p, r = np.zeros((n_states, n_actions, n_states)), np.zeros((n_states, n_actions))
        for s in range(n_states):
            for a in range(n_actions):
                n = moved(s // size, s % size, a - MOST_MOVED)
                first, second = min(s // size - n, MOST_CARS), min(s % size + n, MOST_CARS)
                p[s, a] = np.outer(p1[first], p2[second]).ravel()
                r[s, a] = RENT * (rented1[first] + rented2[second]) - MOVING_COST * abs(n)
        start = np.zeros(n_states)
        start[10 * size + 10] = 1
        return Model(p, r, start)


def moved(n1: int, n2: int, wanted: int) -> int:
    """How many cars go from the first location to the second: no more than there are."""
    return min(wanted, int(n1)) if wanted > 0 else max(wanted, -int(n2))


def one_day(requests: float, returns: float) -> tuple[np.ndarray, np.ndarray]:
    """p(cars in the evening | cars in the morning) [21, 21] and the expected number of rented ones [21] at one location."""
    size = MOST_CARS + 1
    stays, comes, rented = np.zeros((size, size)), np.zeros((size, size)), np.zeros(size)
    for m in range(size):
        for k in range(m):
            stays[m, m - k] = poisson(k, requests)
        stays[m, 0] = 1 - stays[m, 1:].sum()  # as many requests as cars, or more
        rented[m] = stays[m] @ (m - np.arange(size))
        for evening in range(m, MOST_CARS):
            comes[m, evening] = poisson(evening - m, returns)
        comes[m, MOST_CARS] = 1 - comes[m, :MOST_CARS].sum()
    return stays @ comes, rented


def poisson(k: int, mean: float) -> float:
    return math.exp(-mean) * mean**k / math.factorial(k)
