"""Files of ours: written whole or not at all, and their hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks import UserError


def write_whole(path: Path, text: str | bytes) -> None:
    """Write a file so that it is either the old one or the new one, also if the machine stops in between. A link that lies there is replaced, not followed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with temporary.open("xb") as file:
        file.write(text.encode() if isinstance(text, str) else text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def refuse_existing(target: Path) -> None:
    """UserError where there is anything, a link that leads nowhere included."""
    if os.path.lexists(target):
        raise UserError(f"{target} exists already: remove it first, or choose another folder")


@contextmanager
def made_whole(target: Path) -> Iterator[Path]:
    """A new folder, of the target's name but elsewhere, that takes its place once all is written: whenever a kill comes, the target is whole or is not there.

    UserError if there is one already.
    """
    refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    place = beside / target.name
    place.mkdir(parents=True)
    try:
        yield place
        make_durable(filter(Path.is_file, place.rglob("*")))
        os.rename(place, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def make_durable(paths: Iterable[Path]) -> None:
    """Wait until the disk has what was written to these files. Together: a file system that keeps a journal writes it once for all, where it would for each."""
    def sync(path: Path) -> None:
        with path.open("rb") as file:
            os.fsync(file.fileno())

    paths = list(paths)
    with ThreadPoolExecutor(max(1, min(8, len(paths)))) as threads:
        list(threads.map(sync, paths))


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
