"""Batch-constrained Q-learning (Fujimoto, Meger & Precup 2019, arXiv:1812.02900, Algorithm 1).

    a variational auto-encoder G_ω learns which actions the data take: E_ω(s, a) → N(μ, σ), D_ω(s, z) → a
    for each gradient step:
        draw a minibatch (s, a, r, s') of the data set
        descend on (a − D(s, z))² + ½ KL(N(μ, σ) ‖ N(0, 1)), z ~ N(μ, σ)
        draw n actions a_i ~ G(s'), and move each by ξ'(s', a_i, Φ) in [−Φ, Φ]
        y = r + γ max_i [λ min_j Q'_j(s', a_i) + (1 − λ) max_j Q'_j(s', a_i)]                       (13)
        descend on Σ_j (y − Q_j(s, a))²;  ascend on Q₁(s, a + ξ(s, a, Φ)), a ~ G(s)
        θ' ← τ θ + (1 − τ) θ' for perturbation and critics
    play the one of n such actions that Q₁ thinks most of

As the authors' code: D ends in a tanh (in d3rlpy it does not), z is cut to ±0.5 where actions are drawn, and what a minibatch costs is a mean over the
numbers of an action and of z. It plays the best of 100 actions, the paper of n = 10. Here a deterministic choice is among n latent vectors that stay the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy

from from_scratch.core.data import Transition, tree_map
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.offline import Offline
from from_scratch.core.networks.batch_constrained import BCQ_ALIASES, CUT, fixed_latents

Loss = tuple[torch.Tensor, dict[str, torch.Tensor]]


class BCQ(Offline):
    learning_rate: float | Callable[[float], float] = 1e-3
    batch_size: int = 100  # N
    tau: float = 0.005  # τ
    n_candidates: int = 10  # n  actions among which the best is sought, for a target and to play
    phi: float = 0.05  # Φ  how far an action may be moved, the bounds being ±1
    soft_min: float = 0.75  # λ  how much the smaller of two critics counts in a target, and 1 − λ the larger
    kl_weight: float = 0.5  # how much the latent distribution is held to N(0, 1)

    policy_aliases = BCQ_ALIASES
    supported_action_spaces = (spaces.Box,)

    def check(self) -> None:
        super().check()
        check_range(self, "n_candidates", low=1, whole=True)
        check_range(self, "soft_min", low=0, high=1)
        check_range(self, "phi", "kl_weight", low=0)

    def new_policy(self) -> BasePolicy:
        of_candidates = {"phi": self.phi, "n_candidates": self.n_candidates}
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **{**self.policy_kwargs, **of_candidates})

    def build(self) -> None:
        self.perturbed, self.perturbed_target = self.net("actor"), self.net("actor_target")  # a + ξ(s, a, Φ)
        self.generative = self.net("vae")  # G_ω
        self.q, self.q_target = self.net("critic"), self.net("critic_target")  # Q_i(s, a), Q'_i(s, a), [S, C, M]
        self.n_latent = 2 * spaces.flatdim(self.action_space)

    def many(self, obs: Any) -> Any:
        """Each observation [S, M, ...] n times, one behind the other."""
        return tree_map(lambda x: x.repeat_interleave(self.n_candidates, 1), obs)

    @torch.no_grad()
    def choose(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        obs = self.many(tree_map(lambda x: torch.as_tensor(x, device=self.device), obs))
        S, n = self.n_seeds, self.n_candidates
        E = len(next(iter(obs.values()))[0] if isinstance(obs, dict) else obs[0]) // n
        z = fixed_latents(n, self.n_latent).repeat(S, E, 1) if deterministic else self._rng.noise(E * n, self.n_latent)
        a = self.perturbed(obs, self.generative(obs, z.clamp(-CUT, CUT)))
        best = self.q.first(obs, a).view(S, E, n, 1).argmax(2, keepdim=True)
        return a.view(S, E, n, -1).take_along_dim(best, 2).cpu().numpy().reshape(S, E, *self.action_space.shape)  # type: ignore[misc]

    def update(self, b: Transition) -> None:
        M, n = b.reward.shape[1], self.n_candidates
        drawn = lambda count: self._rng.noise(count, self.n_latent).to(self.device)
        self.minimise(self.vae_loss, b, drawn(M), by=self.generative)
        self.minimise(self.critic_loss, b, self.many(b.next_obs), drawn(M * n), by=self.q)
        self.minimise(self.actor_loss, b, drawn(M), by=self.perturbed)
        self.q_target.track(self.q, self.tau)
        self.perturbed_target.track(self.perturbed, self.tau)

    @per_seed
    def vae_loss(self, b: Transition, ε: torch.Tensor) -> Loss:  # every field [S, M, ...], ε [S, M, n_latent]
        n, n_z = b.action.shape[-1], self.n_latent
        made = self.generative(b.obs, b.action, ε)
        a, mean, log_std = made[..., :n], made[..., n : n + n_z], made[..., n + n_z :]
        kl = -0.5 * (1 + 2 * log_std - mean**2 - torch.exp(2 * log_std)).mean(-1).mean(-1)
        loss = ((a - b.action) ** 2).mean(-1).mean(-1) + self.kl_weight * kl
        return loss, {"vae_loss": loss}

    @per_seed
    def critic_loss(self, b: Transition, next_obs: torch.Tensor, z: torch.Tensor) -> Loss:  # next_obs, z [S, M n, ...]
        with torch.no_grad():
            a = self.perturbed_target(next_obs, self.generative(next_obs, z.clamp(-CUT, CUT)))
            q = self.q_target(next_obs, a)  # [S, C, M n]
            soft = self.soft_min * q.amin(1) + (1 - self.soft_min) * -((-q).amin(1))
            y = b.reward + b.discount * soft.view(*b.reward.shape, self.n_candidates).amax(-1)  # eq. (13)
        q = self.q(b.obs, b.action)
        loss = ((q - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss, "q_value": q.detach().mean(-1).mean(-1)}

    @per_seed
    def actor_loss(self, b: Transition, z: torch.Tensor) -> Loss:  # z [S, M, n_latent]
        a = self.perturbed(b.obs, self.generative(b.obs, z.clamp(-CUT, CUT)))
        loss = -self.q.first(b.obs, a).mean(-1)
        return loss, {"actor_loss": loss}
