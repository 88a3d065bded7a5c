"""What planners share that update Q one state and action at a time: the model of every seed's environment, and the counting."""

from __future__ import annotations

from typing import Any

import numpy as np

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.exact.mdp import name_of
from from_scratch.core.loops.learner import check_discount
from from_scratch.core.tabular.tables import Tabular
from from_scratch.core.tabular.worlds import Worlds


class UpdatesOfQ(Tabular):
    """Updates Q without playing, from the environment's transition table. Time is counted in updates, of each seed; with `learn(n)` each does n of them."""

    gamma: float = 0.99  # γ

    log_interval = 10_000  # updates

    def check(self) -> None:
        check_discount(self.gamma)
        super().check()
        for env in self.first_envs() if self.env is not None else ():
            P = getattr(env, "P", None)
            if P is None or (len(P), len(P[0])) != (self.n_states, self.n_actions):
                raise ValueError(
                    f"{name_of(env)} has no transition table P of {self.n_states} states and {self.n_actions} actions, the model that "
                    f"{type(self).__name__} needs. Without one: dyna_q, which learns it."
                )

    def tables(self) -> dict[str, np.ndarray]:
        return {"Q": np.zeros((self.n_states, self.n_actions))}

    def _models(self) -> None:
        """Read every seed's environment."""
        envs = self.first_envs()
        widest = max(len(outcomes) for env in envs for row in env.P.values() for outcomes in row.values())
        nowhere = (0.0, 0, 0.0, True)
        padded = [[*env.P[s][a], *[nowhere] * (widest - len(env.P[s][a]))] for env in envs for s in range(self.n_states) for a in range(self.n_actions)]
        p, s_next, r, ends = np.moveaxis(np.array(padded, dtype=np.float64).reshape(len(envs), self.n_states, self.n_actions, widest, 4), -1, 0)
        if not np.isfinite(r).all():
            k, s, a, _ = np.argwhere(~np.isfinite(r))[0]
            raise ValueError(f"A reward in P[{s}][{a}] of {name_of(envs[k])} is not finite: what is learnt from it would not be a number.")
        start = np.stack([np.cumsum(getattr(env, "initial_state_distrib", np.arange(self.n_states) == 0), dtype=float) for env in envs])
        self.worlds = Worlds(*map(np.ascontiguousarray, (p, r, s_next.astype(np.int64), 1.0 - ends, start)))

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._setup_learn(*args, **kwargs)
        self._models()
        return result

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "worlds"]

    def count(self, **seen: Any) -> None:
        """Every seed has done one update. seen: what callbacks are shown of it."""
        self.num_timesteps += 1
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        if self._log_interval is not None and self.num_timesteps % self._log_interval == 0:
            self.dump_logs(self.num_timesteps)
        self._callback.update_locals({"self": self, **seen})
        if not self._callback.on_step():
            raise StopTraining
