"""What the loss and its gradient must be: by hand on four samples, then in the library's loop, beside the library's own loss."""

from functools import cache

import numpy as np
import torch

from from_scratch import PPO
from sb3_course.teaching.checks import array, measured, number, probe, seeded

torch.set_num_threads(1)

SHORT = {
    "n_steps": 32, "batch_size": 16, "n_epochs": 2, "learning_rate": 3e-3, "clip_range": 0.1, "clip_range_vf": 0.1, "ent_coef": 0.01,
    "policy_kwargs": {"net_arch": [8]}, "device": "cpu",
}  # fmt: skip


def column(*numbers, gradient=False):
    return torch.tensor(numbers, dtype=torch.float32, requires_grad=gradient)


def ratios(*numbers):
    """log_pi, which carries a gradient, and log_pi_old, so that the ratios are these."""
    old = torch.log(torch.full((len(numbers),), 0.4))
    return (old + torch.log(torch.tensor(numbers))).requires_grad_(), old


# ------------------------------------------------------------------------------------------------------------- the policy


@probe("policy_loss", "one sample, ratio 1.5, Â = 2, ε = 0.2: the loss", expected=-2.4, tolerance=1e-5)
def worked_example(answer):
    return number(answer.policy_loss(*ratios(1.5), column(2), 0.2), "it")


@probe("policy_loss", "ratios 1.5 0.5 1.5 0.5, Â = 1 2 -1 -1, ε = 0.2: the loss", expected=-(1.2 + 1.0 - 1.5 - 0.8) / 4, tolerance=1e-5)
def four_samples(answer):
    return number(answer.policy_loss(*ratios(1.5, 0.5, 1.5, 0.5), column(1, 2, -1, -1), 0.2), "it")


@probe("policy_loss", "ratios 1.5 0.5 1.5 0.5, Â = 1 2 -1 -1, ε = 0.2: the gradient for ln π", expected=[0, -0.25, 0.375, 0], tolerance=1e-5)
def gradient(answer):
    log_pi, old = ratios(1.5, 0.5, 1.5, 0.5)
    answer.policy_loss(log_pi, old, column(1, 2, -1, -1), 0.2).backward()
    return array(log_pi.grad, (4,), "the gradient")


@probe("policy_loss", "ratios 1 1, Â = 3 -1, as in the first minibatch of a rollout: the gradient for ln π, which is −Â / M", expected=[-1.5, 0.5],
       tolerance=1e-5)  # fmt: skip
def first_minibatch(answer):
    log_pi, old = ratios(1, 1)
    answer.policy_loss(log_pi, old, column(3, -1), 0.2).backward()
    return array(log_pi.grad, (2,), "the gradient")


@probe("policy_loss", "ratio 1.1, Â = 2, data that carries a gradient: the gradient for ln π_old and Â", expected=[0.0, 0.0], tolerance=1e-6)
def constants(answer):
    log_pi, old = ratios(1.1)
    old, advantage = old.requires_grad_(), column(2, gradient=True)
    answer.policy_loss(log_pi, old, advantage, 0.2).backward()
    return [0.0 if tensor.grad is None else tensor.grad.item() for tensor in (old, advantage)]


# ------------------------------------------------------------------------------------------------------------- the values


@probe("value_loss", "V = 1 2, returns 2 4, no clip: the loss", expected=2.5, tolerance=1e-5)
def squares(answer):
    return number(answer.value_loss(column(1, 2, gradient=True), column(0, 0), column(2, 4)), "it")


@probe("value_loss", "V = 1 -1 0.1, V_old = 0, returns 2 0.5 1, ε_v = 0.2: the loss", expected=(1.8**2 + 0.7**2 + 0.9**2) / 3, tolerance=1e-5)
def near_the_old(answer):
    return number(answer.value_loss(column(1, -1, 0.1, gradient=True), column(0, 0, 0), column(2, 0.5, 1), 0.2), "it")


@probe("value_loss", "V = 1 -1 0.1, V_old = 0, returns 2 0.5 1, ε_v = 0.2: the gradient for V", expected=[0, 0, -0.6], tolerance=1e-5)
def gradient_of_values(answer):
    v = column(1, -1, 0.1, gradient=True)
    answer.value_loss(v, column(0, 0, 0), column(2, 0.5, 1), 0.2).backward()
    return array(v.grad, (3,), "the gradient")


@probe("value_loss", "V = 1, V_old = 0.9, return 2, ε_v = 0.2, data that carries a gradient: the gradient for V_old and the return", expected=[0.0, 0.0],
       tolerance=1e-6)  # fmt: skip
def constants_of_values(answer):
    v_old, ret = column(0.9, gradient=True), column(2, gradient=True)
    answer.value_loss(column(1, gradient=True), v_old, ret, 0.2).backward()
    return [0.0 if tensor.grad is None else tensor.grad.item() for tensor in (v_old, ret)]


# ---------------------------------------------------------------------------------------------------------------- the sum


@probe("ppo_loss", "ratios 1 1, Â = 1 1, V = 1 2, returns 2 4, entropies 3 5, coefficients 0.5 and 0.1: the loss", expected=0.5 * 2.5 - 0.1 * 4, tolerance=1e-5)
def values_and_entropy(answer):
    """Equal advantages are 0 when they are whitened, so that the policy's part is 0."""
    found = answer.ppo_loss(*ratios(1, 1), column(1, 1), column(1, 2), column(0, 0), column(2, 4), column(3, 5), 0.2, None, 0.5, 0.1)
    return number(found, "it")


@probe("ppo_loss", "ratios 1.5 1 1.3, Â = 1 2 3, which are -1 0 1 when whitened, ε = 0.2, coefficients 0: the loss", expected=0.1, tolerance=1e-5)
def whitened(answer):
    found = answer.ppo_loss(*ratios(1.5, 1, 1.3), column(1, 2, 3), column(0, 0, 0), column(0, 0, 0), column(1, 1, 1), column(1, 1, 1), 0.2, None, 0.0, 0.0)
    return number(found, "it")


@probe("ppo_loss", "the same with V = 1, V_old = 0, returns 3, ε_v = 0.5, coefficient 1: the loss", expected=0.1 + 2.5**2, tolerance=1e-5)
def with_clipped_values(answer):
    found = answer.ppo_loss(*ratios(1.5, 1, 1.3), column(1, 2, 3), column(1, 1, 1), column(0, 0, 0), column(3, 3, 3), column(1, 1, 1), 0.2, 0.5, 1.0, 0.0)
    return number(found, "it")


def weights(cls, seed):
    """Those of the policy after a short run."""
    model = cls("MlpPolicy", "CartPole-v1", seed=seed, **SHORT).learn(64)
    return torch.cat([p.detach().flatten() for p in model.policy.parameters()]).double().numpy()


@cache
def of_the_library(seed):
    return weights(PPO, seed)


@probe("ppo_loss", "MyPPO for two rollouts beside from_scratch's PPO, same seed: the largest difference of a weight", expected=0.0, tolerance=1e-5, twice=False)
def as_in_the_library(answer):
    difference = weights(answer.MyPPO, seeded(3)) - of_the_library(seeded(3))
    return measured(np.abs(difference).max(), of=difference)
