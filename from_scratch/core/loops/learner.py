"""Learners of values: an update per environment step, or per episode, with step sizes that follow a schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from stable_baselines3.common.utils import ConstantSchedule

from from_scratch.core.data import Step
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.stepwise import Stepwise


def check_discount(gamma: float) -> None:
    """ValueError unless γ lies between 0 and 1."""
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma={gamma}: a discount lies between 0 and 1.")


class Learner(Stepwise):
    """Learns values while playing, whatever holds them: step sizes, where episodes begin, and the log of errors."""

    learning_rate: float | Callable[[float], float] | Sequence[float] = 0.1  # α; a sequence has one for each seed
    gamma: float = 0.99  # γ

    largest_step: ClassVar[float] = np.inf  # a constant α above it overshoots its target

    def check(self) -> None:
        super().check()
        check_discount(self.gamma)
        check_range(self, "learning_rate", above=0, high=self.largest_step)
        if np.ndim(self.learning_rate):
            self.learning_rate = np.asarray(self.learning_rate, dtype=np.float64)
            if self.env is not None and self.learning_rate.shape != (self.n_seeds,):
                raise ValueError(f"learning_rate has the shape {self.learning_rate.shape}, but there are {self.n_seeds} seeds. Give one, or one per seed.")

    def _setup_lr_schedule(self) -> None:
        if np.ndim(self.learning_rate):
            self.lr_schedule = ConstantSchedule(self.learning_rate)
        else:
            super()._setup_lr_schedule()

    def build(self) -> None:
        super().build()
        self._abs_error, self._n_errors = np.zeros(self.n_seeds), np.zeros(self.n_seeds)

    def _setup_learn(self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *args: Any, **kwargs: Any) -> Any:
        fresh = reset_num_timesteps or self._last_obs is None
        result = super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *args, **kwargs)
        if self._total_timesteps:
            self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        self._follow_schedules()
        if fresh:
            self.begin()
        return result

    def begin(self) -> None:
        """Called where all lanes have just begun an episode because the environments were reset from outside."""

    def _follow_schedules(self) -> None:
        self.alpha = self.now(self.lr_schedule)

    def take(self, actions: np.ndarray) -> Step:
        step = super().take(actions)
        self._follow_schedules()
        return step

    def keep(self, error: np.ndarray, i: np.ndarray | slice = slice(None)) -> None:
        """Keep the errors [S] of an update (or those of the seeds i) for the log."""
        self._abs_error[i] += np.abs(error)
        self._n_errors[i] += 1

    def _record_progress(self) -> None:
        super()._record_progress()
        if np.ndim(self.alpha):
            self.record("train/learning_rate", self.alpha)
        else:
            self.logger.record("train/learning_rate", self.alpha)
        self.record("train/td_error", self._abs_error / np.maximum(self._n_errors, 1))  # mean |δ| since the last line
        self._abs_error[:], self._n_errors[:] = 0, 0

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        if np.ndim(self.learning_rate):
            model.learning_rate = float(self.learning_rate[k])  # type: ignore[index]
            model._setup_lr_schedule()
            model.alpha = model.learning_rate
