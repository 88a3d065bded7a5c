"""Errors of the course's list that concern temporal-difference learning: E9, E10, E11, and the wrong forms of n-step methods and traces."""

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.core.exact.values import expected_return
from from_scratch.dynamic_programming.value_iteration import ValueIteration
from from_scratch.eligibility_traces.td_lambda import TDLambda
from from_scratch.envs import FiniteMDP, FlattenTuple
from from_scratch.envs.vector import vectorised
from from_scratch.temporal_difference.double_q_learning import DoubleQLearning
from from_scratch.temporal_difference.expected_sarsa import ExpectedSARSA
from from_scratch.temporal_difference.n_step_td import NStepTD
from from_scratch.temporal_difference.sarsa import SARSA
from from_scratch.temporal_difference.td0 import TD0

CONSTANT = {"exploration_initial_eps": 0.1, "exploration_final_eps": 0.1}


def lake():
    return gym.make("FrozenLake-v1", is_slippery=False)


# ---------------------------------------------------------------------------------------------------------------------------------- E9
class UnmaskedTD0(TD0):
    def update(self, s, r, s_next, discount):
        super().update(s, r, s_next, np.full_like(discount, self.gamma))


@pytest.mark.parametrize(("env_id", "reward"), [("CliffWalking-v1", -1), ("Taxi-v4", 20)])
def test_e9_the_last_step_is_worth_its_reward_whatever_the_table_began_with(env_id, reward):
    """The best policy's last step, α = 1 and V = −50 before learning: unmasked, 0.99 · (−50) leaks in from behind the end."""
    policy, table = ValueIteration("TabularPolicy", env_id, gamma=0.99).learn(10**9).pi[0].argmax(-1), gym.make(env_id).unwrapped.P
    last = [s for s in table if table[s][int(policy[s])][0][3] and table[s][int(policy[s])][0][2] == reward]
    values = []
    for learner in (TD0, UnmaskedTD0):
        model = learner("TabularPolicy", vectorised(env_id), seeds=range(10), pi=policy, learning_rate=1.0, gamma=0.99, initial_value=-50.0)
        v = model.learn(60, log_interval=None).V[:, last]
        values.append(v[v != -50])
    assert len(values[0]) and (values[0] == reward).all() and values[1] == pytest.approx(reward - 0.99 * 50)


def test_e9_sticking_in_blackjack_is_not_winning_again_and_again():
    """The policy that sticks on 20 or more: a stick shows the same cards again, so that the unmasked V(20) of a winner's table grows to V/(1 − γ)."""
    env = FlattenTuple(gym.make("Blackjack-v1"))
    pi = np.ones(704, dtype=int)
    for total in (20, 21):
        for dealer in range(11):
            for ace in (0, 1):
                pi[env.observation((total, dealer, ace))] = 0
    values = {}
    for learner in (TD0, UnmaskedTD0):
        model = learner("TabularPolicy", lambda: FlattenTuple(gym.make("Blackjack-v1")), seed=0, pi=pi, learning_rate=0.1, gamma=0.99)
        model.learn(6000)
        values[learner] = np.mean([model.values[env.observation((20, dealer, 0))] for dealer in range(2, 7)])
    assert 0.3 < values[TD0] < 1 < 2 < values[UnmaskedTD0]


def test_e9_a_time_limit_is_not_an_end_for_n_steps_either():
    """Reward 1 for ever, γ = ½, cut after 3 steps: V = 2. As an end, V = 1 + ½ + ¼ at most."""

    class CutIsEnd(NStepTD):
        def update(self, steps):
            if steps.over:
                steps.discount[-1] = 0.0
            super().update(steps)

    chain = FiniteMDP([[[(1.0, 0, 1.0, False)]]])
    values = [learner("TabularPolicy", gym.wrappers.TimeLimit(chain, 3), gamma=0.5, n_steps=4).learn(600).values[0] for learner in (NStepTD, CutIsEnd)]
    assert values[0] == pytest.approx(2, abs=1e-6) and values[1] < 1.75


# ------------------------------------------------------------------------------------------------------------------ steps and traces
def test_the_last_n_steps_of_an_episode_are_learnt_from_too():
    """Without the turns after the end, a corridor shorter than n teaches nothing."""

    class NoTail(NStepTD):
        def update(self, steps):
            if not steps.over:
                super().update(steps)

    corridor = FiniteMDP([[[(1.0, min(s + 1, 3), float(s == 3), s == 3)]] for s in range(4)])
    right, wrong = (learner("TabularPolicy", corridor, gamma=1.0, n_steps=10, learning_rate=0.5).learn(100).values for learner in (NStepTD, NoTail))
    assert right == pytest.approx(1, abs=1e-6) and (wrong == 0).all()


def test_traces_do_not_reach_back_into_the_episode_before():
    """Episodes begin in 0 or in 1 and end at once, with reward 0 or 1. What 1 earns has nothing to do with 0."""

    class KeepsTraces(TDLambda):
        def iterate(self):
            for s, _, r, s_next, discount in self.play(self.choose(self.state)).lanes():
                self.update(self.z[:, 0], s, r, s_next, discount)

    env = FiniteMDP([[[(1.0, 0, 0.0, True)]], [[(1.0, 1, 1.0, True)]]], start=[0.5, 0.5])
    values = [learner("TabularPolicy", env, seed=0, lambda_=0.9, gamma=1.0).learn(300).values for learner in (TDLambda, KeepsTraces)]
    assert values[0] == pytest.approx([0, 1], abs=1e-5) and abs(values[1][0]) > 0.01


# --------------------------------------------------------------------------------------------------------------------------------- E10
@pytest.mark.parametrize("learner", [SARSA, ExpectedSARSA, DoubleQLearning])
def test_e10_equal_values_are_chosen_among_at_random(learner):
    """With argmax alone a table of zeros means "left" for ever: the lake is not crossed by any of ten seeds."""

    class FirstOfEquals(learner):
        def choose(self, s, u):
            u = u.copy()
            u[..., 2 : 2 + self.n_actions] = np.linspace(1, 0, self.n_actions)
            return super().choose(s, u)

    def solved(cls):
        model = cls("TabularPolicy", vectorised(lake), seeds=range(10), learning_rate=0.5, gamma=0.95, **CONSTANT).learn(2500, log_interval=None)
        return sum(expected_return(lake(), q.argmax(-1)) for q in model.q_table)

    assert solved(learner) >= 6 and solved(FirstOfEquals) == 0


# --------------------------------------------------------------------------------------------------------------------------------- E11
def test_e11_steps_of_one_over_n_converge_and_a_constant_one_does_not():
    """Prediction of a coin with V = ½: the error of the mean of n is 1/(2√n); with α = ½ it stays √(α/(2 − α))/2 = 0.29."""
    coin = FiniteMDP([[[(0.5, 0, 0.0, True), (0.5, 0, 1.0, True)]]])

    def error(**kwargs):
        model = TD0("TabularPolicy", vectorised(lambda: coin), seeds=range(200), **kwargs).learn(400, log_interval=None)
        return np.sqrt(((model.values - 0.5) ** 2).mean())

    assert error(learning_rate=1.0, learning_rate_decay=1.0) == pytest.approx(0.025, rel=0.2)
    assert error(learning_rate=0.5) == pytest.approx(0.29, rel=0.2)


def test_e11_a_constant_epsilon_leaves_sarsa_with_the_values_of_a_policy_that_explores():
    """State 0: action 0 ends with 0; action 1 leads to a state where action 0 pays 1 and action 1 costs 9. With ε = ½ to the end,
    that state is worth ¾ − ¼ · 9; with ε → 0 (greedy in the limit) it is worth 1, and going there is right."""
    end = [(1.0, 0, 0.0, True)]
    env = FiniteMDP([[end, [(1.0, 1, 0.0, False)]], [[(1.0, 1, 1.0, True)], [(1.0, 1, -9.0, True)]]])

    def learn(final):
        kwargs = {"exploration_initial_eps": 0.5, "exploration_final_eps": final, "exploration_fraction": 0.5, "learning_rate": 0.05, "gamma": 1.0}
        return SARSA("TabularPolicy", vectorised(lambda: env), seeds=range(10), **kwargs).learn(3000, log_interval=None).Q.mean(0)

    glie, constant = learn(0.0), learn(0.5)
    assert glie[0].argmax() == 1 and glie[1, 0] == pytest.approx(1, abs=0.01)
    assert constant[0].argmax() == 0 and constant[0, 1] == pytest.approx(0.75 - 0.25 * 9, abs=0.4)
