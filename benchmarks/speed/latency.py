"""How long a policy takes to answer one observation: `python -m benchmarks.speed.latency`.

Microseconds from an observation to its action: Stable-Baselines3's own model, ours, and the same policy exported to TorchScript and ONNX, asked in turns. Of
each the median and the 99th percentile of all its answers.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # NumPy and torch read these when they are imported
    os.environ[name] = "1"

import argparse  # noqa: E402
import importlib.util  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gymnasium as gym  # noqa: E402
import numpy as np  # noqa: E402

from from_scratch import registry  # noqa: E402
from from_scratch.deploy import export, load_policy  # noqa: E402

POLICIES = {  # algorithm → environment: a small and a large network, one with a memory, one of values
    "ppo": "CartPole-v1", "dqn": "CartPole-v1", "sac": "Pendulum-v1", "recurrent_ppo": "Pendulum-v1",
}  # fmt: skip
ROUNDS, IN_A_ROW, WARM_UP = 20, 100, 200
FORMATS = {".pt": "TorchScript", ".onnx": "ONNX"}
HAS_ONNX = all(importlib.util.find_spec(package) for package in ("onnx", "onnxscript", "onnxruntime"))


def contenders(algo: str, env: str, folder: Path) -> dict[str, Callable[[np.ndarray], Any]]:
    """What answers an observation, by its name: the twin, our model, and its exported forms."""
    entry = registry.find(algo)
    assert entry.twin is not None
    twin, model = (registry.load(each)(entry.policy, env, seed=0, device="cpu") for each in (entry.twin, algo))
    found = {entry.twin: _predict(twin), "ours": _predict(model)}
    for suffix, kind in FORMATS.items():
        if suffix == ".pt" or HAS_ONNX:
            export(model, folder / f"{algo}{suffix}", n_observations=50)
            found[kind] = _predict(load_policy(folder / f"{algo}{suffix}"))
    return found


def _predict(model: Any) -> Callable[[np.ndarray], Any]:
    return lambda obs: model.predict(obs, deterministic=True)


def measured(algo: str, env: str, rounds: int) -> dict[str, np.ndarray]:
    """Seconds of each answer, [rounds * IN_A_ROW]."""
    observations = _observations(env)
    with tempfile.TemporaryDirectory() as folder:
        asked = contenders(algo, env, Path(folder))
        taken: dict[str, list[float]] = {who: [] for who in asked}
        for answer in asked.values():
            for k in range(WARM_UP):
                answer(observations[k % len(observations)])
        for _ in range(rounds):
            for who, answer in asked.items():
                for obs in observations[:IN_A_ROW]:
                    before = time.perf_counter()
                    answer(obs)
                    taken[who].append(time.perf_counter() - before)
    return {who: np.array(times) for who, times in taken.items()}


def _observations(env_id: str) -> list[np.ndarray]:
    env = gym.make(env_id)
    low, high = (np.clip(bound, -1.0, 1.0) for bound in (env.observation_space.low, env.observation_space.high))  # type: ignore[attr-defined]
    draw = np.random.default_rng(0)
    return [draw.uniform(low, high).astype(np.float32) for _ in range(IN_A_ROW)]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.latency", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of {IN_A_ROW} answers each, at least 1 (default: {ROUNDS})")
    args = parser.parse_args(argv)
    if args.rounds < 1:
        parser.error(f"--rounds {args.rounds}: at least 1")
    import torch

    torch.set_num_threads(1)
    columns = ["Stable-Baselines3's", "ours", *(kind for suffix, kind in FORMATS.items() if suffix == ".pt" or HAS_ONNX)]
    sys.stdout.write(f"| policy | {' | '.join(columns)} |\n|{' --- |' * (1 + len(columns))}\n")
    for algo, env in POLICIES.items():
        cells = (f"{1e6 * np.median(times):.0f} ({1e6 * np.quantile(times, 0.99):.0f})" for times in measured(algo, env, args.rounds).values())
        sys.stdout.write(f"| `{algo}`, {env} | {' | '.join(cells)} |\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
