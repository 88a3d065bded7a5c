"""Runs that Weights & Biases keeps: in its folders on this machine (wandb/offline-run-*/run-*.wandb), exported as JSON, or behind its API.

A .wandb file is a log in LevelDB's form (https://github.com/google/leveldb/blob/main/doc/log_format.md) behind seven bytes of its own: blocks of 32 KiB, in
them pieces with a checksum (zlib's CRC-32 of kind and content), their length and their kind (1 whole, 2 first, 3 middle, 4 last), and the pieces together
records, which are wandb's protocol buffers. Reading one runs nothing: its values are JSON, and a name in it stays a name.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError, UserError, first_line
from benchmarks.store.plain import content

HEAD = b":W&B\xe1\xbe\x00"
BLOCK = 32 * 1024
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
MOST_FILE = 1024**3  # bytes
INTERNAL = "_wandb"  # of a run's configuration: what wandb itself keeps there


@dataclass
class Recorded:
    """A run. rows: what was recorded together, by name, in order; has_ended: whether its program came to its end; notes: what was left out."""

    id: str
    source: str
    name: str = ""
    kind: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    has_ended: bool = False
    notes: tuple[str, ...] = ()


# ----------------------------------------------------------------------------------------------------------------------- its own files


def in_folders(place: Path) -> list[Recorded]:
    """Every run in a .wandb file, or in those below a folder. What was recorded under one id in several files, by a run that was resumed, is one run."""
    below = [] if place.is_file() else place.rglob("*.wandb")
    files = [place] if place.is_file() else [path for path in below if not any(part.startswith(".") for part in path.relative_to(place).parts)]
    found: dict[str, Recorded] = {}
    for path in sorted(files, key=lambda path: (path.parent.name.split("-")[-2:-1], path.parent.name)):
        run = of_file(path)
        if run.id in found:
            run = _continued(found[run.id], run)
        found[run.id] = run
    return list(found.values())


def _continued(before: Recorded, after: Recorded) -> Recorded:
    """A run that was resumed: from where it went on, the later file holds."""
    begin = min((row["_step"] for row in after.rows if "_step" in row), default=None)
    kept = before.rows if begin is None else [row for row in before.rows if row.get("_step", -1) < begin]
    return Recorded(after.id, f"{before.source}, {after.source}", after.name or before.name, after.kind or before.kind, {**before.config, **after.config},
                    kept + after.rows, after.has_ended, before.notes + after.notes)  # fmt: skip


def of_file(path: Path) -> Recorded:
    """The run of a .wandb file. IntegrityError for what is none, and for a record that is not what was written; a last one that a kill cut is left out."""
    try:
        from wandb.proto import wandb_internal_pb2
    except ImportError:
        raise UserError(f'{path}: to read it, wandb is needed: pip install -c constraints.txt -e ".[track]"') from None
    run = Recorded(path.stem.removeprefix("run-"), str(path))
    for record in records(content(path, MOST_FILE), str(path)):
        if record is None:
            run.notes = (f"{path}: its end was cut, as by a kill; what was whole is read",)
            break
        message = wandb_internal_pb2.Record()
        try:
            message.ParseFromString(record)
        except Exception:  # DecodeError, whose place differs between versions of protobuf
            raise IntegrityError(f"{path}: a record of it is none of wandb's") from None
        _take(run, message, str(path))
    return run


def records(data: bytes, source: str) -> Iterator[bytes | None]:
    """The records of a log, in order; None, at last, where it breaks off inside of one."""
    if data[: len(HEAD)] != HEAD:
        raise IntegrityError(f"{source} is no file of wandb's, or of a version that is not known here")
    at, whole = len(HEAD), b""
    while at < len(data):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        if at + 7 > len(data):
            yield None
            return
        checksum, length, kind = struct.unpack_from("<IHB", data, at)
        if kind == length == checksum == 0:  # room that was not used
            yield from [None] if whole else []
            return
        piece = data[at + 7 : at + 7 + length]
        if len(piece) < length:
            yield None
            return
        if zlib.crc32(piece, zlib.crc32(bytes([kind]))) != checksum:
            raise IntegrityError(f"{source}: its bytes from {at} on are not those that were written")
        at += 7 + length
        whole = piece if kind in (WHOLE, FIRST) else whole + piece
        if kind in (WHOLE, LAST):
            yield whole
            whole = b""
    if whole:
        yield None


def _take(run: Recorded, message: Any, source: str) -> None:
    """What a record says of the run."""
    kind = message.WhichOneof("record_type")
    if kind == "run":
        run.id, run.name, run.kind = message.run.run_id or run.id, message.run.display_name or run.name, message.run.job_type or run.kind
        _configure(run, message.run.config, source)
    elif kind == "config":
        _configure(run, message.config, source)
    elif kind == "history":
        row = {".".join(item.nested_key) or item.key: _value(item.value_json, source) for item in message.history.item}
        run.rows.append({"_step": message.history.step.num, **row})
    elif kind == "exit":
        run.has_ended = True


def _configure(run: Recorded, config: Any, source: str) -> None:
    for item in config.update:
        name = ".".join(item.nested_key) or item.key
        if name.partition(".")[0] != INTERNAL:
            run.config[name] = _value(item.value_json, source)


def _value(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise IntegrityError(f"{source}: a value of it is no JSON: {text[:40]}") from None


# --------------------------------------------------------------------------------------------------------------------------- elsewhere


def of_json(path: Path) -> list[Recorded]:
    """Runs that a user exported: [{"id", "name", "config", "history": [row, …]}, …], as docs/tracking.md shows."""
    wanted = '[{"name": …, "config": {…}, "history": [{"_step": …, …}, …]}, …]'
    try:
        runs = json.loads(content(path, MOST_FILE))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {first_line(error)}") from None
    runs = runs if isinstance(runs, list) else [runs]
    found = []
    for k, run in enumerate(runs):
        rows, config = (run.get("history"), run.get("config") or {}) if isinstance(run, dict) else (None, None)
        if not isinstance(rows, list) or not isinstance(config, dict) or not all(isinstance(row, dict) for row in rows):
            raise UserError(f"{path}: run {k + 1} is not what is expected: {wanted}")
        found.append(Recorded(str(run.get("id") or f"{path}#{k}"), f"{path}: {run.get('name') or k + 1}", str(run.get("name") or ""),
                              str(run.get("job_type") or ""), config, rows, True))  # fmt: skip
    return found


def of_api(project: str) -> list[Recorded]:
    """The runs of ENTITY/PROJECT, as Weights & Biases has them now. UserError without a login: nobody is asked for a key."""
    try:
        import wandb
    except ImportError:
        raise UserError(f'--from-wandb {project}: wandb is needed: pip install -c constraints.txt -e ".[track]"') from None
    if not wandb.login(prompt=False):
        raise UserError(f"--from-wandb {project}: there is no such folder, and no login to ask Weights & Biases: wandb login, or give the folder wandb/")
    try:
        return [Recorded(run.id, f"{project}/{run.id}", run.name, getattr(run, "job_type", "") or "", {key: value for key, value in run.config.items()},
                         list(run.scan_history()), run.state == "finished") for run in wandb.Api(timeout=60).runs(project)]  # fmt: skip
    except (wandb.errors.Error, ValueError) as error:
        raise UserError(f"--from-wandb {project}: {first_line(error)}") from None
