"""Steps along eligibility traces: networks that learn once per environment step, from errors that earlier steps have a share in.

A trace z keeps, for each number of a network, what of the gradients so far still counts (Sutton & Barto 2018, §12.1, where values are linear in
their features; a network's gradient stands in the features' place). The optimizer then steps along δ z, as it would along a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces

from from_scratch.core.data import Step
from from_scratch.core.finite import refuse_nan_observations
from from_scratch.core.loops.stepwise import Stepwise
from from_scratch.core.networks.net import Net


class Traced(Stepwise):
    """One environment for each seed, and a trace for each trained network: `traces[name]`, [S, D], is 0 where an episode begins."""

    supported_action_spaces = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)

    def check(self) -> None:
        super().check()
        if self.env is not None and self.n_envs > 1:
            raise ValueError(f"{type(self).__name__} plays one environment per seed, but {self.n_envs} were given.")
        if self.env is not None and isinstance(self.observation_space, spaces.Tuple):
            seen = f"{type(self).__name__} cannot see the observation space {self.observation_space}"
            raise ValueError(f"{seen}. Wrap the environment in from_scratch.envs.FlattenTuple.")
        self.traces: dict[str, np.ndarray] = {}
        self._errors = np.zeros((2, self.n_seeds))  # since the last line of the log: Σ |δ|, and how many

    def _setup_learn(self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *args: Any, **kwargs: Any) -> Any:
        anew = reset_num_timesteps or self._last_obs is None  # are the environments about to be reset?
        result = super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *args, **kwargs)
        if anew:
            self.begin(np.ones(self.n_seeds, bool))
        return result

    def begin(self, where: np.ndarray) -> None:
        """A new episode has begun for these seeds, [S]: nothing of the last one counts."""
        for z in self.traces.values():
            z[where] = 0

    def iterate(self) -> None:
        obs = self._last_obs
        action = self.act(self.by_seed(obs))
        step = self.take(action)
        refuse_nan_observations(self, step.next_obs)
        self.begin_training()
        error = self.update(self.by_seed(obs), action, step)
        self.updates += 1
        self._n_updates = int(self.updates.max())
        self._errors += np.abs(error), np.ones(self.n_seeds)
        if step.ended:
            self.begin(step.done.astype(bool))

    def update(self, obs: Any, action: np.ndarray, step: Step) -> np.ndarray:
        """Learn from a step: observations and actions [S, 1, ...]. Returns the errors δ [S]."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns from a step.")

    def ascend(
        self, equation: Callable, *data: Any, by: Net, error: np.ndarray, decay: float, emphasis: np.ndarray | float = 1.0,
        factor: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    ) -> None:  # fmt: skip
        """One step of this network's weights up δ z, where z ← decay z + emphasis ∇ equation(*data); the equation gives (numbers [S], {}).

        error δ and emphasis are [S]. factor(δ, z), [S], says what the step is multiplied by; without it, 1.
        """
        value, _ = by.rows.differentiate(equation, *data)
        by.optimiser.zero_grad(self.active)
        by.rows.backward(value)
        gradient = by.rows.gradients()  # [S, D]
        z = self.traces.setdefault(by.name, np.zeros_like(gradient))
        z *= np.float32(decay)
        z += np.reshape(emphasis, (-1, 1)).astype(z.dtype) * gradient
        if factor is not None:
            error = error * factor(error, z)
        by.rows.set_gradients(-error[:, None].astype(z.dtype) * z)  # optimizers go down
        by.optimiser.step(self.active)

    def _record_progress(self) -> None:
        super()._record_progress()
        self.record("train/td_error", self._errors[0] / np.maximum(self._errors[1], 1))  # mean |δ|
        self._errors[:] = 0

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.traces = {name: z[k : k + 1].copy() for name, z in self.traces.items()}
        model._errors = self._errors[:, k : k + 1].copy()
