"""What a stranger needs to repeat a study and to check that the results are the ones that were reported: the content of repro.json.

Most of it follows from the store. The key "rendering" says where and by what the report was made, and "files" holds the hashes of the files beside it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import inspect
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.studies import environments
from benchmarks.studies.study import Study, digest
from from_scratch import registry

PROJECT = Path(__file__).parents[2]
# Packages that can change a number; the full list is in repro.json.
PACKAGES = ("stable-baselines3", "sb3-contrib", "gymnasium", "torch", "numpy", "scipy", "numba", "llvmlite", "pandas", "pyarrow", "duckdb", "hydra-core",
            "matplotlib")
REPORTING = ("configs/claim/*.yaml", "configs/verdicts.csv", "evidence/*.py", "report/*.py", "report/templates/*", "stats/*.py", "stats/coverage.csv",
             "store/plain.py", "studies/provenance.py")  # fmt: skip
OWN = "the author's own"  # of an environment: where it comes from
PER_RUN = ("peak_memory_mb",)  # facts of run.json's host that differ from run to run on the same machine

SEED_RULE = (
    "From a run's seed s, NumPy's SeedSequence derives disjoint streams. SeedSequence(s, spawn_key=(0,)) gives the model's seed (weights, exploration, "
    "minibatches; training environment i has the model's seed + i). SeedSequence(eval_seed, spawn_key=(1, s)) gives one seed for each evaluation "
    "episode: the same episodes for every algorithm and at every checkpoint. The bootstrap uses PCG64(SeedSequence([bootstrap seed, side]))."
)


def facts(study: Study, runs: pd.DataFrame, seals: Mapping[str, str], rendering: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything machine-readable about how the study came to be. seals: the hash over all files of each finished run, by run_id.

    study.source is what `source` said when the runs were started. rendering: of an earlier report, to make that one again.
    """
    once = runs.drop_duplicates("run_id").sort_values("run_id")
    return {
        "command": study.command,
        "study": {"name": study.name, "hash": study.hash or digest(study.as_dict()), "code": study.code},
        "source": study.source,
        "hosts": hosts(once),
        "seeds": {
            "seeds": study.seeds,
            "evaluation": (study.protocol or {}).get("eval_seed"),
            "bootstrap": (study.statistics or {}).get("seed", 0),
            "rule": study.seed_rule or SEED_RULE,
        },
        "seconds": {kind: math.fsum(once[f"{kind}_seconds"].fillna(0)) for kind in ("train", "eval")},
        "runs": [_run(row, seals) for row in once.to_dict("records")],
        "root_hash": root_hash(seals),
        "rendering": dict(rendering) if rendering else the_rendering(study),
    }


def the_rendering(study: Study) -> dict[str, Any]:
    """What a report owes to the place where it is made: packages, machine, the reporting code, what is known here of algorithms and environments."""
    return {
        "code": reporting_code(),
        "machine": machine(),
        "packages": packages(),
        "deviations": {} if study.is_foreign else deviations(study.algorithms),
        "environments": {env: environment(env, study) for env in study.tasks},
    }


def machine() -> dict[str, Any]:
    """What of a machine can change the last bit of a sum: its kind, and the vector instructions that NumPy uses on it."""
    simd = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return {"os": platform.system(), "machine": platform.machine(), "vector_instructions": [*simd.get("baseline", []), *simd.get("found", [])]}


@functools.cache
def reporting_code() -> str:
    """sha256 over the sources that turn a store into a report: other code may word or draw it otherwise, but must find the same numbers."""
    total = hashlib.sha256()
    here = Path(__file__).parents[1]
    for path in (path for pattern in REPORTING for path in sorted(here.glob(pattern))):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def environment(env: str, study: Study) -> dict[str, Any]:
    """Where an environment comes from, and the hashes of its source and of the files that define its world (MuJoCo's XML, Atari's ROM)."""
    import gymnasium as gym

    found: dict[str, Any] = {"kwargs": ((study.envs or {}).get(env) or {}).get("kwargs") or {}}
    own = study.own or {}
    if env in own.get("environments", {}):  # whatever is here, it is the author's that was trained in
        return {**found, "source": OWN, "files": {f"{module}.py": own["modules"][module]["sha256"] for module in own["environments"][env]}}
    spec = gym.registry.get(environments.base(env))
    if spec is None or not isinstance(spec.entry_point, str):
        return {**found, "source": "unknown here"}
    module, _, name = spec.entry_point.partition(":")
    found["entry_point"] = spec.entry_point
    try:
        maker = getattr(importlib.import_module(module), name)
        file = Path(inspect.getfile(maker))
        files = [file, *_assets(maker, file, {**spec.kwargs, **found["kwargs"]})]
        found["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    except (gym.error.Error, ImportError, AttributeError, OSError, TypeError) as error:
        found["files"] = {}
        found["note"] = f"{type(error).__name__}: {error}".splitlines()[0]
    return found


def _assets(maker: Any, file: Path, kwargs: Mapping[str, Any]) -> list[Path]:
    parameters = inspect.signature(maker).parameters
    if "xml_file" in parameters:
        xml = Path(str(kwargs.get("xml_file", parameters["xml_file"].default))).name  # whatever a study names, only MuJoCo's own models are read
        return [path for path in (file.parent / "assets" / xml,) if path.is_file()]
    if "game" in parameters and "game" in kwargs:
        roms = importlib.import_module("ale_py.roms")
        return [Path(roms.get_rom_path(kwargs["game"]))]
    return []


def root_hash(seals: Mapping[str, str]) -> str:
    """One hash over the results of all finished runs: sha256 of the sorted lines "run_id seal"."""
    return hashlib.sha256("".join(f"{run_id} {seal}\n" for run_id, seal in sorted(seals.items())).encode()).hexdigest()


def _run(row: Mapping[str, Any], seals: Mapping[str, str]) -> dict[str, Any]:
    kept = ("run_id", "algo", "env", "seed", "status", "model_seed", "train_seconds", "eval_seconds", "weights_hash_start", "weights_hash_end", "finished_at")
    found = {key: None if pd.isna(row.get(key)) else row.get(key) for key in kept}
    if found["model_seed"] is not None:
        found["model_seed"] = int(found["model_seed"])
    return {**found, "seal": seals.get(row["run_id"])}


def hosts(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """The distinct machines and library versions that finished runs, with how many runs each."""
    counted: dict[str, int] = {}
    for text in runs[runs["status"] == "finished"].get("host", pd.Series(dtype=object)).dropna():
        known = {key: value for key, value in json.loads(text).items() if key not in PER_RUN}
        if known:
            key = json.dumps(known, sort_keys=True)
            counted[key] = counted.get(key, 0) + 1
    return [{**json.loads(key), "runs": n} for key, n in sorted(counted.items())]


def packages() -> dict[str, Any]:
    """Versions of the packages that can change a number, of everything installed, and the hash of that list."""
    everything = list(_installed())
    versions = {line.partition("==")[0].lower().replace("_", "-"): line.partition("==")[2] for line in everything}
    return {
        "python": platform.python_version(),
        "main": {name: versions[name] for name in PACKAGES if name in versions},
        "installed": everything,
        "hash": hashlib.sha256("\n".join(everything).encode()).hexdigest(),
    }


@functools.cache
def _installed() -> list[str]:
    """Everything installed, which does not change while this process runs."""
    return sorted({f"{d.metadata['Name']}=={d.version}" for d in importlib.metadata.distributions() if d.metadata["Name"]}, key=str.lower)


def source() -> dict[str, Any]:
    """The git commit of this code, and whether (and how, as a hash of the difference) the files differed from it.

    A copy of the files without their repository can name its commit in SB3_COURSE_COMMIT.
    """
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {"commit": os.environ.get("SB3_COURSE_COMMIT"), "dirty": None, "diff_hash": None}
    difference = (_git("diff", "HEAD") or "") + (_git("status", "--porcelain", "--untracked-files=all") or "")
    for name in (_git("ls-files", "--others", "--exclude-standard", "-z") or "").split("\0"):  # their names alone would not tell one content from another
        if name and (PROJECT / name).is_file():
            difference += f"{name} {hashlib.sha256((PROJECT / name).read_bytes()).hexdigest()}\n"
    return {"commit": commit, "dirty": bool(difference), "diff_hash": hashlib.sha256(difference.encode()).hexdigest() if difference else None}


def _git(*words: str) -> str | None:
    """The output of a git command in this project, or None where there is no git or no repository of its own."""
    if not (PROJECT / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def deviations(algos: list[str]) -> dict[str, list[str]]:
    """The documented differences of each algorithm from its twin."""
    return {algo: list(registry.ENTRIES[algo].deviations) for algo in algos if algo in registry.ENTRIES and registry.ENTRIES[algo].twin}
