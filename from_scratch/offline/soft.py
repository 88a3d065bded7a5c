"""Soft actor-critic's networks and equations on a data set, for those that mend it (Haarnoja et al. 2018, arXiv:1812.05905).

    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set; tune α
        y = r + γ min_i Q'_i(s', a'), a' ~ π(·|s');  descend on Σ_i (y − Q_i(s, a))²
        descend on α log π(a|s) − min_i Q_i(s, a), a ~ π(·|s)
        θ' ← τ θ + (1 − τ) θ' for the critics
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.utils import FloatSchedule

from from_scratch.core.data import Transition
from from_scratch.core.finite import refuse_nan
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.offline import Offline
from from_scratch.core.networks.continuous import Noise
from from_scratch.core.networks.temperature import TemperatureNet

Loss = tuple[torch.Tensor, dict[str, torch.Tensor]]


class SoftOffline(Offline):
    learning_rate: float | Callable[[float], float] = 3e-4  # of the critics and of α
    policy_learning_rate: float | Callable[[float], float] = 3e-4  # the step size of the actor alone
    batch_size: int = 256
    tau: float = 0.005  # τ
    gamma: float = 0.99  # γ
    ent_coef: str | float = "auto"  # α_π; "auto" or "auto_0.1" (its start) to tune it
    target_entropy: str | float = "auto"  # H̄; "auto" is −dim(A)
    soft_backup: bool = False  # is − α_π log π(a'|s') a part of the target?

    supported_action_spaces = (spaces.Box,)
    saved = ("log_ent_coef", "ent_coef_optimizer")  # None in a file where α_π is fixed

    def build(self) -> None:
        self.policy_schedule = FloatSchedule(self.policy_learning_rate)
        self.pi = self.net("actor", learning_rate="policy_schedule")
        self.q, self.q_target = self.net("critic"), self.net("critic_target")  # Q_i(s, a), [S, C, M]
        self.target_entropy = float(-np.prod(self.action_space.shape)) if self.target_entropy == "auto" else float(self.target_entropy)
        self.temperature = self.nets["temperatures"] = TemperatureNet(self, self.ent_coef)

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.pi.play(obs, None if deterministic else self._rng)

    def tune_temperature(self, b: Transition, noise: Noise) -> torch.Tensor:
        """α_π [S] before its own step, which is then taken."""
        α = self.temperature.alpha
        self.note(ent_coef=α)
        if self.temperature.is_tuned:
            self.minimise(self.temperature_loss, b.obs, noise, by=self.temperature)
        return α

    @per_seed
    def temperature_loss(self, obs: torch.Tensor, noise: Noise) -> Loss:
        with torch.no_grad():
            log_pi = self.pi(obs, noise)[1]
        loss = -(self.temperature(log_pi) * (log_pi + self.target_entropy)).mean(-1)  # eq. (18), in log α
        return loss, {"ent_coef_loss": loss}

    def target(self, b: Transition, noise: Noise, α: torch.Tensor) -> torch.Tensor:
        """y [S, M]: a part of equations, under no_grad."""
        a_next, log_pi_next = self.pi(b.next_obs, noise)
        v_next = self.q_target(b.next_obs, a_next).amin(1)
        return b.reward + b.discount * (v_next - α.unsqueeze(-1) * log_pi_next if self.soft_backup else v_next)

    @per_seed
    def actor_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:
        a, log_pi = self.pi(b.obs, noise)
        q = self.q(b.obs, a).min(1).values
        loss = (α.unsqueeze(-1) * log_pi - q).mean(-1)  # eq. (7)
        return loss, {"actor_loss": loss}

    def stop_early(self, metrics: dict[str, torch.Tensor]) -> None:
        """Not before the budget; but a loss that is NaN is refused before its step: the distributions of SB3's actor would raise at the next."""
        for name, value in metrics.items():
            refuse_nan(self, name, value.numpy(force=True))
