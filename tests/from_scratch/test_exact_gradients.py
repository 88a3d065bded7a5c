"""Policy gradients without sampling: by hand, against finite differences, and what follows from them; and the two classes that climb them."""

import numpy as np
import pytest

from from_scratch.core.exact.gradients import advantages, fisher, objective, performance_difference, policy_gradient, values, weights
from from_scratch.core.exact.mdp import Model, model_of
from from_scratch.core.exact.values import optimal_values
from from_scratch.core.tabular.softmax import softmax
from from_scratch.envs import FiniteMDP, RandomMDP, TwoLoops
from from_scratch.policy_gradient.exact_natural_policy_gradient import ExactNaturalPolicyGradient
from from_scratch.policy_gradient.exact_policy_gradient import ExactPolicyGradient

KAKADE = np.array([[0.8, 0.2], [0.2, 0.8]])  # π(stay), π(move) in both states of TwoLoops
TASKS = {"discounted": (RandomMDP(4, task_seed=1), 0.9), "whole return": (RandomMDP(3, p_end=0.3), 1.0), "average reward": (TwoLoops(), 1.0)}
every_task = pytest.mark.parametrize(("env", "gamma"), TASKS.values(), ids=TASKS)


def drawn(model, seed=0):
    """θ of a softmax, [n_states, n_actions]."""
    return np.random.default_rng(seed).normal(size=model.r.shape)


# ------------------------------------------------------------------------------------------------------------------------- by hand
def test_the_average_reward_of_two_loops():
    """Moving there and back has to be as frequent, 0.8 · 0.2 = 0.2 · 0.8: four of five steps are in the first state. J = 0.8 · 0.8 · 1 + 0.2 · 0.2 · 2."""
    model = model_of(TwoLoops())
    assert weights(model, KAKADE, 1.0) == pytest.approx([0.8, 0.2])
    assert objective(model, KAKADE, 1.0) == pytest.approx(0.72)


def test_the_gradient_of_two_loops_pulls_harder_at_the_loop_that_pays_less():
    """V(0) − V(1) = 0.4, as 0.8 (1) − 0.72 = 0.2 · 0.4. So A(0, stay) = 1 − 0.72, A(1, stay) = 2 − 0.72; d π A = 0.8 · 0.8 · 0.28 and 0.2 · 0.2 · 1.28."""
    model = model_of(TwoLoops())
    v = values(model, KAKADE, 1.0)
    assert v == pytest.approx([0.08, -0.32])
    assert advantages(model, KAKADE, 1.0) == pytest.approx(np.array([[0.28, -1.12], [1.28, -0.32]]))
    assert policy_gradient(model, KAKADE, 1.0) == pytest.approx(np.array([[0.1792, -0.1792], [0.0512, -0.0512]]))


def test_visits_are_discounted_from_the_start_on():
    """A state that is left with probability ½ for an end: d = Σ (γ / 2)ᵗ = 1 / (1 − 0.4) for γ = 0.8, and J = d · r."""
    model = model_of(FiniteMDP([[[(0.5, 0, 3.0, False), (0.5, 0, 3.0, True)]]]))
    one = np.ones((1, 1))
    assert weights(model, one, 0.8) == pytest.approx([1 / 0.6])
    assert objective(model, one, 0.8) == pytest.approx(5)


# ----------------------------------------------------------------------------------------------------------------------- theorems
@every_task
def test_the_gradient_is_that_of_finite_differences(env, gamma):
    model, h = model_of(env), 1e-5
    theta = drawn(model)
    found = np.zeros_like(theta)
    for at in np.ndindex(*theta.shape):
        step = np.zeros_like(theta)
        step[at] = h
        found[at] = (objective(model, softmax(theta + step), gamma) - objective(model, softmax(theta - step), gamma)) / (2 * h)
    assert policy_gradient(model, softmax(theta), gamma) == pytest.approx(found, abs=1e-6) and np.abs(found).max() > 1e-3


@every_task
def test_the_natural_gradient_is_the_advantage_up_to_a_constant_of_the_state(env, gamma):
    model = model_of(env)
    pi = softmax(drawn(model))
    natural = (np.linalg.pinv(fisher(model, pi, gamma)) @ policy_gradient(model, pi, gamma).ravel()).reshape(pi.shape)
    apart = natural - advantages(model, pi, gamma)
    seen = weights(model, pi, gamma) > 0  # where the policy never is, F and the gradient are both 0
    assert apart[seen] == pytest.approx(np.broadcast_to(apart.mean(-1, keepdims=True), apart.shape)[seen], abs=1e-9)
    assert seen.sum() >= 2


@every_task
def test_the_objectives_of_two_policies_differ_as_the_advantages_of_one_say_where_the_other_goes(env, gamma):
    model = model_of(env)
    new, old = (softmax(drawn(model, seed)) for seed in (1, 2))
    difference = objective(model, new, gamma) - objective(model, old, gamma)
    assert performance_difference(model, new, old, gamma) == pytest.approx(difference, abs=1e-12) and abs(difference) > 1e-3


@every_task
def test_advantages_are_0_on_average(env, gamma):
    model = model_of(env)
    pi = softmax(drawn(model))
    assert (pi * advantages(model, pi, gamma)).sum(-1) == pytest.approx(np.zeros(model.n_states), abs=1e-12)


def test_the_fisher_matrix_is_the_curvature_of_the_divergence():
    """F is the Hessian of Σ_s d(s) KL(π_θ ‖ π_θ+Δ) at Δ = 0: along a direction v the divergence of π and of its step h v is ½ h² vᵀ F v, nearly."""
    model, h = model_of(TwoLoops()), 1e-4
    theta, v = drawn(model), np.array([[1.0, 0.0], [0.0, 2.0]])
    pi, moved = softmax(theta), softmax(theta + h * v)
    divergence = weights(model, pi, 1.0) @ (pi * np.log(pi / moved)).sum(-1)
    assert 2 * divergence / h**2 == pytest.approx(v.ravel() @ fisher(model, pi, 1.0) @ v.ravel(), rel=1e-3)


# ------------------------------------------------------------------------------------------------------------------------ refusals
def test_an_average_reward_that_depends_on_the_start_is_refused():
    stay = np.array([[1.0, 0.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match="average reward depends on where it starts"):
        weights(model_of(TwoLoops()), stay, 1.0)


def test_a_return_from_nowhere_is_refused():
    with pytest.raises(ValueError, match="does not say where episodes begin"):
        weights(Model(np.zeros((1, 1, 1)), np.ones((1, 1)), None), np.ones((1, 1)), 0.9)


# ------------------------------------------------------------------------------------------------------------------------- classes
def climbing(cls, alpha, steps, **kwargs):
    """A model of TwoLoops after so many steps from Kakade's policy; a step is two backups."""
    given = {"gamma": 1.0, "learning_rate": alpha, "initial_policy": KAKADE, **kwargs}
    return cls("TabularPolicy", TwoLoops(), **given).learn(2 * steps, log_interval=None)


def test_a_step_up_the_gradient_by_hand():
    """θ = log π + ½ · [[0.1792, −0.1792], …]: the odds of staying grow by e^0.1792 from 4 and by e^0.0512 from ¼."""
    odds = np.array([4 * np.exp(0.1792), 0.25 * np.exp(0.0512)])
    assert climbing(ExactPolicyGradient, 0.5, 1).pi[0, :, 0] == pytest.approx(odds / (1 + odds))


def test_a_step_up_the_natural_gradient_by_hand():
    """θ = log π + ½ A: the odds grow by e^(½ · (0.28 + 1.12)) and by e^(½ · (1.28 + 0.32))."""
    odds = np.array([4 * np.exp(0.7), 0.25 * np.exp(0.8)])
    assert climbing(ExactNaturalPolicyGradient, 0.5, 1).pi[0, :, 0] == pytest.approx(odds / (1 + odds))


def test_a_large_natural_step_is_a_step_of_policy_iteration():
    model = climbing(ExactNaturalPolicyGradient, 1000.0, 1)
    assert model.pi[0].argmax(-1).tolist() == advantages(model_of(TwoLoops()), KAKADE, 1.0).argmax(-1).tolist() and model.pi[0].max(-1).min() > 0.999


def test_the_gradient_stalls_where_the_natural_one_does_not():
    """After 170 steps of 0.01: Kakade's plateau, a reward of 1 from the first state's loop, against 1.9."""
    model = model_of(TwoLoops())
    slow, fast = (climbing(cls, 0.01, 175) for cls in (ExactPolicyGradient, ExactNaturalPolicyGradient))
    assert objective(model, slow.pi[0], 1.0) < 1 and objective(model, fast.pi[0], 1.0) > 1.9
    assert weights(model, slow.pi[0], 1.0)[1] < 0.2, "it is less often where the reward is 2 than at the start"


@pytest.mark.parametrize(("cls", "alpha"), [(ExactPolicyGradient, 50.0), (ExactNaturalPolicyGradient, 5.0)])
def test_both_climb_to_the_best_policy(cls, alpha):
    env = RandomMDP(4, task_seed=1)
    model = cls("TabularPolicy", env, gamma=0.9, learning_rate=alpha).learn(4 * 4000, log_interval=None)
    assert model.V[0] == pytest.approx(optimal_values(env, 0.9), abs=1e-2)


def test_it_stops_where_a_step_changes_nothing():
    model = climbing(ExactNaturalPolicyGradient, 1.0, 10_000)
    assert model.num_timesteps < 200 and not model.active.any()


def test_it_begins_with_the_policy_that_it_is_given_or_with_none_preferred():
    env = TwoLoops()
    assert ExactPolicyGradient("TabularPolicy", env, initial_policy=KAKADE).pi[0] == pytest.approx(KAKADE)
    assert (ExactPolicyGradient("TabularPolicy", env).pi[0] == 0.5).all()


def test_an_action_that_is_never_taken_stays_so():
    model = climbing(ExactPolicyGradient, 0.1, 10, initial_policy=[[0.5, 0.5], [0.0, 1.0]])
    assert model.pi[0, 1].tolist() == [0, 1] and np.isfinite(model.V).all()


@pytest.mark.parametrize(
    ("wrong", "said"), [({"learning_rate": 0.0}, "learning_rate=0.0"), ({"initial_policy": [[0.5, 0.6]] * 2}, r"initial_policy\[0\] = \[0\.5, 0\.6\] are not")]
)
def test_hyperparameters_that_are_none_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        ExactPolicyGradient("TabularPolicy", TwoLoops(), **wrong)


# ------------------------------------------------------------------------------------------------------------------ the environment
def test_two_loops_pay_for_staying():
    env = TwoLoops()
    assert env.reset(seed=0)[0] == 0
    assert [env.step(a)[:4] for a in (0, 1, 0, 1)] == [(0, 1.0, False, False), (1, 0.0, False, False), (1, 2.0, False, False), (0, 0.0, False, False)]
