"""Action distributions against torch.distributions, and their samples against the numbers that SB3's distributions draw."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.distributions import BernoulliDistribution, CategoricalDistribution, DiagGaussianDistribution, MultiCategoricalDistribution
from torch import distributions as td

from from_scratch.core.distributions import Bernoulli, Categorical, Gaussian, distribution, number_of_parameters, remembered
from from_scratch.core.rng import Rng

pytestmark = pytest.mark.numerical

S, M = 2, 50  # seeds, batch
SPACES = {
    "Discrete": spaces.Discrete(4),
    "MultiDiscrete": spaces.MultiDiscrete([2, 3, 4]),
    "MultiBinary": spaces.MultiBinary(3),
    "Box": spaces.Box(-1, 1, (3,)),
}


def parameters(space, seed=0):
    """What a network might put out, and a log_std."""
    rng = np.random.default_rng(seed)
    return (2 * rng.normal(size=(S, M, number_of_parameters(space)))).astype(np.float32), rng.normal(size=(S, 1, 3)).astype(np.float32) / 2


def ours(space, in_torch, seed=0):
    x, log_std = parameters(space, seed)
    return distribution(space, torch.from_numpy(x), torch.from_numpy(log_std)) if in_torch else distribution(space, x, log_std)


def of_torch(space, seed=0):
    """The same distributions as torch has them: one, or one per component whose log-probabilities add up."""
    x, log_std = (torch.from_numpy(y) for y in parameters(space, seed))
    if isinstance(space, spaces.Discrete):
        return [td.Categorical(logits=x)], lambda a: [a]
    if isinstance(space, spaces.MultiDiscrete):
        return [td.Categorical(logits=part) for part in x.split(space.nvec.tolist(), -1)], lambda a: a.unbind(-1)
    if isinstance(space, spaces.MultiBinary):
        return [td.Independent(td.Bernoulli(logits=x), 1)], lambda a: [a]
    return [td.Independent(td.Normal(x, log_std.exp().expand_as(x)), 1)], lambda a: [a]


def of_sb3(space, k, m=M):
    """SB3's distribution for the first m parameters of seed k."""
    x, log_std = (torch.from_numpy(y) for y in parameters(space))
    x = x[:, :m]
    if isinstance(space, spaces.Discrete):
        return CategoricalDistribution(4).proba_distribution(x[k])
    if isinstance(space, spaces.MultiDiscrete):
        return MultiCategoricalDistribution(space.nvec.tolist()).proba_distribution(x[k])
    if isinstance(space, spaces.MultiBinary):
        return BernoulliDistribution(3).proba_distribution(x[k])
    return DiagGaussianDistribution(3).proba_distribution(x[k], log_std[k, 0])


@pytest.mark.parametrize("name", SPACES)
def test_log_probabilities_and_entropies_are_torchs(name):
    space = SPACES[name]
    pi, (theirs, split) = ours(space, in_torch=True), of_torch(space)
    actions = torch.from_numpy(ours(space, in_torch=False).sample(Rng.private([0, 1], space)))
    assert pi.log_prob(actions).shape == pi.entropy().shape == (S, M)
    torch.testing.assert_close(pi.log_prob(actions), sum(d.log_prob(a) for d, a in zip(theirs, split(actions), strict=True)))
    torch.testing.assert_close(pi.entropy(), sum(d.entropy() for d in theirs))


@pytest.mark.parametrize("name", SPACES)
def test_divergences_are_torchs(name):
    space = SPACES[name]
    pi, other = (ours(space, in_torch=True, seed=seed) for seed in (0, 1))
    (theirs, _), (of_other, _) = of_torch(space), of_torch(space, 1)
    expected = sum(td.kl_divergence(p, q) for p, q in zip(theirs, of_other, strict=True))
    torch.testing.assert_close(pi.kl(other), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SPACES)
def test_a_distribution_is_known_again_by_its_numbers(name):
    space = SPACES[name]
    pi = ours(space, in_torch=True)
    again = remembered(space, pi.numbers)
    assert pi.numbers.shape[:2] == (S, M)
    assert torch.equal(again.entropy(), pi.entropy())
    torch.testing.assert_close(again.kl(pi), torch.zeros(S, M), atol=1e-6, rtol=0)


@pytest.mark.parity
@pytest.mark.parametrize("name", SPACES)
def test_samples_are_the_ones_that_sb3_draws_after_the_same_seed(name):
    space = SPACES[name]
    sampled = ours(space, in_torch=False).sample(Rng.private([3, 7], space))
    for k, seed in enumerate([3, 7]):
        torch.manual_seed(seed)
        np.testing.assert_allclose(sampled[k], of_sb3(space, k).sample().numpy(), atol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("name", SPACES)
def test_successive_samples_follow_sb3_s_stream(name):
    """The amount drawn is SB3's, too: the hundredth action is still the same."""
    space, rng = SPACES[name], Rng.private([5], SPACES[name])
    torch.manual_seed(5)
    x, log_std = parameters(space)
    pi, theirs = distribution(space, x[:1, :3], log_std[:1]), of_sb3(space, 0, m=3)  # three environments
    for _ in range(100):
        np.testing.assert_allclose(pi.sample(rng)[0], theirs.sample().numpy(), atol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("name", SPACES)
def test_the_mode_is_sb3s(name):
    mode = ours(SPACES[name], in_torch=False).mode()
    for k in range(S):
        np.testing.assert_array_equal(mode[k], of_sb3(SPACES[name], k).mode().numpy())


@pytest.mark.parametrize("name", SPACES)
def test_a_seeds_samples_do_not_depend_on_the_other_seeds(name):
    space = SPACES[name]
    x, log_std = parameters(space)
    together = distribution(space, x, log_std).sample(Rng.private([3, 7], space))
    alone = distribution(space, x[1:], log_std[1:]).sample(Rng.private([7], space))
    np.testing.assert_array_equal(together[1:], alone)


@pytest.mark.parametrize("name", SPACES)
def test_a_sample_lies_in_the_action_space_and_frequencies_match_probabilities(name):
    space = SPACES[name]
    x, log_std = parameters(space)
    many = np.repeat(x[:1, :1], 20_000, axis=1)
    sampled = distribution(space, many, log_std[:1]).sample(Rng.private([0], space))[0]
    if isinstance(space, spaces.Box):
        np.testing.assert_allclose(sampled.mean(0), x[0, 0], atol=0.05)
        np.testing.assert_allclose(sampled.std(0), np.exp(log_std[0, 0]), rtol=0.03)
        return
    assert all(space.contains(a.astype(space.dtype)) for a in sampled[:100])
    a = torch.from_numpy(sampled[:1].copy())
    exact = distribution(space, torch.from_numpy(x[:1, :1]), None).log_prob(a[None]).exp().item()
    frequency = (sampled == sampled[0]).reshape(len(sampled), -1).all(1).mean()
    assert abs(frequency - exact) < 0.015  # 4 standard errors of 20,000 draws


@settings(max_examples=25)
@given(st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=6))
def test_probabilities_of_a_categorical_add_up_to_one(logits):
    pi = Categorical(torch.tensor([[logits]]))
    total = sum(pi.log_prob(torch.tensor([[a]])).exp().item() for a in range(len(logits)))
    assert total == pytest.approx(1, abs=1e-5)
    assert 0 <= pi.entropy().item() <= np.log(len(logits)) + 1e-5


def test_extreme_logits_stay_finite():
    pi = Categorical(torch.tensor([[[1000.0, 0.0, -1000.0]]], requires_grad=True))
    loss = pi.log_prob(torch.tensor([[2]])).sum() + pi.entropy().sum()
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(pi.logits.grad).all()


def test_a_gaussian_by_hand():
    pi = Gaussian(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2))  # two standard normals
    assert pi.log_prob(torch.tensor([[[1.0, 2.0]]])).item() == pytest.approx(-np.log(2 * np.pi) - 0.5 - 2)
    assert pi.entropy().item() == pytest.approx(np.log(2 * np.pi) + 1)


@pytest.mark.parametrize(("name", "n"), [("Discrete", 4), ("MultiDiscrete", 9), ("MultiBinary", 3), ("Box", 3)])
def test_number_of_parameters(name, n):
    assert number_of_parameters(SPACES[name]) == n


def test_the_gradient_of_coins_at_even_odds_is_that_of_any_others():
    """∂ log π / ∂ logit = a − p, where the logit is 0 too, as a fresh policy's are at an observation of zeros."""
    logits = torch.zeros(1, 1, 3, requires_grad=True)
    a = torch.tensor([[[1.0, 0.0, 1.0]]])
    (gradient,) = torch.autograd.grad(Bernoulli(logits).log_prob(a).sum(), logits)
    torch.testing.assert_close(gradient, a - 0.5)
    (gradient,) = torch.autograd.grad(Bernoulli(logits).entropy().sum(), logits)
    assert torch.equal(gradient, torch.zeros(1, 1, 3))
