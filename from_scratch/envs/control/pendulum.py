"""Gymnasium's pendulum with another mass, length or both, or with new ones in every episode (domain randomisation; Peng et al. 2018, arXiv:1710.06537)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gymnasium.envs.classic_control import PendulumEnv


class Pendulum(PendulumEnv):
    """mass, in kg, and length, in m, are numbers, or two of them, between which each reset draws anew, uniformly; Gymnasium's are 1 and 1.

    The observation does not tell them.
    """

    def __init__(self, mass: float | Sequence[float] = 1.0, length: float | Sequence[float] = 1.0, render_mode: str | None = None):
        super().__init__(render_mode=render_mode)
        self.ranges = {name: self._range(name, given) for name, given in (("mass", mass), ("length", length))}
        self.m, self.l = (low for low, _ in self.ranges.values())

    @staticmethod
    def _range(name: str, given: float | Sequence[float]) -> tuple[float, float]:
        low, high = (float(x) for x in (given if isinstance(given, Sequence) else (given, given)))
        if not 0 < low <= high:
            raise ValueError(f"{name}={given}: give a number above 0, or two of them, the smaller first.")
        return low, high

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        found = super().reset(seed=seed, options=options)  # the state is drawn first, so that it is the same for every range
        self.m, self.l = (low if low == high else float(self.np_random.uniform(low, high)) for low, high in self.ranges.values())
        return found
