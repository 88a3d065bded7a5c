"""The process in which an answer is checked: it runs the probes and writes what came of them, a JSON object a line, to a pipe of its own.

Nothing here decides how it is told, or how long it may take: the parent does (runner.py). What the learner's code prints goes elsewhere than the results.

    python -m sb3_course.teaching.child FOLDER FILE RESULTS TRACE SECONDS MEGABYTES PLOTS [--slow]

RESULTS and TRACE are file descriptors: of the results, and of where each thread stands after SECONDS.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sb3_course.teaching import answers, checks
from sb3_course.teaching.checks import Outcome, Probe
from sb3_course.teaching.course import Exercise

LEARNERS = "learner"  # how the learner's module is called
MOST_COMPARED = 5.0  # seconds of one wrong answer


class Results:
    """Where events go. A process that the learner's code forks has no say here: it ends as soon as it tries."""

    def __init__(self, descriptor: int):
        self.descriptor, self.owner = descriptor, os.getpid()

    def say(self, event: str, **facts: Any) -> None:
        if os.getpid() != self.owner:
            os._exit(0)
        os.write(self.descriptor, (json.dumps({"event": event, **facts}) + "\n").encode())


def main(words: list[str]) -> None:
    folder, file, descriptor, trace, seconds, megabytes, plots, *flags = words
    exercise, path = Exercise(Path(folder).name, "", Path(folder)), Path(file)
    results = Results(int(descriptor))
    sys.dont_write_bytecode = True
    sys.setrecursionlimit(2000)
    check = answers.load(exercise.folder / "check.py", "check")
    probes = [value for value in vars(check).values() if isinstance(value, Probe)]
    _limit_memory(int(megabytes))
    faulthandler.dump_traceback_later(float(seconds), file=int(trace))
    sys.path.insert(0, str(path.parent))
    sys.argv = [str(path)]
    results.say("begin", function="", title="", probe="")
    try:
        module = answers.load(path, LEARNERS)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        results.say("unimportable", lines=_raised(error, path, ""))
    else:
        for function in exercise.functions:
            own = [probe for probe in probes if probe.function == function and (not probe.slow or "--slow" in flags)]
            results.say("result", function=function, **_checked(function, own, module, path, exercise, results))
    saved = _save_plots(Path(plots), path.stem)
    results.say("end", plots=saved, torch="torch" in sys.modules)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that the learner's code left behind do not hold us up


def _checked(function: str, probes: list[Probe], module: Any, path: Path, exercise: Exercise, results: Results) -> dict[str, Any]:
    """What is said of one function: its status and lines, and the wrong answer whose outputs it has."""
    outcomes: list[Outcome] = []
    for probe in probes:
        results.say("begin", function=function, title=probe.title, probe=probe.name)
        found = checks.outcome(probe, module, probe.twice)
        outcomes.append(found)
        if found.kind == "unwritten":
            return {"status": "unwritten", "lines": _unwritten(found, function, path)}
        lines = _failure(probe, found, path)
        if lines:
            results.say("failure", function=function, title=probe.title, lines=lines)  # before anything else is run
            wrong = misconception(probes, outcomes, module, exercise)
            return {"status": "failed", "title": probe.title, "lines": lines, "call": found.call, "misconception": wrong and wrong.name, "told": wrong and wrong.told}
    last = next((pair for pair in reversed([*zip(probes, outcomes)]) if isinstance(pair[1].value, float | int) and not isinstance(pair[1].value, bool)), None)
    return {"status": "passed", "lines": [_passed(*last)] if last else [], "checks": len(probes)}


def misconception(probes: list[Probe], outcomes: list[Outcome], module: Any, exercise: Exercise) -> answers.Wrong | None:
    """The wrong answer that gives what the learner's gave, in every probe up to the one that failed; if several do, further probes tell them apart."""

    def same(probe: Probe, found: Outcome, wrong: answers.Wrong) -> bool:
        if exercise.endless.get(probe.name) == wrong.name:
            return False  # it would never come back, and the learner's did
        try:
            with _at_most(MOST_COMPARED):
                return found.same(checks.outcome(probe, wrong.module, found.kind == "random"), probe.nearness)
        except _TooLong:
            return False

    left = answers.wrong_answers(exercise)
    for probe, found in reversed([*zip(probes, outcomes)]):  # the one that failed tells most
        left = [wrong for wrong in left if same(probe, found, wrong)]
    for probe in probes[len(outcomes) :]:
        if len(left) < 2:
            break
        found = checks.outcome(probe, module, False)
        left = [wrong for wrong in left if same(probe, found, wrong)] or left
    return left[0] if left else None


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
    return f"{probe.title} {checks.outputs.shown(float(found.value), max(tolerance, 1e-4) if tolerance < 1e3 else 1e-2)}"


def _failure(probe: Probe, found: Outcome, path: Path) -> list[str]:
    """What is wrong, in lines; none if nothing is."""
    if found.kind == "raised":
        assert found.error is not None
        return [f"{probe.title}:", *_raised(found.error, path, found.call)]
    if found.kind == "mistake":
        return [f"{probe.title}: {found.text}"]
    if found.kind == "random":
        return [f"{probe.title}: the same call with the same `rng` gave {checks.outputs.short(found.value[0])} and then {checks.outputs.short(found.value[1])}",
                "Something else than `rng` decides: random numbers of np.random or random, or what an earlier call left behind (E11)."]  # fmt: skip
    wrong = probe.wrong_with(found.value)
    return [f"{probe.title} {wrong}"] if wrong else []


def _unwritten(found: Outcome, function: str, path: Path) -> list[str]:
    assert found.error is not None
    own = answers.frames(found.error, path)
    inner = own[-1][1] if own else function
    return [] if inner == function.rpartition(".")[2] else [f"it calls {inner}, which is not written yet"]


def _raised(error: BaseException, path: Path, call: str) -> list[str]:
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


# ------------------------------------------------------------------------------------------------------ memory and plots


def _limit_memory(megabytes: int) -> None:
    """So that a request for too much is a MemoryError at its line. Where the system cannot, the parent's watch ends the process."""
    try:
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (now + megabytes * 2**20,) * 2)
    except (ImportError, OSError, ValueError):
        pass


def _save_plots(folder: Path, stem: str) -> list[str]:
    """Figures that are still open, as files of ours in the workspace."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    saved = []
    try:
        for k, number in enumerate(pyplot.get_fignums() if pyplot else [], start=1):
            folder.mkdir(parents=True, exist_ok=True)
            pyplot.figure(number).savefig(folder / f"{stem}-{k}.png")  # type: ignore[union-attr]
            saved.append(f"{stem}-{k}.png")
    except Exception:  # a plot that cannot be drawn or kept fails no check
        pass
    return saved


if __name__ == "__main__":
    main(sys.argv[1:])
