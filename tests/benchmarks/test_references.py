"""Reference implementations beside Stable-Baselines3's own: SB3-Contrib's are named, tuned, trained, scored and reported as these are."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import UserError
from benchmarks.running import models, worker
from benchmarks.running.evaluation import model_seed
from benchmarks.store.store import Store
from benchmarks.studies import environments, study
from benchmarks.studies import plan as jobs
from from_scratch.registry import FAMILIES, find

CONTRIB = [entry.id for entry in FAMILIES["sb3_contrib"].entries]
SMALL = {"on_policy": {"n_steps": 32, "batch_size": 16}, "replay": {"learning_starts": 16, "buffer_size": 200, "batch_size": 8},
         "population": {"n_delta": 2}}  # fmt: skip


def task_of(algo):
    if find(algo).needs == "action_masks":
        return "from_scratch/InvalidActionGrid-v0"
    if find(algo).policy == "MlpLstmPolicy":
        return "from_scratch/CartPoleNoVel-v1"
    return "CartPole-v1" if "Discrete" in find(algo).actions else "Pendulum-v1"


@pytest.fixture(scope="module", params=CONTRIB)
def trained(request, tmp_path_factory):
    """(its id, the store of a study of two seeds, of which the first is trained, that run)"""
    algo, env = request.param, task_of(request.param)
    resolved = study.adhoc([algo], [env], seeds=2, steps=96)
    resolved = replace(resolved, protocol={"name": "final-v1", "eval_episodes": 2, "eval_points": 2, "deterministic": True, "eval_seed": 1})
    resolved.hyperparams[algo][env] = {"policy": find(algo).policy, **SMALL[find(algo).loop]}
    resolved = jobs.pinned(resolved)
    store = Store(tmp_path_factory.mktemp("study"))
    store.save_study(resolved)
    run = jobs.plan(resolved)[0][1]
    worker.execute(jobs.Job((run,)), store)
    return algo, store, run


def test_it_is_trained_and_scored(trained):
    _, store, run = trained
    record = store.record(run.id)

    assert (record["status"], record["error"]) == ("finished", None)
    assert record["weights_hash_start"] != record["weights_hash_end"] and record["actual_steps"] >= 96
    assert list(store.curves()["step"]) == [48, 96] and len(store.episodes()) == 4


def test_the_same_seed_gives_the_same_weights(trained, tmp_path):
    _, store, run = trained
    again = Store(tmp_path / "again")
    again.save_study(store.study())
    worker.execute(jobs.Job((run,)), again)

    assert again.record(run.id)["weights_hash_end"] == store.record(run.id)["weights_hash_end"]


def test_its_stored_model_is_read_without_its_pickles_and_acts_as_the_one_that_was_scored(trained):
    algo, store, run = trained
    from stable_baselines3.common.vec_env import DummyVecEnv

    venv = DummyVecEnv([lambda: environments.make_env(run.env)])
    path = store.runs_path / run.id / "model.zip"
    rebuilt, theirs = models.rebuilt(algo, path, run.hyperparams, venv), find(algo).load().load(path)
    obs = np.stack([venv.observation_space.sample() for _ in range(20)]) if run.env != "CartPole-v1" else np.random.default_rng(0).normal(size=(20, 4))

    assert np.array_equal(rebuilt.predict(obs, deterministic=True)[0], theirs.predict(obs, deterministic=True)[0])
    assert worker.weights_hash(theirs) == store.record(run.id)["weights_hash_end"]


def test_seeds_reach_it(trained):
    _, store, run = trained

    assert store.record(run.id)["model_seed"] == model_seed(0)
    assert [len(job.runs) for job in jobs.group([run for _, run in jobs.plan(store.study())], workers=1)] == [1, 1], "no two seeds share a process"


@pytest.mark.parametrize("algo", CONTRIB)
def test_its_settings_are_the_zoo_s(algo):
    resolved = study.adhoc([algo], [task_of(algo)])
    env, name = task_of(algo), find(algo).settings

    is_tuned = find(algo).needs != "action_masks"  # the Zoo tunes no environment with masks
    assert resolved.provenance[algo][env].startswith(f"configs/algo/{name}.yaml, entry of the task{', from RL Baselines3 Zoo' if is_tuned else ''}")
    assert not is_tuned or resolved.zoo_budget[env][algo] == resolved.budget[env][algo]
    study.check_pair(algo, env, resolved.hyperparams[algo][env], resolved.envs[env])


def test_what_it_cannot_act_in_is_refused_with_what_can():
    with pytest.raises(UserError, match=r"^QRDQN needs a Discrete action space; Pendulum-v1 has Box.* For Box actions: .*sac.*contrib/tqc"):
        study.check_pair("contrib/qrdqn", "Pendulum-v1", {}, {})


def test_its_package_s_version_is_part_of_its_code_version_and_of_no_other(monkeypatch):
    before = {algo: jobs.code_version(algo, "CartPole-v1") for algo in ("contrib/trpo", "sb3/ppo")}
    version = jobs._version
    monkeypatch.setattr(jobs, "_version", lambda package: "9.9" if package == "sb3-contrib" else version(package))

    assert jobs.code_version("contrib/trpo", "CartPole-v1") != before["contrib/trpo"]
    assert jobs.code_version("sb3/ppo", "CartPole-v1") == before["sb3/ppo"]
