"""What the head of a dueling network must give.

Most wrong heads learn CartPole all the same: Q can be written by them, too. What differs is what the streams mean, and what the gradient teaches them.
"""

import torch

from from_scratch import DuelingDQN
from sb3_course.teaching.checks import Mistake, array, probe, seeded

torch.set_num_threads(1)


def rows(*numbers):
    return torch.tensor(numbers, dtype=torch.float32)


def two(found, n, n_actions):
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}, should be V and A")
    return array(found[0], (n, 1), "V"), array(found[1], (n, n_actions), "A")


# --------------------------------------------------------------------------------------------------------------- combine


@probe("combine", "V = 10, A = 1 2 6: Q", expected=[[8, 9, 13]], tolerance=1e-5)
def one_state(answer):
    return array(answer.combine(rows([10]), rows([1, 2, 6])), (1, 3), "Q")


@probe("combine", "V = 10 and 0, A = 1 2 6 and 4 4 1: Q", expected=[[8, 9, 13], [1, 1, -2]], tolerance=1e-5)
def two_states(answer):
    return array(answer.combine(rows([10], [0]), rows([1, 2, 6], [4, 4, 1])), (2, 3), "Q")


@probe("combine", "as many states as actions, V = 10 and 0, A = 1 3 and 4 8: Q", expected=[[9, 11], [-2, 2]], tolerance=1e-5)
def square(answer):
    return array(answer.combine(rows([10], [0]), rows([1, 3], [4, 8])), (2, 2), "Q")


@probe("combine", "100 is added to all A of a state: how far Q moves", expected=[[0, 0, 0, 0]], tolerance=1e-3)
def shifted(answer):
    v, a = rows([2]), rows([1, 0, 3, 4])
    return array(answer.combine(v, a + 100), (1, 4), "Q") - array(answer.combine(v, a), (1, 4), "Q")


@probe("combine", "four actions: the gradient of Q(s, 2) for V and for A(s, 0), …, A(s, 3)", expected=[1, -0.25, -0.25, 0.75, -0.25], tolerance=1e-5)
def gradient(answer):
    v, a = rows([2]).requires_grad_(), rows([1, 0, 3, 4]).requires_grad_()
    q = answer.combine(v, a)
    array(q, (1, 4), "Q")
    if not q.requires_grad:
        raise Mistake("cannot be tried: Q has no gradient. Was a tensor turned into a number, or detached?")
    grads = torch.autograd.grad(q[0, 2], (v, a), allow_unused=True)
    return torch.cat([torch.zeros(n) if g is None else g.flatten() for g, n in zip(grads, (1, 4))]).double().numpy()


@probe("combine", "the streams of from_scratch's DuelingDQN on 6 observations: how far Q is from its own", expected=[[0, 0]] * 6, tolerance=1e-5)
def as_in_the_library(answer):
    net = DuelingDQN("MlpPolicy", "CartPole-v1", seed=seeded(0), policy_kwargs={"net_arch": [8]}, buffer_size=10, device="cpu").q_net
    obs = torch.randn(6, 4, generator=torch.Generator().manual_seed(seeded(1)))
    with torch.no_grad():
        return array(answer.combine(net.value(obs), net.advantage(obs)), (6, 2), "Q") - net(obs).numpy()


# ----------------------------------------------------------------------------------------------------------------- split


@probe("split", "Q = 8 9 13 and 1 1 -2:", expected={"V": [[10], [0]], "A": [[-2, -1, 3], [1, 1, -2]]}, tolerance=1e-5)
def back(answer):
    v, a = two(answer.split(rows([8, 9, 13], [1, 1, -2])), 2, 3)
    return {"V": v, "A": a}


@probe(
    "split",
    "20 random states and 5 actions: the largest difference between Q and combine(*split(Q)), and the largest mean of A",
    expected=[0.0, 0.0],
    tolerance=1e-5,
)
def there_and_back(answer):
    q = torch.randn(20, 5, generator=torch.Generator().manual_seed(seeded(2)))
    v, a = two(answer.split(q), 20, 5)
    again = torch.tensor(v + a - a.mean(1, keepdims=True))
    return [float((again - q).abs().max()), float(abs(a.mean(1)).max())]


# --------------------------------------------------------------------------------------------------------------- network


def network(answer, bias):
    """Two observations, features that pass them on, V = 2 x0, A = (x1, −x1, bias)."""
    net = answer.Dueling(2, 3, 2)
    with torch.no_grad():
        net.features[0].weight.copy_(torch.eye(2))
        net.value.weight.copy_(rows([2, 0]))
        net.advantage.weight.copy_(rows([0, 1], [0, -1], [0, 0]))
        for layer, numbers in ((net.features[0], [0, 0]), (net.value, [0]), (net.advantage, [0, 0, bias])):
            layer.bias.copy_(rows(*numbers))
    return net


@probe("Dueling.forward", "weights set so that V = 2 x0 and A = (x1, -x1, 3), x = (5, 1), (0, 2) and (-1, 1): Q", tolerance=1e-5,
       expected=[[10, 8, 12], [1, -3, 2], [0, -2, 2]])  # fmt: skip
def by_hand(answer):
    return array(network(answer, 3)(rows([5, 1], [0, 2], [-1, 1])), (3, 3), "Q")


@probe("Dueling.forward", "does the gradient of Q(s, 0) reach every layer?", expected={"features": True, "value": True, "advantage": True})
def everything_learns(answer):
    net = network(answer, 3)
    q = net(rows([5, 1]))
    array(q, (1, 3), "Q")
    if q.requires_grad:
        q[0, 0].backward()
    return {name: any(p.grad is not None and bool((p.grad != 0).any()) for p in getattr(net, name).parameters()) for name in ("features", "value", "advantage")}
