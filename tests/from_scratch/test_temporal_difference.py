"""Q-learning and Sarsa: updates by hand, and the answers that are known."""

import copy

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.core.exact.values import expected_return
from from_scratch.envs import FiniteMDP, two_by_two_grid
from from_scratch.temporal_difference.q_learning import QLearning
from from_scratch.temporal_difference.sarsa import SARSA


def greedy_policy(model, k=0):
    states = np.arange(model.n_states)
    return (model.member(k) if model.n_seeds > 1 else model).predict(states, deterministic=True)[0]


def test_one_update_of_q_learning_by_hand():
    """Q(0, 1) = 2, α = ½, R = 3, γ = 0.9, max_a Q(1, a) = 10: 2 + ½ (3 + 9 − 2) = 7."""
    model = QLearning("TabularPolicy", two_by_two_grid(), learning_rate=0.5).learn(1)
    model.q_table[:] = [[0, 2, 0, 0], [4, 10, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    model.update(*(np.array([x]) for x in (0, 1, 3.0, 1, 0.9)))
    assert model.q_table[0].tolist() == [0, 7, 0, 0]


def test_one_update_of_sarsa_by_hand():
    """The same, but A' has Q(1, A') = 4: 2 + ½ (3 + 3.6 − 2) = 4.3."""
    model = SARSA("TabularPolicy", two_by_two_grid(), learning_rate=0.5).learn(1)
    model.q_table[:] = [[0, 2, 0, 0], [4, 10, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    model.update(*(np.array([x]) for x in (0, 1, 3.0, 1, 0.9, 0)))
    assert model.q_table[0] == pytest.approx([0, 4.3, 0, 0])


def test_sarsa_takes_the_action_that_it_learnt_from():
    """Every A' that an update uses is the action of the next step, unless the episode ended in between."""
    used = []

    class Watched(SARSA):
        def update(self, s, a, r, s_next, discount, a_next):
            used.append((s[0], a[0], s_next[0], a_next[0]))
            super().update(s, a, r, s_next, discount, a_next)

    Watched("TabularPolicy", gym.make("CliffWalking-v1"), seed=0, exploration_final_eps=0.5).learn(500)
    assert [(s_next, a_next) for _, _, s_next, a_next in used[:-1]] == [(s, a) for s, a, _, _ in used[1:]]  # no episode ended: 500 steps on the cliff
    assert len({a for _, a, _, _ in used}) == 4


def test_q_learning_solves_the_deterministic_lake_on_ten_of_ten_seeds():
    env = gym.make("FrozenLake-v1", is_slippery=False)
    model = QLearning("TabularPolicy", lambda: gym.make("FrozenLake-v1", is_slippery=False), seeds=range(10)).learn(5000)
    assert [expected_return(env, greedy_policy(model, k)) for k in range(10)] == [1.0] * 10


def test_q_learning_s_greedy_path_along_the_cliff_is_13_steps():
    env = gym.make("CliffWalking-v1")
    model = QLearning("TabularPolicy", "CliffWalking-v1", seeds=range(10), learning_rate=0.5, gamma=1.0, exploration_initial_eps=0.1, exploration_final_eps=0.1)
    model.learn(6000)
    assert [expected_return(env, greedy_policy(model, k), horizon=100) for k in range(10)] == [-13.0] * 10


@pytest.mark.slow
def test_example_6_6_sarsa_walks_the_safe_path_and_earns_more_on_line():
    """S&B Example 6.6 (α = 0.5, ε = 0.1, γ = 1), episodes 250–500: about −27 a trial for Sarsa and −50 for Q-learning while exploring,
    although Q-learning's greedy path is the shorter one."""

    def online(learner):
        model = learner("TabularPolicy", "CliffWalking-v1", seeds=range(30), learning_rate=0.5, gamma=1.0, exploration_initial_eps=0.1,
                        exploration_final_eps=0.1, stats_window_size=200)  # fmt: skip
        model.learn(12_000)
        return np.mean([episode["r"] for buffer in model.ep_info_buffers for episode in buffer])

    assert online(SARSA) == pytest.approx(-27, abs=3) and online(QLearning) == pytest.approx(-50, abs=4)


def test_falling_step_sizes_converge_where_a_constant_one_stays_noisy():
    """Action 0 in state 0 pays 0 or 1 and ends; action 1 costs 0.2 and leads to state 1, where both actions pay 0 or 2 and end."""
    end = [(0.5, 0, 0.0, True), (0.5, 0, 2.0, True)]
    env = FiniteMDP([[[(0.5, 0, 0.0, True), (0.5, 0, 1.0, True)], [(1.0, 1, -0.2, False)]], [end, end]])
    q = np.array([[0.5, -0.2 + 0.9 * 1], [1, 1]])

    def error(**kwargs):
        model = QLearning("TabularPolicy", lambda: copy.deepcopy(env), seeds=range(4), gamma=0.9, exploration_final_eps=1.0, **kwargs).learn(4000)
        return np.sqrt(((model.q_table - q) ** 2).mean())

    assert error(learning_rate=1.0, learning_rate_decay=0.8) < 0.06 < 0.2 < error(learning_rate=0.5)


def test_optimism_explores_without_epsilon():
    model = QLearning("TabularPolicy", gym.make("FrozenLake-v1", is_slippery=False), seed=0, initial_value=1.0, learning_rate=0.5,
                      exploration_initial_eps=0.0, exploration_final_eps=0.0).learn(3000)  # fmt: skip
    assert expected_return(gym.make("FrozenLake-v1", is_slippery=False), greedy_policy(model)) == 1.0
