"""What a verification did not look at, or what none can see: it stands on the author's word."""

from __future__ import annotations

import json
from typing import Any

import yaml

from benchmarks.configs import CONFIGS, options
from benchmarks.report import films
from benchmarks.reproduction.data_sets import WHAT
from benchmarks.reproduction.findings import MOST_NAMED, Finding, study_of
from benchmarks.store import records
from benchmarks.store.packed import MODELS
from benchmarks.store.store import Store
from benchmarks.studies import environments, plan
from benchmarks.studies.study import Study, at, is_from_zoo, provenance
from from_scratch import registry


def unseen(store: Store, level: int, findings: list[Finding], registered: bool = False) -> list[str]:
    """What was not verified at this level, or can be verified at none: it stands on the author's word. A sentence each."""
    study = study_of(store)
    if records.of_study(study.as_dict()):
        return ["anything: study.yaml is not of its form"]
    how, source = study.statistics, study.source or {}
    said = []
    if level == 1:
        said.append("the numbers and words of the report (level 2 makes them again)")
    n = len({run.id for _, run in plan.plan(study)})
    again = sum(f.level == 3 and f.what not in ("draw", "sample") and not f.what.startswith(WHAT) for f in findings)
    if level <= 2:
        said.append("that any run was trained: rows and weights' hashes could be invented (level 3 trains some again, level 4 all)")
    elif level == 3 and again < n:
        share = again / n
        said.append(f"the {n - again} of {n} runs that were not trained again: one forged run among them escapes {again} draws in {1 - share:.0%} of cases")
    said.append("that no run, seed, algorithm, task or whole study was made and left out")
    if not registered:
        seeds = ", ".join(map(str, study.seeds[:5])) + (" …" if len(study.seeds) > 5 else "")
        chosen = f"margin ±{how.get('margin', 0.05):g}, seeds {seeds}, threshold {how.get('threshold', 0.9):g}, {_chosen(study)}"
        said.append(f"that these were fixed before the runs: {chosen}, comparisons and budgets (a digest posted by sb3-course register would tell)")
    else:
        said.append("that the digest was posted before the runs: look where and when its author did")
    said += [*_references(study), *_environments(study), *_settings(study), *_data_sets(study)]
    said.append(f"commit {str(source.get('commit'))[:12]} and the code versions of the runs" + ("" if level >= 3 else ": that this code trained them")
                if source.get("commit") else "which commit trained the runs: none is recorded")  # fmt: skip
    said.append("machines, package versions, hashes of environments' sources, dates, durations and speeds, the last logged training metrics, and errors of "
                "failed runs, as recorded")
    said.append("words of the author: names, question, command, sources of settings and references, published scores, tuning")
    if any(store.runs_path.glob("*/model.*")) or (store.path / MODELS).is_dir():
        said.append("that the stored models are those whose weights' hashes are recorded")
    if (store.path / films.FOLDER).is_dir():
        said.append("that the films show what these runs play, and the reasons why others have none")
    if (store.path / "quarantine").is_dir():
        said.append("what lies in quarantine/")
    return said


def _chosen(study: Study) -> str:
    """How was measured and judged, in a few words."""
    how, protocol, sequence = study.statistics, study.protocol, study.sequential or {}
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


def _references(study: Study) -> list[str]:
    """The scores that normalise, where this program knows others or none."""
    other = []
    for env in study.envs:
        ours, given = (_known("env", env).get("normalise") or {}), ((study.normalise or {}).get(env) or {})
        scales = [f"{of['random']} to {of['expert']}" if {"random", "expert"} <= set(of) else "none" for of in (given, ours)]
        other += [f"{env} {scales[0]} (this program knows {scales[1]})"] if scales[0] != scales[1] else []
    return _listed("reference scores that are the author's own", other)


def _environments(study: Study) -> list[str]:
    """Settings of environments that this program would not give them: another task under the same name."""
    other = []
    for env, spec in study.envs.items():
        given, ours = ({key: of.get(key) for key in ("kwargs", "max_episode_steps", "eval_episodes") if of.get(key)} for of in (spec, _known("env", env)))
        other += [f"{env} {records.shown(json.dumps(given))} (this program knows {json.dumps(ours)})"] if given != ours else []
    return _listed("settings of environments that are the author's own", other)


def _data_sets(study: Study) -> list[str]:
    """What runs learnt from, which another command looks at."""
    sets = {said["name"]: said["hash"] for said in (spec.get("dataset") for spec in study.envs.values()) if said}
    listed = [f"{records.shown(name)} (hash {records.shown(hash[:12])})" for name, hash in sets.items()]
    return _listed("how the data sets were recorded, of which sb3-course dataset check makes ours again", listed)


def _settings(study: Study) -> list[str]:
    """Hyper-parameters whose source, and budgets beside which a tuned number, is stated otherwise than this program would."""
    sources, budgets = [], []
    for algo, env in study.pairs:
        base = registry.settings_of(algo)
        ours, said = provenance(base, environments.base(env), study.hyperparams[algo][env]), at(study.provenance, algo, env)
        if ours != said:
            sources.append(f"{algo} on {env} ({'' if said else 'none is said; '}this program says: {ours})")
        tuned = (_known("algo", base).get(environments.base(env)) or {}).get("n_timesteps") if is_from_zoo(base) else None
        steps = at(study.zoo_budget, env, algo)
        if study.zoo_budget is not None and tuned != steps:
            budgets.append(f"{algo} on {env}, {steps or 'none'} (this program knows {tuned or 'none'})")
    return [*_listed("sources of hyper-parameters that are the author's own", sources), *_listed("tuned budgets that are the author's own", budgets)]
