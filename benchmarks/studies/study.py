"""What a study is: one frozen record, composed by Hydra from configs/ (or named on the command line) and checked before anything runs.

The record says everything that decides the study's numbers, so it is what is stored, printed and hashed. It is complete when it is made; what is added to
it later (the code that runs it, its seeds so far) makes another record, by `dataclasses.replace` or by one of its methods.
"""

from __future__ import annotations

import copy
import difflib
import functools
import hashlib
import itertools
import json
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import yaml

from benchmarks import IntegrityError, UserError, first_line
from benchmarks.configs import CONFIGS, options
from benchmarks.store.plain import anchor, content, from_yaml, one_line, refuse_interpolations
from benchmarks.studies import environments, hyperparams, measured, recorded
from from_scratch import own, registry

MEDIAN = "median"  # of keep_models: of a published study, the median runs that its report shows in motion
NOT_HASHED = ("hash", "launcher", "code", "own", "command", "source", "keep_models", "provenance")  # how and when it was run, not what was asked


def digest(value: Any) -> str:
    """sha256 of a plain value's canonical JSON: the same for the same content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Study:
    """A resolved study. Its parts are plain values, as study.yaml holds them; a part that a study does not have is None.

    Of a study that was read, nothing is certain but what `malformed` looks at, until `benchmarks.store.records.demand` has seen it.
    """

    name: str
    question: str | None
    seeds: list[int]
    groups: list[dict[str, Any]]  # {name, algos, envs, comparisons [[x, y]]}: a rectangle of algorithms and environments, aggregated by itself
    protocol: dict[str, Any]  # {name, eval_episodes, eval_points, eval_seed, deterministic}
    statistics: dict[str, Any]  # see benchmarks.evidence.records.Statistics
    hyperparams: dict[str, dict[str, dict[str, Any]]]  # [algo][env], in the Zoo's notation
    budget: dict[str, dict[str, int]]  # [env][algo]
    zoo_budget: dict[str, dict[str, int]] | None = None  # [env][algo]: what the RL Zoo spends, where it says
    provenance: dict[str, dict[str, str]] | None = None  # [algo][env]: where the hyper-parameters come from
    envs: dict[str, dict[str, Any]] = field(default_factory=dict)  # [env] {kwargs, max_episode_steps, eval_episodes, dataset}
    normalise: dict[str, dict[str, Any]] | None = None  # [env] {random, expert, source}
    references: dict[str, list[dict[str, Any]]] | None = None  # [env] [{label, score}]: published scores
    launcher: dict[str, Any] | None = None  # {name, jobs, lockstep_seeds, attempts}
    keep_models: bool | str | None = None  # true, false, or MEDIAN
    tuning: dict[str, dict[str, Any]] | None = None  # [algo] {method, trials, seeds, source} and TUNING_MORE
    hash: str = ""  # `content_hash` when it was made
    command: str | None = None  # that started the runs
    code: dict[str, dict[str, str]] | None = None  # [algo][env]: the version of everything that its runs execute
    own: dict[str, Any] | None = None  # what of it is its author's own (benchmarks.studies.parts.record), sources included
    source: dict[str, Any] | None = None  # {commit, dirty, diff_hash} of that code
    sequential: dict[str, Any] | None = None  # see benchmarks.evidence.sequential; `seeds` are then those used so far
    claim: dict[str, str] | None = None  # {name, hash} of the claim of a paper that it decides (benchmarks.claims)
    seed_rule: str | None = None  # in words, where the runs are other programs'
    is_foreign: bool | None = None  # whether they are
    more: dict[str, Any] = field(default_factory=dict)  # what a file says besides, which is none of a study's parts

    @classmethod
    def of(cls, parts: Mapping[str, Any]) -> Study:
        """The record of these parts. What is missing becomes None, whatever its type: `as_dict` leaves it out again."""
        names = [f.name for f in fields(cls) if f.name != "more"]
        known = {name: parts.get(name, "" if name == "hash" else None) for name in names}
        return cls(**known, more={key: value for key, value in parts.items() if key not in names})

    @classmethod
    def from_yaml(cls, text: str, name: str) -> Study:
        """The study that a file of this name holds. IntegrityError if it cannot be read, or has not the shape of one."""
        parts = from_yaml(text, name)
        wrong = malformed(parts)
        if wrong:
            raise IntegrityError(f"{name} cannot be read: {wrong}")
        return cls.of(parts)

    def as_dict(self) -> dict[str, Any]:
        """Its parts by name, in the order of study.yaml."""
        parts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "more"}
        lacking = {key for key, value in parts.items() if value is None and key != "question"} | ({"hash"} if not self.hash else set())
        return {key: value for key, value in parts.items() if key not in lacking} | self.more

    def to_yaml(self, width: int = 160) -> str:
        """study.yaml."""
        return yaml.safe_dump(self.as_dict(), sort_keys=False, allow_unicode=True, width=width)

    def content_hash(self) -> str:
        """Over what is asked: how and when it was run (NOT_HASHED) does not enter."""
        return digest({key: value for key, value in self.as_dict().items() if key not in NOT_HASHED})

    def asking(self, **changes: Any) -> Study:
        """The study that asks something else, such as other seeds: with these parts, and the hash that follows from them."""
        changed = replace(self, **changes)
        return replace(changed, hash=changed.content_hash())

    def launched(self, **settings: Any) -> Study:
        """The same study under other settings of its launcher, such as jobs=4."""
        return replace(self, launcher={**(self.launcher or {}), **settings})

    @property
    def algorithms(self) -> list[str]:
        """Every algorithm of its groups, once."""
        return list(dict.fromkeys(algo for group in self.groups for algo in group["algos"]))

    @property
    def tasks(self) -> list[str]:
        """Every environment of its groups, once."""
        return list(dict.fromkeys(env for group in self.groups for env in group["envs"]))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every algorithm with every environment that some group has it on, once."""
        return list(dict.fromkeys((algo, env) for group in self.groups for algo in group["algos"] for env in group["envs"]))


def compose(suite: str = "quickstart", overrides: list[str] | tuple[str, ...] = (), trusted: bool = False) -> Study:
    """The resolved study of a suite (a name, or the path of a YAML file of one's own) with Hydra overrides; UserError for a bad one.

    trusted: a file may name algorithms and environments that are not this project's own, which are imported.
    """
    if suite.endswith((".yaml", ".yml")):
        if not Path(suite).is_file():
            raise UserError(f"no suite file {suite}")
        return _with_settings(suite, _suite_file(Path(suite)), overrides, trusted)
    if suite not in options("suite"):
        named = [name for name in options("suite") if name != "adhoc"]
        near = difflib.get_close_matches(suite, named, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(named)}"
        raise UserError(f"unknown suite '{suite}': {hint} (or name --algos and --envs)")
    return resolve(_plain(_hydra([f"suite={suite}", *overrides])))


def composed(name: str, settings: Mapping[str, Any], overrides: list[str] | tuple[str, ...] = ()) -> Study:
    """The resolved study of these settings, plain values in the form of a suite's file; name is what an error's line begins with."""
    from omegaconf import OmegaConf

    return _with_settings(name, OmegaConf.create(dict(settings)), overrides, trusted=False)


def _with_settings(suite: str, own: Any, overrides: list[str] | tuple[str, ...], trusted: bool) -> Study:
    from omegaconf import OmegaConf

    config = _hydra(["suite=adhoc"])
    known = _plain(config, throw=False)
    OmegaConf.set_struct(config, False)  # a file may have entries of its own: what it may not have, _refuse_unknown says
    launchers = [word for word in overrides if word.startswith("launcher=")]  # names a file of settings, not a value
    for word in launchers:
        config.launcher = _hydra(["suite=adhoc", word]).launcher
    settings = [own, OmegaConf.from_dotlist([word for word in overrides if word not in launchers])]
    for given in settings:
        _merge(config, given)
    whole = _plain(config)
    if not trusted:
        _refuse_own(suite, whole["groups"])
    for given in settings:
        _refuse_unknown(_plain(given), known, whole)
        _refuse_idle(_plain(given), known, whole)
    return resolve({**whole, **{section: _respelled(whole.get(section)) for section in NAMED}})


def _merge(config: Any, settings: Any) -> None:
    from omegaconf.errors import OmegaConfBaseException

    try:
        config.merge_with(settings)
    except (OmegaConfBaseException, TypeError, ValueError) as error:
        raise UserError(_explained(one_line(str(error)))) from None


NAMED = ("algo", "env", "budget")  # sections by algorithms and environments, which may be one's own
OF_ENV: dict[str, Any] = {
    "kwargs": {}, "max_episode_steps": None, "eval_episodes": None, "dataset": None, "normalise": {"random": 0, "expert": 0, "source": ""},
    "references": [],
}  # fmt: skip
ELSEWHERE = ("groups", "tuning")  # whose own checks name what is wrong in them
OPTIONAL: dict[str, dict[str, Any]] = {"protocol": {"measures": [], "mixed_budgets": False}}  # what a study need not have


def _refuse_unknown(given: dict[str, Any], known: dict[str, Any], whole: dict[str, Any]) -> None:
    """UserError, with the nearest name, for a setting that no study has, or one of an algorithm or environment that this study, and this project, has not."""
    names: dict[str, list[str]] = {
        kind: [spelled(str(name)) for group in whole["groups"] or [] for name in group.get(kind) or []] for kind in ("algos", "envs")
    }
    algos = [*names["algos"], *(registry.find(algo).settings for algo in names["algos"]), *known["algo"], *registry.ENTRIES]
    envs = ["default", *names["envs"], *known["env"], *gym.registry]
    may_have = {**known, **{key: {**known[key], **parts} for key, parts in OPTIONAL.items()}}
    _look_up({key: value for key, value in given.items() if key not in (*NAMED, *ELSEWHERE)}, may_have)
    for algo, entries in _section(given, "algo"):
        _look_up({algo: None}, dict.fromkeys(algos), "algo.")
        _look_up(entries, {**dict.fromkeys(envs), **known["algo"].get(algo, {})}, f"algo.{algo}.", deep=False)
    for env, parts in _section(given, "env"):
        _look_up({env: None}, dict.fromkeys(envs), "env.")
        _look_up(parts, OF_ENV, f"env.{env}.")
    for env, steps in _section(given, "budget"):
        _look_up({env: None}, dict.fromkeys(envs), "budget.")
        _look_up(steps, dict.fromkeys(algos), f"budget.{env}.", deep=False)


def _refuse_idle(given: dict[str, Any], known: dict[str, Any], whole: dict[str, Any]) -> None:
    """UserError for default settings of an algorithm on a task for which this project has settings: those would go before them, and nobody would see it."""
    pairs = [(spelled(str(algo)), spelled(str(env))) for group in whole["groups"] or [] for algo in group.get("algos") or [] for env in group.get("envs") or []]
    for name, entries in _section(given, "algo"):
        for algo, env in pairs if "default" in entries and name in known["algo"] else ():
            tasks = {env, environments.base(env)}
            if name in (algo, registry.find(algo).settings) and not tasks & entries.keys() and tasks & known["algo"][name].keys():
                there = f"configs/algo/{name}.yaml has settings"
                raise UserError(f"algo.{name}.default has no effect on {env}, for which {there}: write algo.{name}.{env}, or name a variant, like {name}~mine")


def _section(given: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """What a section says of each name. UserError if it is no mapping of mappings."""
    section = given.get(key) or {}
    if not isinstance(section, dict) or not all(isinstance(of_name, dict) for of_name in section.values()):
        raise UserError(f"{key}={one_line(str(section))[:80]}: give settings by name")
    return [(spelled(str(name)), of_name) for name, of_name in section.items()]


def _look_up(given: dict[str, Any], known: dict[str, Any], path: str = "", deep: bool = True) -> None:
    for key, value in given.items():
        if not path and isinstance(known.get(key), dict) and not isinstance(value, dict):
            raise UserError(f"{key}={one_line(str(value))[:80]}: give settings by name, of {', '.join(map(str, known[key]))}")
        if key not in known and spelled(str(key)) not in known:
            near = difflib.get_close_matches(str(key), [str(name) for name in known], n=1)
            hint = f": did you mean '{near[0]}'?" if near else f": there are {', '.join(map(str, known))}" if len(known) < 12 else ""
            raise UserError(f"a study has no setting '{path}{key}'{hint}")
        if deep and isinstance(value, dict) and known[key] and isinstance(known[key], dict):
            _look_up(value, known[key], f"{path}{key}.")


def _respelled(section: Any) -> dict[str, Any]:
    """A section by the names that the study has: of what is named by a file, its module."""
    inner = {name: {spelled(str(key)): item for key, item in of_name.items()} for name, of_name in (section or {}).items()}
    return {spelled(str(name)): of_name for name, of_name in inner.items()}


def _suite_file(path: Path) -> Any:
    """The settings in a suite's YAML file, which may be a stranger's: plain values; UserError for one that asks for this machine's."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        text = content(path.resolve()).decode()
        refuse_interpolations(text, str(path))
        settings = OmegaConf.create(text)
    except (IntegrityError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise UserError(one_line(str(error))) from None
    if not OmegaConf.is_dict(settings):
        raise UserError(f"{path} holds no settings of a suite")
    return settings


def _refuse_own(suite: str, groups: Any) -> None:
    """UserError where a file, which may be a stranger's, names what would be imported to know more of it."""
    offered = own.offered()
    names = [str(name) for group in groups or [] for kind in ("algos", "envs") for name in group.get(kind) or []]
    found = list(dict.fromkeys(name for name in names if ":" in name or (name.partition(registry.VARIANT)[0] in offered and registry.known(name) is None)))
    if found:
        raise UserError(f"{suite} would import {one_line(', '.join(found))[:300]}, which {'are' if len(found) > 1 else 'is'} not this project's own: "
                        "add --trust if you trust who wrote this (docs/safe.md)")


def adhoc(
    algos: list[str], envs: list[str], seeds: int | None = None, steps: int | None = None, overrides: list[str] | tuple[str, ...] = (), pairs: str = "",
    arms: Mapping[str, Mapping[str, Any]] | None = None, datasets: Sequence[str] = (),
) -> Study:  # fmt: skip
    """The resolved study of a rectangle of algorithms and environments named on the command line; of a data set its environment is one, with its steps.

    pairs: the comparisons, `a:b,c:d`; else the natural ones. arms: the settings of variants, `dqn~n3`, over those of their algorithm.
    """
    config = _plain(_hydra(["suite=adhoc", *overrides]))
    of_data = {recorded.task_of(name): name for name in datasets}
    algos, envs = [spelled(name) for name in algos], [*(spelled(name) for name in envs), *of_data]
    config["env"] = {**config["env"], **{task: {"dataset": name, "kwargs": recorded.arguments_of(name)} for task, name in of_data.items()}}
    given = {spelled(name): dict(settings) for name, settings in (arms or {}).items()}
    for name, settings in given.items():
        if not settings:
            raise UserError(f"--arm {name}: give what differs from {name.partition(registry.VARIANT)[0]}, such as learning_rate:0.001")
        if name not in algos or registry.VARIANT not in name:
            raise UserError(f"--arm {name}: name it among --algos, with {registry.VARIANT} before its own name, such as {algos[0]}{registry.VARIANT}mine")
    for name in algos:
        if registry.VARIANT in name and name not in given:
            raise UserError(f"{name} has no settings of its own: give --arm {name} name:value, or a suite's file that says them")
    config["algo"] = {**config["algo"], **{name: {"default": settings} for name, settings in given.items()}}
    config["groups"] = [{"name": "all", "algos": algos, "envs": envs, "comparisons": chosen_comparisons(pairs, algos) if pairs else natural_comparisons(algos)}]
    config["question"] = f"How do {', '.join(algos)} compare on {', '.join(envs)}?"
    if seeds is not None:
        config["seeds"] = seeds
    if steps is not None:
        config["steps"] = steps
    return resolve(config | {"name": "-".join([*algos, "on", *envs]).replace("/", "_").replace(":", "_")[:80]})


def spelled(word: str) -> str:
    """An algorithm or environment as a study names it: of one that is named by a file, its module. UserError if there is none."""
    try:
        return own.spelled(word)
    except own.NoSuchPart as error:
        raise UserError(str(error)) from None


MOST_IN_PAIRS = 4  # algorithms of which every pair is compared: with 5 there are 10 pairs, and each costs the others power


def natural_comparisons(algos: list[str]) -> list[list[str]]:
    """Twins alone, where every algorithm has its twin here; else every pair; of more than MOST_IN_PAIRS twins, and the first against the rest."""
    twins = [[algo, registry.ENTRIES[algo].twin or ""] for algo in algos if is_twin_of(algo, algos)]
    if set(algos) <= {name for pair in twins for name in pair}:
        return twins
    if len(algos) <= MOST_IN_PAIRS:
        return [list(pair) for pair in itertools.combinations(algos, 2)]
    return [*twins, *(pair for other in algos[1:] if (pair := [algos[0], other]) not in twins and pair[::-1] not in twins)]


def is_twin_of(algo: str, others: Collection[str]) -> bool:
    """Whether its twin is among these."""
    return algo in registry.ENTRIES and registry.ENTRIES[algo].twin in others


def compared(group: dict[str, Any]) -> str:
    """The comparisons of a group in words: which rule they follow, which are of twins, and that they are corrected for."""
    pairs, algos = group["comparisons"], group["algos"]
    if not pairs:
        return "nothing with anything"
    every, first = len(algos) * (len(algos) - 1) // 2, {frozenset((algos[0], other)) for other in algos[1:]}
    sets = {frozenset(pair) for pair in pairs}
    twins = {pair for pair in sets if any(is_twin_of(algo, pair) for algo in pair)}
    rule = "every pair" if len(pairs) == every > 1 else f"{algos[0]} against the rest" if sets - twins == first - twins and len(pairs) > 1 else ""
    rule = "" if twins == sets else rule
    words = ", ".join(f"{x} and {y}{' (twins)' if frozenset((x, y)) in twins else ''}" for x, y in pairs)
    holm = f"; p-values corrected for all {len(pairs)} by Holm" if len(pairs) > 1 else ""
    return f"{rule}{': ' if rule else ''}{words}{holm}"


def chosen_comparisons(text: str, algos: list[str]) -> list[list[str]]:
    """`a:b,c:d` as pairs; the names may hold colons themselves. UserError for a pair that is none of these algorithms'."""
    found = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        cuts = [(word[:k], word[k + 1 :]) for k, sign in enumerate(word) if sign == ":"]
        pair = next(((x, y) for x, y in ((_found(x, algos), _found(y, algos)) for x, y in cuts) if x and y and x != y), None)
        if pair is None:
            raise UserError(f"--pairs {word}: give two of {', '.join(algos)} with a colon between them")
        found.append(list(pair))
    return found


def _found(word: str, algos: list[str]) -> str:
    """The algorithm that a word means, itself or by its file; nothing if it means none of these."""
    if word in algos:
        return word
    path, _, name = word.rpartition(":")
    return next((algo for algo in algos if path.endswith(".py") and algo.endswith(f":{name}") and spelled(word) == algo), "")


def unequal_tuning(study: Study, group: dict[str, Any]) -> list[str]:
    """A sentence for each comparison of a group whose sides' settings were found with unequal care, as far as the study says where they come from."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for x, y in group["comparisons"]:
        for env in group["envs"]:
            one, other = _care(study, x, env), _care(study, y, env)
            if one and other and one != other:
                found.setdefault((x, one, y, other), []).append(env)
    return [f"Unequal tuning on {', '.join(envs)}: {x} has {one}, {y} {other}" for (x, one, y, other), envs in found.items()]


def _care(study: Study, algo: str, env: str) -> str:
    """With how much care the settings of an algorithm were found for a task; nothing where that is not known, or it has none to be found."""
    words = ((study.provenance or {}).get(algo) or {}).get(env) or ""
    entry = registry.known(algo)
    if not words or (entry is not None and entry.loop in ("none", "planning")):
        return ""
    if tuning_of(study, algo):
        return "settings that were tuned as declared"
    if ", entry of the task" in words:
        return "settings tuned for the task"
    return "settings that its author chose" if words.startswith("given: ") and not words.startswith("given: policy;") else "default settings"


def _hydra(overrides: list[str]) -> Any:
    return copy.deepcopy(_composed(tuple(overrides)))


@functools.cache
def _composed(overrides: tuple[str, ...]) -> Any:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIGS.resolve()), version_base="1.3"):
            return hydra_compose("config", [f"+{_everything()}", *overrides])
    except (HydraException, OmegaConfBaseException) as error:
        cause = error.__cause__ or error
        raise UserError(_explained(" ".join(str(cause).split()))) from None


@functools.cache
def _everything() -> str:
    """The settings of all algorithms and environments as one of Hydra's options: merging a hundred files anew for each study took most of its time."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    files = {group: {name: OmegaConf.load(CONFIGS / group / f"{name}.yaml") for name in options(group)} for group in ("algo", "env")}
    ConfigStore.instance().store(group="everything", name="files", node=files, package="_global_")
    return "everything=files"


def _explained(message: str) -> str:
    """Hydra's and OmegaConf's messages, in a user's words where they are known."""
    key = re.search(r"Key '(.+?)' is not in struct full_key: (\S+)", message) or re.search(r"Could not override '(.+?)'", message)
    if key:
        name, full = key.group(1), key.group(key.lastindex or 1)
        near = difflib.get_close_matches(name, ["seeds", "steps", "groups", "budget", "protocol", "statistics", "launcher", "question", "name", "keep_models",
                                                "eval_episodes", "eval_points", "eval_seed", "deterministic", "reps", "confidence", "margin", "threshold",
                                                "paired", "tuning", "jobs", "attempts"], n=1)
        hint = f": did you mean '{near[0]}'?" if near else ""
        if full.startswith("algo."):
            hint = f". (+{full}=... sets a hyper-parameter that is left at its default)"
        return f"a study has no setting '{full}'{hint}"
    option = re.search(r"Could not find '(\w+)/(\S+?)' Available options in '\w+': (.*?) Config search path", message)
    return f"there is no {option.group(1)} '{option.group(2)}'; there are {', '.join(option.group(3).split())}" if option else message


def _plain(config, throw: bool = True) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=throw)
    except OmegaConfBaseException as error:
        raise UserError(" ".join(str(error).split())) from None
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def seed_list(seeds: Any) -> list[int]:
    """The seeds of a study: n stands for 0 ... n-1; UserError for none, negative or repeated ones."""
    chosen = list(range(seeds)) if isinstance(seeds, int) and not isinstance(seeds, bool) else seeds
    if not isinstance(chosen, list) or not all(isinstance(seed, int) and seed >= 0 for seed in chosen):
        raise UserError(f"seeds={seeds}: give a number of seeds (10) or a list of seeds ([0,1,2])")
    if not chosen:
        raise UserError(f"seeds={seeds}: a study needs at least 1 seed; 10 is usual")
    if len(set(chosen)) < len(chosen):
        raise UserError(f"seeds={seeds}: each seed once, a run with the same seed is the same run")
    return chosen


def resolve(config: dict[str, Any]) -> Study:
    """The composed configuration, reduced to what this study uses, with every default filled in. UserError for what cannot be."""
    groups = [_group(group) for group in config["groups"] or []]
    for one, other in itertools.combinations([group["name"] for group in groups], 2):
        if anchor(one) == anchor(other):
            raise UserError(f"groups '{one}' and '{other}' have one name, but for capitals and punctuation: their figures could not be told apart")
    if not groups:
        raise UserError("a study needs algorithms and environments: --algos a,b --envs x,y or a suite's name")
    for name, of_env in config["budget"].items():
        if not isinstance(of_env, dict):
            example = f"budget.{name}.{groups[0]['algos'][0]}=50000"
            raise UserError(f"budget.{name}={one_line(str(of_env))[:80]}: give steps by algorithm, such as {example}, or `steps` for all")
    pairs = sorted({(algo, env) for group in groups for algo in group["algos"] for env in group["envs"]})
    envs = sorted({env for _, env in pairs})
    study: dict[str, Any] = {
        "name": config["name"],
        "question": config["question"],
        "seeds": seed_list(config["seeds"]),
        "groups": groups,
        "protocol": config["protocol"],
        "statistics": config["statistics"],
        "hyperparams": {},
        "budget": {env: {} for env in envs},
        "zoo_budget": {env: {} for env in envs},
        "provenance": {},
        "envs": {},
        "normalise": {},
        "references": {},
        "launcher": config["launcher"],
        "keep_models": config["keep_models"],
    }
    for env in envs:
        known = {**config.get("env", {}).get(environments.base(env), {}), **config.get("env", {}).get(env, {})}
        study["envs"][env] = {key: known.get(key) for key in ("kwargs", "max_episode_steps", "eval_episodes")}
        if known.get("dataset"):
            study["envs"][env]["dataset"] = recorded.described(known["dataset"], env)
            known = {"normalise": recorded.references(known["dataset"], env), **known}
        if known.get("normalise"):
            study["normalise"][env] = known["normalise"]
        study["references"][env] = known.get("references", [])
    recorded.refuse_mixtures(groups, study["envs"], study["protocol"])
    for algo, env in pairs:
        base = registry.find(algo).settings
        values, own_values = (config.get("algo", {}).get(name, {}) for name in (base, algo))
        task = environments.base(env)
        raw = dict(_of_task(values, env))
        raw |= _of_task(own_values, env)  # of one's own, or of a variant, over its parent's; of a twin, what it alone has
        recommended = raw.pop("n_timesteps", None)
        budget = {**config["budget"].get(task, {}), **config["budget"].get(env, {})}
        steps = config["steps"] or budget.get(algo, budget.get(base, recommended))
        if not isinstance(steps, int) or steps < 1:
            raise UserError(f"steps={steps} for {algo} on {env}: give a whole number of training steps, such as -n 50000")
        study["hyperparams"].setdefault(algo, {})[env] = raw
        study["provenance"].setdefault(algo, {})[env] = provenance(base, task, raw)
        study["budget"][env][algo] = steps
        if task in values and is_from_zoo(base):
            study["zoo_budget"][env][algo] = recommended
    for key in ("eval_episodes", "eval_points"):
        if not isinstance(study["protocol"][key], int) or study["protocol"][key] < 1:
            raise UserError(f"protocol.{key}={study['protocol'][key]}: give a whole number of at least 1")
    for name in study["protocol"].get("measures") or []:
        measured.module_of(name)
    if config.get("tuning"):
        study["tuning"] = _tuning(config["tuning"], study)
    return Study.of(study).asking()


def _of_task(values: Mapping[str, Any], env: str) -> Mapping[str, Any]:
    """An algorithm's settings for an environment: those of the environment itself, of the one that it varies, or the default ones."""
    return values.get(env, values.get(environments.base(env), values.get("default", {}))) or {}


# ------------------------------------------------------------------------------------------------------- a study from elsewhere

# Of an algorithm or environment, one's own with its module before it, a variant with its name behind it: with /, : and ~ as _, it names a folder.
ID = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*:)?[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)?(~[A-Za-z0-9._+-]+)?")
MOST_RUNS = 100_000  # that a study plans
MOST_SETTINGS = 500_000_000  # characters of all runs' settings, over which their names are hashed
MOST = {"eval_points": 1_000_000, "eval_episodes": 1_000_000, "reps": 10_000_000}  # what a number may ask of whoever reads the study


def malformed(study: Any) -> str:
    """What keeps this from being a resolved study, or nothing: its shape and names, and numbers that would ask too much of a reader."""
    kinds = {"groups": list, "seeds": list, "protocol": dict, "hyperparams": dict, "budget": dict, "envs": dict}
    if not isinstance(study, dict) or not study:
        return "it holds no study"
    for key, kind in kinds.items():
        if not isinstance(study.get(key), kind):
            return f"{key} is missing or no {'list' if kind is list else 'mapping'}"
    for key in ("code", "own", "statistics", "normalise", "references", "provenance", "zoo_budget", "tuning", "launcher", "sequential", "source",
                "claim"):
        if not isinstance(study.get(key), dict | None):
            return f"{key} is no mapping"
    for key in ("name", "question", "command", "hash", "seed_rule"):
        if not isinstance(study.get(key), str | None):
            return f"{key} is no text"
    if study.get("keep_models", True) not in (True, False, MEDIAN):
        return f"keep_models is neither true nor false nor {MEDIAN}"
    if not all(type(seed) is int and 0 <= seed < 2**63 for seed in study["seeds"]):
        return "seeds are whole numbers"
    numbers = [(key, part[key]) for part in (study["protocol"], study.get("statistics") or {}) for key in MOST if key in part]
    for key, value in [*numbers, *_of_envs(study["envs"])]:
        if type(value) is not int or not 0 < value <= MOST[key]:
            return f"{key}={_brief(value)} is no whole number from 1 to {MOST[key]:,}"
    return _malformed_groups(study)


def _of_envs(envs: dict[str, Any]) -> list[tuple[str, Any]]:
    return [("eval_episodes", spec["eval_episodes"]) for spec in envs.values() if isinstance(spec, dict) and spec.get("eval_episodes") is not None]


def _malformed_groups(study: dict[str, Any]) -> str:
    n_runs = 0
    for group in study["groups"]:
        if not isinstance(group, dict) or not isinstance(group.get("name"), str):
            return "a group has no name"
        of_group = f"group {_brief(group['name'])}"
        for key in ("algos", "envs"):
            names = group.get(key)
            if not isinstance(names, list) or not names or not all(isinstance(name, str) and len(name) <= 100 and ID.fullmatch(name) for name in names):
                return f"{of_group}: {key} are names in letters, digits and ._+-, with one / at most, and one : behind a module"
        pairs = group.get("comparisons")
        if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 and set(map(str, pair)) <= set(group["algos"]) for pair in pairs):
            return f"{of_group}: comparisons are pairs of its algorithms"
        n_runs += len(group["algos"]) * len(group["envs"]) * len(study["seeds"])
        if n_runs > MOST_RUNS:
            return f"it plans more than {MOST_RUNS:,} runs"
        for env, algo in itertools.product(group["envs"], group["algos"]):
            if len(group["algos"]) * len(group["envs"]) * len(study["seeds"]) * _size(study, algo, env) > MOST_SETTINGS:
                return f"{algo} on {env}: settings of {_size(study, algo, env):,} characters for each of so many runs"
            raw, steps = (at(study[key], *path) for key, path in (("hyperparams", (algo, env)), ("budget", (env, algo))))
            if not isinstance(raw, dict) or not isinstance(study["envs"].get(env), dict):
                return f"{algo} on {env}: no hyper-parameters, or no settings of the environment"
            if type(steps) is not int or not 0 < steps < 2**53:
                return f"{algo} on {env}: a budget of {_brief(steps)} steps"
            if study.get("code") and not isinstance(at(study["code"], algo, env), str):
                return f"{algo} on {env}: no version of the code"
    return ""


def at(value: Any, *path: str) -> Any:
    """What stands there in nested dictionaries; None where one of them is missing, or is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _size(study: dict[str, Any], algo: str, env: str) -> int:
    """About how many characters the settings of a run take."""
    return sum(len(str(part)) for part in (at(study["hyperparams"], algo, env), study["envs"].get(env), study["protocol"]))


def _brief(value: Any) -> str:
    text = one_line(str(value)) if isinstance(value, str | int | float | None) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}…"


# ---------------------------------------------------------------------------------------------------------------------- tuning

TUNING = ("method", "trials", "seeds", "source")
TUNING_MORE = ("cost", "confirmed")  # what `tune` says besides: in words; {trials, seeds} of the settings that were trained again on fresh seeds


def _tuning(declared: Any, study: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """How each algorithm's hyper-parameters were found: {algorithm: {method, trials, seeds, source}}, and TUNING_MORE. UserError if a seed of this study
    helped."""
    if not isinstance(declared, dict):
        raise UserError(f"tuning={declared}: give {{algorithm: {{{', '.join(TUNING)}}}}}")
    known = {registry.find(algo).settings for algo in study["hyperparams"]} | set(study["hyperparams"])
    for algo, how in declared.items():
        if algo not in known:
            raise UserError(f"tuning of '{algo}', which is not in this study: it has {', '.join(study['hyperparams'])}")
        if not isinstance(how, dict) or set(how) - set(TUNING_MORE) != set(TUNING):
            raise UserError(f"tuning of {algo}: give {', '.join(TUNING)}; it has {', '.join(how) if isinstance(how, dict) else how}")
        if not isinstance(how["trials"], int) or isinstance(how["trials"], bool) or how["trials"] < 1:
            raise UserError(f"tuning of {algo}: trials={how['trials']}: how many settings were tried, 1 at least")
        again = how.get("confirmed") or {}
        if not isinstance(again, dict) or (again and (set(again) != {"trials", "seeds"} or not isinstance(again["trials"], int))):
            raise UserError(f"tuning of {algo}: confirmed={again}: give trials, how many were trained again, and seeds")
        helped = [*seed_list(how["seeds"]), *(seed_list(again["seeds"]) if again else [])]
        shared = sorted(set(helped) & set(study["seeds"]))
        if shared:
            free = max([*study["seeds"], *helped]) + 1
            raise UserError(f"seed{'s' * (len(shared) > 1)} {ranges(shared)} {'were' if len(shared) > 1 else 'was'} also used for tuning {algo} "
                            f"({how['source']}): evaluate on others, such as seeds=[{','.join(str(free + k) for k in range(min(len(study['seeds']), 3)))},…]")
    return {algo: {**how, "seeds": seed_list(how["seeds"]), **({"confirmed": {**how["confirmed"], "seeds": seed_list(how["confirmed"]["seeds"])}}
                                                               if how.get("confirmed") else {})} for algo, how in declared.items()}  # fmt: skip


def ranges(numbers: list[int]) -> str:
    """[0, 1, 2, 5] as "0–2, 5"."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def tuning_of(study: Study, algo: str) -> str:
    """What an algorithm's settings cost to find, as a sentence; empty where the study declares no tuning. A twin shares its algorithm's."""
    declared = study.tuning or {}
    how = declared.get(algo) or declared.get(registry.settings_of(algo))
    if not how:
        return ""
    runs, again = how["trials"] * len(how["seeds"]), how.get("confirmed")
    confirmed = f", and {again['trials']} settings again × {len(again['seeds'])} seeds ({ranges(sorted(again['seeds']))})" if again else ""
    return (f"tuned by {how['method']}: {how['trials']:,} trials × {len(how['seeds'])} seeds ({ranges(sorted(how['seeds']))}) = {runs:,} runs "
            f"besides those shown{confirmed}{'; cost: ' + how['cost'] if how.get('cost') else ''}; source: {how['source']}")


def provenance(algo: str, env: str, raw: dict[str, Any]) -> str:
    """Where these values come from: the file, its entry and its source, and what was changed since."""
    text, entries = _settings_of(algo)
    if not entries:
        return f"given: {', '.join(raw)}; the class's defaults else" if raw else "the class's defaults"
    own = entries.get(env, entries.get("default")) or {}
    source = re.search(r"^# Source: (.*?)\.?$", text, re.MULTILINE)
    words = f"configs/algo/{algo}.yaml, {'entry of the task' if env in entries else 'default entry'}"
    words += f", from {source[1]}" if source and env in entries else ""
    changed = sorted(key for key in {*raw, *own} - {"n_timesteps"} if raw.get(key) != own.get(key))
    return f"{words}; changed: {', '.join(changed)}" if changed else words


def is_from_zoo(algo: str) -> bool:
    return "RL Baselines3 Zoo" in _settings_of(algo)[0][:1000]


@functools.cache
def _settings_of(algo: str) -> tuple[str, dict[str, Any]]:
    """The file of an algorithm's settings, as text and by task; nothing where there is none."""
    path = CONFIGS / "algo" / f"{algo}.yaml"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return text, yaml.safe_load(text) or {}


def _group(group: dict[str, Any]) -> dict[str, Any]:
    unknown = set(group) - {"name", "algos", "envs", "comparisons"}
    if unknown or not {"algos", "envs"} <= set(group):
        raise UserError(f"group {group.get('name', '?')}: a group has name, algos, envs and comparisons; it has {', '.join(group)}")
    group = {**group, "algos": [spelled(name) for name in group["algos"]], "envs": [spelled(name) for name in group["envs"]]}
    for name in (*group["algos"], *group["envs"]):
        if registry.VARIANT in str(name) and not ID.fullmatch(str(name)):
            raise UserError(f"{name}: behind {registry.VARIANT} stand letters of ASCII, digits and ._+- alone")
    for algo in group["algos"]:
        registry.find(algo)
    for env in group["envs"]:
        environments.check(env)
    for kind in ("algos", "envs"):
        if not group[kind] or len(set(group[kind])) < len(group[kind]):
            raise UserError(f"group {group.get('name', '?')}: {kind}={group[kind]}: at least one, and each once")
    given = group.get("comparisons")
    comparisons = natural_comparisons(group["algos"]) if given is None else [[spelled(str(algo)) for algo in pair] for pair in given]
    for algo in itertools.chain.from_iterable(comparisons):
        if algo not in group["algos"]:
            raise UserError(f"group {group.get('name', '?')}: comparison with '{algo}', which is not among its algorithms {', '.join(group['algos'])}")
    if len({frozenset(pair) for pair in comparisons}) < len(comparisons):
        raise UserError(f"group {group.get('name', '?')}: a comparison stands there twice: each pair once, whichever comes first")
    return {"name": group.get("name", "all"), "algos": list(group["algos"]), "envs": list(group["envs"]), "comparisons": comparisons}


def check_pair(algo: str, env_id: str, raw: dict[str, Any], spec: dict[str, Any]) -> None:
    """Raise UserError if this algorithm cannot train on this environment with these hyper-parameters: builds one and throws it away."""
    from stable_baselines3.common.vec_env import DummyVecEnv

    entry = registry.find(algo)
    cls = entry.load()
    hyperparams.check(algo, cls, raw)
    n_envs = raw.get("n_envs", 1)
    if not isinstance(n_envs, int) or n_envs < 1:
        raise UserError(f"{algo} on {env_id}: n_envs={n_envs}: at least 1 environment is needed")
    data = {"dataset": recorded.given(spec, env_id)} if entry.loop == "dataset" else {}
    try:
        envs = [environments.make_env(env_id, spec, raw.get("env_wrapper")) for _ in range(n_envs)]
    except UserError:
        raise
    except Exception as error:  # whatever an environment's constructor raises
        raise UserError(f"cannot make {env_id} with {spec.get('kwargs') or {}}: {first_line(error)}") from None
    _check_spaces(entry, env_id, envs[0])
    supply = iter(envs)
    venv = environments.wrap(DummyVecEnv([lambda: next(supply)] * n_envs), hyperparams.normalize_arguments(raw), raw.get("frame_stack"))
    try:
        arguments = hyperparams.constructor_arguments(raw, envs[0].action_space)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cls(raw.get("policy", entry.policy), venv, device="cpu", **arguments, **data)
    except UserError:
        raise
    except Exception as error:  # the algorithm's own checks of its arguments
        raise UserError(f"{algo} on {env_id}: {first_line(error)}") from None
    finally:
        venv.close()


def _check_spaces(entry: registry.Entry, env_id: str, env) -> None:
    if entry.learns == "table" and type(env.observation_space).__name__ not in ("Discrete", "MultiDiscrete"):
        raise UserError(f"{entry.id} keeps a table of states: it needs a Discrete or MultiDiscrete observation space; {env_id} has {env.observation_space}")
    kind = type(env.action_space).__name__
    if entry.actions and kind not in entry.actions:
        of_data = entry.loop == "dataset"  # who learns from data is told of others who do
        others = [other.id for other in registry.ENTRIES.values()
                  if other.learns == "deep" and (other.loop == "dataset") == of_data and kind in (other.actions or (kind,))]
        raise UserError(f"{entry.class_name} needs a {' or '.join(entry.actions)} action space; {env_id} has {env.action_space}. "
                        f"For {kind} actions: {', '.join(others)}")
    if entry.needs and not env.has_wrapper_attr(entry.needs):
        raise UserError(f"{entry.class_name} asks the environment which actions are valid; {env_id} has no {entry.needs}(). "
                        "docs/environments.md names one that has it, and how another is given it")
