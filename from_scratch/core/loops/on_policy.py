"""Collecting with the current policy, and the samples that its updates learn from.

Per step only obs → action is computed. Values and log-probabilities come in one batched pass after the rollout, or for those who look
before: a callback that reads them, or the buffer, in mid-rollout. One that changes the weights in mid-rollout has what was played before
evaluated with the weights that played it. Policies and rollout buffers of somebody else's making are used as SB3 uses them, step by
step and through their own methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from from_scratch.core.algorithm import Algorithm, StopTraining
from from_scratch.core.callbacks import Locals
from from_scratch.core.data import Sample, Step, tree_map
from from_scratch.core.finite import expected, is_finite, lane_of, parameter_of, refuse_nan, where_not_finite
from from_scratch.core.hyperparameters import level_of_caller
from from_scratch.core.loops.rollout import Rollout, rollout_of
from from_scratch.core.networks.actor_critic import ACTOR_CRITIC_ALIASES
from from_scratch.core.networks.hybrid import hybrid_of
from from_scratch.core.product import Product, acting_space
from from_scratch.core.returns import explained_variance, gae
from from_scratch.core.watch import replaced

OF_PARTS = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary, spaces.Tuple, spaces.Dict)  # with those that have several parts


def normalise(x: torch.Tensor) -> torch.Tensor:
    """Zero mean and unit variance over the batch, the last axis."""
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-8)


class OnPolicy(Algorithm):
    """A policy and a value function that learn from rollouts of `n_steps` per environment, each used once."""

    policy_aliases = ACTOR_CRITIC_ALIASES
    supported_action_spaces = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)

    gamma: float
    gae_lambda: float
    n_steps: int
    batch_size: int
    normalize_advantage: bool
    rollout_buffer_class: Any
    rollout_buffer_kwargs: dict[str, Any] | None

    buffers: ClassVar[tuple[type[RolloutBuffer], type[RolloutBuffer]]] = (RolloutBuffer, DictRolloutBuffer)  # for arrays, and for dicts of them
    sample_of: ClassVar[type[Sample]] = Sample
    collecting: dict[str, Any]  # what else learn() tells collect_rollouts()
    beside: ClassVar[tuple[str, ...]] = ()  # arrays of the buffer that the actor-critic is told beside observations and actions: masks

    def new_policy(self) -> BasePolicy:
        several = isinstance(acting_space(self.action_space), Product)
        kind = hybrid_of(self.policy_class, self.action_space) if several else self.policy_class
        return kind(self.observation_space, self.action_space, self.lr_schedule, use_sde=self.use_sde, **self.policy_kwargs)

    def _setup_buffers(self) -> None:
        if self.rollout_buffer_class is None:
            self.rollout_buffer_class = self.buffers[isinstance(self.observation_space, spaces.Dict)]
        self.rollout_buffer_kwargs = self.rollout_buffer_kwargs or {}
        if self.n_seeds > 1 and self.rollout_buffer_class not in self.buffers:
            raise ValueError(f"{self.rollout_buffer_class.__name__} keeps one seed's rollout; {self.n_seeds} seeds were given. Train them one at a time.")
        self.rollout_buffer = self.rollout_buffer_class(
            self.n_steps, self.observation_space, acting_space(self.action_space), device=self.device, gamma=self.gamma, gae_lambda=self.gae_lambda,
            n_envs=self.n_lanes, **self.rollout_buffer_kwargs,
        )  # fmt: skip

    def _setup_model(self) -> None:
        super()._setup_model()
        self._maybe_recommend_cpu()

    def _maybe_recommend_cpu(self, mlp_class_name: str = "ActorCriticPolicy") -> None:
        name = self.policy_class.__name__
        if self.device != torch.device("cpu") and name == mlp_class_name:
            warnings.warn(
                f"You are trying to run {type(self).__name__} on the GPU, but small networks ({name}) are faster on the CPU. "
                "Pass device='cpu', or export CUDA_VISIBLE_DEVICES= to use it.",
                UserWarning,
                stacklevel=2,
            )

    whole: ClassVar[bool] = False  # does the policy learn from the whole rollout at once, and from minibatches V alone?
    tells_of_smaller_minibatches: ClassVar[bool] = True  # does SB3 warn of a last minibatch that is smaller than the others?
    schedules: ClassVar[tuple[str, ...]] = ()  # hyper-parameters that are numbers or functions of the remaining training, or None for switched off

    def check(self) -> None:
        self.check_minibatches()

    def check_minibatches(self) -> None:
        """SB3's refusals and its warning."""
        if "batch_size" not in self.hyperparameters or self.batch_size is None:
            return
        if self.normalize_advantage and not self.whole:
            assert self.batch_size > 1, f"`batch_size` must be greater than 1 to normalise advantages; it is {self.batch_size}."
        if self.env is None:
            return
        n = self.n_steps * self.n_envs
        assert n > 1 or not self.normalize_advantage, (
            f"`n_steps * n_envs` must be greater than 1. Currently n_steps={self.n_steps} and n_envs={self.n_envs}"
        )
        if n % self.batch_size and self.tells_of_smaller_minibatches:
            warnings.warn(
                f"batch_size={self.batch_size} does not divide the {n} samples of a rollout (n_steps={self.n_steps} × n_envs={self.n_envs}): "
                f"after every {n // self.batch_size} untruncated mini-batches, there will be a truncated mini-batch of size {n % self.batch_size}.",
                stacklevel=level_of_caller(),
            )

    def build(self) -> None:
        self.actor_critic = self.net()  # π(a|s) and V(s)
        self.acting_space = acting_space(self.action_space)  # what π puts out
        self.collecting = getattr(self, "collecting", {})
        for name in self.schedules:
            if getattr(self, name) is not None:
                setattr(self, name, FloatSchedule(getattr(self, name)))

    def serves_by_heeding(self) -> bool:
        return not self.actor_critic.is_stacked

    def watched_objects(self) -> list[Any]:
        return [*super().watched_objects(), self.rollout_buffer]

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        return self.actor_critic.play(obs, None if deterministic else self._rng)

    def to_env(self, actions: np.ndarray) -> Any:
        """Actions as the environments take them: of a Tuple or Dict space a list, one for each lane."""
        return self.acting_space.as_said(actions) if isinstance(self.acting_space, Product) else super().to_env(actions)

    # ----------------------------------------------------------------------------------------------------------------- collecting
    def locals_at_start(self, variables: dict[str, Any]) -> dict[str, Any]:
        return Locals(variables, iteration=0)  # as it stays in SB3

    def collect_rollouts(self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int) -> bool:
        """Play n_rollout_steps in every lane and fill the rollout buffer; False if the callback stopped it."""
        self.set_training_mode(False)
        assert self._last_obs is not None, "No previous observation was provided"
        n_steps = 0
        rollout_buffer.reset()
        if self.use_sde:
            self._reset_noise()
        callback.on_rollout_start()
        self.heed_rollout()
        rollout = self.rollout_of(rollout_buffer, callback)
        try:
            while n_steps < n_rollout_steps:
                if self.use_sde and self.sde_sample_freq > 0 and n_steps % self.sde_sample_freq == 0:
                    self._reset_noise()
                actions = self.act(self.by_seed(self._last_obs))
                rollout.play(self._last_obs, actions)
                actions = actions.reshape(env.num_envs, *self.acting_space.shape)
                clipped_actions = self.to_env(actions)
                new_obs, rewards, dones, infos = env.step(clipped_actions)
                self.num_timesteps += self.n_envs

                callback.update_locals(rollout.show(locals()))
                if not callback.on_step():
                    return False
                rollout = rollout.heed()
                step = Step(new_obs, rewards, dones, infos)  # as the callback left them

                if step.ended or len(infos) > 1 or "episode" in infos[0]:
                    self._update_info_buffer(infos, dones)
                for idx in step.ended:
                    if step.truncated[idx] and infos[idx].get("terminal_observation") is not None:
                        terminal_obs = self.policy.obs_to_tensor(infos[idx]["terminal_observation"])[0]
                        terminal_value = self._value_of(infos[idx]["terminal_observation"], idx)
                        rewards[idx] += self.gamma * terminal_value.numpy()[0]  # a time limit is not death: bootstrap from where it cut
                rollout = rollout.store(n_steps, actions, rewards)
                self._last_obs, self._last_episode_starts = new_obs, dones
                idx, done = env.num_envs - 1, dones[-1]  # as SB3's loop over the lanes leaves them, for callbacks
                n_steps += 1
        finally:
            rollout.end()
        values = self._look_back(rollout, new_obs, dones)
        actions = actions.reshape(-1, 1) if isinstance(self.action_space, spaces.Discrete) else actions  # as SB3 stores and leaves them
        callback.update_locals(rollout.show_last(locals()))
        callback.on_rollout_end()
        return True

    def rollout_of(self, buffer: RolloutBuffer, callback: BaseCallback) -> Rollout:
        """Who notes a rollout while it is played."""
        return rollout_of(self, buffer, callback)

    def _reset_noise(self) -> None:
        for policy, stream in zip(self._policies, self._rng.streams, strict=True):
            with stream.as_process():
                policy.reset_noise(self.n_envs)

    @classmethod
    def _is_plain(cls, buffer: RolloutBuffer) -> bool:
        """Is it SB3's, with none of its methods replaced?"""
        return type(buffer) in cls.buffers and replaced(buffer) is None

    def beside_now(self) -> dict[str, np.ndarray]:
        """What `beside` names, of the step that is being played, [S·E, ...] each."""
        return {}

    def beside_by_seed(self) -> list[np.ndarray]:
        """The same as the actor-critic takes it, [S, E, ...]."""
        return [self.by_seed(np.asarray(x, np.float32)) for x in self.beside_now().values()]

    # ----------------------------------------------------------------------------------------------------------------- evaluating
    def from_time(self, x: np.ndarray) -> np.ndarray:
        """[S, T·E] → [T, S·E], the way back."""
        return x.reshape(self.n_seeds, -1, self.n_envs).swapaxes(0, 1).reshape(-1, self.n_lanes)

    def _look_back(self, rollout: Rollout, last_obs: Any, last_dones: np.ndarray) -> torch.Tensor:
        """Advantages and returns of the whole rollout, by the buffer's γ and λ. Rewards have the bootstraps of time limits in them, as in SB3's buffer.

        Returns V of the last observations, [S·E, 1]. ValueError if a number is not finite: it would turn weights into NaN, where SB3's
        distributions refuse them.
        """
        buffer, last_values = rollout.buffer, self.last_values(last_obs, last_dones).reshape(-1, 1)
        values = torch.from_numpy(last_values)
        if not rollout.is_ours:
            buffer.compute_returns_and_advantage(last_values=values, dones=last_dones)
            return values
        obs = buffer.observations.values() if isinstance(buffer.observations, dict) else (buffer.observations,)
        if not all(is_finite(x) for x in (buffer.rewards, buffer.values, last_values, *obs)):
            raise self._not_finite(buffer)
        discount = np.empty_like(buffer.rewards)
        discount[:-1], discount[-1] = 1 - buffer.episode_starts[1:], 1 - last_dones  # 0 where a new episode starts after the step
        discount *= buffer.gamma
        v_next = np.concatenate((buffer.values[1:], last_values.reshape(1, -1)))
        buffer.advantages[:] = gae(buffer.rewards, discount, buffer.values, v_next, float(buffer.gae_lambda))
        buffer.returns[:] = buffer.advantages + buffer.values
        return values

    def _not_finite(self, buffer: RolloutBuffer) -> ValueError:
        """Names the first number of a rollout that is not finite."""
        found = "a predicted value is not finite"
        seen = [*(tree_map(lambda x, t=t: x[t], buffer.observations) for t in range(buffer.buffer_size)), self._last_obs]
        for t, lane in np.ndindex(len(seen), self.n_lanes):
            step = f"{lane_of(self, lane)} at step {t + 1} of this rollout of {buffer.buffer_size}"
            if where := where_not_finite(seen[t], lane):
                found = f"the observation of {step} has {where}"
                break
            if t < buffer.buffer_size and not np.isfinite(buffer.rewards[t, lane]):
                found = f"the reward of {step} is {buffer.rewards[t, lane]}"
                break
        return expected(parameter_of(self.action_space), f"{found}: the update would turn the weights into NaN")

    def last_values(self, obs: Any, dones: np.ndarray) -> np.ndarray:
        """V of what is seen behind a rollout, [S, E]; where an episode is done, of another one's first observation, which nothing comes of."""
        return self.actor_critic.values_numpy(self.by_seed(obs))

    def _value_of(self, obs: Any, lane: int) -> torch.Tensor:
        """V of one observation of a lane, by its seed's weights, [1]."""
        everyone = tree_map(lambda x: np.broadcast_to(x, (self.n_seeds, 1, *np.shape(x))).copy(), obs)
        return torch.from_numpy(self.actor_critic.values_numpy(everyone)[lane // self.n_envs])

    def _as_actions(self, actions: Any) -> Any:
        """[S, M, n] of a buffer → what log_prob takes: [S, M] for Discrete, flat vectors otherwise."""
        return actions[..., 0] if isinstance(self.action_space, spaces.Discrete) else actions

    # ------------------------------------------------------------------------------------------------------------------- learning
    def samples(self) -> Sample | None:
        """The rollout as [S, T·E, ...] tensors, environment-major within a seed: SB3's order, which its permutations assume.

        None of a user's buffer: it has a way of its own to give minibatches.
        """
        if not self._is_plain(self.rollout_buffer):
            if self.n_seeds > 1:
                raise ValueError(f"The rollout buffer has ways of its own, but holds the rollouts of {self.n_seeds} seeds: use seeds=[k].")
            return None
        S, B, device = self.n_seeds, self.rollout_buffer, self.device
        if not B.full:
            raise ValueError(f"The rollout buffer holds {B.pos} of its {B.buffer_size} steps. Where n_steps changes, model.rollout_buffer must change with it.")
        if not B.generator_ready:  # its `get` would leave it like that: [S·E·T, ...], lane after lane
            B.observations = tree_map(B.swap_and_flatten, B.observations)
            for name in ("actions", "values", "log_probs", "advantages", "returns", *self.beside):
                setattr(B, name, B.swap_and_flatten(getattr(B, name)))
            B.generator_ready = True
        by_seed = lambda x: torch.as_tensor(x.reshape(S, -1, *x.shape[1:]), device=device)
        numbers = [torch.as_tensor(x.reshape(S, -1), device=device) for x in (B.log_probs, B.values, B.advantages, B.returns)]
        more = [by_seed(getattr(B, name)) for name in self.beside]
        return self.sample_of(tree_map(by_seed, B.observations), self._as_actions(by_seed(B.actions)), *numbers, *more)

    def minibatches(self, samples: Sample | None, size: int | None = None) -> Iterator[Sample]:
        """One epoch: every sample once, in an order drawn from each seed's stream; [S, M, ...] each, the last one maybe smaller."""
        if samples is None:
            yield from self._minibatches_of_buffer(size)
            return
        shuffled = samples.shuffled(self._rng.permutation(samples.v.shape[1], self.active))
        yield from [shuffled] if size is None or size >= samples.v.shape[1] else shuffled.split(size)

    def _minibatches_of_buffer(self, size: int | None) -> Iterator[Sample]:
        """One epoch through the buffer's own `get`, for one seed."""
        with self._rng.streams[0].as_process():
            batches = list(self.rollout_buffer.get(size))
        yield from map(self.sample_from, batches)

    def sample_from(self, b: Any) -> Sample:
        """A minibatch that a buffer has given, [M, ...], as one of ours, [1, M, ...]."""
        one = lambda x: x.unsqueeze(0)
        actions = self._as_actions(one(b.actions))
        numbers = [one(x) for x in (b.old_log_prob, b.old_values, b.advantages, b.returns, *(getattr(b, name) for name in self.beside))]
        return self.sample_of(tree_map(one, b.observations), actions, *numbers)

    def iterate(self) -> None:
        if not self.collect_rollouts(self.env, self._callback, self.rollout_buffer, n_rollout_steps=self.n_steps, **self.collecting):
            raise StopTraining
        self._iteration += 1
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        if self._log_interval is not None and self._iteration % self._log_interval == 0:
            self.dump_logs(self._iteration)
        self.train()
        if self.num_timesteps < self._total_timesteps:
            return  # weights that have become NaN do not pass the next step
        refuse_nan(self, "a weight", np.array([sum(p.detach().sum().item() for p in policy.parameters()) for policy in self._policies]))

    def train(self) -> None:
        """Update policy and value function from the rollout in the buffer."""
        self.begin_training()
        self.active[:] = True
        self.update(self.samples())
        self.end_training(self.logs_last)
        self.record_rollout()

    logs_last: ClassVar[tuple[str, ...]] = ()  # metrics of which the last update's is logged, not the mean

    def update(self, rollout: Sample | None) -> None:
        """Learn from a rollout, every field [S, T·E, ...], by minibatches of it."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns from a rollout.")

    def record_rollout(self) -> None:
        """Log what the rollout says of the value function and of the policy's spread."""
        B, S = self.rollout_buffer, self.n_seeds
        in_time = lambda x: x if B.generator_ready else x.reshape(len(x), S, -1).swapaxes(0, 1)
        values, returns = (np.ascontiguousarray(in_time(x)).reshape(S, -1) for x in (B.values, B.returns))
        self.record("train/explained_variance", explained_variance(values, returns))
        for name in self.schedules:
            if getattr(self, name) is not None:
                self.logger.record(f"train/{name}", self.now(getattr(self, name)))
        if hasattr(self._policies[0], "log_std"):
            self.record("train/std", [policy.log_std.detach().exp().mean().item() for policy in self._policies])


class AtOnce(OnPolicy):
    """Whose update is one gradient step over a whole rollout, by RMSprop unless policy_kwargs name another optimizer."""

    rms_prop_eps: float  # a hyper-parameter that each algorithm gives its default
    use_rms_prop: ClassVar[bool] = True

    def check(self) -> None:
        super().check()
        if self.use_rms_prop and "optimizer_class" not in self.policy_kwargs:
            rms_prop = {"optimizer_class": torch.optim.RMSprop, "optimizer_kwargs": {"alpha": 0.99, "eps": self.rms_prop_eps}}
            self.policy_kwargs = {**self.policy_kwargs, **rms_prop}

    def loss(self, b: Sample) -> Any:
        """What is descended on, of every seed; every field [S, M, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must say what it descends on.")

    def update(self, rollout: Sample | None) -> None:
        for batch in self.minibatches(rollout):  # one: everything
            self.minimise(self.loss, batch, by=self.actor_critic)
        self.updates += 1


OnPolicyAlgorithm.register(OnPolicy)  # isinstance(model, OnPolicyAlgorithm) holds, as tools expect; its loop is not ours
