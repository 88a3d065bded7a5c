"""SAC's policy with what CQL tunes besides: the factor of its penalty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stable_baselines3.sac.policies import SACPolicy

from from_scratch.core.addresses import saved
from from_scratch.core.networks.continuous import Critics, SquashedActor
from from_scratch.core.networks.temperature import Temperature


@saved
class CQLPolicy(SACPolicy):
    """SB3's, and `multiplier`, the logarithm of the factor with its optimizer."""

    def __init__(self, observation_space: Any, action_space: Any, lr_schedule: Callable[[float], float], **kwargs: Any):
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)
        self.multiplier = Temperature(1.0, lr_schedule(1), self.device)


for kind in (SquashedActor, Critics):
    kind.within = (*kind.within, CQLPolicy)
CQL_ALIASES = {"MlpPolicy": CQLPolicy}
