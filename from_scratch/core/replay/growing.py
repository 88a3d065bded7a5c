"""A replay memory that begins with a data set, and to which every seed adds what it plays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from from_scratch.core.data import Transition, tree_map
from from_scratch.core.replay.recorded import Recorded


@dataclass
class Played:
    """What S seeds have played since, a ring of `room` steps for each of them: (s, a, r, s', 1 or 0 if s' was the end) as networks are given them."""

    room: int
    n: int = 0  # steps of each seed that are there
    pos: int = 0  # where the next one goes
    parts: dict[str, Any] = field(default_factory=dict)  # arrays [S, room, ...], or dicts of them

    def add(self, **parts: Any) -> None:
        """One step of every lane, [S, E, ...]. The oldest ones go when there is no room left."""
        E = parts["reward"].shape[1]
        places = (self.pos + np.arange(E)) % self.room
        for name, new in parts.items():
            if name not in self.parts:
                self.parts[name] = tree_map(lambda x: np.zeros((len(x), self.room, *x.shape[2:]), x.dtype), new)
            for memory, x in zip(_arrays(self.parts[name]), _arrays(new), strict=True):
                memory[:, places] = x
        self.pos, self.n = int((self.pos + E) % self.room), min(self.n + E, self.room)

    def of_seed(self, k: int) -> Played:
        """A copy of what seed k has played."""
        return Played(self.room, self.n, self.pos, {name: tree_map(lambda x: x[k : k + 1].copy(), part) for name, part in self.parts.items()})


class Growing(Recorded):
    """The steps of a data set, and behind them those that were played: all of them alike are drawn."""

    def __init__(self, played: Played, *args: Any):
        super().__init__(*args)
        self.played, self.see = played, args[4]

    def add(self, obs: Any, action: np.ndarray, reward: np.ndarray, next_obs: Any, terminated: np.ndarray) -> None:
        """One step of every lane, [S, E, ...]: what was seen as the environment gave it, continuous actions in [−1, 1]."""
        each = lambda x: x.astype(np.float32 if x.dtype == np.float64 else x.dtype).reshape(*x.shape[:2], *(x.shape[2:] or (1,)))
        seen = lambda obs: tree_map(each, self.see(obs))
        self.played.add(
            obs=seen(obs), action=each(action).astype(self.action.dtype), reward=reward.astype(np.float32), next_obs=seen(next_obs),
            alive=1 - terminated.astype(np.float32),
        )  # fmt: skip

    def sample(self, size: int, gamma: float) -> Transition:
        return self.at(self.rng.randint(self.size + self.played.n, size), gamma)

    def read(self, name: str, i: np.ndarray) -> Any:
        if not self.played.n:
            return super().read(name, i)
        recorded, played, new = super().read(name, np.minimum(i, self.size - 1)), self.played.parts[name], i >= self.size
        for x, mine in zip(_arrays(recorded), _arrays(played), strict=True):
            x[new] = mine[new.nonzero()[0], i[new] - self.size]
        return recorded


def _arrays(x: Any) -> list[np.ndarray]:
    return list(x.values()) if isinstance(x, dict) else [x]
