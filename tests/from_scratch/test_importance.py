"""Estimates by importance sampling, against all episodes that a tiny world has, each with its probability: nothing is drawn."""

import itertools

import numpy as np
import pytest
from gymnasium import spaces

from from_scratch.core.datasets import Dataset
from from_scratch.core.importance import Episodes, doubly_robust, ordinary, per_decision, weighted, weighted_per_decision

T, GAMMA = 3, 0.5
B, PI = np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([[0.25, 0.75], [0.5, 0.5]])  # of two states and two actions
R = np.array([[1.0, -2.0], [0.5, 3.0]])
P = np.array([[[0.75, 0.25], [0.25, 0.75]], [[0.5, 0.5], [1.0, 0.0]]])  # p(s'|s, a)


def exact(p=P):
    """Q_t(s, a) [T, 2, 2] and V_t(s) [T, 2] of π, by backward induction."""
    q, v = np.zeros((T, 2, 2)), np.zeros((T + 1, 2))
    for t in reversed(range(T)):
        q[t] = R + GAMMA * p @ v[t + 1]
        v[t] = (PI * q[t]).sum(-1)
    return q, v[:T]


def every_episode(p=P):
    """(probability under b, states [T], actions [T]) of all that can happen from state 0."""
    for actions in itertools.product(range(2), repeat=T):
        for after in itertools.product(range(2), repeat=T - 1):
            states = (0, *after)
            probability = np.prod([B[s, a] for s, a in zip(states, actions, strict=True)])
            probability *= np.prod([p[s, a, s_next] for s, a, s_next in zip(states, actions, after, strict=False)])
            if probability:
                yield probability, np.array(states), np.array(actions)


def episodes(s, a):
    return Episodes(PI[s, a], B[s, a], R[s, a])


def of_dr(q, v):
    return lambda some, s, a: doubly_robust(some, q[np.arange(T), s, a], v[np.arange(T), s], GAMMA)


def moments(estimator, p=P):
    """Mean and variance of the estimate from a single episode, over all of them."""
    each = [(probability, estimator(episodes(s[None], a[None]), s[None], a[None])) for probability, s, a in every_episode(p)]
    mean = sum(probability * x for probability, x in each)
    return mean, sum(probability * (x - mean) ** 2 for probability, x in each)


plain = lambda function: lambda some, s, a: function(some, GAMMA)
WRONG = np.full((T, 2, 2), 7.0), np.full((T, 2), -4.0)


@pytest.mark.parametrize("estimator", [plain(ordinary), plain(per_decision), of_dr(*exact()), of_dr(WRONG[0], (PI * WRONG[0]).sum(-1))],
                         ids=["ordinary", "per decision", "doubly robust", "doubly robust of wrong values"])  # fmt: skip
def test_the_mean_over_all_episodes_is_the_value(estimator):
    assert moments(estimator)[0] == pytest.approx(exact()[1][0, 0], abs=1e-12)


def test_a_model_whose_v_is_not_the_mean_of_its_q_biases_the_doubly_robust_estimate():
    """What a test of no bias must be able to see."""
    assert abs(moments(of_dr(*WRONG))[0] - exact()[1][0, 0]) > 1


def test_variances_fall_from_ordinary_to_per_decision_to_doubly_robust():
    of_all, of_decisions, of_model = (moments(estimator)[1] for estimator in (plain(ordinary), plain(per_decision), of_dr(*exact())))
    assert of_all > of_decisions > of_model > 0


def test_where_nothing_is_left_to_chance_exact_values_leave_no_variance_at_all():
    sure = np.eye(2)[[[0, 1], [1, 0]]]
    assert moments(of_dr(*exact(sure)), sure) == pytest.approx((exact(sure)[1][0, 0], 0), abs=1e-12)
    assert moments(plain(per_decision), sure)[1] > 0.1


@pytest.mark.parametrize("estimator", [weighted, weighted_per_decision])
def test_weighted_estimates_are_the_value_where_every_episode_is_there_as_often_as_it_is_likely(estimator):
    """All probabilities are multiples of 2⁻¹²: so many copies of each episode are the world itself. Of one episode it is biased: its own return."""
    copies = [(round(probability * 2**12), s, a) for probability, s, a in every_episode()]
    assert sum(n for n, *_ in copies) == 2**12
    s, a = (np.concatenate([np.repeat(copy[k][None], copy[0], 0) for copy in copies]) for k in (1, 2))
    assert estimator(episodes(s, a), GAMMA) == pytest.approx(exact()[1][0, 0], abs=1e-12)
    assert estimator(episodes(s[:1], a[:1]), GAMMA) == pytest.approx((R[s[0], a[0]] * GAMMA ** np.arange(T)).sum())


def test_what_stands_behind_an_episode_s_end_is_not_read():
    """ρ = 2 and then 3; the second episode has one step: 1/2 (2·3·(1 + 10) + 2·1) by whole returns, 1/2 (2·1 + 6·10 + 2·1) by decisions."""
    some = Episodes(np.array([[1.0, 0.75], [1.0, np.nan]]), np.array([[0.5, 0.25], [0.5, 0.0]]), np.array([[1.0, 10.0], [1.0, 99.0]]), np.array([2, 1]))
    assert ordinary(some) == 0.5 * (6 * 11 + 2 * 1)
    assert per_decision(some) == 0.5 * (2 * 1 + 6 * 10 + 2 * 1)
    assert weighted(some) == (6 * 11 + 2 * 1) / 8
    assert weighted_per_decision(some) == (2 + 2) / 4 + (60 + 0) / 8
    assert doubly_robust(some, np.full((2, 2), 1.0), np.full((2, 2), 1.0)) == 0.5 * (1 + 2 * 0 + 2 * 1 + 6 * 9 + 1 + 2 * 0)
    assert some.effective == 8**2 / (6**2 + 2**2)


def test_a_data_set_s_episodes_are_those_of_its_steps():
    ends = np.array([False, True, True])
    obs = np.zeros((3, 1), np.float32)
    data = Dataset(obs, np.array([0, 1, 1]), np.array([1.0, 2.0, 4.0]), obs, ends, ~ends & False, spaces.Box(-1, 1, (1,), np.float32), spaces.Discrete(2))
    some = Episodes.of(data, lambda obs, a: np.where(a == 1, 0.75, 0.25), lambda obs, a: np.full(len(a), 0.5))
    assert ordinary(some) == 0.5 * (0.5 * 1.5 * (1 + 2) + 1.5 * 4)


# --------------------------------------------------------------------------------------------------------------------------- errors
def test_an_action_that_the_behaviour_never_takes_is_refused():
    with pytest.raises(ValueError, match=r"behaviour\[0, 1\] = 0, but that action was taken, and so it is in 1 of 4 steps"):
        Episodes(np.ones((2, 2)), np.array([[1, 0], [1, 1.0]]), np.ones((2, 2)))


@pytest.mark.parametrize("p", [-0.5, np.nan, np.inf])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match=r"target\[0, 0\] = .* is neither"):
        Episodes(np.array([[p]]), np.ones((1, 1)), np.ones((1, 1)))


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="of one shape"):
        Episodes(np.ones((1, 2)), np.ones((1, 2)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="of the episodes' shape"):
        doubly_robust(Episodes(*[np.ones((1, 2))] * 3), np.ones((1, 3)), np.ones((1, 2)))


@pytest.mark.parametrize("estimator", [weighted, weighted_per_decision])
def test_a_policy_that_takes_none_of_the_episodes_has_no_weighted_estimate(estimator):
    with pytest.raises(ValueError, match="takes none of the episodes"):
        estimator(Episodes(np.zeros((2, 1)), np.ones((2, 1)), np.ones((2, 1))))
