"""A rollout while it is played: what has not been computed yet is, for whoever looks.

Values and log-probabilities of a rollout come in one pass after it. Callbacks may read them before, step by step or in the buffer, and
find what SB3 would have there; and they may change the weights, which does not change what those that played before said.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback

from from_scratch.core.callbacks import Locals, is_users
from from_scratch.core.data import tree_map
from from_scratch.core.networks.actor_critic import ForeignActorCritic
from from_scratch.core.watch import replaced

LOOKED_AT = ("values", "log_probs")
UNDER_WAY: dict[int, UnderWay] = {}  # by the id of the buffer that is being filled
AT_ONCE = 512  # samples per seed that are evaluated together: what they leave behind stays in the cache


def _looked_at(name: str) -> Any:
    """An array of the buffer that is filled in when somebody looks at it."""

    def look(buffer: Any) -> np.ndarray:
        UNDER_WAY[id(buffer)].look()
        return vars(buffer)[name]

    def put(buffer: Any, value: np.ndarray) -> None:
        vars(buffer)[name] = value

    return property(look, put)


@cache
def under_way(kind: type) -> type:
    """What a buffer of this class is while its rollout is played: whoever reads `values` or `log_probs` finds those of the steps so far."""

    def as_plain(buffer: Any, protocol: Any = None) -> tuple:
        """Copies and pickles are plain buffers."""
        UNDER_WAY[id(buffer)].look()
        return copyreg._reconstructor, (kind, object, None), dict(vars(buffer))  # type: ignore[attr-defined]

    values, log_probs = map(_looked_at, LOOKED_AT)
    return type(f"{kind.__name__}UnderWay", (kind,), {"values": values, "log_probs": log_probs, "__reduce__": as_plain, "__reduce_ex__": as_plain})


class Rollout:
    """Fills the buffer with what is played. Nobody looks meanwhile: values and log-probabilities come in one pass at the end."""

    is_ours = True  # do we write the buffer ourselves?

    def __init__(self, model: Any, buffer: RolloutBuffer, callback: BaseCallback):
        self.model, self.buffer, self.shown = model, buffer, Locals.of(callback)
        self.due: dict[str, Callable[[], Any]] = {}  # what SB3 has among its local variables, computed when it is read

    def play(self, obs: Any, actions: np.ndarray) -> None:
        """A step is about to be taken: observations [S·E, ...] and actions [S, E, ...]."""

    def show(self, variables: dict[str, Any]) -> Locals:
        """The loop's local variables, for callbacks."""
        return self.shown.show({**variables, **self.model.beside_now()} if self.model.beside else variables, self.due)

    def heed(self) -> Rollout:
        """Callbacks have seen the step, and may have changed something. Returns who goes on from here."""
        return self

    def store(self, t: int, actions: np.ndarray, rewards: np.ndarray) -> Rollout:
        """Write step t: actions [S·E, ...], rewards [S·E] with the bootstraps of time limits in them. Returns who goes on from here."""
        model, buffer = self.model, self.buffer
        if isinstance(buffer.observations, dict):
            for key, memory in buffer.observations.items():
                memory[t].flat = model._last_obs[key]
        else:
            buffer.observations[t].flat = model._last_obs
        buffer.actions[t].flat = actions
        for name in model.beside:
            vars(buffer)[name][t].flat = model.beside_now()[name]
        buffer.rewards[t], buffer.episode_starts[t] = rewards, model._last_episode_starts
        buffer.pos, buffer.full = t + 1, t + 1 == buffer.buffer_size
        return self

    def end(self) -> None:
        """Fill in what is missing."""
        model, T = self.model, self.buffer.pos
        if T:
            obs, actions = model.by_time(tree_map(lambda x: x[:T], self.buffer.observations)), model.by_time(self.buffer.actions[:T])
            v, log_prob = in_parts(model.actor_critic.evaluate_numpy, obs, model._as_actions(actions), *beside(model, self.buffer, slice(T)))
            self.buffer.values[:T], self.buffer.log_probs[:T] = model.from_time(v), model.from_time(log_prob)

    def show_last(self, variables: dict[str, Any]) -> Locals:
        """The local variables after the last step: `values` are those of the last observations now."""
        return self.shown.show(variables, {})


def in_parts(evaluate: Callable, obs: Any, *actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """evaluate(obs, *actions) of [S, T·E, ...], a part after the other: what each leaves behind stays in the cache."""
    parts = [slice(i, i + AT_ONCE) for i in range(0, actions[0].shape[1], AT_ONCE)]
    v, log_prob = zip(*(evaluate(tree_map(lambda x, part=part: x[:, part], obs), *(x[:, part] for x in actions)) for part in parts), strict=True)
    return (v[0], log_prob[0]) if len(parts) == 1 else (np.concatenate(v, 1), np.concatenate(log_prob, 1))


def beside(model: Any, buffer: RolloutBuffer, steps: slice) -> list[np.ndarray]:
    """What the actor-critic is told of these steps beside observations and actions, [S, T·E, ...] each."""
    return [model.by_time(vars(buffer)[name][steps]) for name in model.beside]


def rollout_of(model: Any, buffer: RolloutBuffer, callback: BaseCallback) -> Rollout:
    """Who notes a rollout, the fastest way that its buffer, the policy and the callbacks allow."""
    watched = model.heeds or is_users(callback)  # may somebody look at the steps, or change the weights?
    foreign = isinstance(model.actor_critic.served, ForeignActorCritic)
    if not model._is_plain(buffer) or foreign or (watched and not model.actor_critic.has_programs):
        return StepByStep(model, buffer, callback, model._is_plain(buffer) and not foreign)
    return Watched(model, buffer, callback) if watched else Rollout(model, buffer, callback)


class StepByStep(Rollout):
    """As SB3 does it, each value with its step: where the buffer or the policy has ways of its own, or networks of which no copy can be kept may change."""

    def __init__(self, model: Any, buffer: RolloutBuffer, callback: BaseCallback, is_ours: bool):
        super().__init__(model, buffer, callback)
        self.is_ours = is_ours
        self.due = {"values": lambda: self.values, "log_probs": lambda: self.log_probs, "obs_tensor": lambda: self.model.as_tensors(self.obs)}

    @torch.no_grad()
    def play(self, obs: Any, actions: np.ndarray) -> None:
        model, self.obs = self.model, obs
        if isinstance(model.actor_critic.served, ForeignActorCritic):  # what it says of an action, it says with the action
            values, log_probs = model.actor_critic.judged
        else:
            actions = actions.reshape(*actions.shape[:2], -1) if isinstance(model.acting_space, spaces.Box) else actions
            values, log_probs, _ = model.actor_critic.evaluate(
                model.as_tensors(model.by_seed(obs)),
                *(torch.as_tensor(x, device=model.device) for x in (actions, *model.beside_by_seed())),
            )
        self.values, self.log_probs = values.reshape(-1, 1), log_probs.reshape(-1)  # V(s) [S·E, 1] and log π(a|s) [S·E]

    def heed(self) -> Rollout:
        served = self.model.actor_critic.served
        self.model.heed()
        if self.model.actor_critic.served is not served and replaced(self.buffer) is not None:  # the buffer has ways of its own now
            self.is_ours = False
        return self

    def store(self, t: int, actions: np.ndarray, rewards: np.ndarray) -> Rollout:
        if self.is_ours:
            super().store(t, actions, rewards)
            self.buffer.values[t], self.buffer.log_probs[t] = self.values.numpy(force=True)[:, 0], self.log_probs.numpy(force=True)
        else:
            actions = actions.reshape(-1, 1) if isinstance(self.model.action_space, spaces.Discrete) else actions
            model = self.model
            self.buffer.add(model._last_obs, actions, rewards, model._last_episode_starts, self.values, self.log_probs, **model.beside_now())
        return self

    def end(self) -> None:
        """Everything is there."""

    def show_last(self, variables: dict[str, Any]) -> Locals:
        return self.shown.show({**variables, "obs_tensor": self.model.as_tensors(self.obs), "log_probs": self.log_probs}, {})


class Watched(Rollout):
    """In one pass at the end, or when somebody looks; and by the weights that played each step, whoever changes them meanwhile."""

    def __init__(self, model: Any, buffer: RolloutBuffer, callback: BaseCallback):
        super().__init__(model, buffer, callback)
        self.callback, self.under_way = callback, UnderWay(model, buffer)
        self.due = self.under_way.due()

    def play(self, obs: Any, actions: np.ndarray) -> None:
        self.under_way.step(obs, actions)

    def heed(self) -> Rollout:
        self.model.heed()
        played = self.under_way
        if self.model.actor_critic.served is not played.actor_critic and replaced(self.buffer) is not None:  # the buffer has ways of its own now
            return self._step_by_step(False, played.values(), played.log_probs())
        played.hold(self.model._last_obs)
        return self

    def store(self, t: int, actions: np.ndarray, rewards: np.ndarray) -> Rollout:
        super().store(t, actions, rewards)
        if self.under_way.moved():
            if not self.model.actor_critic.has_programs:
                return self._step_by_step(not isinstance(self.model.actor_critic.served, ForeignActorCritic))
            self.under_way.turn()
        return self

    def _step_by_step(self, is_ours: bool, values: torch.Tensor | None = None, log_probs: torch.Tensor | None = None) -> Rollout:
        self.end()
        new, t = StepByStep(self.model, self.buffer, self.callback, is_ours), self.buffer.pos - 1
        new.obs, new.shown = self.under_way.obs, self.shown
        new.values = torch.from_numpy(self.buffer.values[t, :, None].copy()) if values is None else values
        new.log_probs = torch.from_numpy(self.buffer.log_probs[t].copy()) if log_probs is None else log_probs
        return new

    def end(self) -> None:
        self.under_way.end()

    def show_last(self, variables: dict[str, Any]) -> Locals:
        last = {"obs_tensor": self.under_way.obs_tensor(), "log_probs": torch.from_numpy(self.buffer.log_probs[self.buffer.buffer_size - 1].copy())}
        return self.shown.show({**variables, **last}, {})


class UnderWay:
    """The steps of a rollout, and what the weights that played them say of them: V(s) and log π(a|s), when somebody asks.

    The weights are kept, and `moved` says whether they are still the same.
    """

    def __init__(self, model: Any, buffer: RolloutBuffer):
        self.model, self.buffer, self.actor_critic = model, buffer, model.actor_critic.served
        self.filled = 0  # steps of the buffer that have their values
        self.seen: list[np.ndarray] | None = None  # the values and log-probabilities that somebody has looked at since
        self.held: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # of steps that the buffer does not show as they were played
        self.theta = model.actor_critic.rows.theta_numpy
        self.kept = bytearray(self.theta)  # a bytearray compares itself with memory, in one call and to the bit
        self.kind = type(buffer)
        UNDER_WAY[id(buffer)] = self  # not among its attributes, which are the user's
        buffer.__class__ = under_way(self.kind)

    def end(self) -> None:
        """Fill in what is missing; the buffer is SB3's again."""
        try:
            self.fill()
        finally:
            self.buffer.__class__ = self.kind
            UNDER_WAY.pop(id(self.buffer), None)

    # ------------------------------------------------------------------------------------------------------ the step that is shown
    def step(self, obs: Any, actions: np.ndarray) -> None:
        """A new one: observations [S·E, ...] and actions [S, E, ...]."""
        self.obs, self.actions, self._of_step, self.taken = obs, actions, None, actions.tobytes()
        self.beside = self.model.beside_by_seed()

    def due(self) -> dict[str, Callable[[], Any]]:
        """What SB3 has among its local variables, as functions that compute it."""
        return {"values": self.values, "log_probs": self.log_probs, "obs_tensor": self.obs_tensor}

    def obs_tensor(self) -> Any:
        return self.model.as_tensors(self.obs)

    def values(self) -> torch.Tensor:
        """V(s), [S·E, 1]"""
        return self._judged()[0]

    def log_probs(self) -> torch.Tensor:
        """log π(a|s), [S·E]"""
        return self._judged()[1]

    def _judged(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._of_step is None:
            actions = np.frombuffer(self.taken, self.actions.dtype).reshape(self.actions.shape)
            actions = actions.reshape(*actions.shape[:2], -1) if isinstance(self.model.acting_space, spaces.Box) else actions
            v, log_prob = self._as_played(self.actor_critic.evaluate_numpy, self.model.by_seed(self.obs), actions, *self.beside)
            self._of_step = torch.from_numpy(v.reshape(-1, 1)), torch.from_numpy(log_prob.reshape(-1))
        return self._of_step

    def hold(self, obs: Any) -> None:
        """Called when callbacks have seen the step: if it is stored as another observation or with other actions than were played, judge it now."""
        if obs is not self.obs or self.actions.tobytes() != self.taken:
            self.held[self.buffer.pos] = self._judged()

    # ------------------------------------------------------------------------------------------------------- the steps in the buffer
    def moved(self) -> bool:
        """Will the next step be played by other weights, or by other means?"""
        return self.kept != self.theta or self.model.actor_critic.served is not self.actor_critic

    def turn(self) -> None:
        """From here on the present weights play."""
        self.fill()
        self.actor_critic, self.theta = self.model.actor_critic.served, self.model.actor_critic.rows.theta_numpy
        self.kept = bytearray(self.theta)

    def look(self) -> None:
        """Fill in the steps so far, for a look. In the end they are evaluated again, with the others: looking changes no bit of training."""
        start = self.filled if self.seen is None else len(self.seen[0])
        if start < self.buffer.pos:
            self._evaluate(start, self.buffer.pos)
            before = [array[:start] for array in self._arrays()] if self.seen is None else self.seen
            self.seen = [np.concatenate((old, array[start : self.buffer.pos])) for old, array in zip(before, self._arrays(), strict=True)]

    def fill(self) -> None:
        """Values and log-probabilities of the steps that have none yet. What somebody put in the place of those he saw stays."""
        start, self.filled, edits = self.filled, self.buffer.pos, []
        if self.seen is not None:
            for array, was in zip(self._arrays(), self.seen, strict=True):
                there = array[: len(was)] != was
                edits.append((array[: len(was)], there, array[: len(was)][there]))
            self.seen = None
        if start < self.filled:
            self._evaluate(start, self.filled)
        for array, there, numbers in edits:
            array[there] = numbers

    def _arrays(self) -> list[np.ndarray]:
        return [vars(self.buffer)[name] for name in LOOKED_AT]

    def _evaluate(self, start: int, end: int) -> None:
        model, buffer = self.model, self.buffer
        obs = model.by_time(tree_map(lambda x: x[start:end], buffer.observations))
        actions = model._as_actions(model.by_time(buffer.actions[start:end]))
        whole = start == 0 and end == buffer.buffer_size
        evaluate = partial(in_parts, self.actor_critic.evaluate_numpy) if whole else self._with_tensors
        v, log_prob = self._as_played(evaluate, obs, actions, *beside(model, buffer, slice(start, end)))
        values, log_probs = self._arrays()
        values[start:end], log_probs[start:end] = model.from_time(v), model.from_time(log_prob)
        for t, (of_step, log_prob_of_step) in self.held.items():
            if start <= t < end:
                values[t], log_probs[t] = of_step[:, 0], log_prob_of_step

    def _as_played(self, evaluate: Callable, obs: Any, *actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By the weights as they were when these steps were played."""
        if self.kept == self.theta:
            return evaluate(obs, *actions)
        now = self.theta.copy()
        self.theta[:] = np.frombuffer(self.kept, self.theta.dtype)
        try:
            return evaluate(obs, *actions)
        finally:
            self.theta[:] = now

    @torch.no_grad()
    def _with_tensors(self, obs: Any, *actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For any number of steps: no program need be made for it."""
        v, log_prob, _ = self.actor_critic.evaluate(self.model.as_tensors(obs), *map(self.model.as_tensors, actions))
        return v.numpy(force=True), log_prob.numpy(force=True)
