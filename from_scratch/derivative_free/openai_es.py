"""Evolution strategies (Salimans, Ho, Chen, Sidor & Sutskever 2017, arXiv:1703.03864, Algorithm 1, with what §2.1 adds to it).

    repeat:
        draw ε_1 … ε_n ~ N(0, I)
        play with θ + σ ε_i and with θ − σ ε_i, and collect their returns F
        put centred ranks in the returns' place: −½ for the worst of the 2n, ½ for the best
        g ← 1/(2n) Σ_i (F(θ + σ ε_i) − F(θ − σ ε_i)) ε_i
        θ ← one step of Adam up g − λ θ

As in the authors' code g is not divided by σ: Adam takes any constant factor out, and λ is meant for this g.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.utils import FloatSchedule

from from_scratch.core.arguments import COUNT
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.population import Generation, Population

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as everywhere


def centred_ranks(x: torch.Tensor) -> torch.Tensor:
    """−½ for the smallest of x [n], ½ for the largest, equally spaced between; equal ones share the mean of their ranks, so that they pull nowhere."""
    below, equal = (x[None] < x[:, None]).sum(-1), (x[None] == x[:, None]).sum(-1)
    return (below + (equal - 1) / 2) / (len(x) - 1) - 0.5


class OpenAIES(Population):
    learning_rate: float | Callable[[float], float] = 0.05  # α
    n_delta: int = 8  # n  how many directions are tried, both ways, for each update
    delta_std: float | Callable[[float], float] = 0.1  # σ  how far candidates lie from the policy, or a function of the remaining part of training
    weight_decay: float = 0.005  # λ  how strongly weights are pulled to 0
    zero_policy: bool = False  # start with all weights at 0
    n_eval_episodes: int = 1  # episodes that each candidate plays

    def check(self) -> None:
        super().check()
        check_range(self, "n_delta", **COUNT)
        check_range(self, "learning_rate", "weight_decay", low=0)
        check_range(self, "delta_std", above=0)
        self.moments: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # m and v of Adam, [D] each, of each seed, from its first update on

    def propose(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        theta = self.weights_of_seed(k)
        noise = self.normal(k, self.n_delta, len(theta))
        step = self.now(FloatSchedule(self.delta_std)) * noise
        return torch.cat([theta + step, theta - step]), noise

    def learn_from(self, k: int, tried: Generation) -> dict[str, float]:
        theta, returns = self.weights_of_seed(k), torch.tensor(tried.returns)
        plus, minus = centred_ranks(returns).float().split(self.n_delta)
        g = (plus - minus) @ tried.noise / (2 * self.n_delta)  # the rank-shaped estimate of ∇F
        alpha = self.lr_schedule(tried.progress)
        self.set_weights_of_seed(k, theta + alpha * self.adam(k, g - self.weight_decay * theta))
        return {
            "train/learning_rate": alpha, "train/delta_std": FloatSchedule(self.delta_std)(tried.progress), "train/grad_norm": g.norm().item(),
            "rollout/return_std": returns.std(correction=0).item(),
        }  # fmt: skip

    def adam(self, k: int, g: torch.Tensor) -> torch.Tensor:
        """Adam's step for a gradient g [D], at a rate of 1 (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1)."""
        m, v = self.moments.get(k, (torch.zeros_like(g), torch.zeros_like(g)))
        m, v, t = BETA_1 * m + (1 - BETA_1) * g, BETA_2 * v + (1 - BETA_2) * g**2, int(self.updates[k]) + 1
        self.moments[k] = m, v
        return m / (1 - BETA_1**t) / ((v / (1 - BETA_2**t)).sqrt() + EPSILON)

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.moments = {0: copy.deepcopy(self.moments[k])} if k in self.moments else {}
