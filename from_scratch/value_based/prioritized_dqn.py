"""DQN with prioritised replay (Schaul, Quan, Antonoglou & Silver 2016, arXiv:1511.05952, Algorithm 1, without its double target).

    for each step:
        as in DQN, but a new transition enters the memory with the largest priority so far
        draw a minibatch, j with probability P(j) = p_j^α / Σ_i p_i^α, one from each of M equal shares of the total
        w_j = (N P(j))^−β / max_i w_i                   what is drawn more often counts less each time
        δ_j = y_j − Q(s_j, a_j; θ),  p_j ← |δ_j| + ε
        descend on the mean of w_j δ_j², the error clipped

A transition that surprises is replayed more often; the importance weights take the bias of that away again, the more the nearer β is to 1, at which it ends.
Steps are larger than DQN's: the paper takes a quarter of its learning rate. Its errors are clipped to [−1, 1] before they become priorities, ours are not.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from stable_baselines3.common.utils import LinearSchedule

from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.replay.samplers import Prioritised
from from_scratch.value_based.dqn import DQN


class PrioritizedDQN(DQN):
    alpha: float = 0.6  # α  how much priorities count: 0 draws all alike
    initial_beta: float = 0.4  # β  how much of the bias the weights take away at first; it rises to 1, linearly
    priority_eps: float = 1e-6  # ε  added to |δ|, so that every transition may be drawn again
    optimize_memory_usage: ClassVar[bool] = False

    def check(self) -> None:
        super().check()
        check_range(self, "alpha", "initial_beta", low=0, high=1)
        check_range(self, "priority_eps", above=0)

    def new_sampler(self) -> Prioritised:
        return Prioritised(self.alpha, beta=lambda: self.now(LinearSchedule(self.initial_beta, 1.0, 1.0)))

    def update(self, b: Transition) -> None:
        self.minimise(self.loss, b, torch.from_numpy(self.memory.sampler.weight).to(self.device), by=self.q)
        self.memory.sampler.learnt(self.noted["td_error"].abs().cpu().numpy() + self.priority_eps)  # p_j ← |δ_j| + ε

    @per_seed
    def loss(self, b: Transition, w: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # type: ignore[override]
        with torch.no_grad():
            y = b.reward + b.discount * self.valid(self.q_target(b.next_obs), b).amax(-1)
        q = self.q(b.obs).gather(-1, b.action.long()).squeeze(-1)
        loss = (w * F.smooth_l1_loss(q, y, reduction="none")).mean(-1)  # the error clipped to [−1, 1], as in DQN
        return loss, {"loss": loss, "td_error": q - y}
