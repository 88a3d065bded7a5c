"""Q(s, ·) [S, M, n_actions], as SB3's QNetwork has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork

from from_scratch.core.lockstep import Rows, StackedMLP, is_plain_mlp
from from_scratch.core.networks.inputs import flat, sees_flat_vectors
from from_scratch.core.networks.kinds import Together


class ActionValues(Together):
    of, within = (QNetwork,), (DQNPolicy,)

    def __init__(self, networks: Sequence[QNetwork], rows: Rows):
        super().__init__(networks, rows)
        self.q_net = StackedMLP.of(rows, {"q_net": networks[0].q_net})

    @classmethod
    def fits(cls, network: QNetwork) -> bool:
        return sees_flat_vectors(network) and is_plain_mlp(*network.q_net)

    def __call__(self, obs: Any) -> Any:
        return self.q_net(flat(obs))

    def play(self, obs: Any) -> np.ndarray:
        return self.q_net.play(flat(obs))


DQN_ALIASES = {"MlpPolicy": DQNPolicy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
