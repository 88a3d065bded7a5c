"""Algorithms that turn once per environment step: what one step of every lane brings with it."""

from __future__ import annotations

import numpy as np

from from_scratch.core.algorithm import Algorithm, StopTraining
from from_scratch.core.data import Step
from from_scratch.core.finite import refuse_rewards


class Stepwise(Algorithm):
    """One `iterate()` is one step of every lane: of E environments for each of S seeds."""

    log_interval = 100  # episodes

    def take(self, actions: np.ndarray) -> Step:
        """Take actions [S, E, ...], and what that brought. `_last_obs` moves on; after an episode it is the next one's first."""
        callback = self._callback
        callback.on_rollout_start()
        self.heed()
        new_obs, rewards, dones, infos = self.env.step(self.to_env(actions.reshape(self.n_lanes, *self.action_space.shape)))
        self.num_timesteps += self.n_envs
        refuse_rewards(self, rewards)
        callback.update_locals(locals())  # by SB3's names
        if not callback.on_step():
            raise StopTraining
        callback.on_rollout_end()
        self.heed()
        step = Step(new_obs, rewards, dones, infos)  # as the callback left them
        self._last_obs, self._last_episode_starts = new_obs, dones
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        self._update_info_buffer(infos, dones)
        if step.ended:
            before = self._episode_num
            self._episode_num += len(step.ended)
            if self.log_is_due(before, self._log_interval):
                self.dump_logs()
        return step

    def _record_progress(self) -> None:
        self.logger.record("time/episodes", self._episode_num, exclude="tensorboard")
