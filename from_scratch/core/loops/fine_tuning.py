"""Learning from a data set, and then going on in an environment, from a memory that begins with the data set."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, Self

from stable_baselines3.common.save_util import save_to_pkl
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.data import Step
from from_scratch.core.datasets import Dataset
from from_scratch.core.files import load_pickle
from from_scratch.core.loops.offline import Offline
from from_scratch.core.replay.growing import Growing, Played


class FineTuned(Offline):
    """`learn` takes gradient steps on the data set; `learn_online` plays, adds each step to the memory, and takes `gradient_steps` on all that is there.

    What was played stays in the memory, also for another `learn` or `learn_online`, and in copies; `save` leaves it out, as SB3 does a replay buffer.
    """

    buffer_size: int = 1_000_000
    gradient_steps: int = 1

    is_online = False

    def _setup_buffers(self) -> None:
        self.replay_buffer = Played(self.buffer_size)
        super()._setup_buffers()

    def new_memory(self, data: Dataset) -> Growing:
        return Growing(self.replay_buffer, *self.as_networks_see(data))

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "replay_buffer"]

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.replay_buffer = self.replay_buffer.of_seed(k)

    def save_replay_buffer(self, path: Any) -> None:
        """Save what was played, as a pickle. The data set is not in it."""
        save_to_pkl(path, vars(self.replay_buffer), self.verbose)  # plain data, which can be read as such

    def load_replay_buffer(self, path: str | pathlib.Path | Any, *, trust: bool = False) -> None:
        """Take the steps that save_replay_buffer wrote for those that were played. They are read as data, unless their author is trusted to run code."""
        played = load_pickle(path, trust, verbose=self.verbose)
        right = isinstance(played, dict) and played.keys() == vars(self.replay_buffer).keys()
        if not right or len(played["parts"].get("reward", [None] * self.n_seeds)) != self.n_seeds:
            raise ValueError(f"{path} does not hold what {self.n_seeds} seeds of {type(self).__name__} played, as save_replay_buffer writes it.")
        self.replay_buffer = Played(**played)
        self.__dict__.pop("memory", None)

    def why_not_exact(self) -> str | None:
        played = "what was played is in no file: save_replay_buffer(…) keeps it" if self.replay_buffer.parts else None
        return played or super().why_not_exact()

    # ------------------------------------------------------------------------------------------------------------------- playing
    def learn_online(
        self, total_timesteps: int, env: GymEnv | str | Callable[..., Any] | None = None, callback: MaybeCallback = None, log_interval: int | None = 4,
        tb_log_name: str | None = None, reset_num_timesteps: bool = True, progress_bar: bool = False,
    ) -> Self:  # fmt: skip
        """Go on by playing total_timesteps steps of each seed, in `env` or the model's own: SB3's `learn`, which counts steps and logs by episodes.

        Actions are drawn from the policy. `num_timesteps` begins at 0 unless reset_num_timesteps is off, in which case it goes on from gradient steps.
        """
        if env is not None:
            self.set_env(env)
        if self.env is None:
            raise ValueError(f"{type(self).__name__}.learn_online plays, and the model has no environment: learn_online({total_timesteps}, env=…).")
        self.is_online = True
        try:
            name = tb_log_name or type(self).__name__
            return self.learn(total_timesteps, callback, log_interval, name, reset_num_timesteps, progress_bar)
        finally:
            self.is_online = False

    def iterate(self) -> None:
        if not self.is_online:
            super().iterate()
            return
        callback, env = self._callback, self.env
        assert env is not None
        self.set_training_mode(False)
        callback.on_rollout_start()
        obs = self.by_seed(self._last_obs)
        buffer_actions = self.act(obs)  # [S, E, ...]
        actions = self.to_env(buffer_actions.reshape(self.n_lanes, *self.action_space.shape))  # type: ignore[misc]
        new_obs, rewards, dones, infos = env.step(actions)
        self.num_timesteps += self.n_envs
        callback.update_locals(locals())
        if not callback.on_step():
            raise StopTraining
        if self.heeds:
            self.heed()
        step = Step(new_obs, rewards, dones, infos)
        self._update_info_buffer(infos, dones)
        self.memory.add(obs, buffer_actions, *map(self.by_seed, (step.r, step.next_obs, step.terminated)))
        self._last_obs = new_obs  # type: ignore[assignment]
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        callback.on_rollout_end()
        self.train(self.gradient_steps if self.gradient_steps >= 0 else self.n_envs, self.batch_size)
        self.end_training()
        before, self._episode_num = self._episode_num, self._episode_num + len(step.ended)
        if self.log_is_due(before, self._log_interval):
            self.dump_logs()

    def _record_progress(self) -> None:
        super()._record_progress()
        if self.is_online:
            self.logger.record("time/episodes", self._episode_num, exclude="tensorboard")
