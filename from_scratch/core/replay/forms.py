"""What becomes of places that were drawn from a memory: a step, n steps ahead, or stretches of an episode.

A form's `of(storage, t, e, gamma)` makes a batch of the places (t, e) [S, M]; how they were drawn is the sampler's matter (`samplers.py`), and where they lie
the storage's. None of them goes beyond an episode's last step, nor beyond the newest step of the ring, behind which the oldest one lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer

from from_scratch.core.data import MaskedTransition, Stretch, Transition
from from_scratch.core.replay.storage import Storage


class OneStep:
    """(s, a, r, s'), discounted by γ."""

    def bind(self, storage: Storage) -> None:
        """Called once, with the storage that is read from then on."""

    def of(self, storage: Storage, t: np.ndarray, e: np.ndarray, gamma: float) -> Any:
        obs, action, reward, next_obs, alive = storage.step(t, e)
        return Transition(obs, action, reward, next_obs, storage.tensor(gamma * alive))

    def last(self, storage: Storage, t: np.ndarray, e: np.ndarray) -> np.ndarray:
        """The rows of the steps whose successor is s', [S, M]."""
        return t


class NSteps(OneStep):
    """(s, a, R, s'): R = r_1 + γ r_2 + … + γ^(m−1) r_m, and s' what was seen after r_m, discounted by γ^m; as SB3's NStepReplayBuffer has it.

    m is n, or less where the episode ended before, or where the memory has no later step yet.
    """

    def __init__(self, n: int, gamma: float | None = None):
        self.n, self.gamma = n, gamma  # γ None: that of the caller

    def of(self, storage: Storage, t: np.ndarray, e: np.ndarray, gamma: float) -> Transition:
        gamma = gamma if self.gamma is None else self.gamma
        i = np.arange(self.n)
        rows, lanes = self.places(storage, t, e)
        m = steps_to_end(storage, rows, lanes)
        last = (t + m - 1) % storage.size
        powers = gamma ** i.astype(np.float32)
        R = (storage.rewards(rows, lanes) * powers * (i < m[..., None])).sum(-1)
        discount = gamma ** m.astype(np.float32) * storage.alive(last, e)
        action = storage.tensor(storage.read("actions", t, e))
        return Transition(storage.obs(t, e), action, storage.tensor(R), storage.obs(last, e, "next_observations"), storage.tensor(discount))

    def places(self, storage: Storage, t: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of n successive steps from each place (t, e) on, [S, M, n]."""
        return (t[..., None] + np.arange(self.n)) % storage.size, np.broadcast_to(e[..., None], (*e.shape, self.n))

    def last(self, storage: Storage, t: np.ndarray, e: np.ndarray) -> np.ndarray:
        return (t + steps_to_end(storage, *self.places(storage, t, e)) - 1) % storage.size


def ahead_of(buffer: ReplayBuffer) -> OneStep:
    """How far SB3's buffer of this class looks ahead."""
    return NSteps(buffer.n_steps, buffer.gamma) if isinstance(buffer, NStepReplayBuffer) else OneStep()


class WithMasks(OneStep):
    """What another form gives, or SB3's buffer, with the actions that were valid in s', of n: `storage.write("next_masks", …)` keeps them."""

    def __init__(self, n: int, form: Any = None):
        self.n, self.form = n, form

    def bind(self, storage: Storage) -> None:
        storage.keep("next_masks", (self.n,))
        self.form = self.form or ahead_of(storage.buffers[0])
        self.form.bind(storage)

    def of(self, storage: Storage, t: np.ndarray, e: np.ndarray, gamma: float) -> MaskedTransition:
        next_mask = storage.read("next_masks", self.form.last(storage, t, e), e)
        return MaskedTransition(**vars(self.form.of(storage, t, e, gamma)), next_mask=storage.tensor(next_mask))


def steps_to_end(storage: Storage, rows: np.ndarray, lanes: np.ndarray) -> np.ndarray:
    """How many of these successive places [S, M, n] lie before an episode's end or the newest step, that one included, [S, M]: 1 … n."""
    newest = (storage.pos - 1) % storage.size
    ends = storage.ends(rows, lanes) | (rows == newest)
    return np.where(ends.any(-1), ends.argmax(-1) + 1, rows.shape[-1])


class Stretches(OneStep):
    """Up to `length` successive steps of one episode, from the place that was drawn on, and up to `burn_in` steps before it that only warm up a memory.

    `states` names what the algorithm keeps with each step, and its shape: a recurrent network's state before it, say (written by `storage.write`). A batch
    has what was kept with the first step of each stretch, burn-in included. Where the episode began later than `burn_in` steps before, or the ring has
    forgotten the earlier ones, the stretch begins later; all of them are filled up at their end.
    """

    def __init__(self, length: int, burn_in: int = 0, states: Mapping[str, tuple[int, ...]] | None = None):
        self.length, self.burn_in, self.states = length, burn_in, dict(states or {})

    def bind(self, storage: Storage) -> None:
        for name, shape in self.states.items():
            storage.keep(name, shape)

    def of(self, storage: Storage, t: np.ndarray, e: np.ndarray, gamma: float) -> Stretch:
        B, L = self.burn_in, self.burn_in + self.length
        along = lambda x, n: np.broadcast_to(x[..., None], (*x.shape, n))
        back = np.arange(1, B + 1)
        here = along(storage.age(t), B) >= back  # else it is a newer step that lies there
        joined = here & ~storage.ends((t[..., None] - back) % storage.size, along(e, B))
        b = np.cumprod(joined, -1).sum(-1) if B else np.zeros_like(t)  # steps of burn-in, [S, M]
        ahead = (t[..., None] + np.arange(self.length)) % storage.size
        n = (b + steps_to_end(storage, ahead, along(e, self.length)))[..., None]  # steps in all

        i, start = np.arange(L), (t - b)[..., None]
        rows, lanes = (start + np.minimum(i, n - 1)) % storage.size, along(e, L)  # the last one again where there are no more
        real = (i < n).astype(np.float32)
        after = storage.obs(rows[..., -1], e, "next_observations")
        obs = _joined(storage.obs(rows, lanes), after, storage.tensor(n[..., 0]))
        action, reward = storage.tensor(storage.read("actions", rows, lanes)), storage.tensor(storage.rewards(rows, lanes) * real)
        discount, learnt = storage.tensor((gamma * storage.alive(rows, lanes) * real).astype(np.float32)), storage.tensor(real * (i >= b[..., None]))
        first = rows[..., 0]
        return Stretch(obs, action, reward, discount, learnt, {name: storage.tensor(storage.read(name, first, e)) for name in self.states})


def _joined(obs: Any, after: Any, n: torch.Tensor) -> Any:
    """Observations before each step, [S, M, L, ...], and from place n on the one after the last, [S, M, ...]: [S, M, L + 1, ...]."""
    if isinstance(obs, dict):
        return {key: _joined(obs[key], after[key], n) for key in obs}
    L = obs.shape[2]
    after = after.unsqueeze(2)
    beyond = torch.arange(L + 1, device=obs.device) >= n[..., None]
    return torch.where(beyond.view(*beyond.shape, *(1,) * (obs.dim() - 3)), after, torch.cat((obs, after), 2))
