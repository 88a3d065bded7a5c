"""Q(o_1 … o_t, ·): action values of all that was seen in an episode, through an LSTM (DRQN). A state is [..., layers, 2, H], h and c of every layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import FlattenExtractor, create_mlp
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.data import tree_map
from from_scratch.core.lockstep import Array, Rows, StackedLSTM, StackedMLP, is_plain_lstm, is_plain_mlp, stack
from from_scratch.core.networks.action_values import OwnQNetworks
from from_scratch.core.networks.inputs import is_single, one
from from_scratch.core.networks.kinds import OneByOne, OwnOutputs


class RecurrentQNetwork(QNetwork):
    """Features, an LSTM, and the heads of a QNetwork behind it."""

    def __init__(self, *args: Any, lstm_hidden_size: int, n_lstm_layers: int, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.lstm = nn.LSTM(self.features_dim, lstm_hidden_size, n_lstm_layers)
        self.q_net = nn.Sequential(*create_mlp(lstm_hidden_size, int(self.action_space.n), self.net_arch, self.activation_fn))

    def no_state(self, n: int) -> torch.Tensor:
        """That of n episodes of which nothing was seen, [n, layers, 2, H]."""
        return torch.zeros(n, self.lstm.num_layers, 2, self.lstm.hidden_size, device=self.lstm.weight_ih_l0.device)

    def forward(self, obs: Any, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        """Q [M, T, A] of M sequences of observations [M, T, ...], given the states before them, [M, layers, 2, H]; and the states behind them."""
        M, T = next(iter(obs.values())).shape[:2] if isinstance(obs, dict) else obs.shape[:2]
        features = self.extract_features(tree_map(lambda x: x.flatten(0, 1), obs), self.features_extractor).view(M, T, -1)
        h, c = (state[:, :, i].transpose(0, 1).contiguous() for i in range(2))
        y, (h, c) = self.lstm(features.transpose(0, 1), (h, c))
        return self.q_net(y.transpose(0, 1)), torch.stack((h, c), 2).transpose(0, 1)

    def values(self, obs: Any) -> torch.Tensor:
        """Q [n, A] of the first observations of n episodes."""
        n = len(next(iter(obs.values())) if isinstance(obs, dict) else obs)
        return self(tree_map(lambda x: x.unsqueeze(1), obs), self.no_state(n))[0][:, 0]

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        return self.values(observation).argmax(-1)


class RecurrentValues(OwnOutputs):
    """For all seeds together, where what is seen is a vector or a number."""

    of, anywhere = (RecurrentQNetwork,), False

    def __init__(self, networks: Sequence[RecurrentQNetwork], rows: Rows):
        super().__init__(networks, rows)
        self.lstm, self.q_net = StackedLSTM(rows, "lstm", networks[0].lstm), StackedMLP.of(rows, {"q_net": networks[0].q_net})

    @classmethod
    def can_serve(cls, policy: BasePolicy, network: Any) -> bool:
        space = network.observation_space
        image = isinstance(space, spaces.Box) and network.normalize_images and space.dtype == np.uint8
        sees = type(network.features_extractor) is FlattenExtractor and isinstance(space, spaces.Box | spaces.Discrete) and not image
        return type(network) in cls.of and sees and is_plain_lstm(network.lstm) and is_plain_mlp(*network.q_net) and is_single(network)

    def __call__(self, obs: Any, *more: Any) -> Any:
        """Q [S, M, T, A] of observations [S, M, T, ...], given states [S, M, layers, 2, H]."""
        (state,), (S, M, T) = more, obs.shape[:3]
        x = self.features(obs.flatten(1, 2))  # sequences one behind the other, [S, M·T, n]
        begins = np.zeros((S, M, T), np.int64)
        begins[..., 0] = 1
        begins = begins.reshape(S, M * T)
        of_each = state.unsqueeze(2).expand(-1, -1, T, -1, -1, -1).flatten(1, 2)  # read where a sequence begins
        h = self.lstm(x, of_each, Array(begins, x.program) if isinstance(x, Array) else torch.from_numpy(begins))
        return self.q_net(h).view(S, M, T, -1)

    def play(self, obs: Any, *more: Any) -> Any:
        """Q [S, E, A] of observations [S, E, ...] given the states before them, and the states after them."""
        h, after = self.lstm.play(self.features(obs), *more)
        return self.q_net.play(h), after


class RecurrentValuesOneByOne(OneByOne):
    """The same through the modules."""

    def __call__(self, *data: Any, **more: Any) -> Any:
        obs, state = data
        return stack([network(one(obs, k, self.device), state[k].to(self.device))[0] for k, network in enumerate(self.networks)])

    @torch.no_grad()
    def play(self, *data: Any, **more: Any) -> Any:
        obs, state = data
        played = []
        for k, network in enumerate(self.networks):
            q, after = network(tree_map(lambda x: x.unsqueeze(1), one(obs, k, self.device)), torch.as_tensor(state[k], device=self.device))
            played.append((q[:, 0].cpu().numpy(), after.cpu().numpy()))
        q, after = map(np.stack, zip(*played, strict=True))
        return q, after


class OfMemory(OwnQNetworks):
    network, own = RecurrentQNetwork, {"lstm_hidden_size": 64, "n_lstm_layers": 1}

    @torch.no_grad()
    def predict(self: Any, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """As SB3-Contrib's recurrent policies: state is (h, c), [layers, n, H] each; None stands for zeros, which it also becomes where an episode starts."""
        self.set_training_mode(False)
        obs, several = self.obs_to_tensor(observation)
        n = len(next(iter(obs.values())) if isinstance(obs, dict) else obs)
        before = self.q_net.no_state(n)
        if state is not None:
            goes_on = 1 - torch.as_tensor(np.zeros(n) if episode_start is None else episode_start, dtype=torch.float32, device=before.device)
            before = torch.stack([torch.as_tensor(part, device=before.device) for part in state], 2).transpose(0, 1) * goes_on.view(n, 1, 1, 1)
        q, after = self.q_net(tree_map(lambda x: x.unsqueeze(1), obs), before)
        actions = q[:, 0].argmax(-1).cpu().numpy()
        h, c = (np.ascontiguousarray(after[:, :, i].transpose(0, 1).cpu().numpy()) for i in range(2))
        return actions if several else actions[0], (h, c)


@saved
class RecurrentQPolicy(OfMemory, DQNPolicy):
    """For vectors."""


@saved
class RecurrentQCnnPolicy(OfMemory, CnnPolicy):
    """For images."""


@saved
class RecurrentQMultiInputPolicy(OfMemory, MultiInputPolicy):
    """For Dict observations."""


RECURRENT_Q_ALIASES: dict[str, type] = {"MlpPolicy": RecurrentQPolicy, "CnnPolicy": RecurrentQCnnPolicy, "MultiInputPolicy": RecurrentQMultiInputPolicy}
