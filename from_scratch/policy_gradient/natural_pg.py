"""Natural policy gradient (Kakade 2002, "A natural policy gradient", NIPS 14).

    for iteration = 1, 2, …:
        run π for T steps in each of E environments; compute advantages Â
        g ← ∇ mean of log π_θ(a|s) Â;  F ← the mean of ∇ log π ∇ log πᵀ over what π would do, which is the Hessian of KL between π_θ and π
        x ≈ F⁻¹ g by conjugate gradients
        θ ← θ + α x,  α = √(2δ / xᵀ F x)
        fit V to the returns
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from from_scratch.core.data import Sample
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.natural import NaturalSteps
from from_scratch.core.loops.on_policy import normalise
from from_scratch.core.natural_gradient import Weights, conjugate_gradients, divergence, fisher, longest_step, pi_of


class NaturalPG(NaturalSteps):
    """Kakade's α is a constant. Here it makes the divergence δ, as far as F tells it (Rajeswaran et al. 2017, arXiv:1703.02660): how long F⁻¹ g is depends
    on the problem and on how far learning is. Nothing checks the step afterwards; TRPO adds just that.
    """

    learning_rate: float | Callable[[float], float] = 1e-3  # of V alone; the policy's step follows from δ
    n_steps: int = 2048  # T  steps per environment between updates
    batch_size: int = 128  # samples in a minibatch of the value function
    gamma: float = 0.99  # γ
    cg_max_steps: int = 10
    cg_damping: float = 0.1
    n_critic_updates: int = 10
    gae_lambda: float = 0.95  # λ
    use_sde: bool = False
    sde_sample_freq: int = -1
    rollout_buffer_class: type | None = None
    rollout_buffer_kwargs: dict | None = None
    normalize_advantage: bool = True
    target_kl: float = 0.01  # δ  how far an update is to take the policy from the old one, summed over the components of an action

    def improve(self, k: int, b: Sample) -> dict[str, float]:
        """Seed k's policy takes its step; every field [M, ...]. Returns what is logged: the objective before it, and KL after it."""
        with torch.no_grad():
            old = pi_of(self._policies[k], b.obs)
        pi = pi_of(self._policies[k], b.obs)
        advantage = normalise(b.advantage) if self.normalize_advantage else b.advantage
        objective = (pi.log_prob(b.action.float()) * advantage).mean()
        kl = divergence(pi, old).sum(-1).mean()
        policy, slope = Weights.that_move(kl, [p for name, p in self._policies[k].named_parameters() if "value" not in name])
        self.actor_critic.hold(k, policy.parameters)
        g, F = policy.gradient(objective), fisher(slope, policy, self.cg_damping)
        x = conjugate_gradients(F, g, torch.zeros_like(g), self.cg_max_steps)  # F⁻¹ g
        policy.set(policy.get() + longest_step(F, x, self.target_kl))
        with torch.no_grad():
            moved = divergence(pi_of(self._policies[k], b.obs), old).sum(-1).mean()
        return {"policy_objective": objective.item(), "kl_divergence_loss": moved.item()}

    @per_seed
    def value_loss(self, b: Sample) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        l_v = ((b.ret - self.actor_critic.values(b.obs)) ** 2).mean(-1)
        return l_v, {"value_loss": l_v}
