"""Updates of temporal-difference methods by hand, and the identities that hold between them."""

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return
from from_scratch.core.tabular.segments import Segment
from from_scratch.core.tabular.tables import epsilon_greedy, expectation
from from_scratch.envs import FiniteMDP, two_by_two_grid
from from_scratch.envs.vector import vectorised
from from_scratch.monte_carlo.prediction import EveryVisitMCPrediction
from from_scratch.registry import load
from from_scratch.temporal_difference.sarsa import SARSA
from from_scratch.temporal_difference.td0 import TD0

GRID = two_by_two_grid


def ready(id, **kwargs):
    """A model that has begun, α = ½, with Q(0, ·) = [0, 2, 0, 0] and Q(1, ·) = [4, 10, 0, 0], or V = [2, 10, 0, 0]."""
    model = load(id)("TabularPolicy", GRID(), **{"learning_rate": 0.5, "gamma": 0.9, **kwargs}).learn(1)
    if hasattr(model, "V"):
        model.V[:] = [2, 10, 0, 0]
    else:
        model.Q[:] = [[0, 2, 0, 0], [4, 10, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    return model


def one(*values):
    return [np.array([value]) for value in values]


def segment(s, a, r, s_end, ended=False, b=None, over=False, gamma=0.9):
    """Steps of one seed, oldest first; `ended` if the last of them terminated, `over` if all are to be learnt from."""
    columns = (s, a, r, [gamma] * (len(s) - 1) + [0.0 if ended else gamma], b or [1.0] * len(s))
    s, a, r, discount, b = (np.array(x)[:, None] for x in columns)
    return Segment(np.array([0]), 0, s, a, r.astype(float), discount, b, np.array([s_end]), np.array([0]), over)


# --------------------------------------------------------------------------------------------------------------------- one step
def test_td0():
    """V(0) = 2, R = 3, V(1) = 10: 2 + ½ (3 + 9 − 2) = 7, and without the bootstrap 2 + ½ (3 − 2) = 2.5."""
    model = ready("td0")
    model.update(*one(0, 3.0, 1, 0.9))
    assert model.values.tolist() == [7, 10, 0, 0]
    model = ready("td0")
    model.update(*one(0, 3.0, 1, 0.0))
    assert model.values[0] == 2.5


def test_expected_sarsa():
    """ε = 0.4: Σ π Q(1, ·) = 0.7 · 10 + 0.1 · 4 = 7.4; 2 + ½ (3 + 0.9 · 7.4 − 2) = 5.83."""
    model = ready("expected_sarsa")
    model.exploration_rate = 0.4
    model.update(*one(0, 1, 3.0, 1, 0.9))
    assert model.q_table[0, 1] == pytest.approx(5.83)


def test_expected_sarsa_shares_the_greedy_probability_among_equals():
    pi = epsilon_greedy(np.array([1.0, 3.0, 3.0, -np.inf]), 0.3)
    assert pi == pytest.approx([0.1, 0.45, 0.45, 0])
    assert expectation(pi, np.array([1.0, 3.0, 3.0, -np.inf])) == pytest.approx(2.8)


def test_double_q_learning_takes_the_action_from_one_table_and_its_value_from_the_other():
    """Q1(1, ·) is largest at action 1, where Q2 is 6: Q1(0, 1) = 2 + ½ (3 + 0.9 · 6 − 2) = 5.2. The mean with Q2(0, 1) = 0 is 2.6."""
    model = ready("double_q_learning")
    model.Q12[0, 0], model.Q12[0, 1] = model.Q, 0
    model.Q12[0, 1, 1] = [8, 6, 0, 0]
    model.update(*one(0, 1, 3.0, 1, 0.9, 0))
    assert model.Q12[0, 0, 0, 1] == pytest.approx(5.2) and model.Q12[0, 1, 0, 1] == 0 and model.q_table[0, 1] == pytest.approx(2.6)
    model.update(*one(0, 1, 3.0, 1, 0.9, 1))  # Q2's best is action 0, worth 4 to Q1: 0 + ½ (3 + 3.6)
    assert model.Q12[0, 1, 0, 1] == pytest.approx(3.3)


def test_double_q_learning_acts_on_the_mean_of_both_tables():
    """After every update Q is (Q1 + Q2)/2, and with ε = 0 only its best action is taken."""
    lake, best_taken = gym.make("FrozenLake-v1", is_slippery=False), []
    model = load("double_q_learning")("TabularPolicy", lake, seed=0, learning_rate=0.5, exploration_initial_eps=0.0, exploration_final_eps=0.0)

    def watch(local, _):
        mean = local["self"].Q12[0, :, local["self"].state[0, 0]].mean(0)
        best_taken.append(mean[local["actions"][0, 0]] == mean.max())
        return True

    model.learn(3000, callback=watch)
    assert all(best_taken) and model.Q.any() and np.array_equal(model.Q, model.Q12.mean(1))


# -------------------------------------------------------------------------------------------------------------------- n steps
def test_n_step_td():
    """From 0 by rewards 1, 2 to 1: 1 + 1.8 + 0.81 · 10 = 10.9; 2 + ½ (10.9 − 2) = 6.45. Ended: 2.8, so 2.4."""
    for ended, value in ((False, 6.45), (True, 2.4)):
        model = ready("n_step_td", n_steps=2)
        model.update(segment([0, 2], [0, 0], [1, 2], 1, ended))
        assert model.values == pytest.approx([value, 10, 0, 0])


def test_the_tail_is_learnt_from_when_the_episode_is_over_oldest_first():
    """0, 2, 0 by rewards 1, 2, 4, and the end, n = 3: returns 6.04, 5.6, 4. V(0) = 2 → 4.02 → 4.01, V(2) = 2.8."""
    model = ready("n_step_td", n_steps=3)
    model.update(segment([0, 2, 0], [0, 0, 0], [1, 2, 4], 1, ended=True, over=True))
    assert model.values == pytest.approx([4.01, 10, 2.8, 0])


def test_which_steps_are_learnt_from_when():
    """A corridor of 5 steps, n = 3: time τ is updated with the steps up to min(τ + n, T)."""
    corridor = FiniteMDP([[[(1.0, min(s + 1, 4), float(s), s == 4)]] for s in range(5)])
    seen, model = [], load("n_step_td")("TabularPolicy", corridor, n_steps=3)
    model.update = lambda steps: seen.append((steps.s[:, 0].tolist(), int(steps.s_end[0]), [k for k, _ in steps.learnt()]))
    model.learn(10)
    assert seen == [([0, 1, 2], 3, [0]), ([1, 2, 3], 4, [0]), ([2, 3, 4], 4, [0, 1, 2])] * 2


def test_n_step_sarsa():
    """1 + 1.8 + 0.81 Q(1, 0) = 6.04; 2 + ½ (6.04 − 2) = 4.02."""
    model = ready("n_step_sarsa", n_steps=2)
    model.update(segment([0, 2], [1, 0], [1, 2], 1), *one(0))
    assert model.q_table[0, 1] == pytest.approx(4.02)


def test_off_policy_n_step_sarsa_weighs_the_error_by_the_later_actions_only():
    """π is greedy, ties shared: π(0|2) = ¼ and b = ½; at the end π(1|1) = 1, b = 0.8. ρ = ½ · 1.25; 2 + ½ ρ (2.8 + 8.1 − 2). An A at the
    end that π never takes: no update. At the end of an episode there is none."""
    for a_end, b_end, ended, value in ((1, 0.8, False, 2 + 0.5 * 0.625 * 8.9), (0, 0.1, False, 2), (0, 0.1, True, 2 + 0.5 * 0.5 * 0.8)):
        model = ready("off_policy_n_step_sarsa", n_steps=2)
        model.update(segment([0, 2], [1, 0], [1, 2], 1, ended, b=[0.3, 0.5]), *one(a_end, b_end))
        assert model.q_table[0, 1] == pytest.approx(value)


def test_tree_backup():
    """ε = 0.4 for π. V̄(1) = 7.4; G of the second step = 2 + 0.9 · 7.4 = 8.66. In state 2 all Q are 0 and π(0|2) = ¼: 1 + 0.9 · ¼ · 8.66."""
    model = ready("tree_backup", n_steps=2, target_eps=0.4)
    model.update(segment([0, 2], [1, 0], [1, 2], 1))
    assert model.q_table[0, 1] == pytest.approx(2 + 0.5 * (1 + 0.9 * 0.25 * 8.66 - 2))


def test_q_sigma():
    """As tree backup, with (σ ρ + (1 − σ) π)(G − Q) + V̄ in state 2, ρ = ¼ / ½: σ = ½ gives ⅜ · 8.66."""
    model = ready("q_sigma", n_steps=2, target_eps=0.4, sigma=0.5)
    model.update(segment([0, 2], [1, 0], [1, 2], 1, b=[1.0, 0.5]))
    assert model.q_table[0, 1] == pytest.approx(2 + 0.5 * (1 + 0.9 * 0.375 * 8.66 - 2))


def test_q_1_on_greedy_actions_is_n_step_sarsa():
    """Through state 1 by its greedy action: control variates and expectations vanish."""
    values = []
    for id, more in (("q_sigma", ()), ("n_step_sarsa", one(1))):
        model = ready(id, n_steps=3, **({"sigma": 1.0} if id == "q_sigma" else {}))
        model.update(segment([0, 1, 1], [1, 1, 1], [1, 2, 3], 1), *more)
        values.append(model.q_table[0, 1])
    assert values[0] == pytest.approx(values[1]) and values[0] != 2


# ---------------------------------------------------------------------------------------------------------------------- batches
def test_batch_td_and_batch_mc_answer_example_6_4_differently():
    """Example 6.4, "you are the predictor": A 0 B 0 once, B 1 six times, B 0 once. V(B) = ¾; for A batch TD says ¾, Monte Carlo 0."""
    start = [1 / 8, 7 / 8, 0]
    env = FiniteMDP([[[(1.0, 1, 0.0, False)]], [[(0.5, 2, 1.0, True), (0.5, 2, 0.0, True)]], [[(1.0, 2, 0.0, True)]]], start)

    class Scripted(gym.Wrapper):
        def reset(self, **kwargs):
            self.env.reset(**kwargs)
            self.unwrapped.s, self.last = next(self.script, (1, 0.0))
            return self.unwrapped.s, {}

        def step(self, action):
            s, r, terminated, truncated, info = self.env.step(action)
            return s, self.last if terminated else r, terminated, truncated, info

    answers = {}
    for id in ("batch_td", "batch_mc"):
        for exact in (True, False):
            scripted = Scripted(env)
            scripted.script = iter([(0, 0.0), *[(1, 1.0)] * 6, (1, 0.0)])
            answers[id, exact] = load(id)("TabularPolicy", scripted, gamma=1.0, exact=exact).learn(9).values[:2]
    assert all(answers["batch_td", exact] == pytest.approx([0.75, 0.75], abs=1e-7) for exact in (True, False))
    assert all(answers["batch_mc", exact] == pytest.approx([0, 0.75], abs=1e-7) for exact in (True, False))


def test_batch_mc_is_the_mean_return_of_every_visit():
    """0 → 0 → 1 → end with rewards 1, 2, 4, γ = ½: returns 3 and 4 from state 0, 4 from state 1."""
    model = load("batch_mc")("TabularPolicy", GRID(), gamma=0.5).learn(1)
    model.visits[:], model.rewards[:] = 0, 0
    episode = segment([0, 0, 1], [0, 0, 0], [1, 2, 4], 2, ended=True, over=True, gamma=0.5)
    model.segments = lambda step: iter([episode])
    model.iterate()
    assert model.values[:2] == pytest.approx([3.5, 4], abs=1e-7)


def test_a_batch_step_size_that_would_not_converge_is_refused():
    with pytest.raises(ValueError, match=r"learning_rate=1.5: give a number above 0 and up to 1"):
        load("batch_td")("TabularPolicy", GRID(), learning_rate=1.5)
    with pytest.raises(ValueError, match=r"batch updating converges for a constant"):
        load("batch_td")("TabularPolicy", GRID(), learning_rate=lambda progress: progress)


# ------------------------------------------------------------------------------------------------- identities, on random problems
def random_mdp(seed, n_states=4, n_actions=2):
    """Rewards in [−1, 1]; every step ends the episode with probability 0.2 or so."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(n_states + 1), (n_states, n_actions)) * 0.8
    chances[..., -1] += 0.2
    return FiniteMDP(
        [[[(float(p), min(s, n_states - 1), float(rng.uniform(-1, 1)), s == n_states) for s, p in enumerate(row)] for row in rows] for rows in chances]
    )


def learnt(id, seed, steps=60, **kwargs):
    model = load(id)("TabularPolicy", vectorised(lambda: random_mdp(seed)), seeds=[seed, seed + 1], **{"gamma": 0.9, "learning_rate": 0.3, **kwargs})
    model.learn(steps)
    return model.V if hasattr(model, "V") else model.Q


EXPLORING = {"exploration_initial_eps": 0.3, "exploration_final_eps": 0.3}
UNIFORM = {"exploration_initial_eps": 1.0, "exploration_final_eps": 1.0}
SAME = [  # (one method, another): the same numbers from the same steps
    (("n_step_td", {"n_steps": 1}), ("td0", {})),
    (("td_lambda", {"lambda_": 0.0}), ("td0", {})),
    (("true_online_td_lambda", {"lambda_": 0.0}), ("td0", {})),
    (("n_step_td", {"n_steps": 1000}), ("offline_lambda_return", {"lambda_": 1.0})),
    (("n_step_sarsa", {"n_steps": 1, **EXPLORING}), ("sarsa", EXPLORING)),
    (("sarsa_lambda", {"lambda_": 0.0, **EXPLORING}), ("sarsa", EXPLORING)),
    (("q_sigma", {"sigma": 0.0, "n_steps": 3, **EXPLORING}), ("tree_backup", {"n_steps": 3, **EXPLORING})),
    (("q_sigma", {"sigma": 0.7, "n_steps": 1, "target_eps": 0.3, **EXPLORING}), ("expected_sarsa", EXPLORING)),
    (("tree_backup", {"n_steps": 1, **EXPLORING}), ("q_learning", EXPLORING)),
    (("off_policy_n_step_sarsa", {"n_steps": 3, "target_eps": 1.0, **UNIFORM}), ("n_step_sarsa", {"n_steps": 3, **UNIFORM})),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=lambda method: method[0])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_methods_that_are_the_same_learn_the_same(one, other, seed):
    assert learnt(one[0], seed, **one[1]) == pytest.approx(learnt(other[0], seed, **other[1]), abs=1e-12)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_n_step_td_with_an_endless_n_is_constant_alpha_monte_carlo(seed):
    """To the first order in α: Monte Carlo goes through an episode backwards, n-step TD forwards."""
    env, α = vectorised(lambda: random_mdp(seed)), 1e-7
    mc = EveryVisitMCPrediction("TabularPolicy", env, seeds=[seed], gamma=0.9, learning_rate=α, learning_rate_decay=0.0).learn(60)
    n_step = load("n_step_td")("TabularPolicy", env, seeds=[seed], gamma=0.9, learning_rate=α, n_steps=1000).learn(60)
    assert n_step.values / α == pytest.approx(mc.values / α, abs=1e-4) and np.abs(mc.values).max() > 0


# ------------------------------------------------------------------------------------------------------------------- convergence
SLOW = ("n_step_td", "true_online_td_lambda", "offline_lambda_return")


@pytest.mark.parametrize("id", ["td0", "td_lambda", *(pytest.param(id, marks=pytest.mark.slow) for id in SLOW)])
def test_prediction_finds_the_values_of_the_policy(id):
    """100 seeds, each with noise left: their mean is V_π."""
    env, pi = random_mdp(5), np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0], [0.3, 0.7]])
    model = load(id)("TabularPolicy", vectorised(lambda: env), seeds=range(100), pi=pi, gamma=0.9, learning_rate=0.05).learn(800, log_interval=None)
    se = model.values.std(0) / 10
    assert (np.abs(model.values.mean(0) - model_of(env).solve(pi, 0.9)) < 5 * se + 0.01).all() and se.max() < 0.02


SLOW_CONTROL = ("tree_backup", "q_sigma", "off_policy_n_step_sarsa")


@pytest.mark.parametrize("id", ["double_q_learning", "watkins_q_lambda", *(pytest.param(id, marks=pytest.mark.slow) for id in SLOW_CONTROL)])
def test_falling_steps_lead_to_the_best_values_where_everything_is_tried(id):
    """Robbins–Monro steps 1/n^0.7 and a behaviour that never stops exploring; the policy that is learnt is the greedy one."""
    env, model = random_mdp(5), model_of(random_mdp(5))
    q = np.zeros(model.r.shape)
    for _ in range(200):
        q = model.backup(q.max(-1), 0.9)
    kwargs = {"learning_rate": 1.0, "learning_rate_decay": 0.7, "gamma": 0.9, "exploration_initial_eps": 0.5, "exploration_final_eps": 0.5}
    learner = load(id)("TabularPolicy", vectorised(lambda: env), seeds=range(40), **kwargs).learn(3000, log_interval=None)
    se = learner.Q.std(0) / 40**0.5
    assert (np.abs(learner.Q.mean(0) - q) < 4 * se + 0.03).all() and se.max() < 0.05


def test_control_finds_the_way_on_the_windy_grid():
    env = gym.make("from_scratch/KingsWindyGridworld-v0").unwrapped
    model = SARSA("TabularPolicy", vectorised("from_scratch/KingsWindyGridworld-v0"), seeds=range(5), learning_rate=0.3, gamma=1.0)
    model.learn(8000, log_interval=None)
    returns = [expected_return(env, q.argmax(-1), horizon=100) for q in model.q_table]
    assert max(returns) >= -9 and expected_return(env, np.zeros(70, dtype=int), horizon=100) == -100


def test_td0_hears_of_no_action_that_the_policy_does_not_take():
    pi = np.zeros((4, 4))
    pi[:, 3] = 1  # right: from 0 to 1, where it stays
    model = TD0("TabularPolicy", vectorised(GRID), seeds=[0, 1], pi=pi, initial_value=1.0).learn(100)
    assert (model.values[:, 2:] == 1).all() and (model.values[:, :2] < 1).all()
