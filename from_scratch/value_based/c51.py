"""Categorical DQN, C51 (Bellemare, Dabney & Munos 2017, arXiv:1707.06887, Algorithm 1).

    Z(s, a), what a return may be: N atoms z_i from V_MIN to V_MAX, with probabilities p_i(s, a; θ);  Q(s, a) = Σ_i z_i p_i(s, a)
    for each step:
        as in DQN, but for a transition (s, a, r, s'):
        a* = argmax_a' Q(s', a'; θ⁻)
        each atom z_j of Z(s', a*; θ⁻) moves to T̂z_j = r + γ z_j, cut to [V_MIN, V_MAX]
        m = its probability, shared out between the two atoms next to T̂z_j, the nearer one getting more
        descend on the cross-entropy −Σ_i m_i log p_i(s, a; θ)

Returns must fit between V_MIN and V_MAX: what lies outside counts as the end. The paper's ±10 are for Atari's clipped rewards.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.atoms import check_atoms, expected, projected
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.action_values import OwnQNetworks
from from_scratch.value_based.dqn import DQN


class AtomNetwork(QNetwork):
    """Logits of the atoms of every action, [..., A·N]."""

    def __init__(self, *args: Any, n_atoms: int, v_min: float, v_max: float, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.q_net = nn.Sequential(*create_mlp(self.features_dim, int(self.action_space.n) * n_atoms, self.net_arch, self.activation_fn))
        self.register_buffer("z", torch.linspace(v_min, v_max, n_atoms), persistent=False)

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        return self.q_net(features)

    def forward(self, obs: Any) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor))

    def values(self, obs: Any) -> torch.Tensor:
        return expected(self(obs), self.z)

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        return self.values(observation).argmax(-1)


class OfAtoms(OwnQNetworks):
    network, own = AtomNetwork, {"n_atoms": 51, "v_min": -10.0, "v_max": 10.0}


class AtomPolicy(OfAtoms, DQNPolicy):
    """For vectors."""


class AtomCnnPolicy(OfAtoms, CnnPolicy):
    """For images."""


class AtomMultiInputPolicy(OfAtoms, MultiInputPolicy):
    """For Dict observations."""


class C51(DQN):
    n_atoms: int = 51  # N  returns that are told apart
    v_min: float = -10.0  # V_MIN  the smallest of them
    v_max: float = 10.0  # V_MAX  the largest

    policy_aliases: ClassVar[dict[str, type]] = {"MlpPolicy": AtomPolicy, "CnnPolicy": AtomCnnPolicy, "MultiInputPolicy": AtomMultiInputPolicy}

    def check(self) -> None:
        super().check()
        check_atoms(self)

    def new_policy(self) -> BasePolicy:
        atoms = {"n_atoms": self.n_atoms, "v_min": self.v_min, "v_max": self.v_max}
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **{**self.policy_kwargs, **atoms})

    def build(self) -> None:
        super().build()
        self.z = self._policies[0].q_net.z
        self.i = torch.arange(self.n_atoms, device=self.device)

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.best(expected(torch.from_numpy(self.q.play(obs)), self.z.cpu()).numpy())

    @per_seed
    def loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        of = lambda logits, a: logits.gather(-1, a.long() * self.n_atoms + self.i)  # those of one action, [S, M, N]
        with torch.no_grad():
            after = self.q_target(b.next_obs)
            best = self.valid(expected(after, self.z), b).argmax(-1, keepdim=True)  # a*
            tz = (b.reward[..., None] + b.discount[..., None] * self.z).clamp(self.v_min, self.v_max)
            m = projected(of(after, best).softmax(-1), tz, self.z, (self.v_max - self.v_min) / (self.n_atoms - 1))
        loss = -(m * of(self.q(b.obs), b.action).log_softmax(-1)).sum(-1).mean(-1)
        return loss, {"loss": loss}
