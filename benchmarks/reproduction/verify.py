"""Does a study hold what its report says? Four levels, each with those before it.

1  integrity   every file is the one that was written, the plan and its seeds are those that were hashed, every row of every table is of its run, every
               score is the mean of its episodes, the report is of this store
2  analysis    every number and every word of the report is made again by this code from the stored rows, and is the same
3  sample      some runs, drawn by the verifier's own chance, are trained again: the same weights, scores and episodes
4  everything  the whole study is run again, in a folder that holds nothing else, and old and new are compared run by run

A study's author chooses everything that stands in it, so nothing that stands in it chooses how strictly it is checked. Where a check could not be made (other
code words a page otherwise, another processor rounds a run otherwise) it is "unverified", which is not passed. What no level can see is said by `unseen`.
What fails is named: the run and its file, the number by its place in report.json, the line of the page.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import itertools
import json
import random
import re
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy import stats as distributions

from benchmarks import HarnessError, IntegrityError, UserError
from benchmarks.configs import CONFIGS, options
from benchmarks.evidence import sequential
from benchmarks.evidence.analysis import Analysis, Cell, analyse
from benchmarks.report import against
from benchmarks.report import films as animation
from benchmarks.report import page as report
from benchmarks.running import launchers
from benchmarks.stats.sequential import SequentialTest
from benchmarks.store import records
from benchmarks.store.plain import MEGABYTE, content, is_regular
from benchmarks.store.store import TABLES, Store, write_whole
from benchmarks.studies import plan as jobs
from benchmarks.studies import provenance as reproduction
from benchmarks.studies import registration, trust
from benchmarks.studies.plan import Run
from benchmarks.studies.study import at, is_from_zoo, provenance, study_hash
from from_scratch import registry

LEVELS = {1: "integrity", 2: "analysis", 3: "sample", 4: "everything"}
OF_THE_STORE = ("command", "study", "source", "hosts", "seeds", "seconds", "runs", "root_hash")  # of repro.json: what follows from the store alone
FILES = ("report.html", "report.json", "scores.csv", "curves.csv", "tables.tex", "references.bib")  # of every report, beside repro.json
TABLES_TOO = ("scores.parquet", "curves.parquet")  # of a report with --parquet
ROUNDING = 1e-9  # relative; what sums may differ by between processors and library versions
NEW_RUN = 0.99  # of the prediction interval in which a run that was trained again on other hardware has to fall
LOCKSTEP = 10  # seeds that level 4 trains in one process at most
MOST_NAMED = 5
MOST_FILE = 256 * MEGABYTE  # of the report

Show = Callable[[launchers.Progress], None]


@dataclass(frozen=True)
class Finding:
    """One check and what came of it: "pass", "note" (passed, but read this), "unverified" (could not be made, so not passed) or "fail"."""

    level: int
    what: str
    state: str
    said: str


class Misuse(UserError):
    """A mistake of the verifier's, where other UserErrors are of the study that is verified."""


def verify(
    store: Store, level: int, *, sample: int = 2, seed: int | None = None, runs: tuple[str, ...] = (), out: Path | None = None, secret: str | None = None,
    workers: int = 1, show: Show | None = None, registered: str | None = None, trusted: bool = False,
) -> Iterator[Finding]:  # fmt: skip
    """The findings, in order, up to a level.

    sample, seed: how many runs level 3 trains again and how they are drawn (by default by chance, and said); runs: or these, by name.
    out: where level 4 keeps the runs that it makes, by default nowhere. With the secret of an interrupted verification it continues there.
    registered: the digest that the author posted before the runs (`benchmarks.studies.registration`).
    trusted: levels 3 and 4 may run what is not this project's own.
    """
    if level not in LEVELS:
        raise Misuse(f"--level {level}: there are {', '.join(f'{k} ({word})' for k, word in LEVELS.items())}")
    if sample < 1:
        raise Misuse(f"--sample {sample}: at least 1 run has to be trained again")
    if registered is not None and not records.is_hash(registered):
        raise Misuse(f"--registered {registered}: a digest is the 64 characters that sb3-course register prints")
    show = show or (lambda progress: None)
    if level >= 3:  # which train, where those below only read
        records.demand(store.study())
        trust.demand(trust.foreign(store.study()), f"level {level} of {store.path.name}", trusted)
    readable = True
    for finding in _guarded(1, "integrity", _integrity(store, registered)):
        yield finding
        readable = readable and not (finding.state == "fail" and finding.what in ("records", "tables", "integrity"))
    if not readable:
        for k in range(2, level + 1):
            yield Finding(k, LEVELS[k], "unverified", "not looked at: nothing is computed from records or tables that are not of their form")
        return
    if level >= 2:
        yield from _guarded(2, "analysis", _analysis(store))
    if level >= 3:
        yield from _guarded(3, "sample", _sample(store, sample, secrets.randbits(32) if seed is None else seed, runs, workers, show))
    if level >= 4:
        yield from _guarded(4, "everything", _everything(store, out, secret, workers, show))


def _guarded(level: int, what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """What cannot even be computed is a finding too, whatever a hostile file brings about; a mistake of the verifier's is not."""
    try:
        yield from findings
    except Misuse:
        raise
    except (HarnessError, OSError) as error:
        yield Finding(level, what, "fail", str(error))
    except Exception as error:
        lines = str(error).splitlines()
        yield Finding(level, what, "fail", f"cannot be checked: {type(error).__name__}{f': {lines[0][:200]}' if lines else ''}")


def _judged(level: int, what: str, wrong: list[str], right: str) -> Finding:
    more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    return Finding(level, what, "fail", "; ".join(wrong[:MOST_NAMED]) + more) if wrong else Finding(level, what, "pass", right)


# ------------------------------------------------------------------------------------------------------------- integrity


def _integrity(store: Store, registered: str | None) -> Iterator[Finding]:
    study = _study(store)
    wrong = records.of_study(study)
    if wrong:
        yield _judged(1, "records", wrong, "")
        return
    found = study_hash(study)
    wrong = [] if study["hash"] == found else [f"study.yaml: its content hashes to {found[:16]}, not to its hash {study['hash'][:16]}"]
    if not store.is_as_saved(study):
        wrong.append("study.yaml: it is not in the form in which a study is saved: a comment, or a key that stands there twice, says what does not count")
    yield _judged(1, "plan", wrong, f"study.yaml hashes to {found[:16]}")
    if registered is not None:
        digest = registration.digest_of(study)
        otherwise = f"registered as {registered[:16]}, but the study is {digest[:16]}: it differs in some of {registration.COVERS}"
        wrong = [] if digest == registered else [otherwise]
        yield _judged(1, "registered", wrong, f"as registered: {registration.COVERS}")

    planned = jobs.runs_by_id(run for _, run in store.planned())
    lost, wrong, malformed, tables_wrong, seeds, scores, n_files = [], [], [], [], [], [], 0
    prints: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for run in planned.values():
        try:
            state, record = store.status(run)
            if state in ("finished", "failed"):
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
        other = records.of_run(run, record) if state not in ("missing", "running") else []
        if other:
            # Values that are not the plan's can be read all the same; of those that are not of their form nothing can be computed.
            (wrong if all(line.endswith("is not the plan's") for line in other) else malformed).extend(other)
        if state != "finished":
            lost.append(f"{run.id}: {state}")
        elif not other:
            n_files += 1 + len(record["files"])
            seeds += _wrong_seeds(run, record)
            try:
                tables = {name: records.table(store.runs_path / run.id, name, run) for name in TABLES}
            except IntegrityError as error:
                tables_wrong.append(str(error))
                continue
            scores += _wrong_scores(run, tables)
            for mark in _prints(run, record, tables):
                prints[run.algo, run.env][mark].append(run.id)
    if malformed:
        yield _judged(1, "records", malformed, "")
    said = _read(store.path / "report" / "report.json").get("is_partial") is True
    yield _judged(1, "runs", [*wrong, *([] if said else lost)], f"{len(planned) - len(lost)} runs, {n_files} files: all hashes are right")
    if lost and said:
        yield Finding(1, "runs", "note", f"{len(lost)} of {len(planned)} runs are missing, as the report says")
    yield _judged(1, "tables", tables_wrong, "every row of every table is of its run: algorithm, environment, seed, checkpoint, episode")
    yield _judged(1, "seeds", seeds, "the seeds of models and evaluation episodes are those that the rule derives")
    yield _judged(1, "scores", scores, "every score of a curve is the mean of its evaluation episodes")
    yield from _films(store)
    copies = [ids for of_mark in prints.values() for ids in of_mark.values() if len(ids) > 1]
    twice = list(dict.fromkeys(f"{' and '.join(ids)} are one run, counted {len(ids)} times" for ids in copies))
    yield _judged(1, "copies", twice, "no run of a learning algorithm is there twice, under two seeds")
    strays = sorted({path.name for path in store.runs_path.iterdir() if not path.name.startswith(".")} - set(planned)) if store.runs_path.is_dir() else []
    if strays:
        yield Finding(1, "runs", "note", f"{len(strays)} directories belong to no planned run and enter no number: {', '.join(strays[:MOST_NAMED])}")
    yield from _other_files(store)
    if not (malformed or tables_wrong):
        yield from _report_is_of_this_store(store)


def _study(store: Store) -> dict[str, Any]:
    try:
        return store.study()
    except HarnessError:
        raise
    except Exception as error:  # YAML that no study was ever written as
        raise IntegrityError(f"{store.path}/study.yaml cannot be read ({type(error).__name__})") from None


def _read(path: Path) -> dict[str, Any]:
    """A JSON file's dictionary; empty where there is none to be read."""
    try:
        value = records.read_json(path)
    except IntegrityError:
        return {}
    return value if isinstance(value, dict) else {}


def _films(store: Store) -> Iterator[Finding]:
    wrong, n = animation.damage(store)
    if wrong or n:
        yield _judged(1, "films", wrong, f"{n} films are whole, and of runs with these weights; what they show is not verified")


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

    A planner learns nothing from its seed; and scores that stand still (nothing found, or all solved) are the same in many runs.
    """
    entry = registry.ENTRIES.get(run.algo)
    if (entry is not None and entry.unit == "backups") or np.ptp(tables["curve"]["score"].to_numpy()) == 0:
        return
    yield f"weights {record['weights_hash_end']}"
    if len(tables["training"]):
        content = [tables[name].drop(columns="seed").to_csv(index=False) for name in ("episodes", "training")]
        yield f"tables {hashlib.sha256(''.join(content).encode()).hexdigest()}"


def _other_files(store: Store) -> Iterator[Finding]:
    """Files that a reader may take for a part of the study, and that no level looks at."""
    rendering: Any = _read(store.path / "report" / "repro.json").get("rendering")
    parquet = not records.of_rendering(rendering) and rendering["options"]["parquet"]
    known = {*FILES, "repro.json", *(TABLES_TOO if parquet else ())}
    found = [path for path in sorted(store.path.iterdir()) if path.name not in ("study.yaml", "runs", "report", "films", "quarantine") and path.name[0] != "."]
    directory = store.path / "report"
    found += [path for path in sorted(directory.iterdir()) if path.name not in known] if directory.is_dir() else []
    if found:
        names = ", ".join(records.shown(path.relative_to(store.path).as_posix()) for path in found[:MOST_NAMED])
        yield Finding(1, "other files", "unverified", f"{len(found)} that no level looks at: {names}")


def _report_is_of_this_store(store: Store) -> Iterator[Finding]:
    directory = store.path / "report"
    if not directory.is_dir():
        yield Finding(1, "report", "note", "there is no report here; the runs alone were checked")
        return
    recorded = records.read_json(directory / "repro.json")
    if not isinstance(recorded, dict) or not {"rendering", "files"} <= set(recorded):
        yield Finding(1, "report", "fail", f"repro.json was written by an earlier version: sb3-course report {store.path} makes the report again")
        return
    wrong = records.of_rendering(recorded["rendering"])
    if wrong:
        yield _judged(1, "provenance", wrong, "")
        return
    frame = store.runs()
    seals = {run_id: store.record(run_id)["seal"] for run_id in frame.loc[frame["status"] == "finished", "run_id"].drop_duplicates()}  # type: ignore[index]
    facts = json.loads(report.as_json(reproduction.facts(store.study(), frame, seals, recorded["rendering"])))
    _refuse_longer(directory / "repro.json", len(report.as_json(facts)))
    wrong = [f"repro.json: {line}" for key in OF_THE_STORE for line in differences(recorded.get(key), facts[key], key)]
    yield _judged(1, "provenance", wrong, f"repro.json tells of this store; root hash {facts['root_hash'][:16]}")
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
    yield _judged(1, "report", wrong, f"{len(files)} files of the report: all hashes are right")


def _hash_of(name: str, text: bytes) -> str:
    try:
        return report.hash_of(name, text)
    except UnicodeDecodeError:
        return "not text"


# -------------------------------------------------------------------------------------------------------------- analysis


def _analysis(store: Store) -> Iterator[Finding]:
    directory = store.path / "report"
    if not (directory / "repro.json").is_file():
        yield Finding(2, "numbers", "fail", f"no report to check against: sb3-course report {store.path} makes one")
        return
    recorded, reported = (records.read_json(directory / name) for name in ("repro.json", "report.json"))
    if not isinstance(reported, dict) or not isinstance(recorded, dict) or records.of_rendering(recorded.get("rendering")):
        yield Finding(2, "numbers", "fail", f"no report to check against: sb3-course report {store.path} makes one")
        return
    rendering, worded = records.filled(recorded["rendering"], store.study())
    built = report.build(store, allow_partial=reported.get("is_partial") is True, rendering=rendering)
    # Whether the record says that this very code made the report. It decides what a difference is called, never whether it counts.
    otherwise = [*(["reporting code"] if rendering["code"] != reproduction.reporting_code() else []), *worded]
    new = {name: _text(made) for name, made in built.files.items() if not name.endswith(".parquet")}
    for name in new:
        _refuse_longer(directory / name, len(new[name]))
    old = {name: _old(directory / name).decode("utf-8", "replace") for name in new}
    if built.analysis.sequential is not None:
        yield _sequence(store.study(), built.analysis.sequential)
    yield _numbers(old["report.json"], reported, new["report.json"], bool(otherwise))
    for name in ("scores.csv", "curves.csv"):
        yield _judged(2, name, _table_differences(name, old[name], new[name]), "every value again")
    for name in ("report.html", "tables.tex", "references.bib"):
        yield _page(name, old[name], new[name], otherwise, rendering)
    for name in TABLES_TOO:
        if name in built.files:
            made = built.files[name]
            assert isinstance(made, bytes)
            same = _same_rows(_old(directory / name), made)
            yield _judged(2, name, [] if same else [f"{name}: other rows than the runs give"], "every value again")
    computed = json.loads(new["repro.json"])
    wrong = {key: differences(recorded.get(key), computed.get(key), key) for key in {*recorded, *computed} - {"rendering", "files"}}
    wrong |= {key: [f"{key} is none of its parts"] for key in recorded.keys() - computed.keys()}
    lines = [f"repro.json: {line}" for key in sorted(wrong) for line in wrong[key]]
    if otherwise and lines and all(key == "checklist" for key in wrong if wrong[key]):
        yield Finding(2, "repro.json", "unverified", f"its checklist is worded by other code than this ({', '.join(otherwise)})")
    elif worded and not lines:
        yield Finding(2, "repro.json", "unverified", f"its part rendering says otherwise than this program: {', '.join(worded)}")
    else:
        yield _judged(2, "repro.json", lines, "every fact that follows from the runs again")


def _sequence(study: dict[str, Any], test: SequentialTest) -> Finding:
    """Whether a sequential study stopped where its rule says: at another look, which is the author's choice, its intervals and equivalences are others."""
    used = sum(set(seeds) <= set(study["seeds"]) for seeds in sequential.batches(study))
    if used > test.taken:
        return Finding(2, "sequence", "fail", f"its comparisons were decided after look {test.taken}, but its seeds go on to look {used} of {test.looks}")
    if not test.is_finished:
        return Finding(2, "sequence", "unverified", f"it stopped after look {test.taken} of {test.looks}, before its comparisons were decided")
    return Finding(2, "sequence", "pass", f"it stopped where its rule says, after look {test.taken} of {test.looks}")


def _old(path: Path) -> bytes:
    """A file of the report; nothing where there is none, or a link to another."""
    return content(path, MOST_FILE) if is_regular(path) else b""


def _refuse_longer(path: Path, length: int) -> None:
    """IntegrityError for a file that is much longer than the one that is made again: to name its differences would take all the memory."""
    if is_regular(path) and path.stat().st_size > 4 * length + MEGABYTE:
        raise IntegrityError(f"{path.name}: {path.stat().st_size:,} bytes, made again {length:,}")


def _text(made: str | bytes) -> str:
    return made if isinstance(made, str) else made.decode()


def _same_rows(old: bytes, new: bytes) -> bool:
    """Whether two Parquet files hold the same table, by whatever version they were written."""
    import pyarrow.parquet as pq

    if old == new:
        return True
    if not old or len(old) > 4 * len(new) + MEGABYTE:
        return False
    a, b = (pq.ParquetFile(io.BytesIO(data)) for data in (old, new))
    if a.metadata.num_rows != b.metadata.num_rows or not a.schema_arrow.equals(b.schema_arrow):
        return False
    return a.read().to_pandas(ignore_metadata=True).equals(b.read().to_pandas(ignore_metadata=True))


def _numbers(text: str, reported: Any, computed_text: str, other_words: bool) -> Finding:
    """report.json against the same made again. Sums of another processor or library may round otherwise, by at most ROUNDING; words may not."""
    computed = json.loads(computed_text)
    count = sum(1 for _, value in leaves(computed) if isinstance(value, int | float) and not isinstance(value, bool))
    if text == computed_text:
        return Finding(2, "numbers", "pass", f"{count} numbers of report.json computed again: equal to the last bit")
    wrong = differences(reported, computed, tolerance=ROUNDING)
    pairs = _paired_floats(reported, computed)
    gap = max((abs(a - b) / max(abs(a), abs(b)) for a, b in pairs if a != b), default=0.0)
    agree = f"{count} numbers of report.json computed again: they agree to {gap:.1e}, rounded otherwise by another processor or library (allowed: {ROUNDING:g})"
    if not wrong and report.as_json(reported) == text:
        return Finding(2, "numbers", "pass", agree)
    if other_words and not differences(_numbers_only(reported), _numbers_only(computed), extra=False, tolerance=ROUNDING):
        return Finding(2, "numbers", "unverified", f"{agree}; its words are not those of this version of the reporting code, and were not verified")
    return _judged(2, "numbers", [f"report.json: {line}" for line in wrong] or ["report.json: not in the form in which a report is written"], "")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value of nested JSON, and every empty part, with its place, such as groups / control / aggregates / iqm / ppo / point.

    No two values have one place: a key that could be taken for several is quoted.
    """
    if isinstance(value, dict) and value:
        for key, item in value.items():
            name = json.dumps(key, ensure_ascii=False) if re.search(r' / |\[|"', key) else key
            yield from leaves(item, f"{path} / {name}" if path else name)
    elif isinstance(value, list) and value:
        for k, item in enumerate(value):
            yield from leaves(item, f"{path}[{k}]")
    else:
        yield path, value


def _numbers_only(value: Any) -> dict[str, Any]:
    return {path: item for path, item in leaves(value) if isinstance(item, int | float) or item is None}


def differences(recorded: Any, computed: Any, place: str = "", extra: bool = True, tolerance: float = 0.0) -> list[str]:
    """Where two pieces of JSON differ, in words. extra: whether it counts that the computed one has more."""
    old, new = dict(leaves(recorded, place)), dict(leaves(computed, place))
    found = []
    for path, value in old.items():
        if path not in new:
            found.append(f"{path} is reported, but not computed any more")
        elif value != new[path] or type(value) is not type(new[path]):
            close = isinstance(value, float) and isinstance(new[path], float) and abs(value - new[path]) <= tolerance * max(abs(value), abs(new[path]))
            if not close:
                found.append(f"{path} is {_short(value)}, computed {_short(new[path])}")
    return found + ([f"{path} is computed, but not reported" for path in new if path not in old] if extra else [])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _paired_floats(recorded: Any, computed: Any) -> list[tuple[float, float]]:
    new = dict(leaves(computed))
    return [(value, new[path]) for path, value in leaves(recorded) if isinstance(value, float) and isinstance(new.get(path), float)]


def _table_differences(name: str, old: str, new: str) -> list[str]:
    if old == new:
        return []
    before, after = (list(csv.reader(io.StringIO(text))) for text in (old, new))
    if not before or before[0] != after[0]:
        return [f"{name}: its columns are {', '.join(before[0]) if before else 'missing'}"]
    wrong = [f"{name}: {len(before) - 1} rows, computed {len(after) - 1}"] if len(before) != len(after) else []
    for line, (old_row, new_row) in enumerate(zip(before, after, strict=False), start=1):
        wrong += [f"{name} line {line}, {column}: {x}, computed {y}" for column, x, y in zip(after[0], old_row, new_row, strict=False) if x != y]
    return wrong or [f"{name}: other bytes"]


PICTURES = re.compile(r"<svg\b.*?</svg>|(?<=<img src=.)data:image/webp;base64,[A-Za-z0-9+/=]*", re.DOTALL)
DRAWING = ("matplotlib", "pillow", "pygame-ce", "gymnasium", "mujoco")  # packages that decide what a picture looks like


def _page(name: str, old: str, new: str, otherwise: list[str], rendering: dict[str, Any]) -> Finding:
    """The page and the tables, byte for byte. What other code words otherwise, and what another matplotlib draws otherwise, was not verified."""
    a, b = (report.DATE.sub("", text, count=1) if name == "report.html" else text for text in (old, new))
    if a == b:
        return Finding(2, name, "pass", "the same bytes" + (" but for the date" if name == "report.html" else ""))
    if not old:
        return Finding(2, name, "fail", f"report/{name} is missing")
    pictures = [PICTURES.findall(text) for text in (a, b)]
    if PICTURES.sub("", a) == PICTURES.sub("", b) and len(pictures[0]) == len(pictures[1]):
        n = sum(x != y for x, y in zip(*pictures, strict=True))
        installed = rendering["packages"]["installed"], reproduction.packages()["installed"]
        there, here = ([p for p in lines if p.lower().partition("==")[0] in DRAWING] for lines in installed)
        how = f"drawn by {', '.join(there)} there, by {', '.join(here)} here" if there != here else "by the same packages"
        state = "unverified" if there != here or rendering["machine"] != reproduction.machine() else "fail"
        return Finding(2, name, state, f"the same words and tables, but {n} of {len(pictures[0])} pictures are others, {how}: they were not verified")
    a_lines, b_lines = a.split("\n"), b.split("\n")
    line = next((k for k, (x, y) in enumerate(itertools.zip_longest(a_lines, b_lines)) if x != y), 0)
    where = f"report/{name} line {line + 1}: {_around(a_lines, b_lines, line)}"
    if otherwise:
        return Finding(2, name, "unverified", f"the page was not verified: it is not what this code writes ({', '.join(otherwise)} differ): {where}")
    return Finding(2, name, "fail", where)


def _around(a: list[str], b: list[str], line: int) -> str:
    """What stands at the first difference of two lines."""
    x, y = (text[line] if line < len(text) else "" for text in (a, b))
    k = next((k for k, (p, q) in enumerate(itertools.zip_longest(x, y)) if p != q), 0)
    start = max(0, k - 20)
    return f"{x[start : k + 20]!r}, made again {y[start : k + 20]!r}"


# ---------------------------------------------------------------------------------------------------------------- sample


def drawn(store: Store, sample: int, seed: int, names: tuple[str, ...] = ()) -> list[str]:
    """The finished runs that level 3 trains again: these, or as many drawn by the seed."""
    finished = sorted({run.id for _, run in store.planned() if store.status(run)[0] == "finished"})
    unknown = [name for name in names if name not in finished]
    if unknown:
        raise Misuse(f"no finished run {unknown[0]} in {store.path}: {store.path}/runs holds them by name")
    if sample < 1:
        raise Misuse(f"--sample {sample}: at least 1 run has to be trained again")
    return list(dict.fromkeys(names)) or random.Random(seed).sample(finished, min(sample, len(finished)))


def _sample(store: Store, sample: int, seed: int, names: tuple[str, ...], workers: int, show: Show) -> Iterator[Finding]:
    chosen = drawn(store, sample, seed, names)
    n = sum(store.status(run)[0] == "finished" for run in jobs.runs_by_id(run for _, run in store.planned()).values())
    how = "named by --run" if names else f"drawn by chance; --seed {seed} draws them again"
    yield Finding(3, "draw", "note" if names else "pass", f"{len(chosen)} of {n} finished runs, {how}")
    old = {run.id: run for _, run in store.planned()}
    study = {**store.study(), "code": jobs.code_versions(store.study())}
    new = {(run.algo, run.env, run.seed): run for _, run in jobs.plan(study)}
    again = {name: new[old[name].algo, old[name].env, old[name].seed] for name in chosen}
    analysis = analyse(store.study(), store.runs(), store.curves(), allow_partial=True)
    with tempfile.TemporaryDirectory() as place:
        other = Store(place)
        other.runs_path.mkdir()
        work = [jobs.Job((run,)) for run in {run.id: run for run in again.values()}.values()]
        launchers.launch(work, other, _launcher(workers), show)
        for name, run in again.items():
            yield _compared(old[name], store, other, run, analysis)


def _curve(store: Store, run: Run) -> np.ndarray:
    return records.table(store.runs_path / run.id, "curve", run)["score"].to_numpy()


def _launcher(workers: int) -> dict[str, Any]:
    return {"name": "local", "jobs": workers, "attempts": 1} if workers > 1 else {"name": "inprocess"}


def _compared(old: Run, store: Store, other: Store, run: Run, analysis: Analysis) -> Finding:
    """A run that was trained again beside the stored one. Passed only where it is the same run."""
    before = store.record(old.id)
    state, after = other.status(run)
    assert before is not None  # it is finished
    if state != "finished":
        return Finding(3, old.id, "fail", f"trained again it {state}: {after.get('error')}")
    apart = _apart(store, old, other, run)
    if not apart:
        return Finding(3, old.id, "pass", f"the same weights, {after['weights_hash_end'][:16]}, scores and episodes")
    changed = _changed(before, after, old, run)
    if not changed:
        what = "other scores" if apart.startswith("the same weights") else "other weights"
        return Finding(3, old.id, "fail", f"{what} on the same kind of machine with the same code: {apart}")
    cell = next(c for group in analysis.groups for (algo, env), c in group.cells.items() if (algo, env) == (run.algo, run.env))
    outside = _outside(cell, _curve(other, run), analysis)
    why = f"numerically different ({'; '.join(changed)}): {apart}"
    if outside:
        return Finding(3, old.id, "fail", f"{why}; and {outside}")
    return Finding(3, old.id, "unverified", f"{why}; its scores are as a new run's would be, which does not tell whether the stored ones are a run's")


DERIVED = ("model_seed", "episode_seeds", "actual_steps", "unit", "weights_hash_start", "diverged")  # of run.json: the same each time that a run is made


def _apart(store: Store, old: Run, other: Store, new: Run) -> str:
    """Where a stored run and the one made again differ, in words; empty where they are the same run."""
    before, after = store.record(old.id), other.record(new.id)
    assert before is not None and after is not None  # both are finished
    if before["weights_hash_end"] != after["weights_hash_end"]:
        return f"weights {before['weights_hash_end'][:16]} there, {after['weights_hash_end'][:16]} here"
    for key in DERIVED:
        if before[key] != after[key]:
            return f"the same weights, but {key} {records.shown(before[key])} there, {records.shown(after[key])} here"
    for name, shown in (("curve", "score"), ("episodes", "return")):
        there, here = (records.table(s.runs_path / run.id, name, run).drop(columns=["seconds"], errors="ignore") for s, run in ((store, old), (other, new)))
        if not there.equals(here):  # their shapes are the plan's
            row = int((there != here).any(axis=1).to_numpy().argmax())
            what, a, b = "score" if name == "curve" else "episodes", there.iloc[row], here.iloc[row]
            return f"the same weights, but {what} at step {a['step']} {a[shown]:.6g} there, {b[shown]:.6g} here"
    return ""


def _changed(before: dict[str, Any], after: dict[str, Any], old: Run, new: Run) -> list[str]:
    """In what the code and the machine of two records differ."""
    changed = [] if old.code == new.code else ["the code or its packages changed since"]
    return changed + [f"{key}: {records.shown(a)} there, {b} here" for key, a, b in _other_machine(before["host"], after["host"])]


KIND = ("python", "machine", "cpu", "cpu_capability", "bits_of_torch", "threads", "torch", "torch_config", "numpy", "scipy", "numba", "llvmlite", "gymnasium",
        "stable_baselines3")


def _other_machine(there: dict[str, Any], here: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """In what two machines differ that may change a bit of a run. What an earlier version did not record is not known to differ."""
    return [(key, there[key], here.get(key)) for key in KIND if there.get(key) is not None and there[key] != here.get(key)]


def _outside(cell: Cell, scores: np.ndarray, analysis: Analysis) -> str:
    """Whether a run's final score and its mean over checkpoints are such as one more run of this cell would have: in words if not.

    One more normal draw lies within mean ± t sd √(1 + 1/n) (Hahn & Meeker 1991, §4.2); where the runs agree by chance, within the margin of equivalence.
    """
    group = next(g for g in analysis.groups if (cell.algo, cell.env) in g.cells)
    margin = analysis.statistics.margin * abs(group.scales[cell.env].span or 0.0)
    for what, recorded, new in (("final score", cell.final, scores[-1]), ("mean score over all checkpoints", cell.scores.mean(axis=1), scores.mean())):
        n = len(recorded)
        spread = distributions.t.ppf((1 + NEW_RUN) / 2, n - 1) * recorded.std(ddof=1) * np.sqrt(1 + 1 / n) if n > 1 else np.inf
        reach = max(float(spread), margin)
        if abs(new - recorded.mean()) > reach:
            return f"its {what}, {new:.4g}, lies outside {recorded.mean():.4g} ± {reach:.4g}, where one more of these {n} runs would"
    return ""


# ------------------------------------------------------------------------------------------------------------ everything


class Made:
    """Which runs of a folder this verification made itself: those with a mark that nobody can make without its secret."""

    def __init__(self, store: Store, secret: str):
        self.store, self.secret, self.path = store, secret.encode(), store.path / ".made-here.json"
        self.marks = {key: value for key, value in _read(self.path).items() if isinstance(value, str)}

    def _mark(self, run_id: str) -> str:
        record = self.store.record(run_id)
        return hmac.new(self.secret, f"{run_id} {record['seal']}".encode(), "sha256").hexdigest() if record else ""

    def __contains__(self, run_id: str) -> bool:
        try:
            return hmac.compare_digest(self.marks.get(run_id, "").encode(), self._mark(run_id).encode() or b"none")
        except IntegrityError:
            return False

    def enter(self, run_ids: list[str]) -> None:
        """Mark runs that have just been made, in a folder that held no others."""
        new = {run_id: self._mark(run_id) for run_id in run_ids if run_id not in self.marks and self.store.record(run_id)}
        if new:
            self.marks |= new
            write_whole(self.path, json.dumps(self.marks, indent=1))


def _everything(store: Store, out: Path | None, secret: str | None, workers: int, show: Show) -> Iterator[Finding]:
    study = store.study()
    again = {**study, "code": jobs.code_versions(study), "source": reproduction.source(), "keep_models": False}
    with nullcontext(out) if out else tempfile.TemporaryDirectory() as place:
        other = Store(place)
        with _locked(other):
            planned = jobs.runs_by_id(run for _, run in jobs.plan(again))
            made = _only_ours(other, planned, again, secret)
            other.save_study(again)
            kept = sum(run_id in made for run_id in planned)
            todo = [run for run_id, run in planned.items() if run_id not in made]
            done = 0

            def entering(progress: launchers.Progress) -> None:
                nonlocal done
                if progress.done_runs > done:
                    done = progress.done_runs
                    made.enter(list(planned))
                show(progress)

            launcher = {"name": "local", "jobs": workers, "attempts": 2}
            launchers.launch(jobs.group(todo, workers, LOCKSTEP), other, launcher, entering)
            made.enter(list(planned))
        runs = other.runs()
        failed = runs[runs["status"] != "finished"].drop_duplicates("run_id")
        if len(failed):
            row = failed.iloc[0]
            raise IntegrityError(f"{len(failed)} of the runs that finished there do not finish here, such as {row.run_id}: {row.error or row.status}")
        before = f", {kept} of them before it was interrupted" if kept else ""
        yield Finding(4, "runs", "pass", f"{len(planned)} runs made by this verification{before}, and no other used")
        yield from _old_against_new(store, other, study, again)


@contextmanager
def _locked(other: Store) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(other.lock())
        except (UserError, OSError) as error:
            raise Misuse(f"--out {other.path}: {error}") from None
        yield


def _only_ours(other: Store, planned: dict[str, Run], again: dict[str, Any], secret: str | None) -> Made:
    """The marks of a folder in which no run is left that this verification did not make. Misuse where it cannot be told, or holds another study's."""
    there = [path.name for path in other.runs_path.iterdir() if not path.name.startswith(".")] if other.runs_path.is_dir() else []
    made = Made(other, secret or secrets.token_hex(16))
    if not there:
        made.marks = {}
        return made
    if secret is None:
        raise Misuse(f"--out {other.path}: it holds runs that this verification did not make, which prove nothing: remove it, choose another, "
                     "or give the --secret that the interrupted verification printed")  # fmt: skip
    ours = [name for name in there if name in made]
    if not ours:
        raise Misuse(f"--out {other.path}: none of its {len(there)} runs was made by the verification of this --secret")
    if not set(ours) <= set(planned):
        raise Misuse(f"--out {other.path}: it holds runs of other code or of another study: remove it, or choose another")
    for name in set(there) - set(ours):  # such as one that was finished, but not marked any more, when it was interrupted
        other.quarantine(name)
    made.marks = {name: made.marks[name] for name in ours}
    return made


def _old_against_new(store: Store, other: Store, study: dict[str, Any], again: dict[str, Any]) -> Iterator[Finding]:
    """Algorithm by algorithm: passed where every run is the same; where code or machine differ, the statistics of two studies are said, not passed."""
    plans = [{(run.algo, run.env, run.seed): run for _, run in jobs.plan(s)} for s in (study, again)]
    apart, changed = {}, {}
    for key, run in plans[0].items():
        if store.status(run)[0] == "finished":
            apart[key] = _apart(store, run, other, plans[1][key])
            changed[key] = _changed(store.record(run.id) or {}, other.record(plans[1][key].id) or {}, run, plans[1][key])
    old, new = (analyse(s.study(), s.runs(), s.curves(), allow_partial=True) for s in (store, other))
    for pair in against.pairs(old, new):
        keys = [key for key in apart if key[0] == pair.algo and key[1] in pair.envs]
        different = [key for key in keys if apart[key]]
        name = f"{pair.algo} on {', '.join(pair.envs)}"
        same = f"{len(keys) - len(different)} of {len(keys)} seeds end with the same weights and scores"
        if keys and not different:
            yield Finding(4, name, "pass", same)
            continue
        first = different[0] if different else None
        here = [key for key in different if not changed[key]]
        if first is None:
            yield Finding(4, name, "fail", "no seed of both has finished")
        elif here:
            yield Finding(4, name, "fail", f"{same}, by the same code on the same kind of machine; seed {here[0][2]} on {here[0][1]}: {apart[here[0]]}")
        elif pair.test.tier in ("C", "identical"):
            why = "; ".join(changed[first])
            yield Finding(4, name, "unverified", f"{same} ({why}), so the stored runs were not verified. As two samples: {pair.sentence}")
        else:
            yield Finding(4, name, "fail", f"{same}; {pair.sentence}")


# ---------------------------------------------------------------------------------------------------------------- unseen


def unseen(store: Store, level: int, findings: list[Finding], registered: bool = False) -> list[str]:
    """What was not verified at this level, or can be verified at none: it stands on the author's word. A sentence each."""
    study = _study(store)
    if records.of_study(study):
        return ["anything: study.yaml is not of its form"]
    how, source = study["statistics"], study.get("source") or {}
    said = []
    if level == 1:
        said.append("the numbers and words of the report (level 2 makes them again)")
    n = len({run.id for _, run in jobs.plan(study)})
    again = sum(f.level == 3 and f.what not in ("draw", "sample") for f in findings)
    if level <= 2:
        said.append("that any run was trained: rows and weights' hashes could be invented (level 3 trains some again, level 4 all)")
    elif level == 3 and again < n:
        share = again / n
        said.append(f"the {n - again} of {n} runs that were not trained again: one forged run among them escapes {again} draws in {1 - share:.0%} of cases")
    said.append("that no run, seed, algorithm, task or whole study was made and left out")
    if not registered:
        seeds = ", ".join(map(str, study["seeds"][:5])) + (" …" if len(study["seeds"]) > 5 else "")
        chosen = f"margin ±{how.get('margin', 0.05):g}, seeds {seeds}, threshold {how.get('threshold', 0.9):g}, {_chosen(study)}"
        said.append(f"that these were fixed before the runs: {chosen}, comparisons and budgets (a digest posted by sb3-course register would tell)")
    else:
        said.append("that the digest was posted before the runs: look where and when its author did")
    said += [*_references(study), *_environments(study), *_settings(study)]
    said.append(f"commit {str(source.get('commit'))[:12]} and the code versions of the runs" + ("" if level >= 3 else ": that this code trained them")
                if source.get("commit") else "which commit trained the runs: none is recorded")  # fmt: skip
    said.append("machines, package versions, hashes of environments' sources, dates, durations and speeds, the last logged training metrics, and errors of "
                "failed runs, as recorded")
    said.append("words of the author: names, question, command, sources of settings and references, published scores, tuning")
    if any(store.runs_path.glob("*/model.*")):
        said.append("that the stored models are those whose weights' hashes are recorded")
    if (store.path / animation.FOLDER).is_dir():
        said.append("that the films show what these runs play, and the reasons why others have none")
    if (store.path / "quarantine").is_dir():
        said.append("what lies in quarantine/")
    return said


def _chosen(study: dict[str, Any]) -> str:
    """How was measured and judged, in a few words."""
    how, protocol, sequence = study["statistics"], study["protocol"], study.get("sequential") or {}
    words = [f"confidence {how.get('confidence', 0.95):g}", f"{how.get('reps', 50_000):,} repetitions", f"bootstrap seed {how.get('seed', 0)}"]
    words += ["pairs by seed"] if how.get("paired") else []
    words += [f"error {sequence['alpha']:g} of the sequence"] if sequence else []
    words.append(f"{protocol['eval_episodes']} {'greedy' if protocol['deterministic'] else 'sampled'} evaluation episodes at "
                 f"{protocol['eval_points']} checkpoints, seed {protocol['eval_seed']}")  # fmt: skip
    return ", ".join(words)


def _known(kind: str, name: str) -> dict[str, Any]:
    """What this program's settings say of an environment or algorithm; nothing where it has none."""
    return (yaml.safe_load((CONFIGS / kind / f"{name}.yaml").read_text(encoding="utf-8")) or {}) if name in options(kind) else {}


def _listed(what: str, found: list[str]) -> list[str]:
    return [f"{what}: {'; '.join(found[:MOST_NAMED])}{' and more' if len(found) > MOST_NAMED else ''}"] if found else []


def _references(study: dict[str, Any]) -> list[str]:
    """The scores that normalise, where this program knows others or none."""
    other = []
    for env in study["envs"]:
        ours, given = (_known("env", env).get("normalise") or {}), ((study.get("normalise") or {}).get(env) or {})
        scales = [f"{of['random']} to {of['expert']}" if {"random", "expert"} <= set(of) else "none" for of in (given, ours)]
        other += [f"{env} {scales[0]} (this program knows {scales[1]})"] if scales[0] != scales[1] else []
    return _listed("reference scores that are the author's own", other)


def _environments(study: dict[str, Any]) -> list[str]:
    """Settings of environments that this program would not give them: another task under the same name."""
    other = []
    for env, spec in study["envs"].items():
        given, ours = ({key: of.get(key) for key in ("kwargs", "max_episode_steps", "eval_episodes") if of.get(key)} for of in (spec, _known("env", env)))
        other += [f"{env} {records.shown(json.dumps(given))} (this program knows {json.dumps(ours)})"] if given != ours else []
    return _listed("settings of environments that are the author's own", other)


def _settings(study: dict[str, Any]) -> list[str]:
    """Hyper-parameters whose source, and budgets beside which a tuned number, is stated otherwise than this program would."""
    sources, budgets = [], []
    for algo, env in dict.fromkeys((algo, env) for group in study["groups"] for algo in group["algos"] for env in group["envs"]):
        base = registry.settings_of(algo)
        ours, said = provenance(base, env, study["hyperparams"][algo][env]), at(study, "provenance", algo, env)
        if ours != said:
            sources.append(f"{algo} on {env} ({'' if said else 'none is said; '}this program says: {ours})")
        tuned = (_known("algo", base).get(env) or {}).get("n_timesteps") if is_from_zoo(base) else None
        steps = at(study, "zoo_budget", env, algo)
        if "zoo_budget" in study and tuned != steps:
            budgets.append(f"{algo} on {env}, {steps or 'none'} (this program knows {tuned or 'none'})")
    return [*_listed("sources of hyper-parameters that are the author's own", sources), *_listed("tuned budgets that are the author's own", budgets)]
