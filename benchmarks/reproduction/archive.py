"""A study as one file, to be verified elsewhere: sb3-course archive STUDY FILE.tar.gz, and there sb3-course reproduce FILE.tar.gz --level 2.

The same store gives the same archive, byte for byte. It holds study.yaml, the planned runs, their films and the report (no quarantine, no half-written
runs), and SHA256SUMS, which `sha256sum -c` reads without this program. A packed study is archived as it is (`benchmarks.store.packed`).

    STUDY/study.yaml   STUDY/SHA256SUMS   STUDY/report/FILE   STUDY/films/FILE   STUDY/runs/RUN/FILE
    packed, in the place of runs/:        STUDY/runs.jsonl    STUDY/TABLE.parquet   STUDY/models/FILE

Regular files at these places, and nothing else: no links, folders, devices, sparse files, names that lead elsewhere or that some file system takes for
another's. They are read one by one, here, and not by tarfile, whose extraction filters have been escaped from (CVE-2025-4517).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from benchmarks import IncompleteData, IntegrityError, UserError
from benchmarks.reproduction.publish import packed_copy
from benchmarks.store.files import write_whole
from benchmarks.store.packed import FILES as PACKED_FILES
from benchmarks.store.packed import MODELS
from benchmarks.store.plain import MEGABYTE, content, is_name, listing, one_line
from benchmarks.store.store import Store
from benchmarks.store.tables import MOST_TABLE

SUFFIXES = (".tar.gz", ".tgz")
SUMS = "SHA256SUMS"
FOLDERS = {"report": 2, "films": 2, "runs": 3, MODELS: 2}  # inside of the study -> how many names lead to a file there
MOST_FILES = 2_000_000
MOST_BYTES = 64 * 1024 * MEGABYTE
RATIO = 100  # of what an archive unpacks to, to itself: more is a bomb; what studies hold packs to a tenth at best
BLOCK = 512  # bytes: the unit of a tar file
LINKS = {b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"5": "a folder", b"6": "a pipe"}


def is_archive(name: str | Path) -> bool:
    return str(name).endswith(SUFFIXES)


def pack(store: Store, target: Path, *, models: bool = True) -> dict[str, str]:
    """Write the archive; the files in it with their hashes. IncompleteData unless every run has finished and there is a report.

    models: with the trained models, if the study has kept them. Without, runs are packed and say what was left out, as
    `benchmarks.reproduction.publish` does, and the report is made again.
    """
    if not is_archive(target):
        raise UserError(f"{target}: the name of an archive ends in {' or '.join(SUFFIXES)}")
    if not models and store.keeps_models:
        with tempfile.TemporaryDirectory() as place:
            from benchmarks.report.page import render

            copy = packed_copy(store, Path(place) / store.path.resolve().name)
            render(copy.path)
            return pack(copy, target)
    runs = store.runs()
    lost = runs[runs["status"] != "finished"]
    if len(lost):
        raise IncompleteData(f"{len(lost)} of {len(runs)} runs of {store.path} are not finished; sb3-course status names them")
    if not (store.path / "report" / "repro.json").is_file():
        raise IncompleteData(f"{store.path} has no report yet: sb3-course report {store.path} makes one")
    if store.is_packed:
        runs_paths = [store.path / name for name in PACKED_FILES]
        runs_paths += listing(store.path / MODELS, MODELS) if (store.path / MODELS).exists() else []
    else:
        runs_paths = [path for run_id in sorted(set(runs["run_id"])) for path in listing(store.runs_path / run_id, f"runs/{run_id}")]
    films = listing(store.path / "films", "films") if (store.path / "films").exists() else []
    paths = [store.path / "study.yaml", *films, *listing(store.path / "report", "report"), *runs_paths]
    root = re.sub(r"[^A-Za-z0-9._+-]", "_", store.path.resolve().name).lstrip(".+-")[:100].rstrip(".") or "study"
    contents = {path.relative_to(store.path).as_posix(): content(path, MOST_BYTES) for path in paths if not path.name.startswith(".")}
    for name in contents:
        wrong = _wrong_place(f"{root}/{name}")
        if wrong:
            raise IntegrityError(f"{store.path}: {one_line(name)}: {wrong}")
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    contents[SUMS] = "".join(f"{digest}  {name}\n" for name, digest in hashes.items()).encode()
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in contents.items():
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size, member.mode = len(data), 0o644  # no owner, no time: only names and contents
            tar.addfile(member, io.BytesIO(data))
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, buffer.getvalue())
    return hashes


def unpack(archive: Path, directory: Path) -> Store:
    """The store in an archive, in a new folder of `directory`. IntegrityError if a file is not what was packed, or no file of a study."""
    if archive.exists() and not archive.is_file():  # such as a pipe, for which one would wait
        raise UserError(f"{archive} is no file")
    try:
        packed = archive.stat().st_size
        with gzip.open(archive, "rb") as unzipped:
            root, found = _extract(unzipped, directory, min(MOST_BYTES, 64 * MEGABYTE + RATIO * packed))  # type: ignore[arg-type]
    except FileNotFoundError:
        raise UserError(f"no archive {archive}") from None
    except _Refused as error:
        raise IntegrityError(f"{archive}: {error}") from None
    except (EOFError, OSError, zlib.error) as error:
        raise IntegrityError(f"{archive} cannot be unpacked: {one_line(str(error))}") from None
    if SUMS not in found:
        raise IntegrityError(f"{archive}: no {SUMS} in it; sb3-course archive makes archives that have one")
    try:
        lines = content(root / SUMS, MOST_TABLE).decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise IntegrityError(f"{archive}: its {SUMS} cannot be read") from None
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in sorted((found.keys() | expected.keys()) - {SUMS}):
        if name not in expected:
            raise IntegrityError(f"{archive}: {name} is not listed in its {SUMS}")
        if name not in found:
            raise IntegrityError(f"{archive}: {one_line(name)} is missing")
        if found[name] != expected[name]:
            raise IntegrityError(f"{archive}: {name}: hash mismatch")
    (root / SUMS).unlink()
    return Store(root)


class _Refused(Exception):
    """What is in an archive is no study's."""


def _extract(tar: BinaryIO, directory: Path, most: int) -> tuple[Path, dict[str, str]]:
    """Copy the files of a tar stream into a new folder of `directory`: that folder, and the sha256 of each file by its name in it."""
    root: Path | None = None
    found: dict[str, str] = {}
    spelled: dict[str, str] = {}  # every file and folder as a file system that knows no capitals spells it
    total = 0
    for name, size in _members(tar):
        wrong = _wrong_place(name)
        if wrong:
            raise _Refused(f"{one_line(name)[:200]}: {wrong}")
        first, _, inside = name.partition("/")
        if root is None:
            root = directory / first
            if root.exists() or root.is_symlink():
                raise UserError(f"{root} exists already: remove it first, or choose another folder")
            root.mkdir(parents=True)
        if first != root.name:
            raise _Refused(f"holds several folders ({root.name}, {first}), where a study is one")
        parts = inside.split("/")
        for place in ("/".join(parts[:k]) for k in range(1, len(parts) + 1)):
            if spelled.setdefault(place.lower(), place) != place:
                raise _Refused(f"{place} and {spelled[place.lower()]} are one name on some systems")
        if inside in found:
            raise _Refused(f"{inside} is there twice")
        total += size
        if total > most or len(found) >= MOST_FILES:
            raise _Refused(f"unpacks to more than {most:,} bytes or {MOST_FILES:,} files, more than a study of its size")
        target = root / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        found[inside] = _copy(tar, target, size)
    if root is None:
        raise _Refused("holds no study")
    return root, found


def _wrong_place(name: str) -> str:
    """Why no file of a study is called this in an archive, or nothing."""
    _, *inside = parts = name.split("/")
    if not all(map(is_name, parts)):
        return "its name is not made of letters, digits and ._+- alone"
    if inside not in (["study.yaml"], [SUMS], *([name] for name in PACKED_FILES)) and FOLDERS.get(inside[0] if inside else "") != len(inside):
        return "is no file of a study"
    return ""


def _members(tar: BinaryIO) -> Iterator[tuple[str, int]]:
    """(name, size) of each file of a tar stream in the POSIX format, which stands where its content begins; whoever asks for the next has read that."""
    long_name = ""
    while True:
        head = _exactly(tar, BLOCK)
        if not any(head):
            while rest := tar.read(MEGABYTE):  # what follows the end some programs unpack, and nothing here would have looked at
                if any(rest):
                    raise _Refused("goes on behind its end")
            return
        kind, size = head[156:157], _octal(head[124:136])
        if head[257:263] != b"ustar\0" or _octal(head[148:156]) != sum(head[:148]) + 8 * 32 + sum(head[156:]):
            raise _Refused("is not in the format that sb3-course archive writes")
        prefix, name = (_text(head[start:end]) for start, end in ((345, 500), (0, 100)))
        name = long_name or (f"{prefix}/{name}" if prefix else name)
        if kind == b"x" and not long_name:
            if size > 4 * BLOCK:
                raise _Refused(f"{one_line(name)[:200]}: its name is too long")
            long_name = _path_of(_exactly(tar, size))
            _exactly(tar, -size % BLOCK)
        elif kind in (b"0", b"\0"):
            yield name, size
            _exactly(tar, -size % BLOCK)
            long_name = ""
        else:
            raise _Refused(f"{one_line(name)[:200]}: is {LINKS.get(kind, 'no regular file')}; an archive holds regular files only")


def _path_of(records: bytes) -> str:
    """The name in a POSIX extended header, "length path=name": it may hold nothing else."""
    match = re.fullmatch(rb"(\d+) path=([^\n\0]*)\n", records)
    if not match or int(match[1]) != len(records):
        raise _Refused("gives a file more than a name")
    return _text(match[2])


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("ascii", "replace")


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,12}", digits):
        raise _Refused("is not in the format that sb3-course archive writes")
    return int(digits, 8)


def _exactly(tar: BinaryIO, size: int) -> bytes:
    data = tar.read(size)
    if len(data) != size:
        raise EOFError("it ends too early")
    return data


def _copy(tar: BinaryIO, target: Path, size: int) -> str:
    """The next bytes of the stream as a new file; their sha256."""
    total = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644), "wb") as file:
        while size:
            data = _exactly(tar, min(size, MEGABYTE))
            file.write(data)
            total.update(data)
            size -= len(data)
    return total.hexdigest()


@contextmanager
def opened(name: str) -> Iterator[Store]:
    """The store of a study's directory or name, or of an archive (unpacked for as long as this lasts)."""
    from benchmarks.store.store import open_study

    if not is_archive(name):
        yield open_study(name)
        return
    with tempfile.TemporaryDirectory() as place:
        yield unpack(Path(name), Path(place))
