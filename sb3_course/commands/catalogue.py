"""sb3-course list."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from benchmarks.configs import options
from from_scratch.own import offered
from from_scratch.registry import ENTRIES, FAMILIES, Entry

KEY = (
    "Algorithms, from scratch. Control learns to act, prediction what a given policy is worth; planning is given a model. What is learnt stands in a "
    "table, in the weights of linear features, or in neural networks (deep). sb3/... is the twin: the same algorithm in Stable-Baselines3."
)
OWN = (
    "Any class with the API of Stable-Baselines3's BaseAlgorithm can be named wherever an id can: module:Class, for a module in this folder or an installed "
    "one, or path/to/file.py:Class. A package gives its algorithms short names by entry points, and then they stand here (docs/your_own.md)."
)


def run(args: argparse.Namespace) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if args.envs:
        return environments(width)
    print(_filled(KEY, width, ""))
    for family in FAMILIES.values():
        print(f"\n{family.title}")
        print("\n".join(table(family.entries, width)) if family.is_ours else _filled(", ".join(entry.id for entry in family.entries), width))
    print("\nYour own, and those of installed packages")
    print("\n".join(of_packages()) + "\n" * bool(offered()) + _filled(OWN, width))
    print("\n" + _filled("Environments with reference scores (any other Gymnasium id can be used too; those of ours: sb3-course list --envs)", width, ""))
    print(_filled(", ".join(options("env")), width))
    print("\nSuites (sb3-course compare SUITE)")
    print(_filled(", ".join(name for name in options("suite") if name != "adhoc"), width))


def table(entries: Sequence[Entry], width: int | None) -> list[str]:
    """A line for each algorithm, in columns. width: of the terminal; where it is short, papers go first, then the ends of titles. None: all of it."""
    rows = [(entry.id, entry.kind, entry.learns, entry.twin or "", entry.title, entry.paper.strip("–")) for entry in entries]
    *known, titles, papers = zip(*rows, strict=True)
    columns = [column for column in known if any(column)]
    left = None if width is None else width - sum(max(map(len, column)) + 2 for column in columns) - 2
    if left is None or left >= max(map(len, titles)) + 2 + max(map(len, papers)):
        columns += [titles, papers]
    else:
        columns.append(tuple(_cut(title, left) for title in titles))
    widths = [max(map(len, column)) for column in columns]
    return ["  " + "  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in zip(*columns, strict=True)]


def of_packages() -> list[str]:
    """A line for each algorithm that an installed package offers: its name, and where it is; nothing is imported. A name of ours stays ours."""
    rows = [(target if name in ENTRIES else name, target) for name, target in sorted(offered().items())]
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {name:{width}}  {target}" for name, target in rows]


def _space(space: Any) -> str:
    """A space as it is printed, in short: of a dictionary or a tuple how many parts it has, of a box its shape."""
    kind = type(space).__name__
    return f"{kind} of {len(space.spaces)}" if kind in ("Dict", "Tuple") else f"Box{space.shape}" if kind == "Box" else str(space)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def _filled(text: str, width: int | None, indent: str = "  ") -> str:
    return textwrap.fill(text, width=width or 110, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def environments(width: int | None = None) -> None:
    """Our environments: observations, actions, the time limit, and whether planners find a model."""
    from benchmarks.studies.environments import make_env
    from from_scratch.envs.registration import ENVIRONMENTS

    print("Environments of from_scratch.envs (docs/environments.md)")
    rows = [("id", "observations", "actions", "limit", "model")]
    for env_id in sorted(ENVIRONMENTS):
        env = make_env(env_id, monitor=False)
        has_model = hasattr(env.unwrapped, "P") or hasattr(env.unwrapped, "mdp")
        limit = env.spec.max_episode_steps if env.spec else None
        rows.append((env_id, _space(env.observation_space), _space(env.action_space), f"{limit or '–'}", "P" * has_model))
    widths = [min(60, max(map(len, column))) for column in zip(*rows, strict=True)]
    if width is not None:  # observations are the longest, and the ones to be shortened
        widths[1] = max(len(rows[0][1]), min(widths[1], width - sum(widths) + widths[1] - 2 * len(widths)))
    for row in rows:
        print("  " + "  ".join(f"{_cut(cell, w):{w}}" for cell, w in zip(row, widths, strict=True)).rstrip())
