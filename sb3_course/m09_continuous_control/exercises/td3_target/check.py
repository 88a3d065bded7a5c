"""TD3's target on critics whose values are known. σ = 0.2 and c = 0.5 throughout."""

import torch

from sb3_course.teaching.checks import array, measured, number, probe

torch.set_num_threads(1)


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float32).reshape(-1, 1)


def row(*numbers):
    return torch.tensor(numbers, dtype=torch.float32)


def always(*action):
    """An actor that plays the same action everywhere."""
    return lambda obs: row(*action).expand(len(obs), -1)


def first(obs, action):
    return obs[:, 0]


def second(obs, action):
    return obs[:, 1]


def of_action(obs, action):
    return action[:, 0]


PENDULUM = row(-2), row(2)


@probe("next_action", "actions from -2 to 2, μ' = 0, noise 1, 9 and -9: ã", expected=[0.4, 1.0, -1.0], tolerance=1e-5)
def by_hand(answer):
    return array(answer.next_action(always(0), column(0, 0, 0), column(1, 9, -9), *PENDULUM), (3, 1), "ã")[:, 0]


@probe("next_action", "actions from -2 to 2, μ' = 1.9 and noise 1, μ' = -1.9 and noise -1: ã", expected=[2.0, -2.0], tolerance=1e-5)
def at_the_bounds(answer):
    return array(answer.next_action(lambda obs: obs, column(1.9, -1.9), column(1, -1), *PENDULUM), (2, 1), "ã")[:, 0]


@probe("next_action", "actions from (-2, 0) to (2, 1), μ' = (0, 0.5), noise (1, 1): ã", expected=[0.4, 0.6], tolerance=1e-5)
def two_ranges(answer):
    return array(answer.next_action(always(0, 0.5), column(0), row(1, 1)[None], row(-2, 0), row(2, 1)), (1, 2), "ã")[0]


@probe("next_action", "actions from (-2, 0) to (2, 1), μ' = (0, 0.95), noise (1, 1): ã", expected=[0.4, 1.0], tolerance=1e-5)
def bound_of_the_second(answer):
    return array(answer.next_action(always(0, 0.95), column(0), row(1, 1)[None], row(-2, 0), row(2, 1)), (1, 2), "ã")[0]


@probe("td3_target", "rewards 1 0, Q₁'(s') = 4 1 and Q₂'(s') = 3 2, γ = 0.5: y", expected=[2.5, 0.5], tolerance=1e-5)
def smaller(answer):
    obs = torch.tensor([[4.0, 3.0], [1.0, 2.0]])
    return array(answer.td3_target(first, second, always(0), row(1, 0), obs, row(0, 0), column(0, 0), *PENDULUM, 0.5), (2,), "y")


@probe("td3_target", "rewards 1 2, Q₁' = Q₂' = 4, the second terminates, γ = 0.5: y", expected=[3.0, 2.0], tolerance=1e-5)
def ends(answer):
    obs = torch.full((2, 2), 4.0)
    return array(answer.td3_target(first, second, always(0), row(1, 2), obs, row(0, 1), column(0, 0), *PENDULUM, 0.5), (2,), "y")


@probe("td3_target", "reward 0, Q₁'(s', a) = Q₂'(s', a) = a, μ' = 0, noise 1 and 9, γ = 0.5: y", expected=[0.2, 0.5], tolerance=1e-5)
def smoothed(answer):
    return array(answer.td3_target(of_action, of_action, always(0), row(0, 0), column(0, 0), row(0, 0), column(1, 9), *PENDULUM, 0.5), (2,), "y")


@probe("td3_target", "does y carry a gradient?", expected=False)
def gradient(answer):
    w = torch.ones((), requires_grad=True)
    q = lambda obs, action: w * obs[:, 0]
    return bool(answer.td3_target(q, q, always(0), row(1), column(4), row(0), column(0), *PENDULUM, 0.5).requires_grad)


def of_actor(answer, q1, q2):
    """Loss, and its gradient for the action that an actor plays in three states."""
    action = torch.tensor([[0.5], [1.0], [1.5]], requires_grad=True)
    loss = answer.actor_loss(q1, q2, lambda obs: action, torch.zeros(3, 1))
    value = number(loss, "the loss")
    loss.backward()
    return value, array(action.grad, (3, 1), "the gradient")[:, 0]


@probe("actor_loss", "μ = 0.5 1 1.5, Q₁ = 2 a, Q₂ = -a: the loss", expected=-2.0, tolerance=1e-5)
def loss(answer):
    value, slope = of_actor(answer, lambda obs, a: 2 * a[:, 0], lambda obs, a: -a[:, 0])
    return measured(value, of=[value, *slope])


@probe("actor_loss", "μ = 0.5 1 1.5, Q₁ = 2 a, Q₂ = -a: its gradient for μ", expected=[-2 / 3, -2 / 3, -2 / 3], tolerance=1e-5)
def slope(answer):
    return of_actor(answer, lambda obs, a: 2 * a[:, 0], lambda obs, a: -a[:, 0])[1]
