"""The planning errors of tests/test_syllabus_errors.py, for every planner there is. Each wrong form is written out and caught."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from from_scratch import (
    AsynchronousValueIteration,
    GaussSeidelValueIteration,
    LinearProgramming,
    ModifiedPolicyIteration,
    PolicyEvaluation,
    PolicyIteration,
    PrioritisedValueIteration,
)
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return
from from_scratch.envs import GridWorld, two_by_two_grid

FOR_EVER = 10**9
PLANNERS = (PolicyIteration, ModifiedPolicyIteration, GaussSeidelValueIteration, AsynchronousValueIteration, PrioritisedValueIteration, LinearProgramming)


def lake():
    return gym.make("FrozenLake-v1", is_slippery=False)


def unmasked(planner):
    """The planner with `done` unpacked and unused: it goes on behind the end."""

    class Unmasked(planner):
        def _models(self):
            table = self.env.get_attr("P")[0]
            p = np.zeros((self.n_states, self.n_actions, self.n_states))
            for s, row in table.items():
                for a, outcomes in row.items():
                    for probability, s_next, _, _terminated in outcomes:
                        p[s, a, s_next] += probability
            return [dataclasses.replace(model, p=p) for model in super()._models()]

    return Unmasked


def value_from_the_start(planner, env_id, **kwargs):
    values = planner("TabularPolicy", env_id, gamma=0.99, theta=1e-3, seeds=[0], **kwargs).learn(FOR_EVER).values
    return gym.make(env_id).unwrapped.initial_state_distrib @ values


@pytest.mark.parametrize("planner", PLANNERS)
def test_e1_no_planner_bootstraps_through_the_end_of_the_cliff(planner):
    assert value_from_the_start(planner, "CliffWalking-v1") == pytest.approx(-12.248, abs=2e-3)
    assert value_from_the_start(unmasked(planner), "CliffWalking-v1") == pytest.approx(-100.0, abs=0.2)


@pytest.mark.parametrize(("planner", "kwargs"), [(PolicyIteration, {"exact_evaluation": True}), (LinearProgramming, {})])
def test_e1_nor_through_the_taxi_s(planner, kwargs):
    assert value_from_the_start(planner, "Taxi-v4", **kwargs) == pytest.approx(6.327, abs=2e-3)
    assert value_from_the_start(unmasked(planner), "Taxi-v4", **kwargs) == pytest.approx(835.0, abs=0.05)


@pytest.mark.parametrize("way", [{"in_place": True}, {"in_place": False}, {"exact": True}])
def test_e1_policy_evaluation_stops_at_the_end_however_it_is_done(way):
    """The best policy walks 13 steps along the cliff. Bootstrapped through its end, it seems to lose 1 a step for ever."""
    best = PolicyIteration("TabularPolicy", "CliffWalking-v1", gamma=0.99, exact_evaluation=True).learn(FOR_EVER).pi[0]
    assert value_from_the_start(PolicyEvaluation, "CliffWalking-v1", pi=best, **way) == pytest.approx(-12.248, abs=2e-3)
    assert value_from_the_start(unmasked(PolicyEvaluation), "CliffWalking-v1", pi=best, **way) == pytest.approx(-100.0, abs=0.2)


@pytest.mark.parametrize("env_id", ["from_scratch/GridWorld-v0", "from_scratch/CarRental-v0", "from_scratch/DeepSea-v0"])
def test_e2_our_own_tables_are_found_under_their_wrappers_too(env_id):
    env = gym.make(env_id)
    for name in ("P", "mdp"):
        with pytest.raises(AttributeError):
            getattr(env, name)
    assert np.array_equal(model_of(gym.wrappers.RecordEpisodeStatistics(env)).p, model_of(env.unwrapped).p)


def test_e3_the_present_state_is_s_of_the_unwrapped_environment():
    env = gym.make("from_scratch/GridWorld-v0")
    first, _ = env.reset(seed=0)
    with pytest.raises(AttributeError):
        _ = env.state
    assert env.unwrapped.s == first


def test_e4_evaluation_serves_stochastic_policies():
    """The uniformly random policy is worth 0.0124 on the deterministic lake (γ = 0.99). The lesson's form takes one action a state, whichever."""
    model, uniform = model_of(lake()), np.full((16, 4), 0.25)
    value = PolicyEvaluation("TabularPolicy", lake(), pi=uniform, gamma=0.99).learn(FOR_EVER).values[0]
    assert value == pytest.approx(0.0124, abs=5e-5)
    one_action_each = [model.solve(np.eye(4)[np.full(16, a)], 0.99)[0] for a in range(4)]
    assert one_action_each == [0, 0, 0, 0]


def test_e4_evaluation_ends_where_the_policy_never_does():
    """With γ = 1 a policy that never arrives loses 1 a sweep for ever; a cap on the sweeps ends it, and the linear equations say why."""
    up, cliff = np.zeros(48, dtype=int), gym.make("CliffWalking-v1")
    capped = PolicyEvaluation("TabularPolicy", cliff, pi=up, gamma=1.0, max_sweeps=200, in_place=False).learn(FOR_EVER)
    assert capped.sweeps == 200 and capped.values[36] == -200
    uncapped = PolicyEvaluation("TabularPolicy", cliff, pi=up, gamma=1.0, max_sweeps=10**9, in_place=False).learn(48 * 5000)
    assert uncapped.num_timesteps == 48 * 5000 and uncapped.values[36] == -5000
    with pytest.raises(ValueError, match="gamma=1, but under this policy no episode that reaches state 0 ever ends"):
        PolicyEvaluation("TabularPolicy", cliff, pi=up, gamma=1.0, exact=True).learn(FOR_EVER)


@pytest.mark.parametrize("planner", PLANNERS)
def test_e5_without_a_discount_ties_lead_no_planner_into_a_wall(planner):
    """Every action that does not fall into a hole is worth 1; the first of the best in each state walks into a wall for ever."""
    model = planner("TabularPolicy", lake(), gamma=1.0, seeds=[0]).learn(FOR_EVER)
    assert model.values[0] == pytest.approx(1)
    assert expected_return(lake(), model.predict(np.arange(16), deterministic=True)[0]) == pytest.approx(1)
    assert expected_return(lake(), model.q_table.round(9).argmax(-1)) == 0


def test_e17_the_two_by_two_grid_is_the_same_from_its_map():
    """A GridWorld drawn as the lesson's grid has the moves of the corrected table, where the agent can act."""
    drawn, table = GridWorld(desc=["S.", ".G"]), two_by_two_grid()
    assert all(drawn.P[s][a] == table.P[s][a] for s in range(3) for a in range(4))
    wrong = {(1, 2): 1, (1, 0): 0, (2, 0): 2}  # (state, action): where the lesson sends it
    assert all(drawn.P[s][a][0][1] != s_next for (s, a), s_next in wrong.items())
