"""Advantage-weighted actor-critic, from a data set and then in the environment (Nair, Gupta, Dalal & Levine 2020, arXiv:2006.09359, Algorithm 1).

    for each gradient step on the data set; then for each step of the environment, which is added to the data:
        draw a minibatch (s, a, r, s')
        y = r + γ min_i Q'_i(s', a'), a' ~ π(·|s');  descend on Σ_i (y − Q_i(s, a))²
        A = min_i Q_i(s, a) − min_i Q_i(s, ã), ã ~ π(·|s);  ascend on log π(a|s) exp(A/λ) / Z
        θ' ← τ θ + (1 − τ) θ' for the critics

Z makes the mean of a minibatch's weights 1, as the authors' code does; without it (`normalise_weights=False`) they are cut at 100, as in CORL. π is a
Gaussian that is not squashed, around tanh(μ(s)), with a log σ that does not depend on s. For discrete actions expectations over a' and ã are sums.
"""

from __future__ import annotations

import torch
from stable_baselines3.common.policies import BasePolicy

from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.fine_tuning import FineTuned
from from_scratch.core.loops.weighted import AdvantageWeighted, Loss


class AWAC(AdvantageWeighted, FineTuned):
    tau: float = 0.005  # τ
    temperature: float = 1.0  # λ  the smaller, the more the data's better actions are preferred: divides the advantage
    n_action_samples: int = 1  # actions ã over which the value of a state is a mean
    normalise_weights: bool = True  # 1/Z  let the weights of a minibatch have the mean 1
    max_weight: float = 100.0  # what weights are cut at that are not normalised

    def check(self) -> None:
        super().check()
        check_range(self, "temperature", "max_weight", above=0)
        check_range(self, "n_action_samples", low=1, whole=True)

    def new_policy(self) -> BasePolicy:
        own = {"with_value": False, "log_std_range": (-6.0, 0.0), **self.policy_kwargs}
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **own)

    def update(self, b: Transition) -> None:
        self.minimise(self.critic_loss, b, *self.noise(b, 1), by=self.q)
        self.minimise(self.actor_loss, b, *self.noise(b, self.n_action_samples), by=self.pi)
        self.q_target.track(self.q, self.tau)

    @per_seed
    def critic_loss(self, b: Transition, *noise: torch.Tensor) -> Loss:  # every field [S, M, ...]
        with torch.no_grad():
            y = b.reward + b.discount * self.expected(self.q_target, b.next_obs, *noise)
        q = self.of_pairs(self.q, b.obs, b.action)
        loss = ((q - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss, "q_value": q.detach().mean(-1).mean(-1)}

    @per_seed
    def actor_loss(self, b: Transition, *noise: torch.Tensor) -> Loss:
        with torch.no_grad():
            A = self.of_pairs(self.q, b.obs, b.action).amin(1) - self.expected(self.q, b.obs, *noise)
            if self.normalise_weights:
                weight = (A / self.temperature).softmax(-1) * float(len(b.reward[0]))
            else:
                weight = (A / self.temperature).exp().clamp(max=self.max_weight)
        loss = -(weight * self.log_prob(b)).mean(-1)  # eq. (13)
        return loss, {"actor_loss": loss}
