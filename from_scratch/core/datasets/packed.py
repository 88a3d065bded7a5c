"""A data set as one small file, .npz: each observation once, and JSON with its spaces and its manifest. Those that come with the library have this form.

    observations [N + episodes, ...] (of a Dict: observations/KEY), actions [N, ...], rewards [N]
    lengths [episodes], ended [episodes]: 1 terminated, 2 truncated
    facts: JSON with name, observation_space, action_space, manifest; of a data set made of others there is only this, with `joined`, their names
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from from_scratch.core.data import tree_map
from from_scratch.core.datasets.dataset import BadDataset, Dataset
from from_scratch.core.datasets.minari import stacked
from from_scratch.core.datasets.spaces import as_json, space_of


def read(path: Path, of_name: Callable[[str], Dataset]) -> Dataset:
    """The data set in the file. of_name: finds those that it is made of."""
    if not zipfile.is_zipfile(path):
        raise BadDataset(f"{path} is no packed data set: it is no .npz archive, or one that was cut short.")
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        facts = json.loads(str(found["facts"]))
        if "joined" in facts:
            first, *others = map(of_name, facts["joined"])
            whole = sum(others, first)
            return Dataset(**{**vars_of(whole), "name": facts["name"], "facts": facts["manifest"]})
        observation_space, action_space = space_of(facts["observation_space"]), space_of(facts["action_space"])
        lengths, ended = found["lengths"].astype(int), found["ended"]
        ends = lengths.cumsum() - 1
        seen = {key: found[f"observations/{key}"] for key in observation_space.spaces} if isinstance(observation_space, spaces.Dict) else found["observations"]
        last, first_ones = ends + np.arange(1, len(ends) + 1), ends - lengths + 1 + np.arange(len(ends))
        flags = np.zeros((2, lengths.sum()), bool)
        flags[0, ends], flags[1, ends] = ended & 1 != 0, ended & 2 != 0
        return Dataset(
            observations=tree_map(lambda x: np.delete(x, last, axis=0), seen), next_observations=tree_map(lambda x: np.delete(x, first_ones, axis=0), seen),
            actions=found["actions"], rewards=found["rewards"], terminations=flags[0], truncations=flags[1],
            observation_space=observation_space, action_space=action_space, name=str(facts["name"]), facts=facts["manifest"],
        )  # fmt: skip
    except BadDataset:
        raise
    except (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, NotImplementedError, RecursionError, MemoryError, zipfile.BadZipFile,
            zlib.error) as error:  # fmt: skip
        raise BadDataset(f"{path} is no packed data set: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from None


def vars_of(data: Dataset) -> dict[str, Any]:
    """Its fields, by name."""
    return {name: getattr(data, name) for name in data.__dataclass_fields__}


def write(data: Dataset, path: Path, manifest: dict[str, Any], joined: list[str] | None = None) -> None:
    """Write the file: its arrays, or only the names of those that it is made of."""
    facts: dict[str, Any] = {"name": data.name, "manifest": manifest}
    arrays: dict[str, np.ndarray] = {}
    if joined:
        facts["joined"] = joined
    else:
        facts |= {part: json.dumps(as_json(getattr(data, part))) for part in ("observation_space", "action_space")}
        seen = stacked(data)
        arrays = {f"observations/{key}": x for key, x in seen.items()} if isinstance(seen, dict) else {"observations": seen}
        ended = data.terminations[data.ends] + 2 * data.truncations[data.ends].astype(np.uint8)
        arrays |= {"actions": data.actions, "rewards": data.rewards, "lengths": data.lengths.astype(np.int32), "ended": ended.astype(np.uint8)}
    with path.open("xb") as file:
        np.savez_compressed(file, facts=np.array(json.dumps(facts, ensure_ascii=False)), **arrays)  # type: ignore[arg-type]
