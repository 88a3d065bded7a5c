"""Critics with layer normalisation behind every hidden layer (ReBRAC's), beside TD3's actor."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.networks.continuous import Critics, CriticsOneByOne, DeterministicActor, LayeredCritics
from from_scratch.core.networks.net import KINDS


@saved
class NormalisedCritic(ContinuousCritic):
    """SB3's, with [Linear, activation, layer normalisation] for every hidden layer."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for i, network in enumerate(self.q_networks):
            layers: list[nn.Module] = []
            for layer in network.children():
                layers.append(layer)
                if isinstance(layer, nn.Linear):
                    width = layer.out_features
                else:
                    layers.append(nn.LayerNorm(width))
            self.q_networks[i] = nn.Sequential(*layers)
            self.add_module(f"qf{i}", self.q_networks[i])


@saved
class ReBRACPolicy(TD3Policy):
    """TD3's with such critics, unless policy_kwargs says layer_norm=False, and three hidden layers of 256 units."""

    def __init__(self, *args: Any, net_arch: Any = None, layer_norm: bool = True, **kwargs: Any):
        self.layer_norm = layer_norm
        super().__init__(*args, net_arch=[256, 256, 256] if net_arch is None else net_arch, **kwargs)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> ContinuousCritic:
        kind = NormalisedCritic if self.layer_norm else ContinuousCritic
        return kind(**self._update_features_extractor(self.critic_kwargs, features_extractor)).to(self.device)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "layer_norm": self.layer_norm}


class NormalisedCritics(LayeredCritics):
    """Q₁(s, a) … Q_C(s, a), [S, C, M]."""

    of, within = (NormalisedCritic,), (ReBRACPolicy,)


DeterministicActor.within = (*DeterministicActor.within, ReBRACPolicy)
Critics.within = (*Critics.within, ReBRACPolicy)
KINDS[NormalisedCritic] = NormalisedCritics, CriticsOneByOne
REBRAC_ALIASES = {"MlpPolicy": ReBRACPolicy}
