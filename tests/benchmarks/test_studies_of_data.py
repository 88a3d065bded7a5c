"""Studies over data sets: a task is an environment with a data set, and budgets are gradient steps."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from benchmarks import UserError
from benchmarks.evidence.analysis import analyse
from benchmarks.report import figures, tables
from benchmarks.reproduction.everything import everything
from benchmarks.reproduction.sample import sample
from benchmarks.reproduction.unseen import unseen
from benchmarks.running.worker import execute
from benchmarks.store.store import Store
from benchmarks.studies import plan, recorded, study
from from_scratch.core.datasets import BadDataset, as_dataset
from from_scratch.core.datasets.sources import FIELDS

TASK = "Pendulum-v1~random"
NET = {"policy_kwargs": "dict(net_arch=[8])", "batch_size": 16}


def random_play(n=400, seed=0):
    env, rng, steps = gym.make("Pendulum-v1"), np.random.default_rng(seed), []
    obs, _ = env.reset(seed=seed)
    for _ in range(n):
        action = rng.uniform(-2, 2, 1).astype(np.float32)
        next_obs, reward, terminated, truncated, _ = env.step(action)
        steps.append((obs, action, float(reward), next_obs, terminated, truncated))
        obs = env.reset()[0] if truncated else next_obs
    return as_dataset(dict(zip(FIELDS, map(np.stack, zip(*steps, strict=True)), strict=True)), env.observation_space, env.action_space)


@pytest.fixture
def sets(monkeypatch):
    """Data sets by name, instead of those that the machine has."""
    known = {"random": random_play()}
    monkeypatch.setattr(recorded, "as_dataset", known.__getitem__)
    recorded._read.cache_clear()
    yield known
    recorded._read.cache_clear()


def suite(algos, envs=(TASK,), protocol=None, **more):
    return study.composed("test", {
        "name": "data", "question": "?", "seeds": 2, "steps": 40, "groups": [{"name": "all", "algos": list(algos), "envs": list(envs)}],
        "env": {TASK: {"dataset": "random"}} if TASK in envs else {}, "algo": {name: {envs[0]: NET} for name in algos if name in ("td3_bc", "offline_td3")},
        "protocol": {"eval_episodes": 2, "eval_points": 2, **(protocol or {})}, **more,
    })  # fmt: skip


def test_a_study_keeps_the_name_the_size_and_the_hash_of_a_task_s_data_set(sets):
    asked = suite(["td3_bc"])
    assert asked.envs[TASK]["dataset"] == {"name": "random", "steps": 400, "hash": sets["random"].hash}
    assert asked.normalise[TASK]["random"] == -1238.53, "the references are the environment's"


def test_another_data_set_makes_another_run(sets):
    one = {run.id for _, run in plan.plan(suite(["td3_bc"]))}
    sets["random"] = random_play(seed=1)
    recorded._read.cache_clear()
    assert one.isdisjoint(run.id for _, run in plan.plan(suite(["td3_bc"])))


def test_a_learner_from_data_on_a_task_without_any_is_refused(sets):
    with pytest.raises(UserError, match=r"td3_bc learns from a data set, and Pendulum-v1 names none: env.Pendulum-v1.dataset=NAME"):
        suite(["td3_bc"], ["Pendulum-v1"])


def test_steps_and_gradient_steps_are_not_compared_in_silence(sets):
    with pytest.raises(UserError, match=r"sac would count steps of the environment, and those who learn from the data set random gradient steps"):
        suite(["td3_bc", "sac"])
    assert suite(["td3_bc", "sac"], protocol={"mixed_budgets": True}).algorithms == ["td3_bc", "sac"]
    assert suite(["td3_bc", "random"]).algorithms == ["td3_bc", "random"], "who learns nothing may stand beside them"


def test_a_study_of_data_runs_and_its_report_speaks_of_gradient_steps(sets, tmp_path):
    asked, store = plan.pinned(suite(["td3_bc", "offline_td3"], statistics={"reps": 100})), Store(tmp_path / "out")
    store.save_study(asked)
    for job in plan.group([run for _, run in plan.plan(asked)], 1):
        execute(job, store)
    analysis = analyse(store.study(), store.runs(), store.curves())
    group = analysis.groups[0]
    assert group.steps_label == "gradient steps" and set(group.curves) == {"td3_bc", "offline_td3"}
    assert "on the data set random (400 steps, hash" in str(tables.budgets(analysis).rows)
    assert "gradient steps" in figures.task(group, TASK, analysis.statistics, False).svg


def gone(sets):
    sets.pop("random")


def another(sets):
    sets["random"] = random_play(seed=1)


@pytest.mark.parametrize(("happens", "words"), [(gone, "no data set random; runs that learn"), (another, "the same name, other steps; runs that learn")])
def test_runs_whose_data_set_is_not_here_are_not_verified_which_is_no_fault_of_theirs(sets, tmp_path, monkeypatch, happens, words):
    asked, store = plan.pinned(suite(["td3_bc"])), Store(tmp_path / "out")
    store.save_study(asked)
    for job in plan.group([run for _, run in plan.plan(asked)], 1):
        execute(job, store)
    again = lambda: [(f.what, f.state) for f in sample(store, 1, 0, (), 1, lambda progress: None)]
    assert again()[:2] == [("draw", "pass"), ("data set random", "pass")] and again()[2][1] == "pass"
    happens(sets)
    recorded._read.cache_clear()
    monkeypatch.setattr(recorded, "as_dataset", lambda name: sets[name] if name in sets else refuse(name))
    assert again() == [("draw", "pass"), ("data set random", "unverified")]
    found = list(everything(store, None, None, 1, lambda progress: None))
    assert [(f.what, f.state) for f in found] == [("data set random", "unverified"), ("runs", "unverified")]
    assert words in found[0].said and "not run again: the data set of Pendulum-v1~random is not here" in found[1].said
    said = "\n".join(unseen(store, 3, found))
    assert "the 2 of 2 runs that were not trained again" in said and "how the data sets were recorded" in said


def refuse(name):
    raise BadDataset(f"there is no data set {name}")


def test_a_data_set_named_on_the_command_line_says_its_environment(sets):
    sets["pendulum/medium-v0"] = replace(sets["random"], facts={"env": "Pendulum-v1"})
    asked = study.adhoc(["td3_bc", "offline_td3"], [], seeds=1, steps=10, datasets=["pendulum/medium-v0"])
    assert asked.tasks == ["Pendulum-v1~medium-v0"] and asked.envs["Pendulum-v1~medium-v0"]["dataset"]["name"] == "pendulum/medium-v0"
    with pytest.raises(UserError, match="random does not say in which environment it was recorded"):
        study.adhoc(["td3_bc"], [], seeds=1, steps=10, datasets=["random"])


def test_a_data_set_that_has_changed_behind_its_name_fails_the_run(sets):
    asked = suite(["td3_bc"])
    sets["random"] = random_play(seed=1)
    recorded._read.cache_clear()
    with pytest.raises(UserError, match="the same name, other steps"):
        recorded.given(asked.envs[TASK], TASK)
