"""On-policy algorithms whose policy takes one long step for each rollout, by hand, while an optimizer fits the value function (NaturalPG, TRPO)."""

from __future__ import annotations

from typing import Any

import torch

from from_scratch.core.data import Sample
from from_scratch.core.loops.on_policy import OnPolicy


class NaturalSteps(OnPolicy):
    """An update is `improve`, of every seed by itself over its whole rollout, and then n_critic_updates passes of minibatches for V."""

    batch_size: int  # hyper-parameters that each algorithm gives its default
    n_critic_updates: int

    whole = True

    def build(self) -> None:
        super().build()
        self.actor_critic = self.net(by_hand=lambda name: "value" not in name)

    def improve(self, k: int, b: Sample) -> dict[str, float]:
        """Seed k's policy takes its step; every field [M, ...]. Returns what is logged."""
        raise NotImplementedError(f"{type(self).__name__} must say how far its policy goes.")

    def value_loss(self, b: Sample) -> Any:
        """How far V is from the returns, of every seed; every field [S, M, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must say what its value function learns.")

    def seen(self, rollout: Sample) -> Sample:
        """What of a rollout the policy learns from: here all of it. Every field [S, M, ...]."""
        return rollout

    def update(self, rollout: Sample | None) -> None:
        for everything in self.minibatches(rollout):  # one: everything
            seen = self.seen(everything)
            found = [self.improve(k, seen.of_seed(k)) for k in range(self.n_seeds)]
        self.note(**{name: torch.tensor([metrics[name] for metrics in found]) for name in found[0]})
        for _ in range(self.n_critic_updates):
            for batch in self.minibatches(rollout, self.batch_size):
                self.minimise(self.value_loss, batch, by=self.actor_critic)
        self.updates += 1
