"""Errors of estimates of a policy's value, by hand and on worlds in which an estimate must be exact."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.measures import evaluation_errors
from benchmarks.measures.evaluation_errors import EvaluationErrors, World, errors, fitted, record


def run(H=5, seed=3):
    return SimpleNamespace(env="from_scratch/RandomMDP-v0~h", spec={"max_episode_steps": H, "kwargs": {"n_states": 4, "p_end": 1e-9}}, seed=seed)


def test_every_seed_has_a_world_and_a_policy_of_its_own_and_each_has_its_exact_value():
    world, pi, exact, seed = EvaluationErrors.task(run(H=2))
    other = EvaluationErrors.task(run(H=2, seed=4))[0]
    assert world.s_next.shape == (4, 2, 3) and (seed, world.H) == (3, 2) and not np.array_equal(world.reward, other.reward)
    r = (pi * world.reward.mean(-1)).sum(-1)  # [4] of one step, and then of the next one
    after = np.array([[r[world.s_next[s, a]].mean() for a in range(2)] for s in range(4)])
    assert exact == pytest.approx(r[0] + (pi[0] * after[0]).sum(), abs=1e-6)


def test_q_is_fitted_to_means_of_the_data_and_to_0_where_there_are_none():
    """From 0 action 0 gave 1 and 3, both times to state 1; there action 1 gave 5. π takes each of both half of the time: ½ (2 + ½ · 5)."""
    s, a, r, s_next = np.array([[0, 1], [0, 1]]), np.array([[0, 1], [0, 1]]), np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[1, 1], [1, 1]])
    assert fitted(s, a, r, s_next, np.full((2, 2), 0.5)) == 0.5 * (2 + 0.5 * 5)


def test_episodes_begin_in_state_0_and_follow_the_table():
    world = EvaluationErrors.task(run())[0]
    s, a, r, s_next = record(world, 50, np.random.default_rng(0))
    assert s.shape == (50, 5) and (s[:, 0] == 0).all() and (s[:, 1:] == s_next[:, :-1]).all()
    assert all(r[i, t] in world.reward[s[i, t], a[i, t]][world.s_next[s[i, t], a[i, t]] == s_next[i, t]] for i in range(50) for t in range(5))


def test_where_the_evaluated_policy_is_the_recording_one_all_weights_are_1():
    """And importance sampling is the mean return: its error is that of 100 returns of 5 steps, whose variance is known to be about that of the rewards."""
    world, pi, _, seed = EvaluationErrors.task(run())
    alike = np.full(pi.shape, 0.5)
    v = np.zeros(4)
    for _ in range(5):
        v = (alike * (world.reward.mean(-1) + v[world.s_next].mean(-1))).sum(-1)
    said = errors(world, alike, v[0], seed, data_sets=40, episodes=100)
    returns = record(world, 4000, np.random.default_rng(1))[2].sum(1)
    assert said["mean_weight"] == 1
    assert said["log10_ordinary"] == said["log10_weighted"] == pytest.approx(np.log10(returns.std() / 10), abs=0.12)


def test_a_world_without_chance_is_evaluated_without_error():
    sure = World(np.array([[[0], [1]], [[1], [0]]]), np.array([[[1.0], [0.0]], [[2.0], [3.0]]]), 4)
    pi, v = np.array([[0.65, 0.35], [0.35, 0.65]]), np.zeros(2)
    for _ in range(4):
        v = (pi * (sure.reward[..., 0] + v[sure.s_next[..., 0]])).sum(-1)
    said = errors(sure, pi, v[0], 0, data_sets=3, episodes=200)
    assert said["log10_fitted"] < -12 < -3 < said["log10_per_decision"] < said["log10_ordinary"]
    assert said["log10_over_fitted"] == said["log10_ordinary"] - said["log10_fitted"]


def test_it_is_the_same_in_a_stack_and_alone_and_draws_nothing_of_the_training_s_numbers(monkeypatch):
    monkeypatch.setattr(evaluation_errors, "DATA_SETS", 2)
    state = np.random.get_state()[1].copy()
    together = EvaluationErrors(SimpleNamespace(runs=[run(seed=3), run(seed=4)])).values()
    alone = EvaluationErrors(SimpleNamespace(runs=[run(seed=4)])).values()
    assert together[1] == alone[0] != together[0] and (np.random.get_state()[1] == state).all()
