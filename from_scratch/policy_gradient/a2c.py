"""Advantage actor-critic, synchronous (Mnih et al. 2016, arXiv:1602.01783, Algorithm S3 without the asynchrony).

    for iteration = 1, 2, …:
        run π for n steps in each of E environments
        R_t ← r_t + γ R_{t+1}, bootstrapped from V where the episode goes on
        ascend on Σ log π(a_t|s_t; θ) (R_t − V(s_t)) + β H(π(s_t; θ)), descend on Σ (R_t − V(s_t; θ_v))²
"""

from __future__ import annotations

from collections.abc import Callable

import stable_baselines3
import torch

from from_scratch.core.data import Sample
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.on_policy import OF_PARTS, OnPolicy, normalise


class A2C(OnPolicy):
    learning_rate: float | Callable[[float], float] = 7e-4
    n_steps: int = 5  # t_max  steps per environment between updates
    gamma: float = 0.99  # γ
    gae_lambda: float = 1.0  # λ; 1 is the paper's n-step return
    ent_coef: float = 0.0  # β
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    rms_prop_eps: float = 1e-5
    use_rms_prop: bool = True  # the paper's optimiser; its ε stands outside the root here, as in PyTorch (RMSpropTFLike puts it inside)
    use_sde: bool = False
    sde_sample_freq: int = -1
    rollout_buffer_class: type | None = None
    rollout_buffer_kwargs: dict | None = None
    normalize_advantage: bool = False

    log_interval = 100
    supported_action_spaces = OF_PARTS  # Tuple and Dict actions, too, which SB3 does not have

    def check(self) -> None:
        rms_prop_eps, use_rms_prop = self.__dict__.pop("rms_prop_eps"), self.__dict__.pop("use_rms_prop")  # SB3 keeps neither in its files
        if use_rms_prop and "optimizer_class" not in self.policy_kwargs:
            self.policy_kwargs["optimizer_class"] = torch.optim.RMSprop
            self.policy_kwargs["optimizer_kwargs"] = {"alpha": 0.99, "eps": rms_prop_eps, "weight_decay": 0}

    def update(self, rollout: Sample | None) -> None:
        for batch in self.minibatches(rollout):  # one: everything
            self.minimise(self.loss, batch, by=self.actor_critic)
        self.updates += 1

    @per_seed
    def loss(self, b: Sample) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]; means are over M
        v, log_pi, entropy = self.actor_critic.evaluate(b.obs, b.action)
        advantage = normalise(b.advantage) if self.normalize_advantage else b.advantage  # R − V(s), with V as it was when s was seen
        l_pi = -(advantage * log_pi).mean(-1)
        l_v = ((b.ret - v) ** 2).mean(-1)
        l_entropy = -entropy.mean(-1)
        return l_pi + self.ent_coef * l_entropy + self.vf_coef * l_v, {"policy_loss": l_pi, "value_loss": l_v, "entropy_loss": l_entropy}


stable_baselines3.A2C.register(A2C)  # isinstance(model, stable_baselines3.A2C) holds, as tools expect
