"""Action distributions: log-probability, entropy, divergence, mode, and samples with the numbers that SB3 would draw.

Parameters are [S, M, ...] (seeds, batch). In torch they carry gradients; `sample` and `mode` are for acting and take NumPy. `kl(other)` is
KL(this ‖ other), [S, M]; `numbers` are all that determine a distribution, [S, M, P], for `remembered`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import cached_property, reduce
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.product import Product
from from_scratch.core.rng import Rng

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class Categorical:
    """One of A actions: π(a) ∝ exp(logits[a]). logits [S, M, A], actions [S, M]."""

    def __init__(self, logits: Any):
        self.logits = logits

    @cached_property
    def log_probs(self) -> torch.Tensor:
        return self.logits.log_softmax(-1)

    def log_prob(self, a: torch.Tensor) -> torch.Tensor:
        return self.log_probs.gather(-1, a.long().unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> torch.Tensor:
        return -(self.log_probs.exp() * self.log_probs).sum(-1)

    def kl(self, other: Categorical) -> torch.Tensor:
        return (self.log_probs.exp() * (self.log_probs - other.log_probs)).sum(-1)

    @property
    def numbers(self) -> torch.Tensor:
        return self.logits

    def sample(self, rng: Rng) -> np.ndarray:
        """argmax p / Exp(1): the very draw of torch.multinomial, here in logarithms."""
        return (self.logits - np.log(rng.exponential(self.logits.shape[1:]))).argmax(-1)

    def mode(self) -> np.ndarray:
        return self.logits.argmax(-1)


class Masked(Categorical):
    """One of those actions whose mask is 1, π(a) ∝ exp(logits[a]) (Huang & Ontañón 2022, arXiv:2006.14171, §3). logits and mask [S, M, A], actions [S, M].

    An invalid action's logit is −1e8, not −∞, which would make 0 · ∞ of its entropy. Where the mask leaves no action, all are equally likely.
    """

    def __init__(self, logits: Any, mask: Any):
        super().__init__(logits * mask - (1 - mask) * 1e8)
        self.mask = mask

    def entropy(self) -> torch.Tensor:
        return -(self.log_probs.exp() * self.log_probs * self.mask).sum(-1)

    def sample(self, rng: Rng) -> np.ndarray:
        self.logits = self.logits - self.logits.max(-1, keepdims=True)  # else nothing of the draw were left beside −1e8, if all are invalid
        return super().sample(rng)


class Independent:
    """Several Categoricals side by side, for MultiDiscrete actions. logits, and a mask if there is one, [S, M, ΣA_i], actions [S, M, n]."""

    def __init__(self, logits: Any, sizes: list[int], mask: Any = None):
        self.numbers = logits
        parts = [slice(end - size, end) for size, end in zip(sizes, np.cumsum(sizes).tolist(), strict=True)]
        self.parts = [Categorical(logits[..., part]) if mask is None else Masked(logits[..., part], mask[..., part]) for part in parts]

    def log_prob(self, a: torch.Tensor) -> torch.Tensor:
        return reduce(operator.add, [part.log_prob(a[..., i]) for i, part in enumerate(self.parts)])

    def entropy(self) -> torch.Tensor:
        return reduce(operator.add, [part.entropy() for part in self.parts])

    def kl(self, other: Independent) -> torch.Tensor:
        return reduce(operator.add, [part.kl(of_other) for part, of_other in zip(self.parts, other.parts, strict=True)])

    def sample(self, rng: Rng) -> np.ndarray:
        return np.stack([part.sample(rng) for part in self.parts], -1)

    def mode(self) -> np.ndarray:
        return np.stack([part.mode() for part in self.parts], -1)


class Bernoulli:
    """n independent coins, for MultiBinary actions. logits and actions [S, M, n]."""

    def __init__(self, logits: Any):
        self.logits = logits

    @cached_property
    def softplus(self) -> torch.Tensor:
        """log(1 + exp(logits)) = −log(1 − p)."""
        positive = self.logits.max(self.logits.detach() * 0)  # whose derivative at 0, where a fresh policy's logits may be, is ½; that of clamp is 1
        return positive + ((-self.logits.abs()).exp() + 1).log()

    def log_prob(self, a: torch.Tensor) -> torch.Tensor:
        return (a.float() * self.logits - self.softplus).sum(-1)

    def entropy(self) -> torch.Tensor:
        return (self.softplus - self.logits.sigmoid() * self.logits).sum(-1)

    def kl(self, other: Bernoulli) -> torch.Tensor:
        return (self.logits.sigmoid() * (self.logits - other.logits) - self.softplus + other.softplus).sum(-1)

    @property
    def numbers(self) -> torch.Tensor:
        return self.logits

    def sample(self, rng: Rng) -> np.ndarray:
        return rng.bernoulli(torch.sigmoid(torch.as_tensor(self.logits)).numpy())

    def mode(self) -> np.ndarray:
        return (np.asarray(self.logits) > 0).astype(np.float32)


class Gaussian:
    """Independent normal components. mean and actions [S, M, n], log_std [S, 1 or M, n]."""

    def __init__(self, mean: Any, log_std: Any):
        self.mean, self.log_std = mean, log_std

    @cached_property
    def std(self) -> torch.Tensor:
        return torch.exp(self.log_std)

    def log_prob(self, a: torch.Tensor) -> torch.Tensor:
        return (-((a - self.mean) ** 2) / (2 * self.std**2) - self.std.log() - HALF_LOG_2PI).sum(-1)  # in torch's order of operations

    def entropy(self) -> torch.Tensor:
        return (0.5 + HALF_LOG_2PI + self.log_std).sum(-1).expand(self.mean.shape[:-1])

    def kl(self, other: Gaussian) -> torch.Tensor:
        squares = (self.std**2 + (self.mean - other.mean) ** 2) / (2 * other.std**2)
        return (squares + other.log_std - self.log_std - 0.5).sum(-1)

    @property
    def numbers(self) -> torch.Tensor:
        return torch.cat((self.mean, self.log_std.expand(self.mean.shape)), -1)

    def sample(self, rng: Rng) -> np.ndarray:
        return self.mean + np.exp(self.log_std) * rng.normal(self.mean.shape[1:])

    def mode(self) -> np.ndarray:
        return self.mean


class Joint:
    """Independent distributions of the parts of an action, for Tuple and Dict actions: log-probabilities, entropies and divergences add up.

    `columns` say where each part stands in actions [S, M, n]: an integer for a Categorical, a slice otherwise.
    """

    def __init__(self, parts: Sequence[Pi], columns: Sequence[int | slice]):
        self.parts, self.columns = list(parts), list(columns)

    def log_prob(self, a: torch.Tensor) -> torch.Tensor:
        return reduce(operator.add, [part.log_prob(a[..., at]) for part, at in zip(self.parts, self.columns, strict=True)])

    def entropy(self) -> torch.Tensor:
        return reduce(operator.add, [part.entropy() for part in self.parts])

    def kl(self, other: Joint) -> torch.Tensor:
        return reduce(operator.add, [part.kl(of_other) for part, of_other in zip(self.parts, other.parts, strict=True)])

    @property
    def numbers(self) -> torch.Tensor:
        return torch.cat([part.numbers for part in self.parts], -1)

    def sample(self, rng: Rng) -> np.ndarray:
        return self._side_by_side([part.sample(rng) for part in self.parts])

    def mode(self) -> np.ndarray:
        return self._side_by_side([part.mode() for part in self.parts])

    def _side_by_side(self, actions: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([a[..., None] if isinstance(at, int) else a for a, at in zip(actions, self.columns, strict=True)], -1, dtype=np.float32)


Pi = Categorical | Independent | Bernoulli | Gaussian | Joint


def distribution(action_space: spaces.Space, parameters: Any, log_std: Any = None, mask: Any = None) -> Pi:
    """The distribution over an action space whose parameters a network puts out, [S, M, number_of_parameters].

    mask: 1 for each action that is valid and 0 for others, [S, M, n]. A coin of a MultiBinary has then two actions, each with a parameter of its own.
    """
    if mask is not None:
        return Masked(parameters, mask) if isinstance(action_space, spaces.Discrete) else Independent(parameters, choices(action_space), mask)
    if isinstance(action_space, Product):
        sizes = [number_of_parameters(part) for part in action_space.parts]
        normal = [size if isinstance(part, spaces.Box) else 0 for part, size in zip(action_space.parts, sizes, strict=True)]
        log_stds = [log_std[..., at] if n else None for n, at in zip(normal, _side_by_side(normal), strict=True)]
        of_parts = zip(action_space.parts, _side_by_side(sizes), log_stds, strict=True)
        return Joint([distribution(part, parameters[..., at], log_std) for part, at, log_std in of_parts], action_space.columns)
    if isinstance(action_space, spaces.Discrete):
        return Categorical(parameters)
    if isinstance(action_space, spaces.MultiDiscrete):
        return Independent(parameters, choices(action_space))
    if isinstance(action_space, spaces.MultiBinary):
        return Bernoulli(parameters)
    return Gaussian(parameters, log_std)


def choices(action_space: spaces.Space) -> list[int]:
    """How many actions there are to choose among, for each component: all of them side by side are what a mask is made for."""
    if isinstance(action_space, spaces.MultiDiscrete):
        return action_space.nvec.tolist()
    return [2] * action_space.n if isinstance(action_space, spaces.MultiBinary) else [int(action_space.n)]  # type: ignore[attr-defined]


def remembered(action_space: spaces.Space, numbers: Any) -> Pi:
    """The distribution whose `numbers` these are, [S, M, P]."""
    if isinstance(action_space, Product):
        sizes = [number_of_parameters(part) * (2 if isinstance(part, spaces.Box) else 1) for part in action_space.parts]
        return Joint([remembered(part, numbers[..., at]) for part, at in zip(action_space.parts, _side_by_side(sizes), strict=True)], action_space.columns)
    if not isinstance(action_space, spaces.Box):
        return distribution(action_space, numbers)
    n = number_of_parameters(action_space)
    return Gaussian(numbers[..., :n], numbers[..., n:])


def number_of_parameters(action_space: spaces.Space) -> int:
    """How many numbers a network must put out for `distribution`."""
    if isinstance(action_space, Product):
        return sum(map(number_of_parameters, action_space.parts))
    if isinstance(action_space, spaces.Discrete):
        return int(action_space.n)
    if isinstance(action_space, spaces.MultiDiscrete):
        return int(sum(action_space.nvec))
    return spaces.flatdim(action_space)


def _side_by_side(sizes: Sequence[int]) -> list[slice]:
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
