"""REINFORCE with baseline (Williams 1992; Sutton & Barto 2018, §13.4).

    repeat:
        play N episodes with π(·|·, θ);  G_t as in REINFORCE
        δ_t ← G_t − v̂(S_t, w)                                                         with the w that has not seen these episodes
        θ ← θ + α^θ (1/N) Σ_episodes Σ_t γ^t δ_t ∇ ln π(A_t|S_t, θ)                                                   (13.11)
        w ← w + α^w (1/M) Σ_t (G_t − v̂(S_t, w)) ∇ v̂(S_t, w),  K times
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.utils import FloatSchedule, explained_variance, update_learning_rate

from from_scratch.core.data import tree_map
from from_scratch.core.lockstep.rows import per_seed
from from_scratch.core.loops.episodes import Steps
from from_scratch.core.networks.own import ACTOR_BASELINE_ALIASES, network, served
from from_scratch.policy_gradient.reinforce import REINFORCE


class REINFORCEBaseline(REINFORCE):
    """A baseline that depends on the state alone leaves the gradient's expectation as it is (13.10) and takes most of its variance.
    So δ_t uses the baseline fitted to *earlier* episodes: one that has already seen G_t knows the action's luck and biases the gradient.

    v̂ has a network, an optimizer and a learning rate of its own; nothing flows from it into π. Being a regression, it takes the mean
    over the batch's steps, not the sum over an episode's: its step size does not depend on how long episodes are.

    Where a time limit cut an episode short, v̂ of its last observation stands for the rewards that would have followed.
    `normalize_returns` normalises δ.
    """

    baseline_learning_rate: float | Callable[[float], float] = 1e-2  # α^w
    baseline_steps: int = 10  # K  steps on each batch

    policy_aliases = ACTOR_BASELINE_ALIASES
    trained = ("actor", "baseline")

    def build(self) -> None:
        super().build()
        self.baseline_schedule = FloatSchedule(self.baseline_learning_rate)

    def serve(self) -> None:
        super().serve()
        baselines = [policy.baseline for policy in self._policies]
        self._baseline_optimiser = served(baselines, [policy.baseline_optimizer for policy in self._policies], self._tell)
        self.baseline = network(baselines, self._baseline_optimiser.rows)

    @torch.no_grad()
    def values(self, obs: Any) -> torch.Tensor:
        """v̂(s, w), [S, M], for observations [S, M, ...]."""
        return self.baseline(obs).squeeze(-1)

    def train(self) -> None:
        steps = self.episodes.as_steps(self.gamma, self._value_of, self.device)
        v = self.values(steps.obs)
        self.improve_policy(steps, steps.ret - v)  # δ
        self.fit_baseline(steps)
        self.record_metrics()
        self.record("train/explained_variance", explained_variance(v[0].cpu().numpy(), steps.ret[0].cpu().numpy()))

    def fit_baseline(self, steps: Steps) -> None:
        for optimizer in self._baseline_optimiser.optimizers:
            update_learning_rate(optimizer, self.now(self.baseline_schedule))
        for _ in range(self.baseline_steps):
            self.minimise(self.baseline_loss, steps, by=self._baseline_optimiser)

    @per_seed
    def baseline_loss(self, steps: Steps) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        l_v = ((steps.ret - self.baseline(steps.obs).squeeze(-1)) ** 2).mean(-1)
        return l_v / 2, {"value_loss": l_v}

    def _value_of(self, last_obs: Any) -> float:
        return self.values(tree_map(lambda x: torch.as_tensor(x, device=self.device)[None, None], last_obs)).item()

    def _torch_names(self, k: int) -> tuple[list[str], list[str]]:
        names, tensors = super()._torch_names(k)
        return [*names, f"{names[0]}.baseline_optimizer"], tensors
