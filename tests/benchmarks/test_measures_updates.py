"""updates_to_exact: when a table of action values was right for the first time, by hand, and that training does not notice who looks."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.measures import updates_to_exact
from benchmarks.measures.updates_to_exact import UpdatesToExact
from from_scratch.core.exact.values import optimal_action_values
from from_scratch.envs import BlindCliffwalk
from tests.benchmarks.test_measures_value import _is_unnoticed, _measured, _trained

CLIFF = "from_scratch/BlindCliffwalk-v0"
KNOWN = {"policy_kwargs": "dict(net_arch=[])", "learning_rate": 0.03, "learning_starts": 50, "buffer_size": 400, "train_freq": 1, "gamma": 0.5}


def of_tables(tables, updates):
    """A measure in front of a stack whose seeds have these tables of action values, after so many updates."""
    measure = UpdatesToExact(SimpleNamespace(runs=[None] * len(tables)))
    measure.right, measure.states = np.array([[0.5, 0.0], [1.0, 0.0]]), torch.arange(2)
    measure.is_table = False
    measure.policies = [SimpleNamespace(q_net=lambda s, q=q: torch.tensor(q)[s]) for q in tables]
    measure.model = SimpleNamespace(updates=np.asarray(updates))
    measure.updates = np.full(len(tables), np.nan)
    return measure


RIGHT, NEARLY, WRONG = [[0.5, 0.0], [1.0, 0.0]], [[0.5, 0.06], [1.0, 0.0]], [[0.5, 0.07], [1.0, 0.0]]  # the squares by 4: 0, 0.0009, 0.001225


def test_a_table_is_right_below_a_mean_squared_error_of_a_thousandth_and_stays_counted_as_it_was_first():
    measure = of_tables([RIGHT, NEARLY, WRONG], [7, 7, 7])
    measure._look()
    measure.model.updates[:] = 9
    measure.policies[0] = measure.policies[2]  # it is wrong again
    measure._look()
    told = measure.values()
    assert [(one["updates_to_exact"], one["is_exact"]) for one in told] == [(7, 1), (7, 1), (9, 0)]
    assert [one["log2_updates_to_exact"] for one in told] == [np.log2(7), np.log2(7), np.log2(9)]


def test_what_is_right_are_the_optimal_action_values():
    env = BlindCliffwalk(2, map_seed=None)
    assert optimal_action_values(env, 0.5).tolist() == [[0, 0.5], [0, 1]]


@pytest.mark.parametrize(("algo", "settings"), [("prioritized_dqn", KNOWN), ("prioritized_replay_q_learning", {"horizon": 5})], ids=["network", "table"])
def test_training_does_not_notice_it(algo, settings, tmp_path):
    _is_unnoticed(tmp_path, algo, CLIFF, "updates_to_exact", **settings)


def test_of_a_table_it_looks_at_the_table_itself():
    measure = of_tables([RIGHT, WRONG], [4, 4])
    measure.is_table, measure.policies, measure.model.Q = True, [], np.array([WRONG, NEARLY])
    measure._look()
    assert [one["is_exact"] for one in measure.values()] == [0, 1]


def test_a_seed_alone_needs_as_many_updates_as_in_a_stack(tmp_path, monkeypatch):
    monkeypatch.setattr(updates_to_exact, "SMALL", 0.1215)  # so that seeds reach it within the test
    together, alone = (
        _measured(_trained(tmp_path / str(stacked), "prioritized_dqn", CLIFF, measures=["updates_to_exact"], together=stacked, **KNOWN))
        for stacked in (True, False)
    )
    assert together.equals(alone)
    last = together[together["step"] == together["step"].max()].pivot(index="seed", columns="key", values="value")
    assert (last["measure/is_exact"] == 1).all() and last["measure/updates_to_exact"].between(1, 100).all()
