"""Spaces as Minari writes them into its metadata: JSON, from which nothing but a space can come."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from gymnasium import spaces

from from_scratch.core.datasets.dataset import BadDataset

NUMBERS = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def as_json(space: spaces.Space) -> dict[str, Any]:
    """What Minari's serialize_space says of it. BadDataset for a space that a data set cannot be of."""
    if isinstance(space, spaces.Box):
        return {"type": "Box", "dtype": str(space.dtype), "shape": list(space.shape), "low": space.low.tolist(), "high": space.high.tolist()}
    if isinstance(space, spaces.Discrete):
        return {"type": "Discrete", "dtype": "int64", "start": int(space.start), "n": int(space.n)}
    if isinstance(space, spaces.MultiDiscrete):
        return {"type": "MultiDiscrete", "dtype": str(space.dtype), "nvec": space.nvec.tolist(), "start": space.start.tolist()}
    if isinstance(space, spaces.MultiBinary):
        return {"type": "MultiBinary", "n": space.n if isinstance(space.n, int) else list(map(int, space.n))}
    if isinstance(space, spaces.Dict) and all(isinstance(inner, NUMBERS) for inner in space.spaces.values()):
        return {"type": "Dict", "subspaces": {key: as_json(inner) for key, inner in space.spaces.items()}}
    raise BadDataset(f"Data sets are of Box, Discrete, MultiDiscrete and MultiBinary spaces, and of Dicts of these, not of {space}.")


def space_of(text: str) -> spaces.Space:
    """The space that this JSON describes. BadDataset if it describes none that a data set can be of."""
    try:
        said = json.loads(text)
        return _space(said)
    except BadDataset:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError, RecursionError) as error:
        raise BadDataset(f"{str(text)[:80]!r} describes no space ({type(error).__name__}).") from None


def _space(said: dict[str, Any], inner: bool = False) -> spaces.Space:
    kind = said["type"]
    if kind == "Box":
        dtype = np.dtype(str(said["dtype"]))
        low, high = (np.asarray(said[bound], dtype).reshape(said["shape"]) for bound in ("low", "high"))
        return spaces.Box(low, high, dtype=dtype)  # type: ignore[arg-type]
    if kind == "Discrete":
        return spaces.Discrete(int(said["n"]), start=int(said.get("start", 0)))
    if kind == "MultiDiscrete":
        return spaces.MultiDiscrete(said["nvec"], dtype=np.dtype(str(said["dtype"])), start=said.get("start"))  # type: ignore[arg-type]
    if kind == "MultiBinary":
        return spaces.MultiBinary(said["n"])
    if kind == "Dict" and not inner:
        return spaces.Dict({key: _space(space, inner=True) for key, space in said["subspaces"].items()})
    raise BadDataset(f"Spaces of the type {str(kind)[:40]!r} are not read: there are Box, Discrete, MultiDiscrete, MultiBinary, and Dicts of these.")
