"""Twin delayed deep deterministic policy gradient (Fujimoto et al. 2018, arXiv:1802.09477, Algorithm 1).

    for each step:
        act with exploration noise, a = μ(s) + ε; store (s, a, r, s'); draw a minibatch
        ã = μ'(s') + clip(ε, −c, c), ε ~ N(0, σ);  y = r + γ min_i Q'_i(s', ã)
        descend on Σ_i (y − Q_i(s, a))²
        every d updates: ascend on Q₁(s, μ(s)); θ' ← τ θ + (1 − τ) θ' for actor and critics
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import stable_baselines3
import torch
from gymnasium import spaces
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.utils import get_parameters_by_name, polyak_update
from stable_baselines3.td3.policies import CnnPolicy, MultiInputPolicy, TD3Policy

from from_scratch.core.data import Transition
from from_scratch.core.lockstep.rows import per_seed
from from_scratch.core.loops.off_policy import OffPolicy
from from_scratch.core.networks.actor_critic import serve
from from_scratch.core.networks.continuous import CRITICS, DETERMINISTIC


class TD3(OffPolicy):
    learning_rate: float | Callable[[float], float] = 1e-3
    buffer_size: int = 1_000_000
    learning_starts: int = 100
    batch_size: int = 256  # N
    tau: float = 0.005  # τ
    gamma: float = 0.99  # γ
    train_freq: int | tuple[int, str] = 1
    gradient_steps: int = 1
    action_noise: ActionNoise | None = None
    replay_buffer_class: type | None = None
    replay_buffer_kwargs: dict | None = None
    optimize_memory_usage: bool = False
    n_steps: int = 1
    policy_delay: int = 2  # d
    target_policy_noise: float = 0.2  # σ̃
    target_noise_clip: float = 0.5  # c

    policy_aliases = {"MlpPolicy": TD3Policy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
    supported_action_spaces = (spaces.Box,)
    trained = ("actor", "critic")
    following = ("actor_target", "critic_target")
    saved = ("actor_batch_norm_stats", "critic_batch_norm_stats", "actor_batch_norm_stats_target", "critic_batch_norm_stats_target")

    def build(self) -> None:
        self._create_aliases()
        self.actor_batch_norm_stats = get_parameters_by_name(self.actor, ["running_"])
        self.critic_batch_norm_stats = get_parameters_by_name(self.critic, ["running_"])
        self.actor_batch_norm_stats_target = get_parameters_by_name(self.actor_target, ["running_"])
        self.critic_batch_norm_stats_target = get_parameters_by_name(self.critic_target, ["running_"])

    def serve(self) -> None:
        actors, actor_targets, critics, critic_targets = (self.networks(name) for name in ("actor", "actor_target", "critic", "critic_target"))
        served = serve(DETERMINISTIC, self._policies, actors, [actor.optimizer for actor in actors], actor_targets, tell=self._tell)
        self.mu, self._actor_optimiser, self.mu_target, self._actor_target_rows = served  # μ(s; φ), μ'(s; φ')
        self._actor_rows = self._actor_optimiser.rows
        skip = "features_extractor" if self.critic.share_features_extractor else None
        served = serve(CRITICS, self._policies, critics, [critic.optimizer for critic in critics], critic_targets, tell=self._tell, skip=skip)
        self.q, self._critic_optimiser, self.q_target, _ = served  # Q_i, Q'_i: [S, C, M]
        self.choose_who_acts(isinstance(self.mu, DETERMINISTIC[0]))

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        if self.asks_policies:
            return self.policy.scale_action(self.asked(obs, deterministic))
        return self.mu.play(obs)  # exploration noise is added by the loop, where it is the user's

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        self.prepare_training()
        self.set_training_mode(True)
        self.use_learning_rate(self._actor_optimiser, self._critic_optimiser)
        for _ in range(gradient_steps):
            self.updates += 1
            b = self.memory.sample(batch_size, self.gamma)
            noise = self._rng.noise(*b.action.shape[1:])
            self.minimise(self.critic_loss, b, noise, by=self._critic_optimiser)
            if self.updates[0] % self.policy_delay == 0:
                self.minimise(self.actor_loss, b, by=self._actor_optimiser)
                self.q_target.rows.track(self.q.rows, self.tau)
                self._actor_target_rows.track(self._actor_rows, self.tau)
                polyak_update(self.critic_batch_norm_stats, self.critic_batch_norm_stats_target, 1.0)
                polyak_update(self.actor_batch_norm_stats, self.actor_batch_norm_stats_target, 1.0)
        self._n_updates = int(self.updates[0])
        self.record("train/n_updates", self.updates, exclude="tensorboard")
        self.record_metrics()

    @per_seed
    def critic_loss(self, b: Transition, noise: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        with torch.no_grad():
            ε = (self.target_policy_noise * noise).clamp(-self.target_noise_clip, self.target_noise_clip)
            a_next = (self.mu_target(b.next_obs) + ε).clamp(-1, 1)  # eq. (14)
            y = b.reward + b.discount * self.q_target(b.next_obs, a_next).amin(1)  # the smaller of the two: eq. (10)
        loss = ((self.q(b.obs, b.action) - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)
        return loss, {"critic_loss": loss}

    @per_seed
    def actor_loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        loss = -self.q.first(b.obs, self.mu(b.obs)).mean(-1)  # Q₁ alone
        return loss, {"actor_loss": loss}

    def _create_aliases(self) -> None:
        self.actor, self.actor_target = self.policy.actor, self.policy.actor_target
        self.critic, self.critic_target = self.policy.critic, self.policy.critic_target

    def _torch_names(self, k: int) -> tuple[list[str], list[str]]:
        at = "" if self.n_seeds == 1 else f"policies.{k}."
        return ["policy" if self.n_seeds == 1 else f"policies.{k}", f"{at}actor.optimizer", f"{at}critic.optimizer"], []


stable_baselines3.TD3.register(TD3)  # isinstance(model, stable_baselines3.TD3) holds, as tools expect
