"""The memory chain of bsuite (Osband et al. 2020, arXiv:1908.03568; its experiments memory_len and memory_size)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class MemoryChain(gym.Env):
    """Bits are shown once, at the beginning; at the end one of them is asked for, `length` decisions later.

    The observation is [1 − t / length, which bit is asked for, the bits as ±1]: the bits are seen at t = 0 alone, and 0 afterwards; the question is asked at
    t = length − 1, and 0 before. The action taken there, 0 or 1, is the answer, which ends the episode with +1 where it is the bit and −1 where it is not.
    Other actions and rewards are nothing. `length=1` shows bits and question together; whoever sees the last k observations can do it up to `length=k`.

    A uniformly random policy has a return of 0 in the mean, and so has every policy without memory where `length` is above 1.
    """

    metadata = {"render_modes": []}

    def __init__(self, length: int = 10, n_bits: int = 1, render_mode: str | None = None):
        for name, value in (("length", length), ("n_bits", n_bits)):
            if value < 1:
                raise ValueError(f"{name}={value}: it is at least 1.")
        self.length, self.n_bits, self.render_mode = length, n_bits, render_mode
        low, high = np.array([0, 0, *[-1] * n_bits], np.float32), np.array([1, max(1, n_bits - 1), *[1] * n_bits], np.float32)
        self.observation_space = spaces.Box(low, high)
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.bits = self.np_random.integers(2, size=self.n_bits)
        self.asked = int(self.np_random.integers(self.n_bits))
        self.t = 0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.t += 1
        ended = self.t >= self.length
        reward = (1.0 if action == self.bits[self.asked] else -1.0) if ended else 0.0
        return self._observation(), reward, ended, False, {}

    def _observation(self) -> np.ndarray:
        seen = np.zeros(2 + self.n_bits, np.float32)
        seen[0] = 1 - self.t / self.length
        if self.t == self.length - 1:
            seen[1] = self.asked
        if self.t == 0:
            seen[2:] = 2 * self.bits - 1
        return seen
