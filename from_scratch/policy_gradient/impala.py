"""IMPALA: importance-weighted actor-learner architecture, and V-trace (Espeholt et al. 2018, arXiv:1802.01561, §4).

    actors, for ever:   take the learner's weights; run μ for n steps; hand over s, a, r and μ(a|s)
    learner, for ever:  ρ_t ← min(ρ̄, π(a_t|s_t) / μ(a_t|s_t)),  c_t ← min(c̄, π(a_t|s_t) / μ(a_t|s_t))
        v_s ← V(s_s) + Σ_t γ^{t−s} (Π_{i<t} c_i) ρ_t (r_t + γ V(s_{t+1}) − V(s_t))                                      (1)
        descend on Σ (v_s − V(s_s; θ))², ascend on Σ ρ_s log π(a_s|s_s; ω) (r_s + γ v_{s+1} − V(s_s)) + β H(π(s_s; ω))

π is newer than μ by as many updates as happen while μ plays: the policy lag. Here it is an argument, not an accident of timing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from from_scratch.core.data import Sample
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.actors import WHERE
from from_scratch.core.loops.lagging import Lagging
from from_scratch.core.loops.on_policy import normalise
from from_scratch.core.returns import vtrace

CORRECTIONS = ("vtrace", "epsilon", "none")
EPSILON = 1e-6


class IMPALA(Lagging):
    """With actors=0 the learner plays itself, by weights that are `policy_lag` updates old; seeds train in lock-step, and the same seed gives the same run.
    With actors=n as many processes play meanwhile, each in n_envs / n of the environments, and the lag is the same: the learner is always `policy_lag`
    batches behind them. A script that starts them needs `if __name__ == "__main__":`, as for SB3's SubprocVecEnv. One that is killed is replaced.

    correction="none" learns as if π had played (Σ γ^t r, and no weights), "epsilon" too, with log(π + ε) in the policy's gradient (both in §5.2.2).

    Losses are means over the batch, as in A2C; the paper sums, and clips gradients at 40. Without lag, and with λ = 1, this is A2C.
    """

    learning_rate: float | Callable[[float], float] = 7e-4
    n_steps: int = 20  # n  steps per environment between updates
    gamma: float = 0.99  # γ
    gae_lambda: float = 1.0  # λ  a further factor of each c (remark 2): less takes variance, and adds bias
    clip_rho: float = 1.0  # ρ̄  the largest weight of a step; it decides to which policy's value V goes
    clip_c: float = 1.0  # c̄  the largest factor of a trace; it decides how fast V goes there
    correction: str = "vtrace"  # for the lag: "vtrace", "epsilon" or "none"
    policy_lag: int = 0  # how many updates older the policy that plays is
    actors: int = 0  # processes that play; 0 lets the learner play itself
    actors_on: str = "processes"  # where they run: "processes" of this machine, or "ray"
    ent_coef: float = 0.01  # β
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    rms_prop_eps: float = 1e-5
    use_sde: bool = False
    sde_sample_freq: int = -1
    rollout_buffer_class: type | None = None
    rollout_buffer_kwargs: dict | None = None
    normalize_advantage: bool = False

    log_interval = 100

    def check(self) -> None:
        super().check()
        check_range(self, "clip_rho", "clip_c", low=0, finite=False)
        for name, known in (("correction", CORRECTIONS), ("actors_on", tuple(WHERE))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r}: choose one of {', '.join(map(repr, known))}.")

    def look_back(self, r: np.ndarray, discount: np.ndarray, v: np.ndarray, v_next: np.ndarray, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.correction != "vtrace":
            ratio = np.ones_like(ratio)
        return vtrace(r, discount, v, v_next, np.full_like(r, self.rollout_buffer.gae_lambda), ratio, self.clip_rho, self.clip_c)  # eq. (1)

    @per_seed
    def loss(self, b: Sample) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]; means are over M
        v, log_pi, entropy = self.actor_critic.evaluate(b.obs, b.action)
        if self.correction == "epsilon":
            log_pi = torch.log(torch.exp(log_pi) + EPSILON)
        advantage = normalise(b.advantage) if self.normalize_advantage else b.advantage
        l_pi = -(advantage * log_pi).mean(-1)
        l_v = ((b.ret - v) ** 2).mean(-1)
        l_entropy = -entropy.mean(-1)
        return l_pi + self.vf_coef * l_v + self.ent_coef * l_entropy, {"policy_loss": l_pi, "value_loss": l_v, "entropy_loss": l_entropy}
