"""Trust region policy optimisation (Schulman et al. 2015, arXiv:1502.05477, §6 and appendix C).

    for iteration = 1, 2, …:
        run π_old for T steps in each of E environments; compute advantages Â
        g ← ∇ L(θ), L(θ) = mean of π_θ(a|s) / π_old(a|s) Â;  F ← the Hessian of the mean KL between π_θ and π_old
        x ≈ F⁻¹ g by conjugate gradients;  β ← √(2δ / xᵀ F x)
        θ ← θ_old + α^i β x with the first i = 0, 1, … for which L improves and KL < δ, if any
        fit V to the returns
"""

from __future__ import annotations

from collections.abc import Callable

import sb3_contrib
import torch

from from_scratch.core.data import Sample
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.natural import NaturalSteps
from from_scratch.core.loops.on_policy import normalise
from from_scratch.core.natural_gradient import Weights, conjugate_gradients, divergence, fisher, line_search, longest_step, pi_of


class TRPO(NaturalSteps):
    learning_rate: float | Callable[[float], float] = 1e-3  # of V alone; the policy's step is as long as δ allows
    n_steps: int = 2048  # T  steps per environment between updates
    batch_size: int = 128  # samples in a minibatch of the value function
    gamma: float = 0.99  # γ
    cg_max_steps: int = 15
    cg_damping: float = 0.1
    line_search_shrinking_factor: float = 0.8  # α
    line_search_max_iter: int = 10
    n_critic_updates: int = 10  # how often V goes through each rollout
    gae_lambda: float = 0.95  # λ; the paper takes Monte Carlo returns
    use_sde: bool = False
    sde_sample_freq: int = -1
    rollout_buffer_class: type | None = None
    rollout_buffer_kwargs: dict | None = None
    normalize_advantage: bool = True
    target_kl: float = 0.01  # δ  how far the policy may go from the old one in an update
    sub_sampling_factor: int = 1  # the policy learns from one in so many samples (Schulman 2016, thesis, p. 40)

    clips = False

    def check(self) -> None:
        super().check()
        least = 2 if self.normalize_advantage else 1
        if self.env is not None and self.n_steps * self.n_envs // self.sub_sampling_factor < least:
            raise ValueError(
                f"sub_sampling_factor={self.sub_sampling_factor} leaves the policy less than {least} of the {self.n_steps * self.n_envs} samples of a rollout "
                f"(n_steps={self.n_steps} × n_envs={self.n_envs}). Choose a smaller one, or more steps."
            )
        self.ent_coef = self.vf_coef = self.max_grad_norm = 0.0  # no part of it: SB3-Contrib's files hold them so

    def seen(self, rollout: Sample) -> Sample:
        return rollout.map(lambda x: x[:, :: self.sub_sampling_factor])

    def improve(self, k: int, b: Sample) -> dict[str, float]:
        """Seed k's policy goes as far as the trust region allows; every field [M, ...]."""
        with torch.no_grad():
            old = pi_of(self._policies[k], b.obs)
        advantage = normalise(b.advantage) if self.normalize_advantage else b.advantage

        def surrogate_and_kl() -> tuple[torch.Tensor, torch.Tensor]:
            pi = pi_of(self._policies[k], b.obs)
            ratio = torch.exp(pi.log_prob(b.action.float()) - b.log_prob)
            # The paper's KL is KL(π_old ‖ π), summed over an action's components. SB3-Contrib has KL(π ‖ π_old), which has the same Hessian, and the mean over
            # components, so that its region is that much wider; and so have we.
            return (advantage * ratio).mean(), divergence(pi, old).mean()  # eq. (14)

        surrogate, kl = surrogate_and_kl()
        policy, slope = Weights.that_move(kl, [p for name, p in self._policies[k].named_parameters() if "value" not in name])
        self.actor_critic.hold(k, policy.parameters)
        g, F = policy.gradient(surrogate), fisher(slope, policy, self.cg_damping)
        with self._rng.streams[k].as_process():
            start = 1e-4 * torch.randn(g.shape).to(g.device)  # not 0, as in SB3-Contrib; drawn on the CPU, wherever it is computed
        step = longest_step(F, conjugate_gradients(F, g, start, self.cg_max_steps), self.target_kl)
        there: list[torch.Tensor] = []

        def is_better_and_near() -> bool:
            there[:] = surrogate_and_kl()
            return bool((there[1] < self.target_kl) & (there[0] > surrogate))

        moved = line_search(policy, step, is_better_and_near, self.line_search_shrinking_factor, self.line_search_max_iter)
        objective, kl = there if moved else (surrogate, torch.zeros(()))
        return {"policy_objective": objective.item(), "kl_divergence_loss": kl.item(), "is_line_search_success": float(moved)}

    @per_seed
    def value_loss(self, b: Sample) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        l_v = ((b.ret - self.actor_critic.values(b.obs)) ** 2).mean(-1)
        return l_v, {"value_loss": l_v}


sb3_contrib.TRPO.register(TRPO)  # isinstance(model, sb3_contrib.TRPO) holds, as tools expect
