"""The deadly triad on trial (Sutton & Barto 2018, §11.3; van Hasselt et al. 2018, arXiv:1812.02648): DQN less its two remedies.

    for each step:
        take A ε-greedily on Q(S, ·; θ), observe R, S'
        descend on (R + γ max_a Q(S', a; θ) − Q(S, A; θ))², the error clipped and the target held fixed
        S ← S'

Function approximation, bootstrapping and off-policy learning, and neither a memory that mixes the samples nor a target that stands still.
Four arms: DiagnosedDQN has both, DQNWithoutReplay and DQNWithoutTarget one of them, NaiveDeepQ none. All learn once in every step, by DQN's own
loss: Huber's, with the gradient's norm at most 10. So the arms differ in the two remedies alone. (With the plain squared error and no clipping the
naive arm had stayed within its bound after 3000 steps of CartPole in a short trial; the clipped one leaves it within 1000.)

Diagnostics, logged per seed: `train/max_abs_q`, the largest |Q(s, a)| in a visited state so far; `train/q_bound`, the largest that a
return can be, r_max / (1 − γ), r_max being the largest reward seen; `train/soft_divergence`, 1 once Q has been beyond it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from from_scratch.value_based.dqn import DQN


class DiagnosedDQN(DQN):
    train_freq: ClassVar[int] = 1
    gradient_steps: ClassVar[int] = 1
    saved = (*DQN.saved, "max_abs_q", "max_reward")

    def build(self) -> None:
        super().build()
        if "max_abs_q" not in self.__dict__:
            self.max_abs_q, self.max_reward = np.zeros(self.n_seeds), np.zeros(self.n_seeds)  # so far, [S]

    def _store_transition(self, replay_buffer: Any, buffer_action: np.ndarray, new_obs: Any, reward: np.ndarray, dones: np.ndarray, infos: list[dict]) -> None:
        super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)
        self.max_reward = np.maximum(self.max_reward, np.abs(reward).reshape(self.n_seeds, -1).max(-1))

    def _on_step(self) -> None:
        super()._on_step()
        q = np.abs(self.q.play(self.by_seed(self._last_obs)))  # [S, E, n_actions]
        self.max_abs_q = np.maximum(self.max_abs_q, np.nan_to_num(q, nan=np.inf).max((1, 2)))

    @property
    def q_bound(self) -> np.ndarray:
        """The largest |Q| that the rewards seen allow, [S]."""
        return self.max_reward / (1 - self.gamma) if self.gamma < 1 else np.full(self.n_seeds, np.inf)

    @property
    def soft_divergence(self) -> np.ndarray:
        """Has |Q| been beyond it, [S]?"""
        return self.max_abs_q > self.q_bound

    def _record_progress(self) -> None:
        super()._record_progress()
        self.record("train/max_abs_q", self.max_abs_q)
        self.record("train/q_bound", self.q_bound)
        self.record("train/soft_divergence", self.soft_divergence.astype(float))

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.max_abs_q, model.max_reward = self.max_abs_q[k : k + 1].copy(), self.max_reward[k : k + 1].copy()


class DQNWithoutTarget(DiagnosedDQN):
    """The target network is copied before every update: θ⁻ = θ."""

    tau: ClassVar[float] = 1.0
    target_update_interval: ClassVar[int] = 1


class DQNWithoutReplay(DiagnosedDQN):
    """The memory holds the last step of each environment and nothing else."""

    buffer_size: ClassVar[int] = 1
    batch_size: ClassVar[int] = 1
    learning_starts: ClassVar[int] = 0
    replay_buffer_class: ClassVar[None] = None
    replay_buffer_kwargs: ClassVar[None] = None
    optimize_memory_usage: ClassVar[bool] = False
    n_steps: ClassVar[int] = 1


class NaiveDeepQ(DQNWithoutReplay):
    tau: ClassVar[float] = 1.0
    target_update_interval: ClassVar[int] = 1
