"""Rollouts of policies that remember: their states go along from step to step, and minibatches are made of sequences.

SB3-Contrib's order: an epoch goes through the rollout environment after environment, begins somewhere, and is cut into minibatches as it comes. A sequence is
what of one episode falls into a minibatch; it begins with the state that was played there, not with one of today's weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.recurrent.buffers import RecurrentDictRolloutBuffer, RecurrentRolloutBuffer
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticCnnPolicy, RecurrentActorCriticPolicy
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback

from from_scratch.core.data import Sample, tree_map
from from_scratch.core.loops.on_policy import OnPolicy
from from_scratch.core.loops.rollout import Rollout, StepByStep
from from_scratch.core.networks.recurrent import RECURRENT_ALIASES, RecurrentActorCritic, Sequences, States, from_torch, to_torch
from from_scratch.core.watch import replaced

OF_STATES = ("hidden_states_pi", "cell_states_pi", "hidden_states_vf", "cell_states_vf")  # in the buffer, [T, layers, S·E, H]


class Recurrent(OnPolicy):
    """In front of an on-policy algorithm: its policy and value function have LSTMs."""

    policy_aliases = RECURRENT_ALIASES
    not_copied = (*OnPolicy.not_copied, "_played")
    kept_exactly = ("_states",)

    # ----------------------------------------------------------------------------------------------------------- what is remembered
    def _setup_buffers(self) -> None:
        """The memory knows the LSTMs' sizes, and is made behind the policies."""

    def _make_policies(self) -> None:
        if isinstance(self.observation_space, spaces.Dict) and self.policy_class in (RecurrentActorCriticPolicy, RecurrentActorCriticCnnPolicy):
            raise ValueError(f"You must use `MultiInputLstmPolicy` when working with dict observation space, not {self.policy_class.__name__}")  # as SB3
        super()._make_policies()
        self._remember(None)

    def _remember(self, states: tuple[np.ndarray, np.ndarray] | None) -> None:
        """Make the rollout buffer, and let lanes remember `states`, [S·E, layers, 2, H], where these fit; nothing otherwise."""
        lstm = self._policies[0].lstm_actor
        if not hasattr(self._policies[0], "lstm_hidden_state_shape"):
            raise ValueError(f"{type(self).__name__} needs a RecurrentActorCriticPolicy of SB3-Contrib; this is a {type(self._policies[0]).__name__}.")
        shape = self.n_lanes, lstm.num_layers, 2, lstm.hidden_size
        known = states or self.__dict__.get("_states")
        if known is None or known[0].shape != shape:
            known = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._states = tuple(known)  # π's and V's: plain arrays, for files
        kind = RecurrentDictRolloutBuffer if isinstance(self.observation_space, spaces.Dict) else RecurrentRolloutBuffer
        self.rollout_buffer = kind(
            self.n_steps, self.observation_space, self.action_space, (self.n_steps, lstm.num_layers, self.n_lanes, lstm.hidden_size), self.device,
            gamma=self.gamma, gae_lambda=self.gae_lambda, n_envs=self.n_lanes,
        )  # fmt: skip

    @property
    def _last_lstm_states(self) -> RNNStates:
        """What is remembered of all lanes, as SB3-Contrib has it: h and c of π and of V, [layers, S·E, H]."""
        return RNNStates(*(to_torch(state, self.device) for state in self._states))

    @_last_lstm_states.setter
    def _last_lstm_states(self, states: RNNStates) -> None:
        self._states = tuple(map(from_torch, states))

    def _excluded_save_params(self) -> list[str]:
        """Only what has seeds, and so continues exactly, keeps what it remembers: SB3-Contrib's files do not."""
        return [*super()._excluded_save_params(), "_played", *([] if self.seeds else ["_states"])]

    def _hand_over(self, model: Any, k: int) -> None:
        lanes = slice(k * self.n_envs, (k + 1) * self.n_envs)
        model._policies = [self._policies[k]]  # until it has its own
        model._remember((self._states[0][lanes].copy(), self._states[1][lanes].copy()))

    def check_minibatches(self) -> None:
        """Any size will do: normalised advantages of a minibatch of one are left as they are, where SB3-Contrib makes them NaN."""

    # --------------------------------------------------------------------------------------------------------------------- playing
    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        starts = np.asarray(self._last_episode_starts).reshape(self.n_seeds, -1)
        states = States(*map(self.by_seed, self._states))
        self._played = self.actor_critic.play(obs, states, starts, None if deterministic else self._rng)
        return self._played.actions

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Within the bounds by clipping, even if they were squashed, as SB3-Contrib's loop has it; `predict` scales what was squashed."""
        return np.clip(actions, self.action_space.low, self.action_space.high) if isinstance(self.action_space, spaces.Box) else actions

    def rollout_of(self, buffer: RolloutBuffer, callback: BaseCallback) -> Rollout:
        return WithStates(self, buffer, callback, self._is_plain(buffer))

    @staticmethod
    def _is_plain(buffer: RolloutBuffer) -> bool:
        return type(buffer) in (RecurrentRolloutBuffer, RecurrentDictRolloutBuffer) and replaced(buffer) is None

    def _value_of(self, obs: Any, lane: int) -> torch.Tensor:
        """V of one observation of a lane, [1], with what the lane remembers after the step that was played last."""
        k, e = divmod(lane, self.n_envs)
        everyone = tree_map(lambda x: np.broadcast_to(x, (self.n_seeds, 1, *np.shape(x))).copy(), obs)
        states = States(*(state[:, e : e + 1] for state in self._played.states))
        return torch.from_numpy(self.actor_critic.values(everyone, states, np.zeros((self.n_seeds, 1)))[k])

    def last_values(self, obs: Any, dones: np.ndarray) -> np.ndarray:
        return self.actor_critic.values(self.by_seed(obs), States(*map(self.by_seed, self._states)), dones.reshape(self.n_seeds, -1))

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """As in SB3-Contrib: state is (h, c) of π, [layers, n, H], and None stands for zeros; the state after it is returned beside the actions.

        Of a stack, observations and states are [S·n, ...] and [layers, S·n, H], the first n for the first seed.
        """
        together = isinstance(self.actor_critic.served, RecurrentActorCritic)
        if not (deterministic and together and self.acting.holds()):
            return super().predict(observation, state, episode_start, deterministic)
        policy, space = self._policies[0], self.observation_space
        self.set_training_mode(False)
        several = policy.is_vectorized_observation(observation)
        obs = np.asarray(observation).reshape(-1, *space.shape)
        if len(obs) % self.n_seeds:
            return super().predict(observation, state, episode_start, deterministic)  # which refuses them
        before = np.zeros((len(obs), *self._states[0].shape[1:]), np.float32) if state is None else from_torch(state)
        if episode_start is not None:
            before = before * (1 - np.asarray(episode_start, np.float32)).reshape(-1, 1, 1, 1)
        actions, after = self.actor_critic.choose(self.by_seed(obs), self.by_seed(before))
        actions = self.to_env(actions.reshape(len(obs), *self.action_space.shape))
        h, c = (after.reshape(before.shape)[:, :, i].swapaxes(0, 1) for i in range(2))
        return (actions if several else actions.squeeze(0)), (np.ascontiguousarray(h), np.ascontiguousarray(c))

    # -------------------------------------------------------------------------------------------------------------------- learning
    def samples(self) -> Sample | None:
        """The rollout as [S, E·T, ...] tensors, environment after environment, each in its own order."""
        B, S = self.rollout_buffer, self.n_seeds
        before = OF_STATES if self._is_plain(B) and not B.generator_ready else ()
        of_all = super().samples()
        if of_all is None:
            return None
        for name in before:  # its `get` would leave them like that, too: [S·E·T, layers, H]
            setattr(B, name, B.swap_and_flatten(getattr(B, name).swapaxes(1, 2)))
        if before:
            B.episode_starts = B.swap_and_flatten(B.episode_starts)
        begins = 2 * B.episode_starts.reshape(S, self.n_envs, -1).astype(np.int64)
        begins[..., 0] = np.maximum(begins[..., 0], 1)
        pi, v = (np.stack((getattr(B, h), getattr(B, c)), 2).reshape(S, -1, *getattr(B, h).shape[1:2], 2, getattr(B, h).shape[2])
                 for h, c in (OF_STATES[:2], OF_STATES[2:]))  # fmt: skip
        begins = begins.reshape(S, -1)
        new = begins == 2
        pi[new], v[new] = 0, 0
        of_all.obs = Sequences(of_all.obs, *map(self.as_tensors, (begins, pi, v)))
        return of_all

    def minibatches(self, samples: Sample | None, size: int | None = None) -> Iterator[Sample]:
        """One epoch: every sample once, from a place on that is drawn from each seed's stream; [S, M, ...] each, the last one maybe smaller."""
        if samples is None:
            yield from self._minibatches_of_buffer(size)
            return
        S, n = samples.v.shape
        first = np.array([stream.numpy.randint(n) if on else 0 for stream, on in zip(self._rng.streams, self.active, strict=True)])
        order = torch.as_tensor((np.arange(n) + first[:, None]) % n, device=self.device)
        seed = torch.arange(S, device=self.device)[:, None]
        for i in range(0, n, size or n):
            part = order[:, i : i + (size or n)]
            batch = samples.map(lambda x, part=part: x.map(lambda y: y[seed, part]) if isinstance(x, Sequences) else x[seed, part])
            batch.obs.begins[:, 0].clamp_(min=1)
            yield batch

    def sample_from(self, b: Any) -> Sample:
        """Of sequences that a buffer has padded, what is real."""
        real = b.mask > 1e-8
        begins = torch.zeros(len(real), dtype=torch.long, device=self.device)
        begins[:: len(real) // b.lstm_states.pi[0].shape[1]] = 1
        states = [torch.zeros(len(real), h.shape[0], 2, h.shape[2], device=self.device) for h, _ in b.lstm_states]
        for state, known in zip(states, b.lstm_states, strict=True):
            state[begins == 1] = torch.stack(known, 2).swapaxes(0, 1)
        new = b.episode_starts > 0
        begins[new] = 2
        states = [(state * ~new[:, None, None, None])[real][None] for state in states]
        fields = "actions", "old_values", "old_log_prob", "advantages", "returns"
        of_all = super().sample_from(b._replace(observations=tree_map(lambda x: x[real], b.observations), **{name: getattr(b, name)[real] for name in fields}))
        of_all.obs = Sequences(of_all.obs, begins[real][None], *states)
        return of_all


class WithStates(StepByStep):
    """Values and log-probabilities come with the actions; and what was remembered before each step is kept beside it."""

    def play(self, obs: Any, actions: np.ndarray) -> None:
        played, self.obs = self.model._played, obs
        self.values, self.log_probs = torch.from_numpy(played.values.reshape(-1, 1)), torch.from_numpy(played.log_probs.reshape(-1))

    def store(self, t: int, actions: np.ndarray, rewards: np.ndarray) -> Rollout:
        model: Any = self.model
        buffer: Any = self.buffer
        if self.is_ours:
            for (h, c), state in zip((OF_STATES[:2], OF_STATES[2:]), model._states, strict=True):
                getattr(buffer, h)[t], getattr(buffer, c)[t] = state[:, :, 0].swapaxes(0, 1), state[:, :, 1].swapaxes(0, 1)
            super().store(t, actions, rewards)
        else:
            actions = actions.reshape(-1, 1) if isinstance(model.action_space, spaces.Discrete) else actions
            given = model._last_obs, actions, rewards, model._last_episode_starts, self.values, self.log_probs
            buffer.add(*given, lstm_states=model._last_lstm_states)
        model._states = tuple(state.reshape(-1, *state.shape[2:]) for state in model._played.states)
        return self
