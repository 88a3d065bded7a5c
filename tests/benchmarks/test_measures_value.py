"""Measures of value-based methods: what they say of cases worked by hand, and that training does not notice them."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.measures.left_share import LeftShare
from benchmarks.running import worker
from benchmarks.store.store import Store
from benchmarks.studies import study
from benchmarks.studies.plan import Job, pinned, plan
from from_scratch.envs.chains.max_bias import LEFT, RIGHT, A, B

MAX_BIAS = "from_scratch/MaximisationBias-v0"


def _trained(path, algo, env, steps=300, measures=(), seeds=2, together=True, **settings):
    """The store of runs of an algorithm, with these measures taken of them."""
    asked = study.adhoc([algo], [env], seeds=seeds, steps=steps)
    protocol = {**asked.protocol, "eval_points": 3, "eval_episodes": 2, **({"measures": list(measures)} if measures else {})}
    asked.hyperparams[algo][env].update(settings)
    asked = pinned(asked.asking(protocol=protocol))
    store = Store(path)
    store.save_study(asked)
    runs = [run for _, run in plan(asked)]
    for job in [runs] if together else [[run] for run in runs]:
        worker.execute(Job(tuple(job)), store)
    assert store.runs()["error"].isna().all(), store.runs()["error"].tolist()
    return store


def _measured(store):
    """seed, step, key and value of everything that was measured."""
    rows = store.training()
    return rows[rows["key"].str.startswith("measure/")].sort_values(["seed", "step", "key"])[["seed", "step", "key", "value"]].reset_index(drop=True)


def _is_unnoticed(tmp_path, algo, env, measure, **settings):
    with_it = _trained(tmp_path / "with", algo, env, measures=[measure], **settings)
    without = _trained(tmp_path / "without", algo, env, **settings)
    assert len(_measured(with_it)) and not len(_measured(without))
    assert with_it.runs()["weights_hash_end"].tolist() == without.runs()["weights_hash_end"].tolist()
    assert with_it.episodes().equals(without.episodes())


def _is_the_same_alone(tmp_path, algo, env, measure, **settings):
    together = _measured(_trained(tmp_path / "together", algo, env, measures=[measure], **settings))
    alone = _measured(_trained(tmp_path / "alone", algo, env, measures=[measure], together=False, **settings))
    assert together[["seed", "step", "key"]].equals(alone[["seed", "step", "key"]])
    assert together["value"].to_numpy() == pytest.approx(alone["value"].to_numpy(), rel=1e-4, nan_ok=True)
    assert together.groupby("seed")["value"].first().nunique() > 1, "seeds differ"


# ------------------------------------------------------------------------------------------------------------ choices of left


def _watching(states, actions):
    """A LeftShare of two seeds, after steps in these states [T][S] with these actions [T][S]."""
    measure = LeftShare(SimpleNamespace(runs=[None, None]))
    measure._on_training_start()
    for s, a in zip(states, actions, strict=True):
        measure.model = SimpleNamespace(state=np.array(s)[:, None])
        measure.locals = {"actions": np.array(a)}
        measure._on_step()
    return measure


def test_left_counts_in_the_first_state_alone():
    seen = _watching([[A, A], [A, B], [B, A], [A, A]], [[LEFT, RIGHT], [RIGHT, LEFT], [LEFT, RIGHT], [RIGHT, LEFT]]).values()
    assert [each["left_share"] for each in seen] == [pytest.approx(100 / 3), pytest.approx(100 / 3)]


def test_left_is_counted_anew_at_each_checkpoint():
    measure = _watching([[A, A]], [[LEFT, RIGHT]])
    assert [each["left_share"] for each in measure.values()] == [100, 0]
    assert all(np.isnan(each["left_share"]) for each in measure.values())


def test_an_agent_that_acts_at_random_goes_left_half_of_the_time(tmp_path):
    found = _measured(_trained(tmp_path, "q_learning", MAX_BIAS, 900, ["left_share"], exploration_initial_eps=1.0, exploration_final_eps=1.0))
    assert 44 < found["value"].mean() < 56, "of 1200 choices, four standard errors either way"


def test_counting_left_is_not_noticed_by_training(tmp_path):
    _is_unnoticed(tmp_path, "q_learning", MAX_BIAS, "left_share")


def test_a_stack_goes_left_as_often_as_its_seeds_alone(tmp_path):
    _is_the_same_alone(tmp_path, "q_learning", MAX_BIAS, "left_share")
