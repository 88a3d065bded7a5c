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
