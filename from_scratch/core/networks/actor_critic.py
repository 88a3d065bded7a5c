"""Policies as containers, and what is computed with their parameters.

Where a class has a twin in Stable-Baselines3 the policy is SB3's own: names, shapes, optimizer and files are its. The classes here
read those parameters, all seeds at once where the networks are plain MLPs on flat observations (`Stacked…`), seed by seed through
the modules otherwise (`Modular…`), and through the policy's public methods alone where it is somebody else's (`Foreign…`).

Observations are [S, M, ...] arrays or tensors, or dicts of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import BernoulliDistribution, CategoricalDistribution, DiagGaussianDistribution, MultiCategoricalDistribution
from stable_baselines3.common.policies import ActorCriticCnnPolicy, ActorCriticPolicy, BasePolicy, MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor, MlpExtractor
from stable_baselines3.dqn.policies import CnnPolicy, DQNPolicy, MultiInputPolicy, QNetwork
from torch import nn

from from_scratch.core.data import tree_map
from from_scratch.core.distributions import distribution
from from_scratch.core.finite import real
from from_scratch.core.lockstep.arrays import Array, Unknown
from from_scratch.core.lockstep.mlp import StackedMLP, activation_of, in_own_memory, is_plain_mlp, linear_names, stack
from from_scratch.core.lockstep.optimiser import RowOptimizer, optimiser_of
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import OwnMemory, Rows
from from_scratch.core.rng import Rng
from from_scratch.core.watch import altered, shared, tied, untrainable

SIMPLE: tuple[type, ...] = (BernoulliDistribution, CategoricalDistribution, DiagGaussianDistribution, MultiCategoricalDistribution)  # as `distribution` makes
Memory = Rows | OwnMemory
Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # V(s), log π(a|s), entropy, [S, M] each


def sees_flat_vectors(policy: BasePolicy) -> bool:
    """Does the policy hand its networks the observation itself, flattened and no more, on the CPU and in single precision?"""
    flat = type(getattr(policy, "features_extractor", None) or policy.q_net.features_extractor) is FlattenExtractor
    box = isinstance(policy.observation_space, spaces.Box) and not (policy.normalize_images and policy.observation_space.dtype == np.uint8)
    single = all(p.dtype == torch.float32 and p.device.type == "cpu" for p in policy.parameters())
    return flat and box and single


def has_simple_actions(policy: BasePolicy) -> bool:
    """Is its distribution over actions one of those that `distribution` makes?"""
    kind: type = type(policy.action_dist)
    return kind in SIMPLE


def flat(obs: Any) -> Any:
    """[S, M, ...] → [S, M, n] in single precision."""
    if isinstance(obs, Array):
        obs = obs.float()
        return obs if obs.value.ndim == 3 else Array(obs.value.reshape(*obs.shape[:2], -1), obs.program)
    if isinstance(obs, np.ndarray):
        return obs.reshape(*obs.shape[:2], -1).astype(np.float32, copy=False)
    return obs.flatten(2).float()


def one(obs: Any, k: int, device: torch.device) -> Any:
    """Seed k's observations [M, ...] as tensors of its own."""
    if isinstance(obs, Array):
        raise Unknown("modules take tensors")
    return tree_map(lambda x: in_own_memory(torch.as_tensor(x[k], device=device)), obs)


# ------------------------------------------------------------------------------------------------------------- actor and critic
class StackedActorCritic:
    """π and V as two MLPs over the rows of all seeds."""

    def __init__(self, policies: Sequence[ActorCriticPolicy], rows: Rows):
        first = policies[0]
        self.space = first.action_space

        def mlp(body: str, head: str) -> StackedMLP:
            layers = getattr(first.mlp_extractor, body)
            return StackedMLP(rows, [*linear_names(f"mlp_extractor.{body}.", layers), head], activation_of(layers))

        self.actor, self.critic = mlp("policy_net", "action_net"), mlp("value_net", "value_net")
        self.rows: Any = rows
        self.has_log_std = "log_std" in rows.names
        self.log_std_numpy = rows.of_all(rows.theta, rows.names["log_std"]).unsqueeze(1).numpy() if "log_std" in rows.names else None

    @staticmethod
    def can_serve(policy: BasePolicy) -> bool:
        return (
            type(policy) is ActorCriticPolicy
            and has_simple_actions(policy)
            and not policy.use_sde
            and not policy.squash_output
            and type(policy.mlp_extractor) is MlpExtractor
            and sees_flat_vectors(policy)
            and policy.features_dim == spaces.flatdim(policy.observation_space)
            and is_plain_mlp(*policy.mlp_extractor.policy_net, policy.action_net)
            and is_plain_mlp(*policy.mlp_extractor.value_net, policy.value_net)
        )

    def play(self, obs: Any, rng: Rng | None) -> np.ndarray:
        """Actions [S, E, ...]: sampled from π, or its mode without a rng."""
        pi = distribution(self.space, real(self.actor.play(flat(obs)), self.space), self.log_std_numpy)
        return pi.mode() if rng is None else pi.sample(rng)

    def _log_std(self, obs: Any) -> Any:
        return self.rows.parameter("log_std", obs)[:, None]

    def values(self, obs: Any) -> torch.Tensor:
        return self.critic(flat(obs)).squeeze(-1)

    def evaluate(self, obs: Any, action: torch.Tensor) -> Parts:
        obs = flat(obs)
        pi = distribution(self.space, self.actor(obs), self._log_std(obs) if self.has_log_std else None)
        return self.critic(obs).squeeze(-1), pi.log_prob(action), pi.entropy()

    def _judge(self, obs: Any, action: Any) -> tuple[Any, dict[str, Any]]:
        v, log_prob, _ = self.evaluate(obs, action)
        return v, {"log_prob": log_prob}

    def _v(self, obs: Any) -> tuple[Any, dict[str, Any]]:
        return self.values(obs), {}

    def evaluate_numpy(self, obs: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """V(s) and log π(a|s) of arrays, as arrays [S, M]."""
        program = self.rows.run(self._judge, obs, action, gradient=False)
        return program.loss.value.copy(), program.metrics["log_prob"].value.copy()

    def values_numpy(self, obs: np.ndarray) -> np.ndarray:
        return self.rows.run(self._v, obs, gradient=False).loss.value.copy()


class _WithTensors:
    """For who computes with tensors alone."""

    @torch.no_grad()
    def evaluate_numpy(self: Any, obs: Any, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """V(s) and log π(a|s) of arrays, as arrays [S, M]."""
        v, log_prob, _ = self.evaluate(tree_map(torch.as_tensor, obs), torch.as_tensor(action, device=self.device))
        return v.cpu().numpy(), log_prob.cpu().numpy()

    @torch.no_grad()
    def values_numpy(self: Any, obs: Any) -> np.ndarray:
        return self.values(tree_map(torch.as_tensor, obs)).cpu().numpy()


class ModularActorCritic(_WithTensors):
    """π and V through SB3's modules, seed by seed: images, Dict observations, shared or users' features extractors."""

    def __init__(self, policies: Sequence[ActorCriticPolicy], rows: Memory):
        self.policies, self.space, self.device = policies, policies[0].action_space, rows.device

    @staticmethod
    def can_serve(policy: BasePolicy) -> bool:
        known = type(policy) in (ActorCriticPolicy, ActorCriticCnnPolicy, MultiInputActorCriticPolicy)
        return known and has_simple_actions(policy) and not policy.use_sde and not policy.squash_output

    def _pi(self, policy: ActorCriticPolicy, latent: torch.Tensor) -> Any:
        log_std = policy.log_std[None, None] if isinstance(self.space, spaces.Box) else None
        return distribution(self.space, policy.action_net(latent)[None], log_std)

    @torch.no_grad()
    def play(self, obs: Any, rng: Rng | None) -> np.ndarray:
        latents = [policy.mlp_extractor.forward_actor(_actor_features(policy, one(obs, k, self.device))) for k, policy in enumerate(self.policies)]
        parameters = torch.stack([policy.action_net(latent) for policy, latent in zip(self.policies, latents, strict=True)]).cpu().numpy()
        log_std = np.stack([p.log_std.detach().cpu().numpy()[None] for p in self.policies]) if isinstance(self.space, spaces.Box) else None
        pi = distribution(self.space, real(parameters, self.space), log_std)
        return pi.mode() if rng is None else pi.sample(rng)

    def values(self, obs: Any) -> torch.Tensor:
        return stack([policy.predict_values(one(obs, k, self.device)).squeeze(-1) for k, policy in enumerate(self.policies)])

    def evaluate(self, obs: Any, action: torch.Tensor) -> Parts:
        parts = []
        for k, policy in enumerate(self.policies):
            features = policy.extract_features(one(obs, k, self.device))
            latent_pi, latent_v = policy.mlp_extractor(features) if policy.share_features_extractor else (
                policy.mlp_extractor.forward_actor(features[0]), policy.mlp_extractor.forward_critic(features[1]))  # fmt: skip
            pi = self._pi(policy, latent_pi)
            parts.append((policy.value_net(latent_v).squeeze(-1), pi.log_prob(action[k : k + 1])[0], pi.entropy()[0]))
        v, log_prob, entropy = (stack(part) for part in zip(*parts, strict=True))
        return v, log_prob, entropy


def _actor_features(policy: ActorCriticPolicy, obs: Any) -> torch.Tensor:
    return BasePolicy.extract_features(policy, obs, policy.pi_features_extractor)


class ForeignActorCritic(_WithTensors):
    """A policy with computations of its own (a user's subclass, gSDE, a compiled module): only its public methods are called."""

    def __init__(self, policies: Sequence[ActorCriticPolicy], rows: Memory):
        self.policies, self.device = policies, rows.device

    @staticmethod
    def can_serve(policy: BasePolicy) -> bool:
        return True

    @torch.no_grad()
    def play(self, obs: Any, rng: Rng | None) -> np.ndarray:
        """Actions [S, E, ...]. `judged` holds V(s) [S, E, 1] and log π(a|s) [S, E] as the policy gave them with the sampled actions."""
        if rng is None:
            actions = [policy._predict(one(obs, k, self.device), deterministic=True) for k, policy in enumerate(self.policies)]
            return torch.stack(actions).cpu().numpy()
        given = []
        for k, policy in enumerate(self.policies):
            with rng.streams[k].as_process():
                given.append(policy(one(obs, k, self.device)))
        drawn, values, log_probs = (torch.stack(part) for part in zip(*given, strict=True))
        self.judged = values, log_probs
        return drawn.cpu().numpy()

    def values(self, obs: Any) -> torch.Tensor:
        return stack([policy.predict_values(one(obs, k, self.device)).squeeze(-1) for k, policy in enumerate(self.policies)])

    def evaluate(self, obs: Any, action: torch.Tensor) -> Parts:
        parts = []
        for k, policy in enumerate(self.policies):
            v, log_prob, entropy = policy.evaluate_actions(one(obs, k, self.device), action[k])
            parts.append((v.flatten(), log_prob, -log_prob if entropy is None else entropy))  # no closed form: −log π, as SB3
        v, log_prob, entropy = (stack(part) for part in zip(*parts, strict=True))
        return v, log_prob, entropy


def actor_critic(policies: Sequence[ActorCriticPolicy], tell: Callable[[str], None], may_change: bool = False) -> tuple[Any, RowOptimizer]:
    """π and V of these policies, and what trains them, the fastest way that the policies allow as they are now.

    Modules that may change in the middle of a rollout give a value with each action: what they said before cannot be asked for later.
    """
    optimizers = [policy.optimizer for policy in policies]
    own_ways = first_reason(map(altered, policies))
    apart = own_ways or why_apart(policies, optimizers)
    stacked = apart is None and not any(map(tied, policies)) and all(map(StackedActorCritic.can_serve, policies))
    optimiser = optimiser_of(policies, optimizers, lambda: ArrayRows(policies, tell) if stacked else Rows(policies), apart, stacked)
    modular = own_ways is None and not may_change and all(map(ModularActorCritic.can_serve, policies))
    kind: Any = StackedActorCritic if stacked else ModularActorCritic if modular else ForeignActorCritic
    if not stacked:
        tell(f"{type(policies[0]).__name__} takes the general path ({kind.__name__}{'' if apart is None else f': {apart}'}).")
    return kind(policies, optimiser.rows), optimiser


# ------------------------------------------------------------------------------------------------------- what serves the networks
def first_reason(reasons: Iterable[str | None]) -> str | None:
    return next((reason for reason in reasons if reason is not None), None)


def _form(network: nn.Module) -> list[Any]:
    return [*map(type, network.modules()), *(p.shape for p in network.parameters())]


def why_apart(
    networks: Sequence[nn.Module], optimizers: Sequence[torch.optim.Optimizer], followers: Sequence[nn.Module] = (), skip: str | None = None,
    others: Sequence[nn.Module] = (),
) -> str | None:  # fmt: skip
    """Why networks, and those that follow them, cannot share a block of memory and an optimiser, in words; None if they can.

    `others` are what else there is whose memory they might share; a features extractor may be shared with these.
    """
    every = [*networks, *followers]
    return (
        first_reason(untrainable(network, optimizer, skip) for network, optimizer in zip(networks, optimizers, strict=True))
        or shared([*every, *others], "features_extractor" if others else skip)
        or first_reason(f"another {type(network).__name__} has other layers" for network in every if _form(network) != _form(networks[0]))
    )


class Served(NamedTuple):
    """What computes with the networks of all seeds and what trains them; the same of the networks that follow them, if there are any."""

    online: Any
    optimiser: RowOptimizer
    target: Any
    target_rows: Any


def serve(
    kinds: tuple[Any, Any], policies: Sequence[BasePolicy], networks: Sequence[nn.Module], optimizers: Sequence[torch.optim.Optimizer],
    followers: Sequence[nn.Module] = (), *, tell: Callable[[str], None], skip: str | None = None, clipped: Sequence[nn.Module] | None = None,
) -> Served:  # fmt: skip
    """The fastest way that networks allow as they are now: `kinds` are that for a stack of plain MLPs and that for any module."""
    every = [*networks, *followers]
    others = [part for policy in policies for part in policy.children()]
    apart = first_reason(map(altered, every)) or why_apart(networks, optimizers, followers, skip, others)
    owners = [policies[i % len(policies)] for i in range(len(every))]
    stacked = apart is None and not any(map(tied, every)) and all(map(kinds[0].can_serve, owners, every))
    rows = lambda nets: ArrayRows(kinds[0].rows_of(nets), tell) if stacked else Rows(nets, skip)
    optimiser = optimiser_of(networks, optimizers, lambda: rows(networks), apart, stacked, clipped)
    kind, target, target_rows = kinds[not stacked], None, None
    if followers:
        target_rows = rows(followers) if isinstance(optimiser.rows, Rows) else OwnMemory(followers)
        target = kind(followers, target_rows)
    if apart is not None:
        tell(f"{type(networks[0]).__name__} takes the general path ({apart}).")
    return Served(kind(networks, optimiser.rows), optimiser, target, target_rows)


# ----------------------------------------------------------------------------------------------------------------- action values
class StackedQ:
    """Q(s, ·) as an MLP over the rows of all seeds."""

    def __init__(self, networks: Sequence[nn.Module], rows: Rows):
        self.mlp = StackedMLP(rows, linear_names("q_net.", networks[0].q_net), activation_of(networks[0].q_net))

    @staticmethod
    def rows_of(networks: Sequence[nn.Module]) -> list[nn.Module]:
        """The modules that have a row each."""
        return list(networks)

    @staticmethod
    def can_serve(policy: BasePolicy, network: nn.Module) -> bool:
        known = type(policy) is DQNPolicy and type(network) is QNetwork
        return known and sees_flat_vectors(network) and is_plain_mlp(*network.q_net)

    def play(self, obs: Any) -> np.ndarray:
        return self.mlp.play(flat(obs))

    def __call__(self, obs: Any) -> torch.Tensor:
        return self.mlp(flat(obs))


class ModularQ:
    """Q(s, ·) through the modules, seed by seed."""

    def __init__(self, networks: Sequence[nn.Module], rows: Memory):
        self.networks, self.device = networks, rows.device

    @torch.no_grad()
    def play(self, obs: Any) -> np.ndarray:
        return self(obs).cpu().numpy()

    def __call__(self, obs: Any) -> torch.Tensor:
        return stack([network(one(obs, k, self.device)) for k, network in enumerate(self.networks)])


ACTION_VALUES = StackedQ, ModularQ

ACTOR_CRITIC_ALIASES = {"MlpPolicy": ActorCriticPolicy, "CnnPolicy": ActorCriticCnnPolicy, "MultiInputPolicy": MultiInputActorCriticPolicy}
DQN_ALIASES = {"MlpPolicy": DQNPolicy, "CnnPolicy": CnnPolicy, "MultiInputPolicy": MultiInputPolicy}
