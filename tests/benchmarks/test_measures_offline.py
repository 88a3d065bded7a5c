"""value_gap: what a learner from data believes of its policy beside what that achieves, by hand, alone and in a stack, and without a trace in training."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import UserError
from benchmarks.measures.value_gap import ValueGap
from from_scratch import CQL, OfflineTD3
from from_scratch.core.datasets import as_dataset
from tests.benchmarks.test_measures_continuous import job, measuring
from tests.benchmarks.test_measures_soft import PaysByTurns, critics


def believing(*values, **more):
    """critics of fixed values of a learner from data, whose actors draw, or do not."""
    model = critics(*values)
    model.set_dataset, model.seen = None, lambda obs: obs
    for name, value in more.items():
        setattr(model, name, value)
    return model


def test_the_gap_is_the_mean_of_all_critics_less_the_return_without_entropy():
    """G is 10/3 and 14/3 by turns, 4 on average; critics of 5 and 7 say 6."""
    (found,) = measuring(ValueGap, job("PaysByTurns-v0", algo="cql"), believing((5.0, 7.0))).values()
    assert found["value_gap"] == pytest.approx(2, rel=0.02)
    assert (found["predicted_value"], found["achieved_value"]) == (pytest.approx(6), pytest.approx(4, rel=0.01))


def test_where_the_episode_terminates_no_return_follows():
    """Two steps, 1 and 3: G = 2.5 and 3, 2.75 on average."""
    (found,) = measuring(ValueGap, job("PaysByTurns-v0", algo="cql", spec={"kwargs": {"last": 2}}), believing((2.75,))).values()
    assert found["value_gap"] == pytest.approx(0, abs=1e-4)


def test_actors_that_draw_nothing_are_taken_as_they_are():
    model = believing((4.0,))
    model._policies[0].actor = lambda s: torch.full((len(s), 1), 0.25)
    actions, _, _ = measuring(ValueGap, job("PaysByTurns-v0", algo="offline_td3"), model)._look(np.zeros((3, 1), np.float32), [np.random.default_rng(0)])
    assert actions.ravel().tolist() == [0.5] * 3  # as the environment takes them


def test_networks_see_what_the_model_makes_of_observations():
    seen = []
    model = believing((4.0,), seen=lambda obs: 10 * obs)
    model._policies[0].critic = lambda s, a: (seen.append(s.ravel().tolist()) or torch.zeros(len(s), 1),)
    measuring(ValueGap, job("PaysByTurns-v0", algo="cql"), model)._look(np.ones((2, 1), np.float32), [np.random.default_rng(0)])
    assert seen == [[10.0, 10.0]]


def test_values_that_hold_entropy_are_refused_and_so_is_who_learns_by_playing():
    with pytest.raises(UserError, match="without entropy; those of cql hold some: soft_backup=false"):
        measuring(ValueGap, job("PaysByTurns-v0", algo="cql"), believing((4.0,), soft_backup=True))
    with pytest.raises(UserError, match="learners from data sets; sac is none"):
        measuring(ValueGap, job("PaysByTurns-v0", algo="sac"), SimpleNamespace(_policies=[SimpleNamespace()]))


def trained(cls, seeds, looks):
    """(θ of the last seed, what was seen of it) after two halves of a short training on data of that world."""
    rng, n = np.random.default_rng(0), 40
    t = np.arange(n, dtype=np.float32)[:, None] % 4
    ends = t[:, 0] == 3
    parts = {"observations": t, "actions": rng.uniform(-2, 2, (n, 1)).astype(np.float32), "rewards": 1 + 2 * (t[:, 0] % 2), "next_observations": t + 1,
             "terminations": np.zeros(n, bool), "truncations": ends}  # fmt: skip
    net = {"device": "cpu", "batch_size": 8, "policy_kwargs": {"net_arch": [8]}, "gamma": 0.5}
    model = cls("MlpPolicy", None, dataset=as_dataset(parts, PaysByTurns.observation_space, PaysByTurns.action_space), seeds=seeds, **net)
    of = job("PaysByTurns-v0", len(seeds), algo="cql")
    for run, seed in zip(of.runs, seeds, strict=True):
        run.seed = seed
    measure, found = measuring(ValueGap, of, model) if looks else None, []
    for again in (False, True):
        model.learn(4, log_interval=None, reset_num_timesteps=not again)
        found += [measure.values()[-1]] if looks else []
    return torch.cat([p.detach().flatten() for p in model._policies[-1].parameters()]), found


@pytest.mark.parametrize("cls", [CQL, OfflineTD3])
def test_it_leaves_no_trace_in_training_and_a_seed_shows_in_a_stack_what_it_shows_alone(cls):
    weights, in_stack = trained(cls, [3, 5], looks=True)
    assert torch.equal(weights, trained(cls, [3, 5], looks=False)[0])
    alone = trained(cls, [5], looks=True)[1]
    for mine, theirs in zip(in_stack, alone, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4)
