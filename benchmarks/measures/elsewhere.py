"""Scores of a policy on other tasks than its own: what it would have got there, had it been scored there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import unwrap_vec_normalize

from benchmarks.measures.measure import Measure
from benchmarks.running.evaluation import Evaluator, episode_seeds
from benchmarks.studies import hyperparams

EPISODES = 10  # of each seed on each task


class Elsewhere(Measure):
    """The policies play EPISODES episodes on every task of `tasks`, from the starts of the protocol's scoring."""

    def tasks(self, spec: Mapping[str, Any], wrappers: Any) -> dict[str, tuple[dict[str, Any], Any]]:
        """name -> (settings of the environment, its wrappers), from those of the run's own task."""
        raise NotImplementedError

    def summary(self, returns: Mapping[str, np.ndarray]) -> dict[str, float]:
        """What is written down of one seed. returns: name -> [EPISODES]."""
        raise NotImplementedError

    def _on_training_start(self) -> None:
        run, setup = self.job.runs[0], self.job.runs[0].hyperparams
        starts = [episode_seeds(one.protocol["eval_seed"], one.seed, EPISODES) for one in self.job.runs]
        shared = {"normalize": hyperparams.normalize_arguments(setup), "frame_stack": setup.get("frame_stack")}
        self.evaluators = {
            name: Evaluator(run.env, spec, {**shared, "env_wrapper": wrappers}, starts, run.protocol["deterministic"])
            for name, (spec, wrappers) in self.tasks(run.spec, setup.get("env_wrapper")).items()
        }

    def values(self) -> Sequence[dict[str, float]]:
        env = self.model.get_env()
        normalizers = [unwrap_vec_normalize(venv) for venv in getattr(env, "venvs", [env])]
        played = {name: evaluator(self.model, normalizers) for name, evaluator in self.evaluators.items()}
        return [self.summary({name: episodes[k].returns for name, episodes in played.items()}) for k in range(self.n_seeds)]
