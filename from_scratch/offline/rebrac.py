"""ReBRAC: behaviour regularisation revisited, for actor and critic (Tarasov et al. 2023, arXiv:2305.09836).

    for each gradient step:
        draw a minibatch (s, a, r, s', a') of the data set
        ã = μ'(s') + clip(ε, −c, c);  y = r + γ (min_i Q'_i(s', ã) − β₂ |ã − a'|²);  descend on Σ_i (y − Q_i(s, a))²
        every d steps: descend on β₁ |μ(s) − a|² − λ min_i Q_i(s, μ(s)), with λ = 1 / mean |min_i Q_i(s, μ(s))|, a constant to the gradient
                       θ' ← τ θ + (1 − τ) θ' for actor and critics

TD3+BC with two weights, and with what was found since to matter: critics with layer normalisation (policy_kwargs' `layer_norm`), three hidden layers, large
batches. |·|² is the sum over an action's dimensions. The paper tunes β₁ and β₂ for each data set, from 0.001 to 0.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from from_scratch.core.data import SuccessiveTransition, Transition
from from_scratch.core.datasets import Dataset
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.normalised_critics import REBRAC_ALIASES
from from_scratch.core.replay.recorded import RecordedPairs
from from_scratch.offline.offline_td3 import Loss, OfflineTD3


class ReBRAC(OfflineTD3):
    learning_rate: float | Callable[[float], float] = 1e-3
    batch_size: int = 1024
    actor_penalty: float = 0.01  # β₁  how much the actor pays for its distance from the data
    critic_penalty: float = 0.01  # β₂  how much a target pays for it

    policy_aliases = REBRAC_ALIASES

    def check(self) -> None:
        super().check()
        check_range(self, "actor_penalty", "critic_penalty", low=0)

    def new_memory(self, data: Dataset) -> Any:
        return RecordedPairs(data, self._rng, self.device, self.scale_actions, self.seen)

    @per_seed
    def critic_loss(self, b: SuccessiveTransition, noise: torch.Tensor) -> Loss:  # type: ignore[override]  # every field [S, M, ...]
        with torch.no_grad():
            ε = (self.target_policy_noise * noise).clamp(-self.target_noise_clip, self.target_noise_clip)
            a_next = (self.mu_target(b.next_obs) + ε).clamp(-1, 1)
            away = ((a_next - b.next_action) ** 2).sum(-1)
            y = b.reward + b.discount * (self.q_target(b.next_obs, a_next).amin(1) - self.critic_penalty * away)  # eq. (3)
        q = self.q(b.obs, b.action)
        loss = ((q - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss, "q_value": q.detach().mean(-1).mean(-1)}

    @per_seed
    def actor_loss(self, b: Transition) -> Loss:
        a = self.mu(b.obs)
        q = self.q(b.obs, a).min(1).values
        λ = 1 / q.detach().abs().mean(-1)
        bc_loss = ((a - b.action) ** 2).sum(-1).mean(-1)
        loss = self.actor_penalty * bc_loss - λ * q.mean(-1)  # eq. (4)
        return loss, {"actor_loss": loss, "bc_loss": bc_loss}
