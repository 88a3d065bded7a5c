"""A study as one file, to be verified elsewhere: sb3-course archive STUDY FILE.tar.gz, and there sb3-course reproduce FILE.tar.gz --level 2.

The same store gives the same archive, byte for byte. It holds study.yaml, the planned runs and the report (no quarantine, no half-written runs),
and SHA256SUMS, which `sha256sum -c` reads without this program.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import IncompleteData, IntegrityError, UserError
from benchmarks.publish import copy_runs
from benchmarks.store import Store, write_whole

SUFFIXES = (".tar.gz", ".tgz")
SUMS = "SHA256SUMS"


def is_archive(name: str | Path) -> bool:
    return str(name).endswith(SUFFIXES)


def pack(store: Store, target: Path, *, models: bool = True) -> dict[str, str]:
    """Write the archive; the files in it with their hashes. IncompleteData unless every run has finished and there is a report.

    models: with the trained models, if the study has kept them. Without, runs are sealed anew and say what was left out, as `benchmarks.publish` does,
    and the report is made again.
    """
    if not is_archive(target):
        raise UserError(f"{target}: the name of an archive ends in {' or '.join(SUFFIXES)}")
    if not models and store.keeps_models:
        with tempfile.TemporaryDirectory() as place:
            from benchmarks.report import render

            copy = copy_runs(store, Path(place) / store.path.resolve().name)
            render(copy.path)
            return pack(copy, target)
    runs = store.runs()
    lost = runs[runs["status"] != "finished"]
    if len(lost):
        raise IncompleteData(f"{len(lost)} of {len(runs)} runs of {store.path} are not finished; sb3-course status names them")
    if not (store.path / "report" / "repro.json").is_file():
        raise IncompleteData(f"{store.path} has no report yet: sb3-course report {store.path} makes one")
    runs_paths = [path for run_id in sorted(set(runs["run_id"])) for path in sorted((store.runs_path / run_id).iterdir())]
    paths = [store.path / "study.yaml", *sorted((store.path / "report").iterdir()), *runs_paths]
    root = store.path.resolve().name
    contents = {path.relative_to(store.path).as_posix(): path.read_bytes() for path in paths if not path.name.startswith(".")}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    contents[SUMS] = "".join(f"{digest}  {name}\n" for name, digest in hashes.items()).encode()
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size, member.mode = len(content), 0o644  # no owner, no time: only names and contents
            tar.addfile(member, io.BytesIO(content))
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, buffer.getvalue())
    return hashes


def unpack(archive: Path, directory: Path) -> Store:
    """The store in an archive, in a new folder of `directory`. IntegrityError if a file is not what was packed."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            roots = {member.name.partition("/")[0] for member in tar}
            if len(roots) != 1:
                raise IntegrityError(f"{archive}: holds {len(roots)} folders, where a study is one")
            root = directory / roots.pop()
            if root.exists():
                raise UserError(f"{root} exists already: remove it first, or choose another folder")
            tar.extractall(directory, filter="data")  # which refuses paths that lead out of it, links and devices
    except FileNotFoundError:
        raise UserError(f"no archive {archive}") from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise IntegrityError(f"{archive} cannot be unpacked: {error}") from None
    try:
        lines = (root / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        raise IntegrityError(f"{archive}: no {SUMS} in it; sb3-course archive makes archives that have one") from None
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    present = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} - {SUMS}
    for name in sorted(present | expected.keys()):
        if name not in expected:
            raise IntegrityError(f"{archive}: {name} is not listed in its {SUMS}")
        if name not in present:
            raise IntegrityError(f"{archive}: {name} is missing")
        if hashlib.sha256((root / name).read_bytes()).hexdigest() != expected[name]:
            raise IntegrityError(f"{archive}: {name}: hash mismatch")
    (root / SUMS).unlink()
    return Store(root)


@contextmanager
def opened(name: str) -> Iterator[Store]:
    """The store of a study's directory or name, or of an archive (unpacked for as long as this lasts)."""
    from benchmarks.store import open_study

    if not is_archive(name):
        yield open_study(name)
        return
    with tempfile.TemporaryDirectory() as place:
        yield unpack(Path(name), Path(place))
