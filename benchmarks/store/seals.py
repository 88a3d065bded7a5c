"""What a run's record seals, so that a change by accident is found.

A record holds the facts of a run and a digest of everything that the run left. There are two kinds, which the key "schema" tells apart:

    1  files   "files": the sha256 of every file of the run's folder, its tables among them. Written before; still read and verified.
    2  rows    "rows": the digests of its tables' rows (`benchmarks.store.tables`); "files": the sha256 of every other file; the seal covers both.
               Where its rows lie, in files of its own or among those of other runs, the seal does not say. In a run's folder "files" lists the
               tables' files too, so that damage is found without reading them; these entries are not sealed. A file that was left out when the run
               was published goes from "files" to "left_out" with its sha256: it stays sealed, and the seal is that of the day on which the run ended.

Seals are no signatures: who changes a run can seal it again. What such a change contradicts is for `benchmarks.reproduction` to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.store.plain import is_name, one_line
from benchmarks.store.tables import TABLES
from benchmarks.studies.study import digest

BY_FILES, BY_ROWS = 1, 2  # "schema"
TABLE_FILES = tuple(f"{name}.parquet" for name in TABLES)
BEFORE = ("schema", "files", "left_out", "seal")  # of a record: what it says otherwise once it is sealed by rows


def seal_of(record: Mapping[str, Any]) -> str:
    """The seal of a record, of either kind, whatever its own key "seal" says."""
    if record.get("schema") != BY_ROWS:
        return digest({key: value for key, value in record.items() if key != "seal"})
    facts = {key: value for key, value in record.items() if key not in ("seal", "left_out", "files")}
    files = {name: hashed for name, hashed in record["files"].items() if name not in TABLE_FILES}
    return digest({**facts, "files": {**files, **record.get("left_out", {})}})


def by_rows(record: Mapping[str, Any], rows: Mapping[str, str]) -> dict[str, Any]:
    """A record as it stands in a packed study: sealed by the digests of its tables' rows, with the other files that it lists.

    One that is sealed so keeps its seal. One that was sealed by files is sealed anew, and "sealed_before" keeps what its earlier seal covered besides the
    facts, so that this seal can still be computed; the files of its tables, which it covered too, are no more.
    """
    files = {name: hashed for name, hashed in record["files"].items() if name not in TABLE_FILES}
    if record["schema"] == BY_ROWS:
        return {**record, "files": files}
    before = {key: record[key] for key in BEFORE if key in record}
    left_out = dict.fromkeys(record.get("left_out", []))  # their hashes are not known any more
    facts = {key: value for key, value in record.items() if key not in BEFORE}
    new = {"schema": BY_ROWS, **facts, "files": files, "left_out": left_out, "rows": dict(rows), "sealed_before": before}
    return {**new, "seal": seal_of(new)}


def without(record: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """A record sealed by rows, of which these files are left out, as far as it has them. Its seal stays."""
    left_out = {name: record["files"][name] for name in names if name in record["files"]}
    files = {name: hashed for name, hashed in record["files"].items() if name not in left_out}
    return {**record, "files": files, "left_out": {**record.get("left_out", {}), **left_out}}


def fault(record: dict[str, Any], run_id: str) -> str:
    """What is wrong with a run's record: its seal, the type of a value that is used, whose it is; or nothing."""
    try:
        if record["seal"] != seal_of(record):
            return "hash mismatch"
        if record["schema"] == BY_ROWS and "sealed_before" in record:
            before = record["sealed_before"]
            facts = {key: value for key, value in record.items() if key not in (*BEFORE, "rows", "sealed_before")}
            if set(before) - set(BEFORE) or before["schema"] != BY_FILES or before["seal"] != seal_of({**facts, **before}):
                return "sealed_before: its facts are not those that were sealed"
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return "cannot be read"
    return _malformed(record, run_id)


def _malformed(record: dict[str, Any], run_id: str) -> str:
    """What of a run's record has not the type that it is used as, or nothing."""
    number, text = (int, float, type(None)), (str, type(None))
    is_by_rows = record.get("schema") == BY_ROWS
    kinds: dict[str, tuple[type, ...]] = {
        "run_id": (str,), "status": (str,), "algo": (str,), "env": (str,), "seed": (int,), "hyperparams": (dict,), "host": (dict, type(None)),
        "files": (dict,), "diverged": (bool, type(None)), "episode_seeds": (list,), "left_out": (dict if is_by_rows else list,), "rows": (dict,),
        **dict.fromkeys(("error", "traceback", "weights_hash_start", "weights_hash_end", "finished_at", "code"), text),
        **dict.fromkeys(("steps", "actual_steps", "train_seconds", "eval_seconds", "steps_per_second", "lockstep", "model_seed"), number),
    }  # fmt: skip
    for key, allowed in kinds.items():
        if key in record and type(record[key]) not in allowed:
            return f"{key} is of the type {type(record[key]).__name__}"
        if type(record.get(key)) in (int, float) and not abs(record[key]) < 2**63:
            return f"{key} is no number of a run"
    if record.get("run_id") != run_id:
        return f"is of another run, {one_line(str(record.get('run_id')))[:100]}"
    if record.get("status") not in ("finished", "failed"):
        return "status is neither finished nor failed"
    for name, expected in record["files"].items():
        if not is_name(name) or name == "run.json" or not isinstance(expected, str):
            return f"files: {one_line(name)[:100]!r} names no file of a run's folder"
    if is_by_rows:
        if set(record.get("rows", ())) - set(TABLES) or not all(isinstance(known, str) for known in record.get("rows", {}).values()):
            return "rows: it lists what is none of a run's tables"
        both = record["files"].keys() & record.get("left_out", {}).keys()
        if both:
            return f"left_out: {one_line(min(both))[:100]!r} is said to be here too"
    for key, value in (record.get("host") or {}).items():
        if value is not None and not isinstance(value, str | int | float):
            return f"host: {one_line(key)[:100]} is of the type {type(value).__name__}"
    return ""
