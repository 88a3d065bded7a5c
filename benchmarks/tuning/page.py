"""index.html: a tuning's report, one file that holds everything, in the look of the studies' reports."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment

from benchmarks.report.style import count, number
from benchmarks.store.files import write_whole
from benchmarks.store.plain import printable
from benchmarks.studies.study import ranges
from benchmarks.tuning import best, figures, record
from benchmarks.tuning.importance import importances
from benchmarks.tuning.record import Record
from benchmarks.tuning.space import RANGES
from benchmarks.tuning.tuning import Tuning

FILE = "index.html"
OPTUNA_5 = {"TPESampler": "; in Optuna 5, multivariate=None means True where there is one score, and in Optuna 4 it was False, as was constant_liar"}
KINDS_IN_WORDS = {
    "log": "log-uniform", "uniform": "uniform", "int": "whole numbers", "log_int": "whole numbers, log-uniform", "power_of_2": "powers of 2",
    "one_minus_log": "1 − it is log-uniform, it lies in", "choice": "one of", "value": "always", "same_as": "the same as", "at_most": "at most",
    "default": "by default",
}  # fmt: skip


def write(folder: Path, asked: Tuning, found: Record) -> Path:
    """Write the page of what was found; where it is."""
    write_whole(folder / FILE, html(folder.name, asked, found))
    return folder / FILE


def html(name: str, asked: Tuning, found: Record) -> str:
    """The page. name: of the folder, which commands on it name."""
    style = (resources.files("benchmarks.report") / "templates" / "report.css").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (resources.files("benchmarks.tuning") / "page.html").read_text(encoding="utf-8")
    )
    shares, why_none = importances(asked, found)
    drawn = [parameter.name for parameter in asked.drawn_from if parameter.is_drawn]
    text = template.render(
        title=f"Tuning {asked.algo} on {asked.env}", style=style, question=_question(asked, found), sentences=_sentences(name, asked, found),
        changed=_changed(asked, found), cautions=_cautions(asked, found), figures=figures.all_of(asked, found, shares), no_importance=why_none,
        header=["trial", "how it ended", "score", "seeds", *drawn, "steps", "seconds"], rows=[_row(one, asked, drawn) for one in found.trials],
        failures=[(one["number"], one["error"], one["traceback"]) for one in found.trials if one["error"]], card=_card(asked, found),
        space=[(key, _words(line)) for key, line in asked.space.items()],
    )  # fmt: skip
    return printable(text) + "\n"


def _question(asked: Tuning, found: Record) -> str:
    return (f"Which settings score highest after {count(asked.steps)} {asked.unit}? {len(found.counted)} were tried, each with {len(asked.seeds)} seeds, "
            f"by Optuna {asked.versions.get('optuna', '')}.")  # fmt: skip


def _sentences(name: str, asked: Tuning, found: Record) -> list[str]:
    if found.best is None:
        return ["No trial has a score: their errors are below."]
    said = [best.said(asked, found, found.best), f"Cost: {best.cost(asked, found)}."]
    if not found.best["default"]:
        said.append(f"Compared on a study's own seeds by: sb3-course compare {name}/{best.FILE}")
    return said


def _changed(asked: Tuning, found: Record) -> list[list[str]]:
    """A row for each hyper-parameter that was searched: found, tuned from, drawn from."""
    if found.best is None or found.best["default"]:
        return []
    rows = []
    for key, line in asked.space.items():
        whole = key.partition(".")[0]
        own = found.best["settings"].get(whole)
        drawn = found.best["drawn"].get(key)
        shown = drawn if "." in key else own
        rows.append([key, str(shown if shown is not None else own), _before(asked, found, key), _words(line)])
    return rows


def _before(asked: Tuning, found: Record, key: str) -> str:
    """The value that is tuned from: its settings', or the class's default, where that is in the space."""
    whole, default = key.partition(".")[0], found.default
    if whole in asked.base:
        return str(asked.base[whole])
    known = {p.name: p for p in asked.drawn_from}
    if default is None or key in default["nearest"] or key not in default["drawn"]:
        return "the class's default"
    return f"{known[key].value(default['drawn'][key])} (the class's default)"


def _words(line: dict[str, Any]) -> str:
    parts = []
    for key, value in line.items():
        said = ", ".join(map(str, value)) if key == "choice" else f"{value[0]:g} … {value[1]:g}" if key in RANGES else str(value)
        parts.append(f"{KINDS_IN_WORDS[key]} {said}")
    return "; ".join(parts)


def _cautions(asked: Tuning, found: Record) -> list[str]:
    said = []
    if found.complete and not found.confirmed:
        said.append(f"The best score is the highest of {len(found.counted)}, each of {len(asked.seeds)} noisy runs: it is higher than what these settings "
                    "will score again. --confirm K trains the best again on fresh seeds, and compare does on a study's.")  # fmt: skip
    if found.confirmed:
        said.append("The settings were chosen by their scores on the fresh seeds, among the few that were confirmed: a smaller choice than that among all "
                    "trials, but still one. Only seeds that chose nothing, as in a study, are free of it.")  # fmt: skip
    default = found.default
    if default and default["nearest"]:
        said.append(f"What it is tuned from lies outside the space in {', '.join(default['nearest'])}: trial {default['number']} trained it as it is, and the "
                    "sampler was told the nearest point.")  # fmt: skip
    codes = {one["code"] for one in found.trials if one["code"]}
    if len(codes) > 1:
        said.append(f"{len(codes)} versions of the code trained these trials.")
    n_failed = sum(one["state"] == "failed" for one in found.trials)
    if n_failed:
        said.append(f"Trials that failed: {n_failed}. The sampler learns nothing from them; their tracebacks are below.")
    return said


def _row(one: dict[str, Any], asked: Tuning, drawn: list[str]) -> list[str]:
    ended = {"pruned": f"ended early at {count(one['pruned_at'] or 0)}", "killed": "killed, tried again"}.get(one["state"], one["state"])
    if one["retry_of"] is not None:
        ended += f" (trial {one['retry_of']} again)"
    scores = ", ".join(number(score) for score in record.scores(one, asked))
    own = [_drawn(one, name) for name in drawn]
    name = f"{one['number']}{' (tuned from)' if one['default'] else ''}"
    return [name, ended, number(one["value"]), scores or "–", *own, count(one["steps"]), number(one["seconds"], 0)]


def _drawn(one: dict[str, Any], name: str) -> str:
    """The value that was trained; of a part of policy_kwargs, what was drawn."""
    settings = one["settings"] or {}
    if "." in name or name not in settings:
        value = one["drawn"].get(name, "–")
        return "default" if one["default"] and name in one["nearest"] else f"{value:.4g}" if isinstance(value, float) else str(value)
    value = settings[name]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _card(asked: Tuning, found: Record) -> list[tuple[str, str]]:
    spent = found.cost()
    arguments = lambda described: f"{described['class']}({', '.join(f'{key}={value}' for key, value in described['arguments'].items())})"
    last = "its last evaluation" if asked.last == 1 else f"the mean of its last {asked.last} evaluations"
    again = sorted({seed for how in found.confirmed.values() for seed in how["seeds"]})
    source = asked.source or {}
    commit = f"{str(source.get('commit'))[:12]}{', with changes' if source.get('dirty') else ''}" if source.get("commit") else "unknown"
    return [
        ("Score of a trial", f"IQM over seeds of {last} ({asked.protocol['eval_episodes']} episodes, each from its own seed, the same in every trial). The IQM "
                             "of fewer than four seeds is their mean"),
        ("Evaluations", f"{asked.protocol['eval_points']} a trial; after each, the pruner compares with other trials at the same number of steps"),
        ("Seeds", f"{ranges(asked.seeds)}{f', and {ranges(again)} to confirm' if again else ''}: none that a study uses by itself, and compare refuses a study "
                  "that has one of them"),
        ("Sampler", f"{arguments(asked.sampler)}, seed {asked.seed}{OPTUNA_5.get(asked.sampler['class'], '')}"),
        ("Pruner", arguments(asked.pruner)),
        ("Tuned from", ", ".join(f"{key}={value}" for key, value in asked.base.items()) or "the class's defaults"),
        ("Cost", f"{count(int(spent['steps']))} {asked.unit} of training, {count(int(spent['eval_steps']))} steps of evaluation, "
                 f"{count(round(spent['seconds']))} seconds of a processor, all {spent['trials']} trials together{' and their confirmation' if again else ''}"),
        ("Versions", ", ".join(f"{key} {value}" for key, value in asked.versions.items())),
        ("Code", f"commit {commit}; version of what a trial executes {asked.code[:12]}"),
        ("Command", asked.command),
    ]  # fmt: skip
