"""What a policy does, as a module from preprocessed observations to actions: one for each way of acting that Stable-Baselines3's, its contrib's and our own
policies have. A policy that none of them knows, a user's own say, is asked by its `_predict`.

A head gives (action, parameters of the distribution, states), the first as the environment takes it. Whether it is right is not believed but compared
(recording.py), so that a head may be as plain as the ordinary case.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn

from from_scratch.core.data import tree_map
from from_scratch.core.distributions import choices, number_of_parameters
from from_scratch.core.linear.policy import LinearPolicy
from from_scratch.core.networks.batch_constrained import CUT, BatchConstrained, fixed_latents
from from_scratch.core.networks.own import ActorPolicy
from from_scratch.core.networks.recurrent_values import OfMemory
from from_scratch.core.networks.transformer import ReturnPolicy
from from_scratch.core.networks.weighted import ValuesPolicy
from from_scratch.core.product import Product, acting_space
from from_scratch.core.tabular.tables import NamedTables
from from_scratch.deploy.features import on_features

Given = list[torch.Tensor]
MOST_STATES = 1_000_000  # of a table


class CannotExport(ValueError):
    """This policy is no function of tensors, or none that is known here."""


@dataclass(frozen=True)
class Input:
    """Something beside the observation: its kind, shape with 1 for the number of observations, which axis that is, and its type."""

    name: str
    kind: str  # "state", "action_masks", or "told": a number that predict() is given
    shape: tuple[int, ...]
    dtype: str
    batch: int = 0
    default: float = 0.0


@dataclass(frozen=True)
class Answer:
    action: torch.Tensor
    parameters: tuple[torch.Tensor, ...] = ()
    states: tuple[torch.Tensor, ...] = ()


class Head(nn.Module):
    """The general one: SB3's `_predict`, deterministic."""

    takes: tuple[Input, ...] = ()
    gives: tuple[str, ...] = ()  # names of the parameters

    def __init__(self, model: Any, policy: Any):
        super().__init__()
        self.policy, self.space = policy, policy.action_space
        self.distribution: dict[str, Any] | None = None
        if isinstance(self.space, spaces.Box):
            for name in ("low", "high"):
                self.register_buffer(name, torch.as_tensor(np.asarray(getattr(self.space, name), np.float32)))

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        return Answer(self.to_env(self.policy._predict(obs, deterministic=True)))

    def to_env(self, a: torch.Tensor) -> torch.Tensor:
        """As the environment takes them: SB3's `predict` does the same in NumPy."""
        a = a.reshape(-1, *(self.space.shape or ()))
        if not isinstance(self.space, spaces.Box):
            return a
        low, high = self.low, self.high
        if self.policy.squash_output:
            return low + 0.5 * (a + 1.0) * (high - low)  # type: ignore[operator]
        return torch.minimum(torch.maximum(a, low), high)  # type: ignore[arg-type]

    def mode(self, parameters: torch.Tensor) -> torch.Tensor:
        """The likeliest action, of logits, or of means."""
        return _mode(self.space, parameters)

    def describe(self, **normal: Any) -> None:
        """How to sample from the parameters (runtime.py)."""
        space = self.space
        if isinstance(space, Product):
            return
        self.gives = ("mean", "log_std") if isinstance(space, spaces.Box) else ("logits",)
        if isinstance(space, spaces.Box):
            self.distribution = {"kind": "normal", "squash": False, "scaled": bool(self.policy.squash_output), **normal}
        elif isinstance(space, spaces.Discrete):
            self.distribution = {"kind": "categorical", "start": 0}
        elif isinstance(space, spaces.MultiDiscrete):
            self.distribution = {"kind": "multi_categorical", "sizes": space.nvec.ravel().tolist()}
        else:
            self.distribution = {"kind": "bernoulli"}


def _mode(space: spaces.Space, x: torch.Tensor) -> torch.Tensor:
    if isinstance(space, Product):  # one part's parameters behind another's, actions as numbers side by side
        sizes = [number_of_parameters(part) for part in space.parts]
        found = [_mode(part, y).float() for part, y in zip(space.parts, x.split(sizes, -1), strict=True)]
        return torch.cat([a if a.dim() == x.dim() else a.unsqueeze(-1) for a in found], -1)
    if isinstance(space, spaces.Discrete):
        return x.argmax(-1)
    if isinstance(space, spaces.MultiDiscrete):
        return torch.stack([part.argmax(-1) for part in x.split(space.nvec.ravel().tolist(), -1)], -1)
    return (x > 0).to(torch.int64) if isinstance(space, spaces.MultiBinary) else x


# ------------------------------------------------------------------------------------------------------------------ actor-critics
class OfActorCritic(Head):
    """SB3's ActorCriticPolicy: logits, or a mean and a log σ; with gSDE a σ that depends on what the last layer sees."""

    def __init__(self, model: Any, policy: Any):
        super().__init__(model, policy)
        self.squashes = bool(policy.squash_output)
        self.describe(squash=self.squashes)

    def latent(self, obs: Any) -> torch.Tensor:
        features = self.policy.extract_features(obs)
        return self.policy.mlp_extractor.forward_actor(features if self.policy.share_features_extractor else features[0])

    def answer(self, latent: torch.Tensor, states: tuple[torch.Tensor, ...] = ()) -> Answer:
        policy = self.policy
        x = policy.action_net(latent)
        if not isinstance(self.space, spaces.Box) or isinstance(self.space, Product):
            return Answer(self.to_env(self.mode(x)), (x,) if self.gives else (), states)
        if isinstance(policy.action_dist, StateDependentNoiseDistribution):
            log_std = _of_sde(policy.action_dist, policy.log_std, latent)
        else:
            log_std = policy.log_std.expand_as(x)
        return Answer(self.to_env(torch.tanh(x) if self.squashes else x), (x, log_std), states)

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        return self.answer(self.latent(obs))


def _of_sde(of: StateDependentNoiseDistribution, log_std: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
    """log σ of an action, whose noise is a matrix drawn anew times what the last layer sees."""
    return 0.5 * torch.log(torch.mm(latent**2, of.get_std(log_std) ** 2) + of.epsilon)


class OfMasks(OfActorCritic):
    """SB3-Contrib's, among the valid actions."""

    def __init__(self, model: Any, policy: Any):
        super().__init__(model, policy)
        self.sizes = choices(self.space)
        self.takes = (Input("action_masks", "action_masks", (1, sum(self.sizes)), "bool"),)

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        logits = torch.where(given[0], self.policy.action_net(self.latent(obs)), torch.tensor(-1e8))
        if isinstance(self.space, spaces.MultiBinary):  # two logits for each of its numbers: of 0, and of 1
            return Answer(torch.stack([part.argmax(-1) for part in logits.split(2, -1)], -1))
        return Answer(self.to_env(self.mode(logits)), (logits,))

    def describe(self, **normal: Any) -> None:
        if not isinstance(self.space, spaces.MultiBinary):
            super().describe(**normal)


class OfStates(OfActorCritic):
    """SB3-Contrib's with LSTMs: the actor's state goes in and comes out, and is zero where an episode starts."""

    def __init__(self, model: Any, policy: Any):
        super().__init__(model, policy)
        self.takes = _lstm_states(policy.lstm_actor)

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        policy = self.policy
        features = policy.extract_features(obs)
        features = features if policy.share_features_extractor else features[0]
        y, states = _one_step(policy.lstm_actor, features, starts, given)
        return self.answer(policy.mlp_extractor.forward_actor(y), states)


def _lstm_states(lstm: nn.LSTM) -> tuple[Input, ...]:
    return tuple(Input(name, "state", (lstm.num_layers, 1, lstm.hidden_size), "float32", batch=1) for name in ("h", "c"))


def _one_step(lstm: nn.LSTM, x: torch.Tensor, starts: torch.Tensor | None, given: Given) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """[M, n] through an LSTM, from its state, which is forgotten where an episode starts."""
    assert starts is not None
    goes_on = torch.logical_not(starts).float().view(1, -1, 1)
    y, (h, c) = lstm(x.unsqueeze(0), (given[0] * goes_on, given[1] * goes_on))
    return y[0], (h, c)


class OfSquashedActor(Head):
    """SAC's actor and its kin (TQC, CrossQ, CQL, …): tanh of a Gaussian."""

    def __init__(self, model: Any, policy: Any):
        super().__init__(model, policy)
        self.describe(squash=True)

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        actor = self.policy.actor
        mean, log_std, more = actor.get_action_dist_params(obs)
        if "latent_sde" in more:
            log_std = _of_sde(actor.action_dist, log_std, more["latent_sde"])
        return Answer(self.to_env(torch.tanh(mean)), (mean, log_std.expand_as(mean)))


class OfActor(Head):
    """Our own ActorPolicy and what is derived from it."""

    def __init__(self, model: Any, policy: Any):
        super().__init__(model, policy)
        if hasattr(policy.actor, "log_std") or not isinstance(self.space, spaces.Box):
            self.describe()

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        actor = self.policy.actor
        x = actor(obs)
        if not isinstance(self.space, spaces.Box):
            return Answer(self.mode(x), (x,))
        parameters = (x, actor.bounded(actor.log_std).expand_as(x)) if self.gives else ()
        return Answer(self.to_env(x.clamp(-1, 1) if self.policy.squash_output else x), parameters)


class OfCandidates(Head):
    """BCQ's: the best of some actions that the data might take, made of the same latent vectors each time."""

    def __init__(self, model: Any, policy: Any):
        super().__init__(model, policy)
        self.n = policy.own["n_candidates"]
        self.register_buffer("z", fixed_latents(self.n, 2 * policy.vae.n).clamp(-CUT, CUT))

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        policy, n = self.policy, self.n
        many = tree_map(lambda x: x.unsqueeze(1).expand(-1, n, *x.shape[1:]).flatten(0, 1), obs)
        one = next(iter(many.values())) if isinstance(many, dict) else many
        z = self.z.unsqueeze(0).expand(one.shape[0] // n, -1, -1).flatten(0, 1)  # type: ignore[operator]
        a = policy.actor(many, policy.vae(many, z))
        best = policy.critic.q1_forward(many, a).view(-1, n).argmax(-1)
        a = a.view(-1, n, a.shape[-1])
        return Answer(self.to_env(a.gather(1, best.view(-1, 1, 1).expand(-1, 1, a.shape[-1])).squeeze(1)))


# ------------------------------------------------------------------------------------------------------------------ action values
class OfValues(Head):
    """The action of the largest value, which is given, too; among the valid ones where the class knows of masks."""

    gives = ("values",)

    def __init__(self, model: Any, policy: Any, masked: bool):
        super().__init__(model, policy)
        if masked:
            self.takes = (Input("action_masks", "action_masks", (1, int(self.space.n)), "bool"),)

    @staticmethod
    def says(policy: Any) -> bool:
        """Can its values be asked for?"""
        if isinstance(policy, QRDQNPolicy):
            return True
        net = policy.q_net
        return hasattr(net, "values") or type(net)._predict is QNetwork._predict

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        if isinstance(self.policy, QRDQNPolicy):
            values = self.policy.quantile_net(obs).mean(1)
        else:
            net = self.policy.q_net
            values = net.values(obs) if hasattr(net, "values") else net(obs)
        if not given:
            return Answer(values.argmax(-1), (values,))
        valid = given[0] | torch.logical_not(given[0].any(-1, keepdim=True))  # where none is left, all are
        return Answer(torch.where(valid, values, torch.tensor(-torch.inf)).argmax(-1), (values,))


class OfValuesWithStates(Head):
    """DRQN's."""

    gives = ("values",)

    def __init__(self, model: Any, policy: Any):
        super().__init__(model, policy)
        self.takes = _lstm_states(policy.q_net.lstm)

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        net = self.policy.q_net
        y, states = _one_step(net.lstm, net.extract_features(obs, net.features_extractor), starts, given)
        values = net.q_net(y)
        return Answer(values.argmax(-1), (values,), states)


# ---------------------------------------------------------------------------------------------------------- tables and features
class OfTable(Head):
    """Of finitely many observations: what it does at each, asked once."""

    table: torch.Tensor

    def __init__(self, model: Any, policy: Any):
        super().__init__(model, policy)
        self.seen_in: Any = policy.observation_space
        every = self.every()
        self.register_buffer("table", torch.as_tensor(np.asarray(model.predict(every, deterministic=True)[0])))
        self.policy = nn.Identity()  # whose tables are not needed
        sizes = [int(self.seen_in.n)] if isinstance(self.seen_in, spaces.Discrete) else self.seen_in.nvec.ravel().tolist()
        strides = np.cumprod([1, *sizes[:0:-1]])[::-1]
        self.register_buffer("strides", torch.as_tensor(strides.copy().astype(np.int64)))
        self.register_buffer("start", torch.as_tensor(np.asarray(self.seen_in.start, np.int64).ravel()))

    @staticmethod
    def is_finite(space: spaces.Space) -> bool:
        n = int(space.n) if isinstance(space, spaces.Discrete) else int(np.prod(space.nvec, dtype=float)) if isinstance(space, spaces.MultiDiscrete) else 0
        return 0 < n <= MOST_STATES

    def every(self) -> np.ndarray:
        space = self.seen_in
        if isinstance(space, spaces.Discrete):
            return np.arange(space.start, space.start + space.n)
        digits = np.stack(np.unravel_index(np.arange(np.prod(space.nvec)), space.nvec.ravel()), -1)
        return digits.reshape(-1, *space.shape) + space.start

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        digits = obs.long().reshape(-1, len(self.strides)) - self.start
        return Answer(self.table[(digits * self.strides).sum(-1)])


class OfFeatures(Head):
    """Greedy on q̂(s, ·), weights on features, in double precision as they were learnt."""

    gives = ("values",)
    weights: torch.Tensor

    def __init__(self, model: Any, policy: LinearPolicy):
        super().__init__(model, policy)
        self.features = on_features(policy.x)
        if self.features is None:
            raise CannotExport(f"its features, {type(policy.x).__name__}, have no form as tensors: of from_scratch's all have one but tiles that are hashed")
        w = getattr(policy, str(policy.acts_on)).detach().numpy().reshape(-1, policy.x.n)
        self.register_buffer("weights", torch.as_tensor(w.T.copy()))
        self.start, self.policy = int(self.space.start), nn.Identity()

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        values = self.features(obs.double().flatten(1)) @ self.weights
        return Answer(values.argmax(-1) + self.start, (values,))


class OfReturns(Head):
    """A decision transformer: the last K steps of the episode are its state, and it is told the last reward and which return to ask for."""

    def __init__(self, model: Any, policy: ReturnPolicy):
        super().__init__(model, policy)
        if isinstance(policy.observation_space, spaces.Dict):
            raise CannotExport("a decision transformer that sees Dict observations has no exported form")
        K, seen, n = policy.context_length, policy.observation_space, spaces.flatdim(self.space)
        self.discrete = isinstance(self.space, spaces.Discrete)
        self.unit, self.K = float(model.return_unit), K
        action = (Input("actions_before", "state", (1, K, 1), "int64") if self.discrete else Input("actions_before", "state", (1, K, n), "float32"))
        self.takes = (
            Input("seen_before", "state", (1, K, *seen.shape), "float32" if standard_of(model) else seen.dtype.name), action,  # type: ignore[misc,union-attr]
            Input("to_go_before", "state", (1, K), "float32"), Input("t_before", "state", (1, K), "int64"), Input("real_before", "state", (1, K), "float32"),
            Input("reward", "told", (1,), "float32", default=float(model.usual_reward)),
            Input("target_return", "told", (1,), "float32", default=float(model.goal)),
        )  # fmt: skip

    def forward(self, obs: Any, starts: torch.Tensor | None, given: Given) -> Answer:
        seen, action, to_go, t, real, reward, target = given
        assert starts is not None
        append = lambda old, new: torch.cat((old[:, 1:], new.unsqueeze(1)), 1)
        goes_on = torch.logical_not(starts)
        real = append(real * goes_on.float().unsqueeze(1), torch.ones_like(reward))
        seen, to_go = append(seen, obs), append(to_go, torch.where(starts, target, to_go[:, -1] - reward))
        t, action = append(t, torch.where(starts, torch.zeros_like(t[:, -1]), t[:, -1] + 1)), append(action, torch.zeros_like(action[:, 0]))
        y = self.policy.transformer._forward(seen, action, to_go / self.unit, t, real)[:, -1]
        mine = y.argmax(-1).unsqueeze(-1) if self.discrete else y
        states = seen, torch.cat((action[:, :-1], mine.unsqueeze(1)), 1), to_go, t, real
        return Answer(mine.squeeze(-1) if self.discrete else self.to_env(y), (), states)


# ----------------------------------------------------------------------------------------------------------------------- choosing
def head_of(model: Any) -> Head:
    """The module that does what this model's `predict` does. CannotExport, in one line, if there is none."""
    policy = model.policy
    name, masked = type(model).__name__, _takes_masks(model)
    if isinstance(policy, ValuesPolicy):
        raise CannotExport(f"{name} says what another policy is worth, and chooses no action: export that policy")
    if isinstance(policy, NamedTables):
        if OfTable.is_finite(policy.observation_space):
            return OfTable(model, policy)
        if isinstance(policy, LinearPolicy) and policy.acts_on:
            return OfFeatures(model, policy)
        raise CannotExport(f"{name} follows a policy that it was given, over observations that cannot be counted: there is nothing learnt to export")
    for kinds, make in _kinds(model, policy, masked):
        if isinstance(policy, kinds):
            return make(model, policy)
    if masked:
        raise CannotExport(f"{name} takes action_masks, and {type(policy).__name__} says no values that they could be laid upon")
    if hasattr(policy, "actor") and hasattr(policy.actor, "get_action_dist_params"):
        return OfSquashedActor(model, policy)
    return Head(model, policy)


def _kinds(model: Any, policy: Any, masked: bool) -> Iterator[tuple[Any, Any]]:
    """Classes of policies and their heads; one whose class acts in a way of its own is left to the general one, or is none of these."""
    yield OfMemory, OfValuesWithStates
    yield ReturnPolicy, OfReturns
    yield BatchConstrained, OfCandidates
    yield RecurrentActorCriticPolicy, OfStates
    yield MaskableActorCriticPolicy, OfMasks
    if type(policy)._predict is ActorCriticPolicy._predict:
        yield ActorCriticPolicy, OfActorCritic
    yield ActorPolicy, OfActor
    if isinstance(policy, DQNPolicy | QRDQNPolicy) and OfValues.says(policy):
        yield (DQNPolicy, QRDQNPolicy), lambda model, policy: OfValues(model, policy, masked)


def _takes_masks(model: Any) -> bool:
    return "action_masks" in inspect.signature(model.predict).parameters


def standard_of(model: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """By what a learner from data normalises its states itself: mean and scale; None for who does not."""
    if not getattr(model, "normalise_states", False) or getattr(model, "state_mean", None) is None:
        return None
    return np.asarray(model.state_mean, np.float64), np.asarray(model.state_scale, np.float64)


def space_of_actions(model: Any) -> spaces.Space:
    """The environment's own, of a Product the Tuple or Dict that it stands for."""
    space = acting_space(model.action_space)
    return space.whole if isinstance(space, Product) else model.action_space
