"""Behaviour-regularised actor-critic (Wu, Tucker & Nachum 2019, arXiv:1911.11361, §4).

    for behaviour_steps: fit the behaviour policy π_b to the data by likelihood
    then for each gradient step:
        draw a minibatch (s, a, r, s') of the data set; n actions a' ~ π(·|s') and a ~ π(·|s)
        y = r + γ (min_i Q'_i(s', a') − α D(π(·|s'), π_b(·|s')));  descend on Σ_i (y − Q_i(s, a))²
        descend on α D(π(·|s), π_b(·|s)) − min_i Q_i(s, a)
        θ' ← τ θ + (1 − τ) θ' for the critics

`penalty="value"` is BRAC-v; with "policy", BRAC-p, the divergence D is not in y. D is KL(π ‖ π_b) = E_π[log π − log π_b], or the squared maximum mean
discrepancy of n actions of each, with the kernel exp(−|x − y|² / 2σ). Entropy is not rewarded unless `ent_coef` says so.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from from_scratch.core.data import Observation, Transition, tree_map
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.conservative import BRAC_ALIASES
from from_scratch.core.networks.continuous import Noise
from from_scratch.offline.soft import Loss, SoftOffline


class BRAC(SoftOffline):
    policy_learning_rate: float | Callable[[float], float] = 3e-5  # the step size of the actor alone
    ent_coef: str | float = 0.0
    penalty: str = "value"  # where D counts: "value", in targets as well (BRAC-v), or "policy", in the actor's loss alone (BRAC-p)
    divergence: str = "kl"  # D, how far policies lie apart: "kl" or "mmd"
    penalty_weight: float = 1.0  # α  how much it costs to leave the behaviour policy
    n_action_samples: int = 4  # n  actions of each policy, over which D is a mean
    mmd_sigma: float = 20.0  # σ  the width of MMD's kernel
    behaviour_steps: int = 10_000  # gradient steps, the first ones, on the behaviour policy

    policy_aliases = BRAC_ALIASES

    def check(self) -> None:
        super().check()
        for name, known in {"penalty": ("value", "policy"), "divergence": ("kl", "mmd")}.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r}: give one of {', '.join(map(repr, known))}.")
        check_range(self, "n_action_samples", low=1, whole=True)
        check_range(self, "behaviour_steps", low=0, whole=True)
        check_range(self, "mmd_sigma", above=0)

    def build(self) -> None:
        super().build()
        self.pi_b = self.net("behaviour")

    def update(self, b: Transition) -> None:
        if self.updates[0] <= self.behaviour_steps:
            self.minimise(self.behaviour_loss, b, by=self.pi_b)
            return
        (M, A), n = b.action.shape[1:], self.n_action_samples
        here, there = (tree_map(lambda x: x.repeat_interleave(n, 1), obs) for obs in (b.obs, b.next_obs))
        noise = self.pi.drawn(here, self._rng, (M * n, A))
        with torch.no_grad():
            noise_next = self.pi.drawn(there, self._rng, (M * n, A))
            of_data, of_data_next = (self.pi_b(obs, self.pi_b.drawn(obs, self._rng, (M * n, A)))[0] for obs in (here, there))
        α = self.temperature.alpha
        self.note(ent_coef=α)
        if self.temperature.is_tuned:
            self.minimise(self.temperature_loss, here, noise, by=self.temperature)
        self.minimise(self.critic_loss, b, there, noise_next, of_data_next, α, by=self.q)
        self.minimise(self.actor_loss, here, noise, of_data, α, by=self.pi)
        self.q_target.track(self.q, self.tau)

    @per_seed
    def behaviour_loss(self, b: Transition) -> Loss:
        loss = -self.pi_b.log_prob(b.obs, b.action).mean(-1)
        return loss, {"behaviour_loss": loss}

    def away(self, obs: Observation, a: torch.Tensor, log_pi: torch.Tensor, of_data: torch.Tensor) -> torch.Tensor:
        """D(π(·|s), π_b(·|s)), [S, M], from n actions of each in every state: a, of_data [S, M·n, A]; obs [S, M·n, ...]."""
        n, shape = self.n_action_samples, (len(a), -1, self.n_action_samples, a.shape[-1])
        if self.divergence == "kl":
            return (log_pi - self.pi_b.log_prob(obs, a)).view(len(a), -1, n).mean(-1)
        x, y = a.view(*shape), of_data.view(*shape)
        k = lambda u, v: (-((u.unsqueeze(3) - v.unsqueeze(2)) ** 2).sum(-1) / (2 * self.mmd_sigma)).exp().flatten(2).mean(-1)  # E k(u, v)
        return k(x, x) - 2 * k(x, y) + k(y, y)

    @per_seed
    def critic_loss(self, b: Transition, there: Observation, noise: Noise, of_data: torch.Tensor, α: torch.Tensor) -> Loss:
        with torch.no_grad():
            a_next, log_pi_next = self.pi(there, noise)  # n for each s'
            v_next = self.q_target(there, a_next).amin(1)
            v_next = (v_next - α.unsqueeze(-1) * log_pi_next if self.soft_backup else v_next).view(len(a_next), -1, self.n_action_samples).mean(-1)
            if self.penalty == "value":
                v_next = v_next - self.penalty_weight * self.away(there, a_next, log_pi_next, of_data)  # eq. (5)
            y = b.reward + b.discount * v_next
        q = self.q(b.obs, b.action)
        loss = ((q - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss, "q_value": q.detach().mean(-1).mean(-1)}

    @per_seed
    def actor_loss(self, here: Observation, noise: Noise, of_data: torch.Tensor, α: torch.Tensor) -> Loss:  # type: ignore[override]
        a, log_pi = self.pi(here, noise)
        divergence = self.away(here, a, log_pi, of_data).mean(-1)
        loss = self.penalty_weight * divergence + (α.unsqueeze(-1) * log_pi - self.q(here, a).min(1).values).mean(-1)  # eq. (6)
        return loss, {"actor_loss": loss, "divergence": divergence}
