"""Runs that other programs made, as something that a report can be made of.

    from_zoo(logs)        the RL Zoo's folders: logs/<algo>/<env>_<n>/ with evaluations.npz or *.monitor.csv, and <env>/args.yml for the seed
    from_sb3(pattern)     any folders: 'runs/{algo}/{env}/{seed}', with what EvalCallback (evaluations.npz), Monitor (*monitor.csv) or the logger
                          (progress.csv) wrote
    from_csv(files)       tables with a row for each run and checkpoint, or for each run and episode; also one file a run in CleanRL's naming, and the
                          tables that Weights & Biases makes of a chart, with a column for each run
    from_wandb(places)   runs of Weights & Biases: its folders on this machine, runs exported as JSON, or ENTITY/PROJECT by its API
    from_marl_eval(files)   the JSON of marl-eval, which Mava, BenchMARL and others write

Nothing is repaired: runs whose checkpoints do not match, that occur twice or that hold NaN are refused by name, and a run that ended before the others
of its kind counts as failed. What is not known of such runs (the protocol, when the margin was fixed, the code) the report does not claim. What was
left out (the last line of a file, cut by a kill) or must be known to judge the scores is in its notes.
"""

from __future__ import annotations

import csv
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import yaml

from benchmarks import IntegrityError, UserError
from benchmarks.configs import CONFIGS, options
from benchmarks.stats import marl_eval
from benchmarks.store import monitors, wandb_files
from benchmarks.store.plain import content, from_npz, from_yaml, is_regular
from benchmarks.store.store import RUN_COLUMNS
from benchmarks.store.tables import TABLES
from benchmarks.studies.study import Study, digest, natural_comparisons

MOST_NPZ = 1024**3  # bytes of an evaluations.npz
MOST_JSON = 1024**3  # bytes of a file of marl-eval's
MOST_VALUES = 50_000_000  # checkpoints times bootstrap repetitions of one learning curve: what a report holds in less than 2 GB
ENDED_EARLY = 0.95  # of the longest run's steps: a run of fewer has stopped before its end
COLUMNS = {  # meaning -> what tables call it, in small letters
    "algo": ("algo", "algorithm", "agent", "exp_name", "method"),
    "env": ("env", "env_id", "environment", "task", "game", "domain"),
    "seed": ("seed", "run_seed", "trial"),
    "run": ("run", "run_name", "run name", "display_name", "name"),  # from which algo, env and seed are read, where no column has them
    "step": ("step", "global_step", "timesteps", "total_timesteps", "time/total_timesteps", "num_timesteps", "steps", "frame", "frames", "_step"),
    "score": ("score", "episodic_return", "charts/episodic_return", "return", "mean_return", "mean_reward", "eval/mean_reward", "rollout/ep_rew_mean", "reward",
              "value"),
    "seconds": ("seconds", "time", "wall_time", "wall time", "walltime", "relative_time", "_runtime", "_timestamp", "time/time_elapsed"),
}  # fmt: skip
IDENTITY = ("algo", "env", "seed")  # of a run
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
    notes: tuple[str, ...] = ()  # what was left out of its files, or must be known to judge its scores

    @property
    def name(self) -> str:
        return f"{self.algo} on {self.env}, seed {self.seed} ({self.source})"


class ForeignRuns:
    """Runs in memory with the methods of a Store that a report asks for."""

    def __init__(self, study: Study, runs: pd.DataFrame, curves: pd.DataFrame, notes: tuple[str, ...] = ()):
        self._study, self._runs, self._curves, self.notes = study, runs, curves, notes

    def study(self) -> Study:
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


class ZooLoader(yaml.SafeLoader):
    """The Zoo writes an OrderedDict with Python's tags; here it becomes a plain one, and no other tag makes anything."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if suffix == "object/apply:collections.OrderedDict" and isinstance(node, yaml.SequenceNode):
        return dict(loader.construct_sequence(node, deep=True)[0])
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None


ZooLoader.add_multi_constructor("tag:yaml.org,2002:python/", _plain)


def _zoo_arguments(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        known = from_yaml(content(path).decode(), str(path), ZooLoader)
    except (IntegrityError, UnicodeDecodeError):
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
        raise UserError(f"no runs at {pattern}: no folder of that name holds evaluations.npz, *monitor.csv or progress.csv")
    return assemble(found, how, how.name or re.split(r"[{*]", pattern)[0].strip("/.").replace("/", "-") or "runs", "folders of Stable-Baselines3")


def _folder(folder: Path, algo: str, env: str, seed: int, how: Reading) -> list[Read]:
    evaluations = folder / "evaluations.npz"
    if evaluations.is_file() and how.scores != "training":
        return [evaluations_of(evaluations, algo, env, seed)]
    if how.scores != "evaluations" and any(folder.glob("*monitor.csv")):
        _refuse_links(folder.glob("*monitor.csv"))
        return [monitor_of(folder, algo, env, seed)]
    progress = folder / "progress.csv"  # of SB3's logger
    if progress.is_file() and how.scores != "training":
        _refuse_links([progress])
        return _table(progress, how, Names(known={"algo": algo, "env": env, "seed": str(seed)}))
    return []


def _refuse_links(paths: Iterable[Path]) -> None:
    """IntegrityError for a link, pipe or device among the files of a folder, which a stranger may have put there."""
    for path in paths:
        if not is_regular(path):
            raise IntegrityError(f"{path} is not a regular file: remove the run's folder, and its seed counts as missing")


def evaluations_of(path: Path, algo: str, env: str, seed: int) -> Read:
    """What EvalCallback wrote: a score for every checkpoint, the mean over its evaluation episodes."""
    try:
        data = from_npz(content(path, MOST_NPZ), MOST_NPZ)
        steps, results = np.asarray(data["timesteps"]), np.asarray(data["results"], dtype=float)
    except (IntegrityError, OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile,
            zlib.error, SyntaxError) as error:  # fmt: skip
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise IntegrityError(f"{path} is not what EvalCallback writes: {said}. Remove the run's folder, and its seed counts as missing") from None
    if results.ndim != 2 or steps.shape != results.shape[:1] or not results.size:
        raise IntegrityError(f"{path}: {steps.shape} steps and {results.shape} results; expected [checkpoints] and [checkpoints, episodes], of one at least")
    if steps.dtype.kind not in "iu":
        raise IntegrityError(f"{path}: its timesteps are {steps.dtype}, not whole numbers")
    if not np.isfinite(results).all():
        k, episode = np.argwhere(~np.isfinite(results))[0]
        raise IntegrityError(f"{path}: episode {episode + 1} of the checkpoint at step {steps[k]} has the return {results[k, episode]}. "
                             "A run with such an episode has failed: remove its folder, and its seed counts as missing")  # fmt: skip
    if (np.diff(steps.astype(int)) <= 0).any():
        k = int(np.argmax(np.diff(steps.astype(int)) <= 0))
        raise IntegrityError(f"{path}: step {steps[k + 1]} follows {steps[k]}; did two trainings write into one file?")
    return Read(algo, env, seed, str(path), False, steps.astype(int), results.mean(axis=1), np.full(len(steps), np.nan), results.shape[1], _hash([path]))


def monitor_of(folder: Path, algo: str, env: str, seed: int) -> Read:
    """What Monitor wrote, of all environments of a run: the return of every episode of training, and the step at which it ended."""
    files = sorted(folder.glob("*monitor.csv"))
    found = monitors.episodes_of(files)
    if not len(found.returns):
        raise IntegrityError(f"{folder}: no episode has ended in {', '.join(f.name for f in files)}. Remove the folder, and its seed counts as missing")
    return Read(algo, env, seed, str(folder), True, np.cumsum(found.lengths), found.returns, found.seconds, None, _hash(files),
                int(found.lengths.max()) * len(files), found.notes)  # fmt: skip


def _hash(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()


# ----------------------------------------------------------------------------------------------------------------- tables


def from_csv(
    files: list[Path], how: Reading, columns: dict[str, str] | None = None, run_names: str | None = None, known: dict[str, str] | None = None
) -> ForeignRuns:
    """Every run in tables.

    columns: meaning -> the name of its column, where that is none of COLUMNS. run_names: how algorithm, environment and seed are read from the names of
    runs, where no column has them (see Names). known: what all runs share, such as {"env": "CartPole-v1"}.
    """
    for flag, given, allowed in (("--column", columns or {}, tuple(COLUMNS)), ("--known", known or {}, IDENTITY)):
        unknown = sorted(set(given) - set(allowed))
        if unknown:
            raise UserError(f"{flag} {unknown[0]}=...: it can say {', '.join(allowed)}")
    names = Names(run_names, known or {}, columns or {})
    found = [run for path in files for run in _table(path, how, names)]
    if not found:
        raise UserError(f"no rows in {', '.join(map(str, files))}")
    return assemble(found, how, how.name or files[0].stem, f"tables: {', '.join(path.name for path in files[:5])}{' …' if len(files) > 5 else ''}")


class Names:
    """What the names of runs say of their algorithm, environment and seed.

    run_names is a pattern, such as '{algo}-{env}-{seed}' or '{env}_{algo}_s{seed}_*', or a table (FILE.csv) with a row for each run: its name in a column
    name, run or display_name (Weights & Biases exports its table of runs so, with the runs' configuration), and algo, env and seed under the names of
    COLUMNS. Without it, names are read as CleanRL writes them: env__algo__seed__time.
    """

    def __init__(self, run_names: str | None = None, known: dict[str, str] | None = None, columns: dict[str, str] | None = None):
        self.known, self.columns = known or {}, columns or {}
        if "seed" in self.known and not self.known["seed"].isdecimal():
            raise UserError(f"--known seed={self.known['seed']}: a seed is a whole number")
        self.patterns, self.rows = [CLEANRL], {}
        self.how = f"by --run-names {run_names}" if run_names else "as CleanRL's env__algo__seed__time"
        if run_names and "{" in run_names:
            self.patterns = self._patterns(run_names)
        elif run_names:
            self.patterns, self.rows = [], self._rows(Path(run_names))

    def of(self, *names: str) -> dict[str, str]:
        """algo, env and seed, as far as one of these names says them or all runs share them."""
        for name in names:
            if name in self.rows:
                return self.rows[name] | self.known
            matches = [match.groupdict() for match in (pattern.fullmatch(name) for pattern in self.patterns) if match]
            if matches:
                return next((match for match in matches if match.get("env") in gym.registry), matches[0]) | self.known
        return dict(self.known)

    @staticmethod
    def _patterns(text: str) -> list[re.Pattern[str]]:
        """The pattern with environments as Gymnasium spells them (CartPole-v1), so that my-ppo-CartPole-v1-3 is parted at the right dashes; then with any."""
        unknown = sorted(set(re.findall(r"\{(.*?)\}", text)) - set(IDENTITY))
        if unknown:
            raise UserError(f"--run-names {text}: {{{unknown[0]}}} is none of {', '.join(f'{{{key}}}' for key in IDENTITY)}")
        found = []
        for env in (r"[\w./-]+?-v\d+", r"[\w./]+-v\d+", ".+?"):
            expression = re.escape(text).replace(r"\*", ".*?")
            for key, kind in (("algo", ".+?"), ("env", env), ("seed", r"\d+")):
                expression = expression.replace(rf"\{{{key}\}}", f"(?P<{key}>{kind})", 1)
            try:
                found.append(re.compile(expression))
            except re.error as error:
                raise UserError(f"--run-names {text}: {error}; such as '{{algo}}-{{env}}-{{seed}}'") from None
        return found

    def _rows(self, path: Path) -> dict[str, dict[str, str]]:
        table, _ = _read_csv(path)
        named = _named(path, table, self.columns)
        if "run" not in named:
            raise UserError(f"--run-names {path}: neither a pattern such as '{{algo}}-{{env}}-{{seed}}' nor a table of runs with a column name or run")
        rows: dict[str, dict[str, str]] = {}
        for name, *values in zip(table[named["run"]], *(table[named[key]] for key in IDENTITY if key in named), strict=True):
            row = {key: str(value) for key, value in zip([key for key in IDENTITY if key in named], values, strict=True) if not pd.isna(value)}
            if rows.get(str(name), row) != row:
                raise UserError(f"--run-names {path}: two runs are called {name}")
            rows[str(name)] = row
        return rows


HOW_NAMED = ("--run-names '{algo}-{env}-{seed}' says how the names of runs read, --run-names RUNS.csv (a table of runs: name, algo, env, seed) whose each is, "
             "--known env=NAME what all share")  # fmt: skip


def _read_csv(path: Path) -> tuple[pd.DataFrame, list[int]]:
    """The table, with an empty cell as NaN and every other as it stands, and the line of each row."""
    try:
        table = pd.read_csv(path, comment="#", keep_default_na=False, na_values=[""])
        with path.open(encoding="utf-8", newline="") as file:
            lines = [(k, line) for k, line in enumerate(file, 1) if line.strip() and not line.startswith("#")] if path.suffix != ".gz" else []
    except FileNotFoundError:
        raise UserError(f"no table {path}") from None
    except (OSError, EOFError, zlib.error, ValueError) as error:  # pandas' errors of parsing are ValueErrors
        raise UserError(f"{path} cannot be read as CSV: {str(error).splitlines()[0]}") from None
    header = next(csv.reader([lines[0][1]])) if lines else []
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise UserError(f"{path}: two columns are called {twice[0]}; rename one, or leave it out")
    numbers = [k for k, _ in lines[1:]]
    return table, numbers if len(numbers) == len(table) else list(range(2, len(table) + 2))


def _table(path: Path, how: Reading, names: Names) -> list[Read]:
    table, lines = _read_csv(path)
    if _is_chart(table):
        return _chart(path, table, lines, how, names)
    named = _named(path, table, names.columns)
    for key, value in names.known.items():
        table[f"@{key}"], named[key] = value, f"@{key}"
    if "run" in named and any(key not in named for key in IDENTITY):
        of_rows = [names.of(str(name)) for name in table[named["run"]]]
        for key in (key for key in IDENTITY if key not in named and all(key in row for row in of_rows) and of_rows):
            table[f"@{key}"], named[key] = [row[key] for row in of_rows], f"@{key}"
    of_file = names.of(path.as_posix(), path.stem, path.parent.name)
    is_of_one_run = all(key not in named or key in names.known for key in IDENTITY)
    for key, value in of_file.items():
        if key not in named:
            table[f"@{key}"], named[key] = value, f"@{key}"
    missing = [key for key in (*IDENTITY, "step", "score") if key not in named]
    if missing:
        way_out = f"--column {missing[0]}=NAME says which"
        if missing[0] in IDENTITY:
            way_out += f"; if there is none: {HOW_NAMED}"
        raise UserError(f"{path}: no column for {', '.join(missing)} among {', '.join(str(c) for c in table.columns if not str(c).startswith('@'))}; {way_out}")
    is_episodes = how.scores == "training" or (how.scores == "auto" and named["score"].lower() in OF_EPISODES)
    if is_of_one_run:  # a log: its rows hold what was recorded at a time, and leave the rest empty
        is_there = table[named["score"]].notna().to_numpy()
        table, lines = table[is_there].copy(), [line for line, there in zip(lines, is_there, strict=True) if there]
    for key in ("seed", "step", "score", *(["seconds"] if "seconds" in named else [])):
        table[named[key]] = _numbers(path, lines, table[named[key]], key, named[key], key in ("seed", "step"))
    found = []
    digest_of_file = _hash([path])
    for identity, rows in table.groupby([named["algo"], named["env"], named["seed"]], sort=True):
        algo, env, seed = identity  # type: ignore[misc]
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


def _numbers(path: Path, lines: list[int], values: pd.Series, key: str, column: str, is_whole: bool) -> pd.Series:
    """The cells of a column as numbers; UserError with the line of one that is none."""
    numbers = pd.to_numeric(values, errors="coerce")
    bad = np.flatnonzero(~np.isfinite(numbers.to_numpy(dtype=float)))
    if len(bad):
        raise UserError(f"{path} line {lines[bad[0]]}: {key} ({column}) is {values.iloc[bad[0]]}; a run that failed has no row, not an empty one")
    bad = np.flatnonzero((numbers.to_numpy(dtype=float) % 1 != 0) | (numbers.to_numpy(dtype=float) < 0))
    if is_whole and len(bad):
        raise UserError(f"{path} line {lines[bad[0]]}: {key} ({column}) is {values.iloc[bad[0]]}, not a whole number of at least 0")
    return numbers


def _named(path: Path, table: pd.DataFrame, columns: dict[str, str]) -> dict[str, str]:
    """meaning -> the column that has it."""
    small = {str(column).strip().lower(): column for column in table.columns}
    named = {}
    for meaning, names in COLUMNS.items():
        if meaning in columns:
            if columns[meaning] not in table.columns:
                shown = f"{path}: no column {columns[meaning]} among {', '.join(map(str, table.columns))}"
                raise UserError(shown + (f"; --known {meaning}={columns[meaning]} says that all runs are of it" if meaning in IDENTITY else ""))
            named[meaning] = columns[meaning]
        else:
            known = [small[name] for name in names if name in small]
            named |= {meaning: known[0]} if known else {}
    return named


# ------------------------------------------------------------------------------------------- charts of Weights & Biases


def _is_chart(table: pd.DataFrame) -> bool:
    """Whether Weights & Biases exported this from a chart: RUN - METRIC, with RUN - METRIC__MIN and RUN - METRIC__MAX beside it."""
    columns = {str(column) for column in table.columns}
    return any(" - " in column and {f"{column}__MIN", f"{column}__MAX"} <= columns for column in columns)


def _chart(path: Path, table: pd.DataFrame, lines: list[int], how: Reading, names: Names) -> list[Read]:
    """The runs of a chart's table: the first column is the chart's x axis, and each run has a column, empty where it recorded nothing.

    A chart shows at most some thousand points of a line, each the last value of its stretch of the axis, with the stretch's smallest and largest beside it.
    """
    axis, *columns = (str(column) for column in table.columns)
    if axis.lower() not in (*COLUMNS["step"], names.columns.get("step", "").lower()):
        raise UserError(f"{path}: the chart's x axis is {axis}, which is no step. Set it to the metric that counts environment steps (global_step), and export "
                        f"again; if {axis} does count them: --column step='{axis}'")  # fmt: skip
    drawn = [column for column in columns if not column.endswith(("__MIN", "__MAX")) and not column.endswith(" - _step")]
    useless = [key for key in (*IDENTITY, "run", "seconds") if key in names.columns and not names.rows]
    if useless:
        given = f"--column {useless[0]}={names.columns[useless[0]]}"
        raise UserError(f"{path}: {given}: a chart has a column for each run, and none for its {useless[0]}. {HOW_NAMED}")
    odd = [column for column in drawn if " - " not in column]
    if odd:
        raise UserError(f"{path}: column '{odd[0]}' is not 'RUN - METRIC'; set the chart's legend back to the run's name, and export again")
    metrics = list(dict.fromkeys(column.rpartition(" - ")[2] for column in drawn))
    metric = _metric(path, metrics, names)
    drawn = [column for column in drawn if column.rpartition(" - ")[2] == metric]
    is_episodes = how.scores == "training" or (how.scores == "auto" and metric.lower() in OF_EPISODES)
    found = []
    notes, digest_of_file = _of_chart(path, axis, table, drawn), _hash([path])
    for column in drawn:
        run = column.rpartition(" - ")[0]
        who = names.of(run)
        missing = [key for key in IDENTITY if key not in who]
        if run.startswith("Group: ") or (missing and ": " in run):
            raise UserError(f"{path}: '{run}' is the mean of a group of runs, and a report needs each run: turn grouping off, and export again")
        if missing:
            raise UserError(f"{path}: the name of run '{run}', read {names.how}, does not say its {', '.join(missing)}. {HOW_NAMED}")
        if not who["seed"].isdecimal():
            raise UserError(f"{path}: run '{run}' has the seed {who['seed']}, not a whole number")
        is_there = table[column].notna().to_numpy()
        there = [line for line, is_row in zip(lines, is_there, strict=True) if is_row]
        if not there:
            raise UserError(f"{path}: run '{run}' has no value of {metric}; hide it in the chart, and export again")
        scores = _numbers(path, there, table[column][is_there], "score", column, False).to_numpy(dtype=float)
        steps = _numbers(path, there, table[axis][is_there], "step", axis, False).to_numpy(dtype=float).round().astype(int)
        order = np.argsort(steps, kind="stable")
        found.append(Read(who["algo"], who["env"], int(who["seed"]), f"{path}: {run}", is_episodes, steps[order], scores[order],
                          np.full(len(steps), np.nan), None, digest_of_file, notes=notes))  # fmt: skip
    return found


def _metric(path: Path, metrics: list[str], names: Names) -> str:
    """The metric of a chart that is the score."""
    given = names.columns.get("score")
    if given:
        if given not in metrics:
            raise UserError(f"{path}: no metric {given} among {', '.join(metrics)}")
        return given
    known = [metric for name in COLUMNS["score"] for metric in metrics if metric.lower() == name]
    if not known and len(metrics) > 1:
        raise UserError(f"{path}: which of {', '.join(metrics)} is the score? --column score='{metrics[0]}' says so")
    return known[0] if known else metrics[0]


def _of_chart(path: Path, axis: str, table: pd.DataFrame, drawn: list[str]) -> tuple[str, ...]:
    """What a reader of scores from a chart must know."""
    notes = []
    if axis.lower() in ("step", "_step"):
        notes.append(f"{path}: its x axis is Weights & Biases' own {axis}, which counts environment steps only if the program said so when it recorded "
                     "(with TensorBoard's synchronisation it does not: there global_step is the axis to export)")  # fmt: skip
    points = merged = 0
    for column in drawn:
        if {f"{column}__MIN", f"{column}__MAX"} <= set(table.columns):
            low, high = (pd.to_numeric(table[f"{column}__{end}"], errors="coerce") for end in ("MIN", "MAX"))
            points += int(table[column].notna().sum())
            merged += int((high > low).sum())
    if merged:
        notes.append(f"{path}: at {merged} of {points} points the chart merges several values and shows the last; the run's history has them all")
    return tuple(notes)


# ------------------------------------------------------------------------------------------------------ runs of Weights & Biases


def from_wandb(
    places: list[str], how: Reading, columns: dict[str, str] | None = None, run_names: str | None = None, known: dict[str, str] | None = None
) -> ForeignRuns:
    """Every run of Weights & Biases at these places: folders with its .wandb files, such files, JSON (wandb_files.of_json), or ENTITY/PROJECT.

    Algorithm, environment and seed are what a run's configuration says under the names of COLUMNS, else what its name does (see Names); columns, run_names,
    known: as for tables. A run without a value of the score is left out, and a note says so.
    """
    names = Names(run_names, known or {}, columns or {})
    recorded = [run for place in places for run in _wandb_at(place)]
    runs = [run for run in recorded if run.kind != "report"]
    if not runs:
        raise UserError(f"no runs of Weights & Biases at {', '.join(places)}: expected a folder such as wandb/, with offline-run-*/run-*.wandb below it")
    metric = _wandb_metric(runs, names, places)
    found = [_of_wandb(run, metric, how, names) for run in runs]
    there = [run for run in found if run is not None]
    if not there:
        raise UserError(f"no run at {', '.join(places)} has a value of {metric}")
    left_out = tuple(f"{run.source}: it has no value of {metric}, and is left out" for run, read in zip(runs, found, strict=True) if read is None)
    there[0] = replace(there[0], notes=there[0].notes + left_out)
    return assemble(there, how, how.name or Path(places[0]).resolve().name, f"the {metric} of Weights & Biases in {', '.join(places[:5])}")


def _wandb_at(place: str) -> list[wandb_files.Recorded]:
    path = Path(place)
    if path.suffix == ".json" and path.is_file():
        return wandb_files.of_json(path)
    if path.suffix == ".csv":
        raise UserError(f"--from-wandb {place}: tables that Weights & Biases exported are read by --from-csv {place}")
    if path.exists():
        return wandb_files.in_folders(path)
    if re.fullmatch(r"[\w-]+/[\w.-]+", place):
        return wandb_files.of_api(place)
    raise UserError(f"--from-wandb {place}: there is no such folder or file, and it is no ENTITY/PROJECT")


def _wandb_metric(runs: list[wandb_files.Recorded], names: Names, places: list[str]) -> str:
    """The recorded name that is the score: what the user says, else the first of COLUMNS that any run has."""
    there = list(dict.fromkeys(key for run in runs for row in run.rows for key in row if not key.startswith("_")))
    given = names.columns.get("score")
    if given:
        if given not in there:
            raise UserError(f"{places[0]}: nothing called {given} was recorded; there are {', '.join(_shortened(tuple(there)))}")
        return given
    known = [key for name in COLUMNS["score"] for key in there if key.lower() == name]
    if not known:
        raise UserError(f"{places[0]}: which of {', '.join(_shortened(tuple(there)))} is the score? --column score=NAME says so")
    return known[0]


def _of_wandb(run: wandb_files.Recorded, metric: str, how: Reading, names: Names) -> Read | None:
    rows = [row for row in run.rows if row.get(metric) is not None]
    if not rows:
        return None
    who = _who(run, names)
    step_name, notes = names.columns.get("step") or next((key for key in ("global_step", "_step") if all(key in row for row in rows)), "_step"), run.notes
    if step_name == "_step":
        notes += (f"{run.source}: its steps are Weights & Biases' own, which count environment steps only if the program said so when it recorded",)
    time_name = names.columns.get("seconds") or next((key for key in ("time/time_elapsed", "_runtime") if all(key in row for row in rows)), None)
    steps, scores = _recorded(run, rows, step_name, True), _recorded(run, rows, metric, False)
    seconds = _recorded(run, rows, time_name, False) if time_name else np.full(len(rows), np.nan)
    is_episodes = how.scores == "training" or (how.scores == "auto" and metric.lower() in OF_EPISODES)
    order = np.argsort(steps, kind="stable")
    twice = np.flatnonzero(np.diff(steps[order]) == 0)
    if len(twice) and not is_episodes:
        raise UserError(f"{run.source}: step {int(steps[order][twice[0]])} occurs twice; if its rows are episodes of training, add --scores training")
    source_hash = hashlib.sha256(repr((who, steps.tolist(), scores.tolist())).encode()).hexdigest()
    return Read(who["algo"], who["env"], int(who["seed"]), run.source, is_episodes, steps[order].astype(int), scores[order], seconds[order], None, source_hash,
                notes=notes)  # fmt: skip


def _who(run: wandb_files.Recorded, names: Names) -> dict[str, str]:
    """algo, env and seed of a run; UserError where that cannot be known."""
    small = {key.lower(): value for key, value in run.config.items() if isinstance(value, str | int) and not isinstance(value, bool)}
    configured = {}
    for key in IDENTITY:
        for name in (names.columns.get(key, "").lower(), *COLUMNS[key]):
            if name in small:
                configured[key] = str(small[name])
                break
    who = {**names.of(run.name, run.id), **configured, **names.known}
    missing = [key for key in IDENTITY if key not in who]
    if missing:
        lacking = ", ".join(missing)
        raise UserError(f"{run.source}: neither the configuration nor the name of run '{run.name}', read {names.how}, says its {lacking}. {HOW_NAMED}")
    if not who["seed"].isdecimal():
        raise UserError(f"{run.source}: its seed is {who['seed']}, not a whole number")
    return who


def _recorded(run: wandb_files.Recorded, rows: list[dict[str, Any]], name: str, is_whole: bool) -> np.ndarray:
    """What rows hold under a name, as numbers; UserError for what is none."""
    for row in rows:
        value = row.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value) or (is_whole and (value % 1 or value < 0)):
            what = "a whole number of at least 0" if is_whole else "a number; a run that failed has no row, not an empty one"
            raise UserError(f"{run.source}: {name} is {value} at Weights & Biases' step {row.get('_step')}, not {what}")
    return np.array([row[name] for row in rows], dtype=float)


# ------------------------------------------------------------------------------------------------------------- marl-eval


def from_marl_eval(files: list[Path], how: Reading, metric: str | None = None) -> ForeignRuns:
    """Every run in files of marl-eval's. metric: which of a file's is the score; None: the one that is there, or that marl_eval.METRICS names first.

    A run's score is its last step's, as for all other runs; its absolute_metrics, of its best checkpoint, are not read.
    """
    if how.scores == "training":
        raise UserError("--scores training: the files of marl-eval hold evaluations")
    logged = []
    for path in files:
        try:
            text = content(path, MOST_JSON)
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}") from None
        runs, metric = marl_eval.runs_of(text, str(path), metric)
        logged += [(path, hashlib.sha256(text).hexdigest(), run) for run in runs]
    environments = {run.task: {other.environment for _, _, other in logged if other.task == run.task} for _, _, run in logged}
    found, places = [], dict.fromkeys(((run.environment, run.task, run.algorithm) for _, _, run in logged), 0)
    for path, hash_of_file, run in logged:
        env = run.task if len(environments[run.task]) == 1 else f"{run.environment}/{run.task}"
        place = places[run.environment, run.task, run.algorithm]
        places[run.environment, run.task, run.algorithm] += 1
        notes = () if run.absolute is None else (f"{path}: its absolute_metrics, of each run's best checkpoint, are not read: a score is the last step's",)
        found.append(Read(run.algorithm, env, marl_eval.number_of(run.name, place), f"{path}: {run.name}", False, run.steps, run.scores, run.seconds,
                          run.episodes, hash_of_file, notes=notes))  # fmt: skip
    shown = f"{', '.join(path.name for path in files[:5])}{' …' if len(files) > 5 else ''}"
    return assemble(found, how, how.name or files[0].stem, f"the {metric} in marl-eval's {shown}")


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
        kept.append(replace(run, is_episodes=False, steps=grid, scores=scores, seconds=run.seconds[ended - 1], episodes=how.window))
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
    notes = tuple(dict.fromkeys(note for runs in cells.values() for run in runs for note in run.notes))
    study: dict[str, Any] = {
        "name": name,
        "question": f"How {'do' if len(algos) > 1 else 'does'} {', '.join(algos)} score on {', '.join(dict.fromkeys(env for _, env in cells))}?",
        "seeds": seeds,
        "groups": groups,
        "protocol": {
            "name": "as recorded",
            "words": {
                "Score of a run": f"{score}; nothing is chosen for its score",
                "Evaluation": "; ".join([f"read from {source}; how it was recorded is known to the program that did", *_shortened(notes)]),
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
    made = Study(**study, hyperparams={}, hash=digest([study, *(run.hash for run in whole)]))
    return ForeignRuns(made, runs_table, curves, notes)


def _comparisons(algos: list[str]) -> list[list[str]]:
    try:
        return natural_comparisons(algos)
    except ValueError:  # names that the registry does not hold
        return [[x, y] for k, x in enumerate(algos) for y in algos[k + 1 :]]


def _shortened(notes: tuple[str, ...], most: int = 12) -> list[str]:
    return [*notes[:most], *([f"and {len(notes) - most} more of the like"] if len(notes) > most else [])]


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
