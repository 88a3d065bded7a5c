"""Minari's folders (Younis et al., Farama Foundation): HDF5, a group for each episode with T + 1 observations, beside metadata.json with the spaces as JSON.

    data/main_data.hdf5    episode_0/{observations [T+1, ...], actions [T, ...], rewards [T], terminations [T], truncations [T]}, episode_1/…
    data/metadata.json     observation_space, action_space, dataset_id, env_spec, total_episodes, total_steps, …
    data/manifest.json     what we add to those of ours: how the steps were made, the hash of the arrays, scores to compare with

They are read as they lie, without the package minari, which would import what a file's environment names.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from from_scratch.core.data import tree_map
from from_scratch.core.datasets import hdf5
from from_scratch.core.datasets.dataset import BadDataset, Dataset
from from_scratch.core.datasets.limits import refuse_limits_told_as_deaths, with_limit
from from_scratch.core.datasets.spaces import as_json, space_of

MAIN, METADATA, MANIFEST = "main_data.hdf5", "metadata.json", "manifest.json"
WRITTEN_AS = "0.5.4"  # the version of Minari whose layout is written; 0.4.0 to this one are laid out alike
NEEDED = ("observations", "actions", "rewards", "terminations", "truncations")
ID = re.compile(r"(?:[-_\w]+/)*[-_\w]+-v\d+")


# ------------------------------------------------------------------------------------------------------------------------ reading
def data_folder(path: Path) -> Path | None:
    """The folder of these with Minari's files in it: this one, or data/ below it. None if it is none of Minari's."""
    return next((place for place in (path / "data", path) if (place / METADATA).is_file() or (place / MAIN).is_file()), None)


def read(folder: Path, time_limit: int | None = None) -> Dataset:
    """The data set in a folder that `data_folder` found."""
    facts = _json(folder / METADATA)
    if facts.get("data_format", "hdf5") != "hdf5":
        raise BadDataset(f"{folder} is in Minari's {str(facts['data_format'])[:20]} form; only its HDF5 form is read: convert it by minari.")
    lacking = [name for name in ("observation_space", "action_space") if not isinstance(facts.get(name), str)]
    if lacking:
        raise BadDataset(f"{folder / METADATA} lacks {' and '.join(lacking)}.")
    observation_space, action_space = space_of(facts["observation_space"]), space_of(facts["action_space"])
    with hdf5.opened(folder / MAIN) as file:
        numbers = sorted(int(name.removeprefix("episode_")) for name in file if re.fullmatch(r"episode_\d+", name))
        if not numbers:
            raise BadDataset(f"{folder / MAIN} holds no episode_0, episode_1, …; it has {', '.join(file) or 'nothing'}.")
        if isinstance(facts.get("total_episodes"), int) and facts["total_episodes"] != len(numbers):
            raise BadDataset(f"{folder} says that it has {facts['total_episodes']} episodes, and holds {len(numbers)}: it was not written whole.")
        episodes = [_episode(hdf5.member(file, f"episode_{k}", folder / MAIN), observation_space, folder / MAIN) for k in numbers]
    manifest = _json(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
    parts: dict[str, Any] = {name: np.concatenate([episode[name] for episode in episodes]) for name in ("actions", "rewards", "terminations", "truncations")}
    parts["observations"] = _joined([tree_map(lambda x: x[:-1], episode["observations"]) for episode in episodes])
    parts["next_observations"] = _joined([tree_map(lambda x: x[1:], episode["observations"]) for episode in episodes])
    name = str(facts.get("dataset_id", folder.parent.name if folder.name == "data" else folder.name))
    if not manifest:
        refuse_limits_told_as_deaths(parts["terminations"], parts["truncations"], str(folder), time_limit, told_apart=True)
    parts["terminations"], parts["truncations"] = with_limit(parts["terminations"], parts["truncations"], time_limit)
    return Dataset(**parts, observation_space=observation_space, action_space=action_space, name=name, facts=manifest or _origin(facts))


def _episode(group: Any, observation_space: spaces.Space, path: Path) -> dict[str, Any]:
    missing = [name for name in NEEDED if name not in group]
    if missing:
        raise BadDataset(f"{path}: {group.name.lstrip('/')} lacks {', '.join(missing)}; it has {', '.join(group) or 'nothing'}.")
    found: dict[str, Any] = {name: hdf5.array(group, name, path) for name in NEEDED[1:]}
    if isinstance(observation_space, spaces.Dict):
        seen = hdf5.member(group, "observations", path)
        found["observations"] = {key: hdf5.array(seen, key, path) for key in observation_space.spaces}
    else:
        found["observations"] = hdf5.array(group, "observations", path)
    n = len(found["rewards"])
    lengths = {name: len(found[name]) for name in NEEDED[1:]} | {"observations": _length(found["observations"]) - 1}
    wrong = [f"{length + (name == 'observations')} {name}" for name, length in lengths.items() if length != n]
    if wrong or n == 0:
        said = f"{path}: {group.name.lstrip('/')} has {n} rewards and {', '.join(wrong) or 'no step'}"
        raise BadDataset(f"{said}; T steps have T + 1 observations and T of the rest.")
    for name in ("terminations", "truncations"):
        found[name] = found[name].astype(bool)
    found["truncations"][-1] |= not found["terminations"][-1]  # a group ends where the recording stopped, if nothing else ended it
    return found


def _length(x: Any) -> int:
    """Of an array; of a dict of them, which must be equally long, that of each."""
    lengths = {len(array) for array in x.values()} if isinstance(x, dict) else {len(x)}
    return lengths.pop() if len(lengths) == 1 else -1


def _joined(parts: list[Any]) -> Any:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if isinstance(parts[0], dict) else np.concatenate(parts)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadDataset(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(found, dict):
        raise BadDataset(f"{path} holds no object with names, but a {type(found).__name__}.")
    return found


def _origin(facts: dict[str, Any]) -> dict[str, Any]:
    """What Minari knows of a data set, as far as it is text or numbers; its environment's id is read, and nothing of it made."""
    known: dict[str, Any] = {name: facts[name] for name in ("author", "algorithm_name", "code_permalink", "description", "minari_version") if name in facts}
    try:
        env = json.loads(facts.get("env_spec") or "{}").get("id")
    except (ValueError, TypeError, AttributeError):
        env = None
    return {**known, **({"env": env} if isinstance(env, str) else {})}


# ------------------------------------------------------------------------------------------------------------------------ writing
def write(data: Dataset, folder: Path, manifest: dict[str, Any]) -> None:
    """Write its files into an empty folder. BadDataset where a step does not begin with what the one before it ended with."""
    h5py = hdf5.library()
    name = data.name if ID.fullmatch(data.name) else f"{re.sub(r'[^-_0-9A-Za-z]+', '-', data.name).strip('-') or 'unnamed'}-v0"
    seen = stacked(data)
    with h5py.File(folder / MAIN, "w", track_order=True) as file:
        for k, steps in enumerate(data.episodes()):
            group = file.create_group(f"episode_{k}")
            group.attrs.update(id=k, total_steps=steps.stop - steps.start)
            group.create_group("infos")  # there are none; Minari prints an episode by their keys
            with_last = slice(steps.start + k, steps.stop + k + 1)
            parts = {name: getattr(data, name)[steps] for name in NEEDED[1:]}
            for key, x in seen.items() if isinstance(seen, dict) else [("", seen)]:
                parts[f"observations/{key}".rstrip("/")] = x[with_last]
            for key, x in parts.items():
                packed = {"compression": "gzip", "shuffle": True} if x.nbytes > 4096 else {}
                group.create_dataset(key, data=x, track_times=False, **packed)
    facts = {
        "dataset_id": name, "minari_version": WRITTEN_AS, "data_format": "hdf5", "jpeg_encoding": False,
        "observation_space": json.dumps(as_json(data.observation_space)), "action_space": json.dumps(as_json(data.action_space)),
        "total_episodes": data.n_episodes, "total_steps": len(data), "dataset_size": round((folder / MAIN).stat().st_size / 1e6, 1),
        "algorithm_name": str(manifest.get("behaviour", {}).get("algorithm", "unknown")), "author": ["sb3-course"], "author_email": [],
        "description": str(manifest.get("description", "")),
    }  # fmt: skip
    (folder / METADATA).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def stacked(data: Dataset) -> Any:
    """All that was seen, the last of each episode included, [N + episodes, ...]. BadDataset where a step does not begin where the last one ended."""
    inside = ~(data.terminations | data.truncations)

    def one(x: np.ndarray, x_next: np.ndarray) -> np.ndarray:
        torn = (x[1:] != x_next[:-1]).reshape(len(x) - 1, -1).any(1) & inside[:-1]
        if torn.any():
            i = int(torn.argmax())
            said = f"Data set {data.name!r}: step {i + 1} does not begin with what step {i} ended with, so they are no episode"
            raise BadDataset(f"{said}. Only whole episodes can be saved.")
        return np.insert(x, data.ends + 1, x_next[data.ends], axis=0)

    x, x_next = data.observations, data.next_observations
    return {key: one(x[key], x_next[key]) for key in x} if isinstance(x, dict) else one(x, x_next)
