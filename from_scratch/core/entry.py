"""What may be known of an algorithm without importing it, and of the family in whose folder it lies.

A family's `__init__.py` holds a line per algorithm, in the order in which the files are best read; `from_scratch.registry` gathers the families.
The harness, the command line and the documentation ask these entries, and know no algorithm by its name. All of it is plain data.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_LEARNS = {"TabularPolicy": "table", "LinearPolicy": "linear", "RandomPolicy": "–"}
OF_PARTS = ("Tuple", "Dict")  # actions of several parts, which Stable-Baselines3 does not have
ALL_ACTIONS = ("Box", "Discrete", "MultiDiscrete", "MultiBinary")  # of actor-critics, for which there is a distribution over each

LOOPS = {  # an entry's loop: where its experience comes from
    "stepwise": "one step of the environment at a time, learnt from at once",
    "episodes": "whole episodes",
    "on_policy": "rollouts of the policy that is being trained, thrown away after the update",
    "rollouts": "rollouts of a policy that explores, thrown away after the update",
    "replay": "a memory of earlier steps",
    "planning": "a model that is given",
    "none": "nothing is learnt",
    "dataset": "a data set that was recorded before",
    "population": "episodes of many perturbed policies",
}

_KEYWORDS = "Two keywords are added behind SB3's: seeds, which trains several models in lock-step from private random streams, and n_envs."
_MOMENTS = "The optimizers' state is there before the first update, with moments of zero, where SB3's is still empty; files hold it."
# What `Entry.cannot` says of those who check as little as SB3's twins.
NO_NAN_REFUSED = dict.fromkeys(("nan reward", "nan observation"), "as in SB3, training goes on with it; VecCheckNan says where it came from")
FOLLOWS = (_KEYWORDS, _MOMENTS)  # deviations of every class that has a twin

Amount = float | tuple[str, float]  # a number, or a hyper-parameter's name and its default


@dataclass(frozen=True)
class Updates:
    """How often an algorithm changes its networks: `times` gradient steps every `every` environment steps. It is for a guess at what a run costs.

    Updates(times=("n_epochs", 10), every=("batch_size", 64)) reads both from the run's hyper-parameters, and has their defaults beside them.
    """

    times: Amount
    every: Amount

    def per_step(self, hyperparams: Mapping[str, Any]) -> float:
        """Gradient steps per environment step. A negative number of times is SB3's way to say: as many as there were steps."""
        times = _amount(self.times, hyperparams)
        return 1.0 if times < 0 else times / _amount(self.every, hyperparams)


def _amount(amount: Amount, hyperparams: Mapping[str, Any]) -> float:
    value = hyperparams.get(*amount) if isinstance(amount, tuple) else amount
    return value[0] if isinstance(value, list | tuple) else value  # train_freq: [1, "episode"]


@dataclass(frozen=True)
class Entry:
    """What the harness and the documentation need to know of an algorithm without importing it."""

    id: str  # "ppo", "sb3/ppo"
    target: str  # "module:Class"
    family: str
    title: str
    paper: str
    twin: str | None = None  # the registry's id of the reference implementation
    policy: str = "MlpPolicy"
    actions: tuple[str, ...] = ()  # the kinds of action spaces that it takes, by their class's name; () for any
    needs: str | None = None  # a method that environments must have beside Gymnasium's: "action_masks" says which actions are valid
    loop: str = "stepwise"  # where its experience comes from, one of LOOPS
    updates: Updates | None = None  # None: it trains no network by gradient steps
    remembers: bool = False  # has recurrent networks: predict() wants back the state that it returned
    lockstep: bool = True  # trains many seeds in one process through `seeds=`
    together: int = 10  # seeds in lock-step beyond which a process gains little, as `python -m benchmarks.speed` measures it
    unit: str = "steps"  # what total_timesteps counts: environment "steps", "backups" of a planner, or "updates": gradient steps on a data set
    predicts: bool = False  # learns what a given policy is worth, not a better one: its return says nothing of what it learnt
    deviations: tuple[str, ...] = ()  # known differences from the twin, printed in every report
    cannot: Mapping[str, str] = field(default_factory=dict, hash=False)  # part of the contract by its short name (tests/contract): why it cannot, in one line
    tuned_as: str | None = None  # the name of the parent whose tuned settings it has, of one's own or of a variant that takes the same hyper-parameters

    @property
    def class_name(self) -> str:
        return self.target.partition(":")[2]

    @property
    def base(self) -> str:
        """The package whose class it is: "from_scratch", "stable_baselines3" or "sb3_contrib"."""
        return self.target.partition(":")[0].partition(".")[0]

    @property
    def is_ours(self) -> bool:
        return self.base == "from_scratch"

    @property
    def settings(self) -> str:
        """The name under which tuned settings and budgets are kept: an algorithm and its twin share them."""
        return self.tuned_as or self.id.rpartition("/")[2]

    @property
    def kind(self) -> str:
        if self.predicts:
            return "prediction"
        return "planning" if self.unit == "backups" else "bandit" if self.family == "bandits" else "control"

    @property
    def learns(self) -> str:
        """What holds what it learns: a "table", weights of "linear" features, neural networks ("deep"), or nothing ("–")."""
        return _LEARNS.get(self.policy, "deep")

    def load(self) -> type:
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class Family:
    """Algorithms of one folder: its name, title, what it is about in one sentence, and its entries in the order in which they are best read."""

    key: str
    title: str
    about: str
    entries: tuple[Entry, ...]

    @property
    def is_ours(self) -> bool:
        return all(entry.is_ours for entry in self.entries)

    @classmethod
    def of(
        cls, key: str, *, title: str, about: str, algorithms: Iterable[Mapping[str, Any]], shared: Mapping[str, Any] | None = None, package: str = ""
    ) -> Family:
        """The family of these lines. shared: facts of all of them, which a line may state otherwise; package: whose modules their targets name."""
        within = package or f"from_scratch.{key}"
        lines = ({**(shared or {}), **line} for line in algorithms)
        return cls(key, title, about, tuple(Entry(**{**line, "family": key, "target": f"{within}{line['target']}"}) for line in lines))


def algorithm(id: str, target: str, title: str, paper: str, **facts: Any) -> dict[str, Any]:
    """An algorithm's line in its family. target: ".module:Class" of the family's folder; facts: fields of Entry that differ from what the family shares."""
    return {"id": id, "target": target, "title": title, "paper": paper, **facts}
