"""Learning from a replay memory: play a few steps, store them, take gradient steps on batches drawn from the memory."""

from __future__ import annotations

import pathlib
import warnings
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import ActionNoise, VectorizedActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.save_util import save_to_pkl
from stable_baselines3.common.type_aliases import RolloutReturn, TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.utils import should_collect_more_steps
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.data import Step, Transition
from from_scratch.core.files import load_pickle
from from_scratch.core.loops.networked import Networked
from from_scratch.core.replay.memory import replay
from from_scratch.core.resuming import memory as memories
from from_scratch.core.resuming.picture import Putting, Taking
from from_scratch.core.vec_env import normalizers


class OffPolicy(Networked):
    """Collect `train_freq`, then take `gradient_steps`: the loop that DQN, DDPG, TD3 and SAC share."""

    log_interval = 4  # episodes
    not_copied = (*Networked.not_copied, "memory")  # adopt() binds the copied buffers

    gamma: float
    n_steps: int
    buffer_size: int
    batch_size: int
    learning_starts: int
    train_freq: TrainFreq | int | tuple[int, str]
    gradient_steps: int
    optimize_memory_usage: bool
    replay_buffer_class: Any
    replay_buffer_kwargs: dict[str, Any] | None

    # ------------------------------------------------------------------------------------------------------------------- memory
    def _setup_buffers(self) -> None:
        self._convert_train_freq()
        self._noises: list[ActionNoise | None] = []
        self.replay_buffer_kwargs = self.replay_buffer_kwargs or {}
        told = self.replay_buffer_kwargs.get("n_steps") == self.n_steps  # by a user, or by the first model of a file
        own = self.new_form() is not None  # looks ahead by itself, whatever the buffer
        if self.n_steps > 1 and self.replay_buffer_class is not None and not told and not own:
            warnings.warn(
                f"`n_steps={self.n_steps}` is ignored because a custom `replay_buffer_class` (`{self.replay_buffer_class.__name__}`) was passed. "
                f'Configure it explicitly: `replay_buffer_kwargs={{"n_steps": {self.n_steps}, "gamma": {self.gamma}}}`.',
                stacklevel=4,
            )
        if self.replay_buffer_class is None:
            if isinstance(self.observation_space, spaces.Dict):
                self.replay_buffer_class = DictReplayBuffer
                assert self.n_steps == 1 or own, "N-step returns are not supported for Dict observation spaces yet."
            elif self.n_steps > 1 and not own:
                self.replay_buffer_class = NStepReplayBuffer
                self.replay_buffer_kwargs.update({"n_steps": self.n_steps, "gamma": self.gamma})
            else:
                self.replay_buffer_class = ReplayBuffer
        if getattr(self, "replay_buffer", None) is None:
            self.replay_buffers = [self._new_buffer(k) for k in range(self.n_seeds)]
            self.replay_buffer = self.replay_buffers[0]
        self._bind_memory()

    def _new_buffer(self, k: int) -> ReplayBuffer:
        kwargs = self.replay_buffer_kwargs.copy()
        if issubclass(self.replay_buffer_class, HerReplayBuffer):
            assert self.env is not None, "You must pass an environment when using `HerReplayBuffer`"
            kwargs["env"] = getattr(self.env, "venvs", [self.env])[k]
        return self.replay_buffer_class(
            self.buffer_size, self.observation_space, self.kept_actions(), device=self.device, n_envs=self.n_envs,
            optimize_memory_usage=self.optimize_memory_usage, **kwargs,
        )  # fmt: skip

    def kept_actions(self) -> spaces.Space:
        """The space of what is stored as a step's action."""
        return self.action_space

    def _bind_memory(self) -> None:
        """Read and write the buffers that are there now: a user may have loaded or replaced one."""
        if self.n_seeds == 1:
            self.replay_buffers = [self.replay_buffer]
        known = normalizers(self.env)
        bound = hasattr(self, "memory") and self.memory.is_bound(self.replay_buffers) and self.memory.is_asked()
        if not (bound and self.memory.normalizers == known and self.memory.rng is self._rng):
            self.memory = replay(self.replay_buffers, self._rng, self.gamma, known, self.new_sampler(), self.new_form(), type(self).__name__)
            if "acting" in vars(self):
                self._watch()

    def new_sampler(self) -> Any:
        """Which steps of the memory are drawn (`core/replay/samplers.py`); None: all alike, as the buffers have it."""
        return None

    def new_form(self) -> Any:
        """What becomes of them (`core/replay/forms.py`); None: a step, or `n_steps`, as the buffers have it."""
        return None

    def adopt(self) -> None:
        super().adopt()
        self.look_for_own_predict()
        self._bind_memory()

    def adopt_again(self) -> None:
        super().adopt_again()
        self._bind_memory()

    def prepare_training(self) -> None:
        super().prepare_training()
        if self.heeds and self.n_seeds > 1 and not self.memory.is_bound(self.replay_buffers):  # that of one seed is watched
            self._bind_memory()

    def watched_objects(self) -> list[Any]:
        return [*super().watched_objects(), *self.replay_buffers]

    def acting_attributes(self) -> list[tuple[Any, Sequence[str]]]:
        memory = getattr(self, "memory", None)  # a copied model has none before adopt()
        return [] if memory is None else [(buffer, getattr(memory, "names", ())) for buffer in memory.buffers]

    def watched_attributes(self) -> list[tuple[Any, Sequence[str]]]:
        return [(self, ["replay_buffer"])]

    def _hand_over(self, model: Any, k: int) -> None:
        model.replay_buffer, model.replay_buffers = self.replay_buffers[k], [self.replay_buffers[k]]
        model._noises = deepcopy(self._noises[k : k + 1])
        model.action_noise = model._noises[0] if model._noises else deepcopy(self.action_noise)
        model._bind_memory()

    def _complete(self) -> None:
        super()._complete()
        for buffer, env in zip(getattr(self, "replay_buffers", []), getattr(self.env, "venvs", [self.env]), strict=False):
            if isinstance(buffer, HerReplayBuffer) and buffer.env is None and env is not None:  # HER's buffers leave it out of their copies
                buffer.set_env(env)

    def save_replay_buffer(self, path: Any) -> None:
        """Save the replay memory as a pickle, as SB3 does."""
        save_to_pkl(path, self.replay_buffer if self.n_seeds == 1 else self.replay_buffers, self.verbose)

    def load_replay_buffer(self, path: str | pathlib.Path | Any, truncate_last_traj: bool = True, *, trust: bool = False) -> None:
        """Load a replay memory written by save_replay_buffer, ours or SB3's. It is read as data, unless its author is trusted to run code
        (docs/loading.md): a buffer of the user's own class, say.
        """
        loaded = load_pickle(path, trust, verbose=self.verbose)
        self.replay_buffers = loaded if isinstance(loaded, list) else [loaded]
        if len(self.replay_buffers) != self.n_seeds or not all(isinstance(buffer, ReplayBuffer) for buffer in self.replay_buffers):
            found = f"{len(self.replay_buffers)} of {type(self.replay_buffers[0]).__name__}"
            raise ValueError(f"{path} holds {found}; a ReplayBuffer for each of {self.n_seeds} seeds is needed.")
        self.replay_buffer = self.replay_buffers[0]
        for k, buffer in enumerate(self.replay_buffers):
            if isinstance(buffer, HerReplayBuffer):
                assert self.env is not None, "You must pass an environment at load time when using `HerReplayBuffer`"
                buffer.set_env(getattr(self.env, "venvs", [self.env])[k])
                if truncate_last_traj:
                    buffer.truncate_last_trajectory()
            buffer.device = self.device
        self._bind_memory()

    def state_of_memory(self) -> tuple[Any, list[np.ndarray]]:
        return memories.state_of(self.replay_buffers)

    def put_memory(self, data: Any, arrays: list[np.ndarray]) -> None:
        memories.put_into(self.replay_buffers, data, arrays)
        self.__dict__.pop("memory", None)  # what it has worked out of the buffers is not theirs any more
        self._bind_memory()

    def state_of_noises(self) -> tuple[Any, list[np.ndarray]]:
        taking = Taking()
        return taking.of(self._noises, "action_noise"), taking.arrays

    def put_noises(self, data: Any, arrays: list[np.ndarray]) -> None:
        self._noises = Putting(arrays).into(self._noises, data, "action_noise")

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "replay_buffers", "memory", "_noises", "gradient_step"]

    def _convert_train_freq(self) -> None:
        if isinstance(self.train_freq, TrainFreq):
            return
        freq = self.train_freq if isinstance(self.train_freq, tuple) else (self.train_freq, "step")
        try:
            unit = TrainFrequencyUnit(freq[1])
        except ValueError:
            raise ValueError(f"The unit of the `train_freq` must be either 'step' or 'episode' not '{freq[1]}'!") from None
        if not isinstance(freq[0], int):
            raise ValueError(f"The frequency of `train_freq` must be an integer and not {freq[0]}")
        if freq[0] < 1:
            raise ValueError(f"train_freq={self.train_freq}: give a whole number of steps or episodes from 1 on.")
        if unit is TrainFrequencyUnit.EPISODE and self.n_seeds > 1:
            raise ValueError(f"train_freq={self.train_freq}: seeds end their episodes at different steps, so {self.n_seeds} of them cannot train in lock-step.")
        self.train_freq = TrainFreq(freq[0], unit)

    # --------------------------------------------------------------------------------------------------------------- collecting
    def _sample_action(self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Actions for the environments, and as they are stored: random before `learning_starts`, the policy's afterwards."""
        warm_up = self.num_timesteps < learning_starts and not (self.use_sde and self.use_sde_at_warmup)
        actions = (self.at_random() if warm_up else self._chosen()).reshape(n_envs, *self.action_space.shape)
        if not isinstance(self.action_space, spaces.Box):
            return actions, actions
        scaled = self.policy.scale_action(actions)  # the round trip is SB3's
        if action_noise is not None:
            scaled = np.clip(scaled + self._draw_action_noise(), -1, 1)
        return self.policy.unscale_action(scaled), scaled

    def at_random(self, who: np.ndarray | None = None) -> np.ndarray:
        """Uniformly random actions, [S, E, ...]; seeds not in `who` get zeros."""
        return self._rng.sample_actions(self.n_envs, who)

    def _chosen(self) -> np.ndarray:
        """Actions for the last observations, as the environments take them: through `predict`, as in SB3, where a user has a say in it."""
        if self.has_own_predict or (self.heeds and "predict" in vars(self)):
            if self.n_seeds > 1:
                raise ValueError(f"{type(self).__name__}.predict was replaced, but it chooses for one seed and this model has {self.n_seeds}: use seeds=[k].")
            with self._rng.streams[0].as_process():
                return self.predict(self._last_obs, deterministic=False)[0]
        obs = self.by_seed(self._last_obs)
        if not isinstance(self.action_space, spaces.Box):
            return self.act(obs)
        if self.asks_policies:
            return self.asked(obs)
        return self.policy.unscale_action(self.act(obs).reshape(-1, *self.action_space.shape))

    def _draw_action_noise(self) -> np.ndarray:
        """Exploration noise for every lane, [S·E, n], drawn from each seed's stream."""
        draws = []
        for noise, stream in zip(self._noises, self._rng.streams, strict=True):
            with stream.as_process():
                draws.append(noise())
        return np.concatenate([np.atleast_2d(draw) for draw in draws])

    def _setup_learn(self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *args: Any, **kwargs: Any) -> Any:
        if self.optimize_memory_usage and reset_num_timesteps and any(buffer.full or buffer.pos > 0 for buffer in self.replay_buffers):
            warnings.warn(
                "The last trajectory in the replay buffer will be truncated, see https://github.com/DLR-RM/stable-baselines3/issues/46. "
                "You should use `reset_num_timesteps=False` or `optimize_memory_usage=False` to avoid that issue.",
                stacklevel=3,
            )
            for buffer in self.replay_buffers:
                buffer.dones[(buffer.pos - 1) % buffer.buffer_size] = True
        if self.action_noise is not None and self.n_envs > 1 and not isinstance(self.action_noise, VectorizedActionNoise):
            self.action_noise = VectorizedActionNoise(self.action_noise, self.n_envs)
        more = [deepcopy(self.action_noise) for _ in range(self.n_seeds - 1)] if len(self._noises) < self.n_seeds else self._noises[1:]
        self._noises = [self.action_noise, *more]
        return super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *args, **kwargs)

    def _unnormalised(self, lane: int, obs: Any) -> Any:
        """A lane's observation as its environment gave it."""
        normalizer = self.memory.normalizers[lane // self.n_envs]
        return obs if normalizer is None else normalizer.unnormalize_obs(obs)

    def _store_transition(self, replay_buffer: Any, buffer_action: np.ndarray, new_obs: Any, reward: np.ndarray, dones: np.ndarray, infos: list[dict]) -> None:
        """Store one step of every lane, with raw observations and rewards where VecNormalize is used."""
        raw: Any = self._vec_normalize_env or (self.env if getattr(self.env, "normalizes", False) else None)
        if raw is None:
            self._last_original_obs, original_obs = self._last_obs, new_obs
        else:
            original_obs, reward = raw.get_original_obs(), raw.get_original_reward()
        next_obs = Step(original_obs, reward, dones, infos).successor(self._unnormalised) if any(dones.tolist()) else original_obs
        self.memory.add(self._last_original_obs, next_obs, buffer_action, reward, dones, infos)
        self._last_obs = new_obs
        if raw is not None:
            self._last_original_obs = original_obs

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, train_freq: TrainFreq, replay_buffer: Any, action_noise: ActionNoise | None = None,
        learning_starts: int = 0, log_interval: int | None = None,
    ) -> RolloutReturn:  # fmt: skip
        """Play `train_freq` steps or episodes, store them, and call `_on_step` after each step."""
        self.set_training_mode(False)
        num_collected_steps, num_collected_episodes = 0, 0
        assert train_freq.frequency > 0, "Should at least collect one step or episode."
        if env.num_envs > 1:
            assert train_freq.unit == TrainFrequencyUnit.STEP, "You must use only one env when doing episodic training."
        if self.use_sde:
            self.reset_noise(self.n_envs)
        callback.on_rollout_start()
        self.heed_rollout()
        continue_training = True

        while should_collect_more_steps(train_freq, num_collected_steps, num_collected_episodes):
            if self.use_sde and self.sde_sample_freq > 0 and num_collected_steps % self.sde_sample_freq == 0:
                self.reset_noise(self.n_envs)
            actions, buffer_actions = self._sample_action(learning_starts, action_noise, env.num_envs)
            new_obs, rewards, dones, infos = env.step(actions)
            self.num_timesteps += self.n_envs
            num_collected_steps += 1

            callback.update_locals(locals())
            if not callback.on_step():
                return RolloutReturn(num_collected_steps * self.n_envs, num_collected_episodes, continue_training=False)
            if self.heeds:
                self.heed()
            step = Step(new_obs, rewards, dones, infos)  # as the callback left them

            if step.ended or len(infos) > 1 or "episode" in infos[0]:
                self._update_info_buffer(infos, dones)
            self._store_transition(replay_buffer, buffer_actions, new_obs, rewards, dones, infos)
            self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
            self._on_step()

            for idx in step.ended:
                num_collected_episodes += 1
                self._episode_num += 1
                if action_noise is not None:
                    kwargs = {"indices": [idx % self.n_envs]} if self.n_envs > 1 else {}
                    self._noises[idx // self.n_envs].reset(**kwargs)  # a lane's episode ended: its noise starts anew
                if self.log_is_due(self._episode_num - 1, log_interval):
                    self.dump_logs()
            idx, done = env.num_envs - 1, dones[-1]  # as SB3's loop over the lanes leaves them, for callbacks
        callback.on_rollout_end()
        return RolloutReturn(num_collected_steps * self.n_envs, num_collected_episodes, continue_training)

    def _on_step(self) -> None:
        """Called after each step of the environments."""

    # ----------------------------------------------------------------------------------------------------------------- learning
    def iterate(self) -> None:
        rollout = self.collect_rollouts(
            self.env, self._callback, self.train_freq, self.replay_buffer, self.action_noise, self.learning_starts, self._log_interval
        )
        if not rollout.continue_training:
            raise StopTraining
        if self.num_timesteps > 0 and self.num_timesteps > self.learning_starts:
            gradient_steps = self.gradient_steps if self.gradient_steps >= 0 else rollout.episode_timesteps
            if gradient_steps > 0:
                self.train(gradient_steps=gradient_steps, batch_size=self.batch_size)

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Take gradient steps, each on a batch of every seed, drawn from the memory."""
        self.begin_training()
        for self.gradient_step in range(gradient_steps):
            self.updates += 1
            self.update(self.memory.sample(batch_size, self.gamma))
        self.end_training()

    def update(self, b: Transition) -> None:
        """Learn from one batch, every field [S, M, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns from replayed transitions.")

    def _record_progress(self) -> None:
        self.logger.record("time/episodes", self._episode_num, exclude="tensorboard")
        if self.use_sde:
            self.record("train/std", [policy.actor.get_std().mean().item() for policy in self._policies])


OffPolicyAlgorithm.register(OffPolicy)  # isinstance(model, OffPolicyAlgorithm) holds, as tools expect; its loop is not ours
