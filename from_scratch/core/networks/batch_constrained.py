"""Which actions the data take, and a perturbation of them: networks that see actions beside states (BCQ). Actions are scaled to [−1, 1]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import create_mlp, get_actor_critic_arch
from stable_baselines3.td3.policies import Actor, CnnPolicy, MultiInputPolicy, TD3Policy
from torch import nn

from from_scratch.core.addresses import saved
from from_scratch.core.data import tree_map
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.continuous import Critics

CUT = 0.5  # of latent vectors, where actions are drawn: as the authors of BCQ have it


class OfAction(Actor):
    """A network that is given an action, or what one is made of, beside the state."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        del self.mu
        self.n = spaces.flatdim(self.action_space)

    def mlp(self, n_more: int, n_out: int) -> nn.Sequential:
        return nn.Sequential(*create_mlp(self.features_dim + n_more, n_out, self.net_arch, self.activation_fn))

    def forward(self, obs: Any, *more: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return self.outputs(self.extract_features(obs, self.features_extractor), *more)  # type: ignore[operator]


class Perturbation(OfAction):
    """a + ξ(s, a, Φ), within the bounds; ξ is in [−Φ, Φ]."""

    def __init__(self, phi: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.phi, self.xi = phi, self.mlp(self.n, self.n)

    @per_seed
    def outputs(self, features: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        return (a + self.phi * torch.tanh(self.xi(torch.cat((features, a), -1)))).clamp(-1, 1)


class VAE(OfAction):
    """A variational auto-encoder of the data's actions: E(s, a) → μ, log σ of z; D(s, z) → a.

    Given z it puts out an action; given an action and ε what becomes of it by z = μ + σ ε, and μ and log σ, [..., n + 2 n_latent].
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        n_latent = 2 * self.n
        self.encoder, self.decoder = self.mlp(self.n, 2 * n_latent), self.mlp(n_latent, self.n)

    def decode(self, features: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.decoder(torch.cat((features, z), -1)))

    @per_seed
    def outputs(self, features: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        if len(more) == 1:
            return self.decode(features, *more)
        (a, ε), n = more, 2 * self.n
        code = self.encoder(torch.cat((features, a), -1))
        mean, log_std = code[..., :n], code[..., n:].clamp(-4, 15)
        return torch.cat((self.decode(features, mean + torch.exp(log_std) * ε), mean, log_std), -1)


class BatchConstrained:
    """In front of a policy of SB3's TD3: the actor is a perturbation, and there is a VAE beside it.

    Its hidden layers are the actor's, if these are given, or the authors' two of 750.
    """

    def __init__(self, *args: Any, phi: float = 0.05, n_candidates: int = 10, vae_arch: Sequence[int] | None = None, **kwargs: Any):
        arch = vae_arch or (get_actor_critic_arch(kwargs["net_arch"])[0] if kwargs.get("net_arch") else [750, 750])
        self.own = {"phi": phi, "n_candidates": n_candidates, "vae_arch": list(arch)}
        super().__init__(*args, **kwargs)

    def _build(self: Any, lr_schedule: Callable[[float], float]) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]
        self.vae = VAE(**self._update_features_extractor({**self.actor_kwargs, "net_arch": self.own["vae_arch"]})).to(self.device)
        self.vae.optimizer = self.optimizer_class(self.vae.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def make_actor(self: Any, features_extractor: Any = None) -> Perturbation:
        return Perturbation(phi=self.own["phi"], **self._update_features_extractor(self.actor_kwargs, features_extractor)).to(self.device)

    def _get_constructor_parameters(self: Any) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), **self.own}  # type: ignore[misc]

    def _predict(self: Any, observation: Any, deterministic: bool = False) -> torch.Tensor:
        n, n_latent = self.own["n_candidates"], 2 * self.vae.n
        many = tree_map(lambda x: x.repeat_interleave(n, 0), observation)
        M = len(next(iter(many.values())) if isinstance(many, dict) else many) // n
        z = fixed_latents(n, n_latent).repeat(M, 1) if deterministic else torch.randn(M * n, n_latent)
        a = self.actor(many, self.vae(many, z.clamp(-CUT, CUT).to(self.device)))
        best = self.critic.q1_forward(many, a).view(M, n).argmax(-1)
        return a.view(M, n, -1)[torch.arange(M), best]


def fixed_latents(n: int, n_latent: int) -> torch.Tensor:
    """The same n vectors each time, [n, n_latent], distributed as those that are drawn: a choice among them leaves nothing to chance."""
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n, n_latent)).astype(np.float32))


@saved
class BCQPolicy(BatchConstrained, TD3Policy):
    """For vectors."""


@saved
class BCQCnnPolicy(BatchConstrained, CnnPolicy):
    """For images."""


@saved
class BCQMultiInputPolicy(BatchConstrained, MultiInputPolicy):
    """For Dict observations."""


BCQ_ALIASES: dict[str, type] = {"MlpPolicy": BCQPolicy, "CnnPolicy": BCQCnnPolicy, "MultiInputPolicy": BCQMultiInputPolicy}
Critics.within = (*Critics.within, BCQPolicy)
