"""A store made of invented scores, in the shape of `benchmarks.store.store.Store`: for tests of what reads a store."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.studies.study import Study

SPANS = {"CartPole-v1": (22.1, 500.0), "Acrobot-v1": (-495.1, -69.1), "FrozenLake-v1": (0.014, 0.744), "CliffWalking-v1": (-2079.0, -13.0)}
CONTROL = {
    "name": "control",
    "algos": ["ppo", "sb3/ppo", "dqn", "sb3/dqn"],
    "envs": ["CartPole-v1", "Acrobot-v1"],
    "comparisons": [["ppo", "sb3/ppo"], ["dqn", "sb3/dqn"]],
}
TABULAR = {
    "name": "tabular",
    "algos": ["q_learning", "value_iteration"],
    "envs": ["FrozenLake-v1", "CliffWalking-v1"],
    "comparisons": [["q_learning", "value_iteration"]],
}
BUDGET = {
    "CartPole-v1": {"ppo": 100_000, "dqn": 50_000},
    "Acrobot-v1": {"ppo": 100_000, "dqn": 30_000},
    "FrozenLake-v1": {"q_learning": 200_000, "value_iteration": 200_000},
    "CliffWalking-v1": {"q_learning": 50_000, "value_iteration": 50_000},
}


class SyntheticStore:
    """Learning curves that rise from random to nearly the expert's score, another noise for every run."""

    def __init__(self, groups=(CONTROL, TABULAR), seeds=10, points=20, reps=2000, normalise=True, root_seed=0, name="quickstart"):
        asked = {
            "name": name,
            "question": "Do our PPO and DQN perform like Stable-Baselines3's, and does Q-learning reach the exact optimum?",
            "seeds": list(range(seeds)),
            "groups": [dict(g) for g in groups],
            "protocol": {"name": "final-v1", "eval_episodes": 20, "eval_points": points, "deterministic": True, "eval_seed": 20240521},
            "budget": BUDGET,
            "zoo_budget": {"CartPole-v1": {a: 100_000 for a in ("ppo", "sb3/ppo")}, "Acrobot-v1": {a: 1_000_000 for a in ("ppo", "sb3/ppo")}},
            "normalise": {e: {"random": r, "expert": x, "source": "invented for a test"} for e, (r, x) in SPANS.items()} if normalise else {},
            "statistics": {"reps": reps, "confidence": 0.95, "seed": 0, "margin": 0.05},
        }
        self._study = Study.of(asked)
        rng = np.random.default_rng(root_seed)
        runs, curves, training = [], [], []
        for group in groups:
            for algo in group["algos"]:
                for env in group["envs"]:
                    for seed in range(seeds):
                        run, curve = self._run(rng, group["name"], algo, env, seed, points)
                        runs.append(run)
                        curves.append(curve)
                        training.append({"algo": algo, "env": env, "seed": seed, "step": run["steps"], "key": "train/loss", "value": 0.1})
        self._runs, self._curves, self._training = pd.DataFrame(runs), pd.concat(curves, ignore_index=True), pd.DataFrame(training)

    def _run(self, rng, group, algo, env, seed, points):
        low, high = SPANS[env]
        planner = algo == "value_iteration"
        steps = BUDGET[env][algo.removeprefix("sb3/")]
        share = np.arange(1, points + 1) / points
        rate = {"ppo": 6, "dqn": 3.5, "q_learning": 5}.get(algo.removeprefix("sb3/"), 50) * rng.uniform(0.7, 1.3)
        level = (1 - np.exp(-rate * share)) * rng.normal(0.97, 0.02)
        if planner:
            level = np.ones(points)
        level = level + (0 if planner else rng.normal(0, 0.02, points) * (1.2 - share))
        scores = low + np.minimum(level, 1.0) * (high - low)
        seconds = share * steps / (4000 if algo.startswith("sb3/") else 9000) * rng.uniform(0.95, 1.05)
        curve = pd.DataFrame(
            {
                "algo": algo,
                "env": env,
                "seed": seed,
                "step": (share * steps).astype(int),
                "seconds": seconds,
                "score": scores,
                "score_std": 1.0,
                "episode_length": 100.0,
                "n_episodes": 20,
            }
        )
        run = {
            "run_id": f"{algo.replace('/', '-')}-{env}-{seed}",
            "algo": algo,
            "env": env,
            "group": group,
            "seed": seed,
            "status": "finished",
            "error": None,
            "traceback": None,
            "steps": steps,
            "train_seconds": seconds[-1],
            "eval_seconds": 1.5,
            "steps_per_second": steps / seconds[-1],
            "model_seed": 1000 + seed,
            "weights_hash_start": f"{rng.integers(2**60):016x}",
            "weights_hash_end": f"{rng.integers(2**60):016x}",
            "hyperparams": json.dumps({"learning_rate": 1e-3, "gamma": 0.99}),
            "lockstep": 1 if algo.startswith("sb3/") else 5,
            "diverged": False,
            "host": json.dumps({"python": "3.11.9", "os": "Linux", "cpu": "A processor", "threads": 1, "peak_memory_mb": int(rng.integers(200, 400))}),
            "finished_at": "2024-05-21T12:00:00Z",
        }
        return run, curve

    def lose(self, algo, env, seeds, status="missing", error=None, traceback=None):
        """The runs of these seeds did not finish."""
        lost = (self._runs["algo"] == algo) & (self._runs["env"] == env) & self._runs["seed"].isin(seeds)
        self._runs.loc[lost, ["status", "error", "traceback"]] = [status, error, traceback]
        self._runs.loc[lost, ["train_seconds", "eval_seconds", "steps_per_second"]] = np.nan
        curve = (self._curves["algo"] == algo) & (self._curves["env"] == env) & self._curves["seed"].isin(seeds)
        self._curves = self._curves[~curve].reset_index(drop=True)
        return self

    def set_final(self, algo, env, scores):
        """The final scores of an algorithm's runs, in the order of their seeds."""
        last = self._curves[(self._curves["algo"] == algo) & (self._curves["env"] == env)].groupby("seed").tail(1).index
        self._curves.loc[last, "score"] = scores
        return self

    def ask(self, statistics=(), **parts):
        """Another study of the same scores: with these parts, and of its statistics only what is named."""
        self._study = replace(self._study, statistics=self._study.statistics | dict(statistics), **parts)
        return self

    def study(self):
        return self._study

    def runs(self):
        return self._runs.copy()

    def curves(self):
        return self._curves.copy()

    def record(self, run_id):
        """As a Store's: the run's run.json, of which only the seal is read here."""
        return {"seal": hashlib.sha256(run_id.encode()).hexdigest()}

    def training(self):
        return self._training.copy()
