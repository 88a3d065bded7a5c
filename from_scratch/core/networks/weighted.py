"""Policies of advantage-weighted regression, for continuous and for discrete actions: π, critics with their targets, and V where it is asked for.

π(a|s) is a plain Gaussian around tanh(μ(s)), whose log σ does not depend on s, or has a logit for each action. Continuous actions are in [−1, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor, NatureCNN
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.continuous import Critics, CriticsOneByOne
from from_scratch.core.networks.net import KINDS
from from_scratch.core.networks.own import ActorPolicy, Network, PolicyNetwork


class SquashedMean(PolicyNetwork):
    """tanh(μ(s)), [..., n]; logits for discrete actions."""

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        y = self.layers(features)
        return torch.tanh(y) if isinstance(self.action_space, spaces.Box) else y


class CriticsOfActions(Network):
    """Q₁(s, ·) ‖ … ‖ Q_C(s, ·), [..., C·n_actions], a net each."""

    def __init__(self, n_critics: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_critics = n_critics
        del self.layers
        for i in range(n_critics):
            self.add_module(f"qf{i}", Network(**kwargs).layers)

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        return torch.cat([getattr(self, f"qf{i}")(features) for i in range(self.n_critics)], -1)

    def values(self, obs: Any) -> torch.Tensor:
        """min_i Q_i(s, ·), [..., n_actions]."""
        return torch.stack(self(obs).chunk(self.n_critics, -1)).amin(0)


@saved
class CriticOfPairs(ContinuousCritic):
    """SB3's Q₁(s, a) … Q_C(s, a)."""


@saved
class AdvantageWeightedPolicy(ActorPolicy):
    """π, its critics and their targets, and V, each with an optimizer of its own. n_critics is C; `net_arch` lists the hidden layers of all of them."""

    actor_class = SquashedMean
    extractor: ClassVar[type[BaseFeaturesExtractor] | None] = None  # for observations that are no vectors

    def __init__(
        self, observation_space: spaces.Space, action_space: spaces.Space, lr_schedule: Callable[[float], float], net_arch: Sequence[int] = (256, 256),
        activation_fn: type[nn.Module] = nn.ReLU, log_std_range: tuple[float, float] = (-5.0, 2.0), n_critics: int = 2, with_value: bool = True, **kwargs: Any,
    ):  # fmt: skip
        if self.extractor is not None:
            kwargs = {"features_extractor_class": self.extractor, **kwargs}
        self.of_critics = {"log_std_range": log_std_range, "n_critics": n_critics, "with_value": with_value}
        super().__init__(observation_space, action_space, lr_schedule, net_arch, activation_fn, **kwargs)
        self._squash_output = isinstance(action_space, spaces.Box)
        self.actor.log_std_range = log_std_range
        self.critic, self.critic_target = self._critic(n_critics), self._critic(n_critics)
        self.critic_target.load_state_dict(self.critic.state_dict())
        self.critic_optimizer = self._optimizer(self.critic, lr_schedule(1))
        if with_value:
            self.value = self._network(1, gain=1.0)
            self.value_optimizer = self._optimizer(self.value, lr_schedule(1))

    def _critic(self, n_critics: int) -> Any:
        extractor = self.make_features_extractor()
        if isinstance(self.action_space, spaces.Discrete):
            return CriticsOfActions(
                n_critics, observation_space=self.observation_space, extractor=extractor, n_outputs=int(self.action_space.n), net_arch=self.net_arch,
                activation_fn=self.activation_fn, gain=1.0, normalize_images=self.normalize_images,
            ).to(self.device)  # fmt: skip
        return CriticOfPairs(
            self.observation_space, self.action_space, self.net_arch, extractor, extractor.features_dim, self.activation_fn, self.normalize_images, n_critics,
            share_features_extractor=False,
        ).to(self.device)  # type: ignore[arg-type]  # fmt: skip

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        action = super()._predict(observation, deterministic)
        return action.clamp(-1, 1) if self._squash_output else action

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), **self.of_critics}


@saved
class AdvantageWeightedCnnPolicy(AdvantageWeightedPolicy):
    """For images."""

    extractor = NatureCNN


@saved
class AdvantageWeightedMultiInputPolicy(AdvantageWeightedPolicy):
    """For Dict observations."""

    extractor = CombinedExtractor


class CriticsOfPairs(Critics):
    of, within = (CriticOfPairs,), (AdvantageWeightedPolicy, AdvantageWeightedCnnPolicy, AdvantageWeightedMultiInputPolicy)


KINDS[CriticOfPairs] = (CriticsOfPairs, CriticsOneByOne)

WEIGHTED_ALIASES = {
    "MlpPolicy": AdvantageWeightedPolicy, "CnnPolicy": AdvantageWeightedCnnPolicy, "MultiInputPolicy": AdvantageWeightedMultiInputPolicy,
}  # fmt: skip
