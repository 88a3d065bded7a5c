"""Values that learn from rollouts: play T steps in E environments, learn from them, throw them away.

Where a replay loop mixes the steps of different times, here many environments do it. Who plays explores: with probability ε, tossed for each environment and
step, the action is a random one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.preprocessing import get_obs_shape
from stable_baselines3.common.utils import LinearSchedule

from from_scratch.core.algorithm import Algorithm, StopTraining
from from_scratch.core.data import Step, tree_map
from from_scratch.core.loops.exploration import Explores, check_probabilities


@dataclass
class Played:
    """T steps of every lane. Every field is [T, S·E, ...]."""

    obs: Any  # s
    action: np.ndarray  # a
    r: np.ndarray
    discount: np.ndarray  # γ, and 0 where the episode terminated
    goes_on: np.ndarray  # 1, and 0 where the episode ended, by whatever cause
    next_obs: Any  # s', the true successor


class ValueRollouts(Explores, Algorithm):
    """The loop: `update` learns from what was played, once."""

    gamma: float
    n_steps: int
    exploration_fraction: float
    exploration_initial_eps: float
    exploration_final_eps: float

    supported_action_spaces = (spaces.Discrete,)

    def check(self) -> None:
        check_probabilities(self, "exploration_initial_eps", "exploration_final_eps", "exploration_fraction")
        self.exploration_rate = self.exploration_initial_eps

    def _setup_buffers(self) -> None:
        """Nothing is kept. What a memory of SB3's would refuse to hold is refused: no network of its policies sees it."""
        get_obs_shape(self.observation_space)

    def build(self) -> None:
        self.exploration_schedule = LinearSchedule(self.exploration_initial_eps, self.exploration_final_eps, self.exploration_fraction or 1e-12)

    @property
    def n_actions(self) -> int:
        return int(self.action_space.n)  # type: ignore[attr-defined]

    def choose(self, obs: Any) -> np.ndarray:
        """The actions [S, E] that seem best, for observations [S, E, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must say which action it takes for the best.")

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        """ε-greedy actions [S, E]: a coin for each environment."""
        best = self.choose(obs)
        if deterministic:
            return best
        explore = self._rng.uniform(self.n_envs) < self.exploration_rate
        return np.where(explore, self._rng.randint(self.n_actions, self.n_envs), best)

    def play(self) -> Played:
        """T steps in every lane. Raises StopTraining where a callback says so."""
        env, callback = self.env, self._callback
        steps: list[tuple] = []
        self.set_training_mode(False)
        callback.on_rollout_start()
        self.heed_rollout()
        for _ in range(self.n_steps):
            actions = self.act(self.by_seed(self._last_obs)).reshape(self.n_lanes)
            new_obs, rewards, dones, infos = env.step(actions)
            self.num_timesteps += self.n_envs
            callback.update_locals(locals())
            if not callback.on_step():
                raise StopTraining
            self.heed()
            step = Step(new_obs, rewards, dones, infos)  # as the callback left them
            self._update_info_buffer(infos, dones)
            seen, next_obs = tree_map(np.array, self._last_obs), tree_map(np.array, step.next_obs)
            steps.append((seen, actions, step.r, step.discount(self.gamma), ~step.done.astype(bool), next_obs))
            self._last_obs, self._last_episode_starts = new_obs, dones
            self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
            self.exploration_rate = self.now(self.exploration_schedule)
        callback.on_rollout_end()
        self.heed()
        obs, action, r, discount, goes_on, next_obs = zip(*steps, strict=True)
        stacked = lambda seen: {key: np.stack([x[key] for x in seen]) for key in seen[0]} if isinstance(seen[0], dict) else np.stack(seen)
        r, discount, goes_on = (np.stack(x).astype(np.float32) for x in (r, discount, goes_on))
        return Played(stacked(obs), np.stack(action), r, discount, goes_on, stacked(next_obs))

    def iterate(self) -> None:
        played = self.play()
        self._iteration += 1
        if self._log_interval is not None and self._iteration % self._log_interval == 0:
            self.dump_logs(self._iteration)
        self.train(played)

    def train(self, played: Played) -> None:
        self.begin_training()
        self.update(played)
        self.end_training()

    def update(self, played: Played) -> None:
        """Learn from the steps of all lanes."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns from a rollout.")

    def _record_progress(self) -> None:
        self.logger.record("rollout/exploration_rate", self.exploration_rate)
