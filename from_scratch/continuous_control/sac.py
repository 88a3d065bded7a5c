"""Soft actor-critic with an automatic temperature (Haarnoja et al. 2018, arXiv:1801.01290 and arXiv:1812.05905, Algorithm 1).

    for each step:
        a ~ π(·|s); store (s, a, r, s'); draw a minibatch
        descend on α's loss, E[−log α (log π(a|s) + H̄)]
        y = r + γ (min_i Q'_i(s', a') − α log π(a'|s')), a' ~ π(·|s');  descend on Σ_i ½ (y − Q_i(s, a))²
        descend on α log π(a|s) − min_i Q_i(s, a), a ~ π(·|s)
        θ' ← τ θ + (1 − τ) θ' for the critics
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import stable_baselines3
import torch
from gymnasium import spaces
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.utils import get_parameters_by_name, polyak_update
from stable_baselines3.sac.policies import CnnPolicy, MultiInputPolicy, SACPolicy
from torch import nn

from from_scratch.core.data import Transition
from from_scratch.core.finite import real, refuse_nan
from from_scratch.core.lockstep.optimiser import RowOptimizer, optimiser_of
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import OwnMemory, Rows, per_seed
from from_scratch.core.loops.off_policy import OffPolicy
from from_scratch.core.networks.actor_critic import serve, why_apart
from from_scratch.core.networks.continuous import CRITICS, SQUASHED, Drawn

Loss = tuple[torch.Tensor, dict[str, torch.Tensor]]
Noise = torch.Tensor | Drawn  # ε, or what an actor made of its own


class Temperature(nn.Module):
    """log α of one seed, with the optimizer that tunes it."""

    def __init__(self, initial: float, learning_rate: float, device: torch.device):
        super().__init__()
        self.log_ent_coef = nn.Parameter(torch.log(torch.ones(1, device=device) * initial))
        self.optimizer = torch.optim.Adam(self.parameters(), lr=learning_rate)


class OwnTensor(OwnMemory):
    """A tensor that a model holds, as the only parameter of its one seed."""

    def __init__(self, model: Any, name: str):
        super().__init__([model.policy])
        self.model, self.name = model, name

    def parameter(self, name: str, like: Any = None) -> torch.Tensor:
        return getattr(self.model, self.name).unsqueeze(0)


class SAC(OffPolicy):
    learning_rate: float | Callable[[float], float] = 3e-4
    buffer_size: int = 1_000_000
    learning_starts: int = 100
    batch_size: int = 256
    tau: float = 0.005  # τ
    gamma: float = 0.99  # γ
    train_freq: int | tuple[int, str] = 1
    gradient_steps: int = 1
    action_noise: ActionNoise | None = None
    replay_buffer_class: type | None = None
    replay_buffer_kwargs: dict | None = None
    optimize_memory_usage: bool = False
    n_steps: int = 1
    ent_coef: str | float = "auto"  # α; "auto" or "auto_0.1" (its start) to tune it
    target_update_interval: int = 1
    target_entropy: str | float = "auto"  # H̄; "auto" is −dim(A)
    use_sde: bool = False
    sde_sample_freq: int = -1
    use_sde_at_warmup: bool = False

    policy_aliases = {"MlpPolicy": SACPolicy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
    supported_action_spaces = (spaces.Box,)
    trained = ("actor", "critic")
    following = ("critic_target",)
    saved = ("batch_norm_stats", "batch_norm_stats_target", "log_ent_coef", "ent_coef_optimizer")  # the last two: None in a file where α is fixed

    def check(self) -> None:
        super().check()
        self.policy_kwargs["use_sde"] = self.use_sde

    def build(self) -> None:
        self._create_aliases()
        self.batch_norm_stats = get_parameters_by_name(self.critic, ["running_"])
        self.batch_norm_stats_target = get_parameters_by_name(self.critic_target, ["running_"])
        self.target_entropy = float(-np.prod(self.action_space.shape)) if self.target_entropy == "auto" else float(self.target_entropy)
        self._build_temperature()

    def _build_temperature(self) -> None:
        self.log_ent_coef = self.ent_coef_optimizer = None
        if not (isinstance(self.ent_coef, str) and self.ent_coef.startswith("auto")):
            self.ent_coef_tensor = torch.tensor(float(self.ent_coef), device=self.device)
            return
        initial = float(self.ent_coef.split("_")[1]) if "_" in self.ent_coef else 1.0
        assert initial > 0, "The initial value of ent_coef must be greater than 0"
        self.temperatures = nn.ModuleList(Temperature(initial, self.lr_schedule(1), self.device) for _ in self._policies)
        self.log_ent_coef, self.ent_coef_optimizer = self.temperatures[0].log_ent_coef, self.temperatures[0].optimizer

    def serve(self) -> None:
        actors, critics, critic_targets = (self.networks(name) for name in ("actor", "critic", "critic_target"))
        self.pi, self._actor_optimiser, _, _ = serve(SQUASHED, self._policies, actors, [actor.optimizer for actor in actors], tell=self._tell)
        self._actor_rows = self._actor_optimiser.rows  # pi is (a, log π(a|s)) from s and noise
        skip = "features_extractor" if self.critic.share_features_extractor else None
        served = serve(CRITICS, self._policies, critics, [critic.optimizer for critic in critics], critic_targets, tell=self._tell, skip=skip)
        self.q, self._critic_optimiser, self.q_target, _ = served  # Q_i, Q'_i: [S, C, M]
        self._serve_temperature()
        self.choose_who_acts(isinstance(self.pi, SQUASHED[0]))

    def watched_attributes(self) -> list[tuple[Any, Sequence[str]]]:
        temperatures = [(temperature, ["optimizer"]) for temperature in self.also_watched()]
        return [*super().watched_attributes(), (self, ["log_ent_coef", "ent_coef_optimizer"]), *temperatures]

    def also_watched(self) -> list[nn.Module]:
        return list(self.temperatures) if "temperatures" in vars(self) else []

    def _serve_temperature(self) -> None:
        self._temperature_optimiser: RowOptimizer | None = None
        if self.ent_coef_optimizer is None or self.log_ent_coef is None:
            return
        T: list[Any] = list(self.temperatures)
        if self.log_ent_coef is not T[0].log_ent_coef or self.ent_coef_optimizer is not T[0].optimizer:  # the user's own
            if self.n_seeds > 1:
                raise ValueError(f"log_ent_coef or its optimizer was replaced, but this model has {self.n_seeds}: replace those of model.temperatures[k].")
            self._temperature_optimiser = RowOptimizer(OwnTensor(self, "log_ent_coef"), [self.ent_coef_optimizer])  # type: ignore[list-item]
        else:
            optimizers = [temperature.optimizer for temperature in T]
            rows = ArrayRows if isinstance(self._actor_rows, ArrayRows) else Rows
            self._temperature_optimiser = optimiser_of(T, optimizers, lambda: rows(T), why_apart(T, optimizers), stacked=rows is ArrayRows)
        self._temperature_rows = self._temperature_optimiser.rows

    @property
    def alpha(self) -> torch.Tensor:
        """α of every seed, [S]."""
        tuned = self._temperature_optimiser is not None
        return self._temperature_rows.parameter("log_ent_coef").detach()[:, 0].exp() if tuned else self.ent_coef_tensor.expand(self.n_seeds)

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        if self.asks_policies:
            return self.policy.scale_action(self.asked(obs, deterministic))
        return real(self.pi.play(obs, None if deterministic else self._rng), self.action_space)

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        self.prepare_training()
        self.set_training_mode(True)
        self.use_learning_rate(*(o for o in (self._actor_optimiser, self._critic_optimiser, self._temperature_optimiser) if o is not None))
        for step in range(gradient_steps):
            b = self.memory.sample(batch_size, self.gamma)
            self.reset_noise(1)
            noise = self.update_noise(b.obs, b)
            with torch.no_grad():
                noise_next = self.update_noise(b.next_obs, b)
            α = self.alpha  # before its update, as SB3
            self.note(ent_coef=α)
            if self._temperature_optimiser is not None:
                self.minimise(self.temperature_loss, b.obs, noise, by=self._temperature_optimiser)
            self.minimise(self.critic_loss, b, noise_next, α, by=self._critic_optimiser)
            self.minimise(self.actor_loss, b, noise, α, by=self._actor_optimiser)
            if step % self.target_update_interval == 0:
                self.q_target.rows.track(self.q.rows, self.tau)
                polyak_update(self.batch_norm_stats, self.batch_norm_stats_target, 1.0)
        self.updates += gradient_steps
        self._n_updates = int(self.updates[0])
        self.record("train/n_updates", self.updates, exclude="tensorboard")
        self.record_metrics()

    @per_seed
    def temperature_loss(self, obs: torch.Tensor, noise: Noise) -> Loss:
        with torch.no_grad():
            log_pi = self.pi(obs, noise)[1]  # log π of the current policy, [S, M]
        loss = -(self._temperature_rows.parameter("log_ent_coef", log_pi) * (log_pi + self.target_entropy)).mean(-1)  # eq. (18), in log α
        return loss, {"ent_coef_loss": loss}

    @per_seed
    def critic_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:  # every field [S, M, ...], α [S]
        with torch.no_grad():
            a_next, log_pi_next = self.pi(b.next_obs, noise)
            v_next = self.q_target(b.next_obs, a_next).amin(1) - α.unsqueeze(-1) * log_pi_next  # eq. (3)
            y = b.reward + b.discount * v_next
        loss = 0.5 * ((self.q(b.obs, b.action) - y.unsqueeze(1)) ** 2).mean(-1).sum(-1)  # eq. (5)
        return loss, {"critic_loss": loss}

    @per_seed
    def actor_loss(self, b: Transition, noise: Noise, α: torch.Tensor) -> Loss:
        a, log_pi = self.pi(b.obs, noise)
        q = self.q(b.obs, a).min(1).values  # of two equal ones the first, and all the gradient to it: amin would share it out
        loss = (α.unsqueeze(-1) * log_pi - q).mean(-1)  # eq. (7)
        return loss, {"actor_loss": loss}

    def update_noise(self, obs: torch.Tensor, b: Transition) -> Noise:
        """What one reparameterised action per sample is made of: ε, or the sample itself where an actor must be evaluated only once."""
        return self.pi.drawn(obs, self._rng, b.action.shape[1:])

    def stop_early(self, metrics: dict[str, torch.Tensor]) -> None:
        """Not before the budget; but a loss that is NaN is refused before its step, for SB3's actor would raise as soon as its weights are NaN."""
        for name, value in metrics.items():
            refuse_nan(self, name, value.numpy(force=True))

    def _create_aliases(self) -> None:
        self.actor, self.critic, self.critic_target = self.policy.actor, self.policy.critic, self.policy.critic_target

    def _torch_names(self, k: int) -> tuple[list[str], list[str]]:
        one, at = self.n_seeds == 1, "" if self.n_seeds == 1 else f"policies.{k}."
        names = ["policy" if one else f"policies.{k}", f"{at}actor.optimizer", f"{at}critic.optimizer"]
        if self.ent_coef_optimizer is None:
            return names, ["ent_coef_tensor"]
        return [*names, "ent_coef_optimizer" if one else f"temperatures.{k}.optimizer"], ["log_ent_coef" if one else f"temperatures.{k}.log_ent_coef"]


stable_baselines3.SAC.register(SAC)  # isinstance(model, stable_baselines3.SAC) holds, as tools expect
