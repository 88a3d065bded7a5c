"""PPO with a penalty on the divergence of the policies in the place of clipping (Schulman et al. 2017, arXiv:1707.06347, §4).

    for iteration = 1, 2, …:
        for actor = 1 … E:  run π_old for T steps; compute advantages Â_1 … Â_T
        optimise L^KLPEN, mean of r_t(θ) Â_t − β KL[π_old(·|s_t), π_θ(·|s_t)], for K epochs of minibatches of size M
        d ← mean of KL[π_old(·|s_t), π_θ(·|s_t)]
        if d < d_targ / 1.5:  β ← β / 2;   if d > d_targ × 1.5:  β ← 2 β
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from from_scratch.core.data import Sample
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.on_policy import normalise
from from_scratch.policy_gradient.ppo import PPO


@dataclass
class Penalised(Sample):
    pi: torch.Tensor  # π_old(·|s), the numbers that make it [S, M, P]
    beta: torch.Tensor  # β of the seed, [S, M]


class PPOPenalty(PPO):
    """The divergence is exact, of the whole distribution at each observation, not estimated from the actions. Each seed has a β of its own, `model.beta` [S].

    With `target_kl=None` β stays as it is: the paper's *fixed KL*.
    """

    target_kl: float | None = 0.01  # d_targ  where an update's divergence is to be, found by doubling and halving β; None leaves β alone
    kl_coef: float = 1.0  # β  at first; it soon finds another value

    clip_range: ClassVar[None] = None
    schedules = ("clip_range_vf",)

    beta: np.ndarray  # [S]

    def check(self) -> None:
        super().check()
        self.beta = np.full(self.n_seeds, self.kl_coef, dtype=np.float64)

    def update(self, rollout: Sample | None) -> None:
        if rollout is None:  # a user's buffer, which gives minibatches only: all of it is one
            (rollout,) = self.minibatches(None)
        β = torch.as_tensor(self.beta, dtype=rollout.v.dtype, device=self.device)[:, None].expand_as(rollout.v).contiguous()
        rollout = Penalised(**vars(rollout), pi=self.actor_critic.numbers(rollout.obs), beta=β)
        super().update(rollout)
        d = self.actor_critic.divergence_from(rollout.obs, rollout.pi).mean(-1).cpu().numpy()
        self.record("train/kl", d)
        self.record("train/kl_coef", self.beta)
        self.adapt(d)

    def adapt(self, d: np.ndarray) -> None:
        """β after an update that took the policies d [S] from where they were."""
        if self.target_kl is not None:
            self.beta = np.where(d < self.target_kl / 1.5, self.beta / 2, np.where(d > self.target_kl * 1.5, self.beta * 2, self.beta))

    @per_seed
    def loss(self, b: Penalised) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # type: ignore[override]  # every field [S, M, ...]; means are over M
        v, log_pi, entropy, kl = self.actor_critic.evaluate_from(b.obs, b.action, b.pi)
        advantage = normalise(b.advantage) if self.normalize_advantage and b.advantage.shape[-1] > 1 else b.advantage
        ratio = torch.exp(log_pi - b.log_prob)  # r_t(θ)
        l_klpen = (ratio * advantage - b.beta * kl).mean(-1)  # eq. (8)
        if self.clip_range_vf is not None:
            ε_v = self.now(self.clip_range_vf)
            v = b.v + (v - b.v).clamp(-ε_v, ε_v)
        l_vf = ((v - b.ret) ** 2).mean(-1)
        loss = -(l_klpen - self.vf_coef * l_vf + self.ent_coef * entropy.mean(-1))  # eq. (9)
        return loss, {"policy_gradient_loss": -l_klpen, "value_loss": l_vf, "entropy_loss": -entropy.mean(-1), "loss": loss}

    def stop_early(self, metrics: dict[str, torch.Tensor]) -> None:
        """target_kl is what β is for."""

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.beta = self.beta[k : k + 1].copy()
