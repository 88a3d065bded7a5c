"""λ-returns and traces: updates by hand, and the forward view equal to the backward one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from from_scratch.core.tabular.segments import Segment
from from_scratch.eligibility_traces.offline_lambda_return import OfflineLambdaReturn
from from_scratch.eligibility_traces.sarsa_lambda import SARSALambda
from from_scratch.eligibility_traces.td_lambda import TDLambda
from from_scratch.eligibility_traces.true_online_td_lambda import TrueOnlineTDLambda
from from_scratch.eligibility_traces.watkins_q_lambda import WatkinsQLambda
from from_scratch.envs import FiniteMDP, two_by_two_grid
from from_scratch.envs.vector import vectorised
from from_scratch.monte_carlo.prediction import EveryVisitMCPrediction


def one(*values):
    return [np.array([value]) for value in values]


def random_chain(seed, n_states=4):
    """One action; every step ends the episode with probability 0.2 or so, rewards in [−1, 1]."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(n_states + 1), n_states) * 0.8
    chances[:, -1] += 0.2
    return FiniteMDP([[[(float(p), min(s, n_states - 1), float(rng.uniform(-1, 1)), s == n_states) for s, p in enumerate(row)]] for row in chances])


def first_episode(env, model):
    """Learn from one episode of at least two steps: its steps (s, r, s_next, ended) and V before."""
    steps, before = [], model.V[0].copy()

    def watch(local, _):
        s, info, done = int(model.state[0, 0]), local["infos"][0], bool(local["dones"][0])
        steps.append((s, float(local["rewards"][0]), int(info["terminal_observation"] if done else local["new_obs"][0]), done))
        return not (len(steps) > 1 and steps[-2][3])

    model.learn(500, callback=watch)
    return [step for step in steps[: next(k for k, step in enumerate(steps) if step[3]) + 1]], before


# ------------------------------------------------------------------------------------------------------------------------ by hand
@pytest.mark.parametrize(("trace", "again"), [("accumulating", 1.45), ("replacing", 1.0), ("dutch", 1.225)])
def test_two_visits_to_a_state(trace, again):
    """α = ½, γλ = 0.45. First z = 1 and δ = 1, so V(0) = ½. Then γλz = 0.45 and δ = 1 + 0.9 · ½ − ½ = 0.95: V(0) = ½ + ½ · 0.95 z."""
    model = TDLambda("TabularPolicy", two_by_two_grid(), learning_rate=0.5, gamma=0.9, lambda_=0.5, trace=trace).learn(1)
    model.V[:], z = 0, np.zeros((1, 4))
    model.update(z, *one(0, 1.0, 1, 0.9))
    assert z.tolist() == [[1, 0, 0, 0]] and model.values[0] == 0.5
    model.update(z, *one(0, 1.0, 0, 0.9))
    assert z[0, 0] == pytest.approx(again) and model.values[0] == pytest.approx(0.5 + 0.5 * 0.95 * again)


def test_sarsa_lambda_passes_the_error_back_to_what_was_done_before():
    """Replacing traces: after (0, 1) comes (1, 2) with δ = 3 + 0.9 · 10 − 2 = 10: Q(0, 1) gets ½ · 0.45 · 10 of it."""
    model = SARSALambda("TabularPolicy", two_by_two_grid(), learning_rate=0.5, gamma=0.9, lambda_=0.5).learn(1)
    model.Q[:] = 0
    model.Q[0, 1, 2], model.Q[0, 3, 0] = 2, 10
    z = np.zeros((1, 4, 4))
    z[0, 0, 1] = 1
    model.update(z, *one(1, 2, 3.0, 3, 0.9, 0))
    assert model.Q[0, 0, 1] == pytest.approx(2.25) and model.Q[0, 1, 2] == pytest.approx(7) and z[0, 0, 1] == pytest.approx(0.45)


@pytest.mark.parametrize(("a_next", "left"), [(0, 0.45), (3, 0.0)])
def test_watkins_cuts_the_traces_where_a_greedy_policy_would_go_another_way(a_next, left):
    """The target is the best action of state 3, worth 10, whatever is done there: δ = 3 + 9 − 2."""
    model = WatkinsQLambda("TabularPolicy", two_by_two_grid(), learning_rate=0.5, gamma=0.9, lambda_=0.5).learn(1)
    model.Q[:] = 0
    model.Q[0, 1, 2], model.Q[0, 3, 0] = 2, 10
    z = np.zeros((1, 4, 4))
    model.update(z, *one(1, 2, 3.0, 3, 0.9, a_next))
    assert model.Q[0, 1, 2] == pytest.approx(7) and z[0, 1, 2] == pytest.approx(left)


def test_lambda_returns():
    """0 → 1 → 0 → end with rewards 1, 2, 4 at γ = ½, λ = ½, V = [8, 4]: 4; 2 + ½ (½ · 8 + ½ · 4) = 5; 1 + ½ (½ · 4 + ½ · 5) = 3.25.
    Cut short instead, in state 1: 4 + ½ · 4 = 6; then 5.5 and 3.375."""
    model = OfflineLambdaReturn("TabularPolicy", two_by_two_grid(), gamma=0.5, lambda_=0.5).learn(1)
    model.V[:] = [8, 4, 0, 0]
    for last, returns in ((0.0, [3.25, 5, 4]), (0.5, [3.375, 5.5, 6])):
        s, r, discount = np.array([[0], [1], [0]]), np.array([[1.0], [2], [4]]), np.array([[0.5], [0.5], [last]])
        G = model.returns(Segment(np.array([0]), 0, s, s, r, discount, r, np.array([1]), np.array([0]), True))
        assert G[:, 0].tolist() == returns


@pytest.mark.parametrize(("wrong", "message"), [({"lambda_": 1.1}, "lambda_=1.1"), ({"trace": "eager"}, "trace='eager': they are one of accumulating")])
def test_traces_that_there_are_not_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        TDLambda("TabularPolicy", two_by_two_grid(), **wrong)


@pytest.mark.parametrize("learner", [TDLambda, TrueOnlineTDLambda, SARSALambda, WatkinsQLambda])
def test_traces_begin_at_nothing_in_each_lane_where_its_episode_does(learner):
    env = FiniteMDP([[[(1.0, s + 1, 0.0, s == 3)]] for s in range(4)] + [[[(1.0, 4, 0.0, True)]]])  # four steps to the end
    model = learner("TabularPolicy", vectorised(lambda: env), seeds=[0, 1], n_envs=2, lambda_=1.0, gamma=1.0)
    for steps, left in ((6, 3), (2, 0), (2, 1)):  # of each seed's two lanes together
        model.learn(steps, reset_num_timesteps=False)
        assert (model.z.reshape(4, -1) > 0).sum(1).tolist() == [left] * 4


# --------------------------------------------------------------------------------------------------------- forward and backward view
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), lambda_=st.floats(0, 1))
def test_the_off_line_lambda_return_is_the_sum_of_the_td_errors_with_traces(seed, lambda_):
    """With V held still, Σ_t (G_t^λ − V(S_t)) over the visits to s = Σ_t δ_t z_t(s), for every s (S&B §12.2; exercise 12.4 asks why V must be still)."""
    env, γ = random_chain(seed), 0.9
    model = OfflineLambdaReturn("TabularPolicy", vectorised(lambda: env), seeds=[seed], gamma=γ, lambda_=lambda_, learning_rate=lambda _: 0.0)
    V = np.random.default_rng(seed).uniform(-1, 1, 4)
    seen, returns = [], OfflineLambdaReturn.returns
    model.V[:] = V
    model.update = lambda episodes: seen.append((episodes.s[:, 0], returns(model, episodes)[:, 0], episodes.r[:, 0]))
    model.learn(100)
    s, G, r = seen[0]
    forward, backward, z = np.zeros(4), np.zeros(4), np.zeros(4)
    np.add.at(forward, s, G - V[s])
    for t in range(len(s)):
        z *= γ * lambda_
        z[s[t]] += 1
        backward += (r[t] + (γ * V[s[t + 1]] if t + 1 < len(s) else 0) - V[s[t]]) * z
    assert forward == pytest.approx(backward, abs=1e-12)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), lambda_=st.sampled_from([0.0, 0.3, 0.8, 1.0]))
def test_to_first_order_in_alpha_td_lambda_is_the_off_line_lambda_return_and_td_1_every_visit_monte_carlo(seed, lambda_):
    env, α = random_chain(seed), 1e-7
    changes = []
    for learner in (TDLambda, OfflineLambdaReturn):
        model = learner("TabularPolicy", vectorised(lambda: env), seeds=[seed], gamma=0.9, lambda_=lambda_, learning_rate=α, initial_value=0.7)
        first_episode(env, model)
        changes.append((model.values - 0.7) / α)
    assert changes[0] == pytest.approx(changes[1], abs=1e-4) and np.abs(changes[0]).max() > 1e-3
    if lambda_ == 1:
        constant = {"learning_rate": α, "learning_rate_decay": 0.0, "initial_value": 0.7}
        monte_carlo = EveryVisitMCPrediction("TabularPolicy", vectorised(lambda: env), seeds=[seed], gamma=0.9, **constant)
        first_episode(env, monte_carlo)
        assert changes[0] == pytest.approx((monte_carlo.values - 0.7) / α, abs=1e-4)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), lambda_=st.floats(0, 1), α=st.sampled_from([0.1, 0.5, 1.0]))
def test_true_online_td_lambda_is_the_on_line_lambda_return_algorithm(seed, lambda_, α):
    """At every horizon h all updates of the episode are made anew, with λ-returns truncated at h (S&B eq. 12.9 and §12.4)."""
    env, γ = random_chain(seed), 0.9
    model = TrueOnlineTDLambda("TabularPolicy", vectorised(lambda: env), seeds=[seed], gamma=γ, lambda_=lambda_, learning_rate=α, initial_value=0.5)
    steps, w0 = first_episode(env, model)
    s, r = [step[0] for step in steps] + [steps[-1][2]], [step[1] for step in steps]
    T, bootstrap, w = len(steps), {}, w0
    for h in range(1, T + 1):
        bootstrap[h] = 0.0 if h == T else w[s[h]]  # v̂(S_h, w_{h−1})
        w = w0.copy()
        for t in range(h):
            g, returns = 0.0, []
            for n in range(1, h - t + 1):
                g += γ ** (n - 1) * r[t + n - 1]
                returns.append(g + γ**n * bootstrap[t + n])  # G_{t:t+n}
            G = (1 - lambda_) * sum(lambda_ ** (n - 1) * returns[n - 1] for n in range(1, h - t)) + lambda_ ** (h - t - 1) * returns[-1]
            w[s[t]] += α * (G - w[s[t]])
    assert model.values == pytest.approx(w, abs=1e-10)
