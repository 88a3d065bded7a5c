"""A rollout while it is played: what has not been computed yet is, for whoever looks.

Values and log-probabilities of a rollout come in one pass after it. Callbacks may read them before, step by step or in the buffer, and
find what SB3 would have there; and they may change the weights, which does not change what those that played before said.
"""

from __future__ import annotations

import copyreg
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer

from from_scratch.core.data import tree_map

AT_ONCE = 512  # samples per seed that are evaluated together: what they leave behind stays in the cache


def _looked_at(name: str) -> Any:
    """An array of the buffer that is filled in when somebody looks at it."""

    def look(buffer: Any) -> np.ndarray:
        buffer.under_way.fill_for_a_look()
        return vars(buffer)[name]

    def put(buffer: Any, value: np.ndarray) -> None:
        vars(buffer)[name] = value

    return property(look, put)


class RolloutBufferUnderWay(RolloutBuffer):
    """What an SB3 RolloutBuffer is while its rollout is played: whoever reads `values` or `log_probs` finds those of the steps so far."""

    under_way: UnderWay
    values, log_probs = _looked_at("values"), _looked_at("log_probs")

    def __reduce__(self) -> tuple:
        """Copies and pickles are plain RolloutBuffers."""
        self.under_way.fill_for_a_look()
        return copyreg._reconstructor, (RolloutBuffer, object, None), {name: value for name, value in vars(self).items() if name != "under_way"}  # type: ignore[attr-defined]

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return self.__reduce__()


class UnderWay:
    """The steps of a rollout, and what the weights that played them say of them: V(s) and log π(a|s), when somebody asks.

    watched: callbacks may look, or change the weights. Then the weights are kept, and `moved` says whether they are still the same.
    """

    def __init__(self, model: Any, buffer: RolloutBuffer, watched: bool):
        self.model, self.buffer, self.actor_critic = model, buffer, model.actor_critic
        self.filled = 0  # steps of the buffer that have their values
        self.shown: tuple[int, np.ndarray, np.ndarray] | None = None  # steps whose values somebody has seen already, and those
        self.kept: bytearray | None = None
        if watched:
            self.theta = model.actor_critic.rows.theta_numpy
            self.kept = bytearray(self.theta)  # a bytearray compares itself with memory, in one call and to the bit
            vars(buffer)["under_way"] = self
            buffer.__class__ = RolloutBufferUnderWay
        self.due = {"values": self.values, "log_probs": self.log_probs, "obs_tensor": self.obs_tensor}  # of the step that is shown

    def end(self) -> None:
        """Fill in what is missing; the buffer is SB3's again."""
        try:
            self.fill()
        finally:
            if self.kept is not None:
                self.buffer.__class__ = RolloutBuffer
                vars(self.buffer).pop("under_way", None)

    def step(self, obs: Any, actions: np.ndarray) -> None:
        """The step that callbacks are shown next."""
        self.obs, self.actions, self._of_step = obs, actions, None

    # --------------------------------------------------------------------------------------------------- of the step that is shown
    def obs_tensor(self) -> Any:
        return self.model.as_tensors(self.obs)

    def values(self) -> torch.Tensor:
        return self._judged()[0]

    def log_probs(self) -> torch.Tensor:
        return self._judged()[1]

    def _judged(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._of_step is None:
            actions = self.actions.reshape(*self.actions.shape[:2], -1) if isinstance(self.model.action_space, spaces.Box) else self.actions
            with self._then():
                v, log_prob = self.actor_critic.evaluate_numpy(self.model.by_seed(self.obs), actions)
            self._of_step = torch.from_numpy(v.reshape(-1, 1)), torch.from_numpy(log_prob.reshape(-1))
        return self._of_step

    # ------------------------------------------------------------------------------------------------------- of the steps in the buffer
    def moved(self) -> bool:
        """Will the next step be played by other weights, or by other means?"""
        return self.model.actor_critic is not self.actor_critic or self.kept != self.theta

    def turn(self) -> None:
        """From here on the present weights play."""
        self.fill()
        self.actor_critic, self.theta = self.model.actor_critic, self.model.actor_critic.rows.theta_numpy
        self.kept = bytearray(self.theta)

    @contextmanager
    def _then(self) -> Iterator[None]:
        """The weights as they were when the steps in question were played."""
        now = self.theta.copy() if self.kept is not None and self.kept != self.theta else None
        if now is not None:
            self.theta[:] = np.frombuffer(self.kept, self.theta.dtype)
        try:
            yield
        finally:
            if now is not None:
                self.theta[:] = now

    def fill_for_a_look(self) -> None:
        """Fill in the steps so far. At the end of the rollout they are evaluated again, with the others: looking changes no bit of training."""
        start = self.filled if self.shown is None else self.shown[0]
        if start < self.buffer.pos:
            self._evaluate(start, self.buffer.pos)
            of = vars(self.buffer)
            self.shown = self.buffer.pos, of["values"][: self.buffer.pos].copy(), of["log_probs"][: self.buffer.pos].copy()

    def fill(self) -> None:
        """Values and log-probabilities of the steps that have none yet. What somebody wrote in their place stays."""
        start, self.filled = self.filled, self.buffer.pos
        arrays = [vars(self.buffer)[name] for name in ("values", "log_probs")]
        changed = []
        if self.shown is not None:
            end, *seen = self.shown
            changed = [(array, at := array[:end] != was, array[:end][at]) for array, was in zip(arrays, seen, strict=True)]
        self.shown = None
        if start < self.filled:
            self._evaluate(start, self.filled)
        for array, at, value in changed:
            array[: len(at)][at] = value

    def _evaluate(self, start: int, end: int) -> None:
        model, buffer = self.model, self.buffer
        obs = model.by_time(tree_map(lambda x: x[start:end], buffer.observations))
        actions = model._as_actions(model.by_time(buffer.actions[start:end]))
        with self._then():
            if start == 0 and end == buffer.buffer_size:
                parts = [slice(i, i + AT_ONCE) for i in range(0, actions.shape[1], AT_ONCE)]
                evaluated = [self.actor_critic.evaluate_numpy(tree_map(lambda x, part=part: x[:, part], obs), actions[:, part]) for part in parts]
                v, log_prob = (np.concatenate(kind, 1) for kind in zip(*evaluated, strict=True))
            else:  # a part of any length: with tensors, for which no program need be made
                with torch.no_grad():
                    v, log_prob, _ = self.actor_critic.evaluate(tree_map(model.as_tensors, obs), model.as_tensors(actions))
                v, log_prob = v.cpu().numpy(), log_prob.cpu().numpy()
        vars(buffer)["values"][start:end], vars(buffer)["log_probs"][start:end] = model.from_time(v), model.from_time(log_prob)
