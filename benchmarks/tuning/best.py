"""best.yaml: the settings that a search found, as a suite that `compare` takes as it stands; `train -conf` reads the settings in it.

It compares the algorithm with what was found against the algorithm with what that was tuned from, at the budget that the latter has, on seeds of a study. The
section `tuning` says how the settings were found and on which seeds, and `compare` refuses a study that evaluates on one of them.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import yaml

from benchmarks import UserError
from benchmarks.report.style import number as with_minus
from benchmarks.store.files import write_whole
from benchmarks.store.plain import MEGABYTE, content, from_yaml, one_line
from benchmarks.studies import environments
from benchmarks.studies import study as studies
from benchmarks.studies.study import ranges
from benchmarks.tuning import record
from benchmarks.tuning.record import Record
from benchmarks.tuning.scores import iqm
from benchmarks.tuning.tuning import Tuning
from from_scratch import registry

FILE = "best.yaml"
ENV = ("kwargs", "max_episode_steps")  # of an environment, that a suite says
TUNED = "tuned"  # the name behind the algorithm's of what was found


def write(folder: Path, asked: Tuning, found: Record) -> dict[str, Any] | None:
    """Write best.yaml; the trial that it is of, or None where no trial has a score."""
    best = found.best
    if best is None:
        return None
    text = yaml.safe_dump(suite(folder.name, asked, found, best), sort_keys=False, allow_unicode=True, width=160)
    data = asked.spec.get("dataset")
    task = f"--dataset {data['name']}" if data else f"--env {asked.env}"
    head = textwrap.fill(f"{said(asked, found, best)} Try it: sb3-course compare {folder.name}/{FILE}, or sb3-course train --algo {asked.algo} {task} "
                         f"-conf {folder.name}/{FILE}", 150, initial_indent="# ", subsequent_indent="# ")  # fmt: skip
    write_whole(folder / FILE, f"{head}\n{text}")
    return best


def said(asked: Tuning, found: Record, best: dict[str, Any]) -> str:
    """What is known of the settings, in a sentence or two."""
    default = found.default
    words = f"Trial {best['number']} of {len(found.counted)} of {asked.algo} on {asked.env}, {asked.steps:,} {asked.unit} a seed: "
    words += f"IQM {with_minus(best['value'])} over seeds {ranges(asked.seeds)}"
    if best["default"]:
        where = f" on the fresh seeds {ranges(found.confirmed[best['number']]['seeds'])}" if best["number"] in found.confirmed else ""
        return f"{words}. These are the settings that were tuned from: nothing that was tried did better{where}."
    if default and default["value"] is not None:
        words += f", where what it was tuned from has {with_minus(default['value'])}"
    if how := found.confirmed.get(best["number"]):
        words += f"; on the fresh seeds {ranges(how['seeds'])} it has {with_minus(iqm(how['scores']))}"
        if default and (other := found.confirmed.get(default["number"])) and other["scores"]:
            words += f", and that {with_minus(iqm(other['scores']))}"
        return f"{words}."
    return f"{words}. The score of the best of many is higher than what it will score again."


def name_of(asked: Tuning) -> str:
    return f"{asked.algo}{'-' if registry.VARIANT in asked.algo else registry.VARIANT}{TUNED}"


def suite(name: str, asked: Tuning, found: Record, best: dict[str, Any]) -> dict[str, Any]:
    """The suite of a comparison: what was found against what it was tuned from."""
    tuned, base = name_of(asked), registry.find(asked.algo).settings
    confirmed = {number: how for number, how in found.confirmed.items() if how["scores"]}
    how = {"method": _method(asked), "trials": len(found.counted), "seeds": asked.seeds, "source": f"{name}, trial {best['number']}",
           "cost": cost(asked, found)}  # fmt: skip
    if confirmed:
        how["confirmed"] = {"trials": len(confirmed), "seeds": sorted({seed for one in confirmed.values() for seed in one["seeds"]})}
    env = {key: value for key, value in asked.spec.items() if value is not None and key in ENV}
    if asked.spec.get("dataset"):
        env["dataset"] = asked.spec["dataset"]["name"]
    return {
        "name": f"{asked.algo.rpartition('/')[2].rpartition(':')[2]}-{TUNED}",
        "question": f"Does {asked.algo} score higher on {asked.env} with the settings that were found than with those that they were tuned from?",
        "groups": [{"name": "tuning", "algos": [asked.algo, tuned], "envs": [asked.env], "comparisons": [[tuned, asked.algo]]}],
        **({"env": {asked.env: env}} if env else {}),
        "algo": {base: {asked.env: {**asked.base, "n_timesteps": _budget(asked)}}, tuned: {asked.env: best["settings"]}},
        "tuning": {tuned: how},
    }  # fmt: skip


def _budget(asked: Tuning) -> int:
    """The steps that the algorithm has on this task by default; of a task of which nobody says it, those of the search."""
    try:
        datasets = [asked.spec["dataset"]["name"]] if asked.spec.get("dataset") else []
        study = studies.adhoc([asked.algo], [] if datasets else [asked.env], seeds=1, datasets=datasets)
    except UserError:
        return asked.steps
    return study.budget[study.tasks[0]][asked.algo]


def _method(asked: Tuning) -> str:
    pruner = "no pruner" if asked.pruner["name"] == "none" else asked.pruner["class"]
    return f"Optuna {asked.versions.get('optuna', '')} ({asked.sampler['class']}, {pruner}), {asked.steps:,} {asked.unit} a seed".replace(" (", " (", 1)


def cost(asked: Tuning, found: Record) -> str:
    """What the search cost, confirmation included."""
    spent = found.cost()
    return (f"{spent['steps']:,} {asked.unit} of training, {spent['eval_steps']:,} steps of evaluation, {_time(spent['seconds'])} of a processor")


def _time(seconds: float) -> str:
    return f"{seconds / 60:,.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


# --- settings for `train`


def of_file(path: Path, algo: str, env: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings that a YAML file has for an algorithm on an environment: a suite's, such as best.yaml, or the RL Zoo's, environment → settings.

    And what a suite says of the environment, {kwargs, max_episode_steps}. Of its settings, those of `algo~tuned` go before those of the algorithm. UserError
    where it has none.
    """
    if not path.is_file():
        raise UserError(f"-conf {path}: there is no such file")
    try:
        whole = from_yaml(content(path.resolve(), MEGABYTE).decode(), path.name)
    except Exception as error:
        raise UserError(f"-conf {path}: {one_line(str(error))[:200]}") from None
    of_suite = whole.get("algo") if isinstance(whole, dict) else None
    sections: dict[str, Any] = of_suite if isinstance(of_suite, dict) else {"": whole}
    base = registry.find(algo).settings
    named = [f"{algo}{registry.VARIANT}{TUNED}", f"{algo}-{TUNED}", algo, base, ""]
    for section in (sections[name] for name in named if isinstance(sections.get(name), dict)):
        for task in (env, environments.base(env), "default"):
            if isinstance(section.get(task), dict):
                return dict(section[task]), _of_env(whole, env) if of_suite is sections else {}
    raise UserError(f"-conf {path}: it has no settings of {algo} on {env}")


def _of_env(suite: dict[str, Any], env: str) -> dict[str, Any]:
    envs = suite.get("env")
    said = envs.get(env) if isinstance(envs, dict) else None
    found = {key: said[key] for key in ENV if said.get(key) is not None} if isinstance(said, dict) else {}
    if not isinstance(found.get("kwargs", {}), dict) or type(found.get("max_episode_steps", 1)) is not int:
        raise UserError(f"env of {env}: {one_line(str(found))[:120]}: kwargs are named arguments, max_episode_steps is a whole number")
    return found


def of_trial(folder: Path, number: int) -> dict[str, Any]:
    """The settings of a trial. UserError where it has none yet."""
    one = record.read(folder).trial(number)
    if one["settings"] is None:
        raise UserError(f"trial {number} in {folder} has no settings yet: it is {one['state']}")
    return dict(one["settings"])
