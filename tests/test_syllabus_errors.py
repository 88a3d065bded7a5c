"""Errors that teaching code for reinforcement learning makes again and again, numbered as in the course's list.

Each test shows that ours gives the right number and that the wrong form, written out here, gives the wrong one: a test that the wrong
form passes would prove nothing.
"""

import copy
import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return
from from_scratch.dynamic_programming.policy_iteration import PolicyIteration
from from_scratch.dynamic_programming.value_iteration import ValueIteration
from from_scratch.envs import FiniteMDP, FlattenTuple, geometric_chain, two_by_two_grid
from from_scratch.registry import find
from from_scratch.temporal_difference.q_learning import QLearning

FOR_EVER = 10**9


def lake():
    return gym.make("FrozenLake-v1", is_slippery=False)


# --------------------------------------------------------------------------------------------------------------------------- planning
@pytest.mark.parametrize(
    ("env_id", "right", "wrong"),
    [("Taxi-v4", 6.327, 835.0), ("CliffWalking-v1", -12.248, -100.0), ("CliffWalkingSlippery-v1", -46.353, -100.0), ("FrozenLake-v1", 0.54203, 0.54203)],
)
def test_e1_planning_does_not_bootstrap_through_terminal_transitions(env_id, right, wrong):
    """The error cannot be seen on FrozenLake, whose terminal states loop on themselves for nothing: hence the other environments."""

    class Unmasked(ValueIteration):
        def _models(self):
            table = self.env.get_attr("P")[0]
            p = np.zeros_like(model_of(self.env.envs[0]).p)
            for s, row in table.items():
                for a, outcomes in row.items():
                    for probability, s_next, _, _terminated in outcomes:  # unpacked, and forgotten
                        p[s, a, s_next] += probability
            return [dataclasses.replace(model, p=p) for model in super()._models()]

    start = gym.make(env_id).unwrapped.initial_state_distrib
    values = {planner: start @ planner("TabularPolicy", env_id, gamma=0.99, theta=1e-4).learn(FOR_EVER).values for planner in (ValueIteration, Unmasked)}
    assert values[ValueIteration] == pytest.approx(right, abs=2e-3)
    assert values[Unmasked] == pytest.approx(wrong, abs=5e-2)


def test_e2_the_transition_table_is_found_under_the_wrappers():
    env = gym.make("FrozenLake-v1")
    with pytest.raises(AttributeError):
        _ = env.P
    assert isinstance(env, gym.wrappers.common.OrderEnforcing | gym.wrappers.TimeLimit)
    assert np.array_equal(model_of(env).p, model_of(env.unwrapped).p)
    assert ValueIteration("TabularPolicy", gym.wrappers.RecordEpisodeStatistics(env)).learn(FOR_EVER).values[0] == pytest.approx(0.54203, abs=5e-6)


def test_e4_evaluation_serves_stochastic_policies_and_ends_without_a_discount():
    """The uniformly random policy on the deterministic lake is worth 0.0124 at γ = 0.99; always-right, the lesson's "random policy", 0."""
    uniform, right = np.full((16, 4), 0.25), np.full(16, 2)
    assert expected_return(lake(), uniform, horizon=10_000, gamma=0.99) == pytest.approx(0.0124, abs=5e-5)
    assert model_of(lake()).solve(uniform, 0.99)[0] == pytest.approx(0.0124, abs=5e-5)
    assert expected_return(lake(), right, horizon=10_000, gamma=0.99) == 0

    cliff, up = model_of(gym.make("CliffWalking-v1")), np.eye(4)[np.zeros(48, dtype=int)]
    v = np.zeros(48)
    for _ in range(1000):  # the loop without a cap: with γ = 1 each sweep of a policy that never arrives changes V by 1, for ever
        old, v = v, (up * cliff.backup(v, 1.0)).sum(-1)
    assert np.abs(v - old).max() == 1
    capped = PolicyIteration("TabularPolicy", "CliffWalking-v1", gamma=1.0, max_sweeps=100).learn(FOR_EVER)
    assert capped.values[36] == -13


@pytest.mark.parametrize("planner", [PolicyIteration, ValueIteration])
def test_e5_ties_do_not_replace_an_action(planner):
    """With γ = 1 every action that does not fall into a hole is worth 1 on the deterministic lake, also one that walks into a wall."""
    model = planner("TabularPolicy", lake(), gamma=1.0).learn(FOR_EVER)
    assert model.values[0] == 1 and expected_return(lake(), model.predict(np.arange(16), deterministic=True)[0]) == 1.0
    assert expected_return(lake(), model.q_table.argmax(-1)) == 0.0  # the wrong form: argmax over the same optimal values


def test_e5_comparing_actions_may_go_on_for_ever():
    """Two actions that are the same: an improvement that draws among the best and stops once no action changes hardly ever stops."""

    class ComparesActions(PolicyIteration):
        def improve(self, k):
            draw = np.random.RandomState(int(self.improvements[k])).random_sample(self.Q[k].shape)
            new = np.where(np.isclose(self.Q[k], self.Q[k].max(-1, keepdims=True)), draw, -1).argmax(-1)
            changed = (new != self.pi[k].argmax(-1)).any()
            self.pi[k] = np.eye(self.n_actions)[new]
            return bool(changed)

    twins = FiniteMDP([[[(1.0, (s + 1) % 20, 1.0, False)] * 1] * 2 for s in range(20)])
    budget = 20 * 200
    right, wrong = (planner("TabularPolicy", twins, gamma=0.9, exact_evaluation=True).learn(budget) for planner in (PolicyIteration, ComparesActions))
    assert right.improvements == 1 and right.num_timesteps < budget
    assert wrong.improvements == 100 and wrong.num_timesteps == budget


# --------------------------------------------------------------------------------------------------------------------------- learning
class TwentyAgainstTen(gym.Wrapper):
    """Blackjack where the player is always dealt 20 and the dealer shows a 10."""

    def reset(self, **kwargs):
        self.env.reset(**kwargs)
        table = self.unwrapped
        table.player, table.dealer = [10, 10], [10, table.dealer[1]]
        return (20, 10, 0), {}


def test_e9_termination_stops_the_bootstrap_even_where_the_state_stays_the_same():
    """Blackjack's stick shows the same cards again, and ends. Sticking on 20 against a 10 wins 0.435 on average; bootstrapped, it seems
    to win again and again: 0.435 / (1 − γ) at γ = 0.99, and without bounds at γ = 1. No more than 1 can be won."""

    class Unmasked(QLearning):
        def update(self, s, a, r, s_next, discount):
            super().update(s, a, r, s_next, np.full_like(discount, self.gamma))

    def make():
        return FlattenTuple(TwentyAgainstTen(gym.make("Blackjack-v1")))

    def q_stick(learner, **kwargs):
        model = learner("TabularPolicy", make, seeds=range(2), exploration_final_eps=1.0, exploration_fraction=0.0, **kwargs).learn(3000)
        return model.q_table[:, make().observation((20, 10, 0)), 0].mean()

    assert q_stick(QLearning, gamma=1.0, learning_rate=1.0, learning_rate_decay=1.0) == pytest.approx(0.435, abs=0.05)
    assert q_stick(Unmasked, gamma=0.99, learning_rate=0.5) == pytest.approx(0.435 / 0.01, abs=10)
    assert q_stick(Unmasked, gamma=1.0, learning_rate=0.5) > 200


def test_e9_an_optimistic_table_does_not_leak_through_the_end():
    class Unmasked(QLearning):
        def update(self, s, a, r, s_next, discount):
            super().update(s, a, r, s_next, np.full_like(discount, self.gamma))

    end = FiniteMDP([[[(1.0, 1, 1.0, True)]], [[(1.0, 1, 0.0, True)]]])
    right, wrong = (learner("TabularPolicy", end, gamma=0.5, initial_value=10.0).learn(300).q_table[0, 0] for learner in (QLearning, Unmasked))
    assert right == pytest.approx(1) and wrong == pytest.approx(1 + 0.5 * 10)


def test_e10_equal_values_are_chosen_among_at_random():
    """With argmax alone a table of zeros means "left" for ever: the lake is never crossed, at ε = 0.1 on none of ten seeds."""

    class FirstOfEquals(QLearning):
        def choose(self, s, u):
            return super().choose(s, np.concatenate([u[..., :2], np.broadcast_to(np.linspace(1, 0, self.n_actions), u[..., 2:].shape)], -1))

    def solved(learner):
        model = learner("TabularPolicy", lake, seeds=range(10), learning_rate=0.8, gamma=0.95, exploration_initial_eps=0.1, exploration_final_eps=0.1)
        model.learn(4000)
        return sum(expected_return(lake(), model.member(k).predict(np.arange(16), deterministic=True)[0]) for k in range(10))

    assert solved(QLearning) == 10 and solved(FirstOfEquals) == 0


def test_e11_a_step_size_of_one_over_n_is_the_mean_and_a_constant_one_is_not():
    """One state, one action, γ = 0: Q is an average of the rewards. With ω = 1 it is their mean exactly."""
    coin = FiniteMDP([[[(0.5, 0, 0.0, True), (0.5, 0, 1.0, True)]]])
    rewards = []

    def learn(**kwargs):
        rewards.clear()
        model = QLearning("TabularPolicy", copy.deepcopy(coin), gamma=0.0, seed=0, **kwargs)
        return model.learn(500, callback=lambda local, _: rewards.append(float(local["rewards"][0])) is None).q_table[0, 0]

    assert learn(learning_rate=1.0, learning_rate_decay=1.0) == pytest.approx(np.mean(rewards), abs=1e-12)
    assert abs(learn(learning_rate=0.5) - np.mean(rewards)) > 0.05


def test_e11_one_seed_rules_all_random_numbers():
    """The lesson's np.random and action_space.sample() are two generators, of which np.random.seed seeds one. Ours follow from the seed."""
    tables = []
    for disturbance in (1, 2):
        np.random.seed(disturbance)
        env = gym.make("FrozenLake-v1")
        env.action_space.seed(disturbance)
        tables.append(QLearning("TabularPolicy", env, seed=5).learn(500).q_table)
    assert np.array_equal(*tables)


def test_e17_the_two_by_two_grid_stays_within_its_walls():
    """States in rows, goal 3. The lesson's table sends left of 1 to 1, up of 1 to 0, up of 2 to 2, and up of the goal out of it."""
    up, down, left, right = range(4)
    goes = {s: [row[a][0][1] for a in (up, down, left, right)] for s, row in two_by_two_grid().P.items()}
    assert goes == {0: [0, 2, 0, 1], 1: [1, 3, 0, 1], 2: [0, 2, 2, 3], 3: [3, 3, 3, 3]}
    ends = {(s, a) for s, row in two_by_two_grid().P.items() for a, outcomes in row.items() if outcomes[0][3]}
    assert ends == {(1, down), (2, right), (3, up), (3, down), (3, left), (3, right)}
    assert ValueIteration("TabularPolicy", two_by_two_grid(), gamma=0.9).learn(FOR_EVER).values.tolist() == [0.9, 1.0, 1.0, 0.0]


def test_the_chain_for_first_visits_is_worth_ten():
    """The environment of E6 (first against last visits): it ends with probability 0.1 after each step, so that V = 10 at γ = 1."""
    assert ValueIteration("TabularPolicy", geometric_chain(0.1), gamma=1.0).learn(FOR_EVER).values[0] == pytest.approx(10)


@pytest.mark.parametrize("id", ["value_iteration", "sarsa", "a2c"])
def test_e12_what_is_listed_without_code_is_there_and_finds_the_way(id):
    """Value iteration, SARSA and an actor-critic: each reaches the goal of the 2 × 2 grid, two steps away, from what it has learnt."""
    settings = {"a2c": {"learning_rate": 0.01, "gamma": 0.9}, "sarsa": {"gamma": 0.9}, "value_iteration": {"gamma": 0.9}}[id]
    model = find(id).load()(find(id).policy, "from_scratch/TwoByTwo-v0", seeds=[0], **settings).learn(4000)
    env, steps, over = gym.make("from_scratch/TwoByTwo-v0"), 0, False
    obs, _ = env.reset(seed=0)
    while not over and steps < 5:
        obs, _, over, _, _ = env.step(int(model.predict(np.array(obs), deterministic=True)[0]))
        steps += 1
    assert over and steps == 2
