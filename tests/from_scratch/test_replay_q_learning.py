"""Q-learning from a full memory: what the memory holds, which transition each choice takes, and one update by hand."""

import copy

import numpy as np
import pytest

from from_scratch.core.exact.values import optimal_action_values
from from_scratch.envs import BlindCliffwalk, FiniteMDP
from from_scratch.model_based.replay_q_learning import GreedyReplayQLearning, OracleReplayQLearning, PrioritizedReplayQLearning, ReplayQLearning

ALL = (ReplayQLearning, GreedyReplayQLearning, PrioritizedReplayQLearning, OracleReplayQLearning)


def ready(cls, n=2, env=None, **kwargs):
    """A model of γ = ½ whose memory is full and whose Q is 0, after no update that counts: on a ledge of n states, where action 1 goes on."""
    model = cls("TabularPolicy", env or (lambda: BlindCliffwalk(n, map_seed=None)), **{"gamma": 0.5, "horizon": n, "seeds": [0], **kwargs})
    model.learn(1)
    model.Q[:] = 0
    return model


def memory(model, k=0):
    """Seed k's transitions (s, a, r, s', discount)."""
    n = model.size[k]
    return [tuple(field[k, j].item() for field in (model.s, model.a, model.r, model.s_next, model.discount)) for j in range(n)]


def found(model, transition):
    """Where a transition (s, a) lies in the memory of the first seed."""
    return int(np.flatnonzero((model.s[0] == transition[0]) & (model.a[0] == transition[1]))[0])


# --------------------------------------------------------------------------------------------------------------------- the memory
def test_the_memory_holds_every_sequence_of_actions_once_until_its_episode_ends():
    """Four sequences of two actions: 00 and 01 fall off at once, 10 on the second step, 11 arrives."""
    met = [(0, 0, 0.0, 0, 0.0)] * 2 + [(0, 1, 0.0, 1, 0.5)] * 2 + [(1, 0, 0.0, 1, 0.0), (1, 1, 1.0, 1, 0.0)]
    assert sorted(memory(ready(ReplayQLearning))) == met


def test_of_n_states_there_are_2_to_the_n_plus_1_less_2_transitions_in_another_order_for_each_seed():
    model = ready(ReplayQLearning, n=6, seeds=[0, 1])
    one, other = memory(model, 0), memory(model, 1)
    assert len(one) == 2**7 - 2 and sorted(one) == sorted(other) and one != other


def test_where_there_is_chance_seeds_meet_different_things_and_none_of_them_less():
    """One action ends the episode in one of two cases, the other never: eight sequences of three actions make 8 to 24 transitions."""
    env = FiniteMDP([[[(0.5, 0, 1.0, False), (0.5, 0, 0.0, True)], [(1.0, 0, 0.0, False)]]])
    model = ready(ReplayQLearning, env=lambda: copy.deepcopy(env), horizon=3, seeds=range(8))
    assert len(set(model.size.tolist())) > 1
    for k in range(8):
        met = memory(model, k)
        assert 8 <= len(met) <= 24 and {m[:3] for m in met} <= {(0, 0, 1.0), (0, 0, 0.0), (0, 1, 0.0)}
        assert all((discount == 0) == (a == 0 and r == 0) for _, a, r, _, discount in met)
    assert (model.s[:, :] == 0).all() and model.s.shape[1] == model.size.max()


def test_the_memory_stays_what_it_is():
    model = ready(ReplayQLearning, n=5)
    before = memory(model)
    model.learn(100, reset_num_timesteps=False)
    assert memory(model) == before


# -------------------------------------------------------------------------------------------------------------------- the choices
def test_an_update_by_hand():
    """Q(1, ·) = [0, 0.8], γ = ½: δ = 0 + ½ · 0.8 − 0.2 = 0.2, and η = ¼ of it is 0.05."""
    model = ready(ReplayQLearning)
    model.Q[0] = [[0, 0.2], [0, 0.8]]
    j = found(model, (0, 1))
    model.choice = lambda: np.array([j])
    model.learn(1, reset_num_timesteps=False)
    assert model.Q[0] == pytest.approx(np.array([[0, 0.25], [0, 0.8]]))


def test_drawn_uniformly_every_transition_is_as_likely_as_any_other():
    """Of 6 transitions, 6,000 draws: 1,000 of each, with a standard deviation of 29."""
    model = ready(ReplayQLearning)
    drawn = np.bincount([model.choice()[0] for _ in range(6000)], minlength=6)
    assert len(drawn) == 6 and (abs(drawn - 1000) < 120).all()


def test_the_greedy_choice_is_what_was_never_replayed_and_then_the_largest_error():
    model = ready(GreedyReplayQLearning)
    assert sorted(np.isinf(model.priority[0])) == [False] + [True] * 5  # one was replayed
    model.learn(5, reset_num_timesteps=False)
    assert not np.isinf(model.priority).any()
    j = found(model, (1, 0))
    model.priority[0], model.priority[0, j] = 0.1, 0.2
    model.Q[0, 1, 0] = -0.04
    model.learn(1, reset_num_timesteps=False)
    assert model.priority[0, j] == pytest.approx(0.04), "it is the error before the update, by which it was not chosen yet"
    assert model.Q[0, 1, 0] == pytest.approx(-0.03)


def test_drawn_by_priority_a_transition_is_as_likely_as_its_priority_says():
    """p = 4 of one, 1 of three and 0 of two, α = ½: 2 of 5 draws, one of 5 each, none. 5,000 draws have standard deviations of 35 and 28."""
    model = ready(PrioritizedReplayQLearning, priority_exponent=0.5)
    model.priority[0] = [4, 1, 1, 1, 0, 0]
    model.prepare()
    drawn = np.bincount([model.choice()[0] for _ in range(5000)], minlength=6)
    assert drawn == pytest.approx([2000, 1000, 1000, 1000, 0, 0], abs=140)
    assert drawn[4:].tolist() == [0, 0]


def test_after_an_update_the_priority_is_the_error_and_a_little_more():
    model = ready(PrioritizedReplayQLearning, priority_exponent=0.5, priority_eps=0.01)
    j = found(model, (1, 1))
    model.learnt(np.array([j]), np.array([-0.24]))
    assert model.priority[0, j] == pytest.approx(0.25)
    assert model.tree.leaves(np.array([[j]])) == pytest.approx(0.5)


def test_the_oracle_takes_the_update_that_brings_q_nearest_to_the_right_values():
    """Q* = [[0, ½], [0, 1]]. From Q = 0 only the reward teaches; once Q(1, 1) is right, the step before it does; and of what is wrong, the worst goes first."""
    model = ready(OracleReplayQLearning)
    assert (model.s[0, model.choice()[0]], model.a[0, model.choice()[0]]) == (1, 1)
    model.Q[0, 1, 1] = 1.0
    assert (model.s[0, model.choice()[0]], model.a[0, model.choice()[0]]) == (0, 1)
    model.Q[0] = [[0.9, 0.5], [0, 1]]
    assert (model.s[0, model.choice()[0]], model.a[0, model.choice()[0]]) == (0, 0)


@pytest.mark.parametrize("cls", ALL)
def test_all_choices_lead_to_the_right_values(cls):
    env = BlindCliffwalk(4)
    model = cls("TabularPolicy", lambda: BlindCliffwalk(4), gamma=0.75, horizon=4, seeds=[0, 1]).learn(3000)
    assert ((model.Q - optimal_action_values(env, 0.75)) ** 2).mean((1, 2)) == pytest.approx([0, 0], abs=1e-3)
    assert model.updates.tolist() == [3000, 3000]


# ------------------------------------------------------------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("cls", "wrong"),
    [(ReplayQLearning, {"horizon": 0}), (ReplayQLearning, {"horizon": 2.5}), (ReplayQLearning, {"initial_std": -1.0}),
     (PrioritizedReplayQLearning, {"priority_exponent": -0.5}), (PrioritizedReplayQLearning, {"priority_eps": 0.0})],
)  # fmt: skip
def test_hyperparameters_out_of_range_are_refused(cls, wrong):
    with pytest.raises(ValueError, match="=".join(map(str, next(iter(wrong.items()))))):
        cls("TabularPolicy", BlindCliffwalk(3), **wrong)


def test_too_many_sequences_are_refused_with_the_longest_that_are_not():
    with pytest.raises(ValueError, match=r"horizon=21: 2\^21 sequences of actions are too many; choose at most 20\."):
        ReplayQLearning("TabularPolicy", BlindCliffwalk(3), horizon=21)


def test_states_that_are_not_in_the_memory_count_as_not_learnt():
    model = ready(ReplayQLearning, n=4, horizon=2)
    assert model.learnt_states().tolist() == [True, True, False, False]
