"""All planners: properties on random MDPs, what they share, and what each does otherwise."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from from_scratch import (
    AsynchronousValueIteration,
    GaussSeidelValueIteration,
    LinearProgramming,
    ModifiedPolicyIteration,
    PolicyEvaluation,
    PolicyIteration,
    PrioritisedValueIteration,
    ValueIteration,
)
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import optimal_values, policy_values
from from_scratch.envs import CarRental, CornerGrid, FiniteMDP, GridWorld, geometric_chain

FOR_EVER = 10**9
SWEEPING = (ModifiedPolicyIteration, GaussSeidelValueIteration, AsynchronousValueIteration, PrioritisedValueIteration)
OPTIMAL = (ValueIteration, PolicyIteration, *SWEEPING, LinearProgramming)
ALL = (*OPTIMAL, PolicyEvaluation)
few = settings(max_examples=8, deadline=None)


@st.composite
def mdps(draw):
    """A random MDP of up to 5 states and 3 actions: outcomes of random probability and reward, some of which end the episode."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_states, n_actions = draw(st.integers(1, 5)), draw(st.integers(1, 3))

    def outcomes():
        n = rng.integers(1, 4)
        return [(float(p), int(rng.integers(n_states)), float(rng.normal()), bool(rng.random() < 0.2)) for p in rng.dirichlet(np.ones(n))]

    start = rng.dirichlet(np.ones(n_states))
    return FiniteMDP([[outcomes() for _ in range(n_actions)] for _ in range(n_states)], start)


discounts = st.sampled_from([0.0, 0.5, 0.9, 0.95])
seeds = st.integers(0, 2**32 - 1)


def random_policy(model, seed):
    return np.random.default_rng(seed).dirichlet(np.ones(model.n_actions), size=model.n_states)


# ------------------------------------------------------------------------------------------------------------------------- properties
@few
@given(mdps(), discounts, seeds)
def test_both_bellman_operators_are_contractions_by_gamma(env, gamma, seed):
    """‖TV − TU‖∞ ≤ γ ‖V − U‖∞, for the operator of a policy and for that of the best."""
    model, rng = model_of(env), np.random.default_rng(seed)
    v, u = rng.normal(size=(2, model.n_states)) * 10
    pi, distance = random_policy(model, seed), np.abs(v - u).max()
    for operator in (lambda x: (pi * model.backup(x, gamma)).sum(-1), lambda x: model.backup(x, gamma).max(-1)):
        assert np.abs(operator(v) - operator(u)).max() <= gamma * distance + 1e-12


@few
@given(mdps(), discounts, seeds)
def test_a_policy_that_is_greedy_on_another_s_values_is_nowhere_worse(env, gamma, seed):
    model = model_of(env)
    pi = random_policy(model, seed)
    v = model.solve(pi, gamma)
    greedy = model.backup(v, gamma).argmax(-1)
    assert (policy_values(env, greedy, gamma) >= v - 1e-10).all()


@few
@given(mdps(), discounts, seeds)
def test_policy_iteration_s_improvement_is_nowhere_worse_and_changes_nothing_only_at_the_optimum(env, gamma, seed):
    plan, rng = PolicyIteration("TabularPolicy", env, gamma=gamma), np.random.default_rng(seed)
    plan.models = [model] = plan._models()
    plan.pi[0] = np.eye(model.n_actions)[rng.integers(model.n_actions, size=model.n_states)]
    is_better = True
    while is_better:
        v = model.solve(plan.pi[0], gamma)
        plan.Q[0] = model.backup(v, gamma)
        is_better = plan.improve(0)
        after = policy_values(env, plan.pi[0], gamma)
        assert (after >= v - 1e-10).all() and (after > v + 1e-10).any() == is_better
    assert np.abs(v - optimal_values(env, gamma)).max() < 1e-7


@few
@given(mdps(), discounts)
def test_all_planners_agree_and_their_policies_are_worth_it(env, gamma):
    exact = optimal_values(env, gamma)
    for planner in OPTIMAL:
        model = planner("TabularPolicy", env, gamma=gamma, seeds=[0]).learn(FOR_EVER)
        assert np.abs(model.values - exact).max() < 1e-8, planner.__name__
        assert np.abs(policy_values(env, model.predict(np.arange(model.n_states), deterministic=True)[0], gamma) - exact).max() < 1e-7, planner.__name__


@few
@given(mdps(), st.sampled_from([0.5, 0.9, 0.99]), st.sampled_from([1e-1, 1e-3]))
def test_the_stopping_rules_bounds_hold(env, gamma, theta):
    """‖V − V*‖ ≤ γ/(1−γ)·Δ after a sweep over all states, and θ/(1−γ) if all Bellman errors are less than θ."""
    exact = optimal_values(env, gamma)
    for planner in (ValueIteration, GaussSeidelValueIteration, ModifiedPolicyIteration):
        error = np.abs(planner("TabularPolicy", env, gamma=gamma, theta=theta).learn(FOR_EVER).values - exact).max()
        assert error <= gamma / (1 - gamma) * theta + 1e-10, planner.__name__
    error = np.abs(PrioritisedValueIteration("TabularPolicy", env, gamma=gamma, theta=theta).learn(FOR_EVER).values - exact).max()
    assert error <= theta / (1 - gamma) + 1e-10


@few
@given(mdps(), discounts, seeds)
def test_three_ways_to_evaluate_a_policy_agree(env, gamma, seed):
    pi = random_policy(model_of(env), seed)
    exact = policy_values(env, pi, gamma)
    for way in ({"in_place": True}, {"in_place": False}, {"exact": True}):
        assert np.abs(PolicyEvaluation("TabularPolicy", env, pi=pi, gamma=gamma, **way).learn(FOR_EVER).values - exact).max() < 1e-9


@few
@given(mdps(), discounts, seeds)
def test_the_linear_program_s_two_solutions_fit(env, gamma, seed):
    """Duality: Σ ρ r = Σ μ V. And what flows into a state flows out of it: Σ_a ρ(s, a) = μ(s) + γ Σ p(s|s̄, a) ρ(s̄, a)."""
    model = model_of(env)
    mu = np.random.default_rng(seed).dirichlet(np.ones(model.n_states)) * 0.9 + 0.1 / model.n_states
    plan = LinearProgramming("TabularPolicy", env, gamma=gamma, mu=mu).learn(FOR_EVER)
    rho = plan.occupancy
    assert (rho >= -1e-12).all()
    assert (rho * model.r).sum() == pytest.approx(mu @ plan.values, abs=1e-8)
    assert np.allclose(rho.sum(-1), mu + gamma * np.einsum("sat,sa->t", model.p, rho), atol=1e-8)


@few
@given(mdps(), seeds)
def test_the_bound_of_prioritised_sweeping_is_never_less_than_the_bellman_error(env, seed):
    planner = PrioritisedValueIteration("TabularPolicy", env, gamma=0.9)
    for _ in range(5):
        planner.learn(planner.n_states, reset_num_timesteps=False)
        errors = np.abs(model_of(env).backup(planner.V[0], 0.9).max(-1) - planner.V[0])
        assert (planner.H[0] >= errors - 1e-12).all()


# ------------------------------------------------------------------------------------------------------------- what all of them share
@pytest.mark.parametrize("planner", SWEEPING)
@pytest.mark.parametrize(("env_id", "value"), [("FrozenLake-v1", 0.54203), ("CliffWalking-v1", -12.248), ("Taxi-v4", 6.327)])
def test_values_from_the_start_are_the_exact_ones(planner, env_id, value):
    model = planner("TabularPolicy", env_id, seeds=[0]).learn(FOR_EVER)
    assert gym.make(env_id).unwrapped.initial_state_distrib @ model.values == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize("planner", [*SWEEPING, PolicyEvaluation])
def test_the_budget_counts_state_backups_and_a_stopped_plan_goes_on(planner):
    whole = planner("TabularPolicy", "FrozenLake-v1", gamma=0.9, seeds=[3]).learn(FOR_EVER)
    parts = planner("TabularPolicy", "FrozenLake-v1", gamma=0.9, seeds=[3]).learn(3 * 16)
    assert parts.num_timesteps == 48 and list(parts.sweeps) == [3]
    parts.learn(FOR_EVER, reset_num_timesteps=False)
    assert parts.num_timesteps == whole.num_timesteps and np.array_equal(parts.values, whole.values) and parts.sweeps == whole.sweeps


@pytest.mark.parametrize("planner", ALL)
def test_one_state_and_one_action_are_enough(planner):
    """V = 1 / (1 − γ/2)."""
    assert planner("TabularPolicy", geometric_chain(0.5), gamma=0.5, seeds=None).learn(FOR_EVER).values == pytest.approx([4 / 3], abs=1e-11)


@pytest.mark.parametrize("planner", ALL)
def test_an_environment_without_a_table_is_refused_in_one_line_and_a_wrapped_one_is_planned(planner):
    class NoTable(gym.Env):
        observation_space, action_space = spaces.Discrete(2), spaces.Discrete(2)

    with pytest.raises(ValueError, match=r"NoTable has no transition table P") as error:
        planner("TabularPolicy", NoTable())
    assert "\n" not in str(error.value)
    wrapped = gym.wrappers.RecordEpisodeStatistics(gym.make("FrozenLake-v1", is_slippery=False))
    value = planner("TabularPolicy", wrapped, gamma=0.5).learn(FOR_EVER).values[14]
    assert value == pytest.approx(1) if planner is not PolicyEvaluation else 0.25 < value < 0.5


def test_a_model_too_large_for_a_table_comes_from_the_environment():
    model = ModifiedPolicyIteration("TabularPolicy", CarRental(), gamma=0.9, theta=1e-6).learn(FOR_EVER)
    assert model.values[[0, 220, 440]] == pytest.approx([421.414, 574.948, 636.990], abs=1e-3)


# -------------------------------------------------------------------------------------------------------------- what each does otherwise
def test_fewer_backups_in_place_and_fewer_still_by_priority():
    """Backups until no value of the 8×8 lake changes by 10⁻¹²: 51,776 with two arrays, 34,176 in place."""
    backups = {p: p("TabularPolicy", "FrozenLake8x8-v1").learn(FOR_EVER).num_timesteps for p in (ValueIteration, GaussSeidelValueIteration)}
    assert backups == {ValueIteration: 51_776, GaussSeidelValueIteration: 34_176}
    assert PrioritisedValueIteration("TabularPolicy", "Taxi-v4").learn(FOR_EVER).num_timesteps < 9_500 / 4  # of value iteration


def test_gauss_seidel_needs_one_sweep_where_the_states_fall_along_the_way():
    """A corridor that is walked downwards: in place, one sweep carries the goal's reward all the way, and a second one sees no change."""
    corridor = FiniteMDP([[[(1.0, max(s - 1, 0), float(s == 1), s <= 1)]] for s in range(10)])
    in_place, two_arrays = (p("TabularPolicy", corridor, gamma=0.9).learn(FOR_EVER) for p in (GaussSeidelValueIteration, ValueIteration))
    assert in_place.sweeps == 2 and two_arrays.sweeps == 10
    assert np.allclose(in_place.values, [0, *(0.9 ** np.arange(9))])


def test_modified_policy_iteration_without_evaluation_is_value_iteration():
    m0 = ModifiedPolicyIteration("TabularPolicy", "FrozenLake-v1", evaluation_sweeps=0).learn(FOR_EVER)
    assert m0.sweeps == 704 and np.array_equal(m0.values, ValueIteration("TabularPolicy", "FrozenLake-v1").learn(FOR_EVER).values)
    assert ModifiedPolicyIteration("TabularPolicy", "FrozenLake-v1", evaluation_sweeps=50).learn(FOR_EVER).improvements < 25


def test_asynchronous_backups_visit_states_at_random_and_differ_between_seeds():
    stack = AsynchronousValueIteration("TabularPolicy", "FrozenLake-v1", gamma=0.9, seeds=range(4)).learn(20 * 16)
    assert len({tuple(values) for values in stack.values}) == 4
    stack.learn(FOR_EVER, reset_num_timesteps=False)
    assert len(set(stack.sweeps)) > 1 and np.abs(stack.values - stack.values[0]).max() < 1e-9


def test_policy_evaluation_s_sweeps_on_the_four_by_four_grid():
    """S&B Figure 4.1: V is −1 after one sweep, −1.75 and −2 after two; to 10⁻⁴ in place takes 114 sweeps, with two arrays 173."""
    one, two = (PolicyEvaluation("TabularPolicy", CornerGrid(), gamma=1.0, in_place=False, max_sweeps=k).learn(FOR_EVER).values for k in (1, 2))
    assert one.tolist() == [0, *[-1] * 14, 0] and two[[1, 2]].tolist() == [-1.75, -2]
    sweeps = [PolicyEvaluation("TabularPolicy", CornerGrid(), gamma=1.0, theta=1e-4, in_place=way).learn(FOR_EVER).sweeps[0] for way in (True, False)]
    assert sweeps == [114, 173]


def test_an_evaluated_policy_can_be_played():
    env = GridWorld("empty8x8")
    pi = np.tile([0.0, 0.5, 0.0, 0.5], (64, 1))
    model = PolicyEvaluation("TabularPolicy", env, pi=pi, gamma=0.9).learn(FOR_EVER)
    assert set(model.predict(np.zeros(200, dtype=int))[0]) == {1, 3}
    assert set(model.predict(np.zeros(200, dtype=int), deterministic=True)[0]) == {1}
    actions = PolicyEvaluation("TabularPolicy", env, pi=np.ones(64, dtype=int), gamma=0.9).learn(FOR_EVER)
    assert actions.values[7 + 8 * np.arange(8)] == pytest.approx([0.9**k for k in range(6, -1, -1)] + [0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda env: PolicyEvaluation("TabularPolicy", env, pi=np.ones((3, 4))), r"pi has the shape \(3, 4\)"),
        (lambda env: PolicyEvaluation("TabularPolicy", env, pi=np.ones((16, 4))), r"pi\[0\] = .* are not probabilities"),
        (lambda env: ModifiedPolicyIteration("TabularPolicy", env, evaluation_sweeps=-1), "evaluation_sweeps=-1"),
        (lambda env: LinearProgramming("TabularPolicy", env, mu=np.zeros(16)), "mu needs a positive weight for each of the 16 states"),
        (lambda env: LinearProgramming("TabularPolicy", geometric_chain(0.0), gamma=1.0).learn(1), "no solution at gamma=1.0"),
        (lambda env: policy_values(geometric_chain(0.0), [0], 1.0), "no episode that reaches state 0 ever ends"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make(gym.make("FrozenLake-v1"))
    assert "\n" not in str(error.value)
