"""What happens to processes that work for a model, for the tests of those that start some."""

import multiprocessing
import os
import signal
import time

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Walk(gym.Env):
    """A number that goes up or down, for eight steps."""

    observation_space, action_space = spaces.Box(-8, 8, (1,), np.float32), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.t = 0.0, 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        self.x += 2.0 * float(action) - 1
        return np.array([self.x], np.float32), self.x, self.t == 8, False, {}


class Stuck(Walk):
    """The same, until after so many steps of its life one of them takes minutes."""

    def __init__(self, at):
        self.at, self.n = at, 0

    def step(self, action):
        self.n += 1
        if self.n == self.at:
            time.sleep(300)
        return super().step(action)


class Broken(Walk):
    """The same, until after so many steps of its life it cannot go on."""

    def __init__(self, at):
        self.at, self.n = at, 0

    def step(self, action):
        self.n += 1
        if self.n == self.at:
            raise ValueError("the motor is broken")
        return super().step(action)


def killer(at, times=1):
    """A callback that kills a process that works for its model, from its so manyth call on, once or more often."""
    calls = []

    def kill(*_):
        calls.append(1)
        if at <= len(calls) < at + times:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        return True

    return kill
