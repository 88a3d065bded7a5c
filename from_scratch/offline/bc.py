"""Behaviour cloning: do what the data do (Pomerleau 1991, Neural Computation 3:88).

    for each gradient step:
        draw a minibatch (s, a) of the data set
        discrete actions:     descend on −log π(a|s)
        continuous actions:   descend on (μ(s) − a)², or with "GaussianPolicy" on −log π(a|s), π = N(μ(s), σ)

No reward is looked at: what is learnt is worth as much as what was recorded, at best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import CombinedExtractor, NatureCNN
from torch import nn

from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.offline import Offline
from from_scratch.core.networks.own import ActorPolicy, PolicyNetwork


class Squashed(PolicyNetwork):
    """μ(s) in (−1, 1), [..., n]."""

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.layers(features))


class GaussianPolicy(ActorPolicy):
    """π(a|s): logits for Discrete actions; for a Box a Gaussian around μ(s) whose σ does not depend on s, over actions that are scaled to [−1, 1]."""

    def __init__(self, observation_space: Any, action_space: Any, lr_schedule: Any, net_arch: Sequence[int] = (256, 256),
                 activation_fn: type[nn.Module] = nn.ReLU, **kwargs: Any):  # fmt: skip
        super().__init__(observation_space, action_space, lr_schedule, net_arch, activation_fn, **kwargs)
        self._squash_output = isinstance(action_space, spaces.Box)  # `predict` brings them back into their bounds

    def _network(self, n_outputs: int, gain: float, kind: Any = PolicyNetwork) -> Any:
        return super()._network(n_outputs, gain, Squashed if isinstance(self.action_space, spaces.Box) else kind)

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        actions = super()._predict(observation, deterministic)
        return actions.clamp(-1, 1) if self.squash_output else actions


class ClonePolicy(GaussianPolicy):
    """The same, but for a Box μ(s) alone."""

    def __init__(self, observation_space: Any, action_space: Any, lr_schedule: Any, *args: Any, **kwargs: Any):
        super().__init__(observation_space, action_space, lr_schedule, *args, **kwargs)
        if self.squash_output:
            del self.actor.log_std
            self.optimizer = self._optimizer(self.actor, lr_schedule(1))

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        return self.actor(observation).view(-1, *self.action_space.shape) if self.squash_output else super()._predict(observation, deterministic)


class CloneCnnPolicy(ClonePolicy):
    """For images."""

    def __init__(self, *args: Any, features_extractor_class: Any = NatureCNN, **kwargs: Any):
        super().__init__(*args, features_extractor_class=features_extractor_class, **kwargs)


class CloneMultiInputPolicy(ClonePolicy):
    """For Dict observations."""

    def __init__(self, *args: Any, features_extractor_class: Any = CombinedExtractor, **kwargs: Any):
        super().__init__(*args, features_extractor_class=features_extractor_class, **kwargs)


class BC(Offline):
    gamma: ClassVar[float] = 1.0  # no return is looked at

    policy_aliases = {"MlpPolicy": ClonePolicy, "CnnPolicy": CloneCnnPolicy, "MultiInputPolicy": CloneMultiInputPolicy, "GaussianPolicy": GaussianPolicy}
    supported_action_spaces = (spaces.Box, spaces.Discrete)

    def build(self) -> None:
        self.pi = self.net("actor")  # π(·|s), or μ(s)
        self.is_likelihood = hasattr(self._policies[0].actor, "log_std") or isinstance(self.action_space, spaces.Discrete)

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        actions = self.pi.play(obs, None if deterministic or not self.is_likelihood else self._rng)
        return actions.clip(-1, 1).reshape(*obs.shape[:2], *self.action_space.shape) if isinstance(self.action_space, spaces.Box) else actions

    def update(self, b: Transition) -> None:
        self.minimise(self.surprise if self.is_likelihood else self.squared_error, b, by=self.pi)

    @per_seed
    def surprise(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        a = b.action.squeeze(-1) if isinstance(self.action_space, spaces.Discrete) else b.action
        loss = -self.pi(b.obs).log_prob(a).mean(-1)
        return loss, {"loss": loss}

    @per_seed
    def squared_error(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        loss = ((self.pi(b.obs).mode() - b.action) ** 2).mean(-1).mean(-1)  # over the action's dimensions, too
        return loss, {"loss": loss}
