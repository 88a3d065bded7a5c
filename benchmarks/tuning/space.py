"""Search spaces: which hyper-parameters are drawn, between which ends. They are data, a file for each family in spaces/, or one of the user's own.

    learning_rate: {log: [1.0e-5, 1.0e-2]}          drawn uniformly on a logarithmic scale
    clip_range: {uniform: [0.1, 0.4]}               drawn uniformly
    n_steps: {int: [1, 16]}                         a whole number; log_int: on a logarithmic scale
    batch_size: {power_of_2: [32, 512]}             32, 64, … 512
    gamma: {one_minus_log: [0.9, 0.9999]}           1 − γ is drawn on a logarithmic scale
    ent_coef: {choice: [auto, 0.01, 0.1]}           one of these; also of lists, such as [64, 64]
    gradient_steps: {value: -1}                     always this
    gradient_steps: {same_as: train_freq}           always what the other is
    batch_size: {power_of_2: [8, 512], at_most: n_steps}    no more than the steps of a rollout, all environments together
    policy_kwargs.net_arch: {choice: [[64, 64], [256, 256]]}    a part of policy_kwargs

Where the default of an algorithm is none that its class says, `default:` says it, one of the choices.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.store.plain import content, from_yaml, one_line
from benchmarks.studies import hyperparams
from from_scratch import registry

RANGES = ("log", "uniform", "int", "log_int", "power_of_2", "one_minus_log")
FIXED = ("value", "same_as")
KINDS = (*RANGES, "choice", *FIXED)
MODIFIERS = ("at_most", "default")
NAME = re.compile(r"[a-z][A-Za-z0-9_]*(\.[a-z][A-Za-z0-9_]*)?")
MOST = 100  # hyper-parameters of a space, and choices of one
OUTSIDE = ("policy", "n_timesteps", "env_wrapper", "frame_stack")  # what decides on which problem is trained, and for how long


@dataclass(frozen=True)
class Parameter:
    """One hyper-parameter of a space. ends: of a range; choices: of a choice, in the Zoo's notation, or the one thing that a fixed one says."""

    name: str
    kind: str
    ends: tuple[float, float] | None = None
    choices: tuple[Any, ...] = ()
    at_most: str | None = None
    default: Any = None

    @property
    def is_drawn(self) -> bool:
        return self.kind not in FIXED

    @property
    def words(self) -> dict[str, Any]:
        """The line of the file that says it."""
        line: dict[str, Any] = {self.kind: list(self.ends) if self.ends else list(self.choices) if self.kind == "choice" else self.choices[0]}
        return {**line, **({"at_most": self.at_most} if self.at_most else {}), **({"default": self.default} if self.default is not None else {})}

    @property
    def is_logarithmic(self) -> bool:
        return self.kind in ("log", "log_int", "power_of_2", "one_minus_log")

    def distribution(self) -> dict[str, Any]:
        """As Optuna draws it: {kind: float | int | categorical, low, high, log | choices}. A power of 2 is drawn by its exponent, γ by 1 − γ."""
        if not self.ends:
            return {"kind": "categorical", "choices": [label(choice) for choice in self.choices]}
        low, high = self.ends
        match self.kind:
            case "power_of_2":
                return {"kind": "int", "low": round(math.log2(low)), "high": round(math.log2(high)), "log": False}
            case "int" | "log_int":
                return {"kind": "int", "low": int(low), "high": int(high), "log": self.kind == "log_int"}
            case "one_minus_log":
                return {"kind": "float", "low": float(f"{1 - high:.12g}"), "high": float(f"{1 - low:.12g}"), "log": True}
        return {"kind": "float", "low": low, "high": high, "log": self.kind == "log"}

    def value(self, drawn: Any) -> Any:
        """The hyper-parameter for what Optuna drew."""
        if not self.ends:
            return next(choice for choice in self.choices if label(choice) == drawn)
        match self.kind:
            case "power_of_2":
                return 2 ** int(drawn)
            case "int" | "log_int":
                return int(drawn)
            case "one_minus_log":
                return float(f"{1 - drawn:.6g}")
        return float(f"{drawn:.6g}")  # a rate need not have 17 digits, and a YAML file is read by people

    def nearest(self, value: Any) -> tuple[Any, bool]:
        """(what Optuna would have drawn for the value that comes nearest to this one, whether it is this one)."""
        if not self.ends:
            for choice in self.choices:
                if label(choice) == label(value):
                    return label(choice), True
            numbers, number = [choice for choice in self.choices if _is_number(choice)], _as_number(value)
            if number is not None and numbers:
                return label(min(numbers, key=lambda choice: abs(choice - number))), False
            return label(self.default if self.default is not None else self.choices[0]), False
        number = _as_number(value)
        low, high = self.ends
        if number is None:
            return self._drawn(math.sqrt(low * high) if self.is_logarithmic and low > 0 else (low + high) / 2), False
        drawn = self._drawn(min(max(number, low), high))
        return drawn, _is_number(value) and math.isclose(self.value(drawn), number, rel_tol=1e-5)

    def _drawn(self, value: float) -> Any:
        own = self.distribution()
        found = math.log2(value) if self.kind == "power_of_2" else 1 - value if self.kind == "one_minus_log" else value
        return int(min(max(round(found), own["low"]), own["high"])) if own["kind"] == "int" else float(min(max(found, own["low"]), own["high"]))


Space = tuple[Parameter, ...]


def label(choice: Any) -> Any:
    """A choice as Optuna keeps it, which knows no lists."""
    return choice if choice is None or isinstance(choice, bool | int | float | str) else json.dumps(choice, separators=(",", ":"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_number(value: Any) -> float | None:
    """A number, that from which a schedule starts (lin_0.001), or nothing."""
    text = value.partition("_")[2] if isinstance(value, str) and value.startswith("lin_") else value
    try:
        return float(text) if not isinstance(text, bool) else None
    except (TypeError, ValueError):
        return None


# --- which space an algorithm has


def of(algo: str) -> Space:
    """The space of an algorithm: its own lines in its family's file over what the family shares, as far as its class has such hyper-parameters.

    An algorithm of SB3 or its contrib package has its twin's. UserError where there is none.
    """
    entry = registry.find(algo)
    where = entry if entry.is_ours else next((other for other in registry.ENTRIES.values() if other.is_ours and other.id == entry.settings), entry)
    family = _families().get(where.family, {})
    known = _known(algo)
    lines = {name: line for name, line in family.get("shared", {}).items() if name.partition(".")[0] in known}
    for name in _ancestors(where.id, family.get("algorithms", {})):
        lines |= family["algorithms"][name]
    lines = {name: line for name, line in lines.items() if line is not None and name != "like"}
    space = read(lines, f"the space of {algo}") if lines else ()
    if not any(parameter.is_drawn for parameter in space):
        raise UserError(f"{algo} has no search space: give one with --space FILE (docs/tuning.md); there is {_hint(algo)}")
    return space


def _hint(algo: str) -> str:
    own = _known(algo) - {*hyperparams.SETUP, "policy_kwargs", "stats_window_size"}
    known = [name for name in inspect.signature(registry.load(algo)).parameters if name in own]
    return f"{', '.join(known[:12])}{', …' if len(known) > 12 else ''} to be drawn" if known else "nothing in it to be drawn"


def _ancestors(algo: str, lines: Mapping[str, Any]) -> list[str]:
    """The entries whose lines an algorithm has, the farthest first: `like: sac` means all of SAC's."""
    found: list[str] = []
    name: Any = algo
    while name in lines and name not in found:
        found.insert(0, name)
        name = lines[name].get("like")
    return found


@functools.cache
def _families() -> dict[str, Any]:
    files = (file for file in (resources.files("benchmarks.tuning") / "spaces").iterdir() if file.name.endswith(".yaml"))
    return {file.name.removesuffix(".yaml"): from_yaml(file.read_text(encoding="utf-8"), file.name) for file in files}


def _known(algo: str) -> set[str]:
    """The hyper-parameters that may be drawn for an algorithm."""
    return {*inspect.signature(registry.load(algo)).parameters, *hyperparams.SETUP} - {*hyperparams.RESERVED, *OUTSIDE}


def from_file(path: Path, algo: str) -> Space:
    """The space in a file of one's own. UserError, with the line, for what is none."""
    if not path.is_file():
        raise UserError(f"--space {path}: there is no such file")
    try:
        lines = from_yaml(content(path.resolve()).decode(), path.name)
    except Exception as error:
        raise UserError(f"--space {path}: {one_line(str(error))[:200]}") from None
    space = read(lines, str(path))
    known = _known(algo)
    for parameter in space:
        if parameter.name.partition(".")[0] not in known:
            hyperparams.check(algo, registry.load(algo), {parameter.name.partition(".")[0]: None})  # names the nearest
            raise UserError(f"{path}: {parameter.name} of {algo} is not drawn: it belongs to the problem, or the harness gives it")
    if not any(parameter.is_drawn for parameter in space):
        raise UserError(f"{path}: nothing in it is drawn")
    return space


# --- reading


def read(lines: Any, where: str) -> Space:
    """The space that these lines of a file are. UserError for the first that says none."""
    if not isinstance(lines, dict) or not lines or len(lines) > MOST:
        raise UserError(f"{where}: a search space names 1 to {MOST} hyper-parameters, such as learning_rate: {{log: [0.0001, 0.01]}}")
    space = tuple(_parameter(str(name), line, where) for name, line in lines.items())
    names = {parameter.name for parameter in space}
    for parameter in space:
        other = parameter.choices[0] if parameter.kind == "same_as" else parameter.at_most
        if other and other not in names - {parameter.name}:
            raise UserError(f"{where}: {parameter.name} follows {one_line(str(other))[:80]}, which is not in the space")
    return space


def _parameter(name: str, line: Any, where: str) -> Parameter:
    shown = f"{where}: {one_line(name)[:80]}"
    if not NAME.fullmatch(name):
        raise UserError(f"{shown}: this is no name of a hyper-parameter")
    kinds = [key for key in line if key in KINDS] if isinstance(line, dict) else []
    if not isinstance(line, dict) or len(kinds) != 1 or set(line) - {*KINDS, *MODIFIERS}:
        raise UserError(f"{shown}: write one of {', '.join(KINDS)}, as in {{log: [0.0001, 0.01]}}; it has {one_line(str(line))[:80]}")
    kind, said = kinds[0], line[kinds[0]]
    at_most, default = line.get("at_most"), line.get("default")
    if kind in FIXED:
        return Parameter(name, kind, choices=(said,))
    if kind == "choice":
        if not isinstance(said, list) or not 2 <= len(said) <= MOST or len({label(choice) for choice in said}) < len(said):
            raise UserError(f"{shown}: choice is a list of 2 to {MOST} different values; it is {one_line(str(said))[:80]}")
        if default is not None and label(default) not in [label(choice) for choice in said]:
            raise UserError(f"{shown}: its default {default} is not among its choices")
        return Parameter(name, kind, choices=tuple(said), default=default, at_most=_checked_at_most(at_most, shown))
    if not isinstance(said, list) or len(said) != 2 or not all(_is_number(end) and math.isfinite(end) for end in said) or not said[0] < said[1]:
        raise UserError(f"{shown}: {kind} has two ends, the lower first; it has {one_line(str(said))[:80]}")
    _check_ends(kind, said, shown)
    return Parameter(name, kind, ends=(said[0], said[1]), default=default, at_most=_checked_at_most(at_most, shown))


def _checked_at_most(at_most: Any, shown: str) -> str | None:
    if at_most is not None and not isinstance(at_most, str):
        raise UserError(f"{shown}: at_most names another hyper-parameter; it is {one_line(str(at_most))[:80]}")
    return at_most


def _check_ends(kind: str, ends: list[float], shown: str) -> None:
    low, high = ends
    if kind in ("log", "log_int") and low <= 0:
        raise UserError(f"{shown}: on a logarithmic scale both ends are above 0; they are {low} and {high}")
    if kind == "one_minus_log" and not 0 <= low < high < 1:
        raise UserError(f"{shown}: one_minus_log lies between 0 and 1, below 1; its ends are {low} and {high}")
    if kind in ("int", "log_int", "power_of_2") and not all(float(end).is_integer() for end in ends):
        raise UserError(f"{shown}: {kind} has whole numbers as its ends; they are {low} and {high}")
    if kind == "power_of_2" and not all(end >= 1 and int(end) & (int(end) - 1) == 0 for end in ends):
        raise UserError(f"{shown}: {low} and {high} are not both powers of 2")


# --- from what was drawn to hyper-parameters, and back


def settings(space: Space, drawn: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The hyper-parameters of a trial, in the Zoo's notation: those that were drawn, over those that it was begun with."""
    found = dict(base)
    for parameter in space:
        value = parameter.value(drawn[parameter.name]) if parameter.is_drawn else parameter.choices[0]
        if parameter.kind == "same_as":
            continue
        whole, _, part = parameter.name.partition(".")
        found[whole] = _with_part(found.get(whole), part, value) if part else value
    for parameter in space:
        if parameter.at_most and _is_number(found.get(parameter.at_most)) and _is_number(found[parameter.name]):
            most = found[parameter.at_most] * (found.get("n_envs", 1) if parameter.at_most == "n_steps" else 1)
            found[parameter.name] = min(found[parameter.name], most)
    return found | {parameter.name: found[parameter.choices[0]] for parameter in space if parameter.kind == "same_as"}


def default_draw(space: Space, base: Mapping[str, Any], algo: str) -> tuple[dict[str, Any], list[str]]:
    """The point of the space that comes nearest to the settings that are tuned from, and the hyper-parameters in which it is not the same."""
    defaults = {name: p.default for name, p in inspect.signature(registry.load(algo)).parameters.items()}
    drawn, differing = {}, []
    for parameter in space:
        whole, _, part = parameter.name.partition(".")
        own = base.get(whole, defaults.get(whole))
        value = _part(own, part) if part else own
        if value is None and parameter.default is not None:
            value = parameter.default
        said: Any = parameter.choices[0] if parameter.choices else None
        if parameter.is_drawn:
            drawn[parameter.name], is_same = parameter.nearest(value)
        else:
            is_same = value == (base.get(said, defaults.get(said)) if parameter.kind == "same_as" else said)
        if not is_same:
            differing.append(parameter.name)
    return drawn, differing


def _keywords(text: Any) -> dict[str, str]:
    """The arguments in "dict(net_arch=[64], activation_fn=nn.ReLU)", each as it is written."""
    if not text:
        return {}
    if isinstance(text, dict):
        return {key: repr(value) for key, value in text.items()}
    hyperparams.literal(text)  # UserError for what is no such expression
    call = ast.parse(text.strip(), mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(keyword.arg): ast.unparse(keyword.value) for keyword in call.keywords}


def _with_part(text: Any, part: str, value: Any) -> str:
    written = value if isinstance(value, str) and value.startswith("nn.") else repr(value)
    return f"dict({', '.join(f'{key}={own}' for key, own in {**_keywords(text), part: written}.items())})"


def _part(text: Any, part: str) -> Any:
    written = _keywords(text).get(part)
    if written is None or written.startswith("nn."):
        return written
    return ast.literal_eval(written)
