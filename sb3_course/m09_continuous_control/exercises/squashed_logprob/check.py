"""A density integrates to 1; and a few numbers by hand."""

import math

import torch

from sb3_course.teaching.checks import Mistake, array, measured, probe

torch.set_num_threads(1)


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def both(answer, mean, log_std, noise):
    """a [M, n] and log π [M] as arrays."""
    found = answer.squashed_logprob(mean, log_std, noise)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake("cannot be judged: squashed_logprob gives two things, a and log π")
    return array(found[0], tuple(noise.shape), "a"), array(found[1], (len(noise),), "log π")


def integral(actions, log_pi):
    """∫ π(a) da by the trapezium rule; actions in rising order."""
    density = array(log_pi, None, "log π")
    heights = math.e**density
    return float(((heights[1:] + heights[:-1]) / 2 * (actions[1:] - actions[:-1])).sum())


@probe("squashed_logprob", "μ = 0.5, σ = 1, noise 0 1 -1: a", expected=[math.tanh(0.5), math.tanh(1.5), math.tanh(-0.5)], tolerance=1e-5)
def actions(answer):
    return both(answer, tensor([0.5], [0.5], [0.5]), tensor(0.0), tensor([0], [1], [-1]))[0][:, 0]


def areas(answer, settings):
    found = []
    for mean, log_std in settings:
        noise = torch.linspace(-4, 4, 2001).reshape(-1, 1)
        a, log_pi = both(answer, torch.full((2001, 1), mean), tensor(log_std), noise)
        found.append(integral(a[:, 0], log_pi))
    return found


@probe("squashed_logprob", "μ = 0, σ = 1: the integral of exp(log π) over all actions", expected=1.0, tolerance=1e-3)
def standard(answer):
    [area] = areas(answer, [(0.0, 0.0)])
    return area


@probe("squashed_logprob", "(μ, log σ) = (1, -1), (-0.5, 0.5): the integral of exp(log π) over all actions", expected=[1.0, 1.0], tolerance=1e-3)
def others(answer):
    return areas(answer, [(1.0, -1.0), (-0.5, 0.5)])


@probe("squashed_logprob", "two components, each with μ = 0, σ = 1, noise 0: log π", expected=[-math.log(2 * math.pi)], tolerance=1e-5)
def two_components(answer):
    return both(answer, tensor([0, 0]), tensor(0.0, 0.0), tensor([0, 0]))[1]


@probe("squashed_logprob", "μ = 20 and μ = -20, σ = 1, noise 0: is log π finite, and so its gradient for μ?", expected=True)
def far_out(answer):
    mean = tensor([20], [-20]).requires_grad_()
    _, log_pi = answer.squashed_logprob(mean, tensor(0.0), tensor([0], [0]))
    log_pi.sum().backward()
    return bool(torch.isfinite(log_pi).all() and torch.isfinite(mean.grad).all())


@probe("squashed_logprob", "μ = 0.3, σ = 1, noise 0: the gradient of log π for (μ, log σ)", expected=[2 * math.tanh(0.3), -1.0], tolerance=1e-4)
def gradient(answer):
    """d/du of −log(1 − tanh²u) is 2 tanh u; and log σ enters by −log σ alone where the noise is 0."""
    mean, log_std = tensor([0.3]).requires_grad_(), tensor(0.0).requires_grad_()
    _, log_pi = answer.squashed_logprob(mean, log_std, tensor([0]))
    if not getattr(log_pi, "requires_grad", False):
        raise Mistake("cannot be tried: log π carries no gradient, and the actor learns by it")
    log_pi.sum().backward()
    found = [0.0 if p.grad is None else float(p.grad.sum()) for p in (mean, log_std)]
    return measured(found, of=found)


@probe("log_prob_of", "μ = 0, σ = 1: the integral of exp(log π) over actions from -0.999 to 0.999", expected=math.erf(math.atanh(0.999) / math.sqrt(2)),
       tolerance=1e-3)  # fmt: skip
def by_action(answer):
    a = torch.tanh(torch.linspace(-math.atanh(0.999), math.atanh(0.999), 2001)).reshape(-1, 1)
    return integral(a[:, 0].numpy(), answer.log_prob_of(torch.zeros(2001, 1), tensor(0.0), a))


@probe("log_prob_of", "μ = 1, σ = e^-1, noise 0.5 and -1: log π of the actions that they make", expected=lambda: _right_log_probs(), tolerance=1e-3)
def there_and_back(answer):
    return array(answer.log_prob_of(tensor([1], [1]), tensor(-1.0), _drawn().reshape(-1, 1).float()), (2,), "log π")


def _drawn():
    return torch.tanh(1 + math.exp(-1) * torch.tensor([0.5, -1.0], dtype=torch.float64))


def _right_log_probs():
    a, noise = _drawn(), torch.tensor([0.5, -1.0], dtype=torch.float64)
    return (-(noise**2) / 2 + 1 - math.log(2 * math.pi) / 2 - torch.log(1 - a**2)).numpy()


@probe("log_prob_of", "μ = 0, σ = 1, actions 1 and -1: is log π finite?", expected=True)
def at_the_bounds(answer):
    return bool(torch.isfinite(answer.log_prob_of(tensor([0], [0]), tensor(0.0), tensor([1], [-1]))).all())
