"""How long a command of the command line takes that only lists: it should be there before one has looked up."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LISTS = ("lesson list", "exercise list")
AT_MOST = 0.3  # seconds on an idle core
ROOT = Path(__file__).parents[2]


def timed(command: str, rounds: int) -> tuple[float, float]:
    """Seconds of `sb3-course COMMAND` in a new process, by the clock and of the processor: the median of the rounds. RuntimeError if it fails."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
    words, taken = [sys.executable, "-m", "sb3_course.cli", *command.split()], []
    with tempfile.TemporaryDirectory() as elsewhere:
        for _ in range(rounds):
            before, start = _of_children(), time.perf_counter()
            done = subprocess.run(words, cwd=elsewhere, env=env, capture_output=True, text=True, check=False)
            taken.append((time.perf_counter() - start, _of_children() - before))
            if done.returncode:
                raise RuntimeError(f"sb3-course {command} ends with {done.returncode}: {done.stderr.strip()}")
    wall, cpu = zip(*taken)
    return statistics.median(wall), statistics.median(cpu)


def _of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def table(rounds: int, commands: Sequence[str] = LISTS) -> str:
    lines = []
    for command in commands:
        wall, cpu = timed(command, rounds)
        lines.append(f"sb3-course {command:14} {wall:.2f} s, {cpu:.2f} s of the processor (at most {AT_MOST:g} s on an idle core)")
    return "\n".join(lines)
