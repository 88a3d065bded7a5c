"""What replay buffers hold: SB3's, and others that keep a row of an array for each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from from_scratch.core.resuming.picture import Plain, Putting, Taking, Untold, named

RECIPE = {"env", "observation_space", "action_space", "device", "infos"}  # of a buffer; HER's infos are empty unless it copies them


def state_of(buffers: list[Any]) -> tuple[Plain, list[np.ndarray]]:
    """Of arrays with a row for each step, the rows that are filled and the one that is written next; of the rest all."""
    taking = Taking()
    return [_taken(buffer, taking) for buffer in buffers], taking.arrays


def _taken(buffer: Any, taking: Taking) -> Plain:
    kind = type(buffer).__name__
    if getattr(buffer, "copy_info_dict", False):
        raise Untold(f"{kind} keeps the environment's infos (copy_info_dict)")
    size = buffer.buffer_size
    rows = size if buffer.full else min(buffer.pos + 1, size)
    arrays: dict[str, Plain] = {}
    others: dict[str, Plain] = {}
    for name, value in vars(buffer).items():
        if name in RECIPE:
            continue
        each = value if isinstance(value, dict) else {"": value}
        if each and all(isinstance(x, np.ndarray) and not x.dtype.hasobject for x in each.values()):
            arrays[name] = {key: taking.array(x[:rows] if x.shape[:1] == (size,) else x) for key, x in each.items()}
        else:
            others[name] = taking.of(value, f"{kind}.{name}")
    return {"kind": named(buffer), "size": size, "arrays": arrays, "others": others}


def put_into(buffers: list[Any], data: Plain, arrays: list[np.ndarray]) -> None:
    """Fill other buffers of the same kinds and sizes."""
    for buffer, told in zip(buffers, data, strict=True):
        if (named(buffer), buffer.buffer_size) != (told["kind"], told["size"]):
            here = f"{named(buffer)} of {buffer.buffer_size} steps"
            raise Untold(f"the replay memory was a {told['kind']} of {told['size']} steps, and is a {here} here")
        for name, at in told["arrays"].items():
            there = getattr(buffer, name, None)
            for key, i in at.items():
                mine = there if key == "" else there[key]  # type: ignore[index]
                if mine is None or mine.shape[1:] != arrays[i].shape[1:]:
                    setattr(buffer, name, arrays[i].copy())  # what an algorithm keeps beside the steps
                else:
                    mine[: len(arrays[i])] = arrays[i]
        putting = Putting(arrays)
        for name, value in told["others"].items():
            setattr(buffer, name, putting.into(getattr(buffer, name, None), value, name))
