"""Actors and critics with batch renormalisation, as SB3-Contrib's CrossQ has them. `of_batch` says by what a call normalises, `renew` what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sb3_contrib.crossq import policies
from sb3_contrib.crossq.policies import Actor, CrossQCritic, CrossQPolicy
from stable_baselines3.common.distributions import SquashedDiagGaussianDistribution
from stable_baselines3.sac.policies import LOG_STD_MAX, LOG_STD_MIN

from from_scratch.core.lockstep import Layers, Rows, is_plain_mlp
from from_scratch.core.networks.continuous import CriticsOneByOne, Drawn, LayeredCritics, SquashedActor, SquashedActors, SquashedSample, squash
from from_scratch.core.networks.inputs import flat, sees_flat_vectors
from from_scratch.core.networks.net import KINDS
from from_scratch.core.rng import Rng
from from_scratch.core.watch import imitate


class RenormedActor(SquashedActor):
    """π(a|s). Its statistics are the batch's where it is called `of_batch`, and the running ones elsewhere and when it plays."""

    of, within, anywhere = (Actor,), (CrossQPolicy,), False

    def trunk_of(self, networks: Sequence[Any], rows: Rows) -> Layers:
        return Layers(rows, [network.latent_pi for network in networks], "latent_pi.")

    @classmethod
    def fits(cls, network: Any) -> bool:
        plain = not network.use_sde and type(network.action_dist) is SquashedDiagGaussianDistribution
        return plain and sees_flat_vectors(network) and Layers.can_be(network.latent_pi) and is_plain_mlp(network.mu) and is_plain_mlp(network.log_std)

    def drawn(self, obs: Any, rng: Rng, shape: Sequence[int], of_batch: bool = False) -> torch.Tensor:
        return super().drawn(obs, rng, shape)

    def __call__(self, obs: Any, noise: torch.Tensor, of_batch: bool = False) -> SquashedSample:
        h = self.trunk(flat(obs), of_batch)
        return squash(self.mean(h), self.log_std(h).clamp(LOG_STD_MIN, LOG_STD_MAX), noise)

    def renew(self) -> None:
        """Let the running statistics follow the last batch."""
        self.trunk.renew()


class RenormedActors(SquashedActors):
    """The same through the modules, which renew their statistics by themselves."""

    def drawn(self, obs: Any, rng: Rng, shape: Sequence[int], of_batch: bool = False) -> Drawn:
        for actor in self.networks:
            actor.set_bn_training_mode(of_batch)
        sample = super().drawn(obs, rng, shape)
        for actor in self.networks:
            actor.set_bn_training_mode(False)
        return sample

    def __call__(self, obs: Any, sample: Drawn, of_batch: bool = False) -> SquashedSample:
        return super().__call__(obs, sample)

    def renew(self) -> None:
        """They have."""


class RenormedCritics(LayeredCritics):
    """Q₁(s, a) … Q_C(s, a), [S, C, M]."""

    of, within = (CrossQCritic,), (CrossQPolicy,)

    def __call__(self, obs: Any, a: Any, of_batch: bool = False) -> Any:
        return self.of_all(obs, a, of_batch=of_batch).view(self.S, self.C, -1)

    def renew(self) -> None:
        """Let the running statistics follow the last batch."""
        self.every.renew()  # type: ignore[attr-defined]


class RenormedCriticsOneByOne(CriticsOneByOne):
    """The same through the modules, which renew their statistics by themselves."""

    def __call__(self, obs: Any, a: Any, of_batch: bool = False) -> Any:
        for critic in self.networks:
            critic.set_bn_training_mode(of_batch)
        q = super().__call__(obs, a)
        for critic in self.networks:
            critic.set_bn_training_mode(False)
        return q

    def renew(self) -> None:
        """They have."""


KINDS[Actor] = RenormedActor, RenormedActors
KINDS[CrossQCritic] = RenormedCritics, RenormedCriticsOneByOne
imitate(policies)
CROSSQ_ALIASES = {"MlpPolicy": CrossQPolicy}
