"""Linear methods: updates by hand, known fixed points, forward and backward views, and the compiled loop."""

import copy
import itertools

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit
from stable_baselines3.common.logger import KVWriter, Logger

import from_scratch.envs  # noqa: F401  # registers the ids
from from_scratch.core.exact.linear import LinearSystem, visits
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.linear.features import Fourier, OneHot, Tabulated, TileCoding
from from_scratch.core.linear.learner import LinearPolicy
from from_scratch.eligibility_traces.td_lambda import TDLambda
from from_scratch.eligibility_traces.true_online_td_lambda import TrueOnlineTDLambda
from from_scratch.envs import AccessControl, Baird, FiniteMDP, LongWalk, WToTwoW, geometric_chain, two_by_two_grid
from from_scratch.envs.games.access_control import best_average_reward
from from_scratch.envs.vector import vectorised
from from_scratch.linear.differential_sarsa import DifferentialSARSA
from from_scratch.linear.emphatic_td import EmphaticTD
from from_scratch.linear.gradient_mc import GradientMC
from from_scratch.linear.gtd2 import GTD2
from from_scratch.linear.lstd import LSTD
from from_scratch.linear.n_step_semi_gradient_sarsa import NStepSemiGradientSARSA
from from_scratch.linear.n_step_semi_gradient_td import NStepSemiGradientTD
from from_scratch.linear.sarsa_lambda import TRACES, LinearSARSALambda
from from_scratch.linear.semi_gradient_sarsa import SemiGradientSARSA
from from_scratch.linear.semi_gradient_td import SemiGradientTD
from from_scratch.linear.td_lambda import LinearTDLambda
from from_scratch.linear.tdc import TDC
from from_scratch.linear.true_online_sarsa_lambda import TrueOnlineSARSALambda
from from_scratch.linear.true_online_td_lambda import LinearTrueOnlineTDLambda
from from_scratch.linear.watkins_q_lambda import LinearWatkinsQLambda

PREDICTION = (GradientMC, SemiGradientTD, NStepSemiGradientTD, LinearTDLambda, LinearTrueOnlineTDLambda, LSTD, GTD2, TDC, EmphaticTD)
CONTROL = (SemiGradientSARSA, NStepSemiGradientSARSA, DifferentialSARSA, LinearSARSALambda, TrueOnlineSARSALambda, LinearWatkinsQLambda)
EVERY = PREDICTION + CONTROL


def walk():
    """Seven states in a row: small enough for seconds, episodic, both actions matter."""
    return LongWalk(n=7, jump=2)


def dense(*x):
    """Features as updates take them."""
    return np.arange(len(x)), np.array(x, dtype=float)


def model_with(learner, table, **kwargs):
    """A model whose states have the rows of `table` as features, γ = ½ and α = ½ unless said; only `update` is called."""
    env = FiniteMDP([[[(1.0, s, 0.0, False)]] for s in range(len(table))])
    kwargs = {"gamma": 0.5, "learning_rate": 0.5, **kwargs}
    if "learning_rate" in learner.fixed:
        del kwargs["learning_rate"]
    if "gamma" in learner.fixed:
        del kwargs["gamma"]
    model = learner("LinearPolicy", env, features=Tabulated, features_kwargs={"table": table}, **kwargs)
    model.m.alpha[:] = kwargs.get("learning_rate", 0.0)
    return model


def teach(model, x, r, x_next, discount=0.5, done=False, rho=1.0):
    model.reserve(1)
    return model.update(model.m, 0, dense(*x), r, dense(*x_next), discount, done, rho)


# -------------------------------------------------------------------------------------------------------------------- updates by hand
TWO = [[1.0, 0.0], [1.0, 2.0]]


def test_one_semi_gradient_update_by_hand():
    """w = (1, 1), x = (1, 0), x' = (1, 2): δ = 3 + ½·3 − 1 = 3.5; w ← (1 + ½·3.5, 1). The target's own features are not touched."""
    for learner in (SemiGradientTD, SemiGradientSARSA):
        model = model_with(learner, TWO)
        model.w[:] = 1
        assert teach(model, TWO[0], 3.0, TWO[1]) == 3.5 and model.w[0].tolist() == [2.75, 1]


def test_the_gradient_does_not_go_through_the_target():
    """That would be the residual gradient, w ← w + α δ (x − γ x'), with ½·3.5·(1 − ½, 0 − 1) = (0.875, −1.75)."""
    model = model_with(SemiGradientTD, TWO)
    model.w[:] = 1
    teach(model, TWO[0], 3.0, TWO[1])
    assert model.w[0].tolist() != [1.875, -0.75] and model.w[0, 1] == 1


def test_the_ratio_scales_the_update_and_0_leaves_the_weights():
    for rho, first in ((2.0, 1 + 2 * 1.75), (0.0, 1.0)):
        model = model_with(SemiGradientTD, TWO)
        model.w[:] = 1
        teach(model, TWO[0], 3.0, TWO[1], rho=rho)
        assert model.w[0].tolist() == [first, 1]


def test_gtd2_and_tdc_by_hand():
    """v = (1, 0): xᵀv = 1, δ = 3.5, ρ = 2, α = ½, β = 0.1.
    GTD2: w += αρ (x − γx') xᵀv = (1 − ½, 0 − 1). TDC: w += αρ (δx − γx' xᵀv) = (3.5 − ½, −1). Both: v += βρ (δ − xᵀv) x = (0.5, 0)."""
    for learner, change in ((GTD2, [0.5, -1]), (TDC, [3.0, -1])):
        model = model_with(learner, TWO, beta=0.1)
        model.w[:], model.v[:] = 1, [[1, 0]]
        teach(model, TWO[0], 3.0, TWO[1], rho=2.0)
        assert model.w[0] - 1 == pytest.approx(change) and model.v[0] == pytest.approx([1.5, 0])


def test_emphasis_by_hand():
    """M_0 = 1, M_1 = γ ρ_0 M_0 + 1 = ½·4·1 + 1 = 3; after an end M = 1 again."""
    model = model_with(EmphaticTD, [[1.0]], learning_rate=0.1)
    for rho, done, emphasis in ((4.0, False, 1.0), (1.0, True, 3.0), (1.0, False, 1.0)):
        model.w[:] = 0
        teach(model, [1.0], 1.0, [0.0], discount=0.0 if done else 0.5, done=done, rho=rho)
        assert model.w[0, 0] == pytest.approx(0.1 * emphasis * rho)


def test_differential_sarsa_moves_the_average_reward_by_the_error():
    """R̄ = 1, β = 0.1, q̂ = 2 before and 4 after: δ = 5 − 1 + 4 − 2 = 6, R̄ = 1.6, w += ½·6. By the reward alone R̄ would be 1.4."""
    model = model_with(DifferentialSARSA, [[1.0], [2.0]], beta=0.1, learning_rate=0.5)
    model.w[:], model.average_reward[:] = 2, 1
    assert teach(model, [1.0], 5.0, [2.0], discount=1.0) == 6
    assert model.average_reward[0, 0] == pytest.approx(1.6) and model.w[0, 0] == 5


def test_traces_by_hand():
    """Two visits of feature 0 in a row, γλ = ½·½: accumulating 1.25, replacing 1, dutch ¼ + (1 − ½·¼)."""
    for kind, first in (("accumulating", 1.25), ("replacing", 1.0), ("clearing", 1.0), ("dutch", 0.25 + 0.875)):
        model = model_with(LinearSARSALambda, TWO, lambda_=0.5, trace=kind)
        for _ in range(2):
            teach(model, [1.0, 0.0], 0.0, [0.0, 0.0])
        assert model.memory["z"][0].tolist() == [first, 0], kind


def test_clearing_forgets_the_other_actions():
    env = FiniteMDP([[[(1.0, 0, 0.0, False)]] * 2])
    for kind, left in (("replacing", 0.25), ("clearing", 0.0)):
        model = LinearSARSALambda("LinearPolicy", env, gamma=0.5, lambda_=0.5, trace=kind, learning_rate=lambda _: 0.0)
        nothing = np.array([0]), np.zeros(1)
        for a in (0, 1):
            model.update(model.m, 0, (np.array([a]), np.ones(1)), 0.0, nothing, 0.5, False, 1.0)
        assert model.memory["z"][0].tolist() == [left, 1]


def test_watkins_cuts_the_trace_where_the_next_action_explores():
    for rho, left in ((1.0, 0.25), (0.0, 0.0)):
        model = model_with(LinearWatkinsQLambda, TWO, lambda_=0.5)
        teach(model, [1.0, 0.0], 0.0, [0.0, 0.0], rho=rho)
        teach(model, [0.0, 1.0], 0.0, [0.0, 0.0])
        assert model.memory["z"][0].tolist() == [left, 1]


@pytest.mark.parametrize("learner", [LinearSARSALambda, TrueOnlineSARSALambda, LinearWatkinsQLambda, LinearTDLambda, LinearTrueOnlineTDLambda])
def test_a_trace_does_not_reach_into_the_episode_before(learner):
    model = model_with(learner, TWO, lambda_=1.0)
    teach(model, [1.0, 0.0], 0.0, [0.0, 0.0], discount=0.0, done=True)
    teach(model, [0.0, 1.0], 8.0, [0.0, 0.0])
    assert model.w[0].tolist() == [0, 4]


# --------------------------------------------------------------------------------------------------------------------- same in the limit
def episode(length, n, seed=0):
    """Features [length + 1, n] and rewards [length] at random."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(length + 1, n)), rng.normal(size=length)


def run_episode(model, x, r, gamma, ratios=None):
    for t in range(len(r)):
        last = t == len(r) - 1
        teach(model, x[t], r[t], x[t + 1], 0.0 if last else gamma, last, 1.0 if ratios is None else ratios[t])
    return model.w[0].copy()


def learners_agree(first, second, gamma=0.9, ratios=None):
    x, r = episode(6, 3)
    results = []
    for learner, kwargs in (first, second):
        model = model_with(learner, x, gamma=gamma, learning_rate=0.05, **kwargs)
        run_episode(model, x, r, gamma, ratios)
        results.append(run_episode(model, x, r[::-1], gamma, ratios))
    return np.abs(results[0]).max() > 0.01 and results[0] == pytest.approx(results[1], abs=1e-13)


def test_one_step_of_n_is_the_one_step_method():
    assert learners_agree((NStepSemiGradientTD, {"n_steps": 1}), (SemiGradientTD, {}), ratios=[2.0, 0.5, 1, 0, 3, 1])
    assert learners_agree((NStepSemiGradientSARSA, {"n_steps": 1}), (SemiGradientSARSA, {}))


def test_more_steps_than_the_episode_has_are_monte_carlo():
    ratios = [2.0, 0.5, 1, 0.25, 3, 1]
    assert learners_agree((NStepSemiGradientTD, {"n_steps": 9}), (GradientMC, {}), ratios=ratios)
    assert not learners_agree((NStepSemiGradientTD, {"n_steps": 3}), (GradientMC, {}), ratios=ratios)


@pytest.mark.parametrize("trace", [trace for trace in TRACES if trace in ("accumulating", "dutch")])
def test_no_trace_is_the_one_step_method(trace):
    assert learners_agree((LinearSARSALambda, {"lambda_": 0.0, "trace": trace}), (SemiGradientSARSA, {}))
    assert learners_agree((TrueOnlineSARSALambda, {"lambda_": 0.0}), (SemiGradientSARSA, {}))
    assert learners_agree((LinearTDLambda, {"lambda_": 0.0}), (SemiGradientTD, {}), ratios=[2.0, 0.5, 1, 0, 3, 1])
    assert learners_agree((LinearTrueOnlineTDLambda, {"lambda_": 0.0}), (SemiGradientTD, {}))


def test_the_ratio_weighs_the_trace_with_all_that_it_carries():
    """z = ρ (γ λ z + x): 2 · [1, 0], then 3 · (¼ · [2, 0] + [0, 1]) = [1.5, 3]."""
    model = model_with(LinearTDLambda, TWO, lambda_=0.5)
    teach(model, [1.0, 0.0], 0.0, [0.0, 0.0], rho=2.0)
    teach(model, [0.0, 1.0], 0.0, [0.0, 0.0], rho=3.0)
    assert model.memory["z"][0].tolist() == [1.5, 3]


@pytest.mark.parametrize(("linear", "tabular"), [(LinearTDLambda, TDLambda), (LinearTrueOnlineTDLambda, TrueOnlineTDLambda)])
def test_with_a_feature_for_each_state_td_lambda_is_the_tabular_one(linear, tabular):
    settings = {"seeds": [3, 4], "lambda_": 0.8, "learning_rate": 0.2, "gamma": 0.95}
    one = linear("LinearPolicy", vectorised(walk), features=OneHot, **settings).learn(400)
    other = tabular("TabularPolicy", vectorised(walk), **settings).learn(400)
    assert np.abs(other.V).max() > 0.3 and np.abs(one.w - other.V).max() < 1e-12


def test_gradient_monte_carlo_by_hand():
    """γ = ½, rewards 1 and 4, then the end: G_0 = 3, G_1 = 4. With features 1 and 2, α = ½: w = ½·3 = 1.5, then 1.5 + ½·(4 − 3)·2 = 2.5."""
    model = model_with(GradientMC, [[1.0], [2.0]])
    teach(model, [1.0], 1.0, [2.0])
    assert model.w[0, 0] == 0  # nothing is learnt before the end
    teach(model, [2.0], 4.0, [0.0], discount=0.0, done=True)
    assert model.w[0, 0] == 2.5


def online_lambda_return(x, r, gamma, lambda_, alpha):
    """The online λ-return algorithm (S&B §12.4): at each step all updates so far are made again, with λ-returns that end there.

    Bootstraps take the value that was computed when the step was made, with the weights of the step before (eq. 12.1 with §12.4's w_h).
    """
    T, past = len(r), [np.zeros(x.shape[1])]  # w_0, w_1, … after each horizon
    for h in range(1, T + 1):
        w = np.zeros(x.shape[1])
        for t in range(h):
            G, weight = 0.0, 1 - lambda_
            for n in range(1, h - t + 1):
                tail = 0.0 if t + n == T else x[t + n] @ past[t + n - 1]
                n_step = sum(gamma**k * r[t + k] for k in range(n)) + gamma**n * tail
                G += (lambda_ ** (h - t - 1) if n == h - t else weight * lambda_ ** (n - 1)) * n_step
            w = w + alpha * (G - w @ x[t]) * x[t]
        past.append(w)
    return past[-1]


@pytest.mark.parametrize("lambda_", [0.0, 0.6, 1.0])
def test_the_backward_view_of_true_online_sarsa_is_the_forward_view(lambda_):
    x, r = episode(7, 3, seed=1)
    model = model_with(TrueOnlineSARSALambda, x, gamma=0.9, learning_rate=0.1, lambda_=lambda_)
    assert run_episode(model, x, r, 0.9) == pytest.approx(online_lambda_return(x, r, 0.9, lambda_, 0.1), abs=1e-12)
    prediction = model_with(LinearTrueOnlineTDLambda, x, gamma=0.9, learning_rate=0.1, lambda_=lambda_)
    assert run_episode(prediction, x, r, 0.9) == pytest.approx(online_lambda_return(x, r, 0.9, lambda_, 0.1), abs=1e-12)
    other = model_with(LinearSARSALambda, x, gamma=0.9, learning_rate=0.1, lambda_=lambda_, trace="accumulating")
    assert lambda_ == 0 or run_episode(other, x, r, 0.9) != pytest.approx(online_lambda_return(x, r, 0.9, lambda_, 0.1), abs=1e-3)


# -------------------------------------------------------------------------------------------------------------- fixed points and Baird
FOUR = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.5], [0.2, 1.0], [1.0, 0.3], [0.0, 0.4]])


def test_lstd_finds_the_td_fixed_point_of_the_steps_that_it_saw():
    """Feeding every transition as often as it happens makes the sample the model: A w = b to rounding, but for ε."""
    model = model_of(walk())
    pi = np.full((7, 2), 0.5)
    system = LinearSystem(model, FOUR, pi, 0.9)
    learner = model_with(LSTD, FOUR, epsilon=1e-10)
    P = walk().P
    for s, a in itertools.product(range(7), range(2)):
        for p, s_next, r, end in P[s][a]:
            teach(learner, FOUR[s], r, FOUR[s_next], discount=0.0 if end else 0.9, rho=100 * system.mu[s] * 0.5 * p)
    assert learner.w[0] == pytest.approx(system.td_fixed_point, abs=1e-6)


def test_lstd_and_td_arrive_at_the_fixed_point_by_playing():
    system = LinearSystem(model_of(walk()), FOUR, np.full((7, 2), 0.5), 1.0)
    kwargs = {"gamma": 1.0, "features": Tabulated, "features_kwargs": {"table": FOUR}, "seeds": range(4)}
    lstd = LSTD("LinearPolicy", vectorised(walk), **kwargs).learn(4000)
    assert system.value_error(lstd.w.mean(0)) == pytest.approx(system.value_error(system.td_fixed_point), abs=0.01)
    assert lstd.w.mean(0) == pytest.approx(system.td_fixed_point, abs=0.1)


def mean_update(learner, w, v, kwargs):
    """The mean change of (w, v) over all steps from μ on Baird's MDP, [8] each, by the class's own update."""
    env, total = Baird(), np.zeros((2, 8))
    for s, a in itertools.product(range(7), range(2)):
        for p, s_next, r, _ in env.P[s][a]:
            model = model_with(learner, env.features, gamma=env.gamma, **kwargs)
            model.w[:], before = w, np.array([w, v])
            if hasattr(model, "v"):
                model.v[:] = v
            teach(model, env.features[s], r, env.features[s_next], env.gamma, rho=env.pi[a] / env.behaviour[a])
            after = np.array([model.w[0], model.v[0] if hasattr(model, "v") else v])
            total += (after - before) * env.behaviour[a] * p / 7
    return total


def test_expected_updates_are_the_means_of_the_sampled_ones():
    env = Baird()
    system = LinearSystem(model_of(env), env.features, env.pi, env.gamma, env.behaviour)
    w, v = env.first_weights, np.linspace(-1, 1, 8)
    assert system.mu == pytest.approx(np.full(7, 1 / 7))
    assert w + mean_update(SemiGradientTD, w, v, {"learning_rate": 0.01})[0] == pytest.approx(system.td_step(w, 0.01))
    for learner, step in ((GTD2, system.gtd2_step), (TDC, system.tdc_step)):
        new_w, new_v = np.array([w, v]) + mean_update(learner, w, v, {"learning_rate": 0.005, "beta": 0.05})
        expected_w, expected_v = step(w, v, 0.005, 0.05)
        assert new_w == pytest.approx(expected_w) and new_v == pytest.approx(expected_v)


def test_on_baird_s_mdp_td_diverges_and_gradient_and_emphatic_td_do_not():
    """S&B Figures 11.2, 11.5 and 11.6. √VE of dynamic programming after 100 sweeps also by a loop that shares nothing with the system."""
    env = Baird()
    system = LinearSystem(model_of(env), env.features, env.pi, env.gamma, env.behaviour)
    w = env.first_weights.copy()
    for _ in range(100):
        value = env.features @ w
        w = w + 0.01 / 7 * sum((0.99 * value[6] - value[s]) * env.features[s] for s in range(7))
    assert np.sqrt(((env.features @ w) ** 2).mean()) == pytest.approx(19.5455, abs=1e-4)
    td = env.first_weights.copy()
    for _ in range(100):
        td = system.td_step(td, 0.01)
    assert td == pytest.approx(w)

    for step in (system.gtd2_step, system.tdc_step):
        w, v = env.first_weights, np.zeros(8)
        for _ in range(1000):
            w, v = step(w, v, 0.005, 0.05)
        assert system.projected_bellman_error(w) < 0.01 and system.value_error(w) > 1.9
    w, m = env.first_weights, system.mu
    for _ in range(500):
        w, m = system.emphatic_td_step(w, m, 0.03)
    assert system.value_error(w) < 1e-5


def test_sampled_td_diverges_and_sampled_tdc_does_not():
    kwargs = {"gamma": 0.99, "pi": Baird.pi, "behaviour": Baird.behaviour, "features": Tabulated, "features_kwargs": {"table": Baird.features}}
    td, tdc = (learner("LinearPolicy", vectorised(Baird), seeds=[0, 1], learning_rate=0.005, **kwargs) for learner in (SemiGradientTD, TDC))
    for model in (td, tdc):
        model.w[:] = Baird.first_weights
        model.learn(2000)
    assert (np.abs(td.w).max(-1) > 100).all() and (np.abs(tdc.w).max(-1) < 12).all()


@pytest.mark.parametrize(("gamma", "end"), [(0.99, 0.1), (0.8, 0.1), (0.95, 0.2)])
def test_tsitsiklis_and_van_roy_s_best_fit_grows_by_the_known_factor(gamma, end):
    """S&B eq. (11.10): w ← (6 − 4ε) γ w / 5, both states counting alike."""
    env = WToTwoW(end)
    system = LinearSystem(model_of(env), env.features, np.ones((2, 1)), gamma, mu=np.full(2, 0.5))
    target = system.bellman_error(np.ones(1)) + system.X[:, 0]
    fit = np.linalg.lstsq(system.X, target, rcond=None)[0][0]
    assert fit == pytest.approx((6 - 4 * end) * gamma / 5) and (fit > 1) == (gamma > 5 / (6 - 4 * end))


def test_visits_are_the_on_policy_distribution():
    """Two states in a row, the second left with ½: one visit of the first, two of the second. Baird's behaviour visits all states alike."""
    chain = FiniteMDP([[[(1.0, 1, 0.0, False)]], [[(0.5, 1, 0.0, False), (0.5, 1, 0.0, True)]]])
    assert visits(model_of(chain), np.ones((2, 1))) == pytest.approx([1 / 3, 2 / 3])


# ------------------------------------------------------------------------------------------------------------------------ environments
def test_the_long_walk_is_the_book_s():
    """S&B Example 9.1: values about −0.92 at the left end; of a walk of three states with jumps of one: −½, 0, ½."""
    env = LongWalk()
    assert env.P[0][0] == [(1.0, 0, -1.0, True)] and len(env.P[0][1]) == 100
    assert env.P[950][1][-1] == (0.51, 950, 1.0, True) and sum(o[0] for o in env.P[950][1]) == pytest.approx(1)
    assert env.initial_state_distrib.argmax() == 499
    assert model_of(LongWalk(3, 1)).solve(np.full((3, 2), 0.5), 1.0) == pytest.approx([-0.5, 0, 0.5])


def test_the_best_average_reward_of_access_control_is_2_748_and_of_a_known_chain_what_it_is():
    model = model_of(AccessControl())
    optimum, q = best_average_reward(model.p, model.r)
    accept = (q[:, 1] > q[:, 0] + 1e-9).reshape(11, 4)
    assert optimum == pytest.approx(2.7476, abs=1e-4)
    assert not accept[:, 0].any() and accept[:, 1].argmax() == 4 and accept[1:, 2:].all()
    lazy = model_of(FiniteMDP([[[(0.5, 0, 1.0, False), (0.5, 1, 1.0, False)]], [[(0.5, 0, 3.0, False), (0.5, 1, 3.0, False)]]]))
    assert best_average_reward(lazy.p, lazy.r)[0] == pytest.approx(2)


def test_access_control_counts_servers():
    """Ten free, priority 8 accepted: one is busy and becomes free with 0.06."""
    outcomes = AccessControl().P[10 * 4 + 3][1]
    assert {reward for _, _, reward, _ in outcomes} == {8.0}
    assert sum(p for p, s, _, _ in outcomes if s // 4 == 10) == pytest.approx(0.06) and sum(p for p, *_ in outcomes) == pytest.approx(1)
    assert AccessControl().P[2][1] == AccessControl().P[2][0]  # nobody can be accepted where no server is free


def test_the_book_s_mountain_car_has_no_time_limit():
    env = gym.make("from_scratch/MountainCar-v0")
    env.reset(seed=0)
    assert all(not env.step(1)[3] for _ in range(300))
    assert -0.6 <= env.reset(seed=1)[0][0] <= -0.4 and type(env.unwrapped).__name__ == "MountainCarEnv"


# -------------------------------------------------------------------------------------------------------------- termination and limits
@pytest.mark.parametrize("learner", [cls for cls in EVERY if cls not in (DifferentialSARSA, LSTD, GTD2, TDC, EmphaticTD)])
def test_termination_stops_the_bootstrap_and_a_time_limit_does_not(learner):
    """Reward 1 a step, γ = ½. For ever: V = 2, whatever the time limit; ending at once: V = 1."""
    cut, died = (
        learner("LinearPolicy", env, gamma=0.5, learning_rate=0.1, seed=0).learn(400) for env in (TimeLimit(geometric_chain(0.0), 3), geometric_chain(1.0))
    )
    assert cut.values[0] == pytest.approx(2, abs=0.01) and died.values[0] == pytest.approx(1, abs=0.01)


def test_the_successor_at_a_time_limit_is_the_state_that_was_cut():
    """State 0 leads to state 1 for nothing, cut after one step. v̂(1) is 2 from the start, so v(0) = ½·2; the next episode's first state is worth 0."""
    chain = FiniteMDP([[[(1.0, 1, 0.0, False)]], [[(1.0, 1, 1.0, False)]]])
    model = SemiGradientTD("LinearPolicy", TimeLimit(chain, 1), gamma=0.5, learning_rate=0.5)
    model.w[:] = [[0, 2]]
    assert model.learn(50).values.tolist() == pytest.approx([1, 2])


# ------------------------------------------------------------------------------------------------------------------------- SB3's ways
def small(learner, **kwargs):
    kwargs = {"gamma": 0.9, **kwargs}
    if "gamma" in learner.fixed:
        del kwargs["gamma"]
    if "learning_rate" not in learner.fixed:
        kwargs = {"learning_rate": 0.05, **kwargs}
    return learner("LinearPolicy", kwargs.pop("env", walk), **kwargs)


@pytest.mark.parametrize("learner", EVERY)
def test_a_seed_in_a_stack_is_the_seed_alone_and_a_member_goes_on_as_it_would(learner):
    stack, block = small(learner, seeds=[1, 3]).learn(150), small(learner, seeds=[1, 3], env=vectorised(walk)).learn(150)
    alone, process = small(learner, seeds=[3]).learn(150), small(learner, seed=3, env=walk()).learn(150)
    assert np.array_equal(stack.w[1], alone.w[0]) and np.array_equal(block.w, stack.w) and np.array_equal(process.w, alone.w)
    assert stack.w.any() and not np.array_equal(stack.w[0], stack.w[1])
    member = stack.member(1)
    for model in (member, alone):
        model.learn(100, reset_num_timesteps=False)
    assert np.array_equal(member.w, alone.w)


@pytest.mark.parametrize("learner", EVERY)
def test_continuing_from_a_file_equals_never_having_stopped(learner, tmp_path):
    model = small(learner, seeds=[3, 4]).learn(151)
    model.save(tmp_path / "model")
    loaded = learner.load(tmp_path / "model", env=copy.deepcopy(model.env), force_reset=False)
    before = model.w.copy()
    assert np.array_equal(loaded.w, before)
    for each in (model, loaded):
        each.learn(150, reset_num_timesteps=False)
    assert np.array_equal(loaded.w, model.w) and not np.array_equal(before, model.w)
    states = np.tile(np.arange(7), 2)
    assert np.array_equal(learner.load(tmp_path / "model").predict(states, deterministic=True)[0].shape, (14,))


def test_a_policy_file_holds_the_weights_and_what_they_belong_to(tmp_path):
    model = small(SemiGradientSARSA, env=gym.make("MountainCar-v0"), seed=0, features="tile_coding", features_kwargs={"n_tilings": 4}).learn(300)
    model.policy.save(tmp_path / "policy.pt")
    obs = np.array([[-0.5, 0.0], [0.2, 0.01]], np.float32)
    loaded = LinearPolicy.load(tmp_path / "policy.pt")
    assert np.array_equal(loaded.values(obs), model.policy.values(obs)) and np.array_equal(*(p.predict(obs, deterministic=True)[0] for p in (loaded, model)))


def test_a_prediction_s_predict_is_the_policy_that_was_given():
    pi = np.tile([0.9, 0.1], (7, 1))
    model = small(SemiGradientTD, seed=0, env=walk(), pi=pi)
    actions = model.predict(np.zeros(2000, int))[0]
    assert actions.mean() == pytest.approx(0.1, abs=0.03) and not model.predict(np.zeros(50, int), deterministic=True)[0].any()


def test_the_values_of_a_function_of_observations_are_learnt_on_a_box():
    """CartPole's values of a policy that is a function: episodes of about ten steps, so v(start) ≈ (1 − γⁿ)/(1 − γ) for γ = 0.5 is nearly 2."""
    left = lambda obs: np.tile([1.0, 0.0], (len(obs), 1))
    bounds = [(-2.4, 2.4), (-3, 3), (-0.25, 0.25), (-3, 3)]
    model = SemiGradientTD(
        "LinearPolicy", "CartPole-v1", seeds=[0], gamma=0.5, learning_rate=0.1, pi=left, features=Fourier, features_kwargs={"order": 1, "bounds": bounds}
    )
    model.learn(1500)
    assert model.policy.values(np.zeros((1, 4), np.float32))[0] == pytest.approx(2, abs=0.1)
    assert not model.predict(np.zeros((20, 4), np.float32))[0].any()


def test_off_policy_td_learns_the_target_s_values_from_another_policy():
    """Always right on the walk of seven, from steps that go either way: v = 1 everywhere at γ = 1. On-policy values would be between −1 and 1."""
    model = SemiGradientTD("LinearPolicy", vectorised(walk), seeds=range(5), gamma=1.0, learning_rate=0.05, pi=np.ones(7, int), behaviour=[0.5, 0.5])
    assert model.learn(6000).values.mean(0) == pytest.approx(np.ones(7), abs=0.1)


def test_one_step_size_for_each_seed():
    swept = small(SemiGradientTD, seeds=[1, 2], learning_rate=[0.05, 0.2]).learn(200)
    for k, (seed, alpha) in enumerate(((1, 0.05), (2, 0.2))):
        assert np.array_equal(swept.w[k], small(SemiGradientTD, seeds=[seed], learning_rate=alpha).learn(200).w[0])


def test_the_history_has_the_weights_after_the_episodes_that_were_asked_for():
    model = small(GradientMC, seeds=[0, 1])
    model.keep_history([1, 3, 10_000])
    at_ends = []

    def watch(local, _):
        at_ends.append((len(model.ep_info_buffers[0]), model.w[0].copy()))
        return True

    model.learn(200, callback=watch)
    third = next(w for n, w in at_ends if n == 3)
    assert np.array_equal(model.history.w[0, 1], third) and not np.array_equal(model.history.w[0, 0], third) and np.isnan(model.history.w[:, 2]).all()


def test_logs_have_sb3_s_keys_and_a_stack_s_name_the_seed():
    class Lines(KVWriter):
        def __init__(self):
            self.last = {}

        def write(self, key_values, key_excluded, step=0):
            self.last = dict(key_values)

    for learner, more in ((SemiGradientTD, set()), (SemiGradientSARSA, {"rollout/exploration_rate"})):
        lines, model = Lines(), small(learner, seeds=[3, 7])
        model.set_logger(Logger(None, [lines]))
        model.learn(400, log_interval=5)
        assert {"rollout/ep_rew_mean@3", "train/td_error@7", "train/learning_rate", "time/fps", "time/episodes"} | more <= set(lines.last)
        assert lines.last["train/td_error@3"] > 0


@pytest.mark.parametrize(
    ("learner", "kwargs", "message"),
    [
        (SemiGradientTD, {"pi": [0.5, 0.6]}, r"pi has the shape \(2,\).*sum to 1"),
        (SemiGradientTD, {"pi": [1.0, 0.0], "behaviour": [0.0, 1.0]}, r"pi takes an action that behaviour never does|pi takes an action that behaviour never"),
        (NStepSemiGradientTD, {"n_steps": 0}, "n_steps=0"),
        (LinearSARSALambda, {"trace": "replace"}, "trace='replace': there are accumulating, replacing"),
        (TrueOnlineSARSALambda, {"lambda_": 1.5}, "lambda_=1.5"),
        (LSTD, {"epsilon": 0.0}, "epsilon=0.0"),
        (SemiGradientSARSA, {"exploration_final_eps": 2}, "exploration_final_eps=2"),
        (SemiGradientSARSA, {"n_envs": 2, "seeds": [0]}, "SemiGradientSARSA plays one environment per seed, but 2 were given"),
        (SemiGradientSARSA, {"env": "CartPole-v1"}, "TileCoding needs finite bounds; number 1"),
        (SemiGradientSARSA, {"env": "Pendulum-v1"}, "SemiGradientSARSA needs a Discrete action space"),
        (SemiGradientSARSA, {"env": "Blackjack-v1"}, "needs a Discrete or MultiDiscrete observation space|needs a Box, Discrete or MultiDiscrete"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(learner, kwargs, message):
    with pytest.raises(ValueError, match=message) as error:
        small(learner, **{"env": walk(), **kwargs} if "seeds" not in kwargs else kwargs).learn(5)
    assert "\n" not in str(error.value)


def test_tables_are_a_special_case():
    """One-hot features: the grid's values as Q-learning's and Sarsa's tables have them, V*(0) = γ, V*(1) = V*(2) = 1."""
    model = LinearWatkinsQLambda("LinearPolicy", two_by_two_grid(), gamma=0.5, learning_rate=0.5, lambda_=0.5, exploration_initial_eps=1.0,
                                 exploration_final_eps=1.0, seed=0).learn(800)  # fmt: skip
    assert model.values[:3] == pytest.approx([0.5, 1, 1], abs=1e-3)
    assert model.q_table.shape == (4, 4)


# ------------------------------------------------------------------------------------------------------------------- the compiled loop
CAR = {"features": TileCoding, "features_kwargs": {"bounds": [(-1.2, 0.5), (-0.07, 0.07)]}, "env": vectorised("from_scratch/MountainCar-v0"), "gamma": 1.0}


def compiled_equals_stepwise(learner, steps, **kwargs):
    models = []
    for worth in (10**9, 0):
        model = small(learner, seeds=[2, 5], stats_window_size=10**6, **kwargs)
        model.compile_from = worth
        model.keep_history([1, 2])
        model.learn(steps, log_interval=None).learn(57, log_interval=None, reset_num_timesteps=False)
        assert (model._loop is None) == (worth > 0)
        models.append(model)
    a, b = models
    episodes = [[[(episode["r"], episode["l"]) for episode in buffer] for buffer in model.ep_info_buffers] for model in models]
    assert episodes[0] == episodes[1] and sum(map(len, episodes[0])) > 2
    assert np.array_equal(a.w, b.w) and np.array_equal(a._last_obs, b._last_obs) and np.array_equal(a.history.w, b.history.w, equal_nan=True)
    assert a.num_timesteps == b.num_timesteps and a._episode_num == b._episode_num and a._abs_error == pytest.approx(b._abs_error)
    assert all(np.array_equal(a.memory[name], b.memory[name]) for name in a.memory if name not in ("index", "value", "r", "rho"))


def test_the_compiled_loop_is_the_stepwise_run_to_the_bit():
    """On a table, off-policy, with a step size that falls and a time limit that cuts."""
    compiled_equals_stepwise(
        SemiGradientTD, 400, env=vectorised(lambda: TimeLimit(walk(), 5)), learning_rate=lambda left: 0.1 * left, pi=[0.7, 0.3], behaviour=[0.5, 0.5]
    )


def test_the_compiled_loop_drives_the_car_to_the_bit():
    compiled_equals_stepwise(LinearSARSALambda, 2500, learning_rate=0.1, exploration_initial_eps=0.3, exploration_final_eps=0.0, **CAR)


@pytest.mark.slow
@pytest.mark.parametrize("learner", EVERY)
def test_every_compiled_loop_is_the_stepwise_run_to_the_bit(learner):
    compiled_equals_stepwise(learner, 400, env=vectorised(lambda: TimeLimit(walk(), 5)), **({"exploration_initial_eps": 0.5} if learner in CONTROL else {}))


def test_with_a_callback_every_step_is_seen():
    model, seen = small(SemiGradientTD, seeds=[0], env=vectorised(walk)), []
    model.compile_from = 0
    model.learn(30, callback=lambda local, _: seen.append(1) is None)
    assert len(seen) == 30
