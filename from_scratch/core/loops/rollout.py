"""A rollout while it is played: what has not been computed yet is, for whoever looks.

Values and log-probabilities of a rollout come in one pass after it. Callbacks may read them before, step by step or in the buffer, and
find what SB3 would have there; and they may change the weights, which does not change what those that played before said.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
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


class RolloutBufferUnderWay(RolloutBuffer):
    """What an SB3 RolloutBuffer is while its rollout is played: whoever reads `values` or `log_probs` finds those of the steps so far."""

    values, log_probs = map(_looked_at, LOOKED_AT)

    def __reduce__(self) -> tuple:
        """Copies and pickles are plain RolloutBuffers."""
        UNDER_WAY[id(self)].look()
        return copyreg._reconstructor, (RolloutBuffer, object, None), dict(vars(self))  # type: ignore[attr-defined]

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return self.__reduce__()


class Rollout:
    """Notes what is played, and fills the buffer: in one pass at the end where that can be, step by step and as SB3 does it where it cannot.

    It cannot where the buffer or the policy has ways of its own, or where a callback may change networks of which no copy can be kept.
    """

    def __init__(self, model: Any, buffer: RolloutBuffer, callback: BaseCallback):
        self.model, self.buffer = model, buffer
        self.watched = model.heeds or is_users(callback)  # may somebody look at the steps, or change the weights?
        self.is_ours = model._is_plain(buffer) and not isinstance(model.actor_critic.served, ForeignActorCritic)  # may we write the buffer ourselves?
        self.under_way = UnderWay(model, buffer, self.watched) if self.is_ours and self._can_wait() else None
        self.shown = Locals.of(callback)
        self._at_once: dict[str, Callable[[], Any]] = {"values": lambda: self.values, "log_probs": lambda: self.log_probs, "obs_tensor": self._obs_tensor}
        self.due = self._at_once if self.under_way is None else self.under_way.due()  # what SB3 has among its local variables, when it is read

    def _can_wait(self) -> bool:
        """May values come later? Where callbacks may change the policy: only if all that evaluates it is in rows of which we can keep a copy."""
        net = self.model.actor_critic
        return not isinstance(net.served, ForeignActorCritic) and (not self.watched or net.is_stacked)

    def play(self, obs: Any, actions: np.ndarray) -> None:
        """A step is about to be taken: observations [S·E, ...] and actions [S, E, ...]."""
        if self.under_way is not None:
            self.under_way.step(obs, actions)
        else:
            self.obs = obs
            self.values, self.log_probs = self._judge(self.model.by_seed(obs), actions)

    @torch.no_grad()
    def _judge(self, obs: Any, actions: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """V(s) [S·E, 1] and log π(a|s) [S·E], as SB3 has them in a callback's locals."""
        model = self.model
        if isinstance(model.actor_critic.served, ForeignActorCritic):  # what it says of an action, it says with the action
            values, log_probs = model.actor_critic.judged
        else:
            actions = actions.reshape(*actions.shape[:2], -1) if isinstance(model.action_space, spaces.Box) else actions
            values, log_probs, _ = model.actor_critic.evaluate(tree_map(torch.as_tensor, obs), torch.as_tensor(actions, device=model.device))
        return values.reshape(-1, 1), log_probs.reshape(-1)

    def _obs_tensor(self) -> Any:
        return self.model.as_tensors(self.obs)

    def show(self, variables: dict[str, Any]) -> Locals:
        """The loop's local variables, for callbacks."""
        return self.shown.show(variables, self.due)

    def heed(self) -> None:
        """Callbacks have seen the step, and may have changed something."""
        if not self.watched:
            return
        self.model.heed()
        played = self.under_way
        if played is None:
            return
        if self.model.actor_critic.served is not played.actor_critic and replaced(self.buffer) is not None:
            self.obs, self.values, self.log_probs = played.obs, played.values(), played.log_probs()  # from now on the buffer has ways of its own
            self.is_ours = False
            self._go_on_at_once()
        else:
            played.hold(self.model._last_obs)

    def _go_on_at_once(self) -> None:
        self.end()
        self.under_way, self.due = None, self._at_once

    def store(self, t: int, actions: np.ndarray, rewards: np.ndarray) -> None:
        """Write the step, number t: actions [S·E, ...], rewards [S·E] with the bootstraps of time limits in them."""
        model, buffer = self.model, self.buffer
        if not self.is_ours:
            actions = actions.reshape(-1, 1) if isinstance(model.action_space, spaces.Discrete) else actions
            buffer.add(model._last_obs, actions, rewards, model._last_episode_starts, self.values, self.log_probs)
            return
        if isinstance(buffer.observations, dict):
            for key, memory in buffer.observations.items():
                memory[t].flat = model._last_obs[key]
        else:
            buffer.observations[t].flat = model._last_obs
        buffer.actions[t].flat = actions
        buffer.rewards[t], buffer.episode_starts[t] = rewards, model._last_episode_starts
        buffer.pos, buffer.full = t + 1, t + 1 == buffer.buffer_size
        if self.under_way is None:
            buffer.values[t], buffer.log_probs[t] = self.values.numpy(force=True)[:, 0], self.log_probs.numpy(force=True)
        elif self.watched and self.under_way.moved():
            if self._can_wait():
                self.under_way.turn()
            else:
                self.obs = self.under_way.obs
                self._go_on_at_once()
                self.values, self.log_probs = torch.from_numpy(buffer.values[t, :, None].copy()), torch.from_numpy(buffer.log_probs[t].copy())

    def end(self) -> None:
        """Fill in what is missing."""
        if self.under_way is not None:
            self.under_way.end()

    def show_last(self, variables: dict[str, Any]) -> Locals:
        """The local variables after the last step: `values` are those of the last observations now."""
        if self.under_way is None:
            last = {"obs_tensor": self._obs_tensor(), "log_probs": self.log_probs}
        elif self.watched:
            last = {"obs_tensor": self.under_way.obs_tensor(), "log_probs": torch.from_numpy(self.buffer.log_probs[self.buffer.buffer_size - 1].copy())}
        else:
            last = {}
        return self.shown.show({**variables, **last}, {})


class UnderWay:
    """The steps of a rollout, and what the weights that played them say of them: V(s) and log π(a|s), when somebody asks.

    watched: callbacks may look, or change the weights. Then the weights are kept, and `moved` says whether they are still the same.
    """

    def __init__(self, model: Any, buffer: RolloutBuffer, watched: bool):
        self.model, self.buffer, self.actor_critic = model, buffer, model.actor_critic.served
        self.filled = 0  # steps of the buffer that have their values
        self.seen: list[np.ndarray] | None = None  # the values and log-probabilities that somebody has looked at since
        self.held: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # of steps that the buffer does not show as they were played
        self.kept: bytearray | None = None
        if watched:
            self.theta = model.actor_critic.rows.theta_numpy
            self.kept = bytearray(self.theta)  # a bytearray compares itself with memory, in one call and to the bit
            UNDER_WAY[id(buffer)] = self  # not among its attributes, which are the user's
            buffer.__class__ = RolloutBufferUnderWay

    def end(self) -> None:
        """Fill in what is missing; the buffer is SB3's again."""
        try:
            self.fill()
        finally:
            if self.kept is not None:
                self.buffer.__class__ = RolloutBuffer
                UNDER_WAY.pop(id(self.buffer), None)

    # ------------------------------------------------------------------------------------------------------ the step that is shown
    def step(self, obs: Any, actions: np.ndarray) -> None:
        """A new one: observations [S·E, ...] and actions [S, E, ...]."""
        self.obs, self.actions, self._of_step = obs, actions, None
        if self.kept is not None:
            self.taken = actions.tobytes()

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
            actions = self.actions if self.kept is None else np.frombuffer(self.taken, self.actions.dtype).reshape(self.actions.shape)
            actions = actions.reshape(*actions.shape[:2], -1) if isinstance(self.model.action_space, spaces.Box) else actions
            v, log_prob = self._as_played(self.actor_critic.evaluate_numpy, self.model.by_seed(self.obs), actions)
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
        if self.kept is None:
            return [self.buffer.values, self.buffer.log_probs]  # vars() would make every access to the buffer slower from then on
        return [vars(self.buffer)[name] for name in LOOKED_AT]

    def _evaluate(self, start: int, end: int) -> None:
        model, buffer = self.model, self.buffer
        obs = model.by_time(tree_map(lambda x: x[start:end], buffer.observations))
        actions = model._as_actions(model.by_time(buffer.actions[start:end]))
        whole = start == 0 and end == buffer.buffer_size
        v, log_prob = self._as_played(self._in_parts if whole else self._with_tensors, obs, actions)
        values, log_probs = self._arrays()
        values[start:end], log_probs[start:end] = model.from_time(v), model.from_time(log_prob)
        for t, (of_step, log_prob_of_step) in self.held.items():
            if start <= t < end:
                values[t], log_probs[t] = of_step[:, 0], log_prob_of_step

    def _as_played(self, evaluate: Callable, obs: Any, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By the weights as they were when these steps were played."""
        if self.kept is None or self.kept == self.theta:
            return evaluate(obs, actions)
        now = self.theta.copy()
        self.theta[:] = np.frombuffer(self.kept, self.theta.dtype)
        try:
            return evaluate(obs, actions)
        finally:
            self.theta[:] = now

    def _in_parts(self, obs: Any, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        evaluate = self.actor_critic.evaluate_numpy
        if actions.shape[1] <= AT_ONCE:
            return evaluate(obs, actions)
        parts = [slice(i, i + AT_ONCE) for i in range(0, actions.shape[1], AT_ONCE)]
        evaluated = [evaluate(tree_map(lambda x, part=part: x[:, part], obs), actions[:, part]) for part in parts]
        v, log_prob = (np.concatenate(kind, 1) for kind in zip(*evaluated, strict=True))
        return v, log_prob

    @torch.no_grad()
    def _with_tensors(self, obs: Any, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For any number of steps: no program need be made for it."""
        v, log_prob, _ = self.actor_critic.evaluate(self.model.as_tensors(obs), self.model.as_tensors(actions))
        return v.numpy(force=True), log_prob.numpy(force=True)
