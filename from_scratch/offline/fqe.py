"""Fitted Q evaluation: what a given policy is worth, from a data set that another one recorded (Le, Voloshin & Yue 2019, arXiv:1903.08738, Algorithm 3).

    given a policy π
    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set
        y = r + γ Q'(s', π(s'));  descend on (y − Q(s, a))²
        every C steps: θ' ← θ
    V^π = mean of Q(s, π(s)) over the states in which episodes begin

The error is squared, as in the paper, also for discrete actions. A policy that draws its actions is asked anew at each step.
"""

from __future__ import annotations

from typing import Any

import torch

from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.evaluates import Evaluated, Evaluates
from from_scratch.core.loops.weighted import Loss


class FQE(Evaluates):
    target_update_interval: int = 100  # C
    policy_to_evaluate: Any = None  # π  a model, a policy, or a function from observations to actions; None takes random actions
    deterministic: bool = True  # ask it for the actions that it takes when asked to be deterministic, once; else they are drawn at every step

    def update(self, b: Any) -> None:
        self.minimise(self.loss, b, by=self.q)
        if self.updates[0] % self.target_update_interval == 0:
            self.q_target.track(self.q, 1.0)

    @per_seed
    def loss(self, b: Evaluated) -> Loss:  # every field [S, M, ...]
        with torch.no_grad():
            y = b.reward + b.discount * self.of_pairs(self.q_target, b.next_obs, b.next_action)[:, 0]
        q = self.of_pairs(self.q, b.obs, b.action)[:, 0]
        loss = ((q - y) ** 2).mean(-1)
        return loss, {"loss": loss, "q_value": q.detach().mean(-1)}
