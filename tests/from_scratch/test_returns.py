"""Returns and advantages against numbers worked by hand, and against each other in their limits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from from_scratch.core.returns import discounted_sum, gae, lambda_return, n_step_return, vtrace

NUMBERS = st.floats(-10, 10, width=32)
few = settings(max_examples=25)


def a(*x):
    return np.array(x, dtype=np.float64)


@st.composite
def trajectories(draw, terminations=True):
    """reward, discount, v, v_next of T steps of one lane: v_next is v of the next step, except where an episode ended."""
    T = draw(st.integers(1, 12))
    numbers = lambda: a(*draw(st.lists(NUMBERS, min_size=T, max_size=T)))
    reward, v, beyond = numbers(), numbers(), numbers()
    ended = np.array(draw(st.lists(st.booleans() if terminations else st.just(False), min_size=T, max_size=T)))
    gamma = draw(st.floats(0.1, 1.0))
    v_next = np.append(v[1:], beyond[-1])
    return reward, np.where(ended, 0.0, gamma), v, v_next


# ------------------------------------------------------------------------------------------------------------------ by hand
def test_a_discounted_sum_is_the_return():
    np.testing.assert_array_equal(discounted_sum(a(1, 2, 4), a(0.5, 0.5, 0.5)), [1 + 0.5 * (2 + 0.5 * 4), 2 + 0.5 * 4, 4])
    np.testing.assert_array_equal(discounted_sum(a(1, 2, 4), a(0.5, 0.5, 0.5), last=8.0), [4, 6, 8])


def test_nothing_behind_a_termination_counts():
    np.testing.assert_array_equal(discounted_sum(a(1, 2, 4), a(0.5, 0.0, 0.5), last=100.0), [2, 2, 54])


def test_environments_side_by_side_do_not_mix():
    reward, discount = np.array([[1.0, 10.0], [2.0, 20.0]]), np.array([[0.5, 0.0], [0.5, 0.5]])
    np.testing.assert_array_equal(discounted_sum(reward, discount, last=np.array([4.0, 8.0])), [[3, 10], [4, 24]])


def test_gae_by_hand():
    # δ = 1 + .5·2 − 4 = −2,  1 + .5·6 − 2 = 2,  with λ = .5: Â_0 = −2 + .25·2
    np.testing.assert_array_equal(gae(a(1, 1), a(0.5, 0.5), v=a(4, 2), v_next=a(2, 6), decay=a(0.5, 0.5)), [-1.5, 2])


def test_a_time_limit_is_bootstrapped_but_death_is_not():
    v = torch.tensor([10.0])  # r = 1 and V = 10 everywhere, γ = 0.5
    died = gae(reward=torch.ones(1), discount=torch.tensor([0.0]), v=v, v_next=v, decay=torch.zeros(1))
    cut = gae(reward=torch.ones(1), discount=torch.tensor([0.5]), v=v, v_next=v, decay=torch.zeros(1))
    assert died == 1 + 0.0 * 10 - 10
    assert cut == 1 + 0.5 * 10 - 10


def test_after_a_time_limit_the_next_episode_s_rewards_do_not_leak_in():
    # Two one-step episodes, the first cut short at a state worth 6, the second ending with a reward of 1000.
    reward, discount, v, v_next = a(1, 1000), a(0.5, 0), a(0, 0), a(6, 77)
    np.testing.assert_array_equal(gae(reward, discount, v, v_next, decay=a(0, 1)), [1 + 0.5 * 6, 1000])
    np.testing.assert_array_equal(lambda_return(reward, discount, v_next, decay=a(0, 1)), [1 + 0.5 * 6, 1000])
    target, advantage = vtrace(reward, discount, v, v_next, decay=a(0, 1), ratio=a(1, 1))
    np.testing.assert_array_equal(target, [4, 1000])
    np.testing.assert_array_equal(advantage, [4, 1000])


def test_a_lambda_return_by_hand():
    # G_1 = 1 + .5·8 = 5;  G_0 = 2 + .5·(.75·4 + .25·5)
    np.testing.assert_array_equal(lambda_return(a(2, 1), a(0.5, 0.5), v_next=a(4, 8), decay=a(0.25, 0.25)), [4.125, 5])


def test_n_step_returns_by_hand():
    reward, discount, v_next = a(1, 2, 4), a(0.5, 0.5, 0.5), a(8, 16, 32)
    np.testing.assert_array_equal(n_step_return(reward, discount, v_next, 1), [1 + 4, 2 + 8, 4 + 16])
    np.testing.assert_array_equal(n_step_return(reward, discount, v_next, 2), [1 + 0.5 * (2 + 0.5 * 16), 2 + 0.5 * (4 + 0.5 * 32), 4 + 0.5 * 32])


def test_an_n_step_return_needs_a_step():
    with pytest.raises(ValueError, match="n=0"):
        n_step_return(a(1), a(1), a(1), 0)


def test_vtrace_by_hand():
    # γ = .5, V = 0; ratios 2 and .5, clipped at 1.  δ = 1·(1 + .5·0 − 0), .5·(3 + .5·4 − 0);  v_1 = 2.5, v_0 = 1 + .5·1·2.5
    target, advantage = vtrace(a(1, 3), a(0.5, 0.5), v=a(0, 0), v_next=a(0, 4), decay=a(1, 1), ratio=a(2, 0.5))
    np.testing.assert_array_equal(target, [2.25, 2.5])
    np.testing.assert_array_equal(advantage, [1 * (1 + 0.5 * 2.5), 0.5 * (3 + 0.5 * 4)])


def test_vtrace_clips_rho_and_c_apart():
    # One step behind the other, V = 0, γ = 1: δ_0 = ρ̄ r_0, and the trace of step 0 is c̄.
    target, _ = vtrace(a(1, 1), a(1, 0), v=a(0, 0), v_next=a(0, 0), decay=a(1, 1), ratio=a(10, 10), clip_rho=3.0, clip_c=2.0)
    np.testing.assert_array_equal(target, [3 + 2 * 3, 3])


# ------------------------------------------------------------------------------------------------------------------- limits
@few
@given(trajectories())
def test_with_lambda_1_gae_is_the_monte_carlo_return_minus_v(x):
    reward, discount, v, v_next = x
    G = discounted_sum(reward, discount, last=v_next[-1])
    np.testing.assert_allclose(gae(reward, discount, v, v_next, np.ones_like(v)), G - v, atol=1e-9)


@few
@given(trajectories())
def test_with_lambda_0_gae_is_the_one_step_error(x):
    reward, discount, v, v_next = x
    np.testing.assert_allclose(gae(reward, discount, v, v_next, np.zeros_like(v)), reward + discount * v_next - v, atol=1e-9)


@few
@given(trajectories(), st.floats(0, 1))
def test_a_lambda_return_is_gae_plus_v(x, decay):
    reward, discount, v, v_next = x
    decay = np.full_like(v, decay)
    np.testing.assert_allclose(lambda_return(reward, discount, v_next, decay), gae(reward, discount, v, v_next, decay) + v, atol=1e-9)


@few
@given(trajectories(), st.integers(0, 3))
def test_with_a_large_n_an_n_step_return_is_monte_carlo(x, more):
    reward, discount, _, v_next = x
    G = discounted_sum(reward, discount, last=v_next[-1])
    np.testing.assert_allclose(n_step_return(reward, discount, v_next, len(reward) + more), G, atol=1e-9)


@few
@given(trajectories(terminations=False), st.floats(0, 0.9))
def test_a_lambda_return_is_the_weighted_mean_of_n_step_returns(x, λ):
    """Sutton & Barto (2018), eq. 12.3: G^λ = (1 − λ) Σ_n λ^(n−1) G^(n) + λ^(T−t−1) G, at t = 0."""
    reward, discount, _, v_next = x
    T = len(reward)
    expected = sum((1 - λ) * λ ** (n - 1) * n_step_return(reward, discount, v_next, n)[0] for n in range(1, T))
    expected += λ ** (T - 1) * n_step_return(reward, discount, v_next, T)[0]
    np.testing.assert_allclose(lambda_return(reward, discount, v_next, np.full(T, λ))[0], expected, atol=1e-8)


@few
@given(trajectories(), st.floats(0, 1))
def test_on_policy_vtrace_is_the_lambda_return(x, λ):
    reward, discount, v, v_next = x
    decay = np.full_like(v, λ)
    target, _ = vtrace(reward, discount, v, v_next, decay, ratio=np.ones_like(v))
    np.testing.assert_allclose(target, lambda_return(reward, discount, v_next, decay), atol=1e-9)


@few
@given(trajectories())
def test_where_the_target_policy_never_goes_vtrace_learns_nothing(x):
    reward, discount, v, v_next = x
    target, advantage = vtrace(reward, discount, v, v_next, np.ones_like(v), ratio=np.zeros_like(v))
    np.testing.assert_array_equal(target, v)
    np.testing.assert_array_equal(advantage, np.zeros_like(v))


@few
@given(trajectories())
def test_tensors_give_what_arrays_give(x):
    decay = np.full_like(x[0], 0.5)
    tensors = [torch.as_tensor(y) for y in (*x, decay)]
    np.testing.assert_allclose(gae(*tensors).numpy(), gae(*x, decay), atol=1e-9)
    for mine, theirs in zip(vtrace(*tensors, ratio=torch.full((len(decay),), 1.5)), vtrace(*x, decay, ratio=np.full(len(decay), 1.5)), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs, atol=1e-6)


@few
@given(trajectories())
def test_arguments_are_left_as_they_were(x):
    kept = [y.copy() for y in x]
    decay, ratio = np.full_like(x[0], 0.5), np.full_like(x[0], 2.0)
    gae(*x, decay), vtrace(*x, decay, ratio), lambda_return(x[0], x[1], x[3], decay), n_step_return(x[0], x[1], x[3], 2)
    for y, before in zip(x, kept, strict=True):
        np.testing.assert_array_equal(y, before)
