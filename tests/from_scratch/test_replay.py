"""Replay memories: where steps lie, which are drawn, and what becomes of them, each by itself and put together. Numbers by hand and of other libraries."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from scipy.stats import chisquare
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer

from from_scratch.core.replay.forms import NSteps, OneStep, Stretches
from from_scratch.core.replay.memory import AskedReplay, replay
from from_scratch.core.replay.samplers import Prioritised
from from_scratch.core.replay.storage import PackedStorage, Storage
from from_scratch.core.replay.sum_tree import SumTrees
from from_scratch.core.rng import Rng

pytestmark = pytest.mark.numerical

FLAT, ACTION = spaces.Box(-1000, 1000, (1,)), spaces.Discrete(3)
WHOLE = spaces.Discrete(1000)  # observations that no PackedStorage holds
DICT = spaces.Dict(at=spaces.Box(-1000, 1000, (1,)))
END, CUT = "end", "cut"  # an episode's last step: terminated, or cut by a time limit


def memory(size=8, S=1, E=1, space=FLAT, kind=None, sampler=None, form=None, gamma=0.5, normalizers=None, **kwargs):
    kind = kind or (DictReplayBuffer if isinstance(space, spaces.Dict) else ReplayBuffer)
    buffers = [kind(size * E, space, ACTION, device="cpu", n_envs=E, **kwargs) for _ in range(S)]
    return replay(buffers, Rng.private(range(S), ACTION), gamma, normalizers or [None] * S, sampler, form)


def play(m, steps, start=0):
    """Store steps of all lanes: s counts from `start`, for environment e of seed k plus 100 k + 10 e; r is s + 1, a is s mod 3. `steps` says how each ended."""
    S, E, space = len(m.buffers), m.buffers[0].n_envs, m.buffers[0].observation_space
    column = lambda x: x[:, None].astype(np.float32)
    see = {spaces.Box: column, spaces.Discrete: np.asarray, spaces.Dict: lambda x: {"at": column(x)}}[type(space)]
    lane = np.add.outer(100 * np.arange(S), 10 * np.arange(E)).reshape(-1)
    for i, end in enumerate(steps):
        s = lane + start + i
        infos = [{"TimeLimit.truncated": end == CUT}] * len(s)
        m.add(see(s), see(s + 1), s % 3, (s + 1.0).astype(np.float32), np.full(len(s), end in (END, CUT)), infos)


def of(m, rows, gamma=0.5, e=0):
    """The batch of these rows of every seed."""
    t = np.broadcast_to(np.asarray(rows), (len(m.buffers), len(rows)))
    return m.form.of(m.storage, t, np.full_like(t, e), gamma)


# ------------------------------------------------------------------------------------------------------------------------- storage
@pytest.mark.parametrize(("space", "storage"), [(FLAT, PackedStorage), (WHOLE, Storage), (DICT, Storage)])
def test_a_step_is_read_as_it_was_stored_for_every_seed_and_environment(space, storage):
    m = memory(S=2, E=2, space=space, form=OneStep())
    play(m, [None, END, CUT, None])
    assert type(m.storage) is storage
    b = of(m, [0, 1, 2], e=1)
    flat = lambda x: (x["at"] if isinstance(x, dict) else x)[..., 0].tolist()
    assert flat(b.obs) == [[10, 11, 12], [110, 111, 112]] and flat(b.next_obs) == [[11, 12, 13], [111, 112, 113]]
    assert b.action[..., 0].tolist() == [[1, 2, 0], [2, 0, 1]] and b.reward.tolist() == [[11, 12, 13], [111, 112, 113]]
    assert b.discount.tolist() == [[0.5, 0, 0.5]] * 2  # a time limit is not death


@pytest.mark.parametrize("kwargs", [{}, {"kind": NStepReplayBuffer, "n_steps": 3, "gamma": 0.5}])
def test_a_packed_memory_draws_and_makes_what_sb3_s_buffer_does(kwargs):
    m = memory(E=2, **kwargs)
    play(m, [None, END, None, None, CUT, None, None, None, None, None])
    np.random.seed(3)
    theirs = m.buffers[0].sample(200)
    m.rng = Rng.private([3], ACTION)
    mine = m.sample(200)
    γ = 0.5 if theirs.discounts is None else theirs.discounts[:, 0]
    assert torch.equal(mine.obs[0], theirs.observations) and torch.equal(mine.next_obs[0], theirs.next_observations)
    assert torch.equal(mine.reward[0], theirs.rewards[:, 0]) and torch.equal(mine.discount[0], (1 - theirs.dones[:, 0]) * γ)


@pytest.mark.parametrize("space", [FLAT, WHOLE])
def test_what_is_kept_beside_a_step_is_written_with_it_and_pickled_with_its_buffer(space):
    m = memory(S=2, E=2, space=space, form=Stretches(1, states={"h": (3,)}))
    for i in range(3):
        m.storage.write("h", np.full((2, 2, 3), i) + np.arange(2)[:, None, None])
        play(m, [None], start=i)
    assert of(m, [0, 2]).kept["h"][..., 0].tolist() == [[0, 2], [1, 3]]
    again = [pickle.loads(pickle.dumps(buffer)) for buffer in m.buffers]
    bound = replay(again, m.rng, 0.5, [None, None], form=Stretches(1, states={"h": (3,)}))
    assert of(bound, [0, 2]).kept["h"][..., 0].tolist() == [[0, 2], [1, 3]]


class Own(ReplayBuffer):
    def sample(self, *args, **kwargs):
        return super().sample(*args, **kwargs)


class Counts(ReplayBuffer):
    def add(self, *args):
        self.adds = getattr(self, "adds", 0) + 1
        super().add(*args)


def test_buffers_that_say_how_they_are_sampled_are_asked_and_refused_by_those_who_draw_themselves():
    assert isinstance(memory(kind=Own), AskedReplay)
    with pytest.raises(ValueError, match="draws from its replay memory in its own way, but a Own says itself how it is sampled"):
        memory(kind=Own, form=Stretches(2))
    with pytest.raises(ValueError, match="optimize_memory_usage keeps no next observations"):
        memory(optimize_memory_usage=True, handle_timeout_termination=False, form=Stretches(2))


def test_a_buffer_with_an_add_of_its_own_keeps_it_whoever_draws():
    m = memory(kind=Counts, form=Stretches(2))
    play(m, [None] * 3)
    assert m.buffers[0].adds == 3 and of(m, [0]).obs[0, 0, :, 0].tolist() == [0, 1, 2]


# --------------------------------------------------------------------------------------------------------------------------- n steps
@pytest.mark.parametrize("space", [FLAT, WHOLE, DICT])
def test_n_steps_end_at_death_go_on_behind_a_time_limit_and_stop_at_the_newest_step(space):
    """Steps 0 … 9, rewards 1 … 10, in a ring of 8: rows hold 8, 9, 2, 3, 4, 5, 6, 7. Step 3 died, step 5 was cut, γ = ½ and n = 3."""
    m = memory(space=space, form=NSteps(3))
    play(m, [None, None, None, END, None, CUT, None, None, None, None])
    b = of(m, [2, 3, 4, 5, 6, 7, 0, 1])
    # step        2        3  4            5  6               7                8              9
    assert b.reward[0].tolist() == [3 + 4 / 2, 4, 5 + 6 / 2, 6, 7 + 8 / 2 + 9 / 4, 8 + 9 / 2 + 10 / 4, 9 + 10 / 2, 10]
    assert b.discount[0].tolist() == [0, 0, 1 / 4, 1 / 2, 1 / 8, 1 / 8, 1 / 4, 1 / 2]
    after = b.next_obs["at"] if isinstance(b.next_obs, dict) else b.next_obs
    assert after[0, :, 0].tolist() == [4, 4, 6, 6, 9, 10, 10, 10]


# ------------------------------------------------------------------------------------------------------------------------- stretches
RING = [None, None, None, END, None, CUT, None, None, None, None]


def test_a_stretch_goes_on_to_its_length_or_the_last_step_of_its_episode_or_the_newest():
    m = memory(form=Stretches(3))
    play(m, RING)  # as above: steps 8, 9, 2, 3, 4, 5, 6, 7
    b = of(m, [2, 4, 6, 0])
    assert b.obs[0, ..., 0].tolist() == [[2, 3, 4, 4], [4, 5, 6, 6], [6, 7, 8, 9], [8, 9, 10, 10]]
    assert b.learnt[0].tolist() == [[1, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 0]]
    assert b.reward[0].tolist() == [[3, 4, 0], [5, 6, 0], [7, 8, 9], [9, 10, 0]]
    assert b.discount[0].tolist() == [[0.5, 0, 0], [0.5, 0.5, 0], [0.5] * 3, [0.5, 0.5, 0]]
    assert b.action[0, ..., 0].tolist() == [[2, 0, 0], [1, 2, 2], [0, 1, 2], [2, 0, 0]]


@pytest.mark.parametrize("space", [FLAT, DICT])
def test_a_burn_in_comes_before_the_step_drawn_but_not_from_another_episode_nor_from_behind_the_ring_s_tail(space):
    m = memory(form=Stretches(2, burn_in=2), space=space)
    play(m, RING)
    b = of(m, [7, 4, 5, 2, 3, 0])  # steps 7, 4, 5, 2 (the oldest), 3, 8
    obs = (b.obs["at"] if isinstance(b.obs, dict) else b.obs)[0, ..., 0].tolist()
    assert obs == [[6, 7, 8, 9, 9], [4, 5, 6, 6, 6], [4, 5, 6, 6, 6], [2, 3, 4, 4, 4], [2, 3, 4, 4, 4], [6, 7, 8, 9, 10]]
    assert b.learnt[0].tolist() == [[0, 1, 1, 0], [1, 1, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]


def test_what_is_kept_in_a_stretch_is_that_of_its_first_step_burn_in_included():
    m = memory(form=Stretches(2, burn_in=2, states={"h": ()}))
    for i, end in enumerate(RING):
        m.storage.write("h", np.full((1, 1), i))
        play(m, [end], start=i)
    assert of(m, [7, 5, 2, 0]).kept["h"][0].tolist() == [6, 4, 2, 6]


def test_a_memory_of_stretches_draws_all_steps_alike_from_each_seed_s_own_stream():
    stacked, alone = memory(S=2, E=2, form=Stretches(2)), memory(E=2, form=Stretches(2))
    for m in (stacked, alone):
        play(m, [None] * 6)
    both, one = stacked.sample(300), alone.sample(300)
    assert torch.equal(both.obs[0], one.obs[0]) and both.obs.shape == (2, 300, 3, 1)
    assert sorted(set(one.obs[0, :, 0, 0].tolist())) == [*range(6), *range(10, 16)]


# ----------------------------------------------------------------------------------------------------------------------- priorities
def golden(name):
    found = json.loads((Path(__file__).with_name("golden") / f"{name}.json").read_text(encoding="utf-8"))
    return found["inputs"], found["expected"]


def prioritised(beta=0.4, alpha=0.6, **kwargs):
    return memory(sampler=Prioritised(alpha, lambda: beta), **kwargs)


def with_priorities(m, p):
    """As if the steps had been drawn and learnt from in the order of their rows, with these priorities."""
    m.sampler.drawn = np.broadcast_to(np.arange(len(p)), (len(m.buffers), len(p)))
    m.sampler.learnt(np.broadcast_to(np.asarray(p), m.sampler.drawn.shape))


def drawing(m, fractions):
    """Let the memory draw by these numbers in [0, 1)."""
    m.rng.fractions = lambda size: np.asarray(fractions)[None]


def test_probabilities_leaves_and_totals_are_those_of_another_library():
    given, found = golden("per")
    m = prioritised(size=7)
    play(m, [None] * 7)
    with_priorities(m, given["priorities"])
    leaves = m.sampler.tree.leaves(np.arange(7)[None])[0]
    np.testing.assert_allclose(leaves, found["leaf"], rtol=1e-7)  # it adds 1e-7 to each p
    np.testing.assert_allclose(m.sampler.tree.total, found["total"], rtol=1e-7)
    np.testing.assert_allclose(leaves / m.sampler.tree.total, found["probabilities"], rtol=1e-6)
    np.testing.assert_allclose(leaves[:3].sum(), found["prefix_sum_0_3"], rtol=1e-7)
    assert m.sampler.tree.find(np.array([given["uniforms"]]) * m.sampler.tree.total)[0].tolist() == found["index_of_uniforms"]
    np.testing.assert_allclose(m.buffers[0].max_priority, found["max_priority_after"], rtol=1e-7)


def test_importance_weights_are_those_of_another_library_by_the_largest_of_the_batch():
    given, found = golden("per")
    m = prioritised(given["beta"], size=7)
    play(m, [None] * 7)
    with_priorities(m, given["priorities"])
    at = np.cumsum([0, *found["probabilities"]])[given["sampled_indices"]] + 1e-9
    drawing(m, at * 5 - np.arange(5))  # what draws just these places, whatever the segments
    m.sample(5)
    assert m.sampler.drawn[0].tolist() == given["sampled_indices"]
    np.testing.assert_allclose(m.sampler.weight[0], found["weights_batch_max_tianshou"], rtol=1e-6)


def test_weights_by_hand():
    """p = 1 and 3, α = 1: P = ¼ and ¾, N = 2. β = 1: (½)⁻¹ = 2 and (3/2)⁻¹ = 2/3, by the largest 1 and 1/3. β = ½: the root of that."""
    for β, expected in ((1.0, 1 / 3), (0.5, 3**-0.5), (0.0, 1.0)):
        m = prioritised(β, alpha=1.0, size=2)
        play(m, [None] * 2)
        with_priorities(m, [1.0, 3.0])
        drawing(m, [0.0, 0.5])
        assert m.sample(2).obs[0, :, 0].tolist() == [0, 1]
        assert m.sampler.weight[0].tolist() == [1, np.float32(expected)]


def test_steps_are_drawn_in_proportion_to_their_priorities_to_the_alpha():
    """χ² over 8,000 draws, single ones, so that they are independent; half the exponent would be found out."""
    p = np.array([0.5, 2, 0.25, 1, 4, 0.125, 3])
    m = prioritised(size=7)
    play(m, [None] * 7)
    with_priorities(m, p)
    drawn = [m.sample(1).obs.item() for _ in range(8000)]
    expected = lambda α: 8000 * p**α / (p**α).sum()
    counts = np.bincount(np.array(drawn, int), minlength=7)
    assert chisquare(counts, expected(0.6)).pvalue > 0.01
    assert chisquare(counts, expected(0.3)).pvalue < 1e-9


def test_a_batch_has_one_step_from_each_equal_share_of_the_priorities():
    m = prioritised(alpha=1.0, size=4)
    play(m, [None] * 4)
    with_priorities(m, [1.0, 1.0, 1.0, 5.0])
    for _ in range(20):
        assert m.sample(8).obs[0, :, 0].tolist() == [0, 1, 2, 3, 3, 3, 3, 3]


def test_a_new_step_has_the_largest_priority_there_ever_was_and_1_at_first():
    m = prioritised()
    play(m, [None] * 3)
    assert m.buffers[0].priorities[:4, 0].tolist() == [1, 1, 1, 0]
    with_priorities(m, [0.5, 7.0, 0.25])
    with_priorities(m, [0.5, 2.0, 0.25])
    play(m, [None])
    assert m.buffers[0].priorities[:5, 0].tolist() == [0.5, 2, 0.25, 7, 0]


def test_no_step_is_drawn_that_is_not_there_and_a_step_that_was_overwritten_leaves_no_priority():
    m = prioritised(size=5, E=2)
    play(m, [None] * 3)
    assert set(m.sample(64).obs[0, :, 0].tolist()) == {0, 1, 2, 10, 11, 12}
    with_priorities(m, [1e-9] * 5 + [1e9])  # all but one are forgotten
    play(m, [None] * 5, start=3)
    assert set(m.sample(64).obs[0, :, 0].tolist()) == {*range(3, 8), *range(13, 18)}


def test_a_sum_tree_neither_drifts_nor_mixes_its_rows():
    rng = np.random.default_rng(0)
    trees, leaves = SumTrees(3, 37), np.zeros((3, 37))
    for _ in range(300):
        i, values = rng.integers(37, size=(3, 4)), rng.exponential(10.0 ** rng.integers(-6, 6), size=(3, 4))
        trees.put(i, values)
        for k in range(3):
            for at, value in zip(i[k], values[k], strict=True):
                leaves[k, at] = value
    fresh = SumTrees(3, 37)
    fresh.put(np.tile(np.arange(37), (3, 1)), leaves)
    assert np.array_equal(trees.nodes, fresh.nodes)
    np.testing.assert_allclose(trees.total, leaves.sum(-1), rtol=1e-12)


def test_no_leaf_of_0_is_found_not_even_at_the_ends():
    trees = SumTrees(1, 6)
    trees.put(np.array([[1, 4]]), np.array([[0.1, 0.2]]))
    total = trees.total[0]
    assert trees.find(np.array([[0.0, 0.1, np.nextafter(total, 0), total]]))[0].tolist() == [1, 4, 4, 4]


def test_priorities_go_with_a_pickled_buffer_and_one_that_has_none_starts_with_1():
    m = prioritised(S=2)
    play(m, [None] * 3)
    with_priorities(m, [0.5, 4.0, 0.25])
    of_file = [pickle.loads(pickle.dumps(buffer)) for buffer in m.buffers]
    again = replay(of_file, m.rng, 0.5, [None, None], Prioritised(0.6, lambda: 0.4))
    assert np.array_equal(again.sampler.tree.nodes, m.sampler.tree.nodes)
    play(again, [None])
    assert of_file[1].priorities[:5, 0].tolist() == [0.5, 4, 0.25, 4, 0]
    plain = memory(S=2)
    play(plain, [None] * 3)
    fresh = replay(plain.buffers, plain.rng, 0.5, [None, None], Prioritised(0.6, lambda: 0.4))
    assert fresh.sampler.tree.total.tolist() == [3, 3]


def test_steps_that_somebody_put_into_the_buffer_by_its_own_add_are_drawn_too():
    m = prioritised(size=4)
    play(m, [None] * 2)
    with_priorities(m, [0.5, 2.0])
    m.buffers[0].add(np.array([[50.0]]), np.array([[51.0]]), np.array([0]), np.array([1.0]), np.array([False]), [{}])
    m.sample(1)
    assert m.buffers[0].priorities[:, 0].tolist() == [0.5, 2, 2, 0]


@pytest.mark.parametrize("space", [FLAT, WHOLE])
def test_priorities_and_n_steps_go_together(space):
    """The ring of the n-step test above; each place's return is that of its own row, whatever drew it, and weights follow priorities."""
    m = prioritised(1.0, alpha=1.0, form=NSteps(3), space=space)
    play(m, RING)
    p = np.arange(1.0, 9)
    with_priorities(m, p)
    b = m.sample(64)
    steps = {8: 14, 9: 10, 2: 5, 3: 4, 4: 8, 5: 6, 6: 13.25, 7: 15}  # R of each step, by hand
    s = b.obs[0, :, 0].tolist()
    assert b.reward[0].tolist() == [steps[step] for step in s] and set(s) == set(steps)
    row = np.array(s, int) % 8
    np.testing.assert_allclose(m.sampler.weight[0], (1 / p[row]) / (1 / p[row]).max(), rtol=1e-6)


def test_priorities_and_stretches_go_together():
    m = prioritised(alpha=1.0, form=Stretches(2, burn_in=1))
    play(m, RING)
    with_priorities(m, [1e-12] * 7 + [1.0])  # row 7 is step 7
    assert m.sample(16).obs[0, :, :, 0].tolist() == [[6, 7, 8, 9]] * 16
