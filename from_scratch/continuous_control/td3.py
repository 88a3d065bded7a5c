"""Twin delayed deep deterministic policy gradient (Fujimoto et al. 2018, arXiv:1802.09477, Algorithm 1).

    for each step:
        act with exploration noise, a = μ(s) + ε; store (s, a, r, s'); draw a minibatch
        ã = μ'(s') + clip(ε, −c, c), ε ~ N(0, σ);  y = r + γ min_i Q'_i(s', ã)
        descend on Σ_i (y − Q_i(s, a))²
        every d updates: ascend on Q₁(s, μ(s)); θ' ← τ θ + (1 − τ) θ' for actor and critics
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import stable_baselines3
import torch
from gymnasium import spaces
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.td3.policies import CnnPolicy, MultiInputPolicy, TD3Policy

from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.off_policy import OffPolicy


class TD3(OffPolicy):
    learning_rate: float | Callable[[float], float] = 1e-3
    buffer_size: int = 1_000_000
    learning_starts: int = 100
    batch_size: int = 256  # N
    tau: float = 0.005  # τ
    gamma: float = 0.99  # γ
    train_freq: int | tuple[int, str] = 1
    gradient_steps: int = 1
    action_noise: ActionNoise | None = None
    replay_buffer_class: type | None = None
    replay_buffer_kwargs: dict | None = None
    optimize_memory_usage: bool = False
    n_steps: int = 1
    policy_delay: int = 2  # d
    target_policy_noise: float = 0.2  # σ̃
    target_noise_clip: float = 0.5  # c

    policy_aliases = {"MlpPolicy": TD3Policy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
    supported_action_spaces = (spaces.Box,)
    def build(self) -> None:
        self.mu, self.mu_target = self.net("actor"), self.net("actor_target")  # μ(s; φ), μ'(s; φ')
        self.q, self.q_target = self.net("critic"), self.net("critic_target")  # Q_i(s, a), Q'_i(s, a), [S, C, M]

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.mu.play(obs)  # exploration noise is added by the loop, where it is the user's

    def update(self, b: Transition) -> None:
        self.minimise(self.critic_loss, b, self._rng.noise(*b.action.shape[1:]).to(self.device), by=self.q)
        if self.updates[0] % self.policy_delay == 0:
            self.minimise(self.actor_loss, b, by=self.mu)
            self.q_target.track(self.q, self.tau)
            self.mu_target.track(self.mu, self.tau)

    @per_seed
    def critic_loss(self, b: Transition, noise: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        with torch.no_grad():
            ε = (self.target_policy_noise * noise).clamp(-self.target_noise_clip, self.target_noise_clip)
            a_next = (self.mu_target(b.next_obs) + ε).clamp(-1, 1)  # eq. (14)
            y = b.reward + b.discount * self.q_target(b.next_obs, a_next).amin(1)  # the smaller of the two: eq. (10)
        loss = ((self.q(b.obs, b.action) - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss}

    @per_seed
    def actor_loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        loss = -self.q.first(b.obs, self.mu(b.obs)).mean(-1)  # Q₁ alone
        return loss, {"actor_loss": loss}


stable_baselines3.TD3.register(TD3)  # isinstance(model, stable_baselines3.TD3) holds, as tools expect
