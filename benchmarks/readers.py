"""Runs that other programs made, as something that a report can be made of.

    from_zoo(logs)        the RL Zoo's folders: logs/<algo>/<env>_<n>/ with evaluations.npz or *.monitor.csv, and <env>/args.yml for the seed
    from_sb3(pattern)     any folders: 'runs/{algo}/{env}/{seed}', with what EvalCallback (evaluations.npz) or Monitor (*monitor.csv) wrote
    from_csv(files)       tables with a row for each run and checkpoint, or for each run and episode; also one file a run in CleanRL's naming

Nothing is repaired: runs whose checkpoints do not match, that occur twice or that hold NaN are refused by name, and a run that ended before the others
of its kind counts as failed. What is not known of such runs (the protocol, when the margin was fixed, the code) the report does not claim.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from benchmarks import IntegrityError, UserError
from benchmarks.configs import CONFIGS, options
from benchmarks.store import RUN_COLUMNS, TABLES
from benchmarks.study import digest, natural_comparisons

MOST_VALUES = 50_000_000  # checkpoints times bootstrap repetitions of one learning curve: what a report holds in less than 2 GB
ENDED_EARLY = 0.95  # of the longest run's steps: a run of fewer has stopped before its end
COLUMNS = {  # meaning -> what tables call it, in small letters
    "algo": ("algo", "algorithm", "agent", "exp_name", "method"),
    "env": ("env", "env_id", "environment", "task", "game", "domain"),
    "seed": ("seed", "run_seed", "trial"),
    "step": ("step", "global_step", "timesteps", "total_timesteps", "num_timesteps", "steps", "frame", "frames"),
    "score": ("score", "episodic_return", "charts/episodic_return", "return", "mean_return", "mean_reward", "eval/mean_reward", "rollout/ep_rew_mean", "reward",
              "value"),
    "seconds": ("seconds", "time", "wall_time", "wall time", "walltime", "relative_time", "_runtime", "_timestamp", "time/time_elapsed"),
}  # fmt: skip
OF_EPISODES = ("episodic_return", "charts/episodic_return")  # columns that hold single episodes of training
CLEANRL = re.compile(r"(?P<env>.+?)__(?P<algo>.+?)__(?P<seed>\d+)__\d+$")  # the name of a run


@dataclass(frozen=True)
class Reading:
    """How runs are read. scores: "evaluations", "training" or "auto"; points, window: for scores from episodes of training."""

    scores: str = "auto"
    points: int = 20
    window: int = 100
    name: str | None = None
    reps: int = 50_000
    normalise: str | None = None  # a YAML file: environment -> {random, expert, source}

    def __post_init__(self) -> None:
        for what in ("points", "window"):
            if getattr(self, what) < 1:
                raise UserError(f"--{what} {getattr(self, what)}: give a whole number of at least 1")


@dataclass(frozen=True, eq=False)
class Read:
    """What was found of one run. steps, scores, seconds: arrays of its checkpoints or of its episodes (steps: where each ended)."""

    algo: str
    env: str
    seed: int
    source: str
    is_episodes: bool
    steps: np.ndarray
    scores: np.ndarray
    seconds: np.ndarray  # NaN where it is not known
    episodes: int | None = None  # that a checkpoint's score is the mean of
    hash: str = ""
    unfinished: int = 0  # steps that may lie beyond the last episode's end: of episodes that had not ended

    @property
    def name(self) -> str:
        return f"{self.algo} on {self.env}, seed {self.seed} ({self.source})"


class ForeignRuns:
    """Runs in memory with the methods of a Store that a report asks for."""

    def __init__(self, study: dict[str, Any], runs: pd.DataFrame, curves: pd.DataFrame):
        self._study, self._runs, self._curves = study, runs, curves

    def study(self) -> dict[str, Any]:
        return self._study

    def runs(self) -> pd.DataFrame:
        return self._runs.copy()

    def curves(self) -> pd.DataFrame:
        return self._curves.copy()

    def training(self) -> pd.DataFrame:
        return pd.DataFrame(columns=list(TABLES["training"]))

    def record(self, run_id: str) -> dict[str, Any]:
        """The hash of the run's file, in the place of a seal."""
        return {"seal": self._runs.set_index("run_id").loc[run_id, "source_hash"]}


# ---------------------------------------------------------------------------------------------------------------- folders


def from_zoo(logs: Path, how: Reading) -> ForeignRuns:
    """Every run in the Zoo's folders below `logs`."""
    folders = sorted(path for path in logs.glob("*/*_*") if path.is_dir() and re.search(r"_\d+$", path.name))
    found = []
    for folder in folders:
        stem, _, number = folder.name.rpartition("_")
        known = _zoo_arguments(folder / stem / "args.yml")
        seed = known.get("seed")
        seed = int(number) if not isinstance(seed, int) or seed < 0 else seed  # an old folder without args.yml: its number stands for the seed
        found += _folder(folder, str(known.get("algo") or folder.parent.name), str(known.get("env") or stem), seed, how)
    if not found:
        raise UserError(f"no runs in {logs}: expected {logs}/<algo>/<env>_<number>/ with evaluations.npz or *.monitor.csv")
    return assemble(found, how, how.name or logs.resolve().name, f"the RL Zoo's folders in {logs.name}")


class _ZooLoader(yaml.SafeLoader):
    """The Zoo writes an OrderedDict with Python's tags; here it becomes a plain one, and no other tag makes anything."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if suffix == "object/apply:collections.OrderedDict" and isinstance(node, yaml.SequenceNode):
        return dict(loader.construct_sequence(node, deep=True)[0])
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None


_ZooLoader.add_multi_constructor("tag:yaml.org,2002:python/", _plain)


def _zoo_arguments(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        known = yaml.load(path.read_text(encoding="utf-8"), _ZooLoader)  # a SafeLoader
    except (yaml.YAMLError, TypeError, ValueError, IndexError):
        raise IntegrityError(f"{path} cannot be read: remove it, and the folder's number stands for the seed") from None
    return known if isinstance(known, dict) else {}


def from_sb3(pattern: str, how: Reading) -> ForeignRuns:
    """Every run in the folders that a pattern such as 'runs/{algo}/{env}/{seed}' names. An environment's / may stand as - there."""
    missing = [f"{{{key}}}" for key in ("algo", "env", "seed") if f"{{{key}}}" not in pattern]
    if missing:
        raise UserError(f"--from-sb3 {pattern}: it lacks {', '.join(missing)}; such as 'runs/{{algo}}/{{env}}/{{seed}}'")
    expression = re.escape(pattern.rstrip("/"))
    for key, kind in (("algo", "[^/]+"), ("env", "[^/]+"), ("seed", r"\d+")):
        expression = expression.replace(rf"\{{{key}\}}", f"(?P<{key}>{kind})")
    pieces = re.sub(r"\{\w+\}", "*", pattern.rstrip("/"))
    root = Path(pieces).anchor or "."
    found = []
    for folder in sorted(Path(root).glob(str(Path(pieces).relative_to(root)) if Path(pieces).is_absolute() else pieces)):
        match = re.fullmatch(expression, folder.as_posix())
        if match and folder.is_dir():
            found += _folder(folder, match["algo"], match["env"], int(match["seed"]), how)
    if not found:
        raise UserError(f"no runs at {pattern}: no folder of that name holds evaluations.npz or *monitor.csv")
    return assemble(found, how, how.name or re.split(r"[{*]", pattern)[0].strip("/.").replace("/", "-") or "runs", "folders of Stable-Baselines3")


def _folder(folder: Path, algo: str, env: str, seed: int, how: Reading) -> list[Read]:
    evaluations = folder / "evaluations.npz"
    if evaluations.is_file() and how.scores != "training":
        return [evaluations_of(evaluations, algo, env, seed)]
    if how.scores != "evaluations" and any(folder.glob("*monitor.csv")):
        return [monitor_of(folder, algo, env, seed)]
    return []


def evaluations_of(path: Path, algo: str, env: str, seed: int) -> Read:
    """What EvalCallback wrote: a score for every checkpoint, the mean over its evaluation episodes."""
    try:
        with np.load(path) as data:
            steps, results = data["timesteps"], data["results"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise IntegrityError(f"{path} is not what EvalCallback writes: {str(error).splitlines()[0]}") from None
    if results.ndim != 2 or steps.shape != results.shape[:1] or not len(steps):
        raise IntegrityError(f"{path}: {steps.shape} steps and {results.shape} results; expected [checkpoints] and [checkpoints, episodes]")
    if (np.diff(steps) <= 0).any():
        k = int(np.argmax(np.diff(steps) <= 0))
        raise IntegrityError(f"{path}: step {steps[k + 1]} follows {steps[k]}; did two trainings write into one file?")
    return Read(algo, env, seed, str(path), False, steps.astype(int), results.mean(axis=1), np.full(len(steps), np.nan), results.shape[1], _hash([path]))


def monitor_of(folder: Path, algo: str, env: str, seed: int) -> Read:
    """What Monitor wrote, of all environments of a run: the return of every episode of training, and the step at which it ended."""
    from stable_baselines3.common.monitor import get_monitor_files, load_results

    files = sorted(Path(name) for name in get_monitor_files(str(folder)))
    try:
        table = load_results(str(folder))
        returns, lengths, seconds = (table[key].to_numpy() for key in ("r", "l", "t"))
    except (AssertionError, KeyError, ValueError, pd.errors.ParserError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise IntegrityError(f"{folder}/*monitor.csv is not what Monitor writes: {said}") from None
    if not len(returns):
        raise IntegrityError(f"{folder}: no episode has ended in {', '.join(f.name for f in files)}")
    return Read(algo, env, seed, str(folder), True, np.cumsum(lengths).astype(int), returns.astype(float), seconds.astype(float), None, _hash(files),
                int(lengths.max()) * len(files))  # fmt: skip


def _hash(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()


# ----------------------------------------------------------------------------------------------------------------- tables


def from_csv(files: list[Path], how: Reading, columns: dict[str, str] | None = None) -> ForeignRuns:
    """Every run in tables. columns: meaning -> the name of its column, where that is none of COLUMNS."""
    unknown = sorted(set(columns or {}) - set(COLUMNS))
    if unknown:
        raise UserError(f"--column {unknown[0]}=...: a table has {', '.join(COLUMNS)}")
    found = [run for path in files for run in _table(path, how, columns or {})]
    if not found:
        raise UserError(f"no rows in {', '.join(map(str, files))}")
    return assemble(found, how, how.name or files[0].stem, f"tables: {', '.join(path.name for path in files[:5])}{' …' if len(files) > 5 else ''}")


def _table(path: Path, how: Reading, columns: dict[str, str]) -> list[Read]:
    try:
        table = pd.read_csv(path, comment="#")
    except FileNotFoundError:
        raise UserError(f"no table {path}") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as CSV: {str(error).splitlines()[0]}") from None
    named = _named(path, table, columns)
    of_run = CLEANRL.fullmatch(path.stem) or CLEANRL.fullmatch(path.parent.name)
    for key in ("algo", "env", "seed"):
        if key not in named and of_run:
            table[f"@{key}"] = int(of_run["seed"]) if key == "seed" else of_run[key]
            named[key] = f"@{key}"
    missing = [key for key in ("algo", "env", "seed", "step", "score") if key not in named]
    if missing:
        raise UserError(f"{path}: no column for {', '.join(missing)} among {', '.join(map(str, table.columns))}; --column {missing[0]}=NAME says which")
    is_episodes = how.scores == "training" or (how.scores == "auto" and named["score"].lower() in OF_EPISODES)
    for key in ("seed", "step", "score", *(["seconds"] if "seconds" in named else [])):
        numbers = pd.to_numeric(table[named[key]], errors="coerce")
        bad = ~np.isfinite(numbers.to_numpy(dtype=float))
        if bad.any():
            line = int(np.argmax(bad)) + 2
            value = table[named[key]].iloc[line - 2]
            raise UserError(f"{path} line {line}: {key} ({named[key]}) is {value}; a run that failed has no row, not an empty one")
        broken = np.flatnonzero(numbers.to_numpy(dtype=float) % 1)
        if len(broken) and key in ("seed", "step"):
            line = int(broken[0]) + 2
            raise UserError(f"{path} line {line}: {key} ({named[key]}) is {table[named[key]].iloc[line - 2]}, not a whole number")
        table[named[key]] = numbers
    found = []
    digest_of_file = _hash([path])
    for key, rows in table.groupby([named["algo"], named["env"], named["seed"]], sort=True):
        algo, env, seed = key  # type: ignore[misc]
        rows = rows.sort_values(named["step"], kind="stable")
        steps = rows[named["step"]].to_numpy().astype(int)
        seconds = rows[named["seconds"]].to_numpy(dtype=float) if "seconds" in named else np.full(len(rows), np.nan)
        if len(seconds) and seconds[0] > 1e9:  # clock time
            seconds = seconds - seconds.min()
        run = Read(str(algo), str(env), int(seed), str(path), is_episodes, steps, rows[named["score"]].to_numpy(dtype=float), seconds, None, digest_of_file)
        twice = np.flatnonzero(np.diff(steps) == 0)
        if len(twice) and not is_episodes:
            raise UserError(f"{run.name}: step {steps[twice[0]]} occurs twice; if the rows are episodes of training, add --scores training")
        found.append(run)
    return found


def _named(path: Path, table: pd.DataFrame, columns: dict[str, str]) -> dict[str, str]:
    """meaning -> the column that has it."""
    small = {str(column).strip().lower(): column for column in table.columns}
    named = {}
    for meaning, names in COLUMNS.items():
        if meaning in columns:
            if columns[meaning] not in table.columns:
                raise UserError(f"{path}: no column {columns[meaning]} among {', '.join(map(str, table.columns))}")
            named[meaning] = columns[meaning]
        else:
            known = [small[name] for name in names if name in small]
            named |= {meaning: known[0]} if known else {}
    return named


# --------------------------------------------------------------------------------------------------------------- assembly


def assemble(found: list[Read], how: Reading, name: str, source: str) -> ForeignRuns:
    """One study of these runs. UserError for runs that cannot stand beside each other; a run that ended early is one that failed."""
    _refuse_duplicates(found)
    kinds = {run.is_episodes for run in found}
    if len(kinds) > 1:
        one, other = (next(run for run in found if run.is_episodes == kind) for kind in (True, False))
        raise UserError(f"{one.name} has episodes of training only, {other.name} has evaluations: not the same score. --scores training reads all alike")
    cells: dict[tuple[str, str], list[Read]] = {}
    for run in sorted(found, key=lambda run: (run.algo, run.env, run.seed)):
        cells.setdefault((run.algo, run.env), []).append(run)
    whole, failed = [], []
    for runs in cells.values():
        kept, short = (_episodes_as_checkpoints if kinds == {True} else _aligned)(runs, how)
        whole += kept
        failed += short
    _refuse_copies(whole)
    _refuse_too_many(whole, how)
    return _study(whole, failed, cells, how, name, source, kinds == {True})


def _refuse_duplicates(found: list[Read]) -> None:
    seen: dict[tuple, Read] = {}
    for run in found:
        key = (run.algo, run.env, run.seed)
        if key in seen:
            raise UserError(f"{run.algo} on {run.env}, seed {run.seed}, is there twice: {seen[key].source} and {run.source}. The same seed is the same run")
        seen[key] = run


def _refuse_copies(whole: list[Read]) -> None:
    """The same numbers under two seeds are one run that was counted twice."""
    seen: dict[tuple, Read] = {}
    for run in whole:
        key = (run.algo, run.env, run.scores.tobytes(), run.seconds.tobytes())
        if key in seen and np.ptp(run.scores) > 0:
            raise UserError(f"{run.name} equals seed {seen[key].seed} ({seen[key].source}) at all {len(run.scores)} checkpoints: one is a copy, remove it")
        seen[key] = run


def _refuse_too_many(whole: list[Read], how: Reading) -> None:
    """A report resamples whole curves: more checkpoints than anyone could see would take all the memory that there is."""
    most = max(1, MOST_VALUES // how.reps)
    for run in whole:
        if len(run.steps) > most:
            keep = -(-len(run.steps) // most)
            raise UserError(f"{run.name} has {len(run.steps):,} checkpoints, and {how.reps:,} bootstrap repetitions allow {most:,}: keep one row "
                            f"in {keep} of each run (the last one too), or, if the rows are episodes of training, add --scores training")  # fmt: skip


def _aligned(runs: list[Read], how: Reading) -> tuple[list[Read], list[tuple[Read, str]]]:
    longest = max(runs, key=lambda run: len(run.steps)).steps
    kept: list[Read] = []
    short: list[tuple[Read, str]] = []
    for run in runs:
        n = len(run.steps)
        if not np.array_equal(run.steps, longest[:n]):
            k = int(np.argmax(run.steps != longest[:n]))
            raise UserError(f"{run.name}: its checkpoint {k + 1} is at step {run.steps[k]}, that of another seed at {longest[k]}. Scores at different "
                            "steps do not compare; if the rows are episodes of training, --scores training reads them at common steps")  # fmt: skip
        if n < len(longest):
            short.append((run, f"ended early: its last score is at step {run.steps[-1]}, the others go on to {longest[-1]}"))
        else:
            kept.append(run)
    return kept, short


def _episodes_as_checkpoints(runs: list[Read], how: Reading) -> tuple[list[Read], list[tuple[Read, str]]]:
    """The mean of the last `window` episodes, at `points` steps that all runs share."""
    most = max(int(run.steps[-1]) for run in runs)
    whole = [run for run in runs if run.steps[-1] + run.unfinished >= ENDED_EARLY * most]
    short = [(run, f"ended early: its last episode ended at step {run.steps[-1]}, the others go on to {most}") for run in runs if run not in whole]
    end = min(int(run.steps[-1]) for run in whole)
    grid = np.array(sorted({round(end * k / how.points) for k in range(1, how.points + 1)} - {0}))
    kept = []
    for run in whole:
        ended = np.searchsorted(run.steps, grid, side="right")  # episodes until each step
        if ended[0] == 0:
            raise UserError(f"{run.name}: no episode had ended by step {grid[0]}; fewer --points (now {how.points}) put the first checkpoint later")
        sums = np.concatenate([[0.0], np.cumsum(run.scores)])
        first = np.maximum(0, ended - how.window)
        scores = (sums[ended] - sums[first]) / (ended - first)
        kept.append(Read(run.algo, run.env, run.seed, run.source, False, grid, scores, run.seconds[ended - 1], how.window, run.hash))
    return kept, short


def _references(envs: list[str], path: str | None) -> dict[str, dict[str, Any]]:
    """Random and expert scores: of the environments that this project knows, and of the file, which goes first."""
    known = {}
    for name in options("env"):
        given = yaml.safe_load((CONFIGS / "env" / f"{name}.yaml").read_text(encoding="utf-8"))
        if name in envs and (given or {}).get("normalise"):
            known[name] = given["normalise"]
    if path:
        try:
            own = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UserError(f"--normalise {path} cannot be read: {str(error).splitlines()[0]}") from None
        for env, given in (own or {}).items():
            if not isinstance(given, dict) or not {"random", "expert"} <= set(given):
                raise UserError(f"--normalise {path}: {env} needs random and expert, such as {{random: 22.1, expert: 500, source: ...}}")
            known |= {env: {"source": Path(path).name, **given}} if env in envs else {}
    return known


def _study(
    whole: list[Read], failed: list[tuple[Read, str]], cells: dict[tuple[str, str], list[Read]], how: Reading, name: str, source: str, from_training: bool
) -> ForeignRuns:
    algos = list(dict.fromkeys(algo for algo, _ in cells))
    envs_of = {algo: tuple(env for a, env in cells if a == algo) for algo in algos}
    planned = max(len(runs) for runs in cells.values())
    groups: list[dict[str, Any]] = []
    for envs in dict.fromkeys(envs_of.values()):  # a rectangle for the algorithms that share their tasks
        members = [algo for algo in algos if envs_of[algo] == envs]
        title = "all" if len(set(envs_of.values())) == 1 else f"{', '.join(members[:4])}{' …' if len(members) > 4 else ''}"
        groups.append({"name": title, "algos": members, "envs": list(envs), "comparisons": _comparisons(members)})
    last = {(run.algo, run.env): int(run.steps[-1]) for run in whole}
    if not last:
        raise UserError(f"every run in {source} ended early")
    group_of = {(algo, env): group["name"] for group in groups for algo in group["algos"] for env in group["envs"]}

    rows = [_row(run, group_of, "finished", None, last) for run in whole]
    rows += [_row(run, group_of, "failed", why, last) for run, why in failed]
    for (algo, env), runs in cells.items():  # every cell should have as many runs as the one with the most
        taken = {run.seed for run in runs}
        spare = [seed for seed in sorted({run.seed for other in cells.values() for run in other}) if seed not in taken]
        for seed in spare[: planned - len(runs)]:
            absent = Read(algo, env, seed, "not there", False, np.array([]), np.array([]), np.array([]))
            rows.append(_row(absent, group_of, "missing", None, last))
    runs_table = pd.DataFrame(rows)
    curves = pd.concat([_curve(run) for run in whole], ignore_index=True)
    episodes = sorted({run.episodes for run in whole if run.episodes})
    score = (
        f"mean return of the last {how.window} episodes of training (fewer at the start), with its actions; read at {how.points} steps that all runs share"
        if from_training
        else f"the last value that its own program recorded{f', a mean over {_several(episodes)} evaluation episodes' if episodes else ''}"
    )
    seeds = sorted({run.seed for runs in cells.values() for run in runs})
    study: dict[str, Any] = {
        "name": name,
        "question": f"How {'do' if len(algos) > 1 else 'does'} {', '.join(algos)} score on {', '.join(dict.fromkeys(env for _, env in cells))}?",
        "seeds": seeds,
        "groups": groups,
        "protocol": {
            "name": "as recorded",
            "words": {
                "Score of a run": f"{score}; nothing is chosen for its score",
                "Evaluation": f"read from {source}; how it was recorded is known to the program that did",
                "Seeds": f"{planned} runs of each algorithm and task; seeds as their files name them",
                "Margin of equivalence": "±0.05 of the span from random to expert, this program's default: it was not fixed before these runs",
            },
        },
        "budget": {env: {a: steps for (a, e), steps in last.items() if e == env} for env in dict.fromkeys(e for _, e in last)},
        "normalise": _references([env for _, env in cells], how.normalise),
        "statistics": {"reps": how.reps, "confidence": 0.95, "seed": 0, "margin": 0.05},
        "seed_rule": "The runs were made by other programs; the bootstrap uses PCG64(SeedSequence([bootstrap seed, side])).",
        "is_foreign": True,
        "keep_models": False,
    }
    study["hash"] = digest([study, *(run.hash for run in whole)])
    return ForeignRuns(study, runs_table, curves)


def _comparisons(algos: list[str]) -> list[list[str]]:
    try:
        return natural_comparisons(algos)
    except ValueError:  # names that the registry does not hold
        return [[x, y] for k, x in enumerate(algos) for y in algos[k + 1 :]]


def _several(numbers: list[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"


def _row(run: Read, group_of: dict[tuple[str, str], str], status: str, error: str | None, last: dict[tuple[str, str], int]) -> dict[str, Any]:
    seconds = float(run.seconds[-1]) if status == "finished" else np.nan
    row: dict[str, Any] = dict.fromkeys(RUN_COLUMNS)
    steps = last.get((run.algo, run.env), int(run.steps[-1]) if len(run.steps) else 0)
    row |= {"run_id": f"{run.algo}-{run.env}-s{run.seed}".replace("/", "_"), "algo": run.algo, "env": run.env, "group": group_of[run.algo, run.env],
            "seed": run.seed, "status": status, "error": error, "steps": steps, "train_seconds": seconds, "eval_seconds": np.nan,
            "steps_per_second": steps / seconds if seconds > 0 else np.nan, "hyperparams": "{}", "host": "{}", "source_hash": run.hash}  # fmt: skip
    return row


def _curve(run: Read) -> pd.DataFrame:
    return pd.DataFrame({"algo": run.algo, "env": run.env, "seed": run.seed, "step": run.steps, "actual_step": run.steps, "seconds": run.seconds,
                         "score": run.scores, "score_std": np.nan, "episode_length": np.nan, "n_episodes": run.episodes or 0})  # fmt: skip
