"""What network and policy must be like; what is drawn, and with which log-probability; and whether PPO learns with them.

Weights are set to numbers of the check's own, since those of a new network are random.
"""

import numpy as np
import torch

from sb3_course.teaching.checks import Mistake, array, measured, number, probe, seeded
from sb3_course.teaching.outputs import short

torch.set_num_threads(1)


def filled(module, seed=0):
    """The module with weights drawn by the check."""
    draw = np.random.default_rng(seed)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.as_tensor(0.5 * draw.normal(size=tuple(p.shape))))
    return module


def observations(n, seed=0):
    return torch.as_tensor(np.random.default_rng(seeded(seed)).normal(size=(n, 3)), dtype=torch.float32)


def generator(seed):
    return torch.Generator().manual_seed(seeded(seed))


def network(answer, sizes):
    found = answer.mlp(sizes)
    if not isinstance(found, torch.nn.Module):
        raise Mistake(f"it gives {short(found)}, should be a torch.nn.Module")
    return found


def policy(answer, n_actions=2):
    pi = answer.new_policy(3, n_actions, (8,))
    for name in ("mean", "log_std"):
        if not hasattr(pi, name):
            raise Mistake(f"it gives {short(pi)}, which has no attribute {name}")
    return pi


def acted(answer, pi, obs, low, high):
    """What act gives, as arrays; and as it is."""
    found = answer.act(pi, obs, low, high, generator(7))
    if not isinstance(found, tuple | list) or len(found) != 3:
        raise Mistake(f"it gives {short(found)}, should be action, played action, log-probability")
    shapes = {"the action": (len(obs), 2), "the played action": (len(obs), 2), "the log-probability": (len(obs),)}
    return *(array(x, shape, name) for x, (name, shape) in zip(found, shapes.items())), found


# --------------------------------------------------------------------------------------------------------------- network


@probe("mlp", "sizes 3 8 5 2: the shapes of its weights", expected="8x3 8 5x8 5 2x5 2")
def shapes(answer):
    return " ".join("x".join(map(str, p.shape)) for p in network(answer, [3, 8, 5, 2]).parameters())


@probe("mlp", "sizes 3 8 5 2, the check's weights: largest difference from W₃ tanh(W₂ tanh(W₁ x + b₁) + b₂) + b₃", expected=0.0, tolerance=1e-5)
def outputs(answer):
    net, x = filled(network(answer, [3, 8, 5, 2])), observations(6)
    found = array(net(x), (6, 2), "the output")
    W1, b1, W2, b2, W3, b3 = (p.detach().double().numpy() for p in net.parameters())
    right = np.tanh(np.tanh(x.double().numpy() @ W1.T + b1) @ W2.T + b2) @ W3.T + b3
    return measured(float(np.abs(found - right).max()), of=found - right)


# ---------------------------------------------------------------------------------------------------------------- policy


@probe("new_policy", "two components: log_std", expected=[-0.5, -0.5], tolerance=1e-6)
def log_std(answer):
    return array(policy(answer).log_std, (2,), "log_std")


@probe("new_policy", "is log_std among the parameters?", expected=True)
def is_learnt(answer):
    pi = policy(answer)
    return any(p is pi.log_std for p in pi.parameters())


@probe("new_policy", "3 observations, one hidden layer of 8, 2 components: how many numbers it learns", expected=3 * 8 + 8 + 8 * 2 + 2 + 2)
def how_many(answer):
    pi = policy(answer)
    array(pi.mean(observations(4)), (4, 2), "mean(obs)")
    return sum(p.numel() for p in pi.parameters())


# ------------------------------------------------------------------------------------------------------------------- act


def fixed_policy(answer):
    """Means 1 and −0.5 wherever one is, σ = 0.5 and 0.8."""
    pi = policy(answer)
    with torch.no_grad():
        for p in pi.mean.parameters():
            p.zero_()
        list(pi.mean.parameters())[-1].copy_(torch.tensor([1.0, -0.5]))
        pi.log_std.copy_(torch.tensor([0.5, 0.8]).log())
    return pi


@probe("act", "means 1 -0.5, σ = 0.5 0.8, 20,000 draws: means, deviations and correlation", expected=[1.0, -0.5, 0.5, 0.8, 0.0], tolerance=0.032)
def drawn_actions(answer):
    action = acted(answer, fixed_policy(answer), observations(20_000), -10.0, 10.0)[0]
    deviation = action.std(0)
    if deviation.min() < 1e-6:
        raise Mistake("cannot be judged: a component is the same in every row")
    return np.array([*action.mean(0), *deviation, np.corrcoef(action.T)[0, 1]])


@probe(
    "act",
    "bounds -1 and 1: the largest action as played, and how many of 1000 as drawn are beyond the bounds, at least 300",
    expected=[1.0, 1.0],
    tolerance=1e-6,
)
def bounds(answer):
    action, played, *_ = acted(answer, fixed_policy(answer), observations(1000), -1.0, 1.0)
    beyond = int((np.abs(action) > 1).any(1).sum())
    return measured(np.array([np.abs(played).max(), float(beyond >= 300)]), of=np.array([np.abs(played).max(), beyond]))


def of_action(action):
    """ln π of an action under fixed_policy."""
    sd = np.array([0.5, 0.8])
    return (-0.5 * ((action - [1.0, -0.5]) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)).sum(1)


@probe("act", "bounds -1 and 1: largest difference of the log-probability from that of the action as drawn", expected=0.0, tolerance=1e-4)
def log_probability(answer):
    action, _, logp, _ = acted(answer, fixed_policy(answer), observations(1000), -1.0, 1.0)
    off = logp - of_action(action)
    return measured(float(np.abs(off).max()), of=off)


@probe("act", "do action and log-probability carry a gradient?", expected=False)
def no_gradient(answer):
    *_, found = acted(answer, fixed_policy(answer), observations(4), -1.0, 1.0)
    return any(bool(getattr(x, "requires_grad", False)) for x in found)


# -------------------------------------------------------------------------------------------------------------- evaluate


@probe("evaluate", "200 actions that the same policy drew before: the largest difference of the ratio from 1", expected=0.0, tolerance=1e-4)
def ratio(answer):
    """Against the check's own draws, so that a mistake in act is told there."""
    obs, draw = observations(200), np.random.default_rng(seeded(3))
    action = np.array([1.0, -0.5]) + np.array([0.5, 0.8]) * draw.normal(size=(200, 2))
    found = array(answer.evaluate(fixed_policy(answer), obs, torch.as_tensor(action, dtype=torch.float32)), (200,), "ln π")
    off = np.exp(found - of_action(action)) - 1
    return measured(float(np.abs(off).max()), of=off)


@probe("evaluate", "one action (1, 1) at means 1 -0.5, σ = 0.5 0.8: derivatives of ln π by the last bias and by log_std",
       expected=[0.0, 1.5 / 0.64, -1.0, 1.5**2 / 0.64 - 1], tolerance=1e-4)  # fmt: skip
def derivatives(answer):
    pi = fixed_policy(answer)
    logp = answer.evaluate(pi, observations(1), torch.tensor([[1.0, 1.0]]))
    if not getattr(logp, "requires_grad", False):
        raise Mistake("cannot be taken: what it gives carries no gradient")
    logp.sum().backward()
    bias = list(pi.mean.parameters())[-1]
    return np.array([*array(bias.grad, (2,), "the derivative by the bias"), *array(pi.log_std.grad, (2,), "the derivative by log_std")])


@probe(
    "evaluate", "a task of one step whose best action is 0.5 or -0.5, as is told: mean squared distance of the means from it", between=(0.0, 0.05), twice=False
)
def bandit(answer):
    pi, draws = filled(answer.new_policy(1, 1, (16,)), 1), generator(5)
    with torch.no_grad():
        pi.log_std.fill_(-0.5)
    optimiser = torch.optim.Adam(pi.parameters(), lr=3e-2)
    told = torch.tensor([[1.0], [-1.0]]).repeat(128, 1)
    for _ in range(10):
        action, _, logp = answer.act(pi, told, -10.0, 10.0, draws)
        reward = -((action - 0.5 * told) ** 2).squeeze(-1)
        answer.improve(pi, optimiser, told, action, logp, reward - reward.mean(), epochs=3, generator=draws)
    return number(((pi.mean(told) - 0.5 * told) ** 2).mean(), "it")


@probe("evaluate", "Pendulum-v1, 100,000 steps, mean of 3 seeds: mean return of the last 24 episodes", between=(-450.0, -100.0), slow=True, twice=False)
def pendulum(answer):
    found = [answer.train(seeded(10 * k), 98) for k in range(3)]
    return measured(float(np.mean(found)), note=f"Yours, seed by seed: {' '.join(f'{x:.0f}' for x in found)}. Random torques earn about -1200.")
