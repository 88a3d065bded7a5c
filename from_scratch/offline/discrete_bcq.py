"""Batch-constrained Q-learning for discrete actions (Fujimoto, Conti et al. 2019, arXiv:1910.01708, Algorithm 1).

    G_ω(a|s), how probable an action is in the data, is learnt beside Q(s, a; θ)
    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set
        a* = argmax Q(s', a'; θ) over the actions a' with G_ω(a'|s') / max_â G_ω(â|s') > τ
        y = r + γ Q(s', a*; θ⁻), or r if the episode terminated
        descend on (y − Q(s, a; θ))², the error clipped, and on −log G_ω(a|s), with a small penalty on its logits
        θ⁻ ← (1 − ρ) θ⁻ + ρ θ
    play argmax Q(s, a; θ) over the actions that pass the same threshold

With τ = 0 this is double DQN, with τ = 1 behaviour cloning. The penalty is the authors': on the logits, where d3rlpy's is on log-probabilities.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.offline import Offline
from from_scratch.core.networks.action_values import OwnQNetworks


class ConstrainedNetwork(QNetwork):
    """Q(s, ·) ‖ the logits of G(·|s), [..., 2 n_actions]."""

    def __init__(self, *args: Any, threshold: float, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.imitator, self.threshold = nn.Sequential(*create_mlp(self.features_dim, int(self.action_space.n), self.net_arch, self.activation_fn)), threshold

    @per_seed
    def outputs(self, features: torch.Tensor) -> torch.Tensor:
        return torch.cat((self.q_net(features), self.imitator(features)), -1)

    def forward(self, obs: Any) -> torch.Tensor:
        return self.outputs(self.extract_features(obs, self.features_extractor))

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        q, logits = self(observation).chunk(2, -1)
        return constrained(q, logits, self.threshold).argmax(-1)


def constrained(q: Any, logits: Any, threshold: float) -> Any:
    """q where an action is probable enough beside the most probable one, and a number below all others elsewhere; all [..., n_actions]."""
    ratio = torch.exp(logits - logits.amax(-1).unsqueeze(-1))
    return q - 1e8 * (ratio <= threshold).float()


class Constrained(OwnQNetworks):
    network, own = ConstrainedNetwork, {"threshold": 0.3}


class ConstrainedPolicy(Constrained, DQNPolicy):
    """For vectors."""


class ConstrainedCnnPolicy(Constrained, CnnPolicy):
    """For images."""


class ConstrainedMultiInputPolicy(Constrained, MultiInputPolicy):
    """For Dict observations."""


class DiscreteBCQ(Offline):
    tau: float = 0.005  # ρ
    target_update_interval: int = 1  # gradient steps between updates of the target network
    threshold: float = 0.3  # τ  how probable an action must be, beside the most probable one
    logit_penalty: float = 0.01  # how much large logits of the imitator cost

    policy_aliases = {"MlpPolicy": ConstrainedPolicy, "CnnPolicy": ConstrainedCnnPolicy, "MultiInputPolicy": ConstrainedMultiInputPolicy}
    supported_action_spaces = (spaces.Discrete,)

    def check(self) -> None:
        super().check()
        check_range(self, "threshold", low=0, high=1)
        check_range(self, "logit_penalty", low=0)

    def new_policy(self) -> BasePolicy:
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **{**self.policy_kwargs, "threshold": self.threshold})

    def build(self) -> None:
        self.n_actions = int(self.action_space.n)  # type: ignore[attr-defined]
        self.q, self.q_target = self.net("q_net"), self.net("q_net_target")  # Q and G together

    def halves(self, x: Any) -> tuple[Any, Any]:
        """Q(s, ·) and the logits of G(·|s), [S, M, n_actions] each."""
        return x[..., : self.n_actions], x[..., self.n_actions :]

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return constrained(*self.halves(torch.from_numpy(self.q.play(obs))), self.threshold).argmax(-1).numpy()

    def update(self, b: Transition) -> None:
        self.minimise(self.loss, b, by=self.q)
        if self.updates[0] % self.target_update_interval == 0:
            self.q_target.track(self.q, self.tau)

    @per_seed
    def loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        with torch.no_grad():
            best = constrained(*self.halves(self.q(b.next_obs)), self.threshold).argmax(-1, keepdim=True)
            y = b.reward + b.discount * self.halves(self.q_target(b.next_obs))[0].gather(-1, best).squeeze(-1)
        of_action = lambda x: x.gather(-1, b.action.long()).squeeze(-1)
        q, logits = self.halves(self.q(b.obs))
        td_loss = F.smooth_l1_loss(of_action(q), y, reduction="none").mean(-1)
        imitation = -of_action(logits.log_softmax(-1)).mean(-1)
        loss = td_loss + imitation + self.logit_penalty * (logits**2).mean(-1).mean(-1)
        return loss, {"loss": loss, "td_loss": td_loss, "imitation_loss": imitation, "q_value": of_action(q).detach().mean(-1)}
