"""Does a study hold what its report says? Four levels, each with those before it.

1  integrity   every file is the one that was written, the plan and its seeds are those that were hashed, every score is the mean of its episodes,
               the report is of this store
2  analysis    every number of the report is computed again and equal to the last bit, and the page is the same
3  sample      some runs are trained again: the same hash of the weights, scores and episodes on the same kind of machine; on another kind, curves as a
               new run of that algorithm would have them, flagged as numerically different
4  everything  the whole study is run again, and old and new are compared by two one-sided tests with the study's margin

What fails is named: the run and its file, the number by its place in report.json, the line of the page.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats as distributions

from benchmarks import HarnessError, IntegrityError, UserError, against, animation, jobs, launchers, report, reproduction, trust
from benchmarks.analysis import Analysis, Cell, analyse
from benchmarks.jobs import Run
from benchmarks.plain import is_name, is_regular, one_line
from benchmarks.store import Store
from benchmarks.study import study_hash

LEVELS = {1: "integrity", 2: "analysis", 3: "sample", 4: "everything"}
OF_THE_STORE = ("command", "study", "source", "hosts", "seeds", "seconds", "runs", "root_hash")  # of repro.json: what follows from the store alone
ROUNDING = 1e-9  # relative; what sums may differ by between processors and library versions
NEW_RUN = 0.99  # of the prediction interval in which a run that was trained again on other hardware has to fall
MOST_NAMED = 5

Show = Callable[[launchers.Progress], None]


@dataclass(frozen=True)
class Finding:
    """One check and what came of it: "pass", "note" (passed, but read this) or "fail"."""

    level: int
    what: str
    state: str
    said: str


def verify(
    store: Store, level: int, *, sample: int = 2, seed: int = 0, runs: tuple[str, ...] = (), out: Path | None = None, workers: int = 1,
    show: Show | None = None, trusted: bool = False,
) -> Iterator[Finding]:  # fmt: skip
    """The findings, in order, up to a level. sample, seed: how many runs level 3 trains again and how they are drawn; runs: or these, by name.

    out: where level 4 keeps the runs that it makes; started again, it continues there. trusted: levels 3 and 4 may run what is not this project's own.
    """
    if level not in LEVELS:
        raise UserError(f"--level {level}: there are {', '.join(f'{k} ({word})' for k, word in LEVELS.items())}")
    show = show or (lambda progress: None)
    if level >= 3:  # which train, where those below only read
        trust.demand(trust.foreign(store.study()), f"level {level} of {store.path.name}", trusted)
    yield from _integrity(store)
    if level >= 2:
        yield from _guarded(2, "analysis", _analysis(store))
    if level >= 3:
        yield from _guarded(3, "sample", _sample(store, sample, seed, runs, workers, show))
    if level >= 4:
        yield from _guarded(4, "everything", _everything(store, out or store.path.with_name(f"{store.path.name}-again"), workers, show))


def _guarded(level: int, what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """What cannot even be computed is a finding too; a mistake of the user's is not."""
    try:
        yield from findings
    except UserError:
        raise
    except (HarnessError, OSError) as error:
        yield Finding(level, what, "fail", str(error))


def _judged(level: int, what: str, wrong: list[str], right: str) -> Finding:
    more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    return Finding(level, what, "fail", "; ".join(wrong[:MOST_NAMED]) + more) if wrong else Finding(level, what, "pass", right)


# ------------------------------------------------------------------------------------------------------------- integrity


def _integrity(store: Store) -> Iterator[Finding]:
    study = store.study()
    found = study_hash(study)
    wrong = [] if study.get("hash") == found else [f"study.yaml: its content hashes to {found[:16]}, not to its hash {str(study.get('hash'))[:16]}"]
    yield _judged(1, "plan", wrong, f"study.yaml hashes to {found[:16]}")

    planned = jobs.runs_by_id(run for _, run in store.planned())
    lost, wrong, seeds, scores, n_files = [], [], [], [], 0
    for run in planned.values():
        state, record = store.status(run)
        if state == "corrupt":
            wrong.append(record["error"])
        elif state != "finished":
            lost.append(f"{run.id}: {state}")
        else:
            n_files += 1 + len(record["files"])
            wrong += [f"run {run.id}/run.json: {key} is not the plan's" for key in run.__dataclass_fields__ if record.get(key) != getattr(run, key)]
            seeds += _wrong_seeds(run, record)
            scores += _wrong_scores(store, run, record)
    whole = _read_json(store.path / "report" / "report.json")
    said = isinstance(whole, dict) and whole.get("is_partial") is True
    yield _judged(1, "runs", [*wrong, *([] if said else lost)], f"{len(planned) - len(lost)} runs, {n_files} files: all hashes are right")
    if lost and said:
        yield Finding(1, "runs", "note", f"{len(lost)} of {len(planned)} runs are missing, as the report says")
    yield _judged(1, "seeds", seeds, "the seeds of models and evaluation episodes are those that the rule derives")
    yield _judged(1, "scores", scores, "every score of a curve is the mean of its evaluation episodes")
    yield from _films(store)
    strays = sorted({path.name for path in store.runs_path.iterdir() if not path.name.startswith(".")} - set(planned)) if store.runs_path.is_dir() else []
    if strays:
        yield Finding(1, "runs", "note", f"{len(strays)} directories belong to no planned run and enter no number: {', '.join(strays[:MOST_NAMED])}")
    yield from _report_is_of_this_store(store)


def _films(store: Store) -> Iterator[Finding]:
    wrong, n = animation.damage(store)
    if wrong or n:
        yield _judged(1, "films", wrong, f"{n} films are whole, and of runs with these weights; what they show is not verified")


def _wrong_seeds(run: Run, record: dict[str, Any]) -> list[str]:
    from benchmarks.evaluation import episode_seeds, model_seed

    wrong = []
    if record.get("model_seed") not in (None, model_seed(run.seed)):
        wrong.append(f"run {run.id}: model seed {record['model_seed']}, but seed {run.seed} gives {model_seed(run.seed)}")
    if "episode_seeds" in record and record["episode_seeds"] != episode_seeds(run.protocol["eval_seed"], run.seed, run.protocol["eval_episodes"]):
        wrong.append(f"run {run.id}: its evaluation episodes have other seeds than seed {run.seed} gives")
    return wrong


def _wrong_scores(store: Store, run: Run, record: dict[str, Any]) -> list[str]:
    """Where a run's curve is not what its evaluation episodes give. Runs of other programs may have no episodes."""
    curve, episodes = (_rows(store, run, name) for name in ("curve", "episodes"))
    if "episode_seeds" not in record and episodes.empty:
        return []
    if curve["step"].tolist() != list(run.checkpoints):
        return [f"run {run.id}: its curve has other checkpoints than the plan"]
    played = episodes.groupby("step")
    for row in curve.itertuples():
        returns = played.get_group(row.step) if row.step in played.groups else episodes[:0]
        if len(returns) != run.protocol["eval_episodes"] or row.n_episodes != len(returns):
            return [f"run {run.id}: {len(returns)} episodes at step {row.step}, not {run.protocol['eval_episodes']}"]
        means = {"score": returns["return"].mean(), "score_std": returns["return"].std(ddof=0), "episode_length": returns["length"].mean()}
        for column, mean in means.items():
            if not np.isclose(getattr(row, column), mean, rtol=1e-9, atol=1e-9, equal_nan=True):
                return [f"run {run.id}: {column} at step {row.step} is {getattr(row, column):.6g}, but its episodes give {mean:.6g}"]
    return []


def _rows(store: Store, run: Run, name: str) -> Any:
    return store.rows(run.id, name).sort_values(["step", "episode"] if name == "episodes" else "step")


def _report_is_of_this_store(store: Store) -> Iterator[Finding]:
    directory = store.path / "report"
    if not directory.is_dir():
        yield Finding(1, "report", "note", "there is no report here; the runs alone were checked")
        return
    recorded = _read_json(directory / "repro.json")
    if not isinstance(recorded, dict) or not {"rendering", "files"} <= set(recorded):
        missing = "cannot be read" if recorded is None else "was written by an earlier version"
        yield Finding(1, "report", "fail", f"repro.json {missing}: sb3-course report {store.path} makes the report again")
        return
    frame = store.runs()
    seals = {run_id: store.record(run_id)["seal"] for run_id in frame.loc[frame["status"] == "finished", "run_id"].drop_duplicates()}  # type: ignore[index]
    facts = json.loads(report.as_json(reproduction.facts(store.study(), frame, seals, recorded["rendering"])))
    wrong = [f"repro.json: {line}" for key in OF_THE_STORE for line in differences(recorded.get(key), facts[key], key)]
    yield _judged(1, "provenance", wrong, f"repro.json tells of this store; root hash {facts['root_hash'][:16]}")
    wrong = []
    for name, expected in recorded["files"].items():
        path = directory / name
        if not is_name(name) or not is_regular(path):
            wrong.append(f"report/{one_line(name)}: missing, or no file of the report")
        elif report.hash_of(name, path.read_bytes()) != expected:
            wrong.append(f"report/{name}: hash mismatch")
    yield _judged(1, "report", wrong, f"{len(recorded['files'])} files of the report: all hashes are right")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


# -------------------------------------------------------------------------------------------------------------- analysis


def _analysis(store: Store) -> Iterator[Finding]:
    directory = store.path / "report"
    recorded, reported = _read_json(directory / "repro.json"), _read_json(directory / "report.json")
    if not isinstance(recorded, dict) or "rendering" not in recorded or not isinstance(reported, dict):
        yield Finding(2, "numbers", "fail", f"no report to check against: sb3-course report {store.path} makes one")
        return
    rendering = recorded["rendering"]
    built = report.build(store, allow_partial=bool(reported.get("is_partial")), rendering=rendering)
    same_code, same_kind = rendering["code"] == reproduction.reporting_code(), _same_kind_of_rendering(rendering)
    computed = json.loads(_text(built.files["report.json"]))
    yield _numbers(reported, computed, same_code, same_kind)
    for name in ("scores.csv", "curves.csv"):
        path = directory / name
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        yield _judged(2, name, _table_differences(name, old, _text(built.files[name])), "every value again")
    for name in ("report.html", "tables.tex", "references.bib"):
        path = directory / name
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        yield _page(name, old, _text(built.files[name]), same_code, rendering)


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode()


BITS = ("numpy", "scipy", "numba", "llvmlite", "pandas")  # packages that may change the last bit of a number


def _same_kind_of_rendering(rendering: dict[str, Any]) -> bool:
    here = reproduction.packages()["main"]
    there = rendering["packages"]["main"]
    return rendering["machine"] == reproduction.machine() and all(here.get(p) == there[p] for p in BITS if p in there)


def _numbers(reported: Any, computed: Any, same_code: bool, same_kind: bool) -> Finding:
    count = sum(1 for _, value in leaves(computed) if isinstance(value, int | float) and not isinstance(value, bool))
    if not same_code:  # words may have changed and numbers may have been added, but none may be another
        reported, computed = _numbers_only(reported), _numbers_only(computed)
    wrong = differences(reported, computed, extra=same_code)
    if not wrong:
        version = "" if same_code else ", by another version of the reporting code"
        return Finding(2, "numbers", "pass" if same_code else "note", f"{count} numbers of report.json computed again{version}: equal to the last bit")
    pairs = _paired_floats(reported, computed)
    gap = max((abs(a - b) / max(abs(a), abs(b)) for a, b in pairs if a != b), default=0.0)
    only_rounding = not differences(reported, computed, extra=same_code, tolerance=ROUNDING)
    if only_rounding and not same_kind:
        return Finding(2, "numbers", "note", f"numerically different: {count} numbers agree to {gap:.1e}, on another kind of machine or with other libraries")
    return _judged(2, "numbers", [f"report.json: {line}" for line in wrong], "")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value of nested JSON with its place, such as groups / control / aggregates / iqm / ppo / point."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path} / {key}" if path else str(key))
    elif isinstance(value, list):
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


PICTURES = re.compile(r"<svg\b.*?</svg>|<section id=.median.>.*?</section>", re.DOTALL)
DRAWING = ("matplotlib", "pillow", "pygame-ce", "gymnasium", "mujoco")  # packages that decide what a picture looks like


def _page(name: str, old: str, new: str, same_code: bool, rendering: dict[str, Any]) -> Finding:
    """The page and the tables, byte for byte. Other code may word them otherwise; another matplotlib may draw otherwise."""
    if report.hash_of(name, old) == report.hash_of(name, new):
        return Finding(2, name, "pass", "the same bytes" + (" but for the date" if name == "report.html" else ""))
    if not old:
        return Finding(2, name, "fail", f"report/{name} is missing")
    if not same_code:
        return Finding(2, name, "note", "made by another version of the reporting code, which words or draws it otherwise; its numbers are report.json's")
    installed = rendering["packages"]["installed"], reproduction.packages()["installed"]
    there, here = ([p for p in lines if p.lower().partition("==")[0] in DRAWING] for lines in installed)
    without = [PICTURES.sub("", report.DATE.sub("", text)) for text in (old, new)]
    if (there != here or rendering["machine"] != reproduction.machine()) and without[0] == without[1]:
        return Finding(2, name, "note", f"the same words and tables; pictures drawn by {', '.join(there)} there, by {', '.join(here)} here")
    a, b = (report.DATE.sub("", text).splitlines() for text in (old, new))
    line = next((k for k, (x, y) in enumerate(itertools.zip_longest(a, b)) if x != y), 0)
    return Finding(2, name, "fail", f"report/{name} line {line + 1}: {_around(a, b, line)}")


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
        raise UserError(f"no finished run {unknown[0]} in {store.path}: {store.path}/runs holds them by name")
    if sample < 1:
        raise UserError(f"--sample {sample}: at least 1 run has to be trained again")
    return list(names) or random.Random(seed).sample(finished, min(sample, len(finished)))


def _sample(store: Store, sample: int, seed: int, names: tuple[str, ...], workers: int, show: Show) -> Iterator[Finding]:
    chosen = drawn(store, sample, seed, names)
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
            yield _compared(name, store, other, run, analysis)


def _curve(store: Store, run: Run) -> np.ndarray:
    return _rows(store, run, "curve")["score"].to_numpy()


def _launcher(workers: int) -> dict[str, Any]:
    return {"name": "local", "jobs": workers, "attempts": 1} if workers > 1 else {"name": "inprocess"}


def _compared(name: str, store: Store, other: Store, run: Run, analysis: Analysis) -> Finding:
    """A run that was trained again beside the stored one."""
    before = store.record(name)
    state, after = other.status(run)
    assert before is not None  # it is finished
    if state != "finished":
        return Finding(3, name, "fail", f"trained again it {state}: {after.get('error')}")
    old = next(planned for _, planned in store.planned() if planned.id == name)
    apart = _other_scores(_rows(store, old, "curve"), _rows(other, run, "curve"), _rows(store, old, "episodes"), _rows(other, run, "episodes"))
    same_weights = before.get("weights_hash_end") == after["weights_hash_end"]
    if same_weights and not apart:
        return Finding(3, name, "pass", f"the same weights, {after['weights_hash_end'][:16]}, scores and episodes")
    changed = [] if before["code"] == run.code else ["the code or its packages changed since"]
    changed += [f"{key}: {a} there, {b} here" for key, a, b in _other_machine(before.get("host") or {}, after["host"])]
    hashes = f"weights {str(before.get('weights_hash_end'))[:16]} there, {after['weights_hash_end'][:16]} here"
    hashes = f"the same weights, but {apart}" if same_weights else hashes
    if not changed:
        what = "other scores" if same_weights else "other weights"
        return Finding(3, name, "fail", f"{what} on the same kind of machine with the same code: {hashes}")
    cell = next(c for group in analysis.groups for (algo, env), c in group.cells.items() if (algo, env) == (run.algo, run.env))
    outside = _outside(cell, _curve(other, run), analysis)
    why = f"numerically different ({'; '.join(changed)}): {hashes}"
    if outside:
        return Finding(3, name, "fail", f"{why}; and {outside}")
    return Finding(3, name, "note", f"{why}; its scores are as a new run's would be")


def _other_scores(curve: Any, curve_again: Any, episodes: Any, episodes_again: Any) -> str:
    """Where the scores and episodes of two runs differ, in words; empty where they do not."""
    tables = (("score", curve, curve_again, ["step", "score"]), ("episodes", episodes, episodes_again, ["step", "episode", "length", "return"]))
    for what, there, here, columns in tables:
        a, b = there[columns].to_numpy(), here[columns].to_numpy()
        if len(a) and not np.array_equal(a, b, equal_nan=True):
            if a.shape != b.shape:
                return f"{len(a)} rows of {what} there, {len(b)} here"
            row = int(np.argmax((a != b).any(axis=1)))
            return f"{what} at step {a[row][0]:.0f} {a[row][-1]:.6g} there, {b[row][-1]:.6g} here"
    return ""


KIND = ("python", "machine", "cpu", "cpu_capability", "threads", "torch", "torch_config", "numpy", "scipy", "numba", "llvmlite", "gymnasium",
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


def _everything(store: Store, out: Path, workers: int, show: Show) -> Iterator[Finding]:
    study = store.study()
    again = {**study, "code": jobs.code_versions(study), "source": reproduction.source(), "keep_models": False}
    other = Store(out)
    if other.exists() and other.study().get("code") != again["code"]:
        raise UserError(f"{out} holds runs of other code: remove it, or choose another --out")
    with other.lock():
        other.save_study(again)
        todo = [run for run in jobs.runs_by_id(run for _, run in other.planned()).values() if other.status(run)[0] != "finished"]
        launcher = {**study.get("launcher", {}), "name": "local", "jobs": workers, "attempts": 2}
        launchers.launch(jobs.group(todo, workers, launcher.get("lockstep_seeds", 10)), other, launcher, show)
    runs = other.runs()
    failed = runs[runs["status"] != "finished"].drop_duplicates("run_id")
    if len(failed):
        row = failed.iloc[0]
        raise IntegrityError(f"{len(failed)} of the runs that finished there do not finish here, such as {row.run_id}: {row.error or row.status}")
    old, new = (analyse(s.study(), s.runs(), s.curves(), allow_partial=True) for s in (store, other))
    hosts = [json.loads(text) for text in (store.runs()["host"].iloc[0], runs["host"].iloc[0])]
    same_kind = study.get("code") == again["code"] and not _other_machine(hosts[0], hosts[1])
    for pair in against.pairs(old, new):
        name = f"{pair.algo} on {', '.join(pair.envs)}"
        same = f"{pair.same} of {pair.shared} seeds end with the same weights and scores"
        if 0 < pair.same == pair.shared:
            yield Finding(4, name, "pass", same)
        elif same_kind and pair.same < pair.same_weights:
            yield Finding(4, name, "fail", f"{same}, but {pair.same_weights} with the same weights, by the same code on the same kind of machine")
        elif pair.test.tier in ("C", "identical"):
            yield Finding(4, name, "pass", f"{same}; {pair.sentence}")
        else:
            yield Finding(4, name, "fail", f"{same}; {pair.sentence}")
