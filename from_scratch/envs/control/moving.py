"""Drive to a disc and stop on it: an action says what to do, and how much of it (a task of the kind of Thomas Hirtz's gym-hybrid, 2021)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

SPEED_UP, TURN, BRAKE = range(3)


class Moving(gym.Env):
    """A car in the square [−1, 1]², at rest in a random place and heading, and a disc of radius 0.1 elsewhere.

    An action is (what, (speed-up, turn)), Tuple(Discrete(3), Box([0, −1], [1, 1])), or with `as_dict` {"how": (speed-up, turn), "what": what}: 0 adds
    0.1 × speed-up to the speed, up to 1; 1 turns by ¼π × turn; 2 stops the car. The number that belongs to another choice does nothing. A step of
    time 0.1 follows.

    What is seen: x, y, speed, cosine and sine of the heading, where the disc is from here, x and y in the car's own frame, and the distance.
    The reward is by how much the distance shrank, and 1 more, at the end, for standing on the disc, −1 for leaving the square.
    """

    metadata = {"render_modes": []}

    def __init__(self, as_dict: bool = False):
        what, how = spaces.Discrete(3), spaces.Box(np.array([0, -1], np.float32), np.array([1, 1], np.float32))
        self.as_dict = as_dict
        self.action_space: spaces.Space = spaces.Dict({"what": what, "how": how}) if as_dict else spaces.Tuple((what, how))
        self.observation_space = spaces.Box(-4, 4, (8,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.at, self.disc = self.np_random.uniform(-0.9, 0.9, 2), self.np_random.uniform(-0.7, 0.7, 2)
        self.heading, self.speed = self.np_random.uniform(-np.pi, np.pi), 0.0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        what, how = (action["what"], action["how"]) if self.as_dict else action
        before = self.distance
        if what == SPEED_UP:
            self.speed = min(1.0, self.speed + 0.1 * float(how[0]))
        elif what == TURN:
            self.heading += 0.25 * np.pi * float(how[1])
        else:
            self.speed = 0.0
        self.at = self.at + 0.1 * self.speed * self._forward
        is_there = self.distance < 0.1 and self.speed == 0
        is_out = bool(np.abs(self.at).max() > 1)
        return self._seen(), before - self.distance + is_there - is_out, is_there or is_out, False, {"is_success": is_there}

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.disc - self.at))

    @property
    def _forward(self) -> np.ndarray:
        return np.array([np.cos(self.heading), np.sin(self.heading)])

    def _seen(self) -> np.ndarray:
        (c, s), to = self._forward, self.disc - self.at
        return np.array([*self.at, self.speed, c, s, c * to[0] + s * to[1], c * to[1] - s * to[0], self.distance], np.float32)
