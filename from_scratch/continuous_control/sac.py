"""Soft actor-critic with an automatic temperature (Haarnoja et al. 2018, arXiv:1801.01290 and arXiv:1812.05905, Algorithm 1).

    for each step:
        a ~ π(·|s); store (s, a, r, s'); draw a minibatch
        descend on α's loss, E[−log α (log π(a|s) + H̄)]
        y = r + γ (min_i Q'_i(s', a') − α log π(a'|s')), a' ~ π(·|s');  descend on Σ_i ½ (y − Q_i(s, a))²
        descend on α log π(a|s) − min_i Q_i(s, a), a ~ π(·|s)
        θ' ← τ θ + (1 − τ) θ' for the critics
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import stable_baselines3
import torch
from gymnasium import spaces
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.sac.policies import CnnPolicy, MultiInputPolicy, SACPolicy

from from_scratch.core.data import Transition
from from_scratch.core.finite import refuse_nan
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.off_policy import OffPolicy
from from_scratch.core.networks.continuous import Noise
from from_scratch.core.networks.temperature import TemperatureNet

Loss = tuple[torch.Tensor, dict[str, torch.Tensor]]


class SAC(OffPolicy):
    learning_rate: float | Callable[[float], float] = 3e-4
    buffer_size: int = 1_000_000
    learning_starts: int = 100
    batch_size: int = 256
    tau: float = 0.005  # τ
    gamma: float = 0.99  # γ
    train_freq: int | tuple[int, str] = 1
    gradient_steps: int = 1
    action_noise: ActionNoise | None = None
    replay_buffer_class: type | None = None
    replay_buffer_kwargs: dict | None = None
    optimize_memory_usage: bool = False
    n_steps: int = 1
    ent_coef: str | float = "auto"  # α; "auto" or "auto_0.1" (its start) to tune it
    target_update_interval: int = 1
    target_entropy: str | float = "auto"  # H̄; "auto" is −dim(A)
    use_sde: bool = False
    sde_sample_freq: int = -1
    use_sde_at_warmup: bool = False

    policy_aliases = {"MlpPolicy": SACPolicy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
    supported_action_spaces = (spaces.Box,)
    saved = ("log_ent_coef", "ent_coef_optimizer")  # None in a file where α is fixed

    def build(self) -> None:
        self.pi, self.q, self.q_target = self.net("actor"), self.net("critic"), self.net("critic_target")  # Q_i(s, a), [S, C, M]
        self.target_entropy = float(-np.prod(self.action_space.shape)) if self.target_entropy == "auto" else float(self.target_entropy)
        self.temperature = self.nets["temperatures"] = TemperatureNet(self, self.ent_coef)

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.pi.play(obs, None if deterministic else self._rng)

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:  # SB3's default, which `learn` never uses
        super().train(gradient_steps, batch_size)

    def update(self, b: Transition) -> None:
        self.reset_noise(1)
        noise = self.pi.drawn(b.obs, self._rng, b.action.shape[1:])
        with torch.no_grad():
            noise_next = self.pi.drawn(b.next_obs, self._rng, b.action.shape[1:])
        α = self.temperature.alpha  # before its update, as SB3
        self.note(ent_coef=α)
        if self.temperature.is_tuned:
            self.minimise(self.temperature_loss, b.obs, noise, by=self.temperature)
        self.minimise(self.critic_loss, b, noise_next, α, by=self.q)
        self.minimise(self.actor_loss, b, noise, α, by=self.pi)
        if self.gradient_step % self.target_update_interval == 0:
            self.q_target.track(self.q, self.tau)

    @per_seed
    def temperature_loss(self, obs: torch.Tensor, noise: Noise) -> Loss:
        with torch.no_grad():
            log_pi = self.pi(obs, noise)[1]  # log π of the current policy, [S, M]
        loss = -(self.temperature(log_pi) * (log_pi + self.target_entropy)).mean(-1)  # eq. (18), in log α
        return loss, {"ent_coef_loss": loss}

    @per_seed
    def critic_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:  # every field [S, M, ...], α [S]
        with torch.no_grad():
            a_next, log_pi_next = self.pi(b.next_obs, noise)
            v_next = self.q_target(b.next_obs, a_next).amin(1) - α.unsqueeze(-1) * log_pi_next  # eq. (3)
            y = b.reward + b.discount * v_next
        loss = 0.5 * ((self.q(b.obs, b.action) - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)  # eq. (5)
        return loss, {"critic_loss": loss}

    @per_seed
    def actor_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:
        a, log_pi = self.pi(b.obs, noise)
        q = self.q(b.obs, a).min(1).values  # of two equal ones the first, and all the gradient to it: amin would share it out
        loss = (α.unsqueeze(-1) * log_pi - q).mean(-1)  # eq. (7)
        return loss, {"actor_loss": loss}

    def stop_early(self, metrics: dict[str, torch.Tensor]) -> None:
        """Not before the budget; but a loss that is NaN is refused before its step, for SB3's actor would raise as soon as its weights are NaN."""
        for name, value in metrics.items():
            refuse_nan(self, name, value.numpy(force=True))


stable_baselines3.SAC.register(SAC)  # isinstance(model, stable_baselines3.SAC) holds, as tools expect
