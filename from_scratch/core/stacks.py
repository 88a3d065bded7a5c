"""What SB3's users reach for at a model, for a stack of seeds: its episodes, its normalisers, its environments, its files."""

from __future__ import annotations

import copy
import json
import pathlib
import pickle
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from stable_baselines3.common.save_util import open_path
from stable_baselines3.common.vec_env import VecNormalize

from from_scratch.core.addresses import saved


class OfAllSeeds(Sequence):
    """The seeds' buffers, one behind the other, as SB3's `ep_info_buffer`: its mean is that of all seeds, each with its last `stats_window_size` episodes."""

    def __init__(self, buffers: Sequence[deque]):
        self.buffers = buffers

    @property
    def maxlen(self) -> int:
        return sum(buffer.maxlen or 0 for buffer in self.buffers)

    def __len__(self) -> int:
        return sum(map(len, self.buffers))

    def __iter__(self) -> Iterator[Any]:
        for buffer in self.buffers:
            yield from buffer

    def __getitem__(self, i: Any) -> Any:
        return list(self)[i]


@saved
class Normalizers(Sequence):
    """A stack's VecNormalize, one a seed. `save` and `load` keep all in one file; `[k]` is the k-th seed's, with SB3's methods."""

    def __init__(self, each: Sequence[VecNormalize]):
        self.each = list(each)

    def __len__(self) -> int:
        return len(self.each)

    def __getitem__(self, k: Any) -> Any:
        return self.each[k]

    def save(self, path: str | pathlib.Path) -> None:
        """Write statistics and settings of all, as a pickle; CheckpointCallback(save_vecnormalize=True) calls it."""
        with open(path, "wb") as file:
            pickle.dump(self, file)

    def load(self, path: str | pathlib.Path) -> None:
        """Take the statistics from a file that `save` wrote."""
        with open(path, "rb") as file:
            found = pickle.load(file)
        if not isinstance(found, Normalizers):
            raise ValueError(f"{path} holds a {type(found).__name__}, not the normalisers of a stack. For one seed's: model.get_vec_normalize_env()[k].")
        self.take(found.each)

    def take(self, others: Sequence[VecNormalize]) -> None:
        """Copy the statistics of others, seed by seed; how to normalise stays as it is."""
        if len(others) != len(self):
            raise ValueError(f"These are the normalisers of {len(others)} seeds, and this stack has {len(self)}.")
        for mine, other in zip(self.each, others, strict=True):
            for name in ("obs_rms", "ret_rms"):
                if hasattr(other, name):
                    setattr(mine, name, copy.deepcopy(getattr(other, name)))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name != "each" and hasattr(VecNormalize, name):
            raise AttributeError(f"A stack has a VecNormalize for each of its {len(self)} seeds: ask one, as in model.get_vec_normalize_env()[k].{name}.")
        raise AttributeError(f"Normalizers has no attribute {name!r}.")


def told_by(path: Any) -> dict[str, Any]:
    """The plain values that a saved model's file holds: its seeds, if it is a stack's, and n_envs. Nothing for what is no such file: load() says that."""
    if not isinstance(path, str | pathlib.Path) and not hasattr(path, "seek"):
        return {}
    file = open_path(path, "r", verbose=0, suffix="zip")
    try:
        with zipfile.ZipFile(file) as archive:
            return {name: value for name, value in json.loads(archive.read("data")).items() if not isinstance(value, dict)}
    except (zipfile.BadZipFile, KeyError, ValueError):
        return {}
    finally:
        if isinstance(path, str | pathlib.Path):
            file.close()
        else:
            file.seek(0)
