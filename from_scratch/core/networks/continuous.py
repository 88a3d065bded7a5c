"""Actors and critics for continuous actions: what is computed with the parameters of SB3's TD3 and SAC policies.

Actions are squashed to [−1, 1], as the replay memory holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.distributions import SquashedDiagGaussianDistribution
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.sac.policies import LOG_STD_MAX, LOG_STD_MIN, SACPolicy
from stable_baselines3.sac.policies import Actor as SACActor
from stable_baselines3.td3.policies import Actor as TD3Actor
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from from_scratch.core.data import tree_map
from from_scratch.core.distributions import Gaussian
from from_scratch.core.finite import real
from from_scratch.core.lockstep import Array, Layers, Rows, StackedMLP, is_plain_mlp, stack
from from_scratch.core.networks.inputs import flat, one, sees_flat_vectors
from from_scratch.core.networks.kinds import OneByOne, Together
from from_scratch.core.rng import Rng

SquashedSample = tuple[torch.Tensor, torch.Tensor]  # action [S, M, n] in (−1, 1), log π [S, M]


# ---------------------------------------------------------------------------------------------------------- deterministic actors
class DeterministicActor(Together):
    """μ(s) = tanh(MLP(s)), [S, M, n]."""

    of, within = (TD3Actor,), (TD3Policy,)

    def __init__(self, networks: Sequence[TD3Actor], rows: Rows):
        super().__init__(networks, rows)
        self.mu = StackedMLP.of(rows, {"mu": networks[0].mu})

    @classmethod
    def fits(cls, network: TD3Actor) -> bool:
        layers = network.mu
        return type(layers) is nn.Sequential and type(layers[-1]) is nn.Tanh and sees_flat_vectors(network) and is_plain_mlp(*layers[:-1])

    def __call__(self, obs: Any) -> Any:
        return self.mu(flat(obs))


# ------------------------------------------------------------------------------------------------------------- stochastic actors
@dataclass
class Drawn:
    """A SquashedSample that is data to an equation."""

    action: torch.Tensor
    log_prob: torch.Tensor


EPSILON = float(np.finfo(np.float32).eps)
Noise = torch.Tensor | Drawn  # what a reparameterised action is made of: ε, or what an actor made of its own


def squash(mean: torch.Tensor, log_std: torch.Tensor, noise: torch.Tensor) -> SquashedSample:
    """a = tanh(μ + σ ε) and log π(a|s) = log N(u; μ, σ) − Σ log(1 − a² + 10⁻⁶) (Haarnoja et al. 2018, arXiv:1801.01290, eq. 21)."""
    pi = Gaussian(mean, log_std)
    u = mean + noise * pi.std
    a = torch.tanh(u)
    return a, pi.log_prob(u) - torch.log(1 - a**2 + 1e-6).sum(-1)


def log_prob_of_squashed(mean: torch.Tensor, log_std: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
    """log π(a|s) of an action that was not drawn now, [S, M]: u = artanh(a), where single precision can still tell a from ±1."""
    a = action.clamp(-1 + EPSILON, 1 - EPSILON)
    u = 0.5 * (torch.log(1 + a) - torch.log(1 - a))
    return Gaussian(mean, log_std).log_prob(u) - torch.log(1 - action**2 + 1e-6).sum(-1)


class SquashedActor(Together):
    """π(a|s), a squashed Gaussian with μ(s) and log σ(s) on a common trunk."""

    of, within = (SACActor,), (SACPolicy,)

    def __init__(self, networks: Sequence[SACActor], rows: Rows):
        super().__init__(networks, rows)
        first = networks[0]
        self.trunk = self.trunk_of(networks, rows)
        log_std: Any = first.log_std
        self.mean, self.log_std = StackedMLP.of(rows, {"mu": first.mu}), StackedMLP.of(rows, {"log_std": log_std})
        self.space = first.action_space

    def trunk_of(self, networks: Sequence[Any], rows: Rows) -> Any:
        return StackedMLP.of(rows, {"latent_pi": networks[0].latent_pi})

    @classmethod
    def fits(cls, network: SACActor) -> bool:
        squashed: type = type(network.action_dist)
        plain = not network.use_sde and squashed is SquashedDiagGaussianDistribution
        return plain and type(network.latent_pi) is nn.Sequential and len(network.latent_pi) > 0 and (
            sees_flat_vectors(network) and is_plain_mlp(*network.latent_pi, network.mu) and is_plain_mlp(network.log_std)
        )

    def drawn(self, obs: Any, rng: Rng, shape: Sequence[int]) -> torch.Tensor:
        """What one action per sample is made of: ε, [S, *shape]."""
        return rng.noise(*shape).to(self.rows.device)

    def __call__(self, obs: Any, noise: torch.Tensor) -> SquashedSample:
        return squash(*self.mean_and_log_std(obs), noise)

    @torch.no_grad()
    def several(self, obs: Any, rng: Rng, n: int) -> SquashedSample:
        """n actions of each state, drawn now, [S, M, n, A], and their log π, [S, M, n]."""
        mean, log_std = (part.unsqueeze(2) for part in self.mean_and_log_std(obs))  # once for each state
        S, M, _, A = mean.shape
        return squash(mean, log_std, self.drawn(obs, rng, (M * n, A)).view(S, M, n, A))

    def mean_and_log_std(self, obs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        h = self.trunk(flat(obs))
        return self.mean(h), self.log_std(h).clamp(LOG_STD_MIN, LOG_STD_MAX)

    def log_prob(self, obs: Any, action: Any) -> torch.Tensor:
        """log π(a|s) of given actions, [S, M]."""
        return log_prob_of_squashed(*self.mean_and_log_std(obs), action)

    @torch.no_grad()
    def play(self, obs: Any, rng: Rng | None) -> np.ndarray:
        """Actions [S, E, n]: sampled from π, or its mode without a rng."""
        if self.rows.are_far:
            obs = torch.as_tensor(obs, device=self.rows.device)
        h = self.trunk(flat(obs))
        mean = torch.as_tensor(self.mean(h)).cpu()
        if rng is None:
            return real(torch.tanh(mean).numpy(), self.space)
        std = torch.exp(torch.as_tensor(self.log_std(h)).cpu().clamp_(LOG_STD_MIN, LOG_STD_MAX))  # torch's rounding: continuous control magnifies another
        return real(torch.tanh(mean + rng.noise(*mean.shape[1:]) * std).numpy(), self.space)


class SquashedActors(OneByOne):
    """The same through the modules: they draw for themselves."""

    def drawn(self, obs: Any, rng: Rng, shape: Sequence[int]) -> Drawn:
        """A sample, made once, in SB3's way: users' modules may draw, or count what they see."""
        samples = []
        for k, actor in enumerate(self.networks):
            with rng.streams[k].as_process():
                samples.append(actor.action_log_prob(one(obs, k, self.device)))
        return Drawn(*(stack(part) for part in zip(*samples, strict=True)))

    def __call__(self, obs: Any, sample: Drawn) -> SquashedSample:
        """As it was drawn."""
        return sample.action, sample.log_prob

    @torch.no_grad()
    def several(self, obs: Any, rng: Rng, n: int) -> SquashedSample:
        """n actions of each state, drawn now, [S, M, n, A], and their log π, [S, M, n]."""
        drawn = self.drawn(repeated(obs, n), rng, ())
        S, A = len(drawn.action), drawn.action.shape[-1]
        return drawn.action.view(S, -1, n, A), drawn.log_prob.view(S, -1, n)

    def log_prob(self, obs: Any, action: Any) -> torch.Tensor:
        """log π(a|s) of given actions, [S, M]."""
        found = []
        for k, actor in enumerate(self.networks):
            mean, log_std, more = actor.get_action_dist_params(one(obs, k, self.device))
            found.append(actor.action_dist.proba_distribution(mean, log_std, **more).log_prob(action[k]))
        return torch.stack(found)

    @torch.no_grad()
    def play(self, obs: Any, rng: Rng | None) -> np.ndarray:
        actions = []
        for k, actor in enumerate(self.networks):
            if rng is None:
                actions.append(actor(one(obs, k, self.device), deterministic=True))
            else:
                with rng.streams[k].as_process():
                    actions.append(actor(one(obs, k, self.device)))
        return real(torch.stack(actions).cpu().numpy(), self.networks[0].action_space)


# ----------------------------------------------------------------------------------------------------------------------- critics
def repeated(obs: Any, n: int) -> Any:
    """Each state n times, one behind the other: [S, M·n, ...]."""
    return tree_map(lambda x: x.unsqueeze(2).expand(-1, -1, n, *x.shape[2:]).flatten(1, 2), obs)


def _mean_logsumexp(critics: Any, obs: Any, a: Any, log_mu: Any) -> Any:
    q = critics(repeated(obs, a.shape[2]), a.flatten(1, 2))
    return (q.view(*q.shape[:2], *a.shape[1:3]) - log_mu.unsqueeze(1)).logsumexp(-1).mean(-1)


class Critics(Together):
    """Q₁(s, a) … Q_C(s, a), [S, C, M]: a row for each critic of each seed."""

    of, within = (ContinuousCritic,), (TD3Policy, SACPolicy)

    def __init__(self, networks: Sequence[ContinuousCritic], rows: Rows):
        super().__init__(networks, rows)
        self.S, self.C, layers = len(networks), networks[0].n_critics, networks[0].q_networks[0]
        self.every, self.first_one = StackedMLP.of(rows, {"": layers}), StackedMLP.of(rows, {"": layers}, every=self.C)

    @staticmethod
    def rows_of(networks: Sequence[ContinuousCritic]) -> list[nn.Module]:
        return [network for critic in networks for network in critic.q_networks]

    @staticmethod
    def skips(network: nn.Module) -> str | None:
        return "features_extractor" if network.share_features_extractor else None

    @classmethod
    def fits(cls, network: ContinuousCritic) -> bool:
        form = lambda part: ([type(layer) for layer in part], [p.shape for p in part.parameters()])
        parts = list(network.q_networks)
        alike = all(type(part) is nn.Sequential and is_plain_mlp(*part) and form(part) == form(parts[0]) for part in parts)
        return sees_flat_vectors(network) and len(parts) == network.n_critics and alike

    def of_all(self, obs: Any, a: Any, **more: Any) -> Any:
        """What every critic of every seed puts out, [S·C, M, out]."""
        x = torch.cat((flat(obs), a), -1)
        return self.every(x.unsqueeze(1).expand(-1, self.C, -1, -1).flatten(0, 1), **more)

    def __call__(self, obs: Any, a: Any) -> Any:
        return self.of_all(obs, a).view(self.S, self.C, -1)

    def mean_logsumexp(self, obs: Any, a: Any, log_mu: Any) -> Any:
        """The mean over states of log Σ_j exp(Q_i(s, a_j) − log μ(a_j)), [S, C], for actions a [S, M, n, A] of each state, log_mu [S, M, n]."""
        if isinstance(a, Array) and isinstance(self.every, StackedMLP):
            return self.every.mean_logsumexp(flat(obs), a, log_mu).view(self.S, self.C)
        return _mean_logsumexp(self, obs, a, log_mu)

    def first(self, obs: Any, a: Any) -> Any:
        """Q₁(s, a), [S, M]."""
        return self.first_one(torch.cat((flat(obs), a), -1))[..., 0] if isinstance(a, Array) else self(obs, a)[:, 0]

    def slopes(self, obs: Any, a: Any) -> torch.Tensor:
        """∇_a Q_i(s, a) of each critic, [S, C, M, n], with a graph: for equations in tensors."""
        x = torch.cat((flat(obs), a), -1).unsqueeze(1).expand(-1, self.C, -1, -1).flatten(0, 1).detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.every(x).sum(), x, create_graph=True)
        return slope.view(self.S, self.C, *slope.shape[1:])[..., -a.shape[-1] :]


class LayeredCritics(Critics):
    """The same of nets with something between their Linear layers."""

    anywhere = False

    def __init__(self, networks: Sequence[Any], rows: Rows):
        self.networks, self.rows = list(networks), rows
        self.S, self.C = len(networks), networks[0].n_critics
        self.every = Layers(rows, self.rows_of(networks))  # type: ignore[arg-type,assignment]

    @classmethod
    def fits(cls, network: Any) -> bool:
        parts = list(network.q_networks)
        form = [[(type(layer), *(p.shape for p in layer.parameters())) for layer in part] for part in parts]
        return sees_flat_vectors(network) and all(map(Layers.can_be, parts)) and len(parts) == network.n_critics and form == form[:1] * len(form)


class CriticsOneByOne(OneByOne):
    """The same through the modules."""

    def ask(self, network: ContinuousCritic, *data: Any) -> torch.Tensor:
        return stack(network(*data)).squeeze(-1)

    def mean_logsumexp(self, obs: Any, a: torch.Tensor, log_mu: torch.Tensor) -> torch.Tensor:
        """The mean over states of log Σ_j exp(Q_i(s, a_j) − log μ(a_j)), [S, C]."""
        return _mean_logsumexp(self, obs, a, log_mu)

    def first(self, obs: Any, a: torch.Tensor) -> torch.Tensor:
        """Q₁(s, a), [S, M]."""
        return stack([critic.q1_forward(one(obs, k, self.device), a[k]).squeeze(-1) for k, critic in enumerate(self.networks)])

    def slopes(self, obs: Any, a: torch.Tensor) -> torch.Tensor:
        """∇_a Q_i(s, a) of each critic, [S, C, M, n], with a graph."""
        found = []
        for k, critic in enumerate(self.networks):
            features = critic.extract_features(one(obs, k, self.device), critic.features_extractor)
            actions = [a[k].detach().clone().requires_grad_() for _ in critic.q_networks]
            q = [network(torch.cat((features, each), -1)).sum() for network, each in zip(critic.q_networks, actions, strict=True)]
            found.append(torch.stack(torch.autograd.grad(sum(q), actions, create_graph=True)))
        return torch.stack(found)
