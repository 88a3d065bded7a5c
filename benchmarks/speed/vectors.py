"""What a step of n lanes costs in each kind of vector environment: `python -m benchmarks.speed.vectors [id …]`."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import psutil
from gymnasium import spaces

from benchmarks.speed import tables
from from_scratch.core.vec_env import make_vec_env
from from_scratch.envs.vector import make_envpool, make_gymnasium, make_vector_env

KINDS: dict[str, Callable[[str, int], Any]] = {
    "one by one": lambda id, n: make_vec_env(id, n),
    "ours": make_vector_env,
    "Gymnasium, sync": make_gymnasium,
    "Gymnasium, async": lambda id, n: make_gymnasium(id, n, "async"),
    "EnvPool, 1 thread": lambda id, n: make_envpool(id, n, num_threads=1),
    "EnvPool, 2 threads": lambda id, n: make_envpool(id, n, num_threads=2),
}
MOST_PROCESSES = 8
SECONDS = 0.3  # of a round


def cpu_seconds() -> float:
    """Of this process and its children."""
    children = [child.cpu_times() for child in psutil.Process().children()]
    return time.process_time() + sum(times.user + times.system for times in children)


def microseconds(venv: Any, rng: np.random.Generator) -> float:
    """CPU time of a step of all lanes under random actions, resets included: of all threads, and of the processes that lanes have."""
    space, n = venv.action_space, venv.num_envs
    draw = (lambda: rng.integers(space.n, size=n)) if isinstance(space, spaces.Discrete) else lambda: rng.uniform(-1, 1, (n, *space.shape)).astype(space.dtype)
    actions, steps, start = [draw() for _ in range(64)], 0, cpu_seconds()
    while (spent := cpu_seconds() - start) < SECONDS:
        for action in actions:
            venv.step(action)
        steps += len(actions)
    return 1e6 * spent / steps


def measure(id: str, lanes: list[int], rounds: int) -> list[list[str]]:
    """A row for each kind: µs of a step, the median of the rounds, in which all kinds take turns."""
    rows = []
    for kind in KINDS:
        rows.append([f"`{id}`", kind])
    for n in lanes:
        made: dict[str, Any] = {}
        for kind, make in KINDS.items():
            try:
                if kind == "Gymnasium, async" and n > MOST_PROCESSES:
                    continue
                made[kind] = make(id, n)
                made[kind].seed(0)
                made[kind].reset()
            except (ValueError, ImportError, gym.error.DependencyNotInstalled) as error:
                print(f"{id}, {kind}: {error}", file=sys.stderr)
        rng = np.random.default_rng(0)
        found: dict[str, list[float]] = {kind: [] for kind in made}
        for r in range(rounds + 1):
            for kind, venv in made.items():
                us = microseconds(venv, rng)
                if r:  # the first round warms up
                    found[kind].append(us)
        for venv in made.values():
            venv.close()
        for row, kind in zip(rows, KINDS, strict=True):
            row.append(tables.number(float(f"{statistics.median(found[kind]):.3g}")) if kind in found else "–")
    return rows


def main(arguments: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m benchmarks.speed.vectors", description="What a step of n lanes costs in each kind of vector environment.")
    top.add_argument("id", nargs="*", default=["CartPole-v1", "Pendulum-v1"], help="default CartPole-v1 and Pendulum-v1")
    top.add_argument("--lanes", default="1,8,64", metavar="N,…", help="default 1,8,64")
    top.add_argument("--rounds", type=int, default=5, metavar="N", help="default 5")
    args = top.parse_args(arguments)
    lanes = [int(word) for word in args.lanes.split(",")]
    warnings.filterwarnings("ignore", category=UserWarning)
    rows = [row for id in args.id for row in measure(id, lanes, args.rounds)]
    print(tables.table(["environment", "kind", *(f"{n} lane{'s' * (n > 1)}" for n in lanes)], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
