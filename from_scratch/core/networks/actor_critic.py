"""π(·|s) and V(s) of SB3's actor-critic policies: names, shapes, optimizer and files are SB3's own.

Three ways: as MLPs of all seeds at once where the networks are plain ones on flat observations, through the modules where they are SB3's,
and through the policy's public methods alone where it is somebody else's. Observations are [S, M, ...] arrays or tensors, or dicts of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import (
    BernoulliDistribution,
    CategoricalDistribution,
    DiagGaussianDistribution,
    Distribution,
    MultiCategoricalDistribution,
)
from stable_baselines3.common.policies import ActorCriticCnnPolicy, ActorCriticPolicy, BasePolicy, MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor

from from_scratch.core.data import tree_map
from from_scratch.core.distributions import Joint, Pi, distribution, remembered
from from_scratch.core.finite import real
from from_scratch.core.lockstep import Rows, StackedMLP, is_plain_mlp, stack
from from_scratch.core.networks.hybrid import HYBRID, HybridActorCriticPolicy, OfPartsWithNormal, OfPartsWithoutNormal
from from_scratch.core.networks.inputs import flat, one, sees_flat_vectors
from from_scratch.core.networks.kinds import Memory, OneByOne, Together
from from_scratch.core.rng import Rng

SIMPLE: tuple[type, ...] = (  # as `distribution` makes
    BernoulliDistribution, CategoricalDistribution, DiagGaussianDistribution, MultiCategoricalDistribution, OfPartsWithNormal, OfPartsWithoutNormal,
)  # fmt: skip
Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # V(s), log π(a|s), entropy, [S, M] each


class _Remembers:
    """What π is compared with that has changed since: `old` are the numbers that it was made of at the same observations, [S, M, P]."""

    space: spaces.Space

    def pi(self, obs: Any) -> Pi:
        """π(·|s) with a graph."""
        raise NotImplementedError

    def evaluate_from(self: Any, obs: Any, action: torch.Tensor, old: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """V(s), log π(a|s), entropy and KL(π_old ‖ π), [S, M] each."""
        return (*self.evaluate(obs, action), remembered(self.space, old).kl(self.pi(obs)))

    @torch.no_grad()
    def numbers(self, obs: Any) -> torch.Tensor:
        """Of π as it is now."""
        return self.pi(obs).numbers

    @torch.no_grad()
    def divergence_from(self, obs: Any, old: torch.Tensor) -> torch.Tensor:
        """KL(π_old ‖ π), [S, M]."""
        return remembered(self.space, old).kl(self.pi(obs))


class _WithTensors:
    """For who computes with tensors alone."""

    @torch.no_grad()
    def evaluate_numpy(self: Any, obs: Any, *action_and_mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """V(s) and log π(a|s) of arrays, as arrays [S, M]."""
        there = lambda x: torch.as_tensor(x, device=self.device)
        v, log_prob, _ = self.evaluate(tree_map(there, obs), *map(there, action_and_mask))
        return v.cpu().numpy(), log_prob.cpu().numpy()

    @torch.no_grad()
    def values_numpy(self: Any, obs: Any) -> np.ndarray:
        return self.values(tree_map(lambda x: torch.as_tensor(x, device=self.device), obs)).cpu().numpy()


class ActorCritic(_Remembers, _WithTensors, Together):
    """π and V as two MLPs."""

    of, within = (ActorCriticPolicy, HybridActorCriticPolicy), (ActorCriticPolicy, HybridActorCriticPolicy)
    simple = SIMPLE  # the distributions over actions of these policies that `distribution` makes, too

    def __init__(self, networks: Sequence[ActorCriticPolicy], rows: Rows):
        super().__init__(networks, rows)
        first, bodies = networks[0], networks[0].mlp_extractor
        self.space = first.action_space
        self.actor = StackedMLP.of(rows, {"mlp_extractor.policy_net": bodies.policy_net, "action_net": first.action_net})
        self.critic = StackedMLP.of(rows, {"mlp_extractor.value_net": bodies.value_net, "value_net": first.value_net})
        self.device, self.has_log_std = rows.device, "log_std" in rows.names
        self.log_std_now = rows.of_all(rows.theta, rows.names["log_std"]).unsqueeze(1) if self.has_log_std else None  # a view, [S, 1, n]

    @classmethod
    def fits(cls, policy: ActorCriticPolicy) -> bool:
        return (
            type(policy.action_dist) in cls.simple
            and not getattr(policy, "use_sde", False)
            and not policy.squash_output
            and type(policy.mlp_extractor) is MlpExtractor
            and sees_flat_vectors(policy)
            and policy.features_dim == spaces.flatdim(policy.observation_space)
            and is_plain_mlp(*policy.mlp_extractor.policy_net, policy.action_net)
            and is_plain_mlp(*policy.mlp_extractor.value_net, policy.value_net)
        )

    def play(self, obs: Any, rng: Rng | None, *mask: np.ndarray) -> np.ndarray:
        """Actions [S, E, ...]: sampled from π, or its mode without a rng; where there is a mask, of those that it allows."""
        log_std = None if self.log_std_now is None else self.log_std_now.cpu().numpy()
        pi = distribution(self.space, real(self.actor(flat(obs)), self.space), log_std, *mask)
        return pi.mode() if rng is None else pi.sample(rng)

    def _log_std(self, obs: Any) -> Any:
        return self.rows.parameter("log_std", obs)[:, None]

    def values(self, obs: Any) -> torch.Tensor:
        return self.critic(flat(obs)).squeeze(-1)

    def evaluate(self, obs: Any, action: torch.Tensor, *mask: torch.Tensor) -> Parts:
        obs = flat(obs)
        pi = self.pi(obs, *mask)
        return self.critic(obs).squeeze(-1), pi.log_prob(action), pi.entropy()

    def pi(self, obs: Any, *mask: Any) -> Pi:
        obs = flat(obs)
        return distribution(self.space, self.actor(obs), self._log_std(obs) if self.has_log_std else None, *mask)

    def evaluate_from(self, obs: Any, action: torch.Tensor, old: torch.Tensor) -> tuple[torch.Tensor, ...]:
        obs = flat(obs)
        pi = self.pi(obs)
        return self.critic(obs).squeeze(-1), pi.log_prob(action), pi.entropy(), remembered(self.space, old).kl(pi)

    def _judge(self, obs: Any, action: Any, *mask: Any) -> tuple[Any, dict[str, Any]]:
        v, log_prob, _ = self.evaluate(obs, action, *mask)
        return v, {"log_prob": log_prob}

    def _v(self, obs: Any) -> tuple[Any, dict[str, Any]]:
        return self.values(obs), {}

    def evaluate_numpy(self, obs: np.ndarray, *action_and_mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """V(s) and log π(a|s) of arrays, as arrays [S, M]."""
        if self.rows.are_far:
            return super().evaluate_numpy(obs, *action_and_mask)
        program = self.rows.run(self._judge, obs, *action_and_mask, gradient=False)
        return program.loss.value.copy(), program.metrics["log_prob"].value.copy()

    def values_numpy(self, obs: np.ndarray) -> np.ndarray:
        return super().values_numpy(obs) if self.rows.are_far else self.rows.run(self._v, obs, gradient=False).loss.value.copy()


class ActorCritics(_Remembers, _WithTensors, OneByOne):
    """π and V through SB3's modules, seed by seed: images, Dict observations, shared or users' features extractors."""

    known: ClassVar[tuple[type, ...]] = (*HYBRID, *HYBRID.values())
    simple = SIMPLE
    foreign: ClassVar[type[OneByOne]]  # what asks policies that this cannot serve

    def __init__(self, networks: Sequence[ActorCriticPolicy], rows: Memory):
        super().__init__(networks, rows)
        self.space = networks[0].action_space

    @classmethod
    def can_serve(cls, policy: BasePolicy) -> bool:
        simple = type(policy.action_dist) in cls.simple and not getattr(policy, "use_sde", False)
        return type(policy) in cls.known and simple and not policy.squash_output

    def _pi(self, policy: ActorCriticPolicy, latent: torch.Tensor, *mask: torch.Tensor) -> Any:
        log_std = policy.log_std[None, None] if hasattr(policy, "log_std") else None
        return distribution(self.space, policy.action_net(latent)[None], log_std, *mask)

    def pi(self, obs: Any) -> Pi:
        latents = [policy.mlp_extractor.forward_actor(_actor_features(policy, one(obs, k, self.device))) for k, policy in enumerate(self.networks)]
        parts = [self._pi(policy, latent) for policy, latent in zip(self.networks, latents, strict=True)]
        return remembered(self.space, torch.cat([part.numbers for part in parts]))

    @torch.no_grad()
    def play(self, obs: Any, rng: Rng | None, *mask: np.ndarray) -> np.ndarray:
        latents = [policy.mlp_extractor.forward_actor(_actor_features(policy, one(obs, k, self.device))) for k, policy in enumerate(self.networks)]
        parameters = torch.stack([policy.action_net(latent) for policy, latent in zip(self.networks, latents, strict=True)]).cpu().numpy()
        log_std = np.stack([p.log_std.detach().cpu().numpy()[None] for p in self.networks]) if hasattr(self.networks[0], "log_std") else None
        pi = distribution(self.space, real(parameters, self.space), log_std, *mask)
        return pi.mode() if rng is None else pi.sample(rng)

    def values(self, obs: Any) -> torch.Tensor:
        return stack([policy.predict_values(one(obs, k, self.device)).squeeze(-1) for k, policy in enumerate(self.networks)])

    def evaluate(self, obs: Any, action: torch.Tensor, *mask: torch.Tensor) -> Parts:
        parts = []
        for k, policy in enumerate(self.networks):
            features = policy.extract_features(one(obs, k, self.device))
            latent_pi, latent_v = policy.mlp_extractor(features) if policy.share_features_extractor else (
                policy.mlp_extractor.forward_actor(features[0]), policy.mlp_extractor.forward_critic(features[1]))  # fmt: skip
            pi = self._pi(policy, latent_pi, *(x[k : k + 1] for x in mask))
            parts.append((policy.value_net(latent_v).squeeze(-1), pi.log_prob(action[k : k + 1])[0], pi.entropy()[0]))
        v, log_prob, entropy = (stack(part) for part in zip(*parts, strict=True))
        return v, log_prob, entropy


def _numbers_of(pi: Distribution) -> torch.Tensor:
    """[M, P] of a distribution of SB3's."""
    parts: Any = pi.distribution
    if isinstance(parts, Joint):
        return parts.numbers[0]
    if isinstance(parts, torch.distributions.Normal):  # gSDE and squashed ones, too: tanh leaves a divergence as it is
        return torch.cat((parts.mean, parts.stddev.log()), -1)
    if all(hasattr(part, "logits") for part in (parts if isinstance(parts, list) else [parts])):
        return torch.cat([part.logits for part in parts], -1) if isinstance(parts, list) else parts.logits
    raise TypeError(f"The policy's distribution is a {type(pi).__name__}: how far one is from another is known of SB3's own alone.")


def _actor_features(policy: ActorCriticPolicy, obs: Any) -> torch.Tensor:
    return BasePolicy.extract_features(policy, obs, policy.pi_features_extractor)


class ForeignActorCritic(_Remembers, _WithTensors, OneByOne):
    """A policy with computations of its own (a user's subclass, gSDE, a compiled module): only its public methods are called."""

    def __init__(self, networks: Sequence[ActorCriticPolicy], rows: Memory):
        super().__init__(networks, rows)
        self.space = networks[0].action_space

    def pi(self, obs: Any) -> Pi:
        each = [_numbers_of(policy.get_distribution(one(obs, k, self.device))) for k, policy in enumerate(self.networks)]
        return remembered(self.space, torch.stack(each))

    def masked(self, k: int, *mask: Any) -> dict[str, Any]:
        """What seed k's policy is told beside observations and actions."""
        return {}

    @torch.no_grad()
    def play(self, obs: Any, rng: Rng | None, *mask: np.ndarray) -> np.ndarray:
        """Actions [S, E, ...]. `judged` holds V(s) [S, E, 1] and log π(a|s) [S, E] as the policy gave them with the sampled actions."""
        if rng is None:
            actions = [policy._predict(one(obs, k, self.device), deterministic=True, **self.masked(k, *mask)) for k, policy in enumerate(self.networks)]
            return torch.stack(actions).cpu().numpy()
        given = []
        for k, policy in enumerate(self.networks):
            with rng.streams[k].as_process():
                given.append(policy(one(obs, k, self.device), **self.masked(k, *mask)))
        drawn, values, log_probs = (torch.stack(part) for part in zip(*given, strict=True))
        self.judged = values, log_probs
        return drawn.cpu().numpy()

    def values(self, obs: Any) -> torch.Tensor:
        return stack([policy.predict_values(one(obs, k, self.device)).squeeze(-1) for k, policy in enumerate(self.networks)])

    def evaluate(self, obs: Any, action: torch.Tensor, *mask: torch.Tensor) -> Parts:
        parts = []
        action = action if isinstance(self.space, spaces.Discrete) else action.float()  # as SB3's buffer gives them, of MultiBinary spaces too
        for k, policy in enumerate(self.networks):
            v, log_prob, entropy = policy.evaluate_actions(one(obs, k, self.device), action[k], **self.masked(k, *mask))
            parts.append((v.flatten(), log_prob, -log_prob if entropy is None else entropy))  # no closed form: −log π, as SB3
        v, log_prob, entropy = (stack(part) for part in zip(*parts, strict=True))
        return v, log_prob, entropy


ActorCritics.foreign = ForeignActorCritic

ACTOR_CRITIC_ALIASES = {"MlpPolicy": ActorCriticPolicy, "CnnPolicy": ActorCriticCnnPolicy, "MultiInputPolicy": MultiInputActorCriticPolicy}
