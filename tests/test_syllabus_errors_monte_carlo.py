"""The errors of Monte Carlo code among tests/test_syllabus_errors.py's. Each wrong form is written out and caught."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit

from from_scratch.core.exact.mdp import model_of
from from_scratch.dynamic_programming.value_iteration import ValueIteration
from from_scratch.envs import FiniteMDP, FlattenTuple, geometric_chain
from from_scratch.envs.games.blackjack import number
from from_scratch.envs.vector import vectorised
from from_scratch.monte_carlo.control import MCControl
from from_scratch.monte_carlo.off_policy_prediction import OffPolicyMCPrediction
from from_scratch.monte_carlo.prediction import EveryVisitMCPrediction, MCPrediction


def test_e6_the_first_visit_is_the_first_and_not_the_last():
    """A set of visited states that is filled while going backwards keeps the last visit. In the chain that ends with probability 0.1 after each
    step, which pays 1, the return after the last visit is 1 in every episode; after the first it is 10 on average."""

    class LastVisit(MCPrediction):
        def counts(self, episodes):
            mask = np.zeros(episodes.s.shape, bool)
            for row, length in enumerate(episodes.length):
                visited = set()
                for t in reversed(range(length)):
                    if episodes.s[row, t] not in visited:
                        visited.add(episodes.s[row, t])
                        mask[row, t] = True
            return mask

    def value(cls):
        return cls("TabularPolicy", vectorised(lambda: geometric_chain(0.1)), seeds=[0], n_envs=100, gamma=1.0).learn(30_000).values[0]

    assert value(MCPrediction) == pytest.approx(10, abs=0.6) and value(LastVisit) == 1.0


def test_e6_in_control_it_is_the_first_visit_of_the_pair():
    """State 0: action 0 pays 1 and stays with ½, action 1 ends. Under ε = 1 the first visits to (0, 0) are followed by 1 + ⅓ + ⅑ … = 4/3 on average."""
    env = FiniteMDP([[[(0.5, 0, 1.0, False), (0.5, 0, 1.0, True)], [(1.0, 0, 0.0, True)]]])
    always = {"exploration_initial_eps": 1.0, "exploration_final_eps": 1.0}
    model = MCControl("TabularPolicy", vectorised(lambda: env), seeds=[0], n_envs=100, gamma=1.0, **always).learn(30_000)
    assert model.q_table[0] == pytest.approx([4 / 3, 0], abs=0.04)


def test_e7_means_are_incremental_and_equal_to_those_of_all_returns():
    """np.mean(list) at every visit takes time and memory that grow with the episodes; what the learner holds does not."""
    returns = []

    class Watched(MCPrediction):
        def update(self, episodes):
            super().update(episodes)
            returns.extend(episodes.returns(self.gamma)[:, 0])

    model = Watched("TabularPolicy", vectorised(lambda: geometric_chain(0.5)), seeds=[0], n_envs=10, gamma=0.9)
    sizes = []
    for part in range(2):
        model.learn(3000, reset_num_timesteps=part == 0)
        sizes.append(sum(x.nbytes for x in (model.V, model.N, model.memory.s, model.memory.a, model.memory.r, model.memory.b)))
    assert len(returns) > 2000 and model.values[0] == pytest.approx(np.mean(returns), rel=1e-12) and model.N.item() == len(returns)
    assert sizes[1] <= 2 * sizes[0] < 20_000


def test_e7_the_return_of_an_episode_that_was_cut_short_is_not_complete():
    """The chain is worth 10, but a time limit of 5 cuts 59 % of the episodes. As complete returns they give E[min(n, 5)] = 4.1; the episodes that
    ended in time alone, 2.8. What the last state is worth stands for the rest."""

    class Complete(MCPrediction):
        def value(self, k, s):
            return np.zeros(len(k))

    class InTimeOnly(MCPrediction):
        def remember(self, step, **b):
            episodes = super().remember(step, **b)
            if episodes is None:
                return None
            in_time = np.isfinite(episodes.r).all(1)
            return type(episodes)(*(x[in_time] for x in vars(episodes).values()))

        def value(self, k, s):
            return np.full(len(k), np.nan)

    def learn(cls):
        env = vectorised(lambda: TimeLimit(geometric_chain(0.1), 5))
        return cls("TabularPolicy", env, seeds=[0], n_envs=20, gamma=1.0, learning_rate=1.0, learning_rate_decay=0.7).learn(40_000)

    lengths = np.arange(1, 6)
    ended = 0.1 * 0.9 ** (lengths - 1)
    model = learn(MCPrediction)
    assert model.values[0] == pytest.approx(10, abs=0.5) and model.episodes_cut_short.item() > 3000
    assert learn(Complete).values[0] == pytest.approx((1 - 0.9**5) / 0.1, abs=0.25)
    assert learn(InTimeOnly).values[0] == pytest.approx(ended @ lengths / ended.sum(), abs=0.25)


@pytest.mark.parametrize("cls", [MCPrediction, EveryVisitMCPrediction])
def test_e8_the_random_policy_is_uniform_and_its_values_are_not_zero(cls):
    """On the deterministic lake the lesson's "random policy", always right, never arrives: all values are 0. The uniform one is worth 0.0124 at γ = 0.99."""

    def start(**kwargs):
        env = vectorised("FrozenLake-v1", is_slippery=False)
        return cls("TabularPolicy", env, seeds=[0], n_envs=200, gamma=0.99, **kwargs).learn(60_000).values[0]

    assert model_of(gym.make("FrozenLake-v1", is_slippery=False)).solve(np.full((16, 4), 0.25), 0.99)[0] == pytest.approx(0.0124, abs=5e-5)
    assert start() == pytest.approx(0.0124, abs=0.004) and start(pi=np.full(16, 2)) == 0


class TwentyAgainstTen(gym.Wrapper):
    """Blackjack where the player is always dealt 20 and the dealer shows a 10."""

    def reset(self, **kwargs):
        self.env.reset(**kwargs)
        table = self.unwrapped
        table.player, table.dealer = [10, 10], [10, table.dealer[1]]
        return (20, 10, 0), {}


@pytest.mark.parametrize("cls", [MCPrediction, OffPolicyMCPrediction])
def test_e9_an_end_is_not_bootstrapped_even_where_the_state_stays_the_same(cls):
    """Sticking shows the same cards again, and ends. On 20 against a 10 it wins 0.435 on average; taken for a time limit, the end would have the
    state's own value added to every return, which then grows for ever."""

    class Unmasked(cls):
        def remember(self, step, **b):
            return super().remember(step._replace(discount=np.full_like(step.discount, self.gamma)), **b)

    def value(learner):
        always_stick = np.zeros(704, int)
        env = FlattenTuple(TwentyAgainstTen(gym.make("Blackjack-v1")))
        return learner("TabularPolicy", env, seed=0, gamma=1.0, pi=always_stick).learn(1500).values[number(20, 10, 0)]

    assert value(cls) == pytest.approx(0.435, abs=0.07) and value(Unmasked) > 1.5


@pytest.mark.parametrize(("env_id", "steps"), [("CliffWalking-v1", 300), ("Taxi-v4", 2000)])
def test_e9_what_lies_behind_the_end_does_not_count(env_id, steps):
    """The best policy's returns are certain: after every episode its first state has its exact value, whatever V is behind the end (here −50)."""

    class Unmasked(MCPrediction):
        def remember(self, step, **b):
            return super().remember(step._replace(discount=np.full_like(step.discount, self.gamma)), **b)

    best = ValueIteration("TabularPolicy", env_id, gamma=0.9).learn(10**9)

    def errors(cls):
        model = cls("TabularPolicy", env_id, seed=0, gamma=0.9, pi=best.q_table.argmax(-1), initial_value=-50.0).learn(steps)
        return np.abs(model.values - best.values)[model.N[0] > 0]

    assert errors(MCPrediction).max() < 1e-6 and errors(Unmasked).max() > 1


def test_a_time_limit_adds_what_the_last_state_is_worth():
    """Cut after one step, from the start of the cliff: the return is R + γ V(S') = −1 + 0.9 · (−3), or −100 + 0.9 · (−3) over the edge."""
    returns = set()

    class Watched(MCPrediction):
        def update(self, episodes):
            returns.update(episodes.returns(self.gamma).ravel().round(9).tolist())

    env = vectorised("CliffWalking-v1", max_episode_steps=1)
    model = Watched("TabularPolicy", env, seeds=[0, 1], n_envs=3, gamma=0.9, initial_value=-3.0).learn(60)
    assert returns == {-3.7, -102.7} and model.episodes_cut_short.tolist() == [60, 60]
