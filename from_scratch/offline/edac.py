"""EDAC: an ensemble of critics that are kept diverse (An et al. 2021, arXiv:2110.01548, Algorithm 1); with η = 0 it is SAC-N.

    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set; tune α
        y = r + γ (min_i Q'_i(s', a') − α log π(a'|s')), a' ~ π(·|s'), i = 1 … N
        descend on Σ_i (y − Q_i(s, a))² + η / (N − 1) Σ_{i≠j} cos(∇_a Q_i(s, a), ∇_a Q_j(s, a))
        descend on α log π(a|s) − min_i Q_i(s, a), a ~ π(·|s)
        θ' ← τ θ + (1 − τ) θ' for the critics

The minimum of many critics is low where they disagree, which is where the data are not. They agree too well there if their slopes point the same way; then
more of them are needed, and the last term spares them. N is policy_kwargs' `n_critics`.
"""

from __future__ import annotations

import torch

from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.conservative import SOFT_ALIASES
from from_scratch.core.networks.continuous import Noise
from from_scratch.offline.soft import Loss, SoftOffline


class EDAC(SoftOffline):
    soft_backup: bool = True
    eta: float = 1.0  # η  how much the critics' gradients are to differ; 0 is SAC-N

    policy_aliases = SOFT_ALIASES

    def check(self) -> None:
        super().check()
        check_range(self, "eta", low=0)
        self.policy_kwargs.setdefault("n_critics", 10)  # N
        if self.eta > 0 and self.policy_kwargs["n_critics"] < 2:
            raise ValueError(f"eta={self.eta} keeps critics apart, and there is 1: give eta=0, or policy_kwargs with a larger n_critics.")

    def update(self, b: Transition) -> None:
        noise = self.pi.drawn(b.obs, self._rng, b.action.shape[1:])
        with torch.no_grad():
            noise_next = self.pi.drawn(b.next_obs, self._rng, b.action.shape[1:])
        α = self.tune_temperature(b, noise)
        self.minimise(self.critic_loss, b, noise_next, α, by=self.q)
        self.minimise(self.actor_loss, b, noise, α, by=self.pi)
        self.q_target.track(self.q, self.tau)

    @per_seed
    def critic_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:  # every field [S, M, ...], α [S]
        with torch.no_grad():
            y = self.target(b, noise, α)
        q = self.q(b.obs, b.action)
        td_loss = ((q - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        metrics = {"td_loss": td_loss, "q_value": q.detach().mean(-1).mean(-1)}
        if self.eta == 0:
            return td_loss, metrics
        slope = self.q.slopes(b.obs, b.action)  # ∇_a Q_i(s, a), [S, N, M, A]
        slope = slope / (slope.norm(dim=-1, keepdim=True) + 1e-10)
        total = slope.sum(1)  # Σ_{i≠j} ⟨g_i, g_j⟩ = |Σ_i g_i|² − Σ_i |g_i|²
        alike = ((total**2).sum(-1) - (slope**2).sum(-1).sum(1)).mean(-1) / (slope.shape[1] - 1)  # eq. (6)
        return td_loss + self.eta * alike, {**metrics, "alike": alike}
