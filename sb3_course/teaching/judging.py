"""What is said of an answer: which functions pass, what is wrong with the others, in words, and which wrong answer gives the same."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from sb3_course.teaching import answers, checks, outputs
from sb3_course.teaching.answers import Wrong
from sb3_course.teaching.checks import Outcome, Probe
from sb3_course.teaching.course import Exercise
from sb3_course.teaching.outputs import short, shown

MOST_COMPARED = 5.0  # seconds of one wrong answer on one probe


class Judge:
    """Tries answers of one exercise. What wrong answers give is kept, so that they run once however many answers are tried."""

    def __init__(self, exercise: Exercise, slow: bool = False, say: Callable[..., None] = lambda event, **facts: None):
        """say(event, **facts) is told what is being tried, "begin", and a "failure" before it is compared with the wrong answers."""
        self.exercise, self.say = exercise, say
        check = answers.load(exercise.folder / "check.py", "check")
        self.probes = [value for value in vars(check).values() if isinstance(value, Probe) and (slow or not value.slow)]
        self.wrong = answers.wrong_answers(exercise)
        self._known: dict[tuple[str, str, bool], Outcome | None] = {}

    def verdict(self, function: str, module: Any, path: Path) -> dict[str, Any]:
        """Status and lines of one function; where it failed also the "call", and of a wrong answer that gives the same its name, the "misconception", and
        what is "told" of it."""
        probes, outcomes = [probe for probe in self.probes if probe.function == function], list[Outcome]()
        for probe in probes:
            self.say("begin", function=function, title=probe.title, probe=probe.name)
            found = checks.outcome(probe, module, probe.twice)
            outcomes.append(found)
            if found.kind == "unwritten":
                return {"status": "unwritten", "lines": _unwritten(found, function, path)}
            lines = _failure(probe, found, path)
            if lines:
                self.say("failure", function=function, title=probe.title, lines=lines)
                wrong = self.misconception(probes, outcomes, module)
                named = {"misconception": wrong.name, "told": wrong.told} if wrong else {}
                return {"status": "failed", "title": probe.title, "lines": lines, "call": found.call, **named}
        numbers = [(probe, found) for probe, found in zip(probes, outcomes) if isinstance(found.value, float | int) and not isinstance(found.value, bool)]
        notes = [found.note for found in outcomes if found.note]
        return {"status": "passed", "lines": [*([_passed(*numbers[-1])] if numbers else []), *notes], "checks": len(probes)}

    def misconception(self, probes: list[Probe], outcomes: list[Outcome], module: Any) -> Wrong | None:
        """The wrong answer that gives what this one gave, in every probe up to the one that failed; if several do, further probes tell them apart."""
        left = self.wrong
        for probe, found in reversed([*zip(probes, outcomes)]):  # the one that failed tells most
            left = [wrong for wrong in left if self._same(probe, found, wrong)]
        for probe in probes[len(outcomes) :]:
            if len(left) < 2:
                break
            found = checks.outcome(probe, module, False)
            left = [wrong for wrong in left if self._same(probe, found, wrong)] or left
        return left[0] if left else None

    def _same(self, probe: Probe, found: Outcome, wrong: Wrong) -> bool:
        if self.exercise.endless.get(probe.name) == wrong.name:
            return False  # it would never come back, and this one did
        key = (wrong.name, probe.name, found.kind == "random")
        if key not in self._known:
            try:
                with _at_most(MOST_COMPARED), _unheard():
                    self._known[key] = checks.outcome(probe, wrong.module, key[-1])
            except _TooLong:
                self._known[key] = None
        theirs = self._known[key]
        return theirs is not None and found.same(theirs, probe.nearness)


@contextmanager
def _unheard() -> Iterator[None]:
    """What a wrong answer prints, and what it is warned of, is not the learner's."""
    with warnings.catch_warnings(), open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


class _TooLong(BaseException):
    """Not an Exception, so that no answer's own `except` takes it."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """_TooLong in a wrong answer that runs longer: not being named is better than not being told."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: Any) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ----------------------------------------------------------------------------------------------------------------- words


def _passed(probe: Probe, found: Outcome) -> str:
    tolerance = probe.tolerance if probe.between is None else (probe.between[1] - probe.between[0]) / 50
    return f"{probe.title} {shown(float(found.value), tolerance) if 1e-5 <= tolerance < 1e3 else f'{float(found.value):.6g}'}"


def _failure(probe: Probe, found: Outcome, path: Path) -> list[str]:
    """What is wrong, in lines; none if nothing is."""
    title = probe.title.removesuffix(":")
    if found.kind == "raised":
        assert found.error is not None
        return [f"{title}:", *raised(found.error, path, found.call)]
    if found.kind == "mistake":
        return [f"{title}: {found.text}"]
    if found.kind == "random":
        return [f"{title}: the same call with the same `rng` gave {short(found.value[0])} and then {short(found.value[1])}",
                "Something else than `rng` decides: random numbers of np.random or random, or what an earlier call left behind (E11)."]  # fmt: skip
    wrong = probe.wrong_with(found.value)
    return [outputs.behind(probe.title, wrong)] if wrong else []


def _unwritten(found: Outcome, function: str, path: Path) -> list[str]:
    assert found.error is not None
    own = answers.frames(found.error, path)
    inner = own[-1][1] if own else function
    return [] if inner == function.rpartition(".")[2] else [f"it calls {inner}, which is not written yet"]


def raised(error: BaseException, path: Path, call: str = "") -> list[str]:
    """An exception: type and message, the learner's frames, and the call."""
    if isinstance(error, SystemExit):
        what = "the file ends the program (sys.exit)"
    elif isinstance(error, MemoryError):
        what = "MemoryError: more memory than the check allows"
    else:
        text = " ".join(str(error).split())
        what = f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
    own = answers.frames(error, path)
    lines = [what, *(f"  line {number}, in {name}: {line}" for number, name, line in own[:2] + own[2:][-2:])]
    return [*lines, f"the call: {call}"] if call else lines
