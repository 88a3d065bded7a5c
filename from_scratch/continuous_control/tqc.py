"""Truncated quantile critics (Kuznetsov et al. 2020, arXiv:2005.04269, Algorithm 1): SAC whose critics learn distributions.

    each of C critics has N quantiles θ_c1(s, a) … θ_cN(s, a) of the soft return
    act, store, draw a minibatch and tune α as in SAC
        pool the C·N quantiles θ'_ci(s', a'), a' ~ π(·|s'), from z_(1), the smallest, on, and drop the d·C largest
        y_j = r + γ (z_(j) − α log π(a'|s')) for every z_(j) left;  descend on the quantile Huber loss of all θ_ci(s, a) against all y_j
        descend on α log π(a|s) − mean_ci θ_ci(s, a), a ~ π(·|s)
        θ' ← τ θ + (1 − τ) θ' for the critics
"""

from __future__ import annotations

import sb3_contrib
import torch

from from_scratch.continuous_control.sac import SAC, Loss
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.continuous import Noise
from from_scratch.core.networks.quantiles import TQC_ALIASES
from from_scratch.core.quantiles import quantile_huber


class TQC(SAC):
    top_quantiles_to_drop_per_net: int = 2  # d
    use_sde: bool = False  # these three stand behind it in SB3-Contrib
    sde_sample_freq: int = -1
    use_sde_at_warmup: bool = False

    policy_aliases = TQC_ALIASES  # policy_kwargs: n_critics=2 is C, n_quantiles=25 is N

    def build(self) -> None:
        super().build()  # self.q and self.q_target are θ_ci(s, a) and θ'_ci(s, a), [S, C, M, N]
        n = self._policies[0].critic.n_quantiles
        if self.top_quantiles_to_drop_per_net >= n:
            raise ValueError(
                f"top_quantiles_to_drop_per_net={self.top_quantiles_to_drop_per_net} leaves nothing of {n} quantiles: "
                f"give at most {n - 1}, or policy_kwargs with a larger n_quantiles."
            )

    @per_seed
    def critic_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:  # every field [S, M, ...], α [S]
        with torch.no_grad():
            a_next, log_pi_next = self.pi(b.next_obs, noise)
            z = self.q_target(b.next_obs, a_next).transpose(1, 2)  # [S, M, C, N]
            n_left = (z.shape[3] - self.top_quantiles_to_drop_per_net) * z.shape[2]
            z = z.flatten(2).sort(-1).values[..., :n_left]
            v_next = z - α.unsqueeze(-1).unsqueeze(-1) * log_pi_next.unsqueeze(-1)
            y = b.reward.unsqueeze(-1) + b.discount.unsqueeze(-1) * v_next  # eq. (11), [S, M, n_left]
        loss = quantile_huber(self.q(b.obs, b.action), y.unsqueeze(1)).mean(-1).mean(-1).mean(-1)  # eq. (12), averaged over critics and quantiles
        return loss, {"critic_loss": loss}

    @per_seed
    def actor_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:
        a, log_pi = self.pi(b.obs, noise)
        q = self.q(b.obs, a).mean(-1).transpose(1, 2).mean(-1)  # of all quantiles, none dropped, and of all critics, [S, M]
        loss = (α.unsqueeze(-1) * log_pi - q).mean(-1)  # eq. (14)
        return loss, {"actor_loss": loss}


sb3_contrib.TQC.register(TQC)  # isinstance(model, sb3_contrib.TQC) holds, as tools expect
