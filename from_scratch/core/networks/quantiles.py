"""Networks that put out quantiles of returns, as SB3-Contrib's QRDQN and TQC have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sb3_contrib.qrdqn import policies as of_qrdqn
from sb3_contrib.qrdqn.policies import QRDQNPolicy, QuantileNetwork
from sb3_contrib.tqc import policies as of_tqc
from sb3_contrib.tqc.policies import Actor, Critic, TQCPolicy

from from_scratch.core.lockstep import Rows, StackedMLP, is_plain_mlp
from from_scratch.core.networks.continuous import Critics, SquashedActor, SquashedActors
from from_scratch.core.networks.inputs import flat, sees_flat_vectors
from from_scratch.core.networks.kinds import OneByOne, Together
from from_scratch.core.networks.net import KINDS
from from_scratch.core.watch import imitate


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


class SoftActor(SquashedActor):
    """TQC's actor, which is SAC's under another name."""

    of, within = (Actor,), (TQCPolicy,)


class CriticQuantiles(Critics):
    """θ_c1(s, a) … θ_cN(s, a) of every critic c, [S, C, M, N]."""

    of, within = (Critic,), (TQCPolicy,)

    def __call__(self, obs: Any, a: Any) -> Any:
        theta = self.of_all(obs, a)
        return theta.view(self.S, self.C, *theta.shape[1:])


class CriticQuantilesOneByOne(OneByOne):
    """The same through the modules."""

    def ask(self, network: Critic, *data: Any) -> torch.Tensor:
        return network(*data).transpose(0, 1)


KINDS[QuantileNetwork] = ActionQuantiles, OneByOne
KINDS[Actor] = SoftActor, SquashedActors
KINDS[Critic] = CriticQuantiles, CriticQuantilesOneByOne
imitate(of_qrdqn, of_tqc)
QRDQN_ALIASES = {"MlpPolicy": QRDQNPolicy, "CnnPolicy": of_qrdqn.CnnPolicy, "MultiInputPolicy": of_qrdqn.MultiInputPolicy}
TQC_ALIASES = {"MlpPolicy": TQCPolicy, "CnnPolicy": of_tqc.CnnPolicy, "MultiInputPolicy": of_tqc.MultiInputPolicy}
