"""What planners share: the model of every seed's environment, V, Q and π as tables, backups of single states, and the counting."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.exact.mdp import Model, model_of, name_of
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.learner import check_discount
from from_scratch.core.tabular.tables import Tabular


class Planner(Tabular):
    """Plans with the environment's transition table, without playing. Time is counted in state backups: n_states for a sweep.

    `learn(total_timesteps)` ends when every seed has converged, or after the sweep in which total_timesteps backups are reached. But for the
    asynchronous one planners draw no random numbers: seeds differ only where their environments do.
    """

    gamma: float = 0.99  # γ
    theta: float = 1e-12  # θ  a sweep that changes no value by as much as this has converged
    tolerance: float = 1e-9  # an action replaces the policy's only if it is better by more than this: ties are left alone

    log_interval = 100  # sweeps
    acts_on = "pi"
    of_each_seed = ("sweeps",)

    pi: np.ndarray  # [S, n_states, n_actions]  π(a|s)

    def check(self) -> None:
        check_discount(self.gamma)
        super().check()
        check_range(self, "theta", "tolerance", low=0)
        check_range(self, "max_sweeps", low=1)
        self.sweeps = np.zeros(self.n_seeds, dtype=int)

    def tables(self) -> dict[str, np.ndarray]:
        shape = (self.n_states, self.n_actions)
        first = np.eye(self.n_actions)[np.zeros(self.n_states, dtype=int)]  # π(a|s): begin with action 0 everywhere
        return {"V": np.zeros(self.n_states), "Q": np.zeros(shape), "pi": first}

    def check_observations(self) -> None:
        self._models()  # whatever the observations are: without a table there is nothing to plan with
        super().check_observations()

    def _models(self) -> list[Model]:
        """The model of each seed's environment."""
        envs = self.first_envs()
        models = [model_of(env) for env in envs]
        for env, model in zip(envs, models, strict=True):
            spaces_fit = isinstance(self.observation_space, spaces.Discrete | spaces.MultiDiscrete)
            if spaces_fit and model.r.shape != (self.n_states, self.n_actions):
                raise ValueError(
                    f"The table P of {name_of(env)} has {model.n_states} states and {model.n_actions} actions, but its spaces have "
                    f"{self.n_states} and {self.n_actions}: a wrapper changed them. Plan on the unwrapped environment."
                )
        return models

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._setup_learn(*args, **kwargs)
        self.models = self._models()
        self.active[:] = True
        return result

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "models"]

    def improve(self, k: int) -> bool:
        """π(s) ← argmax_a Q(s, a) for seed k where that is better than π(s) by more than the tolerance (S&B exercise 4.4); was it anywhere?

        Of actions that are equal up to the tolerance the first is taken.
        """
        q, s, old = self.Q[k], np.arange(self.n_states), self.pi[k].argmax(-1)
        best = q.max(-1, keepdims=True)
        new = (q >= best - self.tolerance).argmax(-1)
        better = best[:, 0] > q[s, old] + self.tolerance
        self.pi[k, better] = np.eye(self.n_actions)[new[better]]
        return bool(better.any())

    def back_up(self, k: int, s: int) -> float:
        """V(s) ← max_a Σ p(s', r | s, a) [r + γ V(s')] for one state of seed k, in place; the policy follows. How much it changed V(s)."""
        model = self.models[k]
        q = self.Q[k, s] = model.r[s] + self.gamma * (model.p[s] @ self.V[k])
        best, change = q.max(), abs(q.max() - self.V[k, s])
        self.V[k, s] = best
        if best > q[self.pi[k, s].argmax()] + self.tolerance:
            self.pi[k, s] = np.eye(self.n_actions)[(q >= best - self.tolerance).argmax()]
        return float(change)

    def count_sweep(self, delta: np.ndarray, backups: int | None = None) -> None:
        """A sweep is done, by the seeds that were active in it; delta [S] is what it changed at most. Ends training if none is left.

        backups: of one seed, the most that any did, if they are not one for each state.
        """
        self.num_timesteps += self.n_states if backups is None else backups
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        self._iteration += 1
        over = not self.active.any() or self.num_timesteps >= self._total_timesteps
        self.record("train/delta", delta)
        self.record("train/sweeps", self.sweeps)
        if self._log_interval is not None and (over or self._iteration % self._log_interval == 0):
            self.dump_logs(self._iteration)
        self._callback.update_locals(locals())
        if not self._callback.on_step() or not self.active.any():
            raise StopTraining
