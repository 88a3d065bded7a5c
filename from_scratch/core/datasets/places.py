"""Where data sets are found by their names, and how they come there: whole or not at all.

    packed/                  beside this file: small ones of ours, that come with the library
    $SB3_COURSE_DATASETS     ~/.cache/sb3-course/datasets by default: what `sb3-course dataset make` makes, in Minari's form
    $MINARI_DATASETS_PATH    ~/.minari/datasets by default: Minari's own folder
"""

from __future__ import annotations

import difflib
import os
import shutil
from pathlib import Path
from typing import Any

from gymnasium import spaces

from from_scratch.core.datasets import d4rl, minari, packed
from from_scratch.core.datasets.dataset import BadDataset, Dataset
from from_scratch.core.datasets.spaces import as_json

PACKED = Path(__file__).parent / "packed"


def cache() -> Path:
    """The folder in which data sets that were made here are kept."""
    given = os.environ.get("SB3_COURSE_DATASETS")
    return Path(given).expanduser() if given else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sb3-course" / "datasets"


def minaris() -> Path:
    """Minari's own folder of data sets."""
    return Path(os.environ.get("MINARI_DATASETS_PATH") or "~/.minari/datasets").expanduser()


def packed_name(name: str) -> str:
    return f"{name.replace('/', '.')}.npz"


def names() -> dict[str, Path]:
    """Every data set that is here, by its name, and where it lies: those of the library first, then those made here, then Minari's."""
    found: dict[str, Path] = {}
    for path in sorted(PACKED.glob("*.npz")):
        found.setdefault(path.stem.replace(".", "/"), path)
    for root in (cache(), minaris()):
        for path in sorted(root.glob(f"**/data/{minari.METADATA}")):
            place = path.parent.parent.relative_to(root)
            if not any(part.startswith(".") for part in place.parts):
                found.setdefault(place.as_posix(), path.parent.parent)
    return found


def find(name: str) -> Path:
    """Where a data set lies: a path, or a name. BadDataset where there is nothing, with what may be meant."""
    path = Path(name).expanduser()
    if path.exists():
        return path
    if minari.ID.fullmatch(name):
        if (PACKED / packed_name(name)).is_file():
            return PACKED / packed_name(name)
        for root in (cache(), minaris()):
            if minari.data_folder(root / name):
                return root / name
    if path.suffix in (".npz", ".hdf5", ".h5") or not minari.ID.fullmatch(name):
        raise BadDataset(f"There is no file or folder {name}. `sb3-course dataset list` shows the data sets that have a name.")
    near = difflib.get_close_matches(name, names(), n=1, cutoff=0.8)
    ways = f"`sb3-course dataset make {name}` if it is one of ours (`sb3-course dataset list`), `minari download {name}` if it is one of Minari's"
    raise BadDataset(f"There is no data set {name!r} here. {f'Did you mean {near[0]!r}?' if near else f'{ways}.'}")


def read(source: str | Path, observation_space: spaces.Space | None = None, action_space: spaces.Space | None = None, time_limit: int | None = None) -> Dataset:
    """The data set of this name or path. What has a manifest must have its hash, too."""
    path = find(str(source))
    if path.is_dir():
        folder = minari.data_folder(path)
        if folder is None:
            raise BadDataset(f"{path} is no data set of Minari's: it has neither data/{minari.MAIN} nor data/{minari.METADATA}.")
        data = minari.read(folder, time_limit)
    elif path.suffix == ".npz":
        data = packed.read(path, lambda name: read(name))
    elif path.name == minari.MAIN:
        data = minari.read(path.parent, time_limit)
    else:
        data = d4rl.read(path, observation_space, action_space, time_limit)
    said = data.facts.get("hash")
    if said is not None and said != data.hash and not time_limit:
        raise BadDataset(f"{path}: its steps have the hash {data.hash[:12]}…, its manifest says {str(said)[:12]}…: they are not what was recorded.")
    return data


def write(data: Dataset, path: Path, joined: list[str] | None = None) -> Path:
    """A folder in Minari's form, or one file if the path ends with .npz; written beside it under another name, and renamed when it is whole.

    FileExistsError if there is something already.
    """
    if os.path.lexists(path):
        raise FileExistsError(f"{path} exists already: remove it first, or choose another place.")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        whole = beside / path.name
        if path.suffix == ".npz":
            packed.write(data, whole, manifest(data), joined)
        else:
            (whole / "data").mkdir(parents=True)
            minari.write(data, whole / "data", manifest(data))
        os.rename(whole, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return path


def manifest(data: Dataset) -> dict[str, Any]:
    """What is known of a data set, and what can be counted: the content of manifest.json."""
    counted = {"name": data.name, "steps": len(data), "episodes": data.n_episodes, "hash": data.hash}
    shapes = {part: as_json(getattr(data, part)) for part in ("observation_space", "action_space")}
    return {**counted, **{key: value for key, value in data.facts.items() if key not in {*counted, *shapes}}, **shapes}
