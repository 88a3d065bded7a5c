"""REINFORCE (Williams 1992, Machine Learning 8:229; Sutton & Barto 2018, §13.3).

    repeat:
        play N episodes S_0, A_0, R_1, …, S_{T−1}, A_{T−1}, R_T with π(·|·, θ)
        for each step t of each:  G_t ← R_{t+1} + γ R_{t+2} + … + γ^{T−t−1} R_T
        θ ← θ + α (1/N) Σ_episodes Σ_t γ^t G_t ∇ ln π(A_t|S_t, θ)                                                     (13.8)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.episodes import Episodic, Steps
from from_scratch.core.networks.inputs import one
from from_scratch.core.networks.own import ACTOR_ALIASES
from from_scratch.core.watch import replaced


class REINFORCE(Episodic):
    """The sum over an episode's steps, averaged over episodes: its expectation is ∇J(θ), J being the expected (discounted) return of an
    episode (the policy gradient theorem, with G_t for q_π), where γ = 1 or `gamma_power` is on. A mean over the steps of the batch is
    not: it divides by a length that depends on what was done, and so weighs short episodes more. The price is a gradient that grows
    with the length of episodes; Adam does not mind, for SGD there is `max_grad_norm`.

    Returns are counted from each action on (*reward to go*); EpisodicREINFORCE weighs by those of whole episodes.

    The textbook updates after every episode (`episodes_per_update=1`) with SGD (`policy_kwargs={"optimizer_class": torch.optim.SGD}`).

    Without a value function, nothing stands for what a time limit cut off: the return of such an episode is taken as it is, which
    is biased where rewards would have gone on. REINFORCEBaseline bootstraps there.
    """

    learning_rate: float | Callable[[float], float] = 1e-3  # α
    episodes_per_update: int = 5  # N
    gamma: float = 0.99  # γ
    gamma_power: bool = False  # the factor γ^t of (13.8). Almost everyone leaves it out: later steps then count as much as the first
    normalize_returns: bool = False  # zero mean and unit variance, over all steps of the batch
    ent_coef: float = 0.0
    max_grad_norm: float | None = None

    policy_aliases = ACTOR_ALIASES

    def check(self) -> None:
        super().check()
        if self.env is not None and isinstance(self.observation_space, spaces.Tuple):
            seen = f"{type(self).__name__} cannot see the observation space {self.observation_space}"
            raise ValueError(f"{seen}. Wrap the environment in from_scratch.envs.FlattenTuple.")
        if self.normalize_returns and self.episodes_per_update == 1:
            raise ValueError(
                "normalize_returns=True with episodes_per_update=1 would normalise within one episode, and so forget whether it was a good one. "
                "Use several episodes per update, or normalize_returns=False."
            )

    def build(self) -> None:
        self.pi = self.net("actor", programs=False)

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        if any(map(replaced, self._policies)):  # one has a method of the user's
            return np.stack([self._asked(k, one(obs, k, self.device), deterministic) for k in range(self.n_seeds)])
        return self.pi.play(obs, None if deterministic else self._rng)

    def _asked(self, k: int, obs: Any, deterministic: bool) -> np.ndarray:
        with self._rng.streams[k].as_process(), torch.no_grad():
            return self._policies[k]._predict(obs, deterministic).cpu().numpy()

    def update(self, steps: Steps) -> None:
        self.improve_policy(steps, steps.ret)

    def improve_policy(self, steps: Steps, weight: torch.Tensor) -> None:
        """One step up the gradient; weight [S, M] says how good each action was: here its return."""
        if self.normalize_returns:
            weight = (weight - weight.mean(-1, keepdim=True)) / (weight.std(-1, keepdim=True, correction=0) + 1e-8)
        if self.gamma_power:
            weight = self.gamma**steps.t * weight
        self.minimise(self.loss, steps, weight, by=self.pi)

    @per_seed
    def loss(self, steps: Steps, weight: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # [S, M, ...], M steps of N episodes
        pi = self.pi(steps.obs)
        objective = (weight * pi.log_prob(steps.action)).sum(-1) / self.episodes_per_update  # its gradient is (13.8)'s
        entropy = pi.entropy()
        loss = -(objective + self.ent_coef * entropy.sum(-1) / self.episodes_per_update)
        return loss, {"policy_gradient_loss": -objective, "entropy_loss": -entropy.mean(-1), "loss": loss}
