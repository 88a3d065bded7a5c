"""Planning reaches the exact values, and counts what it did."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.monitor import Monitor

from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return, optimal_return
from from_scratch.dynamic_programming.policy_iteration import PolicyIteration
from from_scratch.dynamic_programming.value_iteration import ValueIteration
from from_scratch.envs import FiniteMDP, geometric_chain, two_by_two_grid
from from_scratch.envs.vector import vectorised

FOR_EVER = 10**9
PLANNERS = (
    pytest.param(ValueIteration, {}, id="value_iteration"),
    pytest.param(PolicyIteration, {}, id="policy_iteration"),
    pytest.param(PolicyIteration, {"exact_evaluation": True}, id="policy_iteration_exact"),
)
# V* from the start distribution at γ = 0.99, the undiscounted return of the policy that is greedy on it, the best return of any policy
# within the environment's time limit, sweeps of value iteration to 1e-12, and improvements of policy iteration. All exact.
TABLE = (
    pytest.param("FrozenLake-v1", {}, 0.54203, 0.7402, 0.7442, 704, 7, id="4x4"),
    pytest.param("FrozenLake-v1", {"is_slippery": False}, 0.99**5, 1.0, 1.0, 7, None, id="4x4 deterministic"),
    pytest.param("FrozenLake-v1", {"map_name": "8x8"}, 0.41464, 0.6317, 0.6407, 809, 11, id="8x8, 100 steps"),
    pytest.param("FrozenLake8x8-v1", {}, 0.41464, 0.8630, 0.9132, 809, 11, id="8x8, 200 steps"),
    pytest.param("CliffWalking-v1", {}, -(1 - 0.99**13) / 0.01, -13.0, -13.0, 15, 15, id="cliff"),
    pytest.param("CliffWalkingSlippery-v1", {}, -46.353, -64.71, -64.71, 461, None, id="slippery cliff"),
    pytest.param("Taxi-v4", {}, 6.327, 7.93, 7.93, 19, 17, id="taxi"),
)


def digits(published: float) -> float:
    """Half a unit of the last digit that was published; 1e-6 for what is known in closed form."""
    decimals = len(repr(published).partition(".")[2])
    return 1e-6 if decimals > 6 else 0.500001 * 10.0**-decimals


@pytest.mark.parametrize(("planner", "kwargs"), PLANNERS)
@pytest.mark.parametrize(("env_id", "env_kwargs", "value", "greedy_return", "best_return", "sweeps", "improvements"), TABLE)
def test_planners_reach_the_exact_values(planner, kwargs, env_id, env_kwargs, value, greedy_return, best_return, sweeps, improvements):
    env = gym.make(env_id, **env_kwargs)
    model = planner("TabularPolicy", env, gamma=0.99, **kwargs).learn(FOR_EVER)
    assert model_of(env).start @ model.values == pytest.approx(value, abs=digits(value))

    policy = model.predict(np.arange(model.n_states), deterministic=True)[0]
    assert expected_return(env, policy) == pytest.approx(greedy_return, abs=digits(greedy_return))
    assert optimal_return(env) == pytest.approx(best_return, abs=digits(best_return))
    if planner is ValueIteration:
        assert model.sweeps == sweeps and model.num_timesteps == sweeps * model.n_states
    elif improvements is not None:
        assert model.improvements == improvements


@pytest.mark.parametrize("env_id", ["FrozenLake-v1", "CliffWalking-v1", "Taxi-v4"])
def test_the_optimal_values_solve_bellman_s_optimality_equation_and_the_linear_equations_of_their_policy(env_id):
    env = gym.make(env_id)
    swept, solved = ValueIteration("TabularPolicy", env).learn(FOR_EVER), PolicyIteration("TabularPolicy", env, exact_evaluation=True).learn(FOR_EVER)
    model = model_of(env)
    assert np.abs(model.backup(swept.values, 0.99).max(-1) - swept.values).max() < 1e-11
    assert np.abs(model.solve(swept.pi[0], 0.99) - swept.values).max() < 1e-9
    assert np.abs(solved.values - swept.values).max() < 1e-9


@pytest.mark.parametrize(("gamma", "value"), [(0.9, 0.0689), (0.95, 0.1805), (0.99, 0.5420), (1.0, 0.8235)])
def test_frozen_lake_at_other_discounts(gamma, value):
    assert ValueIteration("TabularPolicy", "FrozenLake-v1", gamma=gamma).learn(FOR_EVER).values[0] == pytest.approx(value, abs=5e-5)


def test_the_values_of_frozen_lake_row_by_row():
    values = ValueIteration("TabularPolicy", "FrozenLake-v1", gamma=0.99).learn(FOR_EVER).values
    expected = [[0.5420, 0.4988, 0.4707, 0.4569], [0.5585, 0, 0.3583, 0], [0.5918, 0.6431, 0.6152, 0], [0, 0.7417, 0.8628, 0]]
    assert np.abs(values.reshape(4, 4) - expected).max() < 5.1e-5


def test_values_that_can_be_worked_out_by_hand():
    chain = ValueIteration("TabularPolicy", geometric_chain(0.25), gamma=0.5).learn(FOR_EVER)
    assert chain.values[0] == pytest.approx(1 / (1 - 0.5 * 0.75), abs=1e-11)
    grid = PolicyIteration("TabularPolicy", two_by_two_grid(), gamma=0.9, exact_evaluation=True).learn(FOR_EVER)
    assert np.allclose(grid.values, [0.9, 1, 1, 0])


def test_the_stopping_rule_s_bound_holds():
    """‖V − V*‖ ≤ γ / (1 − γ) · Δ, and not much better: here within a factor of 20."""
    env, exact = gym.make("FrozenLake-v1"), ValueIteration("TabularPolicy", "FrozenLake-v1").learn(FOR_EVER).values
    rough = ValueIteration("TabularPolicy", env, theta=1e-4).learn(FOR_EVER)
    error, bound = np.abs(rough.values - exact).max(), 0.99 / 0.01 * 1e-4
    assert bound / 20 < error < bound


@pytest.mark.parametrize(("planner", "kwargs"), PLANNERS)
def test_the_budget_counts_state_backups_and_a_stopped_plan_goes_on(planner, kwargs):
    whole = planner("TabularPolicy", "CliffWalking-v1", **kwargs).learn(FOR_EVER)
    parts = planner("TabularPolicy", "CliffWalking-v1", **kwargs).learn(3 * 48)
    assert parts.num_timesteps == 144 and parts.sweeps == 3
    parts.learn(FOR_EVER, reset_num_timesteps=False)
    assert parts.num_timesteps == whole.num_timesteps and np.array_equal(parts.values, whole.values) and parts.sweeps == whole.sweeps


def test_a_stack_plans_in_each_seed_s_own_environment():
    """The factory makes another lake for the second seed, which converges sooner; the first goes on alone."""
    made = iter([gym.make("FrozenLake-v1"), gym.make("FrozenLake-v1", is_slippery=False)])
    stack = ValueIteration("TabularPolicy", lambda: next(made), seeds=[0, 1]).learn(FOR_EVER)
    assert list(stack.sweeps) == [704, 7]
    assert stack.values[:, 0] == pytest.approx([0.54203, 0.99**5], abs=5e-6)


def test_callbacks_and_evaluate_policy_work_for_planners():
    env = gym.make("CliffWalking-v1", max_episode_steps=200)
    callback = EvalCallback(Monitor(gym.make("CliffWalking-v1", max_episode_steps=200)), eval_freq=5, n_eval_episodes=1, verbose=0)
    model = ValueIteration("TabularPolicy", env).learn(FOR_EVER, callback=callback)
    assert callback.n_calls == 15 and callback.last_mean_reward == -13
    assert evaluate_policy(model, Monitor(env), n_eval_episodes=2) == (-13.0, 0.0)
    stopped = ValueIteration("TabularPolicy", "FrozenLake-v1").learn(FOR_EVER, callback=lambda local, _: local["self"].num_timesteps < 48)
    assert stopped.sweeps == 3


class Lines(KVWriter):
    """Keeps what was logged: (step, {key: value})."""

    def __init__(self):
        self.lines = []

    def write(self, key_values, key_excluded, step=0):
        self.lines.append((step, dict(key_values)))


def test_logs_name_the_sweeps_and_what_they_changed():
    lines, model = Lines(), PolicyIteration("TabularPolicy", "FrozenLake-v1", exact_evaluation=True)
    model.set_logger(Logger(None, [lines]))
    model.learn(FOR_EVER, log_interval=4)
    assert [step for step, _ in lines.lines] == [64, 128, 192, 224]  # every fourth sweep, and the last
    last = lines.lines[-1][1]
    assert last["train/sweeps"] == 14 and last["train/improvements"] == 7 and last["train/delta"] == 0


def test_a_model_reads_duplicates_terminals_and_the_start():
    model = model_of(FiniteMDP([[[(0.25, 1, 1.0, False), (0.25, 1, 3.0, False), (0.5, 0, 10.0, True)]], [[(1.0, 1, 0.0, True)]]], start=[0.5, 0.5]))
    assert np.array_equal(model.p[0, 0], [0, 0.5]) and model.r[0, 0] == 6 and model.p[1].sum() == 0
    assert np.array_equal(model.start, [0.5, 0.5])


def test_exact_returns_within_a_horizon():
    chain = geometric_chain(0.5)
    assert optimal_return(chain, horizon=3) == 1 + 0.5 + 0.25
    assert optimal_return(chain) == pytest.approx(2)
    assert expected_return(chain, [0], horizon=3, gamma=0.5) == 1 + 0.25 + 0.0625
    assert expected_return(gym.wrappers.TimeLimit(geometric_chain(0.0), 7), [[1.0]]) == 7


def test_exact_returns_refuse_what_has_none():
    with pytest.raises(ValueError, match="never end"):
        optimal_return(geometric_chain(0.0))
    with pytest.raises(ValueError, match=r"\[16\] actions or \[16, 4\] probabilities, not \[3\]"):
        expected_return(gym.make("FrozenLake-v1"), [0, 1, 2])


def test_a_table_that_does_not_fit_the_spaces_or_does_not_sum_to_one_is_refused():
    env = gym.wrappers.TransformObservation(gym.make("FrozenLake-v1"), lambda s: s % 4, spaces.Discrete(4))
    with pytest.raises(ValueError, match="16 states and 4 actions, but its spaces have 4 and 4"):
        ValueIteration("TabularPolicy", env)
    with pytest.raises(ValueError, match=r"P\[0\]\[0\] of FiniteMDP sum to 0.9"):
        ValueIteration("TabularPolicy", FiniteMDP([[[(0.9, 0, 0.0, True)]]]))


def test_exact_evaluation_of_a_policy_that_never_ends_is_refused_without_a_discount():
    with pytest.raises(ValueError, match=r"gamma=1.*no episode that reaches state 0 ever ends"):
        PolicyIteration("TabularPolicy", "CliffWalking-v1", gamma=1.0, exact_evaluation=True).learn(FOR_EVER)


def test_every_seed_of_one_vectorised_block_is_planned_with_its_own_environment():
    stack = ValueIteration("TabularPolicy", vectorised("CliffWalking-v1"), seeds=[1, 2]).learn(FOR_EVER)
    alone = ValueIteration("TabularPolicy", gym.make("CliffWalking-v1")).learn(FOR_EVER)
    assert np.array_equal(stack.values, [alone.values, alone.values])
