"""Time limits taken for the end of the world, as Pardo et al. (2018, arXiv:1712.00378) found them in much of the code of their day."""

from __future__ import annotations

from typing import Any

import gymnasium as gym


class TimeoutIsDeath(gym.Wrapper):
    """A time limit terminates: what only ran out of time looks to the learner as if nothing could follow. Put it outside of what sets the limit.

    Evaluation is the same with it and without: its episodes end where they ended.
    """

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, reward, terminated or truncated, False, info
