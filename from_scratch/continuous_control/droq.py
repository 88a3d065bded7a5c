"""DroQ (Hiraoka et al. 2022, arXiv:2110.02034, Algorithm 2): REDQ whose ensemble is a pair of critics with dropout and layer normalisation.

    as REDQ, with M = N = 2 and critics of layers  ReLU(LayerNorm(dropout(W x + b)))
    whenever a critic is asked, in targets and for the actor too, its units are dropped anew

A network with random units left out is a sample from an ensemble, at the price of one network. The probability of a unit to be dropped is policy_kwargs'
`dropout_rate`, 0.01. To the user's own calls of `policy.critic` nothing is dropped.
"""

from __future__ import annotations

from typing import ClassVar

import torch

from from_scratch.continuous_control.redq import REDQ, Loss
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.continuous import Noise
from from_scratch.core.networks.dropout import DROQ_ALIASES


class DroQ(REDQ):
    n_target_critics: ClassVar[int] = 1  # the minimum is over all there are

    policy_aliases = DROQ_ALIASES

    def check(self) -> None:
        self.policy_kwargs.setdefault("n_critics", 2)
        super().check()

    def update(self, b: Transition) -> None:
        self.reset_noise(1)
        M = b.reward.shape[1]
        with torch.no_grad():
            noise_next = self.pi.drawn(b.next_obs, self._rng, b.action.shape[1:])
        α = self.temperature.alpha
        self.note(ent_coef=α)
        self.minimise(self.dropped_loss, b, noise_next, α, self.q.masks(self._rng, M), self.q.masks(self._rng, M), by=self.q)
        if self.updates[0] % self.policy_delay == 0:
            noise = self.pi.drawn(b.obs, self._rng, b.action.shape[1:])
            if self.temperature.is_tuned:
                self.minimise(self.temperature_loss, b.obs, noise, by=self.temperature)
            self.minimise(self.dropped_actor_loss, b, noise, α, self.q.masks(self._rng, M), by=self.pi)
        if self.gradient_step % self.target_update_interval == 0:
            self.q_target.track(self.q, self.tau)

    @per_seed
    def dropped_loss(self, b: Transition, noise: Noise, α: torch.Tensor, masks_next: torch.Tensor, masks: torch.Tensor) -> Loss:  # masks [S, C, M, units]
        with torch.no_grad():
            a_next, log_pi_next = self.pi(b.next_obs, noise)
            v_next = self.q_target(b.next_obs, a_next, masks_next).amin(1) - α.unsqueeze(-1) * log_pi_next
            y = b.reward + b.discount * v_next  # eq. (4), with dropout in the target
        loss = 0.5 * ((self.q(b.obs, b.action, masks) - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss}

    @per_seed
    def dropped_actor_loss(self, b: Transition, noise: Noise, α: torch.Tensor, masks: torch.Tensor) -> Loss:
        a, log_pi = self.pi(b.obs, noise)
        q = self.q(b.obs, a, masks).transpose(1, 2).mean(-1)
        loss = (α.unsqueeze(-1) * log_pi - q).mean(-1)
        return loss, {"actor_loss": loss}
