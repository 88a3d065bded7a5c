"""Conservative Q-learning on soft actor-critic, CQL(H) (Kumar et al. 2020, arXiv:2006.04779, Algorithm 1).

    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set
        y = r + γ min_i Q'_i(s', a'), a' ~ π(·|s')
        descend on Σ_i α E[log ∫ exp Q_i(s, a) da − Q_i(s, a)] + (y − Q_i(s, a))², the integral by importance sampling:
            actions a_j from the uniform density, from π(·|s) and from π(·|s'), n of each:  log Σ_j exp(Q_i(s, a_j) − log μ(a_j))
        with a target gap τ: ascend on α (log ∫ … − Q_i − τ), so that α grows while the gap is larger
        descend on α_π log π(a|s) − min_i Q_i(s, a), a ~ π(·|s); at first, for bc_steps, on α_π log π(a|s) − log π(a_data|s)

As the authors' code has it, and others': the square without ½, no − log 3n, actions of π(·|s') at Q(s, ·) with their own density, and no entropy in y unless
`soft_backup`. Where α is tuned it multiplies `conservative_weight`, and the critics' step takes α as it was before its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.conservative import CQL_ALIASES
from from_scratch.core.networks.continuous import Noise
from from_scratch.offline.soft import Loss, SoftOffline

MOST = 1e6  # of the tuned factor


@dataclass
class Candidates:
    """Actions that the data may not hold."""

    action: torch.Tensor  # a_j         [S, M, 3n, A]
    log_mu: torch.Tensor  # log μ(a_j)  [S, M, 3n]


class CQL(SoftOffline):
    policy_learning_rate: float | Callable[[float], float] = 3e-5  # the actor's step size, far below the critics'
    conservative_weight: float = 10.0  # α  how much the critics are held down beside the data
    target_gap: float | None = None  # τ; a number to tune a further factor of α towards it
    n_action_samples: int = 10  # n  actions of each kind that are drawn for a state
    bc_steps: int = 0  # gradient steps for which the actor imitates the data

    policy_aliases = CQL_ALIASES

    def check(self) -> None:
        super().check()
        check_range(self, "n_action_samples", low=1, whole=True)
        check_range(self, "bc_steps", low=0, whole=True)

    def build(self) -> None:
        super().build()
        if self.target_gap is not None:
            self.log_multiplier = self.net("multiplier")

    def update(self, b: Transition) -> None:
        noise = self.pi.drawn(b.obs, self._rng, b.action.shape[1:])
        with torch.no_grad():
            noise_next = self.pi.drawn(b.next_obs, self._rng, b.action.shape[1:])
        α = self.tune_temperature(b, noise)
        self.minimise(self.critic_loss, b, noise_next, α, self.candidates(b), self.factor(), by=self.q)
        if self.target_gap is not None:
            self.minimise(self.multiplier_loss, self.noted["gap"], by=self.log_multiplier)
        warming_up = self.updates[0] <= self.bc_steps
        self.minimise(self.imitation_loss if warming_up else self.actor_loss, b, noise, α, by=self.pi)
        self.q_target.track(self.q, self.tau)

    @torch.no_grad()
    def candidates(self, b: Transition) -> Candidates:
        """3n actions to each state s of the batch, from μ: n that are uniform, n of π(·|s), n of π(·|s')."""
        (M, A), n = b.action.shape[1:], self.n_action_samples
        uniform = torch.erf(self._rng.noise(M, n, A).to(self.device) / math.sqrt(2))  # what the normal distribution's own function makes of its draws
        actions, log_mu = [uniform], [torch.full_like(uniform[..., 0], -A * math.log(2))]
        for obs in (b.obs, b.next_obs):
            a, log_pi = self.pi.several(obs, self._rng, n)
            actions.append(a)
            log_mu.append(log_pi)
        return Candidates(torch.cat(actions, 2), torch.cat(log_mu, 2))

    def factor(self) -> torch.Tensor:
        """What the penalty is multiplied by besides its weight, [S]."""
        return self.log_multiplier().detach()[:, 0].exp().clamp(max=MOST) if self.target_gap is not None else torch.ones(self.n_seeds, device=self.device)

    @per_seed
    def critic_loss(self, b: Transition, noise: Noise, α: torch.Tensor, candidates: Candidates, multiplier: torch.Tensor) -> Loss:  # fields [S, M, ...], α [S]
        with torch.no_grad():
            y = self.target(b, noise, α)
        q = self.q(b.obs, b.action)  # [S, C, M]
        td_loss = ((q - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        gap = self.q.mean_logsumexp(b.obs, candidates.action, candidates.log_mu) - q.mean(-1)  # [S, C], eq. (4)
        conservative_loss = multiplier * self.penalty(gap).sum(-1)
        loss = td_loss + conservative_loss
        metrics = {"critic_loss": loss, "td_loss": td_loss, "conservative_loss": conservative_loss, "q_value": q.detach().mean(-1).mean(-1)}
        return loss, {**metrics, "gap": gap}

    def penalty(self, gap: torch.Tensor) -> torch.Tensor:
        return self.conservative_weight * (gap - (self.target_gap or 0.0))  # appendix F, eq. (30)

    @per_seed
    def multiplier_loss(self, gap: torch.Tensor) -> Loss:  # [S, C]
        loss = -(self.log_multiplier(gap).exp().clamp(max=MOST) * self.penalty(gap)).mean(-1)
        return loss, {"multiplier_loss": loss}

    @per_seed
    def imitation_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:
        loss = (α.unsqueeze(-1) * self.pi(b.obs, noise)[1] - self.pi.log_prob(b.obs, b.action)).mean(-1)
        return loss, {"actor_loss": loss}
