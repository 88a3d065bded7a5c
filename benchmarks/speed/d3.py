"""What the offline cases are compared with: d3rlpy's own updates, of networks of the same size on batches of the same data.

Its batches are made beforehand and taken in turn, so that nothing is timed of d3rlpy but its updates; ours draws each of its own. d3rlpy is no dependency of
ours: `pip install --no-deps d3rlpy==2.8.1` over what 2.8.0 needs, as it asks for another Gymnasium, which its updates do not touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from from_scratch.core.datasets import as_dataset


class D3rlpy:
    """One of d3rlpy's algorithms, with the two names of a model that the measuring needs, `learn` and `num_timesteps`, and its weights as `values`."""

    BATCHES = 16

    def __init__(self, config: str, dataset: str, hidden_units: Sequence[int], batch_size: int = 256, **settings: Any):
        import d3rlpy
        from d3rlpy.dataset import TransitionMiniBatch

        data, rng = as_dataset(dataset), np.random.default_rng(0)
        actions = 2 * (data.actions - data.action_space.low) / (data.action_space.high - data.action_space.low) - 1  # type: ignore[attr-defined]
        encoder = d3rlpy.models.VectorEncoderFactory(hidden_units=list(hidden_units))
        kind = getattr(d3rlpy.algos, config)
        self.algo = kind(actor_encoder_factory=encoder, critic_encoder_factory=encoder, batch_size=batch_size, **settings).create(device="cpu:0")
        self.algo.create_impl(data.observations.shape[1:], actions.shape[1])
        self.batches, self.num_timesteps = [], 0
        for _ in range(self.BATCHES):
            i = rng.integers(len(data), size=batch_size)
            of = lambda x, i=i: np.ascontiguousarray(x[i].reshape(batch_size, -1), np.float32)
            self.batches.append(TransitionMiniBatch(
                observations=of(data.observations), actions=of(actions), rewards=of(data.rewards), next_observations=of(data.next_observations),
                next_actions=of(actions), terminals=of(data.terminations), intervals=np.ones((batch_size, 1), np.float32), transitions=[],
            ))  # fmt: skip

    def learn(self, total_timesteps: int, reset_num_timesteps: bool = True) -> None:
        """Take so many of its updates."""
        for _ in range(total_timesteps):
            self.algo.update(self.batches[self.num_timesteps % self.BATCHES])
            self.num_timesteps += 1

    @property
    def values(self) -> np.ndarray:
        """The policy's weights, as one vector."""
        return np.concatenate([p.detach().numpy().ravel() for p in self.algo.impl.policy.parameters()])
