"""Randomised ensembled double Q-learning (Chen et al. 2021, arXiv:2101.05982, Algorithm 1): SAC with many critics and many updates.

    for each step:
        act and store as in SAC
        G times: draw a minibatch, and M of the N critics at random
            y = r + γ (min over those M of Q'_i(s', a') − α log π(a'|s')), a' ~ π(·|s');  descend on Σ_i ½ (y − Q_i(s, a))², i = 1 … N
            θ' ← τ θ + (1 − τ) θ' for the critics
        tune α, and descend on α log π(a|s) − mean_i Q_i(s, a), a ~ π(·|s), once

The minimum of few random ones keeps the bias of the target small and its spread over the ensemble smaller, so that G = 20 updates a step pay. G is
`gradient_steps`, which `policy_delay` is to match; N is policy_kwargs' `n_critics`, 10. As in SAC here a critic's loss has a factor ½.
"""

from __future__ import annotations

import numpy as np
import torch

from from_scratch.continuous_control.sac import SAC, Loss
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.continuous import Noise


class REDQ(SAC):
    gradient_steps: int = 20  # G  critic updates for every step played
    n_target_critics: int = 2  # M  critics, drawn anew for each update, whose minimum the target takes
    policy_delay: int = 20

    def check(self) -> None:
        super().check()
        self.policy_kwargs.setdefault("n_critics", 10)  # N

    def build(self) -> None:
        super().build()
        N = self.policy_kwargs["n_critics"]
        if self.n_target_critics > N:
            raise ValueError(f"n_target_critics={self.n_target_critics} cannot be drawn from {N}: give at most {N}, or policy_kwargs with a larger n_critics.")

    def update(self, b: Transition) -> None:
        self.reset_noise(1)
        with torch.no_grad():
            noise_next = self.pi.drawn(b.next_obs, self._rng, b.action.shape[1:])
        α = self.temperature.alpha
        self.note(ent_coef=α)
        self.minimise(self.ensemble_loss, b, noise_next, α, self.left_out(), by=self.q)
        if self.updates[0] % self.policy_delay == 0:
            noise = self.pi.drawn(b.obs, self._rng, b.action.shape[1:])
            if self.temperature.is_tuned:
                self.minimise(self.temperature_loss, b.obs, noise, by=self.temperature)
            self.minimise(self.actor_loss, b, noise, α, by=self.pi)
        if self.gradient_step % self.target_update_interval == 0:
            self.q_target.track(self.q, self.tau)

    def left_out(self) -> torch.Tensor:
        """0 for the M critics that are drawn for a target, and ∞ for the others, [S, N, 1]: what a minimum does not see."""
        drawn = self._rng.permutation(self.policy_kwargs["n_critics"], self.active)[:, : self.n_target_critics]
        infinite = np.full((self.n_seeds, self.policy_kwargs["n_critics"], 1), np.inf, np.float32)
        np.put_along_axis(infinite, drawn[..., None], 0, 1)
        return torch.from_numpy(infinite).to(self.device)

    @per_seed
    def ensemble_loss(self, b: Transition, noise: Noise, α: torch.Tensor, left_out: torch.Tensor) -> Loss:  # every field [S, M, ...], α [S]
        with torch.no_grad():
            a_next, log_pi_next = self.pi(b.next_obs, noise)
            v_next = (self.q_target(b.next_obs, a_next) + left_out).amin(1) - α.unsqueeze(-1) * log_pi_next
            y = b.reward + b.discount * v_next  # eq. (1)
        loss = 0.5 * ((self.q(b.obs, b.action) - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss}

    @per_seed
    def actor_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:
        a, log_pi = self.pi(b.obs, noise)
        q = self.q(b.obs, a).transpose(1, 2).mean(-1)  # of all N
        loss = (α.unsqueeze(-1) * log_pi - q).mean(-1)
        return loss, {"actor_loss": loss}
