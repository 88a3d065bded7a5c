"""Double DQN (van Hasselt, Guez & Silver 2016, arXiv:1509.06461).

    for each step:
        as in DQN, but for the target of a transition (s, a, r, s'):
        a* = argmax_a' Q(s', a'; θ)          the network that learns chooses the action ...
        y = r + γ Q(s', a*; θ⁻)              ... and the target network says what it is worth

A maximum over noisy estimates is too large on average. With two networks the noise that made an action look best is not the noise in its value.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.value_based.dqn import DQN


class DoubleDQN(DQN):
    @per_seed
    def loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        with torch.no_grad():
            best = self.valid(self.q(b.next_obs), b).argmax(-1, keepdim=True)
            y = b.reward + b.discount * self.q_target(b.next_obs).gather(-1, best).squeeze(-1)  # eq. (4)
        q = self.q(b.obs).gather(-1, b.action.long()).squeeze(-1)
        loss = F.smooth_l1_loss(q, y, reduction="none").mean(-1)  # the error clipped to [−1, 1], as in DQN
        return loss, {"loss": loss}
