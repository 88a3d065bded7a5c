"""sb3-course list."""

from __future__ import annotations

import argparse
import textwrap

from benchmarks.configs import options
from from_scratch.registry import ENTRIES


def run(args: argparse.Namespace) -> None:
    print("Algorithms (from scratch; an SB3 twin is the same algorithm in Stable-Baselines3)")
    ours = [entry for entry in ENTRIES.values() if not entry.id.startswith("sb3/")]
    for entry in ours:
        print(f"  {entry.id:20} {entry.title:44} {entry.paper:28} {entry.twin or ''}".rstrip())
    print("\nStable-Baselines3")
    print("  " + ", ".join(entry.id for entry in ENTRIES.values() if entry.id.startswith("sb3/")))
    print("\nEnvironments with reference scores (any other Gymnasium id can be used too)")
    print(textwrap.fill(", ".join(options("env")), width=110, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))
    print("\nSuites (sb3-course compare SUITE)")
    print("  " + ", ".join(name for name in options("suite") if name != "adhoc"))
