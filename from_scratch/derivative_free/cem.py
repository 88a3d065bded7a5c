"""The cross-entropy method as policy search, with noise that keeps it from settling too soon (Szita & Lőrincz 2006, Neural Computation 18:2936).

    repeat:                                                                                           t = 0, 1, …
        draw P sets of weights θ_i ~ N(μ_t, σ_t²), each weight by itself, and play with each
        the elite I is the best part ρ of them
        μ_{t+1} ← mean of θ_i over I                                                                          (2)
        σ_{t+1}² ← variance of θ_i over I + Z_t,  with Z_t = max{Z_0 (1 − t/T_Z), 0}                          (3)

Without Z the variance shrinks at once and the method stops where it is, often early. The paper's Z_t = max{5 − t/10, 0}, for Tetris and σ_0² = 100, is Z_0 = 5
and T_Z = 50; the defaults here are for weights of networks, which are smaller. The policy acts with the mean μ.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch

from from_scratch.core.arguments import COUNT
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.population import Generation, Population


class CEM(Population):
    """Searches the weights of a policy; another use of the name plans actions in a model."""

    pop_size: int = 32  # P  sets of weights that are tried for each update
    elite_fraction: float = 0.25  # ρ  the part of them that the next ones are drawn around
    init_std: float = 1.0  # σ_0  how far the first ones lie from the policy's initial weights
    extra_variance: float = 0.25  # Z_0  added to the elite's variance at first
    extra_variance_updates: int = 30  # T_Z  updates until nothing is added any more
    zero_policy: bool = True  # start with all weights at 0
    n_eval_episodes: int = 1  # episodes that each set of weights plays

    def check(self) -> None:
        super().check()
        check_range(self, "pop_size", "extra_variance_updates", **COUNT)
        check_range(self, "init_std", above=0)
        check_range(self, "elite_fraction", above=0, high=1)
        check_range(self, "extra_variance", low=0)
        self.std: dict[int, torch.Tensor] = {}  # σ_t [D] of each seed, from its first update on

    @property
    def n_elite(self) -> int:
        """How many the elite are, one at least."""
        return max(1, math.floor(self.elite_fraction * self.pop_size + 1e-9))

    def propose(self, k: int) -> tuple[torch.Tensor, None]:
        mu = self.weights_of_seed(k)
        return mu + self.std.get(k, self.init_std) * self.normal(k, self.pop_size, len(mu)), None

    def learn_from(self, k: int, tried: Generation) -> dict[str, float]:
        returns = torch.tensor(tried.returns)
        elite = tried.candidates[returns.argsort(descending=True, stable=True)[: self.n_elite]]
        extra = max(self.extra_variance * (1 - int(self.updates[k]) / self.extra_variance_updates), 0.0)  # Z_t
        self.set_weights_of_seed(k, elite.mean(0))  # eq. (2)
        self.std[k] = (elite.var(0, correction=0) + extra).sqrt()  # eq. (3)
        return {
            "train/std": self.std[k].mean().item(), "train/extra_variance": extra,
            "rollout/return_std": returns.std(correction=0).item(), "rollout/elite_return": returns.topk(self.n_elite).values.mean().item(),
        }  # fmt: skip

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.std = {0: copy.deepcopy(self.std[k])} if k in self.std else {}
