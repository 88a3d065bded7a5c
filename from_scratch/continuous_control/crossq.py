"""CrossQ (Bhatt et al. 2024, arXiv:1902.05605, Algorithm 1): SAC without target networks, its critics batch-normalised.

    act, store and draw a minibatch as in SAC
        [q_i, q'_i] = Q_i([s, s'], [a, a']), a' ~ π(·|s'): one pass, whose batch statistics are those of both halves
        y = r + γ (min_i q'_i − α log π(a'|s')), no gradient through it;  descend on Σ_i ½ (y − q_i)²
        every d updates: tune α, and descend on α log π(a|s) − min_i Q_i(s, a), a ~ π(·|s), with the critics' running statistics

(s', a') is distributed unlike (s, a); a network normalised by either half alone has never seen the other one. As in SB3-Contrib and in the paper's
code, normalisation is batch *re*normalisation (Ioffe 2017, arXiv:1702.03275) after a warm-up, the actor has it, too, and d is 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import sb3_contrib
import torch

from from_scratch.continuous_control.sac import SAC, Loss
from from_scratch.core.data import Transition, both
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.continuous import Noise
from from_scratch.core.networks.renormed import CROSSQ_ALIASES
from from_scratch.core.networks.temperature import TemperatureNet


class CrossQ(SAC):
    learning_rate: float | Callable[[float], float] = 1e-3
    tau: ClassVar[float] = 1.0  # there are no target networks
    target_update_interval: ClassVar[int] = 1
    policy_delay: int = 3  # d
    use_sde: bool = False  # these three stand behind it in SB3-Contrib
    sde_sample_freq: int = -1
    use_sde_at_warmup: bool = False

    policy_aliases = CROSSQ_ALIASES  # policy_kwargs: batch_norm_momentum=0.01, renorm_warmup_steps=100_000, …

    def build(self) -> None:
        self.pi, self.q = self.net("actor"), self.net("critic")  # Q_i(s, a), [S, C, M]
        self.target_entropy = float(-np.prod(self.action_space.shape)) if self.target_entropy == "auto" else float(self.target_entropy)
        self.temperature = self.nets["temperatures"] = TemperatureNet(self, self.ent_coef)

    def update(self, b: Transition) -> None:
        self.reset_noise(1)
        α = self.temperature.alpha
        self.note(ent_coef=α)
        with torch.no_grad():
            noise_next = self.pi.drawn(b.next_obs, self._rng, b.action.shape[1:])
        self.minimise(self.critic_loss, b, noise_next, α, by=self.q)
        self.q.renew()
        if self.updates[0] % self.policy_delay == 0:
            noise = self.pi.drawn(b.obs, self._rng, b.action.shape[1:], of_batch=True)
            if self.temperature.is_tuned:
                self.minimise(self.temperature_loss, b.obs, noise, by=self.temperature)
            self.minimise(self.actor_loss, b, noise, α, by=self.pi)
            self.pi.renew()

    @per_seed
    def temperature_loss(self, obs: torch.Tensor, noise: Noise) -> Loss:
        with torch.no_grad():
            log_pi = self.pi(obs, noise, of_batch=True)[1]
        loss = -(self.temperature(log_pi) * (log_pi + self.target_entropy)).mean(-1)
        return loss, {"ent_coef_loss": loss}

    @per_seed
    def critic_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:  # every field [S, M, ...], α [S]
        with torch.no_grad():
            a_next, log_pi_next = self.pi(b.next_obs, noise)
        q = self.q(both(b.obs, b.next_obs), both(b.action, a_next), of_batch=True)  # [S, C, 2M]
        M = b.reward.shape[1]
        with torch.no_grad():
            y = b.reward + b.discount * (q[..., M:].amin(1) - α.unsqueeze(-1) * log_pi_next)
        loss = 0.5 * ((q[..., :M] - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss}

    @per_seed
    def actor_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:
        a, log_pi = self.pi(b.obs, noise, of_batch=True)
        loss = (α.unsqueeze(-1) * log_pi - self.q(b.obs, a).min(1).values).mean(-1)
        return loss, {"actor_loss": loss}

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "target_update_interval"]  # SB3-Contrib's has none


sb3_contrib.CrossQ.register(CrossQ)  # isinstance(model, sb3_contrib.CrossQ) holds, as tools expect
