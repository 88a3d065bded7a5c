"""Level 1: every file is the one that was written, the plan and its seeds are those that were hashed, every row of every table is of its run, every score is
the mean of its episodes, the report is of this store."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import IntegrityError
from benchmarks.claims.record import FILES as CLAIM_FILES
from benchmarks.report import films, page
from benchmarks.reproduction.differences import differences
from benchmarks.reproduction.findings import MOST_NAMED, Finding, dictionary_at, judged, study_of
from benchmarks.store import records
from benchmarks.store.packed import FILES as PACKED_FILES
from benchmarks.store.packed import MODELS, RECORDS
from benchmarks.store.plain import MEGABYTE, content, is_regular
from benchmarks.store.store import Store
from benchmarks.store.tables import TABLES
from benchmarks.studies import parts, plan, provenance, registration
from benchmarks.studies.plan import Run
from from_scratch import registry

OF_THE_STORE = ("command", "study", "source", "hosts", "seeds", "seconds", "runs", "root_hash")  # of repro.json: what follows from the store alone
FILES = ("report.html", "report.json", "scores.csv", "curves.csv", "tables.tex", "references.bib")  # of every report, beside repro.json
TABLES_TOO = ("scores.parquet", "curves.parquet")  # of a report with --parquet
MOST_FILE = 256 * MEGABYTE  # of the report


def integrity(store: Store, registered: str | None) -> Iterator[Finding]:
    study = study_of(store)
    wrong = records.of_study(study.as_dict())
    if wrong:
        yield judged(1, "records", wrong, "")
        return
    found = study.content_hash()
    wrong = [] if study.hash == found else [f"study.yaml: its content hashes to {found[:16]}, not to its hash {study.hash[:16]}"]
    if not store.is_as_saved(study):
        wrong.append("study.yaml: it is not in the form in which a study is saved: a comment, or a key that stands there twice, says what does not count")
    wrong += parts.faults(study)
    yield judged(1, "plan", wrong, f"study.yaml hashes to {found[:16]}")
    if registered is not None:
        digest = registration.digest_of(study)
        otherwise = f"registered as {registered[:16]}, but the study is {digest[:16]}: it differs in some of {registration.COVERS}"
        wrong = [] if digest == registered else [otherwise]
        yield judged(1, "registered", wrong, f"as registered: {registration.COVERS}")

    if store.is_packed:
        whole = [finding for what, read in (("records", store.packed.records), ("tables", store.packed.tables)) for finding in _readable(what, read)]
        if whole:
            yield whole[0]
            return
    planned = plan.runs_by_id(run for _, run in store.planned())
    lost, wrong, malformed, tables_wrong, seeds, scores, n_files = [], [], [], [], [], [], 0
    prints: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for run in planned.values():
        try:
            state, record = store.status(run)
            if state in ("finished", "failed") and not store.is_packed:  # whose records are read strictly
                records.read_json(store.runs_path / run.id / "run.json")  # no key twice
        except IntegrityError as error:
            malformed.append(f"run {run.id}/{error}")
            continue
        except Exception:  # a run.json of another shape than any that was written
            malformed.append(f"run {run.id}/run.json: cannot be read")
            continue
        if state == "corrupt":
            wrong.append(record["error"])
            continue
        where = f"run {run.id}/{RECORDS if store.is_packed else 'run.json'}"
        other = records.of_run(run, record, where) if state not in ("missing", "running") else []
        if other:
            # Values that are not the plan's can be read all the same; of those that are not of their form nothing can be computed.
            (wrong if all(line.endswith("is not the plan's") for line in other) else malformed).extend(other)
        if state != "finished":
            lost.append(f"{run.id}: {state}")
        elif not other:
            n_files += 1 + len(record["files"])
            seeds += _wrong_seeds(run, record)
            try:
                tables = {name: store.table(run, name) for name in TABLES}
            except IntegrityError as error:
                tables_wrong.append(str(error))
                continue
            scores += _wrong_scores(run, tables)
            for mark in _prints(run, record, tables):
                prints[run.algo, run.env][mark].append(run.id)
    if malformed:
        yield judged(1, "records", malformed, "")
    said = dictionary_at(store.path / "report" / "report.json").get("is_partial") is True
    n_files = store.packed.n_files() if store.is_packed else n_files
    yield judged(1, "runs", [*wrong, *([] if said else lost)], f"{len(planned) - len(lost)} runs, {n_files} files: all hashes are right")
    if lost and said:
        yield Finding(1, "runs", "note", f"{len(lost)} of {len(planned)} runs are missing, as the report says")
    yield judged(1, "tables", tables_wrong, "every row of every table is of its run: algorithm, environment, seed, checkpoint, episode")
    yield judged(1, "seeds", seeds, "the seeds of models and evaluation episodes are those that the rule derives")
    yield judged(1, "scores", scores, "every score of a curve is the mean of its evaluation episodes")
    yield from _films(store)
    copies = [ids for of_mark in prints.values() for ids in of_mark.values() if len(ids) > 1]
    twice = list(dict.fromkeys(f"{' and '.join(ids)} are one run, counted {len(ids)} times" for ids in copies))
    yield judged(1, "copies", twice, "no run of a learning algorithm is there twice, under two seeds")
    strays = sorted({path.name for path in store.runs_path.iterdir() if not path.name.startswith(".")} - set(planned)) if store.runs_path.is_dir() else []
    if strays:
        yield Finding(1, "runs", "note", f"{len(strays)} directories belong to no planned run and enter no number: {', '.join(strays[:MOST_NAMED])}")
    yield from _other_files(store)
    if not (malformed or tables_wrong):
        yield from _report_is_of_this_store(store)


def _readable(what: str, read: Callable[[], Any]) -> Iterator[Finding]:
    """What hinders that all runs of a packed study are read."""
    try:
        read()
    except IntegrityError as error:
        yield Finding(1, what, "fail", str(error))


def _films(store: Store) -> Iterator[Finding]:
    wrong, n = films.damage(store)
    if wrong or n:
        yield judged(1, "films", wrong, f"{n} films are whole, and of runs with these weights; what they show is not verified")


def _wrong_seeds(run: Run, record: dict[str, Any]) -> list[str]:
    from benchmarks.running.evaluation import episode_seeds, model_seed

    wrong = []
    if record["model_seed"] != model_seed(run.seed):
        wrong.append(f"run {run.id}: model seed {record['model_seed']}, but seed {run.seed} gives {model_seed(run.seed)}")
    n = run.protocol["eval_episodes"]
    if len(record["episode_seeds"]) != n or record["episode_seeds"] != episode_seeds(run.protocol["eval_seed"], run.seed, n):
        wrong.append(f"run {run.id}: its evaluation episodes have other seeds than seed {run.seed} gives")
    return wrong


def _wrong_scores(run: Run, tables: dict[str, pd.DataFrame]) -> list[str]:
    """Where a run's curve is not what its evaluation episodes give, to the last bit: where all runs agree, the smallest difference makes a verdict."""
    n = run.protocol["eval_episodes"]
    returns, lengths = (tables["episodes"][column].to_numpy().reshape(-1, n) for column in ("return", "length"))
    for row, its_returns, its_lengths in zip(tables["curve"].to_dict("records"), returns, lengths, strict=True):
        given = {"score": its_returns.mean(), "score_std": its_returns.std(), "episode_length": its_lengths.mean()}
        for column, value in given.items():
            if row[column] != value and not (column == "score_std" and np.isclose(row[column], value, rtol=1e-12, atol=0.0)):
                digits = 6 if f"{row[column]:.6g}" != f"{value:.6g}" else 17
                return [f"run {run.id}: {column} at step {row['step']} is {row[column]:.{digits}g}, but its episodes give {value:.{digits}g}"]
    return []


def _prints(run: Run, record: dict[str, Any], tables: dict[str, pd.DataFrame]) -> Iterator[str]:
    """What no two seeds of a learning algorithm share once its scores have moved: the weights, or every episode and every logged metric.

    A planner learns nothing from its seed; scores that stand still (nothing found, or all solved) are the same in many runs; and weights that ended as
    they began, such as those that the random agent has not, tell no seed.
    """
    entry = registry.known(run.algo)
    if (entry is not None and entry.unit == "backups") or np.ptp(tables["curve"]["score"].to_numpy()) == 0:
        return
    if record["weights_hash_end"] != record["weights_hash_start"]:
        yield f"weights {record['weights_hash_end']}"
    if len(tables["training"]):
        content = [tables[name].drop(columns="seed").to_csv(index=False) for name in ("episodes", "training")]
        yield f"tables {hashlib.sha256(''.join(content).encode()).hexdigest()}"


def _other_files(store: Store) -> Iterator[Finding]:
    """Files that a reader may take for a part of the study, and that no level looks at."""
    rendering: Any = dictionary_at(store.path / "report" / "repro.json").get("rendering")
    parquet = not records.of_rendering(rendering) and rendering["options"]["parquet"]
    known = {*FILES, "repro.json", *(TABLES_TOO if parquet else ())}
    runs = (*PACKED_FILES, MODELS) if store.is_packed else ("runs",)
    parts = {"study.yaml", *runs, "report", "films", "quarantine", *(CLAIM_FILES if study_of(store).claim else ())}
    found = [path for path in sorted(store.path.iterdir()) if path.name not in parts and path.name[0] != "."]
    directory = store.path / "report"
    found += [path for path in sorted(directory.iterdir()) if path.name not in known] if directory.is_dir() else []
    if found:
        names = ", ".join(records.shown(path.relative_to(store.path).as_posix()) for path in found[:MOST_NAMED])
        yield Finding(1, "other files", "unverified", f"{len(found)} that no level looks at: {names}")


def _report_is_of_this_store(store: Store) -> Iterator[Finding]:
    directory = store.path / "report"
    if not directory.is_dir() and study_of(store).claim:
        return
    if not directory.is_dir():
        yield Finding(1, "report", "note", "there is no report here; the runs alone were checked")
        return
    recorded = records.read_json(directory / "repro.json")
    if not isinstance(recorded, dict) or not {"rendering", "files"} <= set(recorded):
        yield Finding(1, "report", "fail", f"repro.json was written by an earlier version: sb3-course report {store.path} makes the report again")
        return
    wrong = records.of_rendering(recorded["rendering"])
    if wrong:
        yield judged(1, "provenance", wrong, "")
        return
    frame = store.runs()
    seals = {run_id: store.record(run_id)["seal"] for run_id in frame.loc[frame["status"] == "finished", "run_id"].drop_duplicates()}  # type: ignore[index]
    facts = json.loads(page.as_json(provenance.facts(store.study(), frame, seals, recorded["rendering"])))
    refuse_longer(directory / "repro.json", len(page.as_json(facts)))
    wrong = [f"repro.json: {line}" for key in OF_THE_STORE for line in differences(recorded.get(key), facts[key], key)]
    yield judged(1, "provenance", wrong, f"repro.json tells of this store; root hash {facts['root_hash'][:16]}")
    listed = {*FILES, *(TABLES_TOO if recorded["rendering"]["options"]["parquet"] else ())}
    files = recorded["files"]
    if not isinstance(files, dict) or set(files) != listed:
        yield Finding(1, "report", "fail", f"repro.json: files: it lists other files than {', '.join(sorted(listed))}")
        return
    wrong = []
    for name in sorted(listed):
        path = directory / name
        if not is_regular(path):
            wrong.append(f"report/{name}: missing, or no file of the report")
        elif _hash_of(name, content(path, MOST_FILE)) != files[name]:
            wrong.append(f"report/{name}: hash mismatch")
    yield judged(1, "report", wrong, f"{len(files)} files of the report: all hashes are right")


def _hash_of(name: str, text: bytes) -> str:
    try:
        return page.hash_of(name, text)
    except UnicodeDecodeError:
        return "not text"


def refuse_longer(path: Path, length: int) -> None:
    """IntegrityError for a file that is much longer than the one that is made again: to name its differences would take all the memory."""
    if is_regular(path) and path.stat().st_size > 4 * length + MEGABYTE:
        raise IntegrityError(f"{path.name}: {path.stat().st_size:,} bytes, made again {length:,}")
