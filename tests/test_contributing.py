"""The example in CONTRIBUTING.md is an algorithm on the contract, and its table of draws is true."""

import re
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces

import from_scratch.envs  # noqa: F401  registers GridWorld
from from_scratch.core.rng import Rng

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example():
    """The class, as somebody who copies it has it."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.S)[1]
    names = {"__name__": "softmax_q_learning"}
    exec(compile(code, "softmax_q_learning.py", "exec"), names)
    return names["SoftmaxQLearning"]


def test_it_finds_the_way(example):
    from from_scratch import ValueIteration

    model = example("TabularPolicy", "from_scratch/TwoByTwo-v0", seeds=range(3), gamma=0.9, learning_rate=0.5, temperature=0.5).learn(3000)
    best = ValueIteration("TabularPolicy", "from_scratch/TwoByTwo-v0", gamma=0.9).learn(1000)
    assert model.Q.max(-1) == pytest.approx(np.tile(best.values, (3, 1)), abs=0.02)


def test_a_seed_of_the_stack_is_the_seed_alone(example):
    stack = example("TabularPolicy", "FrozenLake-v1", seeds=[3, 4], n_envs=2).learn(300)
    for k, seed in enumerate((3, 4)):
        assert np.array_equal(stack.Q[k], example("TabularPolicy", "FrozenLake-v1", seeds=[seed], n_envs=2).learn(300).Q[0])


def test_its_draws_have_the_odds_of_the_softmax(example):
    model = example("TabularPolicy", "FrozenLake-v1", seeds=range(2), temperature=0.5)
    model.Q[:, 0] = [0.0, 0.5, 1.0, -np.inf]
    drawn = np.concatenate([model.act(np.zeros((2, 1), int)) for _ in range(4000)], 1)
    odds = np.exp([0.0, 1.0, 2.0])
    assert np.bincount(drawn[0], minlength=4) / 4000 == pytest.approx([*odds / odds.sum(), 0], abs=0.03)
    assert not np.array_equal(drawn[0], drawn[1])


def test_a_temperature_that_is_none_is_refused(example):
    with pytest.raises(ValueError, match="temperature=0"):
        example("TabularPolicy", "FrozenLake-v1", temperature=0)


DRAWS = {
    "uniform": lambda rng: (rng.uniform(4, 5), (3, 4, 5)),
    "normal": lambda rng: (rng.normal((4, 5)), (3, 4, 5)),
    "noise": lambda rng: (rng.noise(4, 5), (3, 4, 5)),
    "exponential": lambda rng: (rng.exponential((4,)), (3, 4)),
    "bernoulli": lambda rng: (rng.bernoulli(np.full((3, 2), 0.5)), (3, 2)),
    "randint": lambda rng: (rng.randint(7, 4), (3, 4)),
    "coin": lambda rng: (rng.coin(), (3,)),
    "permutation": lambda rng: (rng.permutation(6, np.ones(3, bool)), (3, 6)),
    "sample_actions": lambda rng: (rng.sample_actions(2), (3, 2, 5)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_has_the_shape_that_the_page_says(name):
    assert f"`{name}(" in PAGE
    drawn, shape = DRAWS[name](Rng.private([0, 1, 2], spaces.Box(-1, 1, (5,))))
    assert tuple(drawn.shape) == shape
