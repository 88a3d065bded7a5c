"""Proximal policy optimisation, clipped (Schulman et al. 2017, arXiv:1707.06347, Algorithm 1).

    for iteration = 1, 2, …:
        for actor = 1 … E:  run π_old for T steps; compute advantages Â_1 … Â_T
        optimise the surrogate L with respect to θ, for K epochs of minibatches of size M ≤ E·T
        θ_old ← θ
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import stable_baselines3
import torch

from from_scratch.core.data import Sample
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.on_policy import OF_PARTS, OnPolicy, normalise

Schedule = Callable[[float], float]


class PPO(OnPolicy):
    learning_rate: float | Schedule = 3e-4
    n_steps: int = 2048  # T  steps per environment between updates
    batch_size: int = 64  # M
    n_epochs: int = 10  # K
    gamma: float = 0.99  # γ
    gae_lambda: float = 0.95  # λ
    clip_range: float | Schedule = 0.2  # ε
    clip_range_vf: float | Schedule | None = None  # ε of the value function; not in the paper, None switches it off
    normalize_advantage: bool = True
    ent_coef: float = 0.0  # c₂
    vf_coef: float = 0.5  # c₁
    max_grad_norm: float = 0.5
    use_sde: bool = False
    sde_sample_freq: int = -1
    rollout_buffer_class: type | None = None
    rollout_buffer_kwargs: dict | None = None
    target_kl: float | None = None  # stop a seed's updates on this rollout once its KL exceeds 1.5 × this

    supported_action_spaces = OF_PARTS  # Tuple and Dict actions, too, which SB3 does not have
    schedules = ("clip_range", "clip_range_vf")
    logs_last = ("loss",)  # as SB3

    def check(self) -> None:
        super().check()
        if isinstance(self.clip_range_vf, float | int):
            assert self.clip_range_vf > 0, "`clip_range_vf` must be positive, pass `None` to deactivate vf clipping"

    def update(self, rollout: Sample | None) -> None:
        for _ in range(self.n_epochs):
            self._metrics.pop("approx_kl", None)  # SB3 logs the last epoch's
            self.updates[self.active] += 1
            if not all(self.minimise(self.loss, batch, by=self.actor_critic) for batch in self.minibatches(rollout, self.batch_size)):
                break

    @per_seed
    def loss(self, b: Sample) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]; means are over M
        v, log_pi, entropy = self.actor_critic.evaluate(*b.played)
        advantage = normalise(b.advantage) if self.normalize_advantage and b.advantage.shape[-1] > 1 else b.advantage
        ratio, ε = torch.exp(log_pi - b.log_prob), self.now(self.clip_range)  # r_t(θ)
        l_clip = torch.min(ratio * advantage, ratio.clamp(1 - ε, 1 + ε) * advantage).mean(-1)  # eq. (7)
        if self.clip_range_vf is not None:
            ε_v = self.now(self.clip_range_vf)
            v = b.v + (v - b.v).clamp(-ε_v, ε_v)
        l_vf = ((v - b.ret) ** 2).mean(-1)
        loss = -(l_clip - self.vf_coef * l_vf + self.ent_coef * entropy.mean(-1))  # eq. (9)
        with torch.no_grad():
            kl = (ratio - 1 - (log_pi - b.log_prob)).mean(-1)  # Schulman's k3 estimator, joschu.net/blog/kl-approx.html
            clipped = ((ratio - 1).abs() > ε).float().mean(-1)
        metrics = {"policy_gradient_loss": -l_clip, "value_loss": l_vf, "entropy_loss": -entropy.mean(-1), "loss": loss}
        return loss, {**metrics, "approx_kl": kl, "clip_fraction": clipped}

    def stop_early(self, metrics: dict[str, torch.Tensor]) -> np.ndarray | None:
        if self.target_kl is None:
            return None
        return (metrics["approx_kl"] > 1.5 * self.target_kl).cpu().numpy()


stable_baselines3.PPO.register(PPO)  # isinstance(model, stable_baselines3.PPO) holds, as tools expect
