"""Deep Q-learning (Mnih et al. 2015, Nature 518:529, Algorithm 1).

    for each step:
        with probability ε take a random action, otherwise argmax_a Q(s, a; θ)
        store (s, a, r, s') in the memory D
        draw a minibatch from D; y = r + γ max_a' Q(s', a'; θ⁻), or r if the episode terminated at s'
        descend on (y − Q(s, a; θ))², the error clipped
        every C steps: θ⁻ ← θ
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import stable_baselines3
import torch
import torch.nn.functional as F
from gymnasium import spaces

from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.exploration import OneCoin
from from_scratch.core.loops.off_policy import OffPolicy
from from_scratch.core.networks.action_values import DQN_ALIASES


class DQN(OneCoin, OffPolicy):
    learning_rate: float | Callable[[float], float] = 1e-4
    buffer_size: int = 1_000_000  # N
    learning_starts: int = 100
    batch_size: int = 32  # M
    tau: float = 1.0  # τ  how far the target network moves towards θ
    gamma: float = 0.99  # γ
    train_freq: int | tuple[int, str] = 4
    gradient_steps: int = 1
    replay_buffer_class: type | None = None
    replay_buffer_kwargs: dict | None = None
    optimize_memory_usage: bool = False
    n_steps: int = 1
    target_update_interval: int = 10000  # C
    exploration_fraction: float = 0.1
    exploration_initial_eps: float = 1.0
    exploration_final_eps: float = 0.05
    max_grad_norm: float = 10

    policy_aliases = DQN_ALIASES
    supported_action_spaces = (spaces.Discrete,)
    saved = ("exploration_schedule",)

    def build(self) -> None:
        super().build()
        self.q, self.q_target = self.net("q_net"), self.net("q_net_target")  # Q(s, ·; θ), Q(s, ·; θ⁻)

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.best(self.q.play(obs))

    def _on_step(self) -> None:
        super()._on_step()
        if self.is_due(self.target_update_interval):  # every C steps of the environments
            self.prepare_training()
            self.q_target.track(self.q, self.tau)  # θ⁻ ← (1 − τ) θ⁻ + τ θ

    def update(self, b: Transition) -> None:
        self.minimise(self.loss, b, by=self.q)

    @per_seed
    def loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        with torch.no_grad():
            y = b.reward + b.discount * self.valid(self.q_target(b.next_obs), b).amax(-1)  # discount is γ, and 0 where the episode terminated
        q = self.q(b.obs).gather(-1, b.action.long()).squeeze(-1)
        loss = F.smooth_l1_loss(q, y, reduction="none").mean(-1)  # the error clipped to [−1, 1]: Huber's loss
        return loss, {"loss": loss}


stable_baselines3.DQN.register(DQN)  # isinstance(model, stable_baselines3.DQN) holds, as tools expect
