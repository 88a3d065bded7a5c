"""Stream Q(λ): deep Q-learning from a stream of steps, each used once (Elsayed, Vasan & Mahmood 2024, arXiv:2410.14606).

    for each step:
        choose A ε-greedily on Q(S, ·; w), observe R, S'
        δ ← R + γ max_a Q(S', a; w) − Q(S, A; w),  with Q(S', ·) = 0 if the episode terminated
        z ← γ λ z + ∇ Q(S, A; w)
        M ← α κ max(|δ|, 1) ‖z‖₁;  w ← w + α / max(M, 1) δ z          the step is cut where it might overshoot
        z ← 0 if A was not greedy, or if the episode ended

No memory, no batches, no target network. What makes it work beside the bounded step: weights nine tenths of which begin at 0, layer normalisation before
every hidden activation, and observations and rewards in units of their own spread. The last is Stable-Baselines3's VecNormalize: wrap the environment in it
(`normalize: true` in settings); the authors have the same statistics without its clipping.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.data import Step
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.exploration import Explores, check_probabilities
from from_scratch.core.loops.traced import Traced
from from_scratch.core.networks.action_values import OwnQNetworks, WithoutTarget
from from_scratch.core.networks.layer_norm import PlainLayerNorm


def sparse_linear(n: int, m: int, sparsity: float) -> nn.Linear:
    """A layer from n to m numbers: weights uniform within ±1/√n, of which a share `sparsity` of each output's are 0; biases 0."""
    layer = nn.Linear(n, m)
    with torch.no_grad():
        layer.weight.uniform_(-1 / math.sqrt(n), 1 / math.sqrt(n))
        for row in layer.weight:
            row[torch.randperm(n)[: min(math.ceil(sparsity * n), n - 1)]] = 0  # with few inputs one is left
        layer.bias.zero_()
    return layer


class Leaky(nn.LeakyReLU):
    """Torch's, as an equation of all seeds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.maximum(self.negative_slope * x)


class StreamNetwork(QNetwork):
    def __init__(self, *args: Any, sparsity: float, **kwargs: Any):
        super().__init__(*args, **kwargs)
        del self.q_net
        self.sizes = list(pairwise([self.features_dim, *self.net_arch, int(self.action_space.n)]))
        for i, (n, m) in enumerate(self.sizes):
            setattr(self, f"layer{i}", sparse_linear(n, m, sparsity))
        self.norm = PlainLayerNorm()

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        x = features
        for i in range(len(self.sizes) - 1):
            x = self.activation_fn()(self.norm(getattr(self, f"layer{i}")(x)))
        return getattr(self, f"layer{len(self.sizes) - 1}")(x)

    def forward(self, obs: Any) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor))


class Streaming(WithoutTarget, OwnQNetworks):
    network, own = StreamNetwork, {"sparsity": 0.9}


class StreamPolicy(Streaming, DQNPolicy):
    """For vectors."""


class StreamCnnPolicy(Streaming, CnnPolicy):
    """For images."""


class StreamMultiInputPolicy(Streaming, MultiInputPolicy):
    """For Dict observations."""


class StreamQ(Explores, Traced):
    learning_rate: float | Callable[[float], float] = 1.0  # α  the step is bounded, so that it may be as large
    gamma: float = 0.99  # γ
    lambda_: float = 0.8  # λ
    kappa: float = 2.0  # κ  how early a step is cut: more is more careful
    exploration_fraction: float = 0.2
    exploration_initial_eps: float = 1.0
    exploration_final_eps: float = 0.01

    policy_aliases: ClassVar[dict[str, type]] = {"MlpPolicy": StreamPolicy, "CnnPolicy": StreamCnnPolicy, "MultiInputPolicy": StreamMultiInputPolicy}
    supported_action_spaces = (spaces.Discrete,)
    saved = ("exploration_schedule",)

    def check(self) -> None:
        super().check()
        check_range(self, "learning_rate", above=0)
        check_range(self, "lambda_", low=0, high=1)
        check_range(self, "kappa", low=1)
        check_probabilities(self, "exploration_initial_eps", "exploration_final_eps", "exploration_fraction")
        self.exploration_rate = self.exploration_initial_eps
        self.policy_kwargs = {"optimizer_class": torch.optim.SGD, "activation_fn": Leaky, **self.policy_kwargs}

    def build(self) -> None:
        self.q = self.net("q_net")  # Q(s, ·; w)
        self.exploration_schedule = LinearSchedule(self.exploration_initial_eps, self.exploration_final_eps, self.exploration_fraction or 1e-12)

    @property
    def n_actions(self) -> int:
        return int(self.action_space.n)  # type: ignore[attr-defined]

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        self.greedy = self.q.play(obs).argmax(-1)  # [S, 1]
        explore = np.zeros(self.n_seeds, bool) if deterministic else self._rng.coin() < self.exploration_rate
        return np.where(explore[:, None], self._rng.sample_actions(1, explore), self.greedy) if explore.any() else self.greedy

    def update(self, obs: Any, action: np.ndarray, step: Step) -> np.ndarray:
        self.exploration_rate = self.now(self.exploration_schedule)
        s, a = self.as_tensors(obs), self.as_tensors(action)
        q, v_next = self.q.play(obs)[np.arange(self.n_seeds), 0, action[:, 0]], self.q.play(self.by_seed(step.next_obs)).max(-1)[:, 0]
        δ = step.r + step.discount(self.gamma) * v_next - q
        self.ascend(self.value, s, a, by=self.q, error=δ, decay=self.gamma * self.lambda_, factor=self.bound)
        self.begin(action[:, 0] != self.greedy[:, 0])
        return δ

    @per_seed
    def value(self, obs: Any, action: torch.Tensor) -> tuple[torch.Tensor, dict]:
        return self.q(obs).gather(-1, action.unsqueeze(-1)).squeeze(-1).sum(-1), {}

    def bound(self, δ: np.ndarray, z: np.ndarray) -> np.ndarray:
        """What a step α δ z is multiplied by so that it does not overshoot, [S]: 1 / max(M, 1)."""
        M = self.now(self.lr_schedule) * self.kappa * np.maximum(np.abs(δ), 1) * np.abs(z).sum(-1, dtype=np.float64)
        return 1 / np.maximum(M, 1)

    def _record_progress(self) -> None:
        super()._record_progress()
        self.logger.record("rollout/exploration_rate", self.exploration_rate)
