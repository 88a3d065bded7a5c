"""Rainbow's network (Hessel et al. 2018, arXiv:1710.02298): two streams, noisy layers, and a distribution of returns for each action, or any part of that."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.atoms import expected
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.action_values import OwnQNetworks
from from_scratch.core.networks.noisy import NoisyLinear, f


class RainbowNetwork(QNetwork):
    """Logits of the atoms of every action, [..., A·N]; of a single atom, without a distribution, the values themselves, [..., A]."""

    def __init__(self, *args: Any, dueling: bool, noisy: bool, n_atoms: int, v_min: float, v_max: float, sigma_0: float, **kwargs: Any):
        super().__init__(*args, **kwargs)
        del self.q_net
        n = int(self.action_space.n) * n_atoms
        self.noisy, self.n_atoms, self.n_noise = noisy, n_atoms, 0
        self.streams: dict[str, list[tuple[str, int, int]]] = {}  # of each stream its layers: name, where the layer's noise starts, and ends
        for stream, n_last in ({"value": n_atoms, "advantage": n} if dueling else {"q": n}).items():
            self.streams[stream] = []
            for i, (n_in, n_out) in enumerate(pairwise([self.features_dim, *self.net_arch, n_last])):
                setattr(self, f"{stream}{i}", NoisyLinear(n_in, n_out, sigma_0) if noisy else nn.Linear(n_in, n_out))
                self.streams[stream].append((f"{stream}{i}", self.n_noise, self.n_noise + n_in + n_out))
                self.n_noise += n_in + n_out
        self.register_buffer("z", torch.linspace(v_min, v_max, n_atoms), persistent=False)

    @per_seed
    def outputs(self, features: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        of_streams = []
        for layers in self.streams.values():
            x = features
            for i, (name, start, end) in enumerate(layers):
                x = self.activation_fn()(x) if i else x
                x = getattr(self, name)(x, *([] if noise is None else [noise[..., start:end]]))
            of_streams.append(x)
        if len(of_streams) == 1:
            return of_streams[0]
        v, a = (x.view(*x.shape[:-1], -1, self.n_atoms) for x in of_streams)  # [..., 1, N] and [..., A, N]
        return (v + a - a.transpose(-1, -2).mean(-1).unsqueeze(-2)).view(*features.shape[:-1], -1)

    def forward(self, obs: Any, noise: torch.Tensor | None = None) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor), noise)

    def values(self, obs: Any, noise: torch.Tensor | None = None) -> torch.Tensor:
        x = self(obs, noise)
        return x if self.n_atoms == 1 else expected(x, self.z)

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        n = len(next(iter(observation.values())) if isinstance(observation, dict) else observation)
        noise = None if deterministic or not self.noisy else f(torch.randn(n, self.n_noise)).to(self.device)
        return self.values(observation, noise).argmax(-1)


class OfRainbow(OwnQNetworks):
    network, own = RainbowNetwork, {"dueling": True, "noisy": True, "n_atoms": 51, "v_min": -10.0, "v_max": 10.0, "sigma_0": 0.5}


@saved
class RainbowPolicy(OfRainbow, DQNPolicy):
    """For vectors."""


@saved
class RainbowCnnPolicy(OfRainbow, CnnPolicy):
    """For images: the layers of the features extractor are not noisy."""


@saved
class RainbowMultiInputPolicy(OfRainbow, MultiInputPolicy):
    """For Dict observations."""
