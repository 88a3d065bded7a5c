"""What of a model is in no other part of its file, and how all is put back: the last step of `save(exact=True)`, and of `load`."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from from_scratch.core.resuming import callbacks, environments
from from_scratch.core.resuming.picture import Album, Plain, Untold

VERSION = 1


def state_of(model: Any, watching: list[Any]) -> tuple[Plain, list[np.ndarray]]:
    """Where its training stands, as plain data and arrays; watching: its callbacks. What cannot be told is said as `because`."""
    album, of_model = Album(), model.why_not_exact()
    because = [of_model] if of_model else []
    state: dict[str, Any] = {
        "version": VERSION,
        "over": model._is_over,
        "streams": [[album.take(part) for part in (stream.torch.get_state(), stream.numpy.get_state(), stream.action_space)] for stream in model._rng.streams],
        "process": album.take(random.getstate()) if model.seeds is None else None,
        "cuda": album.take(torch.cuda.get_rng_state_all()) if model.device.type == "cuda" else None,
        "built": album.take(model.plain_of_build()),
        "learning": album.take({name: getattr(model, name) for name in ("updates", *model.of_one_learn) if hasattr(model, name)}),
        "logged": _logged(model),
        "callbacks": callbacks.states_of(watching, album),
    }
    of_env = lambda: environments.state_of(model.env) if model.plays else (None, [])
    for name, tell in (("environment", of_env), ("memory", model.state_of_memory), ("noises", model.state_of_noises)):
        try:
            state[name] = album.keep(*tell())
        except Untold as error:
            because.append(str(error))
            state[name] = None
    return {**state, "because": "; ".join(because) or None}, album.arrays


def _logged(model: Any) -> dict[str, Any]:
    """What was recorded, and not written yet."""
    logger = getattr(model, "_logger", None)
    if logger is None:
        return {}
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in logger.name_to_value.items()}
    return {key: [value, logger.name_to_count[key], logger.name_to_excluded[key]] for key, value in plain.items() if type(value) in (bool, int, float, str)}


def put_into(model: Any, state: Plain, arrays: list[np.ndarray]) -> str | None:
    """Let a loaded model stand there, and say why it does not go on exactly, if so. What `learn` begins with is left for `go_on`."""
    if state["version"] != VERSION:
        model._last_obs = None
        return f"the checkpoint has the form {state['version']}, and this version reads {VERSION}"
    album, because = Album(arrays), state["because"]
    try:
        if state["memory"] is not None:
            model.put_memory(*album.find(state["memory"]))
            album.forget(state["memory"])
        if state["environment"] is not None and model.plays:
            environments.put_into(model.env, *album.find(state["environment"]))
    except Untold as error:
        because = because or str(error)
    if because:
        model._last_obs = None  # so that learn() resets the environments
    for stream, (of_torch, of_numpy, of_actions) in zip(model._rng.streams, state["streams"], strict=True):
        stream.torch.set_state(album.put(None, of_torch))
        stream.numpy.set_state(album.put(None, of_numpy))
        album.put(stream.action_space, of_actions)
    if state["process"] is not None:
        random.setstate(album.put(None, state["process"]))
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(album.put(None, state["cuda"]))
    model.put_plain_of_build(album.put(model.plain_of_build(), state["built"]))
    model.updates = album.put(None, state["learning"])["updates"]
    return because


def go_on(model: Any, state: Plain, arrays: list[np.ndarray], watching: list[Any]) -> None:
    """The rest, which learn() has just begun anew."""
    if state["version"] != VERSION:
        return
    album = Album(arrays)
    for name, value in album.put(None, state["learning"]).items():
        setattr(model, name, value)
    if state["noises"] is not None:
        model.put_noises(*album.find(state["noises"]))
    for key, (value, count, excluded) in state["logged"].items():
        model.logger.name_to_value[key], model.logger.name_to_count[key] = value, count
        model.logger.name_to_excluded[key] = tuple(excluded) if isinstance(excluded, list) else excluded
    callbacks.put_into_each(watching, state["callbacks"], album)
