"""Replay memories of S seeds, each made of three things that know nothing of each other.

    where steps lie           storage.py     SB3's buffer objects as containers; packed into one block of rows where they are plain
    which of them are drawn   samplers.py    all alike, or by priority
    what becomes of them      forms.py       a step, n steps ahead, or stretches of an episode for recurrent networks

`AskedReplay` is for buffers that say themselves how they are sampled: HER's, memory-saving ones, a user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer

from from_scratch.core.data import Transition
from from_scratch.core.replay.forms import OneStep, ahead_of
from from_scratch.core.replay.samplers import Uniform
from from_scratch.core.replay.storage import PackedStorage, Storage
from from_scratch.core.rng import Rng
from from_scratch.core.watch import replaced


class Replay:
    """A storage, a sampler and a form."""

    def __init__(self, storage: Storage, rng: Rng, gamma: float, sampler: Any, form: Any):
        self.storage, self.rng, self.gamma, self.sampler, self.form = storage, rng, gamma, sampler, form
        self.buffers, self.normalizers = storage.buffers, storage.normalizers
        sampler.bind(storage)
        form.bind(storage)

    @property
    def names(self) -> tuple[str, ...]:
        """Arrays of the buffers that are ours, and must stay there."""
        return self.storage.names

    def add(self, obs: Any, next_obs: Any, action: np.ndarray, reward: np.ndarray, done: np.ndarray, infos: list[dict]) -> None:
        """Store one step of every lane; next_obs is the true successor, also where the episode ended."""
        t = self.storage.pos
        self.storage.add(obs, next_obs, action, reward, done, infos)
        self.sampler.added(t)

    def sample(self, size: int, gamma: float | None = None) -> Any:
        """A batch of `size` of every seed, drawn from its stream; discounted with this γ, or with that of the beginning."""
        t, e = self.sampler.draw(self.storage, self.rng, size)
        return self.form.of(self.storage, t, e, self.gamma if gamma is None else gamma)

    def is_bound(self, buffers: Sequence[ReplayBuffer]) -> bool:
        """Are these still the buffers that we read and write?"""
        return self.storage.is_bound(buffers)

    def is_asked(self) -> bool:
        """Do the buffers' own methods what is done here, or are they called?"""
        return not isinstance(self.storage, PackedStorage) or not any(map(replaced, self.buffers))


class AskedReplay(Replay):
    """Buffers that sample themselves."""

    def sample(self, size: int, gamma: float | None = None) -> Transition:
        """The same, in SB3's order of draws."""
        gamma = self.gamma if gamma is None else gamma
        batches = []
        for buffer, stream, normalizer in zip(self.buffers, self.rng.streams, self.normalizers, strict=True):
            with stream.as_process():
                batches.append(buffer.sample(size, env=normalizer))

        def stack(name: str) -> Any:
            first = getattr(batches[0], name)
            if isinstance(first, dict):
                return {key: torch.stack([getattr(b, name)[key] for b in batches]) for key in first}
            return torch.stack([getattr(b, name) for b in batches])

        discount = gamma if getattr(batches[0], "discounts", None) is None else stack("discounts").squeeze(-1)
        alive = 1 - stack("dones").squeeze(-1)  # SB3's dones leave out time limits
        return Transition(stack("observations"), stack("actions"), stack("rewards").squeeze(-1), stack("next_observations"), alive * discount)


def _samples_itself(buffer: ReplayBuffer) -> str | None:
    """Why only the buffer knows how it is sampled, in words; None if its arrays can be read."""
    kind = type(buffer)
    known = {(cls.sample, cls._get_samples) for cls in (ReplayBuffer, DictReplayBuffer, NStepReplayBuffer)}
    if (kind.sample, kind._get_samples) not in known or {"sample", "_get_samples"} & vars(buffer).keys():
        return f"a {kind.__name__} says itself how it is sampled"
    return "optimize_memory_usage keeps no next observations" if buffer.optimize_memory_usage else None


def replay(
    buffers: Sequence[ReplayBuffer], rng: Rng, gamma: float, normalizers: Sequence[Any], sampler: Any = None, form: Any = None, of: str = "This algorithm"
) -> Replay:
    """The memory that these buffers allow, the fastest one. Without a sampler and a form of the algorithm's own (named by `of`) they are sampled as SB3 does.

    ValueError if the algorithm draws in a way of its own, and the buffers have another.
    """
    first = buffers[0]
    alike = all((buffer.full, buffer.pos, buffer.buffer_size) == (first.full, first.pos, first.buffer_size) for buffer in buffers)
    packed = alike and all(type(buffer) is type(first) and PackedStorage.can_serve(buffer, normalizers) for buffer in buffers)
    if sampler is None and form is None and not packed:
        return AskedReplay(Storage(buffers, normalizers), rng, gamma, Uniform(), OneStep())
    if (reason := next(filter(None, map(_samples_itself, buffers)), None)) is not None:
        raise ValueError(f"{of} draws from its replay memory in its own way, but {reason}. Leave replay_buffer_class and optimize_memory_usage as they are.")
    if not alike:
        raise ValueError(f"The replay buffers of {len(buffers)} seeds hold {[buffer.size() for buffer in buffers]} steps: those of a stack are filled alike.")
    storage = (PackedStorage if packed else Storage)(buffers, normalizers)
    return Replay(storage, rng, gamma, sampler or Uniform(), form or ahead_of(first))
