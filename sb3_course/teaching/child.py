"""The process in which an answer is checked: it runs the probes and writes what came of them, a JSON object a line, to a pipe of its own.

Nothing here decides how it is told, or how long it may take: the parent does (runner.py). What the learner's code prints goes elsewhere than the results.

    python -m sb3_course.teaching.child FOLDER FILE RESULTS TRACE SECONDS MEGABYTES PLOTS [--slow] [--only=PROBE]

RESULTS and TRACE are file descriptors: of the results, and of where each thread stands after SECONDS.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sb3_course.teaching import answers
from sb3_course.teaching.course import Exercise
from sb3_course.teaching.judging import Judge, raised

LEARNERS = "learner"  # how the learner's module is called


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
    judge = Judge(exercise, "--slow" in flags, results.say)
    only = next((flag.partition("=")[2] for flag in flags if flag.startswith("--only=")), "")
    judge.probes = [probe for probe in judge.probes if only in ("", probe.name)]
    _limit_memory(int(megabytes))
    faulthandler.dump_traceback_later(float(seconds), file=int(trace))
    sys.path.insert(0, str(path.parent))
    sys.argv = [str(path)]
    warnings.showwarning = _once_a_line(warnings.showwarning)
    results.say("begin", function="", title="", probe="")
    try:
        module = answers.load(path, LEARNERS)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        results.say("unimportable", lines=raised(error, path))
    else:
        for function in exercise.functions if not only else sorted({probe.function for probe in judge.probes}):
            results.say("result", function=function, **judge.verdict(function, module, path))
    saved = _save_plots(Path(plots), path.stem)
    results.say("end", plots=saved, torch="torch" in sys.modules)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that the learner's code left behind do not hold us up


def _once_a_line(show: Callable[..., None]) -> Callable[..., None]:
    """Warnings of one kind from one line are printed once, although their texts differ in numbers."""
    seen = set[tuple[Any, ...]]()

    def shown(message: Any, category: Any, filename: str, lineno: int, *rest: Any, **more: Any) -> None:
        if (category, filename, lineno) not in seen:
            seen.add((category, filename, lineno))
            show(message, category, filename, lineno, *rest, **more)

    return shown


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
