"""On-policy learning from a policy that is some updates old: in the learner's own process, or from actors in processes of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.actors import Actors
from from_scratch.core.loops.on_policy import AtOnce
from from_scratch.core.loops.rollout import Rollout, in_parts


class Lagging(AtOnce):
    """The policy μ that plays is the one that π was `policy_lag` updates before; `past` holds the weights of all between them, [S, D] each, the oldest first.

    Callbacks find π in the model, and what it says of the steps among their locals; in the buffer `log_probs` are μ's when the rollout is over.
    """

    policy_lag: int  # hyper-parameters that each algorithm gives its default
    actors: int
    actors_on: str

    playing: ClassVar[Actors | None] = None  # while it learns from actors
    not_copied = (*AtOnce.not_copied, "playing")

    def check(self) -> None:
        super().check()
        check_range(self, "policy_lag", "actors", low=0, whole=True)
        if self.actors and self.n_seeds > 1:
            raise ValueError(f"actors={self.actors} play for one seed, and there are {self.n_seeds}. Give seeds=[k] for each, or actors=0.")
        if self.actors and self.env is not None and self.n_envs % self.actors:
            raise ValueError(f"actors={self.actors} cannot share {self.n_envs} environments equally: let n_envs be a multiple of it.")
        self.past: deque[np.ndarray] = deque()
        self.actor_seeds: list[int] = []  # of all that have ever been given one of their own

    # ------------------------------------------------------------------------------------------------------------------- who plays
    def weights(self) -> np.ndarray:
        return self.actor_critic.rows.weights()

    def _keep_past(self) -> None:
        missing = [self.weights()] * (self.policy_lag - len(self.past))
        self.past = deque([*missing, *self.past], maxlen=self.policy_lag)

    @contextmanager
    def behaving(self) -> Iterator[None]:
        """Inside, the weights are those of μ."""
        if not self.past:
            yield
            return
        now = self.weights()
        self.actor_critic.rows.set_weights(self.past[0])
        try:
            yield
        finally:
            self.actor_critic.rows.set_weights(now)

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        if self.playing is not None:
            return self.playing.actions()
        with self.behaving():
            return super().act(obs, deterministic)

    def why_not_exact(self) -> str | None:
        return f"actors={self.actors} play in processes of their own, ahead of what is learnt" if self.actors else super().why_not_exact()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self._keep_past()
        if not self.actors:
            yield
            return
        self.playing = actors = Actors(self, self.actors, self.actors_on, [*self.past, self.weights()])  # type: ignore[misc]
        try:
            yield
        finally:
            actors.close()
            del self.playing
            self._last_obs = None  # the environments are where nobody has looked: they begin anew

    def collect_rollouts(self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int) -> bool:
        if self.playing is None:
            return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)
        self.playing.fetch()
        return super().collect_rollouts(self.playing, callback, rollout_buffer, n_rollout_steps)

    def train(self) -> None:
        if self.policy_lag:
            self.past.append(self.weights())
        super().train()
        if self.playing is not None:
            self.playing.order(self.weights())

    # --------------------------------------------------------------------------------------------------------------- what π says of it
    def _look_back(self, rollout: Rollout, last_obs: Any, last_dones: np.ndarray) -> torch.Tensor:
        """Targets of V and advantages as `look_back` has them: V and log π by the present weights, log μ by those that played."""
        B, log_pi = rollout.buffer, rollout.buffer.log_probs
        if self.past or self.playing is not None:
            obs, actions = self.by_time(B.observations), self._as_actions(self.by_time(B.actions))
            evaluate = partial(in_parts, self.actor_critic.evaluate_numpy)
            v, log_prob = map(self.from_time, evaluate(obs, actions))
            B.values[:], log_pi = v, log_prob
            if self.playing is None:
                with self.behaving():
                    B.log_probs[:] = self.from_time(evaluate(obs, actions)[1])
            else:
                B.log_probs[:] = self.playing.log_prob
        values = super()._look_back(rollout, last_obs, last_dones)
        if getattr(B.compute_returns_and_advantage, "__func__", None) is not RolloutBuffer.compute_returns_and_advantage:
            return values  # a user's, who has just computed them
        discount = np.float32(B.gamma) * (1 - np.concatenate((B.episode_starts[1:], last_dones[None].astype(np.float32))))
        v_next = np.concatenate((B.values[1:], values.numpy().reshape(1, -1)))
        ratio = np.exp(log_pi - B.log_probs)
        B.returns[:], B.advantages[:] = self.look_back(B.rewards, discount, B.values, v_next, ratio)
        self.note(importance_ratio=torch.from_numpy(self.by_time(ratio).mean(-1)))
        return values

    def look_back(self, r: np.ndarray, discount: np.ndarray, v: np.ndarray, v_next: np.ndarray, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets of V and advantages, [T, S·E] as all arguments; ratio is π(a|s) / μ(a|s)."""
        raise NotImplementedError(f"{type(self).__name__} must say what it learns from a rollout.")

    # ------------------------------------------------------------------------------------------------------------------ members and files
    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.past = deque([theta[k : k + 1].copy() for theta in self.past], maxlen=self.past.maxlen)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "playing"]
