"""Many sets of weights for one form of policy, each playing in a lane of its own: what a population is evaluated with."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.ars import policies as of_ars
from sb3_contrib.ars.policies import ARSLinearPolicy, ARSPolicy
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from from_scratch.core.data import tree_map
from from_scratch.core.lockstep import Rows, StackedMLP, is_plain_mlp
from from_scratch.core.networks.inputs import flat, sees_flat_vectors
from from_scratch.core.watch import altered, imitate

imitate(of_ars)

# A policy that is a function of what it sees: a plain network's output is the action (Box), or its largest one says which (Discrete). ARS's own.
DETERMINISTIC_ALIASES: dict[str, type[BasePolicy]] = {"MlpPolicy": ARSPolicy, "LinearPolicy": ARSLinearPolicy}


def weights_of(policy: nn.Module) -> torch.Tensor:
    """A copy of its parameters, one behind the other, [D]."""
    return nn.utils.parameters_to_vector(policy.parameters()).detach()


@torch.no_grad()
def set_weights(policy: nn.Module, theta: torch.Tensor) -> None:
    """Write a vector [D] into its parameters, where they lie."""
    start = 0
    for p in policy.parameters():
        p.copy_(theta[start : start + p.numel()].view_as(p))
        start += p.numel()


class PlainPlayers:
    """One lane's weights are a row of a block, and all lanes choose at once. For policies of `DETERMINISTIC_ALIASES`, on vectors, that nobody altered."""

    def __init__(self, policies: Sequence[Any], n_lanes: int):
        self.n_lanes = n_lanes
        self.policy: Any = policies[0]
        nets = [_with_biases(self.policy) for _ in range(n_lanes)]
        self.rows = Rows(nets)
        self.net = StackedMLP.of(self.rows, {"": nets[0]})
        self.has_bias = any(name.endswith("bias") for name, _ in self.policy.named_parameters())

    @staticmethod
    def why_not(policies: Sequence[Any]) -> str | None:
        """What speaks against it, in words; None if nothing does."""
        first = policies[0]
        for policy in policies:
            if (own_way := altered(policy)) is not None:
                return own_way
            if type(policy) not in DETERMINISTIC_ALIASES.values():
                return f"{type(policy).__name__} is a class of its own"
            if [*map(type, policy.modules()), *(p.shape for p in policy.parameters())] != [*map(type, first.modules()), *(p.shape for p in first.parameters())]:
                return "its seeds have other layers"
        if not sees_flat_vectors(first):
            return "it does not see plain vectors in single precision"
        layers = list(first.action_net)
        hidden = layers[:-1] if type(layers[-1]) is nn.Tanh else layers
        return None if is_plain_mlp(_with_biases(first)[: len(hidden)]) else "its network is not a plain one"

    @torch.no_grad()
    def give(self, lane: int, theta: torch.Tensor) -> None:
        """Let a lane play with these weights [D]."""
        start = 0
        for i, shape in enumerate(self.rows.shapes):
            if len(shape) == 1 and not self.has_bias:
                continue  # a layer without a bias has one of 0
            view = self.rows.of_row(self.rows.theta, lane, i)
            view.copy_(theta[start : start + view.numel()].view_as(view))
            start += view.numel()

    def play(self, obs: np.ndarray) -> np.ndarray:
        """Actions for observations [S·E, ...], as the environments take them."""
        y = self.net.play(flat(obs[:, None]))[:, 0]
        space = self.policy.action_space
        if isinstance(space, spaces.Discrete):
            return y.argmax(-1)
        actions = y.reshape(-1, *space.shape)
        return self.policy.unscale_action(actions) if self.policy.squash_output else np.clip(actions, space.low, space.high)


def _with_biases(policy: Any) -> nn.Sequential:
    """Its network anew, with a bias of 0 where a layer has none."""
    layers = []
    for layer in policy.action_net:
        plain = type(layer) is nn.Linear
        layers.append(nn.utils.skip_init(nn.Linear, layer.in_features, layer.out_features) if plain else deepcopy(layer))
    net = nn.Sequential(*layers)
    for p in net.parameters():
        nn.init.zeros_(p)
    return net


class AskedPlayers:
    """The same through SB3's `predict` of a copy of the policy for each lane: whatever a user has made of it."""

    def __init__(self, policies: Sequence[Any], n_lanes: int):
        self.n_lanes = n_lanes
        self.policies = [deepcopy(policy) for policy in policies for _ in range(n_lanes // len(policies))]

    def give(self, lane: int, theta: torch.Tensor) -> None:
        set_weights(self.policies[lane], theta)

    def play(self, obs: Any) -> np.ndarray:
        return np.concatenate([
            policy.predict(tree_map(lambda x, lane=lane: x[lane : lane + 1], obs), deterministic=True)[0] for lane, policy in enumerate(self.policies)
        ])  # fmt: skip
