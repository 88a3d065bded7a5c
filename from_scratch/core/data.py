"""Records: what a step of the environments brought, [S·E, ...], and what an equation is given, [S, M, ...], M samples of each seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch

Observation = torch.Tensor | dict[str, torch.Tensor]
Fields = TypeVar("Fields", bound="_Fields")


def tree_map(f: Callable, x: Any) -> Any:
    """f of an array, or of each array in a dict of them (Dict observations)."""
    return {key: f(value) for key, value in x.items()} if isinstance(x, dict) else f(x)


def both(x: Any, y: Any) -> Any:
    """The samples of x and behind them those of y, [S, 2M, ...], of tensors or of dicts of them."""
    return {key: both(value, y[key]) for key, value in x.items()} if isinstance(x, dict) else torch.cat((x, y), 1)


@dataclass
class Step:
    """What one step of all environments brought, read from a vector environment's answer once: a lane is one environment of one seed.

    A vector environment resets by itself, and tells by three entries of two dicts how an episode ended; loops read this instead.
    """

    obs: Any  # what is seen next, [S·E, ...]: where an episode ended, the first observation of the next one
    r: np.ndarray  # R      [S·E]
    done: np.ndarray  # the episode ended, by whatever cause
    infos: list[dict[str, Any]]
    ended: list[int] = field(init=False)  # the lanes whose episode ended: most often none, and all that follows is at hand

    def __post_init__(self) -> None:
        self.ended = self.done.nonzero()[0].tolist()

    @cached_property
    def truncated(self) -> np.ndarray:
        """Cut short by a limit that is no part of the task, [S·E]: rewards would have gone on, so estimates bootstrap from `next_obs`."""
        cut = np.zeros(len(self.done), bool)
        cut[[lane for lane in self.ended if self.infos[lane].get("TimeLimit.truncated", False)]] = True
        return cut

    @cached_property
    def terminated(self) -> np.ndarray:
        """Over, [S·E]: there is nothing more to come."""
        return self.done.astype(bool) & ~self.truncated

    @property
    def next_obs(self) -> Any:
        """S', the true successor, [S·E, ...]: never the observation after a reset."""
        return self.successor()

    def successor(self, undo: Callable[[int, Any], Any] = lambda lane, last: last) -> Any:
        """The same, where undo(lane, last observation) takes back what a wrapper has done to it."""
        if not self.ended:
            return self.obs
        next_obs = tree_map(np.copy, self.obs)
        for lane in self.ended:
            if (last := self.infos[lane].get("terminal_observation")) is None:
                continue
            last = undo(lane, last)
            if isinstance(next_obs, dict):
                for key, value in next_obs.items():
                    value[lane] = last[key]
            else:
                next_obs[lane] = last
        return next_obs

    def discount(self, gamma: float) -> np.ndarray:
        """γ, and 0 where nothing more is to come, [S·E]."""
        return np.where(self.terminated, 0.0, gamma) if self.ended else np.full(len(self.done), gamma, np.float64)


class _Fields:
    def map(self: Fields, f: Callable) -> Fields:
        """The same fields with f applied to each tensor."""
        return type(self)(**{name: tree_map(f, value) for name, value in vars(self).items()})

    def of_seed(self: Fields, k: int) -> Fields:
        """Seed k's fields alone, [M, ...], in memory of their own."""
        return self.map(lambda x: x[k].clone(memory_format=torch.contiguous_format))

    def shuffled(self: Fields, order: np.ndarray) -> Fields:
        """The samples of every seed in the order that is given for it, [S, n]."""
        S, n = order.shape
        rows = (order + np.arange(S)[:, None] * n).ravel()
        if next(value for value in vars(self).values() if not isinstance(value, dict)).device.type == "cpu":
            return self.map(lambda x: torch.from_numpy(x.numpy().reshape(S * n, *x.shape[2:]).take(rows, 0).reshape(x.shape)))
        return self.map(lambda x: x.flatten(0, 1).index_select(0, torch.as_tensor(rows, device=x.device)).view(x.shape))

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

    @property
    def played(self) -> tuple:
        """What an actor-critic evaluates: s and a."""
        return self.obs, self.action


@dataclass
class MaskedSample(Sample):
    """The same where not all actions were valid."""

    mask: torch.Tensor  # 1 for each valid action, 0 for others, [S, M, n]

    @property
    def played(self) -> tuple:
        return self.obs, self.action, self.mask


@dataclass
class Judged(_Fields):
    """Steps with what Q(s, a) is to become."""

    obs: Observation  # s      [S, M, ...]
    action: torch.Tensor  # a      [S, M]
    ret: torch.Tensor  # its target


@dataclass
class Transition(_Fields):
    """Steps from a replay memory. The discount says how the step ended: γ (γⁿ for n-step returns), and 0 where the episode
    terminated; an episode that was cut by a time limit goes on being discounted."""

    obs: Observation  # s      [S, M, ...]
    action: torch.Tensor  # a
    reward: torch.Tensor  # r      [S, M]
    next_obs: Observation  # s'     the true successor, never the state after a reset
    discount: torch.Tensor  # γ or 0


@dataclass
class MaskedTransition(Transition):
    """The same, with the actions that were valid in s'."""

    next_mask: torch.Tensor  # 1 for each valid action, 0 for others, [S, M, n_actions]


@dataclass
class SuccessiveTransition(Transition):
    """The same, with what was done next."""

    next_action: torch.Tensor  # a'     [S, M, ...], of no meaning where the episode terminated


@dataclass
class Stretch(_Fields):
    """Up to L successive steps of one episode each, from a replay memory, for recurrent networks. A stretch that is shorter is filled up at its end."""

    obs: Observation  # o      [S, M, L + 1, ...]: what was seen before each step, and after the last one from there on
    action: torch.Tensor  # a      [S, M, L, ...]
    reward: torch.Tensor  # r      [S, M, L]
    discount: torch.Tensor  # γ, and 0 where the episode terminated
    learnt: torch.Tensor  # 1 where a step's loss counts, and 0 in the burn-in and behind the end
    kept: dict[str, torch.Tensor]  # what was kept with the first step, by name, [S, M, ...]: a recurrent state before it
