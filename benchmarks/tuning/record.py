"""trials.json: every trial of a search as plain data, rewritten from Optuna's journal whenever one is finished. It is read without Optuna."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import IntegrityError, UserError
from benchmarks.store.files import write_whole
from benchmarks.store.plain import content, from_json
from benchmarks.tuning.scores import by_seed, iqm
from benchmarks.tuning.tuning import Tuning

FILE = "trials.json"
FORMAT = 1
STATES = ("complete", "pruned", "failed", "killed", "running", "waiting")
FINISHED = ("complete", "pruned", "failed", "killed")
MOST_TRIALS = 100_000
CONFIRMED = "confirmed:"  # of the attributes of Optuna's study: what came of a trial's setting on fresh seeds

Confirmed = Mapping[str, Any]  # {seeds, scores, steps, eval_steps, seconds, error}: of a trial's setting, on fresh seeds


@dataclass(frozen=True)
class Record:
    """What a search found. trials: in the order of their numbers, {number, state, value, drawn, settings, curve, …}; confirmed: by number."""

    trials: list[dict[str, Any]]
    confirmed: dict[int, dict[str, Any]]

    def trial(self, number: int) -> dict[str, Any]:
        """UserError where there is none of that number."""
        for one in self.trials:
            if one["number"] == number:
                return one
        there = f"0 to {self.trials[-1]['number']}" if self.trials else "none yet"
        raise UserError(f"there is no trial {number}: there are {there}")

    @property
    def complete(self) -> list[dict[str, Any]]:
        """The trials that have a score, the best first; of equals the earlier."""
        return sorted((one for one in self.trials if one["state"] == "complete"), key=lambda one: (-one["value"], one["number"]))

    @property
    def default(self) -> dict[str, Any] | None:
        """The trial of the settings that are tuned from, as it ended last."""
        return next((one for one in reversed(self.trials) if one["default"]), None)

    @property
    def counted(self) -> list[dict[str, Any]]:
        """The trials that count: not those that were killed and are tried again, nor those that wait."""
        return [one for one in self.trials if one["state"] not in ("killed", "waiting")]

    @property
    def best(self) -> dict[str, Any] | None:
        """The trial whose settings are recommended: of those that were confirmed the best on their fresh seeds, else the best on the seeds of the search."""
        confirmed = {number: iqm(how["scores"]) for number, how in self.confirmed.items() if how["scores"]}
        if confirmed:
            return self.trial(max(confirmed, key=lambda number: (confirmed[number], -number)))
        return self.complete[0] if self.complete else None

    def candidates(self, k: int) -> list[int]:
        """The numbers of the k best trials, and of the one that they are to beat."""
        best = [one["number"] for one in self.complete[:k]]
        default = self.default
        return best + ([default["number"]] if default and default["state"] == "complete" and default["number"] not in best else [])

    def cost(self) -> dict[str, float]:
        """{trials, steps, eval_steps, seconds}: of all trials, and of what was trained to confirm them; seconds of a processor."""
        parts = [*self.trials, *self.confirmed.values()]
        return {"trials": len(self.counted), **{name: sum(part[name] for part in parts) for name in ("steps", "eval_steps", "seconds")}}


def of(study: Any) -> Record:
    """What an Optuna study holds."""
    trials = [_plain(frozen) for frozen in study.get_trials(deepcopy=False)]
    confirmed = {int(name.removeprefix(CONFIRMED)): value for name, value in study.user_attrs.items() if name.startswith(CONFIRMED)}
    return Record(trials, dict(sorted(confirmed.items())))


def _plain(frozen: Any) -> dict[str, Any]:
    said = frozen.user_attrs
    outcome = said.get("outcome") or {}
    state = {"COMPLETE": "complete", "PRUNED": "pruned", "RUNNING": "running", "WAITING": "waiting"}.get(frozen.state.name)
    times = {name: None if time is None else time.isoformat(timespec="seconds")
             for name, time in (("begun", frozen.datetime_start), ("ended", frozen.datetime_complete))}  # fmt: skip
    return {
        "number": frozen.number,
        "state": state or ("killed" if said.get("killed") else "failed"),
        "value": frozen.value if frozen.state.name == "COMPLETE" else None,
        "default": bool(said.get("default")),
        "nearest": said.get("nearest") or [],  # of the default: in what the drawn values are not its own
        "drawn": dict(frozen.params),
        "settings": said.get("settings"),
        "curve": outcome.get("curve") or {},
        "pruned_at": outcome.get("pruned_at"),
        "steps": outcome.get("steps", 0),
        "eval_steps": outcome.get("eval_steps", 0),
        "seconds": outcome.get("seconds", 0.0),
        "error": said.get("error"),
        "traceback": said.get("traceback"),
        "retry_of": said.get("retry_of"),
        "code": said.get("code"),
        "versions": said.get("versions"),
        **times,
    }


def write(folder: Path, study: Any) -> Record:
    """Write trials.json from the journal; what it says."""
    found = of(study)
    text = json.dumps({"format": FORMAT, "trials": found.trials, "confirmed": found.confirmed}, indent=None, separators=(",", ":"), ensure_ascii=False)
    write_whole(folder / FILE, text.replace('},{"number"', '},\n{"number"') + "\n")
    return found


def read(folder: Path) -> Record:
    """What trials.json says. UserError where there is none, IntegrityError where it is none."""
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{folder} has no {FILE}: nothing was tuned there (sb3-course tune --help)")
    try:
        whole = from_json(content(path))
        assert whole["format"] == FORMAT and isinstance(whole["trials"], list) and len(whole["trials"]) <= MOST_TRIALS
        trials = [_checked(one) for one in whole["trials"]]
        confirmed = {int(number): _checked_confirmed(how) for number, how in whole["confirmed"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise IntegrityError(f"{path} cannot be read: {type(error).__name__} {str(error)[:80]}".rstrip()) from None
    return Record(trials, confirmed)


def _checked(one: Any) -> dict[str, Any]:
    """A trial that is what one is. AssertionError, KeyError or TypeError for another thing."""
    assert isinstance(one["number"], int) and one["state"] in STATES, "a trial's number or state"
    assert (one["state"] == "complete") == isinstance(one["value"], int | float) and (one["value"] is None or math.isfinite(one["value"])), "a trial's value"
    assert isinstance(one["drawn"], dict) and isinstance(one["curve"], dict) and isinstance(one["nearest"], list), "what a trial drew, or its scores"
    assert one["settings"] is None or isinstance(one["settings"], dict), "a trial's settings"
    assert all(isinstance(one[name], int | float) for name in ("steps", "eval_steps", "seconds")), "a trial's cost"
    assert all(one[name] is None or isinstance(one[name], str) for name in ("error", "traceback", "code", "begun", "ended")), "a trial's words"
    for step, scores in one["curve"].items():
        int(step), np.asarray(scores, dtype=float)
    return one


def _checked_confirmed(how: Any) -> dict[str, Any]:
    assert all(isinstance(how[name], int | float) for name in ("steps", "eval_steps", "seconds")) and isinstance(how["seeds"], list), "a confirmation"
    assert np.isfinite(np.asarray(how["scores"], dtype=float)).all(), "a confirmation's scores"
    return how


def scores(one: Mapping[str, Any], asked: Tuning) -> list[float]:
    """Each seed's score in a trial, in the order of its seeds; of one that was ended early, as it was then; nothing where not all seeds have one."""
    return by_seed({int(step): of_seeds for step, of_seeds in one["curve"].items()}, asked.last, len(asked.seeds))
