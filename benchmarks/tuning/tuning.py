"""What is searched: the record that a folder of tuning is begun with. It says everything that decides what a trial's score means.

Its seeds are none that a study evaluates on by default: trials train on TUNING_SEEDS and those behind, confirmation on CONFIRMING_SEEDS and those behind. A
study that names one of them beside the settings found is refused (benchmarks.studies.study).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks import IntegrityError, UserError
from benchmarks.store.files import write_whole
from benchmarks.store.plain import MEGABYTE, content, from_yaml
from benchmarks.studies import hyperparams, plan
from benchmarks.studies import study as studies
from benchmarks.studies.plan import Run
from benchmarks.studies.study import digest
from benchmarks.tuning import samplers
from benchmarks.tuning import space as spaces
from from_scratch import registry

FILE = "tuning.yaml"
TUNING_SEEDS, CONFIRMING_SEEDS = 10_000, 20_000
MOST_SEEDS = 1000  # of a trial, or of a confirmation
DECIDES = ("algo", "env", "steps", "seeds", "base", "spec", "protocol", "space", "sampler", "pruner", "seed", "last")  # what may not change under its trials


@dataclass(frozen=True)
class Tuning:
    """What is searched, all of it plain values.

    steps: of training, in the algorithm's unit. seeds: of each trial. base: the settings that are tuned from, in the Zoo's notation. spec: of the environment.
    protocol: {eval_episodes, eval_points, eval_seed, deterministic}. space: hyper-parameter → its line (benchmarks.tuning.space). sampler, pruner: {name,
    class, arguments}. seed: of the sampler. last: how many of a trial's last evaluations its score is the mean of.
    """

    algo: str
    env: str
    steps: int
    seeds: list[int]
    base: dict[str, Any]
    spec: dict[str, Any]
    protocol: dict[str, Any]
    space: dict[str, Any]
    sampler: dict[str, Any]
    pruner: dict[str, Any]
    seed: int = 0
    last: int = 1
    code: str = ""  # the version of everything that a trial executes
    source: dict[str, Any] = field(default_factory=dict)  # {commit, dirty, diff_hash} of that code
    command: str = ""
    versions: dict[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        return digest({name: getattr(self, name) for name in DECIDES})

    @property
    def unit(self) -> str:
        return {"backups": "state backups", "updates": "gradient steps"}.get(registry.find(self.algo).unit, "steps")

    @property
    def drawn_from(self) -> spaces.Space:
        return spaces.read(self.space, FILE)

    def run(self, settings: Mapping[str, Any], seed: int) -> Run:
        """The training of one seed with these hyper-parameters."""
        spec = {key: value for key, value in self.spec.items() if key != "eval_episodes"}
        return Run(self.algo, self.env, seed, self.steps, dict(settings), spec, self.protocol, self.code)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / FILE, yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True, width=160))


def read(folder: Path) -> Tuning:
    """The record in a folder. UserError where there is none, IntegrityError where it is none."""
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{folder} is no folder of tuning: it has no {FILE} (sb3-course tune --algo … --env … --out {folder})")
    parts = from_yaml(content(path, MEGABYTE).decode(), FILE)
    kinds = {f.name: str(f.type).partition("[")[0] for f in fields(Tuning)}
    if not isinstance(parts, dict) or set(parts) != set(kinds):
        raise IntegrityError(f"{path} cannot be read: it holds {', '.join(map(str, parts))[:200] if isinstance(parts, dict) else 'no record'}")
    for name, value in parts.items():
        if type(value).__name__ != kinds[name]:
            raise IntegrityError(f"{path} cannot be read: {name} is no {kinds[name]}")
    if not all(type(seed) is int for seed in parts["seeds"]) or not parts["seeds"]:
        raise IntegrityError(f"{path} cannot be read: seeds are whole numbers, 1 at least")
    return Tuning(**parts)


def planned(
    algo: str, env: str | None, *, dataset: str | None = None, steps: int | None = None, n_seeds: int = 3, overrides: Mapping[str, Any] | None = None,
    env_kwargs: Mapping[str, Any] | None = None, space: Path | None = None, sampler: str = "tpe", pruner: str = "median", seed: int = 0,
    eval_episodes: int = 10, eval_points: int = 5, last: int = 1, startup: int | None = None, n_envs: int | None = None,
) -> Tuning:  # fmt: skip
    """What these words ask to be searched, checked: a model is built, and thrown away. UserError for what cannot be."""
    _check_numbers(n_seeds=n_seeds, eval_episodes=eval_episodes, eval_points=eval_points, steps=steps, n_envs=n_envs)
    if not 1 <= last <= eval_points:
        raise UserError(f"--last {last}: a trial has {eval_points} evaluations (--eval-points), and is scored by the last 1 to {eval_points} of them")
    entry = registry.find(studies.spelled(algo))
    if entry.predicts or entry.loop == "none":
        why = "learns what a policy is worth, not a better one" if entry.predicts else "learns nothing"
        raise UserError(f"{algo} {why}: its return says nothing of its settings")
    study = studies.adhoc([algo], [env] if env else [], seeds=1, steps=steps, datasets=[dataset] if dataset else [])
    algo, env = study.pairs[0]
    base = {**study.hyperparams[algo][env], **(overrides or {})}
    if n_envs:
        base["n_envs"] = n_envs
    of_length = base.pop("n_timesteps", None)
    spec = dict(study.envs[env])
    spec["kwargs"] = {**(spec.get("kwargs") or {}), **(env_kwargs or {})} or None
    drawn_from = spaces.from_file(space, algo) if space else spaces.of(algo)
    given = overrides or {}  # which is not drawn, but others may follow it
    drawn_from = tuple(spaces.Parameter(one.name, "value", choices=(given[one.name],)) if one.name in given else one for one in drawn_from)
    if not any(parameter.is_drawn for parameter in drawn_from):
        raise UserError("-params says all that would be drawn: leave one of them out")
    studies.check_pair(algo, env, base, spec)
    drawing, ending = samplers.described_sampler(sampler, startup), samplers.described_pruner(pruner, startup, eval_points)
    if startup is not None and not any("n_startup_trials" in described["arguments"] for described in (drawing, ending)):
        raise UserError(f"--startup {startup}: neither the sampler {sampler} nor the pruner {pruner} looks at some trials first")
    protocol = {**study.protocol, "eval_episodes": eval_episodes, "eval_points": eval_points}
    protocol.pop("measures", None)
    return Tuning(
        algo=algo, env=env, steps=steps or of_length or study.budget[env][algo], seeds=list(range(TUNING_SEEDS, TUNING_SEEDS + n_seeds)), base=base, spec=spec,
        protocol=protocol, space={parameter.name: parameter.words for parameter in drawn_from}, sampler=drawing, pruner=ending, seed=seed, last=last,
        versions=samplers.versions(), code=plan.code_versions(replace(study, hyperparams={algo: {env: base}}))[algo][env],
    )  # fmt: skip


def _check_numbers(**given: int | None) -> None:
    for name, value in given.items():
        if value is not None and value < 1:
            raise UserError(f"{name.replace('n_', '').replace('_', '-')}={value}: give a whole number of at least 1")
    if (given["n_seeds"] or 1) > MOST_SEEDS:
        raise UserError(f"seeds={given['n_seeds']}: at most {MOST_SEEDS} of a trial")


def refuse_another(folder: Path, asked: Tuning) -> Tuning:
    """The record of a folder that goes on, if it is of what is asked; what is asked, where the folder is new. UserError naming the first thing that differs."""
    if not (folder / FILE).exists():
        if folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise UserError(f"{folder} holds something else: choose a folder that is empty or does not exist, or one of tuning")
        return asked
    known = read(folder)
    for name in DECIDES:
        if getattr(known, name) != getattr(asked, name):
            was, now = (_brief(getattr(one, name), getattr(other, name)) for one, other in ((known, asked), (asked, known)))
            raise UserError(f"{folder} was begun with another {name}: {was}; now {now}. Its trials would not be comparable: choose another --out, "
                            f"or ask as before ({known.command or 'sb3-course tune'})")  # fmt: skip
    return known


def _brief(value: Any, other: Any) -> str:
    if isinstance(value, dict) and isinstance(other, dict):
        value = {key: value.get(key) for key in {**value, **other} if value.get(key) != other.get(key)}
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}…"


def parsed(pairs: list[str]) -> dict[str, Any]:
    """`name:value` of the command line."""
    return hyperparams.parse_pairs(pairs)
