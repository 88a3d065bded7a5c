"""Decision Transformer: reinforcement learning as sequence modelling (Chen et al. 2021, arXiv:2106.01345, Algorithm 1).

    R̂_t = Σ_(t' ≥ t) r_t', what an episode of the data still returned from step t on
    for each gradient step:
        draw windows of K steps R̂_1 s_1 a_1 … R̂_K s_K a_K
        descend on (a_t − π(R̂_1 s_1 a_1 … R̂_t s_t))², or on −log π(a_t | …) of discrete actions
    to play, ask for a return R̂_1; after each step go on with R̂_(t+1) = R̂_t − r_t

Nothing is learnt of values: one asks for a return, and it does what was done where that was what came of it.

As the authors' code, the loss is a mean over the steps of a window that are real, where CORL divides by all; the transformer is CORL's (embeddings of the
step in the episode, and no others), with an exact GELU. Windows begin with each recorded step alike, and shorter ones are filled up at the left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy

from from_scratch.core.data import tree_map
from from_scratch.core.datasets import Dataset
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.loops.offline import Offline
from from_scratch.core.networks.transformer import RETURN_ALIASES, Context, ReturnPolicy
from from_scratch.core.replay.windows import Window, Windows

OF_POLICY = ("context_length", "embedding_dim", "n_layers", "n_heads", "dropout", "max_timestep")


class DecisionTransformer(Offline):
    """`predict` hands back what it has seen of the episodes, and wants to be given it again. It takes `reward`, of the last step, and `target_return`, of
    episodes that start: where nobody tells a reward, as SB3's evaluate_policy, the mean reward of the data set is taken for it.
    """

    learning_rate: float | Callable[[float], float] = 1e-4
    batch_size: int = 64  # windows that an update learns from
    gamma: ClassVar[float] = 1.0
    target_return: float | None = None  # R̂_1  the return that is asked for; None: that of the best episode in the data set
    return_scale: float | None = None  # the return that the network knows as 1; None: the largest of the data set
    context_length: int = 20  # K  steps that it sees
    embedding_dim: int = 128  # numbers in a token
    n_layers: int = 3  # blocks of attention, one behind another
    n_heads: int = 1  # heads of attention in a block
    dropout: float = 0.1  # the share of numbers that is left out in training
    max_timestep: int = 1000  # steps of an episode that are told apart
    warmup_steps: int = 10_000  # gradient steps over which the learning rate grows
    max_grad_norm: float = 0.25

    policy_aliases = RETURN_ALIASES
    supported_action_spaces = (spaces.Box, spaces.Discrete)
    best_return, usual_reward, return_unit = 0.0, 0.0, 1.0  # of the data set

    def check(self) -> None:
        super().check()
        check_range(self, "context_length", "embedding_dim", "n_layers", "n_heads", "max_timestep", low=1, whole=True)
        check_range(self, "warmup_steps", low=0, whole=True)
        check_range(self, "dropout", low=0, high=1)
        check_range(self, "return_scale", above=0)
        if self.embedding_dim % self.n_heads:
            raise ValueError(f"embedding_dim={self.embedding_dim} is no multiple of n_heads={self.n_heads}: give each head as many numbers.")

    def new_policy(self) -> BasePolicy:
        of_policy = {name: getattr(self, name) for name in OF_POLICY}
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **{**self.policy_kwargs, **of_policy})

    def build(self) -> None:
        self.pi = self.net("transformer", programs=False)

    def set_dataset(self, dataset: Any) -> None:
        super().set_dataset(dataset)
        returns = self.data.returns  # type: ignore[union-attr]
        if "best_return" not in vars(self):  # of the first data set, for which the weights are
            self.return_unit = float(self.return_scale or np.abs(returns).max() or 1)
            self.best_return, self.usual_reward = float(returns.max()), float(self.data.rewards.mean())  # type: ignore[union-attr]

    def new_memory(self, data: Dataset) -> Windows:
        scaled = self.scale_actions if isinstance(self.action_space, spaces.Box) else lambda actions: actions
        return Windows(data, self._rng, self.device, scaled, self.seen, length=self.context_length)

    # ------------------------------------------------------------------------------------------------------------------- acting
    def predict(  # type: ignore[override]
        self, observation: Any, state: Context | None = None, episode_start: Any = None, deterministic: bool = False, reward: Any = None,
        target_return: Any = None,
    ) -> tuple[np.ndarray, Context]:  # fmt: skip
        obs, S, policies = tree_map(self.seen, observation), self.n_seeds, cast("list[ReturnPolicy]", self._policies)
        policy, asked = policies[0], self.goal if target_return is None else target_return
        told = {"reward": self.usual_reward if reward is None else reward, "target_return": asked, "episode_start": episode_start}
        if S == 1:
            return policy.predict(obs, state, deterministic=deterministic, unit=self.return_unit, **told)
        n = len(next(iter(obs.values())) if isinstance(obs, dict) else obs) if policy.is_vectorized_observation(obs) else 1
        if n % S:
            raise ValueError(f"{n} observation{'s' * (n > 1)} for {S} seeds: give a multiple, seed after seed, or ask each, as in for each in model: …")
        found = []
        for k, each in enumerate(policies):
            mine = slice(k * n // S, (k + 1) * n // S)
            of_seed = {name: x[mine] if np.ndim(x) else x for name, x in told.items()}
            context = None if state is None else state.of(mine)
            found.append(each.predict(tree_map(lambda x, m=mine: x[m], obs), context, deterministic=deterministic, unit=self.return_unit, **of_seed))
        actions, after = zip(*found, strict=True)
        return np.concatenate(actions), Context(*map(_joined, zip(*after, strict=True)))

    @property
    def goal(self) -> float:
        """The return that is asked for where nobody says another."""
        return self.best_return if self.target_return is None else self.target_return

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        """What it does in episodes that begin, [S, E, ...]; continuous actions in [−1, 1]."""
        actions = self.predict(tree_map(lambda x: x.reshape(-1, *x.shape[2:]), obs), deterministic=deterministic)[0]
        return self.by_seed(self.policy.scale_action(actions) if isinstance(self.action_space, spaces.Box) else actions)

    # ----------------------------------------------------------------------------------------------------------------- learning
    def use_learning_rate(self) -> None:
        super().use_learning_rate()
        grown = min(1.0, (int(self.updates.max()) + 1) / max(self.warmup_steps, 1))
        for optimizer in self.pi.optimizers:
            for group in optimizer.param_groups:
                group["lr"] *= grown

    def update(self, b: Window) -> None:  # type: ignore[override]
        self.minimise(self.loss, b, torch.as_tensor(self._rng.randint(2**31 - 1, 1)[:, 0]), by=self.pi)

    @per_seed
    def loss(self, b: Window, draw: torch.Tensor | None) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, K, ...], draw [S]
        y = self.pi(b.obs, b.action, b.to_go / self.return_unit, b.t, b.real, *([] if draw is None else [draw]))
        if isinstance(self.action_space, spaces.Discrete):
            error = -y.log_softmax(-1).gather(-1, b.action.long()).squeeze(-1)
        else:
            error = ((y - b.action.flatten(3)) ** 2).mean(-1)
        loss = (b.real * error).sum(-1).sum(-1) / b.real.sum(-1).sum(-1)
        return loss, {"loss": loss}


def _joined(parts: tuple) -> Any:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if isinstance(parts[0], dict) else np.concatenate(parts)
