"""Learning by advantage-weighted regression: what those who imitate the better of the data's actions share, for continuous and for discrete actions."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.data import Transition
from from_scratch.core.loops.offline import Offline
from from_scratch.core.networks.weighted import WEIGHTED_ALIASES

Loss = tuple[torch.Tensor, dict[str, torch.Tensor]]


class AdvantageWeighted(Offline):
    """π is trained on the data's actions alone, each weighted by what it is worth."""

    policy_aliases = WEIGHTED_ALIASES
    supported_action_spaces = (spaces.Box, spaces.Discrete)

    actor_rate: ClassVar[str | None] = None  # the attribute that holds the actor's own schedule, if it has one

    def build(self) -> None:
        self.pi, self.q, self.q_target = self.net("actor", learning_rate=self.actor_rate), self.net("critic"), self.net("critic_target")
        self.is_discrete = isinstance(self.action_space, spaces.Discrete)
        if self.is_discrete:
            n = int(self.action_space.n)  # type: ignore[attr-defined]
            self.first_of = torch.arange(self._policies[0].critic.n_critics, device=self.device) * n  # where each critic's numbers begin

    def choose(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        action = self.pi.play(obs, None if deterministic else self._rng)
        return action if self.is_discrete else np.clip(action, -1, 1)

    def of_pairs(self, critic: Any, obs: Any, action: torch.Tensor) -> torch.Tensor:
        """Q₁(s, a) … Q_C(s, a), [S, C, M], by critics that take pairs, or that have a number for each action."""
        if not self.is_discrete:
            return critic(obs, action)
        return critic(obs).gather(-1, action.long() + self.first_of).transpose(1, 2)

    def log_prob(self, b: Transition) -> torch.Tensor:
        """log π(a|s), [S, M]."""
        return self.pi(b.obs).log_prob(b.action.squeeze(-1) if self.is_discrete else b.action)

    def noise(self, b: Transition, n: int) -> list[torch.Tensor]:
        """What n actions of π are made of in each state, [S, n, M, ...], drawn from the seeds' streams; nothing where expectations are sums."""
        return [] if self.is_discrete else [self._rng.noise(n, *b.action.shape[1:])]

    def expected(self, critic: Any, obs: Any, noise: torch.Tensor | None = None) -> torch.Tensor:
        """min_i Q_i(s, a), [S, M], expected over π's actions a: their mean over those that the noise gives, or the sum over all."""
        pi = self.pi(obs)
        if noise is None:
            q = critic(obs)  # [S, M, C·n_actions]
            n = pi.logits.shape[-1]
            least = reduce(torch.min, [q[..., k : k + n] for k in range(0, q.shape[-1], n)])
            return (pi.log_probs.exp() * least).sum(-1)
        actions = [(pi.mean + pi.std * noise[:, k]).clamp(-1, 1) for k in range(noise.shape[1])]
        return reduce(operator.add, [critic(obs, a).amin(1) for a in actions]) / float(len(actions))
