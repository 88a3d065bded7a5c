"""What an equation is given: named fields of tensors, [S, M, ...], one row per seed and M samples in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

Observation = torch.Tensor | dict[str, torch.Tensor]
Fields = TypeVar("Fields", bound="_Fields")


def tree_map(f: Callable, x: Any) -> Any:
    """f of an array, or of each array in a dict of them (Dict observations)."""
    return {key: f(value) for key, value in x.items()} if isinstance(x, dict) else f(x)


class _Fields:
    def map(self: Fields, f: Callable) -> Fields:
        """The same fields with f applied to each tensor."""
        return type(self)(**{name: tree_map(f, value) for name, value in vars(self).items()})

    def split(self: Fields, size: int) -> Iterator[Fields]:
        """Minibatches of `size` samples along the second axis; the last one may be smaller."""
        names = list(vars(self))
        n = next(value for value in vars(self).values() if not isinstance(value, dict)).shape[1]
        parts = {name: tree_map(lambda x: x.split(size, 1), getattr(self, name)) for name in names}
        for i in range(-(-n // size)):
            yield type(self)(**{name: tree_map(lambda x, i=i: x[i], parts[name]) if isinstance(parts[name], dict) else parts[name][i] for name in names})


@dataclass
class Sample(_Fields):
    """Steps of a rollout with what the policy that played it thought of them."""

    obs: Observation  # s      [S, M, ...]
    action: torch.Tensor  # a      [S, M, ...]
    log_prob: torch.Tensor  # log π_old(a|s)
    v: torch.Tensor  # V_old(s)
    advantage: torch.Tensor  # Â
    ret: torch.Tensor  # Â + V_old(s), the target of V


@dataclass
class Transition(_Fields):
    """Steps from a replay memory. The discount says how the step ended: γ (γⁿ for n-step returns), and 0 where the episode
    terminated; an episode that was cut by a time limit goes on being discounted."""

    obs: Observation  # s      [S, M, ...]
    action: torch.Tensor  # a
    reward: torch.Tensor  # r      [S, M]
    next_obs: Observation  # s'     the true successor, never the state after a reset
    discount: torch.Tensor  # γ or 0
