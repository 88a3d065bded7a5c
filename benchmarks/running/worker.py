"""What one process does with a job: train its seeds, score them at the checkpoints, and write one directory per run.

Scoring happens at the first callback step at which the number of training steps reaches a checkpoint (on-policy rollouts
end where they end; both numbers are kept), and for the last checkpoint after training, so that the stored model is the
scored one. Time spent in scoring is no training time. Seeds that train in lock-step share their process: a run's seconds
are its share, the group's seconds divided by the number of seeds.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.metadata
import os
import platform
import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import unwrap_vec_normalize

from benchmarks import first_line
from benchmarks.running import long_runs, models
from benchmarks.running.evaluation import Episodes, Evaluator, episode_seeds, model_seed, untouched_randomness
from benchmarks.store.store import Store
from benchmarks.store.tables import write_table
from benchmarks.studies import environments, hyperparams, measured, recorded
from benchmarks.studies.plan import Job, Run
from from_scratch import registry

Report = Callable[[tuple], None]  # ("progress", fraction of the job) or ("run", run id, status, error)


def execute(job: Job, store: Store, report: Report = lambda message: None) -> None:
    """Train the job's runs and store each. An exception makes a failed run with its traceback.

    If it struck a group in lock-step, the seeds are tried one by one (alone they are the same runs), so that only the guilty one fails.
    """
    torch.set_num_threads(1)
    try:
        train(job, store, report)
    except Exception as error:
        long_runs.forget(job, store)
        if len(job.runs) > 1:
            for run in job.runs:
                execute(Job((run,)), store, report)
            return
        run = job.runs[0]
        kind, said = type(error).__name__, first_line(error)
        line = kind if said == kind else f"{kind}: {said}"
        store.fail(run, line, traceback.format_exc(), model_seed=model_seed(run.seed), host=host())
        report(("run", run.id, "failed", line))


def train(job: Job, store: Store, report: Report) -> None:
    """Train and score all runs of the job together, then commit them."""
    first = job.runs[0]
    entry = registry.find(first.algo)
    directories = [store.begin(run) for run in job.runs]
    started = time.perf_counter()
    every = long_runs.interval(job, store)
    checkpoint = long_runs.place(job, store) if every else None
    goes_on, model, venvs = begun_or_built(job, checkpoint)
    setup = {"normalize": hyperparams.normalize_arguments(first.hyperparams),
             "frame_stack": first.hyperparams.get("frame_stack"), "env_wrapper": first.hyperparams.get("env_wrapper")}
    episodes = [episode_seeds(first.protocol["eval_seed"], run.seed, first.protocol["eval_episodes"]) for run in job.runs]
    evaluator = Evaluator(first.env, first.spec, setup, episodes, first.protocol["deterministic"])
    writer = LatestValues()
    model.set_logger(Logger(folder=None, output_formats=[writer]))
    taken = [measured.named(name)(job) for name in first.protocol.get("measures", [])]
    callback = Checkpoints(job, evaluator, [unwrap_vec_normalize(venv) for venv in venvs], writer, report, taken)
    callback.hash_start = [] if goes_on else [weights_hash(member) for member in members(model, job)]
    build_seconds = time.perf_counter() - started

    watching = [*taken, callback, *([_saver(checkpoint, every)] if checkpoint else [])]
    if goes_on:
        model.resume(callback=watching)
    else:
        model.learn(first.steps, callback=watching if len(watching) > 1 else callback)
    callback.finish()
    evaluator.close()

    share = 1 / len(job.runs)
    for k, (run, directory, member) in enumerate(zip(job.runs, directories, members(model, job), strict=True)):
        write_table(directory / "curve.parquet", "curve", callback.curves[k])
        write_table(directory / "episodes.parquet", "episodes", callback.episodes[k])
        write_table(directory / "training.parquet", "training", callback.training[k])
        if store.keeps_models:
            member.save(directory / "model.zip")
        normalizer = unwrap_vec_normalize(venvs[k])
        if normalizer is not None:
            models.save_normaliser(normalizer, directory)
        scores = [checkpoint.score for checkpoint in callback.curves[k]]
        store.commit(run, directory, {
            "status": "finished", "error": None, "traceback": None,
            "model_seed": model_seed(run.seed), "episode_seeds": episodes[k],
            "actual_steps": int(model.num_timesteps), "unit": entry.unit, "lockstep": len(job.runs),
            "train_seconds": callback.train_seconds * share, "eval_seconds": callback.eval_seconds * share, "build_seconds": build_seconds * share,
            "steps_per_second": model.num_timesteps / max(callback.train_seconds * share, 1e-9),
            "weights_hash_start": callback.hash_start[k], "weights_hash_end": weights_hash(member),
            "diverged": bool(not np.isfinite(scores).all() or not weights_are_finite(member)),
            **({"resumed": [list(each) for each in model.resumptions]} if goes_on else {}),
            "host": host(),
        })  # fmt: skip
        report(("run", run.id, "finished", ""))
    if checkpoint:
        long_runs.forget(job, store)
    for venv in venvs:
        venv.close()


def begun_or_built(job: Job, checkpoint: Path | None) -> tuple[bool, Any, list]:
    """(does it go on from the checkpoint?, the job's model, the vector environment of each of its seeds)."""
    if checkpoint is not None and checkpoint.exists():
        with contextlib.suppress(Exception):  # whatever a damaged file brings: the run begins again
            return True, *build(job, checkpoint)
    return False, *build(job)


def _saver(checkpoint: Path, every: Any) -> BaseCallback:
    return importlib.import_module("from_scratch.core.resuming.callbacks").ExactCheckpointCallback(checkpoint, every)


def build(job: Job, checkpoint: Path | None = None):
    """The job's model, from its checkpoint if there is one, and the vector environment of each of its seeds."""
    run = job.runs[0]
    entry = registry.find(run.algo)
    cls: Any = entry.load()
    setup = run.hyperparams
    venvs: list[Any] = []

    def make_venv():
        venv = make_vec_env(lambda: environments.make_env(run.env, run.spec, setup.get("env_wrapper")), n_envs=run.n_envs)
        venvs.append(environments.wrap(venv, hyperparams.normalize_arguments(setup), setup.get("frame_stack")))
        return venvs[-1]

    env = environments.make_env(run.env, run.spec, setup.get("env_wrapper"))
    arguments = hyperparams.constructor_arguments(setup, env.action_space)
    env.close()
    policy = setup.get("policy", entry.policy)
    if entry.loop == "dataset":
        arguments["dataset"] = recorded.given(run.spec, run.env)
    seeds = [model_seed(member.seed) for member in job.runs]
    if checkpoint is not None:
        data = {"dataset": arguments["dataset"]} if "dataset" in arguments else {}
        return cls.load(checkpoint, env=make_venv if entry.lockstep else make_venv(), device="cpu", **data), venvs
    if entry.lockstep:
        return cls(policy, make_venv, seeds=seeds, n_envs=run.n_envs, device="cpu", **arguments), venvs
    return cls(policy, make_venv(), seed=seeds[0], device="cpu", **arguments), venvs


def members(model, job: Job) -> list:
    """The single-seed models of a job, in the order of its runs."""
    return [model.member(k) for k in range(len(job.runs))] if len(job.runs) > 1 else [model]


def _weights(model) -> list[tuple[str, np.ndarray]]:
    """What was learned, by name: the policy's state, and the tables of a tabular method."""
    state = [(name, value.detach().cpu().numpy()) for name, value in sorted(model.policy.state_dict().items())]
    return state + [(name, np.asarray(getattr(model, name))) for name in ("q_table", "values") if getattr(model, name, None) is not None]


def weights_hash(model) -> str:
    """sha256 over the names and bytes of all weights."""
    total = hashlib.sha256()
    for name, value in _weights(model):
        total.update(name.encode() + str(value.dtype).encode() + str(value.shape).encode() + np.ascontiguousarray(value).tobytes())
    return total.hexdigest()


def weights_are_finite(model) -> bool:
    return all(np.isfinite(value).all() for _, value in _weights(model) if value.dtype.kind == "f")


class LatestValues(KVWriter):
    """Keeps the newest value of everything that the model logs."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        for key, value in key_values.items():
            if isinstance(value, int | float | np.number) and not key.startswith("time/"):
                self.values[key] = float(value)

    def close(self) -> None:
        pass

    def of_seed(self, seed: int, alone: bool) -> list[tuple[str, float]]:
        """The values of one seed of a group; its keys end in @seed, a lone seed's do not."""
        found = []
        for key, value in self.values.items():
            name, at, owner = key.partition("@")
            if not at or alone or owner == str(seed):
                found.append((name, value))
        return sorted(found)


class Checkpoint(NamedTuple):
    """A run's score at one checkpoint: a row of curve.parquet (benchmarks.store.tables.TABLES)."""

    algo: str
    env: str
    seed: int
    step: int  # of the checkpoint
    actual_step: int  # of training, when it was passed
    seconds: float  # of training
    score: float  # mean return over the evaluation episodes
    score_std: float
    episode_length: float  # mean
    n_episodes: int


class Checkpoints(BaseCallback):
    """Scores the models whenever training passes a checkpoint, and keeps the clocks of training and scoring apart."""

    needs_no_values = True  # ours then computes values and log-probabilities in one pass after the rollout

    def __init__(self, job: Job, evaluator: Evaluator, normalizers: list, writer: LatestValues, report: Report,
                 taken: Sequence[Any] = ()):  # fmt: skip
        super().__init__()
        self.job, self.evaluator, self.normalizers, self.writer, self.report, self.taken = job, evaluator, normalizers, writer, report, taken
        self.waiting = list(job.runs[0].checkpoints)
        self.curves: list[list[Checkpoint]] = [[] for _ in job.runs]
        self.episodes: list[list[tuple]] = [[] for _ in job.runs]
        self.training: list[list[tuple]] = [[] for _ in job.runs]
        self.eval_seconds = 0.0
        self.train_seconds = 0.0
        self.seconds_before = 0.0  # of training and scoring, until a checkpoint
        self.hash_start: list[str] = []
        self.last_report = 0.0

    def _on_training_start(self) -> None:
        self.clock = time.perf_counter() - self.seconds_before

    def get_state(self) -> dict[str, Any]:
        """What there is so far, as plain data: a checkpoint of the run holds it, and `set_state` puts it back."""
        tables = {"curves": [[list(row) for row in of_run] for of_run in self.curves], "episodes": self.episodes, "training": self.training}
        seconds = {"eval_seconds": self.eval_seconds, "seconds_before": time.perf_counter() - self.clock}
        return {**tables, **seconds, "waiting": self.waiting, "hash_start": self.hash_start, "logged": self.writer.values}

    def set_state(self, state: dict[str, Any]) -> None:
        self.writer.values.update(state.pop("logged"))
        self.curves = [[Checkpoint(*row) for row in of_run] for of_run in state.pop("curves")]
        vars(self).update(state)

    def _on_step(self) -> bool:
        now = time.perf_counter()
        if now - self.last_report > 0.5:
            self.last_report = now
            self.report(("progress", min(1.0, self.num_timesteps / self.job.runs[0].steps)))
        if self.num_timesteps >= self.waiting[0]:
            due = [step for step in self.waiting[:-1] if step <= self.num_timesteps]  # the last one waits for the end of training
            if due:
                self.waiting = self.waiting[len(due) :]
                self._score(due)
        return True

    def finish(self) -> None:
        """Training is over: what checkpoints remain get the final model's score (a planner may converge long before its budget ends)."""
        self._score(self.waiting)
        self.waiting = []

    def _score(self, steps: list[int]) -> None:
        """Score the models as they are, for these checkpoints."""
        begin = time.perf_counter()
        self.train_seconds = begin - self.clock - self.eval_seconds
        results = self.evaluator(self.model, self.normalizers)
        with untouched_randomness():
            seen = [measure.values() for measure in self.taken]
        for k, (run, result) in enumerate(zip(self.job.runs, results, strict=True)):
            logged = self.writer.of_seed(model_seed(run.seed), alone=len(self.job.runs) == 1)
            logged += [(f"measure/{name}", float(value)) for of_seeds in seen for name, value in sorted(of_seeds[k].items())]
            for step in steps:
                self._keep(k, run, step, result, logged)
        self.eval_seconds += time.perf_counter() - begin

    def _keep(self, k: int, run: Run, step: int, result: Episodes, logged: list[tuple[str, float]]) -> None:
        key = (run.algo, run.env, run.seed, step)
        seconds = self.train_seconds / len(self.job.runs)
        n = len(result.returns)
        spread, length = float(result.returns.std()), float(result.lengths.mean())
        self.curves[k].append(Checkpoint(*key, self.model.num_timesteps, seconds, result.score, spread, length, n))
        self.episodes[k] += [(*key, i, float(ret), int(length)) for i, (ret, length) in enumerate(zip(result.returns, result.lengths, strict=True))]
        self.training[k] += [(*key, name, value) for name, value in logged]


def host() -> dict[str, Any]:
    """What there is to know of the machine and the libraries, without naming either the machine or its user."""
    import gymnasium
    import stable_baselines3

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "python": platform.python_version(),
        "os": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "bits_of_torch": _bits_of_torch(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "torch_config": hashlib.sha256(torch.__config__.show().encode()).hexdigest()[:16],  # of how it was built: compiler, BLAS, instructions
        "numpy": np.__version__,
        **{name: _version(name) for name in ("scipy", "numba", "llvmlite")},
        "gymnasium": gymnasium.__version__,
        "stable_baselines3": stable_baselines3.__version__,
        "peak_memory_mb": round(peak / (1024 if sys.platform != "darwin" else 1024**2)),
    }


@functools.cache
def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _bits_of_torch() -> str:
    """Which of our arithmetic equals torch's to the bit here. Found by name: what runs of others stand on does not include our core."""
    selfcheck = importlib.import_module("from_scratch.core.lockstep.selfcheck")
    unlike = [part for part in selfcheck.PARTS if not selfcheck.equalities()[part]]
    return f"not in {', '.join(unlike)}" if unlike else "all"


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
