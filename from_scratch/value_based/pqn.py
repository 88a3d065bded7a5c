"""PQN, a parallelised Q-network (Gallici et al. 2025, arXiv:2407.04811, Algorithm 1).

    for each iteration:
        in each of E environments take T steps, ε-greedily on Q(s, ·; θ)
        R_t = r_t + γ [λ R_{t+1} + (1 − λ) max_a Q(s_{t+1}, a; θ)], backwards from R_T = max_a Q(s_T, a; θ);  r_t alone if the episode terminated
        for K epochs of minibatches of size M:  descend on (R_t − Q(s_t, a_t; θ))²

There is no replay memory: the steps of many environments take its place. And no target network: layer normalisation, of every hidden layer before its
activation, keeps Q from diverging. No trace is cut where an exploring action was taken, so these are Peng's λ-returns.

Where a time limit cut an episode, R bootstraps from the true successor; the authors' code ends it like a death. They also train image networks with layer
normalisation between the convolutions; here a features extractor is what it is, and normalised are the layers behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.data import Judged, tree_map
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.value_rollouts import Played, ValueRollouts
from from_scratch.core.networks.action_values import OwnQNetworks, WithoutTarget
from from_scratch.core.networks.layer_norm import LayerNorm
from from_scratch.core.returns import lambda_return


class NormalisedNetwork(QNetwork):
    def __init__(self, *args: Any, layer_norm: bool, **kwargs: Any):
        super().__init__(*args, **kwargs)
        del self.q_net
        self.layers = list(pairwise([self.features_dim, *self.net_arch, int(self.action_space.n)]))
        for i, (n, m) in enumerate(self.layers):
            layer = nn.Linear(n, m)
            nn.init.orthogonal_(layer.weight, math.sqrt(2))  # as CleanRL: behind a normalisation small weights would be fast ones
            nn.init.zeros_(layer.bias)
            setattr(self, f"layer{i}", layer)
            if layer_norm and i < len(self.net_arch):
                setattr(self, f"norm{i}", LayerNorm(m))
        self.layer_norm = layer_norm

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        x = features
        for i in range(len(self.layers) - 1):
            x = getattr(self, f"layer{i}")(x)
            x = self.activation_fn()(getattr(self, f"norm{i}")(x) if self.layer_norm else x)
        return getattr(self, f"layer{len(self.layers) - 1}")(x)

    def forward(self, obs: Any) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor))


class Normalised(WithoutTarget, OwnQNetworks):
    network, own = NormalisedNetwork, {"layer_norm": True}


class NormalisedPolicy(Normalised, DQNPolicy):
    """For vectors."""


class NormalisedCnnPolicy(Normalised, CnnPolicy):
    """For images."""


class NormalisedMultiInputPolicy(Normalised, MultiInputPolicy):
    """For Dict observations."""


class PQN(ValueRollouts):
    learning_rate: float | Callable[[float], float] = 2.5e-4
    n_steps: int = 128  # T  steps per environment between updates
    batch_size: int = 128  # M
    n_epochs: int = 4  # K
    gamma: float = 0.99  # γ
    q_lambda: float = 0.65  # λ  0 looks one step ahead, 1 to the rollout's end
    exploration_fraction: float = 0.5
    exploration_initial_eps: float = 1.0
    exploration_final_eps: float = 0.05
    max_grad_norm: float = 10

    policy_aliases: ClassVar[dict[str, type]] = {
        "MlpPolicy": NormalisedPolicy, "CnnPolicy": NormalisedCnnPolicy, "MultiInputPolicy": NormalisedMultiInputPolicy,
    }  # fmt: skip

    def check(self) -> None:
        super().check()
        self.policy_kwargs.setdefault("optimizer_class", torch.optim.RAdam)

    def build(self) -> None:
        super().build()
        self.q = self.net("q_net")  # Q(s, ·; θ)

    def choose(self, obs: np.ndarray) -> np.ndarray:
        return self.q.play(obs).argmax(-1)

    def update(self, played: Played) -> None:
        steps = self.judged(played)
        for _ in range(self.n_epochs):
            self.updates += 1
            for batch in steps.shuffled(self._rng.permutation(steps.ret.shape[1], self.active)).split(self.batch_size):
                self.minimise(self.loss, batch, by=self.q)

    def judged(self, b: Played) -> Judged:
        """The steps with their λ-returns, by Q as it is now, [S, T·E, ...]."""
        v_next = self.q.play(self.by_time(b.next_obs)).max(-1)  # max_a Q(s_{t+1}, a; θ), [S, T·E]
        v_next = v_next.reshape(self.n_seeds, self.n_steps, -1).swapaxes(0, 1).reshape(b.r.shape)
        ret = lambda_return(b.r, b.discount, v_next, self.q_lambda * b.goes_on)
        of = lambda x: tree_map(lambda y: torch.as_tensor(y, device=self.device), self.by_time(x))
        return Judged(of(b.obs), of(b.action), of(ret))

    @per_seed
    def loss(self, b: Judged) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        q = self.q(b.obs).gather(-1, b.action.long().unsqueeze(-1)).squeeze(-1)
        loss = ((b.ret - q) ** 2).mean(-1)
        return loss, {"loss": loss, "q_values": q.mean(-1)}
