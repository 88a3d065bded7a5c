"""TD3 on a fixed data set, and nothing else: the control that is to fail (Fujimoto et al. 2019, arXiv:1812.02900, §3.1).

    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set
        ã = μ'(s') + clip(ε, −c, c), ε ~ N(0, σ);  y = r + γ min_i Q'_i(s', ã);  descend on Σ_i (y − Q_i(s, a))²
        every d steps: ascend on Q₁(s, μ(s)); θ' ← τ θ + (1 − τ) θ' for actor and critics

The actor asks the critics about actions that the data do not hold, and nobody corrects what they say there.
"""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.td3.policies import CnnPolicy, MultiInputPolicy, TD3Policy

from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.offline import Offline

Loss = tuple[torch.Tensor, dict[str, torch.Tensor]]


class OfflineTD3(Offline):
    tau: float = 0.005  # τ
    policy_delay: int = 2  # d
    target_policy_noise: float = 0.2  # σ̃
    target_noise_clip: float = 0.5  # c

    policy_aliases = {"MlpPolicy": TD3Policy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
    supported_action_spaces = (spaces.Box,)

    def build(self) -> None:
        self.mu, self.mu_target = self.net("actor"), self.net("actor_target")  # μ(s; φ), μ'(s; φ')
        self.q, self.q_target = self.net("critic"), self.net("critic_target")  # Q_i(s, a), Q'_i(s, a), [S, C, M]

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.mu.play(obs)

    def update(self, b: Transition) -> None:
        self.minimise(self.critic_loss, b, self._rng.noise(*b.action.shape[1:]).to(self.device), by=self.q)
        if self.updates[0] % self.policy_delay == 0:
            self.minimise(self.actor_loss, b, by=self.mu)
            self.q_target.track(self.q, self.tau)
            self.mu_target.track(self.mu, self.tau)

    @per_seed
    def critic_loss(self, b: Transition, noise: torch.Tensor) -> Loss:  # every field [S, M, ...]
        with torch.no_grad():
            ε = (self.target_policy_noise * noise).clamp(-self.target_noise_clip, self.target_noise_clip)
            a_next = (self.mu_target(b.next_obs) + ε).clamp(-1, 1)
            y = b.reward + b.discount * self.q_target(b.next_obs, a_next).amin(1)
        q = self.q(b.obs, b.action)
        loss = ((q - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss, "q_value": q.detach().mean(-1).mean(-1)}  # whose drift shows what nobody corrects

    @per_seed
    def actor_loss(self, b: Transition) -> Loss:
        loss = -self.q.first(b.obs, self.mu(b.obs)).mean(-1)  # Q₁ alone
        return loss, {"actor_loss": loss}
