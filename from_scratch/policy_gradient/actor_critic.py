"""Actor-critic, one-step or with eligibility traces (Sutton & Barto 2018, §13.5, the second box, which is the first where both λ are 0).

    for each episode:
        I ← 1;  z^θ ← 0;  z^w ← 0
        for each step:
            A ~ π(·|S, θ); take A, observe R, S'
            δ ← R + γ v̂(S', w) − v̂(S, w),  with v̂(S', w) = 0 if the episode terminated                                 (13.14)
            z^w ← γ λ^w z^w + ∇ v̂(S, w)
            z^θ ← γ λ^θ z^θ + I ∇ ln π(A|S, θ)
            w ← w + α^w δ z^w;  θ ← θ + α^θ δ z^θ                                                                (13.12)
            I ← γ I;  S ← S'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.utils import FloatSchedule

from from_scratch.core.data import Step
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.traced import Traced
from from_scratch.core.networks.own import ACTOR_BASELINE_ALIASES


class ActorCritic(Traced):
    """Online: every step is learnt from once, and forgotten but for the traces. The steps are plain ones, θ ← θ + α δ z, as in the box; another
    optimizer (`policy_kwargs={"optimizer_class": torch.optim.Adam}`) takes δ z for the gradient.

    Where a time limit cuts an episode, δ bootstraps from the observation that it cut.
    """

    learning_rate: float | Callable[[float], float] = 1e-3  # α^θ
    critic_learning_rate: float | Callable[[float], float] = 1e-3  # α^w  step size of the critic
    gamma: float = 0.99  # γ
    actor_lambda: float = 0.0  # λ^θ  how fast the actor's trace fades: 0 is the one-step actor-critic
    critic_lambda: float = 0.0  # λ^w  how fast the critic's trace fades: 0 is TD(0)
    gamma_power: bool = True  # I, the factor γ^t of the box. Almost everyone leaves it out: later steps then count as much as the first

    policy_aliases = ACTOR_BASELINE_ALIASES

    def check(self) -> None:
        super().check()
        check_range(self, "learning_rate", "critic_learning_rate", low=0)
        check_range(self, "actor_lambda", "critic_lambda", low=0, high=1)
        self.policy_kwargs = {"optimizer_class": torch.optim.SGD, **self.policy_kwargs}
        self.I = np.ones(self.n_seeds)  # [S]

    def build(self) -> None:
        self.pi = self.net("actor")
        self.v_hat = self.net("baseline", learning_rate="critic_schedule")  # the container's name for a network of values: here it bootstraps, a critic
        self.critic_schedule = FloatSchedule(self.critic_learning_rate)

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        return self.pi.play(obs, None if deterministic else self._rng)

    def begin(self, where: np.ndarray) -> None:
        super().begin(where)
        self.I[where] = 1

    def update(self, obs: Any, action: np.ndarray, step: Step) -> np.ndarray:
        s, s_next, a = self.as_tensors(obs), self.by_seed(step.next_obs), self.as_tensors(action)
        v, v_next = (self.v_hat.play(x)[:, 0, 0] for x in (obs, s_next))
        δ = step.r + step.discount(self.gamma) * v_next - v  # (13.14), [S]
        self.ascend(self.value, s, by=self.v_hat, error=δ, decay=self.gamma * self.critic_lambda)
        self.ascend(self.log_pi, s, a, by=self.pi, error=δ, decay=self.gamma * self.actor_lambda, emphasis=self.I)  # (13.12)
        if self.gamma_power:
            self.I *= self.gamma
        return δ

    @per_seed
    def value(self, obs: Any) -> tuple[torch.Tensor, dict]:
        return self.v_hat(obs).squeeze(-1).sum(-1), {}

    @per_seed
    def log_pi(self, obs: Any, action: torch.Tensor) -> tuple[torch.Tensor, dict]:
        return self.pi(obs).log_prob(action).sum(-1), {}

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.I = self.I[k : k + 1].copy()
