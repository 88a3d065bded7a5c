"""Q(s, ·) [S, M, n_actions], as SB3's QNetwork has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

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


class OwnQNetworks:
    """In front of a policy of SB3's DQN: its network and target network are of another class, `network`, a QNetwork that says its `outputs`.

    What that class's constructor takes beside a QNetwork's arguments stands in `own` with its defaults, and may be given in policy_kwargs.
    """

    network: ClassVar[type[QNetwork]]
    own: ClassVar[dict[str, Any]] = {}

    def __init__(self, *args: Any, **kwargs: Any):
        self.of_network = {name: kwargs.pop(name, default) for name, default in self.own.items()}
        super().__init__(*args, **kwargs)

    def make_q_net(self: Any) -> QNetwork:
        return self.network(**self._update_features_extractor(self.net_args), **self.of_network).to(self.device)

    def _get_constructor_parameters(self: Any) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), **self.of_network}  # type: ignore[misc]


class WithoutTarget:
    """In front of a policy of SB3's DQN: it has no target network."""

    def _build(self: Any, lr_schedule: Callable[[float], float]) -> None:
        self.q_net = self.make_q_net()
        self.optimizer = self.optimizer_class(self.q_net.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)
