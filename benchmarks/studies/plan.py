"""From a study to runs, and from runs to jobs.

A run is the unit of everything: one algorithm, environment, seed, set of hyper-parameters, number of steps and protocol,
under one version of the code. Its name carries a hash of all that, so a run that exists need never be made again, and one
whose ingredients changed is another run. A job is what one process trains at a time: the runs of one algorithm on one
environment that go in lock-step, or a single run.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError
from benchmarks.studies import environments, measured, parts
from benchmarks.studies.study import Study, digest
from from_scratch import registry

ROOT = Path(__file__).parents[2]

# Packages whose version can change a run's numbers.
PACKAGES = ("stable-baselines3", "torch", "gymnasium", "numpy")
BASE_PACKAGES = {"sb3_contrib": ("sb3-contrib",)}  # of an algorithm's own
ENVIRONMENT_PACKAGES = {"gymnasium.envs.mujoco": "mujoco", "gymnasium.envs.box2d": "Box2D", "ale_py": "ale-py", "minigrid": "minigrid", "minatar": "minatar"}
# Our sources that decide how every run is trained and scored. Launchers, store and report only carry and show the result.
MEASURING = ("benchmarks.running.worker", "benchmarks.running.evaluation", "benchmarks.studies.environments", "benchmarks.studies.hyperparams")
AS_NAME = str.maketrans("/:~", "___")  # what no file's name has
LOCKSTEP_SEEDS = 10  # that train together in one process at most, unless the study's launcher says otherwise
# Names and titles, not numbers.
IRRELEVANT = ("from_scratch", "from_scratch.own", "from_scratch.registry", "from_scratch.core.entry", *(f"from_scratch.{key}" for key in registry.FAMILIES),
              "from_scratch.envs", "from_scratch.envs.registration", "from_scratch.policies",
              "benchmarks", "benchmarks.running.models", "benchmarks.store.plain", "benchmarks.store.store", "benchmarks.store.tables",
              "benchmarks.studies.measured", "benchmarks.studies.parts", "benchmarks.studies.plan", "benchmarks.studies.study",
              "benchmarks.studies.trust")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One planned run. hyperparams in the Zoo's notation; spec: the environment's settings; code: version of everything that it executes."""

    algo: str
    env: str
    seed: int
    steps: int
    hyperparams: dict[str, Any]
    spec: dict[str, Any]
    protocol: dict[str, Any]
    code: str

    @functools.cached_property
    def hash(self) -> str:
        return digest({field: getattr(self, field) for field in self.__dataclass_fields__})

    @property
    def id(self) -> str:
        """The name of the run's directory."""
        return f"{self.algo}-{self.env}-s{self.seed}-{self.hash[:12]}".translate(AS_NAME)

    @property
    def n_envs(self) -> int:
        return int(self.hyperparams.get("n_envs", 1))

    @property
    def checkpoints(self) -> list[int]:
        points = self.protocol["eval_points"]
        return sorted({round(self.steps * i / points) for i in range(1, points + 1)} - {0})


@dataclass(frozen=True)
class Job:
    """Runs that differ in their seed alone and that one process trains together."""

    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        seeds = [run.seed for run in self.runs]
        return f"{self.runs[0].algo} on {self.runs[0].env}, seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _file(module: str) -> Path | None:
    """The source file of a module of this project, found without importing anything."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@functools.cache
def _source(module: str) -> tuple[str, tuple[str, ...]]:
    """A module's code as a hash that comments and docstrings do not enter, and the modules of this project that it imports."""
    file = _file(module)
    if file is None:
        return "", ()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module)
            imported |= {f"{node.module}.{name.name}" for name in node.names}
    ours = tuple(sorted(name for name in imported if name.startswith(("from_scratch.", "benchmarks.")) and _file(name)))
    return parts.meaning(tree), ours


def _closure(modules: Iterable[str]) -> dict[str, str]:
    """The source hash of these modules and of all of this project that they import, directly or not."""
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in found or module in IRRELEVANT:
            continue
        found[module], imported = _source(module)
        waiting += imported
    return found


@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def code_version(algo: str, env: str) -> str:
    """A hash over what determines a run besides its settings: packages, and of our own code the algorithm's, the core's and the measuring.

    Comments, docstrings, the README, the report and other algorithms do not enter it. Of one's own algorithm and environment, wherever they live, the closure
    does (`benchmarks.studies.parts`), for which they are imported.
    """
    import gymnasium as gym

    from from_scratch.envs.registration import ENVIRONMENTS, register_all

    register_all()
    entry = registry.find(algo)
    target = entry.target.partition(":")[0]
    name = environments.base(env).rpartition(":")[2]
    spec = gym.registry.get(name)
    entry_point = str(spec.entry_point) if spec else ""
    modules = [*MEASURING, *(module for module in (target, entry_point.partition(":")[0]) if module.startswith("from_scratch."))]
    packages = [*PACKAGES, *BASE_PACKAGES.get(entry.base, ()), *(package for prefix, package in ENVIRONMENT_PACKAGES.items() if entry_point.startswith(prefix))]
    registered = {"registered": ENVIRONMENTS[name]} if name in ENVIRONMENTS else {}  # its time limit and arguments
    closures = [parts.own_closure(own) for own in (parts.of_algorithm(algo), parts.of_environment(env)) if own]
    modules += [module for closure in closures for module in closure.project]
    own = {"own": [closure.version() for closure in closures]} if closures else {}
    return digest({"sources": _closure(modules), "packages": {package: _version(package) for package in packages}, **registered, **own})


def code_versions(study: Study) -> dict[str, dict[str, str]]:
    """The code version of every planned pair as things are now: [algo][env]. Imports what is the study's own."""
    taken = study.protocol.get("measures") or []
    return {algo: {env: _measured(_with_wrappers(code_version(algo, env), raw), taken) for env, raw in envs.items()}
            for algo, envs in study.hyperparams.items()}  # fmt: skip


def _measured(version: str, names: Sequence[str]) -> str:
    """The version of a pair of which something is measured besides."""
    return digest([version, _closure(measured.module_of(name) for name in names)]) if names else version


def _with_wrappers(version: str, raw: Mapping[str, Any]) -> str:
    """The version of a pair whose environment is wrapped in something of one's own."""
    modules = parts.of_wrappers(raw.get("env_wrapper"))
    return digest([version, parts.own_closure(modules).version()]) if modules else version


def code_of(study: Study) -> dict[str, dict[str, str]]:
    """The code versions that the study was pinned to, else the present ones.

    IntegrityError where there are none and the study has parts of its own: to read a study never imports them.
    """
    if study.code:
        return study.code
    named = parts.named(study)
    if named:
        raise IntegrityError(f"the study says no version of the code of {', '.join(named)}, which is its author's own")
    return code_versions(study)


def pinned(study: Study, **facts: Any) -> Study:
    """The study whose runs are those of the present code, with the sources of its own parts; facts: others that say how it is run, such as its command."""
    return replace(study, **{"code": code_versions(study), "own": parts.record(study), **facts})


def plan(study: Study) -> list[tuple[str, Run]]:
    """Every planned run with its group. The code versions are those that the study was pinned to, else the present ones."""
    code = code_of(study)
    planned = []
    for group in study.groups:
        for env in group["envs"]:
            spec = {key: value for key, value in study.envs[env].items() if key != "eval_episodes"}
            protocol = {**study.protocol, "eval_episodes": study.envs[env].get("eval_episodes") or study.protocol["eval_episodes"]}
            for algo in group["algos"]:
                for seed in study.seeds:
                    run = Run(algo, env, seed, study.budget[env][algo], study.hyperparams[algo][env], spec, protocol, code[algo][env])
                    planned.append((group["name"], run))
    return planned


def group(runs: Iterable[Run], workers: int, lockstep_seeds: int = LOCKSTEP_SEEDS) -> list[Job]:
    """Jobs for these runs, longest first: seeds in lock-step where the class can, as many as was found to pay, but never so many that a
    worker would have nothing to do."""
    pairs: dict[tuple, list[Run]] = {}
    for run in runs_by_id(runs).values():
        key = (run.algo, run.env, run.steps, digest([run.hyperparams, run.spec, run.protocol, run.code]))
        pairs.setdefault(key, []).append(run)
    jobs = []
    for members in pairs.values():
        size = 1
        entry = registry.find(members[0].algo)
        if entry.lockstep:
            size = max(1, min(lockstep_seeds, entry.together, math.ceil(len(members) / workers)))
        n_jobs = math.ceil(len(members) / size)
        ends = [round(len(members) * i / n_jobs) for i in range(n_jobs + 1)]
        jobs += [Job(tuple(members[start:end])) for start, end in itertools.pairwise(ends)]
    return sorted(jobs, key=cost, reverse=True)


def runs_by_id(runs: Iterable[Run]) -> dict[str, Run]:
    return {run.id: run for run in runs}


def cost(job: Job) -> float:
    """A guess at the seconds that a job takes on one core, good enough to order jobs and to start an ETA from."""
    run, n = job.runs[0], len(job.runs)
    entry = registry.find(run.algo)
    if entry.unit == "backups":
        return run.steps * 2e-5 * n  # of the dearest, one state at a time; a whole sweep's are a tenth of it
    updates_per_step = entry.updates.per_step(run.hyperparams) if entry.updates else 0.0
    seconds_per_step = 1e-4 + updates_per_step * 2e-3
    if entry.is_ours:
        seconds_per_step *= 0.25
    together = n if not entry.lockstep else 1 + 0.3 * (n - 1)
    evaluation = len(run.checkpoints) * run.protocol["eval_episodes"] * 150 * 2e-5
    return run.steps * seconds_per_step * together + evaluation * n
