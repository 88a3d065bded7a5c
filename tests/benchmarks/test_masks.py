"""Masks in studies: who heeds them is trained and scored among valid actions alone, and is refused where there are none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import UserError
from benchmarks.running import worker
from benchmarks.running.evaluation import Evaluator
from benchmarks.studies import study
from benchmarks.studies.plan import Job
from tests.benchmarks.test_worker import _store

GRID = "from_scratch/InvalidActionGrid-v0"
TINY = {"policy": "MlpPolicy", "n_steps": 32, "batch_size": 32, "n_epochs": 1}


class AnyOf:
    """Plays the first of the valid actions, and remembers what it was told of them."""

    def __init__(self):
        self.told = []

    def predict(self, obs, deterministic, action_masks=None):
        self.told.append(action_masks)
        return action_masks.argmax(1), None


class Blind:
    def predict(self, obs, deterministic):
        return np.zeros(len(obs), int), None


def test_predict_is_told_the_masks_of_all_seeds_lanes():
    model = AnyOf()
    Evaluator(GRID, {"kwargs": {"n_invalid": 60}, "max_episode_steps": 3}, {}, [[1, 2], [3, 4]])(model, [None, None])
    assert len(model.told) == 3 and all(masks.shape == (4, 64) for masks in model.told)
    assert all((masks.sum(1) == 4).all() for masks in model.told)


def test_who_does_not_know_of_masks_is_not_told():
    (episodes,) = Evaluator(GRID, {"max_episode_steps": 3}, {}, [[1, 2]])(Blind(), [None])
    assert episodes.lengths.tolist() == [3, 3]


class Ends(AnyOf):
    """The first lane goes straight to the goal of two by two cells; the second stays where it is."""

    def predict(self, obs, deterministic, action_masks=None):
        self.told.append(action_masks)
        return np.array([{0: 3, 1: 4 + 1}.get(int(obs[0]), 0), 0]), None


def test_of_a_lane_that_stands_still_the_last_masks_are_told():
    model = Ends()
    (episodes,) = Evaluator(GRID, {"kwargs": {"n_invalid": 4, "size": 2}, "max_episode_steps": 4}, {}, [[1, 2]])(model, [None])
    assert episodes.lengths.tolist() == [2, 4]
    blocks = [masks.argmax(1).tolist() for masks in model.told]
    assert blocks == [[0, 0], [4, 0], [4, 0], [4, 0]]


@pytest.mark.parametrize("algo", ["maskable_ppo", "contrib/maskable_ppo"])
def test_no_invalid_action_is_scored(tmp_path, algo):
    """An invalid action would cost 100."""
    store, runs = _store(tmp_path, [algo], env=GRID, seeds=2 if algo == "maskable_ppo" else 1, **TINY)
    dear = {"kwargs": {"n_invalid": 28, "penalty": 100.0}, "max_episode_steps": 20}
    runs = [replace(run, spec={**run.spec, **dear}) for run in runs]
    worker.execute(Job(tuple(runs)), store)
    for run in runs:
        assert pd.read_parquet(store.runs_path / run.id / "episodes.parquet")["return"].between(0, 1).all()


def test_an_environment_without_masks_is_refused_before_anything_is_trained():
    with pytest.raises(UserError, match=r"MaskablePPO asks the environment which actions are valid; CartPole-v1 has no action_masks\(\)"):
        study.check_pair("maskable_ppo", "CartPole-v1", {}, {})
