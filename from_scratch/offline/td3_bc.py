"""TD3 with behaviour cloning: a minimalist approach to offline RL (Fujimoto & Gu 2021, arXiv:2106.06860).

    normalise the states of the data set
    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set
        critics as in TD3: ã = μ'(s') + clip(ε, −c, c);  y = r + γ min_i Q'_i(s', ã);  descend on Σ_i (y − Q_i(s, a))²
        every d steps: ascend on λ Q₁(s, μ(s)) − (μ(s) − a)², with λ = α / mean |Q₁(s, μ(s))|, a constant to the gradient
"""

from __future__ import annotations

from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.offline.offline_td3 import Loss, OfflineTD3


class TD3BC(OfflineTD3):
    normalise_states: bool = True  # eq. (6) of the paper, with 10⁻³ beside the deviation
    alpha: float = 2.5  # α  how much the critic's word weighs against the data's

    @per_seed
    def actor_loss(self, b: Transition) -> Loss:
        a = self.mu(b.obs)
        q = self.q.first(b.obs, a)
        λ = self.alpha / q.detach().abs().mean(-1)  # eq. (5)
        bc_loss = ((a - b.action) ** 2).mean(-1).mean(-1)  # a mean over the action's dimensions, as the authors' code has it
        loss = -λ * q.mean(-1) + bc_loss  # eq. (4)
        return loss, {"actor_loss": loss, "bc_loss": bc_loss}
