"""One face for a network of all seeds: `self.q, self.q_target = self.net("q_net"), self.net("q_net_target")`.

It owns what computes with the network (called in equations; `play` to act), what trains it (`optimiser`) and how it follows another (`track`),
each in the fastest way that the modules allow as they are now. `serve` decides that part by part, when a model is built and again whenever a
user changed something that the last answer took for granted (core/watch.py tells).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticPolicy, ContinuousCritic
from stable_baselines3.common.utils import get_parameters_by_name, polyak_update, update_learning_rate
from stable_baselines3.dqn.policies import QNetwork
from stable_baselines3.sac.policies import Actor as SACActor
from stable_baselines3.td3.policies import Actor as TD3Actor
from torch import nn

from from_scratch.core.lockstep import ArrayRows, OwnMemory, RowOptimizer, Rows, is_far, optimiser_of
from from_scratch.core.networks.action_values import ActionValues
from from_scratch.core.networks.actor_critic import ActorCritic, ActorCritics
from from_scratch.core.networks.continuous import Critics, CriticsOneByOne, DeterministicActor, SquashedActor, SquashedActors
from from_scratch.core.networks.heads import Heads, HeadsNetwork
from from_scratch.core.networks.kinds import OneByOne, OwnOutputs, Together, says_outputs
from from_scratch.core.networks.own import Pi, Pis, PolicyNetwork
from from_scratch.core.networks.recurrent_values import RecurrentQNetwork, RecurrentValues, RecurrentValuesOneByOne
from from_scratch.core.watch import altered, replaced, shared, tied, untrainable

# How the modules of a class are computed: together, if they are plain, and one by one. Any other module says its outputs itself, or is asked.
KINDS: dict[type, tuple[type[Together], type[OneByOne]]] = {
    QNetwork: (ActionValues, OneByOne),
    HeadsNetwork: (Heads, OneByOne),
    RecurrentQNetwork: (RecurrentValues, RecurrentValuesOneByOne),
    TD3Actor: (DeterministicActor, OneByOne),
    SACActor: (SquashedActor, SquashedActors),
    ContinuousCritic: (Critics, CriticsOneByOne),
    ActorCriticPolicy: (ActorCritic, ActorCritics),
    PolicyNetwork: (Pi, Pis),
}


def kinds_of(module: nn.Module, usual: type = object) -> tuple[type[Together], type[OneByOne]]:
    """usual: of a whole policy, its algorithm's own class, which one of another class, a compiled one, stands for."""
    together, one_by_one = next((KINDS[kind] for kind in (*type(module).__mro__, *usual.__mro__) if kind in KINDS), (OwnOutputs, OneByOne))
    return OwnOutputs if says_outputs(module) and not issubclass(together, OwnOutputs) else together, one_by_one


class Net:
    """The networks that policies hold under one name, of all seeds: calling it is calling them, [S, M, ...]."""

    may_be_read = True  # by equations: what it computes with is in their programs, and is made anew together with these
    served: Any
    rows: Any
    play: Callable  # the same for observations [S, E, ...] in NumPy, without a gradient
    optimiser: RowOptimizer | None  # None of a network that follows another

    def __init__(
        self, model: Any, name: str, learning_rate: str | None = None, programs: bool = True, by_hand: Callable[[str], bool] | None = None
    ):  # fmt: skip
        """learning_rate: the model's attribute that holds its schedule, if it has one of its own. programs: are batches of one shape the rule?

        by_hand(name): which parameters the algorithm moves itself, so that the optimizer is not to (of modules asked one by one: those that `hold` names).
        """
        self.model, self.name, self.learning_rate, self.programs, self.by_hand = model, name, learning_rate, programs, by_hand
        self.follows = name.removesuffix("_target") if name.endswith("_target") else None
        self.optimiser = None

    def __call__(self, *data: Any, **more: Any) -> Any:
        return self.served(*data, **more)

    def __getattr__(self, name: str) -> Any:
        """What else its kind of network can be asked: `first` of critics, `evaluate` of an actor-critic."""
        if name == "served":
            raise AttributeError(f"{self.name} is served when the model is built.")
        return getattr(self.served, name)

    @property
    def modules(self) -> list[Any]:
        """Every seed's network."""
        return self.model.networks(self.name)

    @property
    def is_stacked(self) -> bool:
        """Is it computed for all seeds together?"""
        return isinstance(self.served, Together)

    @property
    def has_programs(self) -> bool:
        """Do its equations run as programs of NumPy calls, which can be asked with weights of the past?"""
        return isinstance(self.rows, ArrayRows)

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Every seed's torch optimizer of this network."""
        owner, attribute = self.optimizer_at
        return [getattr(each, attribute) for each in (self.modules if owner is None else self.model._policies)]

    @property
    def optimizer_at(self) -> tuple[str | None, str]:
        """Whose attribute the optimizer is: (None, "optimizer") the network's own, ("policy", …) its policy's."""
        policy, own = self.model._policies[0], f"{self.name}_optimizer"
        if isinstance(getattr(self.modules[0], "optimizer", None), torch.optim.Optimizer):
            return None, "optimizer"
        return "policy", own if hasattr(policy, own) else "optimizer"

    def watched_attributes(self) -> list[tuple[Any, Sequence[str]]]:
        """(object, names of attributes) pairs that are to stay the same from one training to the next."""
        owner, attribute = self.optimizer_at
        owners = [] if self.follows else self.modules if owner is None else self.model._policies
        return [(each, [attribute]) for each in owners if attribute in vars(each)]  # a compiled policy passes it on

    def names_in_files(self, k: int, at: str, policy: str) -> tuple[list[str], list[str]]:
        """Where seed k's optimizer, and its single tensors, are found from the model: `at` is where its networks are."""
        if self.follows:
            return [], []
        owner, attribute = self.optimizer_at
        return [f"{policy}.{attribute}" if owner or self.name == "policy" else f"{at}{self.name}.{attribute}"], []

    def serve(self, follower: Net | None = None) -> None:
        """Choose how this network, and the one that follows it, are computed and trained."""
        model, modules, optimizers = self.model, self.modules, self.optimizers
        of_policy = modules[0] is model._policies[0]
        followers = follower.modules if follower else []
        together, one_by_one = kinds_of(modules[0], *([next(iter(model.policy_aliases.values()))] if of_policy else []))
        skip, every = together.skips(modules[0]), [*modules, *followers]
        others = [] if of_policy or not hasattr(model._policies[0], self.name) else [part for policy in model._policies for part in policy.children()]
        own_ways = first_reason(map(altered, every))
        apart = own_ways or why_apart(modules, optimizers, followers, skip, others)
        owners = [model._policies[i % len(modules)] for i in range(len(every))]
        far = is_far(next(modules[0].parameters()))
        stacked = apart is None and (together.anywhere or not far) and not any(map(tied, every)) and all(map(together.can_serve, owners, every))
        stacked = stacked and together.agree(modules) and (not followers or together.agree(followers))
        if self.by_hand is not None and not stacked:
            apart = apart or "its optimizer moves some of its weights"
        if issubclass(one_by_one, ActorCritics) and (own_ways or model.heeds or not all(map(one_by_one.can_serve, modules))):
            one_by_one = one_by_one.foreign  # what modules said before they changed cannot be asked for later: each action comes with its value

        def rows(networks: Sequence[nn.Module]) -> Rows:
            of_rows = together.rows_of(networks) if stacked else networks
            return ArrayRows(of_rows, model._tell) if stacked and self.programs and not far else Rows(of_rows, None if stacked else skip)

        alone = len(model.trained) == 1 and not of_policy  # then SB3 clips the whole policy
        clipped = model._policies if alone else None
        self.optimiser = optimiser_of(modules, optimizers, lambda: rows(modules), apart, stacked, clipped, *([self.by_hand] if self.by_hand else []))
        self._served(together if stacked else one_by_one, modules, self.optimiser.rows)
        if follower:
            of_follower = rows(followers) if isinstance(self.optimiser.rows, Rows) else OwnMemory(followers)
            follower._served(together if stacked else one_by_one, followers, of_follower)
        if not stacked:
            how = type(self.served).__name__ + (f": {apart}" if apart else "")
            model._tell(f"{type(modules[0]).__name__} takes the general path ({how}).")

    def _served(self, kind: Any, modules: Sequence[nn.Module], rows: Any) -> None:
        self.served, self.rows = kind(modules, rows), rows
        self._alone: dict[int, tuple[Any, Any]] = {}  # what serves one seed, made when it is first asked for
        self.play = self.served.play
        self.statistics = [get_parameters_by_name(module, ["running_"]) for module in modules]  # of batch normalisation

    def hold(self, k: int, parameters: list[nn.Parameter]) -> None:
        """No step of seed k's optimizer is to move these from now on, where its modules are asked: elsewhere `by_hand` said it."""
        if isinstance(self.rows, OwnMemory):
            self.rows.held[k] = parameters

    @contextmanager
    def alone(self, k: int) -> Iterator[None]:
        """Within, it is seed k's network and no other's: equations get data [1, M, ...] of whatever length that seed has."""
        everyone = self.served, self.rows
        if len(self.modules) > 1:
            if k not in self._alone:
                rows = self.rows.only(k)
                self._alone[k] = type(self.served)([self.modules[k]], rows), rows
            self.served, self.rows = self._alone[k]
        try:
            yield
        finally:
            self.served, self.rows = everyone

    def acts_for_policies(self) -> bool:
        """Does playing with it do what the policies' own `predict` would? Not if they, or the networks that they act with, have ways of their own."""
        policies = self.model._policies
        same = all(getattr(policy, self.name) is module for policy, module in zip(policies, self.modules, strict=True))
        return self.is_stacked and same and not any(map(replaced, policies))

    def track(self, other: Net, tau: float) -> None:
        """θ ← (1 − τ) θ + τ θ_other; the statistics of batch normalisation are copied."""
        self.rows.track(other.rows, tau)
        for mine, theirs in zip(self.statistics, other.statistics, strict=True):
            if mine or theirs:
                polyak_update(theirs, mine, 1.0)

    def use_learning_rate(self) -> None:
        """Set that of its own schedule."""
        for optimizer in self.optimiser.optimizers:
            update_learning_rate(optimizer, self.model.now(getattr(self.model, self.learning_rate)))


# ------------------------------------------------------------------------------------------------------- what speaks against it
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
