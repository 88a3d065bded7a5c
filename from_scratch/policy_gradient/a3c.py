"""A3C, asynchronous advantage actor-critic (Mnih et al. 2016, arXiv:1602.01783, Algorithm S3).

    each worker, for ever, on shared θ:
        θ' ← θ
        run π(·; θ') for t_max steps
        R_t ← r_t + γ R_{t+1}, bootstrapped from V(s; θ') where the episode goes on
        dθ ← the gradient at θ' of Σ log π(a_t|s_t; θ') (R_t − V(s_t; θ')) + β H(π(s_t; θ')), less that of Σ (R_t − V(s_t; θ'))²
        g ← α g + (1 − α) dθ²;  θ ← θ + η dθ / √(g + ε)                                                           (S2)–(S3), g shared
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from from_scratch.core.data import Sample
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.asynchronous import Asynchronous
from from_scratch.core.loops.on_policy import normalise


class A3C(Asynchronous):
    """Several workers make a run that nobody can repeat: what each finds in θ depends on when it looks. Their seeds are in `worker_seeds`, and in files.
    One worker is deterministic: A2C in n_envs environments.

    A script that starts workers needs `if __name__ == "__main__":`, as for SB3's SubprocVecEnv. One that is killed is replaced; one that fails ends the run
    with its exception.

    Rollouts have t_max steps also where an episode ends among them, and losses are means over them, as in A2C; the paper ends a rollout there, and sums.
    """

    learning_rate: float | Callable[[float], float] = 7e-4  # η
    n_steps: int = 5  # t_max  steps per environment between updates
    gamma: float = 0.99  # γ
    gae_lambda: float = 1.0  # λ; 1 is the paper's n-step return
    n_workers: int = 4  # processes that play and learn
    ent_coef: float = 0.01  # β
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    rms_prop_eps: float = 1e-5
    use_rms_prop: bool = True  # with its statistics shared, the paper's; else Adam with its own, shared alike
    use_sde: bool = False
    sde_sample_freq: int = -1
    rollout_buffer_class: type | None = None
    rollout_buffer_kwargs: dict | None = None
    normalize_advantage: bool = False

    log_interval = 100

    @per_seed
    def loss(self, b: Sample) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]; means are over M
        v, log_pi, entropy = self.actor_critic.evaluate(b.obs, b.action)
        advantage = normalise(b.advantage) if self.normalize_advantage else b.advantage  # R − V(s; θ')
        l_pi = -(advantage * log_pi).mean(-1)
        l_v = ((b.ret - v) ** 2).mean(-1)
        l_entropy = -entropy.mean(-1)
        return l_pi + self.ent_coef * l_entropy + self.vf_coef * l_v, {"policy_loss": l_pi, "value_loss": l_v, "entropy_loss": l_entropy}
