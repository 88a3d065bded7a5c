"""π(·|s) among valid actions, and V(s), of SB3-Contrib's maskable policies: those of actor_critic.py, which are given a mask [S, M, n] beside observations."""

from __future__ import annotations

from typing import Any

from sb3_contrib.common.maskable import buffers, distributions, policies
from sb3_contrib.common.maskable.distributions import (
    MaskableBernoulliDistribution,
    MaskableCategoricalDistribution,
    MaskableMultiCategoricalDistribution,
)
from sb3_contrib.common.maskable.policies import (
    MaskableActorCriticCnnPolicy,
    MaskableActorCriticPolicy,
    MaskableMultiInputActorCriticPolicy,
)

from from_scratch.core.networks.actor_critic import ActorCritic, ActorCritics, ForeignActorCritic
from from_scratch.core.networks.net import KINDS
from from_scratch.core.watch import imitate

SIMPLE: tuple[type, ...] = (MaskableBernoulliDistribution, MaskableCategoricalDistribution, MaskableMultiCategoricalDistribution)


class MaskableActorCritic(ActorCritic):
    """As two MLPs."""

    of, within, simple = (MaskableActorCriticPolicy,), (MaskableActorCriticPolicy,), SIMPLE


class ForeignMaskable(ForeignActorCritic):
    """Through the policy's public methods."""

    def masked(self, k: int, *mask: Any) -> dict[str, Any]:
        return {"action_masks": mask[0][k]} if mask else {}


class MaskableActorCritics(ActorCritics):
    """Through SB3-Contrib's modules, seed by seed."""

    known = (MaskableActorCriticPolicy, MaskableActorCriticCnnPolicy, MaskableMultiInputActorCriticPolicy)
    simple, foreign = SIMPLE, ForeignMaskable


KINDS[MaskableActorCriticPolicy] = (MaskableActorCritic, MaskableActorCritics)
imitate(buffers, distributions, policies)
MASKABLE_ALIASES = {"MlpPolicy": MaskableActorCriticPolicy, "CnnPolicy": MaskableActorCriticCnnPolicy, "MultiInputPolicy": MaskableMultiInputActorCriticPolicy}
