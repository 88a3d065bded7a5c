"""The mountain car of Sutton & Barto 2018, Example 10.1."""

from __future__ import annotations

from typing import Any

from gymnasium.envs.classic_control import MountainCarEnv


def mountain_car(**kwargs: Any) -> MountainCarEnv:
    """Gymnasium's car, which is the book's (start in [−0.6, −0.4) at rest, −1 a step, stopped by the wall on the left), without MountainCar-v0's
    limit of 200 steps: registered as from_scratch/MountainCar-v0, an episode lasts until the goal. First episodes take hundreds of steps.

    Of the two bounds of the position, Gymnasium's 0.6 and the book's 0.5, the second is the goal, behind which nobody comes.
    """
    return MountainCarEnv(**kwargs)
