"""What one process does with a job."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from benchmarks.running import worker
from benchmarks.running.evaluation import model_seed
from benchmarks.store.store import Store
from benchmarks.store.tables import TABLES
from benchmarks.studies import study
from benchmarks.studies.plan import Job, Run, pinned, plan

PROTOCOL = {"name": "final-v1", "eval_episodes": 3, "eval_points": 2, "deterministic": True, "eval_seed": 1}
PPO_TINY = {"policy": "MlpPolicy", "n_steps": 16, "n_envs": 2, "batch_size": 16, "n_epochs": 2}


def _store(tmp_path, algos, env="CartPole-v1", seeds=2, **hyper):
    """A store with a study of tiny runs, and its runs."""
    resolved = study.adhoc(list(algos), [env], seeds=seeds, steps=hyper.pop("steps", 64))
    resolved = replace(resolved, protocol=PROTOCOL)
    for algo in algos:
        resolved.hyperparams[algo][env] = dict(hyper)
    resolved = pinned(resolved)
    store = Store(tmp_path / "study")
    store.save_study(resolved)
    return store, [run for _, run in plan(resolved)]


def test_a_run_leaves_its_curve_episodes_training_metrics_and_a_model_that_loads(tmp_path):
    store, (run,) = _store(tmp_path, ["sb3/ppo"], seeds=1, **PPO_TINY)
    messages = []
    worker.execute(Job((run,)), store, messages.append)
    assert ("run", run.id, "finished", "") in messages
    assert list(store.curves()["step"]) == [32, 64]
    assert (store.curves()["n_episodes"] == 3).all() and len(store.episodes()) == 6
    assert store.episodes().groupby("step")["return"].mean().tolist() == pytest.approx(store.curves()["score"].tolist())
    assert "train/loss" in set(store.training()["key"])
    record = store.record(run.id)
    assert record["status"] == "finished" and record["host"]["threads"] == 1 and not record["diverged"]
    assert record["weights_hash_start"] != record["weights_hash_end"]
    model = PPO.load(store.runs_path / run.id / "model.zip")
    assert worker.weights_hash(model) == record["weights_hash_end"], "the stored model is the scored one"


def test_the_last_checkpoint_is_scored_after_the_last_update(tmp_path):
    """64 steps asked for, but a rollout has 48: training ends at 96, and the model of then is the one to score."""
    store, (run,) = _store(tmp_path, ["sb3/ppo"], seeds=1, **{**PPO_TINY, "n_steps": 24})
    worker.execute(Job((run,)), store)
    assert list(store.curves()["step"]) == [32, 64]
    assert list(store.curves()["actual_step"]) == [32, 96]


def test_the_same_run_twice_gives_the_same_weights_and_scores(tmp_path):
    store, (run,) = _store(tmp_path, ["sb3/ppo"], seeds=1, **PPO_TINY)
    worker.execute(Job((run,)), store)
    first, scores = store.record(run.id)["weights_hash_end"], store.episodes()
    store.quarantine(run.id)
    worker.execute(Job((run,)), store)
    assert store.record(run.id)["weights_hash_end"] == first
    assert store.episodes().equals(scores)


@pytest.mark.parametrize("normalize", [False, True])
def test_seeds_in_lockstep_leave_the_runs_that_they_leave_alone(tmp_path, normalize):
    hyper = {**PPO_TINY, "normalize": normalize}
    store, runs = _store(tmp_path / "together", ["ppo"], seeds=3, **hyper)
    worker.execute(Job(tuple(runs)), store)
    lone, _ = _store(tmp_path / "alone", ["ppo"], seeds=3, **hyper)
    for run in runs:
        worker.execute(Job((run,)), lone)
    assert store.runs()["weights_hash_start"].tolist() == lone.runs()["weights_hash_start"].tolist()
    assert len(set(store.runs()["weights_hash_start"])) == 3
    assert store.runs()["weights_hash_end"].tolist() == lone.runs()["weights_hash_end"].tolist()
    assert store.episodes().equals(lone.episodes())
    metrics = ["algo", "env", "seed", "step", "key"]
    assert store.training()[metrics].equals(lone.training()[metrics])
    assert store.training()["value"].to_numpy() == pytest.approx(lone.training()["value"].to_numpy(), rel=1e-4)
    assert (store.runs_path / runs[0].id / "vecnormalize.pkl").is_file() == normalize


def test_ours_and_the_twin_start_a_seed_with_the_same_weights(tmp_path):
    store, runs = _store(tmp_path, ["ppo", "sb3/ppo"], seeds=1, **PPO_TINY)
    for run in runs:
        worker.execute(Job((run,)), store)
    start = store.runs().set_index("algo")["weights_hash_start"]
    assert start["ppo"] == start["sb3/ppo"]


def test_a_planner_is_scored_as_the_others_and_keeps_its_last_score_when_it_has_converged(tmp_path):
    store, (run,) = _store(tmp_path, ["value_iteration"], env="CliffWalking-v1", seeds=1, steps=100_000, policy="TabularPolicy")
    worker.execute(Job((run,)), store)
    assert store.runs()["error"].tolist() == [None]
    assert list(store.curves()["step"]) == [50_000, 100_000]
    assert store.curves()["score"].tolist()[-1] == -13.0


def test_an_error_is_a_failed_run_with_its_traceback(tmp_path, monkeypatch):
    store, (run,) = _store(tmp_path, ["sb3/ppo"], seeds=1, **PPO_TINY)
    monkeypatch.setattr(PPO, "train", lambda self: 1 / 0)
    worker.execute(Job((run,)), store)
    row = store.runs().iloc[0]
    assert row["status"] == "failed" and row["error"] == "ZeroDivisionError: division by zero"
    assert "in train" in row["traceback"] or "in <lambda>" in row["traceback"]


def test_one_bad_seed_does_not_take_its_group_along(tmp_path, monkeypatch):
    store, runs = _store(tmp_path, ["ppo"], seeds=3, **PPO_TINY)
    build = worker.build

    def fragile(job):
        if any(run.seed == 1 for run in job.runs):
            raise RuntimeError("seed 1 is unlucky")
        return build(job)

    monkeypatch.setattr(worker, "build", fragile)
    worker.execute(Job(tuple(runs)), store)
    assert store.runs()["status"].tolist() == ["finished", "failed", "finished"]


def test_divergence_keeps_its_score_and_is_marked(tmp_path, monkeypatch):
    store, (run,) = _store(tmp_path, ["sb3/dqn"], seeds=1, policy="MlpPolicy", learning_starts=8)

    def poison(self, *args, **kwargs):
        with torch.no_grad():
            for parameter in self.policy.parameters():
                parameter.fill_(float("nan"))

    monkeypatch.setattr("stable_baselines3.DQN.train", poison)
    worker.execute(Job((run,)), store)
    row = store.runs().iloc[0]
    assert row["status"] == "finished" and row["diverged"]
    assert np.isfinite(store.curves()["score"]).all()


def test_time_spent_in_scoring_is_not_training_time(tmp_path, monkeypatch):
    import time

    store, (run,) = _store(tmp_path, ["sb3/ppo"], seeds=1, **PPO_TINY)
    score = worker.Evaluator.__call__
    monkeypatch.setattr(worker.Evaluator, "__call__", lambda self, *args: time.sleep(1.0) or score(self, *args))
    worker.execute(Job((run,)), store)
    row = store.runs().iloc[0]
    assert row["eval_seconds"] >= 2.0
    assert row["train_seconds"] < 1.0
    assert store.curves()["seconds"].max() < 1.0


def test_the_seed_of_a_model_is_derived_from_the_runs_seed(tmp_path, monkeypatch):
    _, (run,) = _store(tmp_path, ["sb3/ppo"], seeds=1, **PPO_TINY)
    model, venvs = worker.build(Job((run,)))
    assert model.seed == model_seed(run.seed) != run.seed
    assert venvs[0].num_envs == 2


def test_values_logged_for_a_group_are_told_apart_by_their_seed():
    writer = worker.LatestValues()
    writer.write({"train/loss@3": 1.0, "train/loss@13": 2.0, "train/rate": 0.5, "time/fps": 9, "word": "x"}, {})
    assert writer.of_seed(3, alone=False) == [("train/loss", 1.0), ("train/rate", 0.5)]
    assert writer.of_seed(13, alone=False) == [("train/loss", 2.0), ("train/rate", 0.5)]


def test_a_job_can_be_sent_to_another_process():
    import pickle

    run = Run("ppo", "CartPole-v1", 0, 10, {}, {}, PROTOCOL, "c")
    assert pickle.loads(pickle.dumps(Job((run,)))).runs[0].id == run.id


def test_a_bandit_is_scored_on_the_problem_that_it_learnt(tmp_path):
    """task_seed 0, whose best arm pays 1.304 a pull, learnt for two time limits and scored for three more: the arms stay what they are."""
    env = "from_scratch/KArmedTestbed-v0"
    store, runs = _store(tmp_path, ["ucb_bandit"], env, seeds=2, steps=2000)
    worker.execute(Job(tuple(runs)), store)
    assert store.curves()["score"].to_numpy() / 1000 == pytest.approx(1.304, abs=4 * (3 * 1000) ** -0.5)
    assert store.study().normalise[env] == {**store.study().normalise[env], "random": 84.68, "expert": 1304.0}


def test_a_checkpoint_has_the_columns_of_the_table_that_it_is_a_row_of():
    assert worker.Checkpoint._fields == TABLES["curve"]
