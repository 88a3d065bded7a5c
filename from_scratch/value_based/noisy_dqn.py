"""NoisyNet-DQN (Fortunato et al. 2018, arXiv:1706.10295, Algorithm 1 in appendix C.1, with factorised noise and without its double and dueling parts).

    every layer is  y = (μ_w + σ_w ⊙ ε_w) x + μ_b + σ_b ⊙ ε_b,  with ε_w = f(ε_out) f(ε_in)ᵀ,  ε_b = f(ε_out),  f(x) = sign(x) √|x|
    for each step:
        draw noise; take argmax_a Q(s, a; θ, ε): there is no ε-greedy
        store (s, a, r, s'); draw a minibatch, and noise for each network
        y = r + γ max_a' Q(s', a'; θ⁻, ε'), or r if the episode terminated at s'
        descend on (y − Q(s, a; θ, ε))², the error clipped, over μ and σ

The networks learn how much noise each weight needs. One draw serves a whole batch; each environment acts by its own. Who asks for deterministic actions
gets those of the means, σ being left out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork

from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.action_values import OwnQNetworks
from from_scratch.core.networks.noisy import NoisyLinear, f
from from_scratch.value_based.dqn import DQN


class NoisyNetwork(QNetwork):
    def __init__(self, *args: Any, sigma_0: float, **kwargs: Any):
        super().__init__(*args, **kwargs)
        del self.q_net
        self.widths = [self.features_dim, *self.net_arch, int(self.action_space.n)]
        self.ends = np.cumsum([0, *(n + m for n, m in pairwise(self.widths))]).tolist()  # where each layer's noise ends
        for i, (n, m) in enumerate(pairwise(self.widths)):
            setattr(self, f"layer{i}", NoisyLinear(n, m, sigma_0))

    @per_seed
    def outputs(self, features: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        x = features
        for i, (start, end) in enumerate(pairwise(self.ends)):
            x = self.activation_fn()(x) if i else x
            x = getattr(self, f"layer{i}")(x, None if noise is None else noise[..., start:end])
        return x

    def forward(self, obs: Any, noise: torch.Tensor | None = None) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor), noise)

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        features = self.extract_features(observation, self.features_extractor)
        noise = None if deterministic else f(torch.randn(len(features), self.ends[-1])).to(features.device)
        return self.outputs(features, noise).argmax(-1)


class OfNoise(OwnQNetworks):
    network, own = NoisyNetwork, {"sigma_0": 0.5}


class NoisyPolicy(OfNoise, DQNPolicy):
    """For vectors."""


class NoisyCnnPolicy(OfNoise, CnnPolicy):
    """For images: the layers of the features extractor are not noisy."""


class NoisyMultiInputPolicy(OfNoise, MultiInputPolicy):
    """For Dict observations."""


class NoisyDQN(DQN):
    sigma_0: float = 0.5  # σ_0  how noisy the layers are at first
    exploration_fraction: ClassVar[float] = 0.1
    exploration_initial_eps: ClassVar[float] = 0.0  # the noise explores
    exploration_final_eps: ClassVar[float] = 0.0

    policy_aliases: ClassVar[dict[str, type]] = {"MlpPolicy": NoisyPolicy, "CnnPolicy": NoisyCnnPolicy, "MultiInputPolicy": NoisyMultiInputPolicy}

    def check(self) -> None:
        super().check()
        check_range(self, "sigma_0", low=0)

    def new_policy(self) -> BasePolicy:
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **{**self.policy_kwargs, "sigma_0": self.sigma_0})

    def noise(self, n: int) -> torch.Tensor:
        """n draws of f(ε) for all layers, [S, n, ...]."""
        return f(self._rng.noise(n, self._policies[0].q_net.ends[-1])).to(self.device)

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.best(self.q.play(obs, *([] if deterministic else [self.noise(self.n_envs)])))

    def update(self, b: Transition) -> None:
        self.minimise(self.loss, b, self.noise(1), self.noise(1), by=self.q)

    @per_seed
    def loss(self, b: Transition, noise: torch.Tensor, noise_target: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # type: ignore[override]
        with torch.no_grad():
            y = b.reward + b.discount * self.valid(self.q_target(b.next_obs, noise_target), b).amax(-1)
        q = self.q(b.obs, noise).gather(-1, b.action.long()).squeeze(-1)
        loss = F.smooth_l1_loss(q, y, reduction="none").mean(-1)  # the error clipped to [−1, 1], as in DQN
        return loss, {"loss": loss}
