"""SB3's actor-critic policies for Tuple and Dict actions: one network puts out the parameters of all parts, which are drawn independently given s.

The parts of an action share the actor's layers (Fan et al. 2019, arXiv:1903.01344, have a network each); π(a|s) is the product of the parts'. Stable-Baselines3
has no such policy. `predict` gives actions as the environment says them: one tuple or dict, or a list of them for several observations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import CategoricalDistribution, DiagGaussianDistribution, Distribution
from stable_baselines3.common.policies import ActorCriticCnnPolicy, ActorCriticPolicy, BasePolicy, MultiInputActorCriticPolicy
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.distributions import distribution, number_of_parameters, remembered
from from_scratch.core.product import Product
from from_scratch.core.rng import Rng


class OfParts(Distribution):
    """What SB3's policies know as a distribution: `distribution` is ours, of one seed."""

    def __init__(self, space: Product):
        Distribution.__init__(self)
        self.space, self.action_dim = space, number_of_parameters(space)
        self.n_normal = sum(number_of_parameters(part) for part in space.parts if isinstance(part, spaces.Box))

    def proba_distribution_net(self, latent_dim: int, log_std_init: float = 0.0) -> Any:
        net = nn.Linear(latent_dim, self.action_dim)
        return (net, nn.Parameter(torch.full((self.n_normal,), float(log_std_init)))) if self.n_normal else net

    def proba_distribution(self, mean_actions: Any = None, log_std: Any = None, action_logits: Any = None) -> Any:
        parameters = action_logits if mean_actions is None else mean_actions
        self.distribution = distribution(self.space, parameters[None], None if log_std is None else log_std[None, None])
        return self

    def log_prob(self, actions: torch.Tensor) -> torch.Tensor:
        return self.distribution.log_prob(actions[None])[0]

    def entropy(self) -> torch.Tensor:
        return self.distribution.entropy()[0]

    def sample(self) -> torch.Tensor:
        return self._drawn(lambda pi: pi.sample(Rng.of_process(self.space)))

    def mode(self) -> torch.Tensor:
        return self._drawn(lambda pi: pi.mode())

    def _drawn(self, of: Callable) -> torch.Tensor:
        numbers = self.distribution.numbers
        return torch.as_tensor(of(remembered(self.space, numbers.detach().cpu().numpy()))[0], device=numbers.device)

    def actions_from_params(self, *parameters: Any, deterministic: bool = False, **more: Any) -> torch.Tensor:
        return self.proba_distribution(*parameters, **more).get_actions(deterministic=deterministic)

    def log_prob_from_params(self, *parameters: Any, **more: Any) -> tuple[torch.Tensor, torch.Tensor]:
        actions = self.actions_from_params(*parameters, **more)
        return actions, self.log_prob(actions)


class OfPartsWithNormal(OfParts, DiagGaussianDistribution):  # type: ignore[misc]
    """SB3's policy gives it a log_std."""


class OfPartsWithoutNormal(OfParts, CategoricalDistribution):  # type: ignore[misc]
    """It does not."""


@saved
class Hybrid(BasePolicy):
    """In front of an actor-critic policy of SB3's, or of a user's: `class Mine(Hybrid, ActorCriticPolicy)`. Its own action space is the Product."""

    def __init__(self, observation_space: spaces.Space, action_space: Any, lr_schedule: Callable[[float], float], *args: Any, **kwargs: Any):
        product = action_space if isinstance(action_space, Product) else Product(action_space)
        super().__init__(observation_space, product, lr_schedule, *args, **kwargs)  # type: ignore[call-arg]

    def _build(self, lr_schedule: Callable[[float], float]) -> None:
        has_normal = any(isinstance(part, spaces.Box) for part in self.action_space.parts)  # type: ignore[attr-defined]
        self.action_dist = (OfPartsWithNormal if has_normal else OfPartsWithoutNormal)(self.action_space)  # type: ignore[arg-type]
        super()._build(lr_schedule)  # type: ignore[misc]

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[Any, Any]:
        vectors, state = super().predict(observation, state, episode_start, deterministic)
        actions = self.action_space.as_said(np.atleast_2d(vectors))  # type: ignore[attr-defined]
        return (actions if vectors.ndim > 1 else actions[0]), state


@saved
class HybridActorCriticPolicy(Hybrid, ActorCriticPolicy):
    """MlpPolicy for Tuple and Dict actions."""


@saved
class HybridActorCriticCnnPolicy(Hybrid, ActorCriticCnnPolicy):
    """CnnPolicy for Tuple and Dict actions."""


@saved
class HybridMultiInputActorCriticPolicy(Hybrid, MultiInputActorCriticPolicy):
    """MultiInputPolicy for Tuple and Dict actions."""


HYBRID: dict[type, type] = {
    ActorCriticPolicy: HybridActorCriticPolicy,
    ActorCriticCnnPolicy: HybridActorCriticCnnPolicy,
    MultiInputActorCriticPolicy: HybridMultiInputActorCriticPolicy,
}


def hybrid_of(policy_class: type, action_space: spaces.Space) -> type:
    """The policy that acts in a Tuple or Dict space in the place of one of SB3's."""
    if issubclass(policy_class, Hybrid):
        return policy_class
    if policy_class not in HYBRID:
        raise ValueError(f"{policy_class.__name__} has no actions of several parts; this action space is {action_space}. "
                         f"Put Hybrid in front: class {policy_class.__name__}(from_scratch.policies.Hybrid, …).")  # fmt: skip
    return HYBRID[policy_class]
