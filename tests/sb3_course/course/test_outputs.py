"""How outputs are compared and told."""

import numpy as np
import torch

from sb3_course.teaching.checks import Answer, probe
from sb3_course.teaching.outputs import alike


def test_an_infinity_is_like_itself_and_like_no_number():
    assert alike(np.inf, np.inf, 1e-9) and alike(-np.inf, -np.inf, 1e-9)
    assert not alike(2.0, -np.inf, 1e-9) and not alike(np.inf, -np.inf, 1e-9)


def test_a_number_that_should_lie_beyond_a_bound_is_shown_with_decimals_that_tell_it_from_the_bound():
    loss = probe("f", "the loss", between=(-np.inf, -0.5))(lambda answer: 0)
    assert loss.wrong_with(-0.15) == "is -0.15, should be at most -0.5"


def test_what_is_wrong_of_several_names_the_worst_entry_and_counts_the_others():
    two = probe("f", "θ:", expected={"left": [1.0, 2.0, 3.0], "right": 1.0})(lambda answer: 0)
    assert two.wrong_with({"left": [1.0, 2.5, 4.0], "right": 2.0}) == "left: entry [2] is 4, should be 3; 1 more is wrong"
    assert two.wrong_with({"left": [1.0, 2.0, 3.0], "right": 2.0}) == "right is 2, should be 1"


def test_a_whole_number_that_should_lie_between_two_is_shown_as_one():
    assert probe("f", "how many", between=(2, 8))(lambda answer: 0).wrong_with(999.0) == "is 999, should lie between 2 and 8"


def test_a_call_with_a_network_or_an_object_of_the_check_s_own_is_not_shown():
    class Module:
        @staticmethod
        def f(*args):
            return args

    for given in (torch.nn.Linear(1, 1), object(), [torch.ones(1), torch.nn.Linear(1, 1)], np.zeros(100)):
        answer = Answer(Module)
        answer.f(given, 1)
        assert answer._call == ""


def test_tensors_are_shown_as_a_call_that_can_be_pasted():
    class Module:
        @staticmethod
        def f(*args):
            return args

    answer = Answer(Module)
    given = answer.f(torch.tensor([1.0, 2.0]), torch.tensor([[1]]), [torch.tensor(1.5, dtype=torch.float64), 3])
    assert answer._call == "f(torch.tensor([1.0, 2.0]), torch.tensor([[1]]), [torch.tensor(1.5, dtype=torch.float64), 3])"
    pasted = eval(answer._call, {"f": Module.f, "torch": torch})
    assert torch.equal(pasted[0], given[0]) and torch.equal(pasted[1], given[1]) and torch.equal(pasted[2][0], given[2][0])
