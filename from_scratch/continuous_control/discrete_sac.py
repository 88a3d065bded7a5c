"""Soft actor-critic for discrete actions (Christodoulou 2019, arXiv:1910.07207, Algorithm 1).

    π(s) and Q_i(s) are vectors, with a number for each action: expectations over actions are sums, and nothing is sampled but what is played
    for each step:
        as in SAC, but for a transition (s, a, r, s'):
        descend on α's loss, π(s)ᵀ [−log α (log π(s) + H̄)]
        y = r + γ π(s')ᵀ [min_i Q'_i(s') − α log π(s')];  descend on Σ_i ½ (y − Q_i(s, a))²
        descend on π(s)ᵀ [α log π(s) − min_i Q_i(s)]

H̄ is a part of log |A|, the entropy of random actions: 0.89 of it, as CleanRL has it. The paper's 0.98 leaves hardly a choice where actions are few.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.dqn.policies import QNetwork
from stable_baselines3.sac.policies import CnnPolicy, MultiInputPolicy, SACPolicy
from torch import nn

from from_scratch.continuous_control.sac import SAC, Loss
from from_scratch.core.data import Transition
from from_scratch.core.distributions import Categorical
from from_scratch.core.lockstep import per_seed


class Logits(QNetwork):
    """log π(·|s), up to a constant, [..., n_actions]."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.logits = self.q_net
        del self.q_net

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        return self.logits(features)

    def forward(self, obs: Any) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor))


class TwoQNetworks(QNetwork):
    """Q_1(s, ·) ‖ Q_2(s, ·), [..., 2 n_actions]."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        del self.q_net
        net = lambda: nn.Sequential(*create_mlp(self.features_dim, int(self.action_space.n), self.net_arch, self.activation_fn))
        self.q1, self.q2 = net(), net()

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        return torch.cat((self.q1(features), self.q2(features)), -1)

    def forward(self, obs: Any) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor))

    def values(self, obs: Any) -> torch.Tensor:
        """min_i Q_i(s, ·), [..., n_actions]."""
        return torch.stack(self(obs).chunk(2, -1)).amin(0)


class OfActions:
    """In front of a policy of SB3's SAC: its networks see observations alone, and put out a number for each action."""

    def make_actor(self: Any, features_extractor: Any = None) -> Logits:
        return Logits(**self._update_features_extractor(self.net_args, features_extractor)).to(self.device)

    def make_critic(self: Any, features_extractor: Any = None) -> TwoQNetworks:
        if self.critic_kwargs["n_critics"] != 2 or self.share_features_extractor:
            raise ValueError("DiscreteSAC has two critics, and features extractors of their own: leave n_critics and share_features_extractor out.")
        kwargs = {**self.net_args, "net_arch": self.critic_kwargs["net_arch"]}
        return TwoQNetworks(**self._update_features_extractor(kwargs, features_extractor)).to(self.device)

    def _predict(self: Any, observation: Any, deterministic: bool = False) -> torch.Tensor:
        logits = self.actor(observation)
        return logits.argmax(-1) if deterministic else torch.distributions.Categorical(logits=logits).sample()


class DiscreteSACPolicy(OfActions, SACPolicy):
    """For vectors."""


class DiscreteSACCnnPolicy(OfActions, CnnPolicy):
    """For images."""


class DiscreteSACMultiInputPolicy(OfActions, MultiInputPolicy):
    """For Dict observations."""


class DiscreteSAC(SAC):
    target_entropy: str | float = "auto"  # H̄  what the entropy is tuned towards; "auto" is 0.89 log |A|
    action_noise: ClassVar[None] = None
    use_sde: ClassVar[bool] = False
    sde_sample_freq: ClassVar[int] = -1
    use_sde_at_warmup: ClassVar[bool] = False

    policy_aliases: ClassVar[dict[str, type]] = {
        "MlpPolicy": DiscreteSACPolicy, "CnnPolicy": DiscreteSACCnnPolicy, "MultiInputPolicy": DiscreteSACMultiInputPolicy,
    }  # fmt: skip
    supported_action_spaces: ClassVar[tuple[type, ...]] = (spaces.Discrete,)

    def build(self) -> None:
        self.n_actions = int(self.action_space.n)  # type: ignore[attr-defined]
        if self.target_entropy == "auto":
            self.target_entropy = 0.89 * math.log(self.n_actions)
        super().build()

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        pi = Categorical(self.pi.play(obs))
        return pi.mode() if deterministic else pi.sample(self._rng)

    def update(self, b: Transition) -> None:
        α = self.temperature.alpha  # before its update, as in SAC
        self.note(ent_coef=α)
        if self.temperature.is_tuned:
            self.minimise(self.temperature_loss, b.obs, by=self.temperature)
        self.minimise(self.critic_loss, b, α, by=self.q)
        self.minimise(self.actor_loss, b, α, by=self.pi)
        if self.gradient_step % self.target_update_interval == 0:
            self.q_target.track(self.q, self.tau)

    def halves(self, q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Q_1(s, ·) and Q_2(s, ·), [S, M, n_actions] each."""
        return q[..., : self.n_actions], q[..., self.n_actions :]

    @per_seed
    def temperature_loss(self, obs: torch.Tensor) -> Loss:  # type: ignore[override]
        with torch.no_grad():
            log_pi = self.pi(obs).log_softmax(-1)
            above = -(log_pi.exp() * (log_pi + self.target_entropy)).sum(-1)  # how far the entropy is above H̄, [S, M]
        loss = (self.temperature(above) * above).mean(-1)  # eq. (11), in log α
        return loss, {"ent_coef_loss": loss}

    @per_seed
    def critic_loss(self, b: Transition, α: torch.Tensor) -> Loss:  # type: ignore[override]  # every field [S, M, ...], α [S]
        with torch.no_grad():
            log_pi = self.pi(b.next_obs).log_softmax(-1)
            soft_q = torch.min(*self.halves(self.q_target(b.next_obs))) - α.unsqueeze(-1).unsqueeze(-1) * log_pi
            y = b.reward + b.discount * (log_pi.exp() * soft_q).sum(-1)  # eq. (10)
        of_action = lambda q: q.gather(-1, b.action.long()).squeeze(-1)
        q1, q2 = self.halves(self.q(b.obs))
        loss = 0.5 * ((of_action(q1) - y) ** 2 + (of_action(q2) - y) ** 2).mean(-1)
        return loss, {"critic_loss": loss}

    @per_seed
    def actor_loss(self, b: Transition, α: torch.Tensor) -> Loss:  # type: ignore[override]
        log_pi = self.pi(b.obs).log_softmax(-1)
        with torch.no_grad():
            q = torch.min(*self.halves(self.q(b.obs)))
        loss = (log_pi.exp() * (α.unsqueeze(-1).unsqueeze(-1) * log_pi - q)).sum(-1).mean(-1)  # eq. (12)
        return loss, {"actor_loss": loss}
