"""What a claim says: a sentence of a paper, the study that decides it, the numbers it stands on, and what would count for and against it.

A claim is one YAML file and is frozen before its verdict's runs: its hash stands in the study that decides it, and in its record. References may be mended
afterwards, whatever a verdict depends on may not. Seeds on which it was tried out, or on which settings were tuned, are named and are none of the verdict's.

    row: 23                              # of the list that it was taken from
    title: Intermediate λ is best
    family: policy gradient
    paper: {cite: "Schulman et al. 2016", title: …, url: …, place: "Figure 3"}
    quoted: [{what: "the best λ", value: "0.92–0.98", verified: false}]      # numbers of the paper; not verified: from memory
    statement: "…"                       # one sentence, in the paper's sense
    badge: analogue                      # same task | analogue | exact
    tier: M                              # S ≤ 2, M ≤ 15, L ≤ 90 minutes of one core
    differs: "…"                         # from the paper's setting
    falsifier: "…"
    pilot: {seeds: [0, 1, 2], note: "…"} # what was tried on which seeds, and what changed because of it
    paired: true                         # runs of one seed are compared with one another
    study: {seeds: […], groups: …, …}    # as a suite's file has it (docs/your_own.md); an arm is dqn, or dqn~name with other settings
    numbers: {gain: {…}}                 # see Number
    controls: [{…}]                      # see Control
"""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.configs import CONFIGS, options
from benchmarks.store.plain import from_yaml
from benchmarks.studies import study as studies
from benchmarks.studies.study import Study, digest, ranges, seed_list

BADGES = {
    "same task": "the paper's own task",
    "analogue": "a smaller task of the same kind",
    "exact": "nothing is left to chance but what is said",
}
TIERS = {"S": 2, "M": 15, "L": 90}  # minutes of one core, at most
ON = " on "  # "dqn on CartPole-v1": an arm on a task


# What no verdict depends on, so that it may be mended afterwards: of a claim, and of its numbers and controls.
WORDS, WORDS_OF_PARTS = ("row", "title", "family", "paper", "quoted", "badge", "tier", "differs", "picture"), ("says", "unit")


class BadClaim(UserError):
    """A claim's file does not say what a claim has to say."""


@dataclass(frozen=True)
class Metric:
    """One number for each run: of which key of its results, and how it is taken. See benchmarks.claims.metrics."""

    of: str = "score"  # score, episode_length, seconds, or a key of training.parquet such as train/max_abs_q or measure/overestimation
    take: str = "last"  # last, first, mean, max, min, sum, area (mean over training), steps (to the threshold, at most the budget)
    threshold: float | None = None  # of `steps`; and, of any other, makes 1 of a value that reaches it, 0 of one that does not
    below: bool = False  # the threshold is reached from above
    scale: float = 1.0  # what it is multiplied by: 100 makes percent of a share

    @property
    def is_share(self) -> bool:
        """Whether a run gives yes or no."""
        return self.threshold is not None and self.take != "steps"


@dataclass(frozen=True)
class Number:
    """What a claim stands on: an amount, where it lies if the claim is void of content, and from where on it counts.

    contrast: cell -> coefficient: a sum of the arms' means; or ratio: [cell, cell], the first mean over the second; or statistic: the name of a
    function of benchmarks.claims.statistics. A cell is an arm, on the claim's only task or on every one of `envs`, averaged; or "arm on task".
    """

    name: str
    says: str  # what it is, for a reader
    metric: Metric
    nothing: float  # its value where there is no effect
    enough: float | None = None  # the smallest effect that counts lies here; its side of `nothing` is the claimed direction
    within: tuple[float | None, float | None] | None = None  # of a null instead: the interval that it has to lie in
    contrast: Mapping[str, float] | None = None
    ratio: tuple[str, str] | None = None
    statistic: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the statistic
    envs: tuple[str, ...] = ()
    unit: str = ""  # of the amount, as it is printed behind it

    @property
    def is_null(self) -> bool:
        return self.within is not None

    @property
    def direction(self) -> int:
        """+1 where the claim is that it is larger than nothing, −1 smaller."""
        assert self.enough is not None
        return 1 if self.enough > self.nothing else -1

    @property
    def cells(self) -> tuple[str, ...]:
        return tuple(self.contrast) if self.contrast is not None else self.ratio or ()


@dataclass(frozen=True)
class Control:
    """An arm that must learn, or one that must fail: without it a verdict would be of nothing."""

    says: str
    cell: str
    metric: Metric
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, as its file says it."""

    name: str
    row: int
    title: str
    family: str
    paper: Mapping[str, str]  # cite, title, url, place
    statement: str
    badge: str
    tier: str
    differs: str
    falsifier: str
    pilot: Mapping[str, Any]
    paired: bool
    study_settings: Mapping[str, Any]
    numbers: tuple[Number, ...]
    controls: tuple[Control, ...]
    hash: str  # of what its file says, but for its words
    quoted: tuple[Mapping[str, Any], ...] = ()
    picture: Mapping[str, Any] = field(default_factory=dict)

    def study(self, overrides: list[str] | tuple[str, ...] = ()) -> Study:
        """The study that decides it. UserError if a seed of the pilot is among its own."""
        groups = [{"comparisons": [], **group} for group in self.study_settings["groups"]]  # its numbers are what is compared
        settings = {"name": f"claim-{self.name}", "question": self.statement, "keep_models": False, **self.study_settings, "groups": groups}
        study = studies.composed(f"claim {self.name}", settings, overrides)
        shared = sorted(set(seed_list(self.pilot["seeds"])) & set(study.seeds)) if self.pilot.get("seeds") else []
        if shared and not overrides:
            raise BadClaim(f"claim {self.name}: seeds {ranges(shared)} were used to try it out: its verdict needs others")
        return study.asking(claim={"name": self.name, "hash": self.hash})

    @property
    def arms(self) -> list[str]:
        return list(dict.fromkeys(algo for group in self.study_settings["groups"] for algo in group["algos"]))


# ------------------------------------------------------------------------------------------------------------------ files


def names() -> list[str]:
    """The claims that there are."""
    return options("claim")


def find(name: str) -> Claim:
    """The claim of this name; UserError, with the nearest one, where there is none."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names())}"
        raise UserError(f"unknown claim '{name}': {hint} (sb3-course claim --list)")
    return _read(CONFIGS / "claim" / f"{name}.yaml")


@functools.cache
def _read(path: Path) -> Claim:
    return claim_of(path.stem, from_yaml(path.read_text(encoding="utf-8"), path.name))


def claim_of(name: str, said: Any) -> Claim:
    """The claim that a file of this name makes. BadClaim, naming the place, for what no claim says or for what is missing."""
    where = f"claim {name}"
    if not isinstance(said, dict):
        raise BadClaim(f"{where}: its file holds no claim")
    parts = {("study_settings" if key == "study" else key): value for key, value in said.items()}
    own = {f.name: f for f in fields(Claim) if f.name not in ("name", "hash")}
    _check_keys(where, parts, own)
    _check_kinds(where, parts, KINDS)
    for key, among in (("badge", BADGES), ("tier", TIERS)):
        if parts[key] not in among:
            raise BadClaim(f"{where}: {key}={parts[key]}: one of {', '.join(among)}")
    for key in ("cite", "title", "url", "place"):
        if not parts["paper"].get(key):
            raise BadClaim(f"{where}: paper: no {key}")
    numbers = tuple(_number(f"{where}: number {key}", key, value) for key, value in parts["numbers"].items())
    controls = tuple(_control(f"{where}: control {k + 1}", value) for k, value in enumerate(parts["controls"]))
    if not numbers:
        raise BadClaim(f"{where}: it stands on no number")
    quoted = tuple(parts.get("quoted") or ())
    for item in quoted:
        if not isinstance(item, dict) or set(item) - {"source"} != {"what", "value", "verified"}:
            raise BadClaim(f"{where}: quoted: give what, value and verified (true with the source where it was looked up), not {item}")
    claim = Claim(**{**parts, "name": name, "numbers": numbers, "controls": controls, "quoted": quoted, "hash": _hash(said)})
    _check_cells(where, claim)
    return claim


def _hash(said: Mapping[str, Any]) -> str:
    decisive = {key: value for key, value in said.items() if key not in WORDS or value == "exact"}  # that badge decides what runs that are all alike prove
    for key in ("numbers", "controls"):
        parts = decisive.get(key) or {}
        named = parts if isinstance(parts, dict) else dict(enumerate(parts))
        decisive[key] = [[str(name), {k: v for k, v in part.items() if k not in WORDS_OF_PARTS}] for name, part in named.items()]
    return digest({**decisive, "pilot": seed_list(said["pilot"]["seeds"]) if said["pilot"].get("seeds") else []})


def _check_keys(where: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise BadClaim(f"{where} has no '{key}'{f': did you mean {near[0]}?' if near else ': there are ' + ', '.join(known)}")
    lacking = [key for key, f in known.items() if key not in given and f.default is MISSING and f.default_factory is MISSING]
    if lacking:
        raise BadClaim(f"{where}: no {', no '.join('study' if key == 'study_settings' else key for key in lacking)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_a(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


Kinds = Mapping[str, tuple[Callable[[Any], bool], str]]  # key -> what its value has to be, and how that is called

TEXT, NUMBER, SWITCH, MAPPING = (_is_text, "words"), (_is_number, "a number"), (_is_a(bool), "true or false"), (_is_a(dict), "settings by name")
NAMES = (lambda value: isinstance(value, list) and all(map(_is_text, value)), "a list of names")
KINDS: Kinds = {
    "row": (_is_a(int), "a whole number"), **dict.fromkeys(("title", "family", "statement", "badge", "tier", "differs", "falsifier"), TEXT),
    **dict.fromkeys(("paper", "pilot", "study_settings", "numbers", "picture"), MAPPING), "paired": SWITCH, "controls": (_is_a(list), "a list"),
    "quoted": (_is_a(list), "a list"),
}  # fmt: skip
OF_METRIC: Kinds = {"of": TEXT, "take": TEXT, "threshold": NUMBER, "below": SWITCH, "scale": (lambda value: _is_number(value) and value != 0, "a number but 0")}
OF_NUMBER: Kinds = {
    "says": TEXT, "nothing": NUMBER, "enough": NUMBER, "statistic": TEXT, "settings": MAPPING, "envs": NAMES, "unit": (_is_a(str), "words"),
    "contrast": (lambda value: isinstance(value, dict) and bool(value) and all(_is_number(c) and c for c in value.values()), "a number but 0 for each arm"),
    "ratio": (lambda value: NAMES[0](value) and len(value) == 2, "two arms"),
    "within": (lambda value: isinstance(value, list) and len(value) == 2 and value != [None, None] and all(v is None or _is_number(v) for v in value),
               "two bounds, of which one may be null"),
}  # fmt: skip
OF_CONTROL: Kinds = {"says": TEXT, "cell": TEXT, "at_least": NUMBER, "at_most": NUMBER}
MAY_BE_NULL = ("threshold", "enough", "within", "contrast", "ratio", "statistic", "at_least", "at_most")
OF_GROUP: Kinds = {"algos": NAMES, "envs": NAMES}


def _check_kinds(where: str, given: Mapping[str, Any], kinds: Kinds) -> None:
    """BadClaim for a value that is none of its kind."""
    for key, (is_right, kind) in kinds.items():
        if key in given and not is_right(given[key]) and not (given[key] is None and key in MAY_BE_NULL):
            raise BadClaim(f"{where}: {'study' if key == 'study_settings' else key}={str(given[key])[:60]}: {kind}")


def _metric(where: str, said: Any) -> Metric:
    given = {"of": said} if isinstance(said, str) else said
    if not isinstance(given, dict):
        raise BadClaim(f"{where}: metric {said}: a key, or {{of, take, threshold, below, scale}}")
    _check_keys(f"{where}: metric", given, {f.name: f for f in fields(Metric)})
    _check_kinds(f"{where}: metric", given, OF_METRIC)
    metric = Metric(**given)
    from benchmarks.claims.metrics import TAKEN

    if metric.take not in TAKEN:
        raise BadClaim(f"{where}: take={metric.take}: one of {', '.join(TAKEN)}")
    if metric.take == "steps" and metric.threshold is None:
        raise BadClaim(f"{where}: steps need a threshold")
    return metric


def _number(where: str, name: str, said: Any) -> Number:
    if not isinstance(said, dict):
        raise BadClaim(f"{where}: {said}: give says, metric, nothing, …")
    parts = {**said, "name": name}
    _check_keys(where, parts, {f.name: f for f in fields(Number)})
    _check_kinds(where, parts, OF_NUMBER)
    parts["metric"] = _metric(where, parts["metric"])
    if sum(parts.get(key) is not None for key in ("contrast", "ratio", "statistic")) != 1:
        raise BadClaim(f"{where}: one of contrast, ratio and statistic")
    if parts.get("statistic") is not None:
        from benchmarks.claims.statistics import STATISTICS

        if parts["statistic"] not in STATISTICS:
            raise BadClaim(f"{where}: statistic={parts['statistic']}: one of {', '.join(STATISTICS)}")
    if (parts.get("enough") is None) == (parts.get("within") is None):
        raise BadClaim(f"{where}: either enough, from where on an effect counts, or within, where a null lies")
    if parts.get("within") is not None:
        parts["within"] = tuple(parts["within"])
        low, high = (b if b is not None else s * float("inf") for b, s in zip(parts["within"], (-1, 1), strict=True))
        if not low < parts["nothing"] < high:
            raise BadClaim(f"{where}: nothing={parts['nothing']} does not lie within {parts['within']}")
    elif parts["enough"] == parts["nothing"]:
        raise BadClaim(f"{where}: enough is nothing ({parts['nothing']}): an effect that counts lies on one side of it")
    if parts.get("ratio") is not None:
        parts["ratio"] = tuple(parts["ratio"])
    parts["envs"] = tuple(parts.get("envs") or ())
    return Number(**parts)


def _control(where: str, said: Any) -> Control:
    if not isinstance(said, dict):
        raise BadClaim(f"{where}: {said}: give says, cell, metric and at_least or at_most")
    _check_keys(where, said, {f.name: f for f in fields(Control)})
    _check_kinds(where, said, OF_CONTROL)
    if (said.get("at_least") is None) and (said.get("at_most") is None):
        raise BadClaim(f"{where}: at_least or at_most")
    return Control(**{**said, "metric": _metric(where, said["metric"])})


def cells_of(claim: Claim, cell: str, envs: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """The (arm, task) pairs that a word means: "arm on task", or an arm on `envs`, or on every task that it has."""
    if ON in cell:
        arm, _, env = cell.partition(ON)
        return [(arm, env)]
    tasks = [env for group in claim.study_settings["groups"] if cell in group["algos"] for env in group["envs"]]
    return [(cell, env) for env in dict.fromkeys(tasks) if not envs or env in envs]


def _check_cells(where: str, claim: Claim) -> None:
    groups = claim.study_settings.get("groups")
    if not groups or not isinstance(groups, list) or not all(isinstance(group, dict) and set(OF_GROUP) <= set(group) for group in groups):
        raise BadClaim(f"{where}: study: groups={str(groups)[:60]}: a list of groups, each with algos and envs")
    for group in groups:
        _check_kinds(f"{where}: study: a group", group, OF_GROUP)
    pairs = {(algo, env) for group in claim.study_settings["groups"] for algo in group["algos"] for env in group["envs"]}
    words = [(number.name, cell, number.envs) for number in claim.numbers for cell in number.cells]
    for name, cell, envs in [*words, *((control.says, control.cell, ()) for control in claim.controls)]:
        found = cells_of(claim, cell, envs)
        if not found or not set(found) <= pairs:
            raise BadClaim(f"{where}: {name}: '{cell}' is no arm of its study, which has {', '.join(claim.arms)}")
