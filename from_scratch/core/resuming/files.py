"""A model's zip with more in it: exact/state.json, and exact/0.npy, exact/1.npy, … Plain SB3 passes them over."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from stable_baselines3.common.save_util import open_path

STATE = "exact/state.json"


@contextlib.contextmanager
def replaced_at_once(path: Any) -> Iterator[Any]:
    """A file to write to, which takes the place of `path` when all is written; whoever is killed before leaves what was there. An open file is written to."""
    if not isinstance(path, str | pathlib.Path):
        yield path
        return
    final = pathlib.Path(path)
    if final.suffix == "":
        final = pathlib.Path(f"{path}.zip")
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        with open(part, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, final)
    finally:
        part.unlink(missing_ok=True)


def add(file: Any, state: Any, arrays: list[np.ndarray]) -> None:
    """Put a state and its arrays into the zip that was written to this open file."""
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(STATE, json.dumps(state))
        for i, array in enumerate(arrays):
            with archive.open(f"exact/{i}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


@contextlib.contextmanager
def _archive(path: Any) -> Iterator[zipfile.ZipFile]:
    file = open_path(path, "r", verbose=0, suffix="zip")
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    finally:
        if isinstance(path, str | pathlib.Path):
            file.close()
        else:
            file.seek(0)


def is_exact(path: Any) -> bool:
    """Does this file hold what a training needs to go on exactly? False for what is no model's file: load() says that."""
    if not isinstance(path, str | pathlib.Path) and not isinstance(path, io.IOBase):
        return False
    try:
        with _archive(path) as archive:
            return STATE in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def read(path: Any) -> tuple[Any, list[np.ndarray]]:
    """The state and its arrays."""
    with _archive(path) as archive:
        state, n = json.loads(archive.read(STATE)), 0
        arrays = []
        while f"exact/{n}.npy" in archive.NameToInfo:
            with archive.open(f"exact/{n}.npy") as member:
                arrays.append(np.lib.format.read_array(member, allow_pickle=False))
            n += 1
    return state, arrays
