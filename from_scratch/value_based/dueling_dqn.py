"""Dueling DQN (Wang et al. 2016, arXiv:1511.06581).

    the network has two streams behind its features φ(s): V(φ), one number, and A(φ, a), one for each action
    Q(s, a) = V(φ) + A(φ, a) − mean_a' A(φ, a')
    all else as in DQN

Every transition teaches V, whatever its action: that helps where actions are many and most of them matter little. Without the mean V and A could not be
told apart: a constant might move from one to the other.

The paper's streams share the convolutions, ours the features extractor, and `net_arch` is each stream's. The paper multiplies the gradient into the
convolutions by 1/√2, which we leave out, as others do: Adam divides a constant factor out again.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.action_values import OwnQNetworks
from from_scratch.value_based.dqn import DQN


class DuelingNetwork(QNetwork):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        del self.q_net
        stream = lambda n: nn.Sequential(*create_mlp(self.features_dim, n, self.net_arch, self.activation_fn))
        self.value, self.advantage = stream(1), stream(int(self.action_space.n))

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:  # φ(s) [..., n] → Q(s, ·) [..., n_actions]
        v, a = self.value(features), self.advantage(features)
        return v + a - a.mean(-1, keepdim=True)  # eq. (9)

    def forward(self, obs: Any) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor))


class DuelingPolicy(OwnQNetworks, DQNPolicy):
    network = DuelingNetwork


class DuelingCnnPolicy(OwnQNetworks, CnnPolicy):
    network = DuelingNetwork


class DuelingMultiInputPolicy(OwnQNetworks, MultiInputPolicy):
    network = DuelingNetwork


class DuelingDQN(DQN):
    policy_aliases: ClassVar[dict[str, type]] = {"MlpPolicy": DuelingPolicy, "CnnPolicy": DuelingCnnPolicy, "MultiInputPolicy": DuelingMultiInputPolicy}
