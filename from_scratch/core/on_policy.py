"""Collecting with the current policy, and the samples that its updates learn from.

Per step only obs → action is computed. Values, log-probabilities and the bootstraps of episodes that a time limit cut short come in
one batched pass after the rollout: the weights do not change in between. Policies and rollout buffers of somebody else's making are
used as SB3 uses them, step by step and through their own methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, ConvertCallback, EventCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.vec_env import VecEnv

from from_scratch.core import kernels
from from_scratch.core.algorithm import Algorithm, StopTraining
from from_scratch.core.data import Sample, tree_map
from from_scratch.core.policies import ACTOR_CRITIC_ALIASES, ForeignActorCritic, StackedActorCritic, actor_critic
from from_scratch.core.returns import gae
from from_scratch.core.watch import Copy, replaced


def reads_locals(callback: BaseCallback | None) -> bool:
    """Might this callback look at a step's values and log-probabilities? SB3's own never do; a user's may."""
    if isinstance(callback, CallbackList):
        return any(reads_locals(child) for child in callback.callbacks)
    if isinstance(callback, ConvertCallback):
        return callback.callback is not None
    if isinstance(callback, EventCallback) and reads_locals(callback.callback):
        return True
    return callback is not None and not (type(callback).__module__.startswith("stable_baselines3.") or getattr(callback, "needs_no_values", False))


AT_ONCE = 512  # samples per seed that are evaluated together: what they leave behind stays in the cache


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
    rollout_buffer_class: Any
    rollout_buffer_kwargs: dict[str, Any] | None

    def new_policy(self) -> BasePolicy:
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, use_sde=self.use_sde, **self.policy_kwargs)

    def _setup_buffers(self) -> None:
        if self.rollout_buffer_class is None:
            self.rollout_buffer_class = DictRolloutBuffer if isinstance(self.observation_space, spaces.Dict) else RolloutBuffer
        self.rollout_buffer_kwargs = self.rollout_buffer_kwargs or {}
        if self.n_seeds > 1 and self.rollout_buffer_class not in (RolloutBuffer, DictRolloutBuffer):
            raise ValueError(f"{self.rollout_buffer_class.__name__} keeps one seed's rollout; {self.n_seeds} seeds were given. Train them one at a time.")
        self.rollout_buffer = self.rollout_buffer_class(
            self.n_steps, self.observation_space, self.action_space, device=self.device, gamma=self.gamma, gae_lambda=self.gae_lambda,
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

    def serve(self) -> None:
        """π(a|s) and V(s) of all seeds, and their optimiser."""
        self.actor_critic, self._optimiser = actor_critic(self._policies, self._tell, may_change=self.heeds)
        self._rows = self._optimiser.rows
        self._played: Copy | None = None  # the weights that play the present rollout, where a user's code might change them

    def serves_by_heeding(self) -> bool:
        return not isinstance(self.actor_critic, StackedActorCritic)

    def watched_objects(self) -> list[Any]:
        return [*super().watched_objects(), self.rollout_buffer]

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        return self.actor_critic.play(obs, None if deterministic else self._rng)

    # ----------------------------------------------------------------------------------------------------------------- collecting
    def collect_rollouts(self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int) -> bool:
        """Play n_rollout_steps in every lane and fill the rollout buffer; False if the callback stopped it."""
        self.set_training_mode(False)
        assert self._last_obs is not None, "No previous observation was provided"
        n_steps, cut = 0, []  # type: int, list[tuple[int, int, Any]]
        rollout_buffer.reset()
        self._reset_noise()
        callback.on_rollout_start()
        self.heed_rollout()
        deferred = self._is_ours(rollout_buffer)
        if deferred and self.heeds:
            self._played = Copy(self._rows.theta.numpy())
        each_step = not deferred or reads_locals(callback)

        while n_steps < n_rollout_steps:
            if self.use_sde and self.sde_sample_freq > 0 and n_steps % self.sde_sample_freq == 0:
                self._reset_noise()
            actions = self.act(self.by_seed(self._last_obs))
            if each_step:
                values, log_probs = self._judge(self.by_seed(self._last_obs), actions)  # callbacks may read them through locals()
            actions = actions.reshape(env.num_envs, *self.action_space.shape)
            clipped_actions = self.to_env(actions)
            new_obs, rewards, dones, infos = env.step(clipped_actions)
            self.num_timesteps += self.n_envs

            callback.update_locals(locals())
            if not callback.on_step():
                return False
            if self.heeds and not (deferred and self._plays_on()):
                if deferred:  # what was played so far is judged by the weights that played it
                    values, log_probs = self._judge_played(rollout_buffer, n_steps, actions, cut)
                    deferred, each_step = False, True
                self.heed()

            self._update_info_buffer(infos, dones)
            if dones.any():
                cut += [
                    (n_steps, lane, infos[lane]["terminal_observation"])
                    for lane in np.flatnonzero(dones)
                    if infos[lane].get("TimeLimit.truncated", False) and infos[lane].get("terminal_observation") is not None
                ]
            if deferred:
                self._write(rollout_buffer, n_steps, actions, rewards)
            else:
                for step, lane, terminal_obs in cut:
                    rewards[lane] += self.gamma * self._value_of(terminal_obs, lane) if step == n_steps else 0
                stored = actions.reshape(-1, 1) if isinstance(self.action_space, spaces.Discrete) else actions
                rollout_buffer.add(self._last_obs, stored, rewards, self._last_episode_starts, values, log_probs)
            self._last_obs, self._last_episode_starts = new_obs, dones
            n_steps += 1

        if deferred:
            self._evaluate(rollout_buffer, dones, cut)
        else:
            values = torch.as_tensor(self.actor_critic.values_numpy(self.by_seed(new_obs)).reshape(-1, 1))
            rollout_buffer.compute_returns_and_advantage(last_values=values, dones=dones)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _reset_noise(self) -> None:
        if self.use_sde:
            for policy, stream in zip(self._policies, self._rng.streams, strict=True):
                with stream.as_process():
                    policy.reset_noise(self.n_envs)

    @torch.no_grad()
    def _judge(self, obs: Any, actions: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """V(s) [S·E, 1] and log π(a|s) [S·E], as SB3 has them in a callback's locals."""
        if isinstance(self.actor_critic, ForeignActorCritic):  # what it says of an action, it says with the action
            values, log_probs = self.actor_critic.judged
        else:
            actions = actions.reshape(*actions.shape[:2], -1) if isinstance(self.action_space, spaces.Box) else actions
            values, log_probs, _ = self.actor_critic.evaluate(tree_map(torch.as_tensor, obs), torch.as_tensor(actions, device=self.device))
        return values.reshape(-1, 1), log_probs.reshape(-1)

    def _is_ours(self, buffer: RolloutBuffer) -> bool:
        """May we write the buffer and compute values after the rollout? Not if the buffer or the policy has ways of its own."""
        plain = type(buffer) in (RolloutBuffer, DictRolloutBuffer) and replaced(buffer) is None
        return plain and not isinstance(self.actor_critic, ForeignActorCritic)

    def _plays_on(self) -> bool:
        """Did the user's code leave alone what the rollout is being played with? Then it can be judged when it is complete."""
        return self.acting.holds() and self._played.is_same()

    def _judge_played(self, buffer: RolloutBuffer, t: int, actions: np.ndarray, cut: list[tuple[int, int, Any]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Fill in the t steps that were played, by the weights of that time; V(s) and log π(a|s) of the present step, as `_judge` gives them."""
        with self._played.restored():
            if t:
                obs, past = self.by_time(buffer.observations[:t]), self._as_actions(self.by_time(buffer.actions[:t]))
                buffer.values[:t], buffer.log_probs[:t] = map(self.from_time, self.actor_critic.evaluate_numpy(obs, past))
            for step, lane, terminal_obs in cut:
                buffer.rewards[step, lane] += self.gamma * self._value_of(terminal_obs, lane)
            cut.clear()
            return self._judge(self.by_seed(self._last_obs), self.by_seed(actions))

    def _write(self, buffer: RolloutBuffer, t: int, actions: np.ndarray, rewards: np.ndarray) -> None:
        if isinstance(buffer.observations, dict):
            for key, memory in buffer.observations.items():
                memory[t].flat = self._last_obs[key]
        else:
            buffer.observations[t].flat = self._last_obs
        buffer.actions[t].flat = actions
        buffer.rewards[t], buffer.episode_starts[t] = rewards, self._last_episode_starts
        buffer.pos, buffer.full = t + 1, t + 1 == buffer.buffer_size

    # ----------------------------------------------------------------------------------------------------------------- evaluating
    def by_time(self, x: Any) -> Any:
        """[T, S·E, ...] → [S, T·E, ...], time-major within a seed: for one pass of the networks."""
        S, E = self.n_seeds, self.n_envs
        return tree_map(lambda a: np.ascontiguousarray(a.reshape(len(a), S, E, *a.shape[2:]).swapaxes(0, 1)).reshape(S, -1, *a.shape[2:]), x)

    def from_time(self, x: np.ndarray) -> np.ndarray:
        """[S, T·E] → [T, S·E], the way back."""
        return x.reshape(self.n_seeds, -1, self.n_envs).swapaxes(0, 1).reshape(-1, self.n_lanes)

    def _evaluate(self, buffer: RolloutBuffer, last_dones: np.ndarray, cut: list[tuple[int, int, Any]]) -> None:
        """Values, log-probabilities, advantages and returns of the whole rollout, with the weights that played it."""
        obs, actions = self.by_time(buffer.observations), self._as_actions(self.by_time(buffer.actions))
        parts = [slice(start, start + AT_ONCE) for start in range(0, actions.shape[1], AT_ONCE)]
        evaluated = [self.actor_critic.evaluate_numpy(tree_map(lambda x, part=part: x[:, part], obs), actions[:, part]) for part in parts]
        buffer.values[:], buffer.log_probs[:] = (self.from_time(np.concatenate(kind, 1)) for kind in zip(*evaluated, strict=True))
        v_last = self.actor_critic.values_numpy(self.by_seed(self._last_obs)).reshape(1, -1)

        ended = np.concatenate((buffer.episode_starts[1:], last_dones[None])).astype(bool)  # after step t a new episode starts
        discount = np.where(ended, 0, np.float32(buffer.gamma)).astype(np.float32)  # SB3's returns are the buffer's affair
        decay = np.full_like(discount, buffer.gae_lambda)
        v_next = np.concatenate((buffer.values[1:], v_last))
        for t, lane, terminal_obs in cut:  # a time limit is not death: bootstrap from where it cut
            discount[t, lane], decay[t, lane], v_next[t, lane] = self.gamma, 0, self._value_of(terminal_obs, lane)
        buffer.advantages[:] = gae(buffer.rewards, discount, buffer.values, v_next, decay)
        buffer.returns[:] = buffer.advantages + buffer.values
        for t, lane, _ in cut:  # SB3's buffer shows the bootstrap as part of the reward
            buffer.rewards[t, lane] += self.gamma * v_next[t, lane]

    def _value_of(self, obs: Any, lane: int) -> float:
        """V of one observation of a lane, by its seed's weights."""
        k = lane // self.n_envs
        everyone = tree_map(lambda x: np.broadcast_to(x, (self.n_seeds, 1, *np.shape(x))).copy(), obs)
        return self.actor_critic.values_numpy(everyone)[k, 0].item()

    def _as_actions(self, actions: torch.Tensor) -> torch.Tensor:
        """[S, M, n] of a buffer → what log_prob takes: [S, M] for Discrete, flat vectors otherwise."""
        return actions[..., 0] if isinstance(self.action_space, spaces.Discrete) else actions

    # ------------------------------------------------------------------------------------------------------------------- learning
    def samples(self) -> Sample | None:
        """The rollout as [S, T·E, ...] tensors, environment-major within a seed: SB3's order, which its permutations assume.

        None of a user's buffer: it has a way of its own to give minibatches.
        """
        if type(self.rollout_buffer) not in (RolloutBuffer, DictRolloutBuffer) or replaced(self.rollout_buffer) is not None:
            if self.n_seeds > 1:
                raise ValueError(f"The rollout buffer has ways of its own, but holds the rollouts of {self.n_seeds} seeds: use seeds=[k].")
            return None
        S, E, B = self.n_seeds, self.n_envs, self.rollout_buffer
        if not B.full:
            raise ValueError(f"The rollout buffer holds {B.pos} of its {B.buffer_size} steps. Where n_steps changes, model.rollout_buffer must change with it.")

        def of(x: np.ndarray) -> torch.Tensor:
            flat = x.reshape(len(x), S, E, *x.shape[2:]).swapaxes(0, 1).swapaxes(1, 2).reshape(S, -1, *x.shape[2:])
            return torch.as_tensor(np.ascontiguousarray(flat), device=self.device)

        obs = tree_map(of, B.observations)
        return Sample(obs, self._as_actions(of(B.actions)), of(B.log_probs), of(B.values), of(B.advantages), of(B.returns))

    def minibatches(self, samples: Sample | None, size: int | None = None) -> Iterator[Sample]:
        """One epoch: every sample once, in an order drawn from each seed's stream; [S, M, ...] each, the last one maybe smaller."""
        if samples is None:
            yield from self._minibatches_of_buffer(size)
            return
        S, n = samples.v.shape
        order = (self._rng.permutation(n, self.active) + np.arange(S)[:, None] * n).ravel()
        if self.device.type == "cpu":
            shuffled = samples.map(lambda x: torch.from_numpy(x.numpy().reshape(S * n, *x.shape[2:]).take(order, 0).reshape(x.shape)))
        else:
            index = torch.as_tensor(order, device=self.device)
            shuffled = samples.map(lambda x: x.flatten(0, 1).index_select(0, index).view(x.shape))
        yield from [shuffled] if size is None or size >= n else shuffled.split(size)

    def _minibatches_of_buffer(self, size: int | None) -> Iterator[Sample]:
        """One epoch through the buffer's own `get`, for one seed."""
        with self._rng.streams[0].as_process():
            batches = list(self.rollout_buffer.get(size))
        for b in batches:
            one = lambda x: x.unsqueeze(0)
            actions = self._as_actions(one(b.actions))
            yield Sample(tree_map(one, b.observations), actions, one(b.old_log_prob), one(b.old_values), one(b.advantages), one(b.returns))

    def iterate(self) -> None:
        if not self.collect_rollouts(self.env, self._callback, self.rollout_buffer, n_rollout_steps=self.n_steps):
            raise StopTraining
        self._iteration += 1
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        if self._log_interval is not None and self._iteration % self._log_interval == 0:
            self.dump_logs(self._iteration)
        self.train()

    def train(self) -> None:
        """Update policy and value function from the rollout in the buffer."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns from a rollout.")

    def record_rollout(self) -> None:
        """Log what the rollout says of the value function and of the policy's spread."""
        B, S, explained = self.rollout_buffer, self.n_seeds, np.empty(self.n_seeds)
        values, returns = (np.ascontiguousarray(x.reshape(len(x), S, -1).swapaxes(0, 1)).reshape(S, -1) for x in (B.values, B.returns))
        kernels.explained_variance(values, returns, explained)
        self.record("train/explained_variance", explained)
        if hasattr(self.policy, "log_std"):
            self.record("train/std", [policy.log_std.detach().exp().mean().item() for policy in self._policies])


OnPolicyAlgorithm.register(OnPolicy)  # isinstance(model, OnPolicyAlgorithm) holds, as tools expect; its loop is not ours
