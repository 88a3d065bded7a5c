"""A transformer over returns-to-go, observations and actions, and what it has seen of the episodes that it plays (Chen et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BaseModel, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor, FlattenExtractor, NatureCNN, create_mlp
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.data import tree_map


class Block(nn.Module):
    """Causal self-attention and an MLP, each on normalised inputs and added to them."""

    def __init__(self, width: int, n_heads: int, dropout: float):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, n_heads, dropout, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        y = self.norm1(x)
        x = x + self.drop(self.attention(y, y, y, attn_mask=hidden, need_weights=False)[0])
        return x + self.mlp(self.norm2(x))


class ReturnTransformer(BaseModel):
    """What to do in each of K steps, given R̂_1 s_1 a_1 … R̂_K s_K up to that step: [M, K, n], actions in (−1, 1) or logits.

    Each step is three tokens, to which an embedding of its number since the episode's beginning is added.
    """

    def __init__(
        self, observation_space: spaces.Space, action_space: spaces.Space, extractor: BaseFeaturesExtractor, net_arch: Sequence[int],
        activation_fn: type[nn.Module], width: int, n_layers: int, n_heads: int, dropout: float, max_timestep: int, normalize_images: bool = True,
    ):  # fmt: skip
        super().__init__(observation_space, action_space, features_extractor=extractor, normalize_images=normalize_images)
        discrete = isinstance(action_space, spaces.Discrete)
        n = int(action_space.n) if isinstance(action_space, spaces.Discrete) else spaces.flatdim(action_space)
        self.n_heads, self.max_timestep = n_heads, max_timestep
        self.emb_drop, self.emb_norm, self.out_norm = nn.Dropout(dropout), nn.LayerNorm(width), nn.LayerNorm(width)
        self.timestep_emb, self.return_emb = nn.Embedding(max_timestep + 1, width), nn.Linear(1, width)
        self.state_emb, self.action_emb = nn.Linear(extractor.features_dim, width), nn.Embedding(n, width) if discrete else nn.Linear(n, width)
        self.blocks = nn.ModuleList(Block(width, n_heads, dropout) for _ in range(n_layers))
        self.action_head = nn.Sequential(*create_mlp(width, n, list(net_arch), activation_fn, squash_output=not discrete))
        for part in [*self.blocks.modules(), *self.action_head, self.timestep_emb, self.return_emb, self.state_emb, self.action_emb]:
            if isinstance(part, nn.Linear | nn.Embedding):
                nn.init.normal_(part.weight, 0, 0.02)
            if isinstance(part, nn.Linear):
                nn.init.zeros_(part.bias)

    def forward(
        self, obs: Any, action: torch.Tensor, to_go: torch.Tensor, t: torch.Tensor, real: torch.Tensor, draw: torch.Tensor | None = None
    ) -> torch.Tensor:
        """All [M, K, ...]; to_go in the unit in which it was learnt. Steps that are not `real` are not looked at. draw: a seed for dropout, while training."""
        on_gpu = [real.device] if real.device.type == "cuda" else []
        with torch.random.fork_rng(on_gpu, enabled=draw is not None):
            if draw is not None:
                for generator in [torch.default_generator, *(torch.cuda.default_generators[device.index or 0] for device in on_gpu)]:
                    generator.manual_seed(int(draw))
            return self._forward(obs, action, to_go, t, real)

    def _forward(self, obs: Any, action: torch.Tensor, to_go: torch.Tensor, t: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        M, K = real.shape
        features = self.extract_features(tree_map(lambda x: x.flatten(0, 1), obs), self.features_extractor).view(M, K, -1)
        time = self.timestep_emb(t.long().clamp(max=self.max_timestep))
        of_action = self.action_emb(action.long().squeeze(-1) if isinstance(self.action_emb, nn.Embedding) else action.flatten(2))
        tokens = [self.return_emb(to_go.unsqueeze(-1)) + time, self.state_emb(features) + time, of_action + time]
        x = self.emb_drop(self.emb_norm(torch.stack(tokens, 2).flatten(1, 2)))  # R̂_1 s_1 a_1 R̂_2 …, [M, 3 K, width]
        later = torch.ones(3 * K, 3 * K, dtype=torch.bool, device=x.device).triu(1)
        itself = torch.eye(3 * K, dtype=torch.bool, device=x.device)  # else one that is not real would see nothing at all, which makes NaN
        hidden = later | ((real == 0).repeat_interleave(3, 1).unsqueeze(1) & ~itself)
        for block in self.blocks:
            x = block(x, hidden.repeat_interleave(self.n_heads, 0))
        return self.action_head(self.out_norm(x)[:, 1::3])


class Context(NamedTuple):
    """The last K steps of n episodes, each field [n, K, ...] in NumPy: what `predict` hands back and wants to be given again."""

    obs: Any
    action: np.ndarray
    to_go: np.ndarray  # what is still asked for, at each step
    t: np.ndarray
    real: np.ndarray

    def of(self, lanes: Any) -> Context:
        """That of some lanes."""
        return Context(*(tree_map(lambda x: x[lanes], part) for part in self))


@saved
class ReturnPolicy(BasePolicy):
    """For vectors: chooses by a ReturnTransformer."""

    extractor: type[BaseFeaturesExtractor] = FlattenExtractor

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Callable[[float], float],
        net_arch: Sequence[int] = (),
        activation_fn: type[nn.Module] = nn.GELU,
        context_length: int = 20,
        embedding_dim: int = 128,
        n_layers: int = 3,
        n_heads: int = 1,
        dropout: float = 0.1,
        max_timestep: int = 1000,
        features_extractor_class: type[BaseFeaturesExtractor] | None = None,
        features_extractor_kwargs: dict[str, Any] | None = None,
        normalize_images: bool = True,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.AdamW,
        optimizer_kwargs: dict[str, Any] | None = None,
    ):
        super().__init__(
            observation_space, action_space, features_extractor_class or self.extractor, features_extractor_kwargs, normalize_images=normalize_images,
            optimizer_class=optimizer_class, optimizer_kwargs={"weight_decay": 1e-4} if optimizer_kwargs is None else optimizer_kwargs,
            squash_output=isinstance(action_space, spaces.Box),
        )  # fmt: skip
        self.net_arch, self.activation_fn, self.context_length = list(net_arch), activation_fn, context_length
        self.sizes = {"width": embedding_dim, "n_layers": n_layers, "n_heads": n_heads, "dropout": dropout, "max_timestep": max_timestep}
        self.transformer = ReturnTransformer(
            observation_space, action_space, self.make_features_extractor(), self.net_arch, activation_fn, **self.sizes, normalize_images=normalize_images
        )
        self.optimizer = self.optimizer_class(self.transformer.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        mine = ("net_arch", "activation_fn", "context_length", "features_extractor_class", "features_extractor_kwargs", "optimizer_class", "optimizer_kwargs")
        sizes = {"embedding_dim": self.sizes["width"], **{name: x for name, x in self.sizes.items() if name != "width"}}
        return {**super()._get_constructor_parameters(), **{name: getattr(self, name) for name in mine}, **sizes, "lr_schedule": self._dummy_schedule}

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        raise NotImplementedError("It chooses by what it has seen of an episode: ask predict().")

    @torch.no_grad()
    def predict(  # type: ignore[override]
        self, observation: Any, state: Context | None = None, episode_start: Any = None, deterministic: bool = False, reward: Any = 0.0,
        target_return: Any = 0.0, unit: float = 1.0,
    ) -> tuple[np.ndarray, Context]:  # fmt: skip
        """Actions, and the context after them. Where an episode starts, target_return is asked for; elsewhere what was asked for, less the last step's reward.

        unit: the return that the network knows as 1. Both may be numbers, or one for each observation.
        """
        self.set_training_mode(False)
        seen, several = self.obs_to_tensor(observation)
        seen = tree_map(lambda x: x.cpu().numpy(), seen)
        n = len(next(iter(seen.values())) if isinstance(seen, dict) else seen)
        begins = np.ones(n, bool) if state is None else np.zeros(n, bool) if episode_start is None else np.asarray(episode_start, bool).reshape(n)
        before = self._nothing(seen) if state is None else state
        now = Context(
            seen,
            np.zeros_like(before.action[:, 0]),
            np.where(begins, target_return, before.to_go[:, -1] - np.asarray(reward)).astype(np.float32),
            np.where(begins, 0, before.t[:, -1] + 1),
            np.ones(n, np.float32),
        )
        append = lambda old, new: np.concatenate((old[:, 1:], new[:, None]), 1)
        obs = {key: append(before.obs[key], x) for key, x in seen.items()} if isinstance(seen, dict) else append(before.obs, seen)
        after = Context(obs, *map(append, before[1:], now[1:]))
        after.real[:, :-1][begins] = 0
        tensors = Context(*(tree_map(lambda x: torch.as_tensor(x, device=self.device), part) for part in after._replace(to_go=after.to_go / np.float32(unit))))
        y = self.transformer(*tensors)[:, -1]
        if isinstance(self.action_space, spaces.Discrete):
            chosen = (y.argmax(-1) if deterministic else torch.distributions.Categorical(logits=y).sample()).cpu().numpy()
            after.action[:, -1, 0], actions = chosen, chosen
        else:
            after.action[:, -1] = y.cpu().numpy()
            actions = self.unscale_action(after.action[:, -1].reshape(n, *self.action_space.shape))
        return (actions if several else actions[0]), after

    def _nothing(self, seen: Any) -> Context:
        n, K = len(next(iter(seen.values())) if isinstance(seen, dict) else seen), self.context_length
        like = lambda x: np.zeros((n, K, *x.shape[1:]), x.dtype)
        discrete = isinstance(self.action_space, spaces.Discrete)
        action = np.zeros((n, K, 1), np.int64) if discrete else np.zeros((n, K, spaces.flatdim(self.action_space)), np.float32)
        return Context(tree_map(like, seen), action, np.zeros((n, K), np.float32), np.zeros((n, K), np.int64), np.zeros((n, K), np.float32))


@saved
class ReturnCnnPolicy(ReturnPolicy):
    """For images."""

    extractor = NatureCNN


@saved
class ReturnMultiInputPolicy(ReturnPolicy):
    """For Dict observations."""

    extractor = CombinedExtractor


RETURN_ALIASES: dict[str, type] = {"MlpPolicy": ReturnPolicy, "CnnPolicy": ReturnCnnPolicy, "MultiInputPolicy": ReturnMultiInputPolicy}
