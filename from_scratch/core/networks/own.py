"""Policies of our own, for algorithms without a twin in Stable-Baselines3: containers of plain networks, and what reads them.

A policy holds one network per function, each with its own features extractor and its own optimizer, so that no gradient crosses from
one to another. `ActorPolicy` holds π, `ActorBaselinePolicy` holds π and V. They are BasePolicies: `predict`, files and
`set_parameters` come from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, FlattenExtractor
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.distributions import distribution, number_of_parameters
from from_scratch.core.finite import real
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.kinds import OneByOne, OwnOutputs, Together
from from_scratch.core.rng import Rng


# -------------------------------------------------------------------------------------------------------------------- containers
class Network(nn.Module):
    """Observations [M, ...] → features → multi-layer perceptron → [M, n_outputs].

    Weights start orthogonal, as SB3's actor and critic do (Engstrom et al. 2020, arXiv:2005.12729, found it to matter): √2 in the
    hidden layers, `gain` in the last; biases start at 0.
    """

    def __init__(
        self, observation_space: spaces.Space, extractor: BaseFeaturesExtractor, n_outputs: int, net_arch: Sequence[int],
        activation_fn: type[nn.Module], gain: float, normalize_images: bool = True,
    ):  # fmt: skip
        super().__init__()
        self.observation_space, self.normalize_images = observation_space, normalize_images
        self.features_extractor = extractor
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise([extractor.features_dim, *net_arch, n_outputs]):
            layers += [nn.Linear(n_in, n_out), activation_fn()]
        self.layers = nn.Sequential(*layers[:-1])
        linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
        for layer in linear:
            nn.init.orthogonal_(layer.weight, gain if layer is linear[-1] else math.sqrt(2))
            nn.init.zeros_(layer.bias)

    def forward(self, obs: Any) -> torch.Tensor:
        return self.outputs(self.features_extractor(preprocess_obs(obs, self.observation_space, self.normalize_images)))

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        """From features [..., n] to [..., n_outputs]: what a network of another form says in its place, for one seed or all (kinds.Parts)."""
        return self.layers(features)


class PolicyNetwork(Network):
    """The parameters of π(·|s) over an action space: logits, or a mean, to which it adds a log_std that does not depend on s."""

    action_space: spaces.Space
    log_std_range: tuple[float, float] | None = None  # what it is cut to where it is used

    def bounded(self, log_std: torch.Tensor) -> torch.Tensor:
        return log_std if self.log_std_range is None else log_std.clamp(*self.log_std_range)


@saved
class ActorPolicy(BasePolicy):
    """π(a|s): logits for Discrete, MultiDiscrete and MultiBinary actions; mean, and a state-independent log_std, for Box actions.

    `net_arch` lists the sizes of the hidden layers; [] makes π linear in the features.
    """

    actor_class: ClassVar[type[PolicyNetwork]] = PolicyNetwork

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Callable[[float], float],
        net_arch: Sequence[int] = (64, 64),
        activation_fn: type[nn.Module] = nn.Tanh,
        log_std_init: float = 0.0,
        features_extractor_class: type[BaseFeaturesExtractor] = FlattenExtractor,
        features_extractor_kwargs: dict[str, Any] | None = None,
        normalize_images: bool = True,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
    ):
        super().__init__(
            observation_space, action_space, features_extractor_class, features_extractor_kwargs, normalize_images=normalize_images,
            optimizer_class=optimizer_class, optimizer_kwargs=optimizer_kwargs,
        )  # fmt: skip
        self.net_arch, self.activation_fn, self.log_std_init = list(net_arch), activation_fn, log_std_init
        self.actor = self._network(number_of_parameters(action_space), gain=0.01, kind=self.actor_class)  # 0.01: nearly uniform at first
        self.actor.action_space = action_space
        if isinstance(action_space, spaces.Box):
            self.actor.log_std = nn.Parameter(torch.full((number_of_parameters(action_space),), float(log_std_init)))
        self.optimizer = self._optimizer(self.actor, lr_schedule(1))

    def _network(self, n_outputs: int, gain: float, kind: type[Network] = Network) -> Any:
        extractor = self.make_features_extractor()
        return kind(self.observation_space, extractor, n_outputs, self.net_arch, self.activation_fn, gain, self.normalize_images)

    def _optimizer(self, network: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
        return self.optimizer_class(network.parameters(), lr=learning_rate, **self.optimizer_kwargs)  # type: ignore[call-arg]

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        """Actions [M, ...] for preprocessed observations, sampled from the process's stream unless deterministic."""
        log_std = self.actor.bounded(self.actor.log_std.detach()).cpu().numpy() if isinstance(self.action_space, spaces.Box) else None
        pi = distribution(self.action_space, self.actor(observation).detach().cpu().numpy()[None], log_std)
        actions = (pi.mode() if deterministic else pi.sample(Rng.of_process(self.action_space)))[0]
        return torch.as_tensor(actions, device=self.device).view(-1, *self.action_space.shape)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        mine = ("net_arch", "activation_fn", "log_std_init", "features_extractor_class", "features_extractor_kwargs", "optimizer_class", "optimizer_kwargs")
        return {**super()._get_constructor_parameters(), **{name: getattr(self, name) for name in mine}, "lr_schedule": self._dummy_schedule}


@saved
class ActorBaselinePolicy(ActorPolicy):
    """π(a|s) and V(s), two networks of the same shape with an optimizer each.

    The learning rate of `baseline_optimizer` is the algorithm's to set before each step.
    """

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Space, lr_schedule: Callable[[float], float], **kwargs: Any):
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)
        self.baseline = self._network(1, gain=1.0)
        self.baseline_optimizer = self._optimizer(self.baseline, lr_schedule(1))


# ------------------------------------------------------------------------------------------------- what reads them, all seeds at once
class _Distribution:
    """Over whatever puts out its parameters: π(·|s) of S seeds."""

    may_be_read = True
    networks: list[Any]
    rows: Any

    def parameters(self, obs: Any) -> np.ndarray:
        """What the networks put out for observations [S, E, ...]."""
        raise NotImplementedError

    def _log_std(self) -> torch.Tensor | None:
        """[S, 1, n] for Box actions."""
        if not hasattr(self.networks[0], "log_std"):
            return None
        stacked = isinstance(self, Together)
        log_std = self.rows.leaf("log_std") if stacked else torch.stack([network.log_std for network in self.networks])
        return self.networks[0].bounded(log_std.view(len(self.networks), 1, -1))

    def __call__(self, obs: Any) -> Any:
        """The distribution at observations [S, M, ...], with a graph."""
        return distribution(self.networks[0].action_space, super().__call__(obs), self._log_std())  # type: ignore[misc]

    def play(self, obs: Any, rng: Rng | None) -> np.ndarray:
        """Actions for observations [S, E, ...]: sampled, or the mode without a rng."""
        space, log_std = self.networks[0].action_space, self._log_std()
        parameters = real(self.parameters(obs), space)
        pi = distribution(space, parameters, None if log_std is None else log_std.detach().cpu().numpy())
        return pi.mode() if rng is None else pi.sample(rng)


class Pi(_Distribution, OwnOutputs):
    def parameters(self, obs: Any) -> np.ndarray:
        return OwnOutputs.play(self, obs)


class Pis(_Distribution, OneByOne):
    @torch.no_grad()
    def parameters(self, obs: Any) -> np.ndarray:
        return OneByOne.__call__(self, obs).cpu().numpy()


ACTOR_ALIASES = {"MlpPolicy": ActorPolicy}
ACTOR_BASELINE_ALIASES = {"MlpPolicy": ActorBaselinePolicy}
