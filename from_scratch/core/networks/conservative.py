"""SAC's policy with what learners from data sets have besides: CQL a factor of its penalty, BRAC a policy that imitates the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stable_baselines3.sac.policies import CnnPolicy, MultiInputPolicy, SACPolicy

from from_scratch.core.addresses import saved
from from_scratch.core.networks.continuous import Critics, SquashedActor
from from_scratch.core.networks.temperature import Temperature


@saved
class CQLPolicy(SACPolicy):
    """SB3's, and `multiplier`, the logarithm of the factor with its optimizer."""

    def __init__(self, observation_space: Any, action_space: Any, lr_schedule: Callable[[float], float], **kwargs: Any):
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)
        self.multiplier = Temperature(1.0, lr_schedule(1), self.device)


@saved
class BRACPolicy(SACPolicy):
    """SB3's, and `behaviour`, another actor like the first, with its own optimizer."""

    def __init__(self, observation_space: Any, action_space: Any, lr_schedule: Callable[[float], float], **kwargs: Any):
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)
        self.behaviour = self.make_actor()
        self.behaviour.optimizer = self.optimizer_class(self.behaviour.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]


for kind in (SquashedActor, Critics):
    kind.within = (*kind.within, CQLPolicy, BRACPolicy)
CQL_ALIASES = {"MlpPolicy": CQLPolicy}
BRAC_ALIASES = {"MlpPolicy": BRACPolicy}
SOFT_ALIASES = {"MlpPolicy": SACPolicy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
