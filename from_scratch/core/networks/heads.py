"""K value functions in one network, Q_1(s, ·) … Q_K(s, ·), each with a fixed random function that is added to it (BootstrappedDQN)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import FlattenExtractor, create_mlp
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.lockstep import Rows, StackedMLP, is_plain_mlp
from from_scratch.core.networks.action_values import OwnQNetworks
from from_scratch.core.networks.inputs import is_single
from from_scratch.core.networks.kinds import OwnOutputs


class HeadsNetwork(QNetwork):
    """Q_k(s, ·) = f_k(s) + β p_k(s), [M, K, A], on common features. Nobody trains p_k, nor the features that it sees: a copy of the first ones."""

    def __init__(self, *args: Any, n_heads: int, prior_scale: float, **kwargs: Any):
        super().__init__(*args, **kwargs)
        del self.q_net
        several = lambda n: nn.ModuleList(
            nn.Sequential(*create_mlp(self.features_dim, int(self.action_space.n), self.net_arch, self.activation_fn)) for _ in range(n)
        )
        self.heads, self.prior_scale = several(n_heads), prior_scale  # f_k, β
        self.priors, self.prior_extractor = several(n_heads if prior_scale else 0), deepcopy(self.features_extractor)  # p_k
        for part in (self.priors, self.prior_extractor):
            part.requires_grad_(False)

    def forward(self, obs: Any) -> torch.Tensor:
        of = lambda nets, extractor: torch.stack([net(features) for features in [self.extract_features(obs, extractor)] for net in nets], 1)
        q = of(self.heads, self.features_extractor)
        return q + self.prior_scale * of(self.priors, self.prior_extractor) if self.prior_scale else q

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        """What most heads would do; or what one of them would, drawn for each observation."""
        best = self(observation).argmax(-1)  # [M, K]
        if deterministic:
            return vote(best, int(self.action_space.n))
        return best.gather(-1, torch.randint(len(self.heads), (len(best), 1)).to(best.device)).squeeze(-1)


def vote(best: torch.Tensor, n_actions: int) -> torch.Tensor:
    """The action [...] that most of K heads choose, best [..., K]; of equally many, the first."""
    return F.one_hot(best, n_actions).sum(-2).argmax(-1)


class Heads(OwnOutputs):
    """All heads of all seeds at once: a row for each head of each seed. [S, M, ...] → [S, M, K, A]."""

    of, within = (HeadsNetwork,), ()

    def __init__(self, networks: Sequence[HeadsNetwork], rows: Rows):
        super().__init__(networks, rows)
        first, priors = networks[0], [prior for network in networks for prior in network.priors]
        self.S, self.K, self.scale = len(networks), len(first.heads), first.prior_scale
        self.f = StackedMLP.of(rows, {"": first.heads[0]})
        self.p = StackedMLP.of(Rows(priors), {"": priors[0]}) if priors else None

    @staticmethod
    def rows_of(networks: Sequence[HeadsNetwork]) -> list[nn.Module]:
        return [head for network in networks for head in network.heads]

    @staticmethod
    def skips(network: nn.Module) -> str | None:
        return "prior"

    @classmethod
    def can_serve(cls, policy: BasePolicy, network: Any) -> bool:
        space, mlps = network.observation_space, [*network.heads, *network.priors]
        image = isinstance(space, spaces.Box) and network.normalize_images and space.dtype == np.uint8
        sees = type(network.features_extractor) is type(network.prior_extractor) is FlattenExtractor and isinstance(space, spaces.Box | spaces.Discrete)
        form = lambda mlp: ([type(layer) for layer in mlp], [p.shape for p in mlp.parameters()])
        alike = all(type(mlp) is nn.Sequential and is_plain_mlp(mlp) and form(mlp) == form(mlps[0]) for mlp in mlps)
        own = type(network).forward is HeadsNetwork.forward and bool(len(network.heads)) and len(network.priors) in (0, len(network.heads))
        return own and alike and sees and not image and is_single(network)

    def outputs(self, obs: Any, *more: Any) -> Any:
        x = self.features(obs).unsqueeze(1).expand(-1, self.K, -1, -1).flatten(0, 1)  # [S·K, M, n]
        y = self.f(x)
        if self.p is not None:
            with torch.no_grad():
                fixed = self.p(x)
            y = y + self.scale * fixed
        return y.view(self.S, self.K, *y.shape[1:]).transpose(1, 2)

    def play(self, obs: Any, *more: Any) -> np.ndarray:
        x = np.repeat(self.features(obs), self.K, 0)
        y = self.f.play(x) if self.p is None else self.f.play(x) + np.float32(self.scale) * self.p.play(x)
        return y.reshape(self.S, self.K, *y.shape[1:]).swapaxes(1, 2)


class OfHeads(OwnQNetworks):
    network, own = HeadsNetwork, {"n_heads": 10, "prior_scale": 3.0}

    def _build(self: Any, lr_schedule: Callable[[float], float]) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]
        trained = [p for p in self.q_net.parameters() if p.requires_grad]
        self.optimizer = self.optimizer_class(trained, lr=lr_schedule(1), **self.optimizer_kwargs)


@saved
class HeadsPolicy(OfHeads, DQNPolicy):
    """For vectors."""


@saved
class HeadsCnnPolicy(OfHeads, CnnPolicy):
    """For images: the heads share the features extractor."""


@saved
class HeadsMultiInputPolicy(OfHeads, MultiInputPolicy):
    """For Dict observations."""


HEADS_ALIASES: dict[str, type] = {"MlpPolicy": HeadsPolicy, "CnnPolicy": HeadsCnnPolicy, "MultiInputPolicy": HeadsMultiInputPolicy}
