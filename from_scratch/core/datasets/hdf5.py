"""HDF5 files as plain arrays: what links to other files, holds objects, or claims to be larger than it can be is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from from_scratch.core.datasets.dataset import BadDataset

MOST_PACKED = 1100  # bytes that one byte of a file can stand for: deflate reaches 1032
SLACK = 2**20


def library() -> Any:
    """h5py. BadDataset that names the extra, where it is not installed."""
    try:
        import h5py
    except ImportError:
        raise BadDataset('HDF5 files need h5py: pip install "sb3-course[offline]"') from None
    return h5py


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file, for reading. BadDataset in one line for whatever h5py says of it."""
    h5py = library()
    try:
        with h5py.File(path, "r") as file:
            yield file
    except BadDataset:
        raise
    except (OSError, LookupError, RuntimeError, TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        said = " ".join(str(error).split())[:200]
        raise BadDataset(f"{path} cannot be read as an HDF5 file: {said or type(error).__name__}. It may be cut short: copy or make it again.") from None


def array(group: Any, name: str, path: Path) -> np.ndarray:
    """The numbers that lie there under this name."""
    data, where = member(group, name, path), f"{path}: {group.name.rstrip('/')}/{name}"
    if not isinstance(data, library().Dataset):
        raise BadDataset(f"{where} is a {type(data).__name__.lower()}, but an array of numbers is needed.")
    if data.dtype.kind not in "biuf":
        kind = "pictures as JPEG: write them with jpeg_encoding=False" if data.dtype.kind == "O" else str(data.dtype)
        raise BadDataset(f"{where} holds no numbers, but {kind}.")
    if data.is_virtual or data.external is not None:
        raise BadDataset(f"{where} leads to another file, which is not followed.")
    if data.nbytes > MOST_PACKED * path.stat().st_size + SLACK:
        raise BadDataset(f"{where} claims {data.nbytes} bytes in a file of {path.stat().st_size}: that cannot be.")
    return data[()]


def member(group: Any, name: str, path: Path) -> Any:
    """What lies under this name in this very file."""
    if isinstance(group.get(name, getlink=True), library().ExternalLink):
        raise BadDataset(f"{path}: {name} leads to another file, which is not followed.")
    return group[name]
