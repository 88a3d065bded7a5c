"""Models whose networks stand in their policies under SB3's names: actors, critics, and the targets that follow them."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from from_scratch.core.algorithm import Algorithm
from from_scratch.core.data import tree_map
from from_scratch.core.networks.net import Net
from from_scratch.core.watch import OURS


class Networked(Algorithm):
    """What a learner from a memory and a learner from a data set share: networks by name, and how they act."""

    def check(self) -> None:
        self.use_sde_at_warmup = getattr(self, "use_sde_at_warmup", False)
        if "use_sde" in self.hyperparameters:
            self.policy_kwargs["use_sde"] = self.use_sde

    def net(self, name: str = "policy", **more: Any) -> Net:
        """As everywhere; and the model has SB3's attributes: the first seed's network by this name, and the statistics of batch normalisation."""
        setattr(self, name, getattr(self._policies[0], name))
        return super().net(name, **more)

    def _create_aliases(self) -> None:
        """Let the model call its policy's networks by their names, as SB3 does."""
        policy = self.policy if self.n_seeds == 1 else self._policies[0]  # of one seed another may have taken its place, which nobody has looked at yet
        for name in self.nets:
            if hasattr(policy, name):
                setattr(self, name, getattr(policy, name))

    def _kept_in_files(self) -> list[str]:
        return [*super()._kept_in_files(), *self._statistics()]

    def serve(self) -> None:
        super().serve()
        for attribute, name in self._statistics().items():
            setattr(self, attribute, self.nets[name].statistics[0])
        self.look_for_own_predict()
        self.asks_policies = not self.nets[self.trained[0]].acts_for_policies()

    def _statistics(self) -> dict[str, str]:
        """SB3's attributes for lists of running statistics, which files keep: called by what they are of where more than one network has a target."""
        of = [name.removesuffix("_target") for name in self.following]
        names = {f"{name}_batch_norm_stats" if len(of) > 1 else "batch_norm_stats": name for name in of}
        return {**names, **{f"{attribute}_target": f"{name}_target" for attribute, name in names.items()}}

    def look_for_own_predict(self) -> None:
        """Does a user say how the model predicts?"""
        self.has_own_predict = "predict" in vars(self) or not type(self).predict.__module__.startswith(OURS)

    def acting_modules(self) -> list[Any]:
        return [getattr(policy, self.trained[0]) for policy in self._policies]

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        """What the networks choose, or the policies where they have ways of their own; continuous actions in [−1, 1]."""
        if not self.asks_policies:
            return self.choose(obs, deterministic)
        asked = self.asked(obs, deterministic)
        return self.policy.scale_action(asked) if isinstance(self.action_space, spaces.Box) else asked

    def choose(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        """Actions [S, E, ...] by the networks, for observations [S, E, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must say how its networks choose an action.")

    def asked(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        """Actions [S, E, ...] from the policies' own `predict`, as the environments take them."""
        actions = []
        for k, (policy, stream) in enumerate(zip(self._policies, self._rng.streams, strict=True)):
            with stream.as_process():
                actions.append(policy.predict(tree_map(lambda x, k=k: x[k], obs), deterministic=deterministic)[0])
        return np.stack(actions)

    def reset_noise(self, n_envs: int) -> None:
        """gSDE: draw new exploration matrices."""
        if self.use_sde:
            for policy, stream in zip(self._policies, self._rng.streams, strict=True):
                with stream.as_process():
                    policy.actor.reset_noise(n_envs)
