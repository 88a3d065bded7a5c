"""sb3-course list."""

from __future__ import annotations

import argparse
import textwrap

from benchmarks.configs import options
from from_scratch.registry import ENTRIES


def run(args: argparse.Namespace) -> None:
    if args.envs:
        return environments()
    print("Algorithms (from scratch; prediction learns the value of a given policy; an SB3 twin is the same algorithm in Stable-Baselines3)")
    ours = [entry for entry in ENTRIES.values() if not entry.id.startswith("sb3/")]
    widths = [max(map(len, column)) for column in zip(*((entry.id, entry.kind, entry.title, entry.paper) for entry in ours), strict=True)]
    for entry in ours:
        cells = (entry.id, entry.kind, entry.title, entry.paper)
        print("  " + " ".join([*(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)), entry.twin or ""]).rstrip())
    print("\nStable-Baselines3")
    print("  " + ", ".join(entry.id for entry in ENTRIES.values() if entry.id.startswith("sb3/")))
    print("\nEnvironments with reference scores (any other Gymnasium id can be used too; those of ours: sb3-course list --envs)")
    print(textwrap.fill(", ".join(options("env")), width=110, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))
    print("\nSuites (sb3-course compare SUITE)")
    print("  " + ", ".join(name for name in options("suite") if name != "adhoc"))


def environments() -> None:
    """Our environments: observations, actions, the time limit, and whether planners find a model."""
    from benchmarks.environments import make_env
    from from_scratch.envs.registration import ENVIRONMENTS

    print("Environments of from_scratch.envs (docs/environments.md)")
    rows = [("id", "observations", "actions", "limit", "model")]
    for env_id in sorted(ENVIRONMENTS):
        env = make_env(env_id, monitor=False)
        has_model = hasattr(env.unwrapped, "P") or hasattr(env.unwrapped, "mdp")
        limit = env.spec.max_episode_steps if env.spec else None
        rows.append((env_id, f"{env.observation_space}", f"{env.action_space}", f"{limit or '–'}", "P" * has_model))
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    for row in rows:
        print("  " + "  ".join([*(f"{cell[:60]:{min(width, 60)}}" for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]).rstrip())
