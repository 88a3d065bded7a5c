"""Where callbacks stand: what they have counted and seen. And the callback that saves a checkpoint every so many steps.

A callback that has `get_state()` and `set_state(state)` says it itself, as plain data. Of any other it is what it has beside the arguments of its constructor,
as far as that is plain data, and where the environments stand that it evaluates in.
"""

from __future__ import annotations

import contextlib
import inspect
import pathlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.vec_env import VecEnv

from from_scratch.core.resuming.environments import put_into, state_of
from from_scratch.core.resuming.picture import Album, Plain, Untold

OF_EVERY = {"model", "locals", "globals", "parent", "training_env", "num_timesteps", "verbose", "callback", "callbacks", "callback_on_new_best"}


class ExactCheckpointCallback(BaseCallback):
    """Saves the model to one file every so many training steps, so that training can go on from there exactly if it is killed.

    path: the file, which is replaced at once, so that there is always a whole one; every: in steps of each seed, as `num_timesteps` counts. It is written when
    the rollout, the episodes or the step under way and the updates after it are over. `load` with an environment and `resume` go on from it.
    """

    needs_no_values = True

    def __init__(self, path: str | pathlib.Path, every: int, verbose: int = 0):
        super().__init__(verbose)
        if every < 1:
            raise ValueError(f"every={every}: give a number of training steps from 1 on.")
        self.path, self.every = path, every
        self.last = 0  # num_timesteps at the last one

    def _on_training_start(self) -> None:
        if self.model.num_timesteps < self.last:  # another training has begun
            self.last = 0

    def _on_step(self) -> bool:
        return True

    def between_iterations(self) -> None:
        """The model is at the end of an iteration of its loop."""
        now = self.model.num_timesteps
        if now // self.every > self.last // self.every:
            self.last = now
            self.model.save(self.path, exact=True)  # type: ignore[call-arg]
            if self.verbose:
                print(f"Saved a checkpoint at step {now} in {self.path}")


def _each(callbacks: Iterable[BaseCallback]) -> Iterator[tuple[str, BaseCallback]]:
    """Callbacks by their class and how many of it were before: lists are none of their own."""
    numbers: Counter[str] = Counter()
    for callback in callbacks:
        if not isinstance(callback, CallbackList):
            name = type(callback).__name__
            yield f"{name} {numbers[name]}", callback
            numbers[name] += 1


def states_of(callbacks: Iterable[BaseCallback], album: Album) -> dict[str, Plain]:
    """Of each where it stands; what cannot be told is left out."""
    return {key: _state(callback, album) for key, callback in _each(callbacks)}


def put_into_each(callbacks: Iterable[BaseCallback], states: dict[str, Plain], album: Album) -> None:
    """Let those that are there again go on where they were."""
    for key, callback in _each(callbacks):
        state = states.get(key, {})
        if "own" in state:
            callback.set_state(album.put(None, state["own"]))  # type: ignore[attr-defined]
        for name, kept in state.get("attributes", {}).items():
            if name not in _given(callback):  # whatever a file says, what a callback was given stays
                setattr(callback, name, album.put(getattr(callback, name, None), kept))
        for name, kept in state.get("environments", {}).items():
            env = getattr(callback, name, None)
            if isinstance(env, VecEnv):
                try:
                    put_into(env, *album.find(kept))
                except Untold:  # it evaluates somewhere else now
                    env.reset()


def _state(callback: BaseCallback, album: Album) -> Plain:
    found: dict[str, Any] = {"attributes": {}, "environments": {}}
    for name, value in vars(callback).items():
        if isinstance(value, VecEnv):
            with contextlib.suppress(Untold):
                found["environments"][name] = album.keep(*state_of(value))
    if callable(getattr(type(callback), "get_state", None)) and callable(getattr(type(callback), "set_state", None)):
        return {**found, "own": album.take(callback.get_state())}  # type: ignore[attr-defined]
    given = _given(callback)
    for name, value in vars(callback).items():
        if name not in given and _is_plain(value):
            found["attributes"][name] = album.take(value)
    return found


def _given(callback: BaseCallback) -> set[str]:
    """The arguments of its constructor, and what belongs to every callback."""
    return {name for cls in type(callback).__mro__ if "__init__" in vars(cls) for name in inspect.signature(vars(cls)["__init__"]).parameters} | OF_EVERY


def _is_plain(x: Any) -> bool:
    if isinstance(x, dict):
        return type(x) is dict and all(_is_plain(key) and _is_plain(value) for key, value in x.items())
    if isinstance(x, list | tuple | set):
        return type(x) in (list, tuple, set) and all(map(_is_plain, x))
    return x is None or type(x) in (bool, int, float, str) or (isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "biuf")
