"""Simulators that are not written in Python: how each tells where it stands, by the name of its class. None of them is imported here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Untold(Exception):
    """Why a state cannot be written down, or put back, in words that begin with a name."""


def _of_mujoco(data: Any) -> dict[str, Any]:
    """All arrays of an MjData, not the generalised positions and velocities alone: MuJoCo starts its solver where it ended, and some rewards read what the
    last step worked out."""
    found = {name: getattr(data, name, None) for name in dir(data) if not name.startswith("_")}
    return {"time": data.time, "arrays": {name: np.array(value) for name, value in found.items() if _is_state(value)}}


def _is_state(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.flags.writeable and x.dtype.kind in "biuf"


def _into_mujoco(data: Any, state: dict[str, Any]) -> None:
    data.time = state["time"]
    for name, value in state["arrays"].items():
        there = getattr(data, name)
        if there.shape == value.shape:  # those of contacts differ, and are worked out anew
            there[...] = value


def _of_atari(ale: Any) -> np.ndarray:
    """Emulator and random numbers. The action that a sticky one repeats is in no state of ALE's."""
    if (p := ale.getFloat("repeat_action_probability")) > 0:
        raise Untold(f"AtariEnv repeats actions with probability {p:g}, and does not tell the last one (repeat_action_probability=0 goes on exactly)")
    return np.frombuffer(ale.cloneSystemState().serialize(), np.uint8)


def _into_atari(ale: Any, state: np.ndarray) -> None:
    ale.restoreSystemState(type(ale.cloneSystemState())(state.tobytes()))


SIMULATORS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    "mujoco._structs.MjData": (_of_mujoco, _into_mujoco),
    "ale_py._ale_py.ALEInterface": (_of_atari, _into_atari),
}
