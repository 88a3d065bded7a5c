"""What the verbs with --track share: a study that is mirrored in trackers while it trains, and afterwards."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.running.launchers import Progress, Show
from benchmarks.store.store import Store
from benchmarks.tracking.mirror import Following, Mirror, said
from benchmarks.tracking.tracker import Tolerant, trackers


def of(words: list[str], path: Path) -> Mirror | None:
    """The mirror of a study at a path in these trackers; None where there are none. UserError for a word that means no tracker."""
    if not words:
        return None
    return Mirror(Store(path), Tolerant(trackers(words), warn, f"; the runs are kept, and sb3-course mirror {path} makes up for it"))


@contextmanager
def following(mirror: Mirror | None, display: Any) -> Iterator[Show]:
    """What shows the progress of a training, while trackers are told of the runs that finish."""
    if mirror is None:
        yield display
        return
    done = -1
    mirror.to.warn = functools.partial(display.console.print, markup=False, highlight=False, soft_wrap=True)  # above the bar, not through it
    try:
        with Following(mirror) as told:

            def show(progress: Progress) -> None:
                nonlocal done
                display(progress)
                if progress.done_runs != done:
                    done = progress.done_runs
                    told.look()

            yield show
    finally:
        mirror.to.warn = warn


def finish(mirror: Mirror | None) -> None:
    """Tell what was not told yet, and say what was."""
    if mirror is not None:
        mirror.tell()
        for line in said(mirror):
            print(line)


def without_track(words: list[str]) -> list[str]:
    """A command's words without --track: where a study is mirrored is no part of it, and an address may hold a password."""
    kept, skip = [], False
    for word in words:
        flag = word.partition("=")[0]
        if skip:
            skip = False
        elif len(flag) > len("--tr") and "--track".startswith(flag):
            skip = "=" not in word
        else:
            kept.append(word)
    return kept


def warn(line: str) -> None:
    print(line, file=sys.stderr)
