"""Runs an answer's check in a process of its own and tells what came of it, line by line; whatever that process does, it ends, and nothing is left running.

The child has a session of its own, no standard input, one thread, the Agg backend, a limit of time and one of memory. Every process that it starts is found by
a mark in its environment and ended, however far it went away.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sb3_course.teaching import answers
from sb3_course.teaching.answers import Wrong
from sb3_course.teaching.course import Exercise

MARK = "SB3_COURSE_CHECK"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")
LAST_LINES, LONGEST_LINE = 20, 500  # of what the learner's code prints
MOST_PROCESSES = 64
TO_START = 60.0  # seconds, before the time limit begins
LOOK = 0.1  # seconds between two looks at memory and processes

Event = dict[str, Any]


def check(exercise: Exercise, path: Path, plots: Path, slow: bool = False, seconds: float | None = None) -> Iterator[Event]:
    """Events of a check of the file: one for each function, in order, then {"event": "end"}.

    {"event": "result", "function", "status", "lines", …} has a status of passed, failed, unwritten or unreached; a failure may have a "misconception" (a wrong
    answer's name), what is "told" of it, and the "call". {"event": "unimportable", "lines"} comes first if the file is no Python or fails on import. The end
    has the last "printed" lines, the "plots" that were saved, and "notes", whether processes had to be ended say. Closing the iterator ends the process.
    """
    path, plots = path.absolute(), plots.absolute()  # the child runs elsewhere
    lines = answers.unreadable(path)
    if lines:
        yield {"event": "unimportable", "lines": lines}
        yield {"event": "end", "printed": [], "plots": [], "notes": []}
        return
    child = _Child(exercise, path, plots, slow, seconds if seconds is not None else exercise.slow_time_limit if slow else exercise.time_limit)
    try:
        yield from child.events()
    finally:
        child.end()


class _Child:
    def __init__(self, exercise: Exercise, path: Path, plots: Path, slow: bool, seconds: float):
        self.exercise, self.path, self.seconds = exercise, path, seconds
        self.mark, self.is_over = uuid.uuid4().hex, False
        self.notes, self.printed = list[str](), deque[str](maxlen=LAST_LINES)
        self.failures: dict[str, Event] = {}  # said before the wrong answers are compared
        self.now = ("", "", "")  # the function, the title and the name of the probe that is being tried
        results, trace, printed = os.pipe(), os.pipe(), os.pipe()
        self.scratch = tempfile.TemporaryDirectory(prefix="sb3_course_", ignore_cleanup_errors=True)
        words = [str(exercise.folder), str(path), str(results[1]), str(trace[1]), str(seconds), str(exercise.memory_limit), str(plots)]
        here = str(Path(__file__).parents[2])
        env = {**os.environ, **dict.fromkeys(THREADS, "1"), MARK: self.mark, "MPLBACKEND": "Agg", "SDL_VIDEODRIVER": "dummy", "PYTHONUNBUFFERED": "1",
               "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8:backslashreplace", "TMPDIR": self.scratch.name, "PYGAME_HIDE_SUPPORT_PROMPT": "1",
               "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}  # fmt: skip
        self.process = subprocess.Popen([sys.executable, "-m", "sb3_course.teaching.child", *words, *["--slow"] * slow], stdin=subprocess.DEVNULL,
                                        stdout=printed[1], stderr=subprocess.STDOUT, pass_fds=(results[1], trace[1]), start_new_session=True, env=env,
                                        cwd=path.parent)  # fmt: skip
        for _, end in (results, trace, printed):
            os.close(end)
        self.pipes = {"results": results[0], "trace": trace[0], "printed": printed[0]}
        self.rests = dict.fromkeys(self.pipes, b"")

    # ------------------------------------------------------------------------------------------------------------ events
    def events(self) -> Iterator[Event]:
        reached: set[str] = set()
        end: Event | None = None
        for event in self._read():
            if event["event"] == "begin":
                self.now = (event["function"], event["title"], event["probe"])
            elif event["event"] == "failure":
                self.failures[event["function"]] = event
            elif event["event"] == "end":
                end = event
            else:
                if event["event"] == "unimportable":
                    reached |= {*self.exercise.functions}
                else:
                    reached.add(event["function"])
                yield event
        for function in self.exercise.functions:
            if function not in reached:
                yield {"event": "result", "function": function, "status": "unreached", "lines": []}
        self.end()
        yield {"event": "end", "printed": self._shown(), "plots": end["plots"] if end else [], "torch": end["torch"] if end else None, "notes": self.notes}

    def _read(self) -> Iterator[Event]:
        """The child's events as they come, and at last the one that says how it ended otherwise than it should."""
        selector = selectors.DefaultSelector()
        for name, descriptor in self.pipes.items():
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ, name)
        began, looked, too_much, ended = time.monotonic(), 0.0, "", False
        while not ended and not too_much:
            for key, _ in selector.select(LOOK):
                if not self._take(key.data):
                    selector.unregister(key.fd)
            for event in self._lines():
                ended |= event["event"] == "end"
                yield event
            if self.rests["trace"]:
                time.sleep(LOOK)  # the rest of it
                self._take("trace")
                yield self._late()
                return
            if self.process.poll() is not None:
                break
            if time.monotonic() - began > TO_START + 2 * self.seconds:
                too_much = f"was still running after {self.seconds:g} s"
            if time.monotonic() - looked > LOOK:
                looked, too_much = time.monotonic(), too_much or self._too_much()
        if too_much:
            yield self._stopped(too_much)
        elif not ended:
            self.process.wait()
            while self._take("results"):
                pass
            yield from (event for event in self._lines())
            yield self._stopped(_how_it_ended(self.process.returncode))

    def _take(self, name: str) -> bool:
        """Read what there is in a pipe; False at its end."""
        try:
            data = os.read(self.pipes[name], 65536)
        except BlockingIOError:
            return name != "results"
        except OSError:
            return False
        if name == "printed":
            *lines, rest = (self.rests[name] + data).split(b"\n")
            self.printed.extend(line.decode("utf-8", "replace")[:LONGEST_LINE] for line in lines[-LAST_LINES:])
            self.rests[name] = rest[-LONGEST_LINE:]
        else:
            self.rests[name] += data
        return bool(data)

    def _lines(self) -> Iterator[Event]:
        *lines, self.rests["results"] = self.rests["results"].split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:  # the learner's code wrote into the pipe
                continue
            if isinstance(event, dict) and "event" in event:
                yield event

    def _shown(self) -> list[str]:
        rest = self.rests["printed"].decode("utf-8", "replace")
        return [*self.printed, *([rest] if rest.strip() else [])][-LAST_LINES:]

    # ----------------------------------------------------------------------------------------------- ends of another kind
    def _stopped(self, how: str) -> Event:
        """The event of a process that did not come to its end, blamed on what was being tried."""
        function, title, _ = self.now
        if function in self.failures:
            return {"event": "result", "function": function, "status": "failed", **{key: self.failures[function][key] for key in ("title", "lines")}}
        if not function:
            return {"event": "unimportable", "lines": [f"{self.path.name} {how}" + (", while it was imported" if "import" not in how else "")]}
        return {"event": "result", "function": function, "status": "failed", "title": title, "lines": [f"{title}: {function} {how}"]}

    def _late(self) -> Event:
        number = _line_of_trace(self.rests["trace"].decode("ascii", "replace"), self.path)
        source = _line(self.path, number) if number else ""
        event = self._stopped(f"was still running after {self.seconds:g} s" + (f", at line {number}: `{source}`" if number else ""))
        cause = self.exercise.endless.get(self.now[2])
        if cause and event.get("status") == "failed" and self.now[0] not in self.failures:
            event |= {"misconception": cause, "told": Wrong(self.exercise.folder / "wrong" / f"{cause}.py").told}
        return event

    def _too_much(self) -> str:
        """What the processes of this check have too much of, by a look at all of them; "" if nothing."""
        import psutil

        try:
            own = psutil.Process(self.process.pid)
            family = [own, *own.children(recursive=True)]
        except psutil.Error:
            return ""
        if len(family) > MOST_PROCESSES:
            return f"started more than {MOST_PROCESSES} processes"
        memory = 0
        for process in family:
            try:
                memory += process.memory_info().rss
            except psutil.Error:
                continue
        most = self.exercise.memory_limit + 512  # what Python and NumPy take
        return f"took more than {most:,} MB of memory" if memory > most * 2**20 else ""

    def end(self) -> None:
        """End the child, its group, and everything that carries its mark; nothing the second time."""
        if self.is_over:
            return
        self.is_over = True
        _kill_group(self.process.pid)
        self.process.wait()
        for _ in range(20):
            found = _marked(self.mark)
            if not found:
                break
            self.notes = ["processes that your code had started were still running: they were ended"]
            for pid in found:
                _kill(pid)
            time.sleep(0.02)
        self._take("printed")
        for descriptor in self.pipes.values():
            os.close(descriptor)
        self.scratch.cleanup()


def _how_it_ended(code: int) -> str:
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        return f"ended the process by signal {name}" + (" (no memory left?)" if name == "SIGKILL" else "")
    return f"ended the process with exit code {code} (os._exit?)"


def _line_of_trace(trace: str, path: Path) -> int | None:
    """The line of the first frame in the learner's file; faulthandler writes names in ASCII, and cuts long ones."""
    name = str(path).encode("ascii", "backslashreplace").decode()
    for line in trace.splitlines():
        file, found, rest = line.strip().removeprefix('File "').partition('", line ')
        if found and (file == name or (file.endswith("...") and name.startswith(file[:-3]))):
            return int(rest.split()[0])
    return None


def _line(path: Path, number: int) -> str:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _marked(mark: str) -> list[int]:
    """The processes of ours whose environment carries the mark."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
