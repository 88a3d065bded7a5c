"""Actors and critics for continuous actions: what is computed with the parameters of SB3's TD3 and SAC policies.

Actions are squashed to [−1, 1], as the replay memory holds them. As in `policies`, there is a way for plain MLPs of all seeds at once
(`Stacked…`) and one through SB3's modules, seed by seed, for everything else (`Modular…`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.distributions import SquashedDiagGaussianDistribution
from stable_baselines3.common.policies import BasePolicy, ContinuousCritic
from stable_baselines3.sac.policies import LOG_STD_MAX, LOG_STD_MIN, SACPolicy
from stable_baselines3.sac.policies import Actor as SACActor
from stable_baselines3.td3.policies import Actor as TD3Actor
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from from_scratch.core.distributions import Gaussian
from from_scratch.core.lockstep.arrays import Array
from from_scratch.core.lockstep.mlp import StackedMLP, activation_of, is_plain_mlp, linear_names, stack
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import Rows
from from_scratch.core.networks.actor_critic import Memory, flat, one, sees_flat_vectors
from from_scratch.core.rng import Rng

SquashedSample = tuple[torch.Tensor, torch.Tensor]  # action [S, M, n] in (−1, 1), log π [S, M]


@dataclass
class Drawn:
    """A SquashedSample that is data to an equation."""

    action: torch.Tensor
    log_prob: torch.Tensor


def squash(mean: torch.Tensor, log_std: torch.Tensor, noise: torch.Tensor) -> SquashedSample:
    """a = tanh(μ + σ ε) and log π(a|s) = log N(u; μ, σ) − Σ log(1 − a² + 10⁻⁶) (Haarnoja et al. 2018, arXiv:1801.01290, eq. 21)."""
    pi = Gaussian(mean, log_std)
    u = mean + noise * pi.std
    a = torch.tanh(u)
    return a, pi.log_prob(u) - torch.log(1 - a**2 + 1e-6).sum(-1)


# ---------------------------------------------------------------------------------------------------------- deterministic actors
class StackedActor:
    """μ(s) = tanh(MLP(s)) over the rows of all seeds."""

    def __init__(self, actors: Sequence[TD3Actor], rows: Rows):
        layers = actors[0].mu
        self.mlp = StackedMLP(rows, linear_names("mu.", layers), activation_of(layers[:-1]), nn.Tanh)

    @staticmethod
    def rows_of(actors: Sequence[nn.Module]) -> list[nn.Module]:
        """The modules that have a row each."""
        return list(actors)

    @staticmethod
    def can_serve(policy: BasePolicy, actor: nn.Module) -> bool:
        known = type(policy) is TD3Policy and type(actor) is TD3Actor and type(actor.mu) is nn.Sequential and type(actor.mu[-1]) is nn.Tanh
        return known and sees_flat_vectors(actor) and is_plain_mlp(*actor.mu[:-1])

    def __call__(self, obs: Any) -> torch.Tensor:
        return self.mlp(flat(obs))

    def play(self, obs: Any) -> np.ndarray:
        return self.mlp.play(flat(obs))


class ModularActor:
    """μ(s) through the modules, seed by seed."""

    def __init__(self, actors: Sequence[TD3Actor], rows: Memory):
        self.actors, self.device = actors, rows.device

    def __call__(self, obs: Any) -> torch.Tensor:
        return stack([actor(one(obs, k, self.device)) for k, actor in enumerate(self.actors)])

    @torch.no_grad()
    def play(self, obs: Any) -> np.ndarray:
        return self(obs).cpu().numpy()


# ------------------------------------------------------------------------------------------------------------- stochastic actors
class StackedSquashedActor:
    """π(a|s), a squashed Gaussian with μ(s) and log σ(s) on a common trunk, over the rows of all seeds."""

    def __init__(self, actors: Sequence[SACActor], rows: Rows):
        layers = actors[0].latent_pi
        kind = activation_of(layers)
        self.trunk = StackedMLP(rows, linear_names("latent_pi.", layers), kind, kind)
        self.mean, self.log_std = StackedMLP(rows, ["mu"], kind), StackedMLP(rows, ["log_std"], kind)

    @staticmethod
    def rows_of(actors: Sequence[nn.Module]) -> list[nn.Module]:
        """The modules that have a row each."""
        return list(actors)

    @staticmethod
    def can_serve(policy: BasePolicy, actor: nn.Module) -> bool:
        squashed: type = type(actor.action_dist)
        plain = type(policy) is SACPolicy and type(actor) is SACActor and not actor.use_sde and squashed is SquashedDiagGaussianDistribution
        return plain and type(actor.latent_pi) is nn.Sequential and len(actor.latent_pi) > 0 and (
            sees_flat_vectors(actor) and is_plain_mlp(*actor.latent_pi, actor.mu) and is_plain_mlp(actor.log_std)
        )

    def drawn(self, obs: Any, rng: Rng, shape: Sequence[int]) -> torch.Tensor:
        """ε, [S, *shape], from which equations make the sample."""
        return rng.noise(*shape)

    def __call__(self, obs: Any, noise: torch.Tensor) -> SquashedSample:
        h = self.trunk(flat(obs))
        return squash(self.mean(h), self.log_std(h).clamp(LOG_STD_MIN, LOG_STD_MAX), noise)

    @torch.no_grad()
    def play(self, obs: Any, rng: Rng | None) -> np.ndarray:
        h = self.trunk.play(flat(obs))
        mean = torch.from_numpy(self.mean.play(h))
        if rng is None:
            return torch.tanh(mean).numpy()
        std = torch.exp(torch.from_numpy(self.log_std.play(h)).clamp_(LOG_STD_MIN, LOG_STD_MAX))  # torch's rounding: continuous control magnifies another
        return torch.tanh(mean + rng.noise(*mean.shape[1:]) * std).numpy()


class ModularSquashedActor:
    """π(a|s) through the modules, seed by seed: they draw for themselves."""

    def __init__(self, actors: Sequence[SACActor], rows: Memory):
        self.actors, self.device = actors, rows.device

    def drawn(self, obs: Any, rng: Rng, shape: Sequence[int]) -> Drawn:
        """A sample, made once, in SB3's way: users' modules may draw, or count what they see."""
        samples = []
        for k, actor in enumerate(self.actors):
            with rng.streams[k].as_process():
                samples.append(actor.action_log_prob(one(obs, k, self.device)))
        return Drawn(*(stack(part) for part in zip(*samples, strict=True)))

    def __call__(self, obs: Any, sample: Drawn) -> SquashedSample:
        """As it was drawn."""
        return sample.action, sample.log_prob

    @torch.no_grad()
    def play(self, obs: Any, rng: Rng | None) -> np.ndarray:
        actions = []
        for k, actor in enumerate(self.actors):
            if rng is None:
                actions.append(actor(one(obs, k, self.device), deterministic=True))
            else:
                with rng.streams[k].as_process():
                    actions.append(actor(one(obs, k, self.device)))
        return torch.stack(actions).cpu().numpy()


# ----------------------------------------------------------------------------------------------------------------------- critics
class StackedCritics:
    """Q₁(s, a) … Q_C(s, a) of all seeds, [S, C, M]: a row for each critic of each seed."""

    def __init__(self, critics: Sequence[ContinuousCritic], rows: ArrayRows):
        self.S, self.C, self.rows = len(critics), critics[0].n_critics, rows
        layers = critics[0].q_networks[0]
        names, activation = linear_names("", layers), activation_of(layers)
        self.mlp, self.first_mlp = StackedMLP(self.rows, names, activation), StackedMLP(self.rows, names, activation, every=self.C)

    @staticmethod
    def rows_of(critics: Sequence[ContinuousCritic]) -> list[nn.Module]:
        """The modules that have a row each."""
        return [network for critic in critics for network in critic.q_networks]

    @staticmethod
    def can_serve(policy: BasePolicy, critic: nn.Module) -> bool:
        known = type(policy) in (TD3Policy, SACPolicy) and type(critic) is ContinuousCritic
        return known and sees_flat_vectors(critic) and len(critic.q_networks) == critic.n_critics and all(map(_is_of_one_shape(critic), critic.q_networks))

    def __call__(self, obs: Any, a: torch.Tensor) -> torch.Tensor:
        x = torch.cat((flat(obs), a), -1)
        x = x.unsqueeze(1).expand(-1, self.C, -1, -1).flatten(0, 1)  # [S·C, M, in]
        return self.mlp(x).view(self.S, self.C, -1)

    def first(self, obs: Any, a: Any) -> Any:
        """Q₁(s, a), [S, M]."""
        return self.first_mlp(torch.cat((flat(obs), a), -1))[..., 0] if isinstance(a, Array) else self(obs, a)[:, 0]


class ModularCritics:
    """Q₁(s, a) … Q_C(s, a) through the modules, seed by seed."""

    def __init__(self, critics: Sequence[ContinuousCritic], rows: Memory):
        self.critics, self.rows = critics, rows

    def __call__(self, obs: Any, a: torch.Tensor) -> torch.Tensor:
        values = [critic(one(obs, k, self.rows.device), a[k]) for k, critic in enumerate(self.critics)]
        return stack([stack(value).squeeze(-1) for value in values])

    def first(self, obs: Any, a: torch.Tensor) -> torch.Tensor:
        """Q₁(s, a), [S, M]."""
        return stack([critic.q1_forward(one(obs, k, self.rows.device), a[k]).squeeze(-1) for k, critic in enumerate(self.critics)])


def _is_of_one_shape(critic: ContinuousCritic) -> Callable[[nn.Module], bool]:
    """Is a critic's network a plain MLP like the first one?"""
    first = critic.q_networks[0]
    kind = lambda network: ([type(layer) for layer in network], [p.shape for p in network.parameters()])
    return lambda network: type(network) is nn.Sequential and is_plain_mlp(*network) and kind(network) == kind(first)


DETERMINISTIC = StackedActor, ModularActor
SQUASHED = StackedSquashedActor, ModularSquashedActor
CRITICS = StackedCritics, ModularCritics
