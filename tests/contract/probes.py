"""What every algorithm of the registry promises, stated once: the checks in this folder run over all of our entries.

A class that is added is tested by its line in its family's `__init__.py`. Nothing is to be done here, as long as its entry tells the truth:

- `actions`, `needs`, `kind`, `learns`, `loop` and `unit` choose the smallest environment on which it can learn (`env_for`) and what it must log;
  hyper-parameters that cost time are cut to a few steps by their names (`SMALL`). No check looks at a class's name.
- What it cannot do, it says: `cannot={"check": "the reason, in a line"}`. Where asking is cheap the check asserts that it cannot, otherwise it is
  skipped with that reason. `CHECKS` lists the names, each with what it asks.
- Whether its equations run as arrays on a plain network is a decision, and stands in test_speed.py.

An algorithm that needs another kind of world (several agents, costs) brings a fact that its entry tells, and a probe for it here.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch.core.datasets import Dataset, as_dataset
from from_scratch.core.datasets.sources import FIELDS
from from_scratch.core.entry import Entry
from from_scratch.envs import FiniteMDP
from from_scratch.registry import ENTRIES

OURS = [entry for entry in ENTRIES.values() if entry.is_ours]

CHECKS = {  # what `Entry.cannot` may name
    "deterministic": "asked to be deterministic, it predicts the same action twice",
    "learns": "some dozen steps change what it has learnt",
    "learns on": "some dozen steps more change it again",
    "seeds": "another seed learns something else",
    "n_envs": "it takes several environments for a seed",
    "copy": "a deep copy, or a pickle, goes on by itself as the model does",
    "continue": "so does a model that was saved and loaded",
    "refuses observations": "some observation space is not for it, and it says so",
    "refuses actions": "some action space is not for it, and it says so",
    "nan observation": "NaN in an observation is refused before it is learnt from",
    "nan reward": "NaN as a reward is refused before it is learnt from",
    "time limit": "it bootstraps where a time limit cut an episode, and does not where it terminated",
}


# -------------------------------------------------------------------------------------------------------------------------- environments
class Walk(FiniteMDP):
    """Four states in a ring, two actions (one step, or two), and chance: mostly it moves, sometimes it stays, sometimes the episode ends. Rewards are 0 or 1.

    It has what any reader of tables may ask for: transitions `P`, and `afterstates`, as a game that one plays against oneself.
    """

    n, opponent = 4, None

    def __init__(self) -> None:
        def outcomes(s: int, a: int) -> list[tuple[float, int, float, bool]]:
            there = (s + 1 + a) % self.n
            return [(0.7, there, float((s + a) % 2), False), (0.1, s, 0.0, False), (0.2, there, 1.0, True)]

        super().__init__([[outcomes(s, a) for a in range(2)] for s in range(self.n)])
        self.afterstates = np.array([[(s + 1 + a) % self.n for a in range(2)] for s in range(self.n)])


class Arms(Walk):
    """The same with a single state: a bandit of two arms."""

    n = 1


class Vectors(gym.Env):
    """Vectors of three numbers that decay towards noise, moved by the action; the reward is the first of them, and one step in eight ends the episode."""

    observation_space = spaces.Box(-10, 10, (3,), np.float32)
    action_space: spaces.Space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.x = self.np_random.uniform(-1, 1, 3).astype(np.float32)
        return self.x.copy(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        drawn = self.np_random.uniform(-1, 1, 4)
        self.x = (0.5 * self.x + 0.5 * drawn[:3] + 0.2 * float(np.sum(action))).astype(np.float32)
        return self.x.copy(), float(self.x[0]), bool(drawn[3] < -0.75), False, {}


class Forces(Vectors):
    """The same, moved by a number between −1 and 1."""

    action_space = spaces.Box(-1, 1, (1,), np.float32)


class Masked(Vectors):
    """The same, where now and then one of the two actions is invalid."""

    def action_masks(self) -> np.ndarray:
        return np.array([self.x[1] < 0.4, self.x[1] > -0.4])


class TwoStates(gym.Env):
    """From state 0 to state 1 for nothing, and from there, for a reward of 1, to state 1 again: there the episode terminates, or a time limit cuts it.

    State 1 is worth 1/(1 − γ) where it was cut, and 1 where it terminated; and 1/(1 − γ²) to who takes the next episode's first state for the successor.
    """

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Space, terminates: bool):
        self.observation_space, self.action_space, self.terminates = observation_space, action_space, terminates

    @classmethod
    def of(cls, entry: Entry, terminates: bool) -> Callable[[], TwoStates]:
        """A factory, with the spaces of the entry's own environment."""
        env = env_for(entry)()
        return lambda: cls(env.observation_space, env.action_space, terminates)

    def action_masks(self) -> np.ndarray:
        return np.ones(spaces.flatdim(self.action_space), bool)

    def seen_in(self, state: int) -> Any:
        return np.full(self.observation_space.shape, state, self.observation_space.dtype)[()]

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self.state = 0
        return self.seen_in(0), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:
        before, self.state = self.state, 1
        return self.seen_in(1), float(before), before == 1 and self.terminates, before == 1 and not self.terminates, {}


class Spoilt(gym.Wrapper):
    """From a step on, counted over all episodes, a number is NaN: a reward, or a part of an observation."""

    def __init__(self, env: gym.Env, what: str, at: int = 13):
        super().__init__(env)
        self.what, self.at, self.n = what, at, 0

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.n += 1
        if self.n >= self.at:
            if self.what == "reward":
                reward = float("nan")
            else:
                obs = np.full_like(obs, np.nan)
        return obs, reward, terminated, truncated, info


class Nothing(gym.Env):
    """Spaces, and nothing that could be played."""

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Space):
        self.observation_space, self.action_space = observation_space, action_space


def env_for(entry: Entry) -> type[gym.Env]:
    """The smallest world in which an algorithm of these facts can learn."""
    if entry.kind == "bandit":
        return Arms
    if entry.learns in ("table", "linear"):
        return Walk
    return Masked if entry.needs == "action_masks" else next(kind for kind in (Vectors, Forces) if takes(entry, kind.action_space))


def recorded(env: Any, n: int = 120) -> Dataset:
    """Steps of nobody, drawn from the spaces of an environment, or of what a factory makes: for who learns from a data set."""
    env, rng = env() if callable(env) else env, np.random.default_rng(0)
    observation_space, action_space = copy.deepcopy((env.observation_space, env.action_space))
    for space in (observation_space, action_space):
        space.seed(0)
    steps = []
    for i in range(n):
        ended = rng.random() < 0.125
        steps.append((observation_space.sample(), action_space.sample(), rng.normal(), observation_space.sample(), ended, not ended and i % 10 == 9))
    return as_dataset(dict(zip(FIELDS, map(np.stack, zip(*steps, strict=True)), strict=True)), observation_space, action_space)


def needs(entry: Entry, env: Any = None) -> dict[str, Any]:
    """Arguments without which a model of this kind cannot learn, in this environment or in that which suits it; load() is given them again."""
    env = env or env_for(entry)
    is_array = (env() if callable(env) else env).action_space.shape is not None  # a data set cannot hold others
    return {"dataset": recorded(env)} if entry.loop == "dataset" and is_array else {}


def takes(entry: Entry, action_space: spaces.Space) -> bool:
    """Is the space among those that it says it takes?"""
    return not entry.actions or type(action_space).__name__ in entry.actions


# -------------------------------------------------------------------------------------------------------------------------------- models
SMALL = {  # hyper-parameters of which more costs time, and how much of each is enough here
    "n_steps": 8, "batch_size": 8, "n_epochs": 2, "buffer_size": 200, "learning_starts": 8, "target_update_interval": 16, "episodes_per_update": 2,
    "baseline_steps": 2, "train_freq": 4, "gradient_steps": 4, "n_critic_updates": 2, "cg_max_steps": 4, "n_delta": 1, "pop_size": 2,
    "n_workers": 1, "context_length": 4, "embedding_dim": 8, "n_layers": 1, "warmup_steps": 10, "behaviour_steps": 4, "n_action_samples": 2,
}  # fmt: skip
MORE = {"model_size": 2, "learning_rate_decay": 0.6}  # under which a class has more to remember, and so to save and to copy
STEPS = 40  # of one training


def small(cls: type, **more: Any) -> dict[str, Any]:
    """Hyper-parameters with which every class learns something in STEPS steps."""
    fields = {name: most for name, most in SMALL.items() if name in cls.hyperparameters and getattr(cls, name) > most}
    return {**fields, **{name: x for name, x in MORE.items() if name in cls.hyperparameters}, **more}


def make(entry: Entry, env: Any = None, cls: type | None = None, **more: Any) -> Any:
    """A small model of an algorithm in the world that suits it."""
    env = env_for(entry) if env is None else env
    if entry.learns == "deep":
        more = {"policy_kwargs": {"net_arch": [8]}, **more}
    cls = cls or entry.load()
    return cls(entry.policy, env, **{"device": "cpu", **small(cls, **needs(entry, env), **more)})


def train(model: Any, steps: int = STEPS, **more: Any) -> Any:
    """Go on learning, without a log unless one is asked for."""
    return model.learn(steps, **{"reset_num_timesteps": False, "log_interval": None, **more})


def learnt(model: Any) -> dict[str, torch.Tensor]:
    """A copy of all that it has learnt, optimizers left out: every seed's weights or tables."""
    return {f"{k}.{name}": value.detach().clone() for k, policy in enumerate(model._policies) for name, value in policy.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Equal to the bit, NaN included."""
    return a.keys() == b.keys() and all(torch.equal(torch.nan_to_num(a[name]), torch.nan_to_num(b[name])) for name in a)


def assert_learnt_on(entry: Entry, before: dict[str, torch.Tensor], model: Any) -> None:
    """More training has changed what it had learnt: else what was compared after it could not differ."""
    assert same(before, learnt(model)) == ("learns on" in entry.cannot)


def state(model: Any) -> dict[str, Any]:
    """Where training stands: what was learnt, what was seen last, and how far it is."""
    return {"learnt": learnt(model), "seen": copy.deepcopy(model._last_obs), "steps": model.num_timesteps}


def assert_same_state(one: Any, other: Any) -> None:
    one, other = (x if isinstance(x, dict) else state(x) for x in (one, other))
    assert same(one["learnt"], other["learnt"])
    np.testing.assert_array_equal(one["seen"], other["seen"])
    assert one["steps"] == other["steps"]


def observations(model: Any, n: int = 12) -> np.ndarray:
    """Some observations of its space, the same ones for all models."""
    space = copy.deepcopy(model.observation_space)
    space.seed(0)
    return np.stack([space.sample() for _ in range(n)])


def saved(model: Any) -> io.BytesIO:
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    return file


def one_line(error: pytest.ExceptionInfo) -> str:
    """What an error says, which must be one line."""
    said = str(error.value)
    assert said and "\n" not in said
    return said


# -------------------------------------------------------------------------------------------------------------------------------- checks
def every(check: str | None = None, where: Callable[[Entry], bool] = lambda entry: True, one_of: int = 1) -> Any:
    """Run a check over all entries of ours (where a fact holds). Those that say they cannot are skipped with their reason.

    one_of: where a check says little beside others, `make test` runs it over one of so many entries, and `make test-all` over each.
    """
    assert check is None or check in CHECKS

    def parameter(number: int, entry: Entry) -> Any:
        reason = entry.cannot.get(check) if check else None
        cannot = [pytest.mark.skip(reason=f"{entry.id} cannot: {reason}")] if reason else []
        return pytest.param(entry, id=entry.id, marks=[*cannot, *([pytest.mark.slow] if number % one_of else [])])

    return pytest.mark.parametrize("entry", [parameter(number, entry) for number, entry in enumerate(filter(where, OURS))])


def unable(check: str) -> Any:
    """Those that say they cannot do it, for a check that asserts as much."""
    assert check in CHECKS
    return pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in OURS if check in entry.cannot])
