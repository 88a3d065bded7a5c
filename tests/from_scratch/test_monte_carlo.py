"""Monte Carlo: episodes, estimators and importance-sampling ratios by hand and by enumeration, blackjack's table, and known answers."""

import itertools

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import DummyVecEnv

from from_scratch.core.exact.mdp import model_of
from from_scratch.core.tabular.episodes import EpisodeMemory, Episodes, in_turn
from from_scratch.envs import BlackjackTable, FiniteMDP, InfiniteVariance, geometric_chain, two_by_two_grid
from from_scratch.envs.games.blackjack import CARDS, HANDS, HIT, N_OBSERVATIONS, STICK, number, threshold_policy
from from_scratch.envs.vector import vectorised
from from_scratch.monte_carlo.control import MCControl
from from_scratch.monte_carlo.exploring_starts import MCExploringStarts
from from_scratch.monte_carlo.off_policy_control import OffPolicyMCControl
from from_scratch.monte_carlo.off_policy_prediction import (
    OffPolicyMCPrediction,
    OrdinaryOffPolicyMCPrediction,
    PerDecisionOffPolicyMCPrediction,
    products,
)
from from_scratch.monte_carlo.prediction import EveryVisitMCPrediction, MCPrediction

ESTIMATORS = (OffPolicyMCPrediction, OrdinaryOffPolicyMCPrediction, PerDecisionOffPolicyMCPrediction)


def episodes(*paths, k=None):
    """Episodes given as lists of (s, a, r) or (s, a, r, b)."""
    length = np.array([len(path) for path in paths])
    columns = np.zeros((4, len(paths), length.max()))
    columns[3] = 1
    for row, path in enumerate(paths):
        for t, step in enumerate(path):
            columns[: len(step), row, t] = step
    s, a, r, b = columns
    return Episodes(np.zeros(len(paths), int) if k is None else np.array(k), length, s.astype(int), a.astype(int), r, b)


def fresh(cls, env, **kwargs):
    """A model that has not played, ready to be given episodes."""
    model = cls("TabularPolicy", env, seed=0, **kwargs)
    model._follow_schedules()
    return model


# ------------------------------------------------------------------------------------------------------------------------------ episodes
def test_returns_by_hand():
    """γ = ½, rewards 1, 2, 4: G = 1 + ½ (2 + ½ · 4) = 3, then 4, then 4; a shorter episode beside it is padded with nothing."""
    played = episodes([(0, 0, 1), (1, 0, 2), (0, 0, 4)], [(5, 0, 8)])
    assert played.returns(0.5).tolist() == [[3, 4, 4], [8, 0, 0]]
    assert played.first_visits(played.s).tolist() == [[True, True, False], [True, False, False]]
    k, s, G = played.flat(played.inside, played.s, played.returns(0.5))
    assert s.tolist() == [0, 1, 0, 5] and G.tolist() == [4, 4, 3, 8] and k.tolist() == [0] * 4  # the last step first, episode after episode


def test_first_visits_of_pairs_are_not_those_of_states():
    played = episodes([(0, 0, 0), (0, 1, 0), (0, 0, 0), (1, 0, 0)])
    assert played.first_visits(played.s)[0].tolist() == [True, False, False, True]
    assert played.first_visits(played.s, played.a)[0].tolist() == [True, True, False, True]


def test_the_memory_keeps_each_lane_s_episode_apart_and_grows():
    memory = EpisodeMemory(3, capacity=2)
    for t in range(5):
        memory.add(s=np.array([t, 10 + t, 20 + t]), a=np.zeros(3, int), r=np.arange(3.0))
        if t == 1:
            assert memory.take(np.array([1]), np.array([7])).s.tolist() == [[10, 11]]
    ended = memory.select([2, 1]).take(np.array([0, 1]), np.array([0, 0]))
    assert ended.s.tolist() == [[20, 21, 22, 23, 24], [12, 13, 14, 0, 0]] and ended.r.tolist() == [[2] * 5, [1, 1, 1, 0, 0]]
    assert memory.t.tolist() == [5, 3, 5]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=30))
@settings(max_examples=40)
def test_updating_in_turn_is_updating_one_after_another(entries):
    at = np.array(entries, int).reshape(-1, 2).T
    target = np.arange(len(entries), dtype=float)
    by_rounds, one_by_one = np.zeros((3, 4)), np.zeros((3, 4))
    for now in in_turn(*at):
        assert len(set(zip(*at[:, now], strict=True))) == len(now)
        by_rounds[tuple(at[:, now])] += 0.3 * (target[now] - by_rounds[tuple(at[:, now])])
    for (i, s), x in zip(entries, target, strict=True):
        one_by_one[i, s] += 0.3 * (x - one_by_one[i, s])
    assert np.array_equal(by_rounds, one_by_one)


# ---------------------------------------------------------------------------------------------------------------------------- prediction
@pytest.mark.parametrize("cls", [MCPrediction, OffPolicyMCPrediction, MCControl, OffPolicyMCControl])
def test_what_stands_for_the_rest_is_the_value_of_the_state_that_was_cut(cls):
    """State 0 leads to state 1 for nothing; each episode is cut after its first step. Nothing is learnt of state 1, worth 2: γ · 2 = 1."""
    chain = FiniteMDP([[[(1.0, 1, 0.0, False)]], [[(1.0, 1, 1.0, False)]]])
    model = cls("TabularPolicy", gym.wrappers.TimeLimit(chain, 1), gamma=0.5, initial_value=2.0).learn(50)
    assert model.values.tolist() == [1, 2] and model.episodes_cut_short.item() == 50


def test_first_and_every_visit_by_hand():
    """γ = 1, one state met three times, rewards 1 each: first visits have seen 3; every visit 1, 2 and 3, on average 2."""
    played = episodes([(0, 0, 1)] * 3)
    first, every = (fresh(cls, geometric_chain(0.1), gamma=1.0) for cls in (MCPrediction, EveryVisitMCPrediction))
    for model in (first, every):
        model.update(played)
    assert first.values.tolist() == [3] and every.values == pytest.approx([2]) and (first.N.item(), every.N.item()) == (1, 3)


def test_a_constant_step_size_weighs_recent_returns_more():
    """α = ½ on returns 1 and 3: ½, then ½ + ½ (3 − ½) = 1.75."""
    model = fresh(MCPrediction, geometric_chain(0.1), learning_rate=0.5, learning_rate_decay=0.0)
    model.update(episodes([(0, 0, 1)], [(0, 0, 3)]))
    assert model.values.tolist() == [1.75]


@pytest.mark.parametrize("cls", [MCPrediction, EveryVisitMCPrediction])
def test_prediction_finds_the_values_of_a_stochastic_policy(cls):
    policy = np.array([[0.1, 0.4, 0.1, 0.4]] * 4)
    exact = model_of(two_by_two_grid()).solve(policy, 0.9)
    model = cls("TabularPolicy", vectorised(two_by_two_grid), seeds=range(2), n_envs=50, gamma=0.9, pi=policy).learn(40_000)
    assert model.values == pytest.approx(np.tile(exact, (2, 1)), abs=0.03)


def test_every_visit_is_biased_and_first_visit_is_not():
    """Two steps at least in one state: after a single episode of n steps every visit has the mean (n + 1)/2 of n, n − 1, …, 1; E[n] = 10."""
    ones = {cls: cls("TabularPolicy", vectorised(lambda: geometric_chain(0.1)), seeds=range(500), gamma=1.0) for cls in (MCPrediction, EveryVisitMCPrediction)}
    after_one = {}
    for cls, model in ones.items():
        first = np.full(500, np.nan)

        def watch(local, _, model=model, first=first):
            first[:] = np.where(np.isnan(first) & (model.N[:, 0] > 0), model.V[:, 0], first)
            return bool(np.isnan(first).any())

        model.learn(10**6, callback=watch, log_interval=None)
        after_one[cls] = first.mean()
    assert after_one[MCPrediction] == pytest.approx(10, abs=1.3) and after_one[EveryVisitMCPrediction] == pytest.approx(5.5, abs=0.7)


# --------------------------------------------------------------------------------------------------------------------- importance sampling
def two_rounds(r):
    """State 0: either action pays r[0][a] and leads to state 1; there either pays r[1][a] and ends, but action 1 of state 0 with chance ⅓ ends at once."""
    return FiniteMDP(
        [
            [[(1.0, 1, r[0][0], False)], [(2 / 3, 1, r[0][1], False), (1 / 3, 1, r[0][1], True)]],
            [[(1.0, 1, r[1][0], True)], [(0.5, 0, r[1][1], True), (0.5, 1, 0.0, True)]],
        ]
    )


def all_episodes(env, b):
    """Every episode from state 0, of an environment where none is endless, with its probability under b."""

    def following(s):
        for a, (p, s_next, r, end) in itertools.chain.from_iterable([(a, outcome) for outcome in row] for a, row in env.P[s].items()):
            step = (s, a, r, b[s][a])
            for rest, q in [([], 1.0)] if end else following(s_next):
                yield [step, *rest], b[s][a] * p * q

    paths, chances = zip(*following(0), strict=True)
    assert sum(chances) == pytest.approx(1)
    return episodes(*paths), np.array(chances)


probabilities = st.floats(0.05, 0.95).map(lambda p: [p, 1 - p])
rewards = st.lists(st.lists(st.floats(-2, 2), min_size=2, max_size=2), min_size=2, max_size=2)


@given(st.tuples(probabilities, probabilities), st.tuples(probabilities, probabilities), rewards, st.floats(0, 1))
@settings(max_examples=25)
def test_importance_sampling_is_unbiased_and_the_weighted_kind_consistent(pi, b, r, gamma):
    """Over all episodes, with their probabilities under b: E[ρ G] = E[G̃] = v_π (unbiased), and E[ρ G] / E[ρ] = v_π, where E[ρ] = 1."""
    env = two_rounds(r)
    exact = model_of(env).solve(np.array(pi), gamma)[0]
    played, chance = all_episodes(env, b)
    for cls in ESTIMATORS:
        model = cls("TabularPolicy", env, gamma=gamma, pi=pi, behaviour=b)
        weight, target = (x[:, 0] for x in model.weighed(played, model.ratio(played)))  # of the first steps, in state 0
        assert chance @ (weight * target) == pytest.approx(exact, abs=1e-9)
        assert chance @ weight == pytest.approx(1)


def layers(seed):
    """A random MDP in which every step leads to a later state, or ends: 5 states, 2 or 3 actions, and two policies that take all of them."""
    rng, n_states = np.random.default_rng(seed), 5
    n_actions = int(rng.integers(2, 4))

    def outcomes(s):
        ahead = [*range(s + 1, n_states), None]
        chances = rng.dirichlet(np.ones(len(ahead)))
        return [(float(p), s if s_next is None else s_next, float(rng.normal()), s_next is None) for p, s_next in zip(chances, ahead, strict=True)]

    pi, b = rng.dirichlet(np.ones(n_actions), size=(2, n_states))
    return FiniteMDP([[outcomes(s) for _ in range(n_actions)] for s in range(n_states)]), pi, b


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.7, 1.0]))
@settings(max_examples=8, deadline=None)
def test_importance_sampling_is_unbiased_on_random_mdps(seed, gamma):
    env, pi, b = layers(seed)
    exact = model_of(env).solve(pi, gamma)[0]
    played, chance = all_episodes(env, b)
    for cls in ESTIMATORS:
        model = cls("TabularPolicy", env, gamma=gamma, pi=pi, behaviour=b)
        weight, target = (x[:, 0] for x in model.weighed(played, model.ratio(played)))
        assert chance @ (weight * target) == pytest.approx(exact, abs=1e-9) and chance @ weight == pytest.approx(1)


def test_ratios_by_hand():
    """π takes the actions 0, 1, 0 with 0.8, 0.2, 0.8 and b with ½ each: ratios 1.6, 0.4, 1.6, so that ρ is 1.024, 0.64 and 1.6."""
    model = OffPolicyMCPrediction("TabularPolicy", two_rounds([[0, 0], [0, 0]]), pi=[[0.8, 0.2]] * 2)
    played = episodes([(0, 0, 0, 0.5), (1, 1, 0, 0.5), (0, 0, 1, 0.5)], [(0, 1, 0, 0.5)])
    assert model.ratio(played) == pytest.approx(np.array([[1.6, 0.4, 1.6], [0.4, 1, 1]]))
    assert products(model.ratio(played)) == pytest.approx(np.array([[1.024, 0.64, 1.6], [0.4, 1, 1]]))


def test_the_three_estimators_by_hand():
    """γ = 1. Rewards 1, 1 with ratios 2, ½ (ρ = 1, G = 2), and a reward 3 with ratio 2: weighted (1 · 2 + 2 · 3) / 3, ordinary (2 + 6) / 2,
    per decision (2 · (1 + ½ · 1) + 6) / 2."""
    played = episodes([(0, 0, 1, 0.4), (1, 1, 1, 0.4)], [(0, 0, 3, 0.4)])
    values = []
    for cls in ESTIMATORS:
        model = fresh(cls, two_rounds([[0, 0], [0, 0]]), gamma=1.0, pi=[[0.8, 0.2]] * 2)
        model.update(played)
        values.append(model.values[0])
    assert values == pytest.approx([8 / 3, 4, 4.5])


def test_an_episode_that_the_target_policy_never_plays_counts_for_ordinary_importance_sampling_only():
    played = episodes([(0, 0, 1, 0.5)], [(0, 1, 5, 0.5)])
    values = {}
    for cls in ESTIMATORS:
        model = values[cls] = fresh(cls, InfiniteVariance(), gamma=1.0, pi=[[1.0, 0.0]])
        model.update(played)
    assert [values[cls].values.item() for cls in ESTIMATORS] == [1, 1, 1]  # 2 · 1 / 2; (2 · 1 + 0 · 5) / 2
    assert [values[cls].C.item() for cls in ESTIMATORS] == [2, 2, 2]
    for cls in ESTIMATORS:
        values[cls].update(episodes([(0, 1, 5, 0.5)]))
    assert [values[cls].values.item() for cls in ESTIMATORS] == pytest.approx([1, 2 / 3, 2 / 3])


def test_weighted_importance_sampling_of_the_infinite_variance_problem_is_exact_from_the_first_success():
    model = OffPolicyMCPrediction("TabularPolicy", vectorised("from_scratch/InfiniteVariance-v0"), seeds=range(10), gamma=1.0, pi=[0]).learn(1000)
    assert model.V[:, 0] == pytest.approx([1.0] * 10, abs=1e-12)


def test_a_behaviour_that_leaves_out_an_action_of_the_target_is_refused():
    with pytest.raises(ValueError, match=r"pi takes action 1 in state 0 and behaviour never does: importance sampling needs b\(a\|s\) > 0"):
        OffPolicyMCPrediction("TabularPolicy", InfiniteVariance(), pi=[1], behaviour=[0])
    with pytest.raises(ValueError, match=r"behaviour has the shape \(3,\)"):
        OffPolicyMCPrediction("TabularPolicy", InfiniteVariance(), behaviour=[0.2, 0.3, 0.5])


def test_what_is_played_is_the_behaviour_and_what_is_predicted_the_target():
    model = OffPolicyMCPrediction("TabularPolicy", vectorised("from_scratch/InfiniteVariance-v0"), seeds=[0], n_envs=20, pi=[0], behaviour=[[0.3, 0.7]])
    taken = []
    model.learn(2000, callback=lambda local, _: taken.append(local["actions"].mean()) is None)
    assert np.mean(taken) == pytest.approx(0.7, abs=0.05) and (model.predict(np.zeros(50, int))[0] == 0).all()


# ------------------------------------------------------------------------------------------------------------------------------- control
def test_off_policy_control_learns_from_the_tail_behind_the_last_action_that_is_not_greedy():
    """γ = 1, b = ½. Backwards: Q(1, 0) ← 4 with W = 1, greedy, W = 2; Q(0, 1) = 5 stays the best of state 0, so the action 0 taken there
    is learnt (C = 2, Q = 4) but ends the loop: the step before is not learnt."""
    model = fresh(OffPolicyMCControl, two_by_two_grid(), gamma=1.0)
    model.Q[0, 0, 1] = 5
    model.update(episodes([(2, 0, 7, 0.5), (0, 0, 0, 0.5), (1, 0, 4, 0.5)]))
    assert model.q_table[:3].tolist() == [[4, 5, 0, 0], [4, 0, 0, 0], [0, 0, 0, 0]]
    assert model.C[0, :3].tolist() == [[2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_the_chance_of_an_epsilon_greedy_action():
    """ε = 0.4 among four, of which two are best: 0.1 + 0.3 each, and 0.1."""
    model = fresh(OffPolicyMCControl, two_by_two_grid(), exploration_initial_eps=0.4)
    model.Q[0, 0] = [1, 0, 1, 0]
    assert [model.chance(np.array([[0]]), np.array([[a]])).item() for a in range(4)] == pytest.approx([0.4, 0.1, 0.4, 0.1])


@pytest.mark.parametrize(("cls", "kwargs"), [(MCControl, {"exploration_final_eps": 0.1}), (OffPolicyMCControl, {"exploration_final_eps": 0.3})])
def test_control_finds_the_way_through_the_grid(cls, kwargs):
    model = cls("TabularPolicy", "from_scratch/TwoByTwo-v0", seeds=range(5), gamma=0.9, **kwargs).learn(3000)
    best = model_of(two_by_two_grid()).backup(np.array([0.9, 1, 1, 0]), 0.9)
    for q in model.q_table:
        assert (best[np.arange(3), q[:3].argmax(-1)] == best[:3].max(-1)).all()


def test_off_policy_control_estimates_the_greedy_policy_and_on_policy_control_the_soft_one():
    """State 0 leads to 1 by action 0; there action 0 pays 1 and action 1 nothing. Half of b's actions are random: Q(0, 0) is 1 or 0.75."""
    env = FiniteMDP([[[(1.0, 1, 0.0, False)], [(1.0, 0, -1.0, True)]], [[(1.0, 0, 1.0, True)], [(1.0, 0, 0.0, True)]]])

    def learnt(cls):
        soft = {"exploration_initial_eps": 0.5, "exploration_final_eps": 0.5}
        return cls("TabularPolicy", lambda: env, seeds=[0], gamma=1.0, **soft).learn(2500).q_table[0, 0]

    assert learnt(OffPolicyMCControl) == pytest.approx(1, abs=1e-9) and learnt(MCControl) == pytest.approx(0.75, abs=0.06)


def test_exploring_starts_take_any_action_first_and_the_greedy_one_then():
    taken = {"first": [], "later": []}

    class Watched(MCExploringStarts):
        def play(self, a):
            q = self.Q[0, self.state[0]]
            for t, q_lane, a_lane in zip(self.memory.t, q, a[0], strict=True):
                taken["first" if t == 0 else "later"].append((a_lane, q_lane[a_lane] == q_lane.max()))
            return super().play(a)

    env = BlackjackTable(start="exploring")
    Watched("TabularPolicy", vectorised(lambda: env), seeds=[0], n_envs=50, gamma=1.0).learn(20_000)
    assert np.mean([a for a, _ in taken["first"]]) == pytest.approx(0.5, abs=0.02)
    assert all(best for _, best in taken["later"]) and not all(best for _, best in taken["first"])


@pytest.mark.slow
def test_exploring_starts_come_near_the_best_play_of_blackjack():
    model = MCExploringStarts("TabularPolicy", vectorised(lambda: BlackjackTable(start="exploring")), seeds=[0], n_envs=500, gamma=1.0).learn(1_500_000)
    table = model_of(BlackjackTable())
    assert table.start @ table.solve(np.eye(2)[model.q_table.argmax(-1)], 1.0) == pytest.approx(-0.0431, abs=2e-3)


# ----------------------------------------------------------------------------------------------------------------------------- blackjack
def test_known_values_of_blackjack():
    """Sticking on 20 and more, S&B Figure 5.1, and the state of Figure 5.3, whose value is −0.27726 in the book (from 10⁸ episodes)."""
    table = model_of(BlackjackTable())
    v = table.solve(threshold_policy(20), 1.0)
    assert [v[number(*state)] for state in ((21, 10, 0), (20, 10, 0), (12, 1, 0))] == pytest.approx([0.889, 0.435, -0.640], abs=5e-4)
    assert v[number(13, 2, 1)] == pytest.approx(-0.27726, abs=3e-4) and table.start @ v == pytest.approx(-0.350, abs=5e-4)


def test_a_natural_wins_unless_the_dealer_has_one_too():
    """The dealer has a natural with the chance of a ten, 4/13, behind an ace, and of an ace, 1/13, behind a ten. As a mere 21 it draws more often."""
    book, plain, casino = (
        model_of(BlackjackTable(**rules)).r[N_OBSERVATIONS:, STICK] for rules in ({"sab": True}, {"sab": False}, {"sab": False, "natural": True})
    )
    assert book == pytest.approx([1 - 4 / 13] + [1] * 8 + [1 - 1 / 13])
    assert plain == pytest.approx(model_of(BlackjackTable()).r[[number(21, card, 1) for card in CARDS], STICK])
    assert casino == pytest.approx(1.5 * plain) and (plain < book).all()


@pytest.mark.parametrize(
    "rules", [{"sab": True}, pytest.param({"sab": False}, marks=pytest.mark.slow), pytest.param({"sab": False, "natural": True}, marks=pytest.mark.slow)]
)
def test_the_table_is_gymnasium_s_game_in_distribution(rules):
    """20,000 random games of Gymnasium's: starts, rewards of sticking and next cards of hitting, state by state, within chance of the table's."""
    env, table, rng = gym.make("from_scratch/Blackjack-v0", **rules), model_of(BlackjackTable(**rules)), np.random.default_rng(0)
    core = env.unwrapped
    starts, rewards, squares, tries = np.zeros(714), np.zeros((714, 2)), np.zeros((714, 2)), np.zeros((714, 2))
    following = np.zeros((714, 714))
    s, _ = env.reset(seed=0)
    for _ in range(20_000):
        s, done = N_OBSERVATIONS + core.dealer[0] - 1 if sorted(core.player) == [1, 10] else s, False
        starts[s] += 1
        while not done:
            a = int(rng.integers(2))
            s_next, r, done, _, _ = env.step(a)
            rewards[s, a], squares[s, a], tries[s, a] = rewards[s, a] + r, squares[s, a] + r * r, tries[s, a] + 1
            following[s, s_next] += a == HIT and not done
            s = s_next
        s, _ = env.reset()

    def far(found, expected, variance, n):
        """The largest distance in standard errors, where there are 30 tries or more."""
        enough = (n >= 30) & (variance > 1e-12)
        assert np.abs(found - expected)[(n >= 30) & ~enough].max(initial=0) < 1e-9
        return np.abs((found - expected)[enough] / np.sqrt(variance[enough] / n[enough])).max()

    assert far(starts / 20_000, table.start, table.start * (1 - table.start), np.full(714, 20_000)) < 5
    mean = np.divide(rewards, tries, out=np.zeros_like(rewards), where=tries > 0)
    variance = np.divide(squares, tries, out=np.zeros_like(rewards), where=tries > 0) - mean**2
    assert far(mean, table.r, variance, tries) < 5.5
    p, n = table.p[:, HIT], tries[:, HIT][:, None] * np.ones((1, 714))
    assert far(np.divide(following, n, out=np.zeros_like(p), where=n > 0), p, p * (1 - p), n) < 6
    assert not (following[p == 0]).any() and (tries[[number(*state) for state in ((20, 10, 0), (21, 1, 1))]] > 0).all()


def test_blackjack_begins_where_it_is_told_to():
    assert BlackjackTable(start=(13, 2, 1)).reset(seed=0)[0] == number(13, 2, 1)
    exploring = BlackjackTable(start="exploring").initial_state_distrib
    assert (exploring > 0).sum() == 10 * (len(HANDS) + 1) == 290 and exploring.sum() == pytest.approx(1)
    for wrong in ("anywhere", (13, 11, 1), (11, 2, 1), (22, 2, 0)):
        with pytest.raises(ValueError, match=r"start=.*: \"dealt\", \"exploring\", or"):
            BlackjackTable(start=wrong)


def test_a_policy_of_gymnasium_s_observations_is_one_of_the_table():
    observed = np.arange(N_OBSERVATIONS)
    policy = BlackjackTable.with_naturals(observed)
    assert policy.shape == (714,) and policy[N_OBSERVATIONS:].tolist() == [number(21, card, 1) for card in CARDS]
    assert (threshold_policy(20)[number(19, 5, 0)].argmax(), threshold_policy(20)[number(20, 5, 1)].argmax()) == (HIT, STICK)


def test_blackjack_is_learnt_through_gymnasium_s_own_cards():
    model = MCPrediction(
        "TabularPolicy", DummyVecEnv([lambda: gym.make("from_scratch/Blackjack-v0")] * 4), seed=0, gamma=1.0, pi=threshold_policy(20)[:N_OBSERVATIONS]
    )
    model.learn(8000)
    model_values = model_of(BlackjackTable()).solve(threshold_policy(20), 1.0)
    for state in ((20, 10, 0), (16, 10, 0)):
        assert model.values[number(*state)] == pytest.approx(model_values[number(*state)], abs=0.2)


def test_the_infinite_variance_problem_is_worth_one():
    assert model_of(gym.make("from_scratch/InfiniteVariance-v0")).solve(np.array([[1.0, 0.0]]), 1.0) == pytest.approx([1])
