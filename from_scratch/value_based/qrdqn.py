"""Quantile regression DQN (Dabney et al. 2018, arXiv:1710.10044, Algorithm 1).

    Q(s, a) = Σ_j θ_j(s, a) / N: the mean of N quantiles of the return, each of which is learnt
    act, store and copy the target network as in DQN; draw a minibatch
        a* = argmax_a' Q(s', a'; θ⁻)
        y_j = r + γ θ⁻_j(s', a*) for every j, or r if the episode terminated at s'
    descend on Σ_i mean_j |τ_i − 1(u_ij < 0)| L(u_ij),  u_ij = y_j − θ_i(s, a),  τ_i = (i − ½)/N,  L Huber's loss
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sb3_contrib
import torch
from gymnasium import spaces

from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.exploration import OneCoin
from from_scratch.core.loops.off_policy import OffPolicy
from from_scratch.core.networks.quantiles import QRDQN_ALIASES
from from_scratch.core.quantiles import quantile_huber


def of_action(theta: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """The quantiles of one action each: theta [S, M, N, n_actions] and a [S, M, 1] → [S, M, N]."""
    return theta.gather(-1, a.long().unsqueeze(2).expand(-1, -1, theta.shape[2], -1)).squeeze(-1)


class QRDQN(OneCoin, OffPolicy):
    learning_rate: float | Callable[[float], float] = 5e-5
    buffer_size: int = 1_000_000
    learning_starts: int = 100
    batch_size: int = 32  # M
    tau: float = 1.0  # not the paper's τ_i, but how far the target network moves towards θ
    gamma: float = 0.99  # γ
    train_freq: int | tuple[int, str] = 4
    gradient_steps: int = 1
    replay_buffer_class: type | None = None
    replay_buffer_kwargs: dict | None = None
    optimize_memory_usage: bool = False
    n_steps: int = 1
    target_update_interval: int = 10000
    exploration_fraction: float = 0.005
    exploration_initial_eps: float = 1.0
    exploration_final_eps: float = 0.01
    max_grad_norm: float | None = None

    policy_aliases = QRDQN_ALIASES  # policy_kwargs: n_quantiles=200 is N
    supported_action_spaces = (spaces.Discrete,)
    saved = ("exploration_schedule", "n_quantiles")

    def check(self) -> None:
        super().check()
        if "optimizer_class" not in self.policy_kwargs:  # as in SB3-Contrib, optimizer_kwargs of one's own then count for nothing
            self.policy_kwargs["optimizer_class"] = torch.optim.Adam
            self.policy_kwargs["optimizer_kwargs"] = {"eps": 0.01 / self.batch_size}  # the paper's, with its 32

    def build(self) -> None:
        super().build()
        self.theta, self.theta_target = self.net("quantile_net"), self.net("quantile_net_target")  # θ_i(s, ·), θ⁻_i(s, ·), [S, M, N, n_actions]
        self.n_quantiles = self.policy.n_quantiles  # N

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.best(self.theta.play(obs).mean(-2))

    def _on_step(self) -> None:
        super()._on_step()
        if self.is_due(self.target_update_interval):
            self.prepare_training()
            self.theta_target.track(self.theta, self.tau)

    def update(self, b: Transition) -> None:
        self.minimise(self.loss, b, by=self.theta)

    @per_seed
    def loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        with torch.no_grad():
            theta_next = self.theta_target(b.next_obs)
            greedy = self.valid(theta_next.transpose(-1, -2).mean(-1), b).argmax(-1, keepdim=True)  # a* of the mean, [S, M, 1]
            y = b.reward.unsqueeze(-1) + b.discount.unsqueeze(-1) * of_action(theta_next, greedy)  # [S, M, N], a target for each j
        loss = quantile_huber(of_action(self.theta(b.obs), b.action), y).sum(-1).mean(-1)  # eq. (10), summed over i
        return loss, {"loss": loss}


sb3_contrib.QRDQN.register(QRDQN)  # isinstance(model, sb3_contrib.QRDQN) holds, as tools expect
