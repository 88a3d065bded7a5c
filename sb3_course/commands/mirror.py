"""sb3-course mirror: the runs of a study in trackers, whenever they were made."""

from __future__ import annotations

import argparse

from benchmarks import IncompleteData
from benchmarks.reproduction import archive
from benchmarks.tracking.mirror import Mirror, said
from benchmarks.tracking.tracker import Tolerant, trackers
from sb3_course import tracked


def run(args: argparse.Namespace) -> int:
    to = Tolerant(trackers(args.track), tracked.warn, "; the same command goes on")
    with archive.opened(args.study) as store:
        mirror = Mirror(store, to, tuple(args.attach))
        mirror.tell()
    for line in said(mirror):
        print(line)
    if not (mirror.made or mirror.there or mirror.damaged or to.failed):
        raise IncompleteData(f"{args.study}: no run has finished yet, so there is nothing to mirror (sb3-course status {args.study})")
    return IncompleteData.exit_code if to.failed or mirror.damaged else 0
