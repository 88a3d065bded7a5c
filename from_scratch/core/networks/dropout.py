"""Critics with dropout and layer normalisation (DroQ's), whose dropped units are drawn by the model: a mask is data, as noise is."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.sac.policies import SACPolicy
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.lockstep.layers import Masked
from from_scratch.core.networks.continuous import CriticsOneByOne, LayeredCritics, SquashedActor
from from_scratch.core.networks.net import KINDS
from from_scratch.core.rng import Rng


@saved
class DropoutCritic(ContinuousCritic):
    """SB3's, with [dropout, layer normalisation] behind every hidden Linear layer."""

    def __init__(self, *args: Any, dropout_rate: float = 0.01, layer_norm: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not 0 <= dropout_rate < 1:
            raise ValueError(f"dropout_rate={dropout_rate}: give the probability of a unit to be dropped, at least 0 and below 1.")
        self.dropout_rate = dropout_rate
        for i, network in enumerate(self.q_networks):
            layers: list[nn.Module] = []
            for layer in network.children():
                layers.append(layer)
                if isinstance(layer, nn.Linear) and layer is not network[-1]:  # type: ignore[index]
                    layers += [Masked(), *([nn.LayerNorm(layer.out_features)] if layer_norm else [])]
            self.q_networks[i] = nn.Sequential(*layers)
            self.add_module(f"qf{i}", self.q_networks[i])

    @property
    def units(self) -> int:
        """Of all hidden layers of one critic."""
        return sum(layer.out_features for layer in list(self.q_networks[0].children())[:-1] if isinstance(layer, nn.Linear))


@saved
class DroQPolicy(SACPolicy):
    """SAC's with such critics: policy_kwargs takes dropout_rate and layer_norm, too."""

    def __init__(self, *args: Any, dropout_rate: float = 0.01, layer_norm: bool = True, **kwargs: Any):
        self.of_critics = {"dropout_rate": dropout_rate, "layer_norm": layer_norm}
        super().__init__(*args, **kwargs)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> DropoutCritic:
        return DropoutCritic(**self._update_features_extractor(self.critic_kwargs, features_extractor), **self.of_critics).to(self.device)  # type: ignore[arg-type]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), **self.of_critics}


class _Masks:
    networks: list[Any]

    def masks(self, rng: Rng, M: int) -> torch.Tensor:
        """What the hidden units of every critic are multiplied by, for M samples, [S, C, M, units]: 0, or 1/(1 − p)."""
        critic = self.networks[0]
        kept = np.full((len(self.networks), critic.n_critics, M, critic.units), 1 - critic.dropout_rate, np.float32)
        return torch.from_numpy(rng.bernoulli(kept) / kept).to(next(critic.parameters()).device)


class DropoutCritics(_Masks, LayeredCritics):
    """Q₁(s, a) … Q_C(s, a), [S, C, M]; without masks nothing is dropped."""

    of, within = (DropoutCritic,), (DroQPolicy,)

    def __call__(self, obs: Any, a: Any, masks: Any = None) -> Any:
        return self.of_all(obs, a, masks=None if masks is None else masks.flatten(0, 1)).view(self.S, self.C, -1)


class DropoutCriticsOneByOne(_Masks, CriticsOneByOne):
    """The same through the modules."""

    def ask(self, network: Any, obs: Any, a: Any, *masks: Any) -> torch.Tensor:
        layers = [[layer for layer in critic if isinstance(layer, Masked)] for critic in network.q_networks]
        for mine, mask in zip(layers, masks[0] if masks else [None] * len(layers), strict=True):
            start = 0
            for layer, linear in zip(mine, [part for part in network.q_networks[0] if isinstance(part, nn.Linear)], strict=False):
                layer.mask = None if mask is None else mask[:, start : start + linear.out_features]
                start += linear.out_features
        q = super().ask(network, obs, a)
        for layer in chain.from_iterable(layers):
            layer.mask = None
        return q


SquashedActor.within = (*SquashedActor.within, DroQPolicy)
KINDS[DropoutCritic] = DropoutCritics, DropoutCriticsOneByOne
DROQ_ALIASES = {"MlpPolicy": DroQPolicy}
