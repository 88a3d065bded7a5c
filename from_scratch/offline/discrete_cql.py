"""Conservative Q-learning for discrete actions: CQL(H) on double DQN (Kumar et al. 2020, arXiv:2006.04779, eq. 4).

    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set
        y = r + γ Q(s', argmax_a' Q(s', a'; θ); θ⁻), or r if the episode terminated
        descend on α (log Σ_a' exp Q(s, a'; θ) − Q(s, a; θ)) + (y − Q(s, a; θ))², the error clipped
        θ⁻ ← τ θ + (1 − τ) θ⁻

The first term pushes down what is thought of all actions, and up again what is thought of those in the data: in expectation Q is then below the truth.
The paper has quantile regression under it; d3rlpy has what stands here, with Huber's loss as DQN.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import spaces

from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.offline import Offline
from from_scratch.core.networks.action_values import DQN_ALIASES


class DiscreteCQL(Offline):
    tau: float = 0.005  # τ
    target_update_interval: int = 1  # gradient steps between updates of the target network
    alpha: float = 1.0  # α  how much it is held down

    policy_aliases = DQN_ALIASES
    supported_action_spaces = (spaces.Discrete,)

    def build(self) -> None:
        self.q, self.q_target = self.net("q_net"), self.net("q_net_target")  # Q(s, ·; θ), Q(s, ·; θ⁻)

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        return self.q.play(obs).argmax(-1)

    def update(self, b: Transition) -> None:
        self.minimise(self.loss, b, by=self.q)
        if self.updates[0] % self.target_update_interval == 0:
            self.q_target.track(self.q, self.tau)

    @per_seed
    def loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        with torch.no_grad():
            best = self.q(b.next_obs).argmax(-1, keepdim=True)
            y = b.reward + b.discount * self.q_target(b.next_obs).gather(-1, best).squeeze(-1)
        of_action = lambda x: x.gather(-1, b.action.long()).squeeze(-1)
        q = self.q(b.obs)
        td_loss = F.smooth_l1_loss(of_action(q), y, reduction="none").mean(-1)
        conservative = -of_action(q.log_softmax(-1)).mean(-1)  # log Σ exp Q(s, ·) − Q(s, a)
        loss = self.alpha * conservative + td_loss  # eq. (4)
        return loss, {"loss": loss, "td_loss": td_loss, "conservative_loss": conservative, "q_value": of_action(q).detach().mean(-1)}
