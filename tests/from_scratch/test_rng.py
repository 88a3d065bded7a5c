"""One private stream per seed: the numbers that the seeded process would draw, which nothing else in the process disturbs."""

import copy
import pickle

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.utils import set_random_seed

from from_scratch.core.rng import Rng

SPACE = spaces.Discrete(5)
DRAWS = {  # from a Rng; from the process's generators
    "exponential": (lambda rng: rng.exponential((3, 2))[0], lambda: torch.empty(3, 2).exponential_(1)),
    "normal": (lambda rng: rng.normal((40,))[0], lambda: torch.randn(40)),
    "bernoulli": (lambda rng: rng.bernoulli(np.full((1, 30), 0.3, np.float32))[0], lambda: torch.bernoulli(torch.full((30,), 0.3))),
    "permutation": (lambda rng: rng.permutation(9, np.array([True]))[0], lambda: np.random.permutation(9)),
    "randint": (lambda rng: rng.randint(1000, 12)[0], lambda: np.random.randint(0, 1000, size=12)),
    "coin": (lambda rng: rng.coin()[0], lambda: np.random.rand()),
    "uniform": (lambda rng: rng.uniform(2, 3)[0], lambda: np.random.rand(2, 3)),
}


def actions_of(seed, n):
    space = copy.deepcopy(SPACE)
    space.seed(seed)
    return [space.sample() for _ in range(n)]


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("seed", [0, 42])
def test_a_private_stream_equals_the_seeded_process(name, seed):
    private, process = DRAWS[name]
    rng = Rng.private([seed], SPACE)
    set_random_seed(seed)
    for _ in range(3):
        np.testing.assert_array_equal(private(rng), np.asarray(process()))


@pytest.mark.parametrize("name", DRAWS)
def test_the_processs_own_stream_is_the_process(name):
    private, process = DRAWS[name]
    set_random_seed(1)
    expected = np.asarray(process())
    set_random_seed(1)
    np.testing.assert_array_equal(private(Rng.of_process(SPACE)), expected)


@pytest.mark.parametrize("name", DRAWS)
def test_global_draws_and_global_seeds_do_not_disturb_a_private_stream_nor_it_them(name):
    private, process = DRAWS[name]
    quiet, noisy = Rng.private([3], SPACE), Rng.private([3], SPACE)
    expected = [np.array(private(quiet)) for _ in range(3)]
    set_random_seed(8)
    undisturbed = [np.asarray(process()) for _ in range(3)]
    set_random_seed(8)
    for mine, global_ in zip(expected, undisturbed, strict=True):
        np.testing.assert_array_equal(private(noisy), mine)
        np.testing.assert_array_equal(np.asarray(process()), global_)
    set_random_seed(99)
    np.testing.assert_array_equal(private(noisy), private(quiet))


def test_random_actions_are_those_of_the_seeded_action_space():
    rng = Rng.private([3, 4], SPACE)
    np.testing.assert_array_equal(rng.sample_actions(6), [actions_of(3, 6), actions_of(4, 6)])


def test_only_the_seeds_that_are_asked_draw_an_action():
    rng = Rng.private([3, 4], SPACE)
    drawn = rng.sample_actions(6, who=np.array([False, True]))
    np.testing.assert_array_equal(drawn, [[0] * 6, actions_of(4, 6)])
    np.testing.assert_array_equal(rng.sample_actions(6)[0], actions_of(3, 6))  # seed 3 has not moved


def test_a_seeds_numbers_do_not_depend_on_how_many_seeds_there_are():
    many, alone = Rng.private(range(10), SPACE), Rng.private([7], SPACE)
    p = np.full((10, 4), 0.5, np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(many.exponential((2, 4))[7], alone.exponential((2, 4))[0])
        np.testing.assert_array_equal(many.normal((5,))[7], alone.normal((5,))[0])
        np.testing.assert_array_equal(many.bernoulli(p)[7], alone.bernoulli(p[:1])[0])
        np.testing.assert_array_equal(many.randint(100, 8)[7], alone.randint(100, 8)[0])
        assert many.uniform()[7] == alone.uniform()[0]


def test_a_frozen_seed_draws_no_permutation():
    rng, alone = Rng.private([1, 2], SPACE), Rng.private([2], SPACE)
    frozen = rng.permutation(6, np.array([True, False]))
    np.testing.assert_array_equal(frozen[1], np.arange(6))
    np.testing.assert_array_equal(rng.permutation(6, np.array([True, True]))[1], alone.permutation(6, np.array([True]))[0])


def test_inside_as_process_foreign_code_draws_from_the_stream_and_the_process_is_put_back():
    rng, reference = Rng.private([5], SPACE), Rng.private([5], SPACE)
    torch.manual_seed(0), np.random.seed(0)
    expected_after = torch.rand(1), np.random.rand()
    torch.manual_seed(0), np.random.seed(0)
    with rng.streams[0].as_process():
        drawn = torch.randn(8), np.random.rand()
    assert (torch.rand(1), np.random.rand()) == expected_after
    np.testing.assert_array_equal(drawn[0].numpy(), reference.normal((8,))[0])
    assert drawn[1] == reference.uniform()[0]
    np.testing.assert_array_equal(rng.normal((8,)), reference.normal((8,)))  # the stream has moved on by what was drawn


def test_the_process_is_put_back_after_an_error_too():
    rng = Rng.private([5], SPACE)
    before = torch.get_rng_state()
    with pytest.raises(KeyError), rng.streams[0].as_process():
        torch.rand(3)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


def test_a_copy_continues_with_the_same_numbers_and_moves_alone():
    rng = Rng.private([5], SPACE)
    rng.normal((3,)), rng.uniform(), rng.sample_actions(2)
    twin = Rng([rng.streams[0].copy()])
    expected = np.array(rng.normal((20,))), rng.uniform(), rng.sample_actions(4)
    np.testing.assert_array_equal(twin.normal((20,)), expected[0])
    assert twin.uniform() == expected[1]
    np.testing.assert_array_equal(twin.sample_actions(4), expected[2])


def test_a_saved_state_survives_pickling_and_continues():
    rng = Rng.private([5, 6], SPACE)
    rng.normal((3,)), rng.uniform()
    state = pickle.loads(pickle.dumps(rng.get_state()))
    expected = np.array(rng.normal((20,))), rng.uniform(), rng.sample_actions(4)
    other = Rng.private([0, 1], SPACE)
    other.set_state(state)
    np.testing.assert_array_equal(other.normal((20,)), expected[0])
    np.testing.assert_array_equal(other.uniform(), expected[1])
    np.testing.assert_array_equal(other.sample_actions(4), expected[2])


def test_numbers_read_ahead_are_those_drawn_one_by_one_beyond_the_end_of_a_block():
    rng = Rng.private([7, 8], SPACE)
    set_random_seed(8)
    for _ in range(300):  # more than two blocks
        np.testing.assert_array_equal(rng.uniform(3)[1], np.random.rand(3))


@pytest.mark.parametrize("name", ["permutation", "randint", "coin"])
@pytest.mark.parametrize("used", [1, 127, 128])
def test_another_draw_between_numbers_read_ahead_finds_the_stream_where_it_should_be(name, used):
    private, process = DRAWS[name]
    rng = Rng.private([5], SPACE)
    set_random_seed(5)
    for _ in range(3):
        for _ in range(used):
            np.testing.assert_array_equal(rng.uniform(2)[0], np.random.rand(2))
        np.testing.assert_array_equal(private(rng), np.asarray(process()))


@pytest.mark.parametrize("used", [0, 3, 128])
def test_a_saved_or_copied_stream_forgets_what_was_read_ahead(used):
    rng, same = Rng.private([5, 6], SPACE), Rng.private([5, 6], SPACE)
    for _ in range(used):
        rng.uniform(2), same.uniform(2)
    state, copied = rng.get_state(), Rng([rng.streams[1].copy()])
    expected = [same.uniform(2).copy() for _ in range(5)]
    np.testing.assert_array_equal([copied.uniform(2)[0] for _ in range(5)], [numbers[1] for numbers in expected])
    np.testing.assert_array_equal([rng.uniform(2) for _ in range(5)], expected)
    rng.set_state(state)
    np.testing.assert_array_equal([rng.uniform(2) for _ in range(5)], expected)


def test_many_draws_at_once_are_the_same_numbers_wherever_the_reading_ahead_stands():
    rng, other = (Rng.private([1, 2], spaces.Discrete(2)) for _ in range(2))
    one_by_one = np.array([rng.uniform(3) for _ in range(700)])
    pieces = [other.uniforms(5, 3), other.uniform(3)[None], other.uniforms(300, 3), other.uniforms(394, 3)]
    assert np.array_equal(np.concatenate(pieces), one_by_one) and np.array_equal(rng.coin(), other.coin())


def test_modules_on_a_gpu_draw_each_seeds_numbers_from_its_generator_too(monkeypatch):
    gpu = torch.Generator().manual_seed(99)  # stands for the card's
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state", gpu.get_state)
    monkeypatch.setattr(torch.cuda, "set_rng_state", gpu.set_state)
    monkeypatch.setattr(torch.cuda, "manual_seed", gpu.manual_seed)
    expected = torch.rand(4, generator=torch.Generator().manual_seed(7))
    before = gpu.get_state()

    def drawn(stream, n):
        with stream.as_process():
            return torch.rand(n, generator=gpu)

    stream, other = Rng.private([7, 8], spaces.Discrete(2)).streams
    first = drawn(stream, 2)
    drawn(other, 3)
    copies = stream.copy(), pickle.loads(pickle.dumps(stream)), Rng.private([1], spaces.Discrete(2)).streams[0]
    copies[2].set_state(stream.get_state())
    for each in (stream, *copies):
        assert torch.equal(torch.cat((first, drawn(each, 2))), expected)
    assert torch.equal(gpu.get_state(), before)  # nobody else notices
