"""Networks that put out quantiles of returns, as SB3-Contrib's QRDQN and TQC have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sb3_contrib.qrdqn.policies import CnnPolicy, MultiInputPolicy, QRDQNPolicy, QuantileNetwork

from from_scratch.core.lockstep import Rows, StackedMLP, is_plain_mlp
from from_scratch.core.networks.inputs import flat, sees_flat_vectors
from from_scratch.core.networks.kinds import OneByOne, Together
from from_scratch.core.networks.net import KINDS


class ActionQuantiles(Together):
    """θ_1(s, ·) … θ_N(s, ·), [S, M, N, n_actions]."""

    of, within = (QuantileNetwork,), (QRDQNPolicy,)

    def __init__(self, networks: Sequence[QuantileNetwork], rows: Rows):
        super().__init__(networks, rows)
        self.quantile_net = StackedMLP.of(rows, {"quantile_net": networks[0].quantile_net})
        self.shape = networks[0].n_quantiles, int(networks[0].action_space.n)

    @classmethod
    def fits(cls, network: QuantileNetwork) -> bool:
        return sees_flat_vectors(network) and is_plain_mlp(*network.quantile_net)

    def __call__(self, obs: Any) -> Any:
        theta = self.quantile_net(flat(obs))
        return theta.view(*theta.shape[:2], *self.shape)

    def play(self, obs: Any) -> np.ndarray:
        theta = self.quantile_net.play(flat(obs))
        return theta.reshape(*theta.shape[:2], *self.shape)


KINDS[QuantileNetwork] = ActionQuantiles, OneByOne
QRDQN_ALIASES = {"MlpPolicy": QRDQNPolicy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
