"""Implicit Q-learning (Kostrikov, Nair & Levine 2022, arXiv:2110.06169, Algorithm 1).

    L₂^τ(u) = |τ − 1(u < 0)| u²: its minimum is an expectile, near the largest of what the data hold where τ is near 1
    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set
        descend on L₂^τ(min_i Q'_i(s, a) − V(s)) for V                                                                     (5)
        descend on −exp(β (min_i Q'_i(s, a) − V(s))) log π(a|s) for π                                                      (7)
        descend on Σ_i (r + γ V(s') − Q_i(s, a))² for the critics                                                          (6)
        θ' ← α θ + (1 − α) θ' for the critics

No action is ever asked about that the data do not hold. The policy is taken out of Q and V along the way, as the authors' code does, not after them.
Critics' errors are summed, as there; weights exp(…) are cut at 100. π is a Gaussian that is not squashed, around tanh(μ(s)), with a log σ that does not depend
on s. For discrete actions all is the same, with π(a|s) and Q_i(s, a) read off networks that have a number for each action.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from stable_baselines3.common.utils import FloatSchedule

from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.weighted import AdvantageWeighted, Loss


class ImplicitQLearning(AdvantageWeighted):
    learning_rate: float | Callable[[float], float] = 3e-4
    actor_learning_rate: float | Callable[[float], float] | None = None  # the actor's; None: learning_rate, which falls to 0 along a cosine
    batch_size: int = 256
    tau: float = 0.005  # α
    gamma: float = 0.99  # γ
    expectile: float = 0.7  # τ  which expectile of Q(s, ·) over the data's actions V(s) is: ½ is their mean, near 1 nearly the best
    beta: float = 3.0  # β  how strongly better actions of the data are preferred: 0 is behaviour cloning
    max_weight: float = 100.0  # what weights exp(β A) are cut at

    actor_rate = "actor_schedule"

    def check(self) -> None:
        super().check()
        check_range(self, "expectile", low=0, high=1)
        check_range(self, "beta", low=0)
        check_range(self, "max_weight", above=0)

    def build(self) -> None:
        super().build()
        self.v = self.net("value")
        self.actor_schedule = self.cosine if self.actor_learning_rate is None else FloatSchedule(self.actor_learning_rate)

    def cosine(self, remaining: float) -> float:
        """learning_rate, which falls to 0 as the rest of training does, from 1 to 0."""
        return self.lr_schedule(remaining) * (1 + math.cos(math.pi * (1 - remaining))) / 2

    def update(self, b: Transition) -> None:
        self.minimise(self.value_loss, b, by=self.v)
        self.minimise(self.actor_loss, b, by=self.pi)
        self.minimise(self.critic_loss, b, by=self.q)
        self.q_target.track(self.q, self.tau)

    def advantage(self, b: Transition) -> torch.Tensor:
        """min_i Q'_i(s, a) − V(s), [S, M]."""
        return self.of_pairs(self.q_target, b.obs, b.action).detach().amin(1) - self.v(b.obs).squeeze(-1)

    @per_seed
    def value_loss(self, b: Transition) -> Loss:  # every field [S, M, ...]
        u = self.advantage(b)
        loss = ((self.expectile - (u < 0).float()).abs() * u**2).mean(-1)  # eq. (5)
        return loss, {"value_loss": loss}

    @per_seed
    def critic_loss(self, b: Transition) -> Loss:
        with torch.no_grad():
            y = b.reward + b.discount * self.v(b.next_obs).squeeze(-1)
        q = self.of_pairs(self.q, b.obs, b.action)
        loss = ((q - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)  # eq. (6)
        return loss, {"critic_loss": loss, "q_value": q.detach().mean(-1).mean(-1)}

    @per_seed
    def actor_loss(self, b: Transition) -> Loss:
        with torch.no_grad():
            weight = (self.beta * self.advantage(b)).exp().clamp(max=self.max_weight)
        loss = -(weight * self.log_prob(b)).mean(-1)  # eq. (7)
        return loss, {"actor_loss": loss}
