"""The registry: every name in it leads somewhere, and reading it costs nothing."""

import functools
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

import from_scratch
from from_scratch import registry
from from_scratch.core.entry import LOOPS, OF_PARTS, Family, Updates, algorithm
from from_scratch.core.loops.episodes import Episodic
from from_scratch.core.loops.off_policy import OffPolicy
from from_scratch.core.loops.on_policy import OnPolicy
from from_scratch.core.tabular.episodes import LearnsFromEpisodes
from from_scratch.registry import ENTRIES, FAMILIES, UnknownAlgorithm

OURS = [entry for entry in ENTRIES.values() if entry.is_ours]
REFERENCES = [entry for entry in ENTRIES.values() if not entry.is_ours]
SPACES = {
    "Box": spaces.Box(-1.0, 1.0, (2,)),
    "Discrete": spaces.Discrete(3),
    "MultiDiscrete": spaces.MultiDiscrete([2, 3]),
    "MultiBinary": spaces.MultiBinary(3),
}


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
def test_every_entry_of_ours_is_a_base_algorithm_in_its_family_s_folder(entry):
    cls = entry.load()

    assert issubclass(cls, BaseAlgorithm)
    assert f"{cls.__module__}:{cls.__name__}" == entry.target, "the target names the file that holds the class, not one that passes it on"
    assert cls.__module__.startswith(f"from_scratch.{entry.family}")
    assert getattr(from_scratch, entry.class_name) is cls
    assert entry.class_name in dir(from_scratch)


@pytest.mark.parametrize("entry", REFERENCES, ids=lambda entry: entry.id)
def test_every_reference_is_there_under_the_name_of_its_package(entry):
    package, _, name = entry.id.partition("/")

    assert (package, name.replace("_", "")) == ({"stable_baselines3": "sb3", "sb3_contrib": "contrib"}[entry.base], entry.class_name.lower())
    assert entry.settings == name
    assert issubclass(entry.load(), BaseAlgorithm)


@pytest.mark.parametrize("entry", [entry for entry in OURS if entry.twin], ids=lambda entry: entry.id)
def test_an_algorithm_and_its_twin_share_what_is_known_of_them(entry):
    twin = registry.find(entry.twin)

    theirs = tuple(kind for kind in entry.actions if kind not in OF_PARTS)  # actions of several parts are ours alone
    assert (twin.settings, twin.actions, twin.loop, twin.updates, twin.paper) == (entry.settings, theirs, entry.loop, entry.updates, entry.paper)


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
def test_every_entry_of_ours_is_documented_by_its_file(entry):
    """A file opens with its paper, or with the section of the book: what the table says, the reader finds there."""
    opening = inspect.getmodule(entry.load()).__doc__ or ""

    assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.id)
    assert entry.title
    assert entry.unit in ("steps", "backups", "updates")
    assert entry.twin is None or entry.twin in ENTRIES
    assert all(sentence.endswith(".") for sentence in entry.deviations)
    if entry.paper != "–":
        year = re.search(r"\d{4}", entry.paper).group()
        assert year in opening, f"{entry.target} does not open with the year of {entry.paper}"


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
def test_what_learns_a_given_policy_s_value_is_marked(entry):
    """It takes the policy as `pi`, and no better one comes of it."""
    assert entry.predicts == (entry.kind == "prediction") == ("pi" in inspect.signature(entry.load()).parameters)


@pytest.mark.parametrize("entry", [entry for entry in OURS if entry.lockstep], ids=lambda entry: entry.id)
def test_what_trains_in_lock_step_takes_seeds(entry):
    parameters = inspect.signature(entry.load()).parameters

    assert parameters["seeds"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["n_envs"].kind is inspect.Parameter.KEYWORD_ONLY


class Acting(gym.Env):
    """One step with an action of this space; observations for a network."""

    observation_space = spaces.Box(-1.0, 1.0, (3,))

    def __init__(self, action_space):
        self.action_space = action_space

    def reset(self, *, seed=None, options=None):
        return self.observation_space.sample(), {}


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
def test_an_entry_names_the_action_spaces_of_its_class(entry):
    supported = entry.load().supported_action_spaces

    assert entry.actions == tuple(kind.__name__ for kind in supported or ())


@pytest.mark.parametrize("entry", REFERENCES, ids=lambda entry: entry.id)
@pytest.mark.parametrize("kind", SPACES)
def test_a_reference_takes_the_action_spaces_of_its_entry_and_no_others(entry, kind):
    """SB3's classes say it only when they are constructed."""
    small = {"buffer_size": 10} if entry.loop == "replay" else {}
    make = functools.partial(entry.load(), entry.policy, Acting(SPACES[kind]), device="cpu", **small)
    if kind in entry.actions:
        make()
    else:
        with pytest.raises(AssertionError, match="only supports"):
            make()


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.id)
def test_an_entry_s_loop_is_that_of_its_class(entry):
    bases = {"on_policy": (OnPolicy, OnPolicyAlgorithm), "replay": (OffPolicy, OffPolicyAlgorithm), "episodes": (Episodic, LearnsFromEpisodes)}
    of_class = [loop for loop, classes in bases.items() if issubclass(entry.load(), classes)]

    assert entry.loop in LOOPS
    assert of_class == [entry.loop] or (not of_class and entry.loop not in ("on_policy", "replay"))
    assert (entry.loop == "planning") == (entry.unit == "backups")


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.id)
def test_a_cost_is_counted_from_hyper_parameters_that_the_class_has(entry):
    """Where the class fixes one of them, the entry has a number; where it has one, the default is the class's own."""
    parameters = inspect.signature(entry.load()).parameters

    assert (entry.updates is not None) == (entry.learns == "deep" and entry.loop != "population")
    for amount in [entry.updates.times, entry.updates.every] if entry.updates else []:
        if isinstance(amount, tuple):
            name, default = amount
            assert parameters[name].default == default


def test_gradient_steps_are_counted_as_the_hyper_parameters_say():
    updates = Updates(times=("gradient_steps", 1), every=("train_freq", 4))

    assert updates.per_step({}) == 1 / 4
    assert updates.per_step({"train_freq": [2, "step"], "gradient_steps": 6}) == 3
    assert updates.per_step({"train_freq": 8, "gradient_steps": -1}) == 1, "SB3's way to say: as many as there were steps"
    assert Updates(times=1, every=64).per_step({"gradient_steps": 5}) == 1 / 64


def test_a_line_states_what_differs_from_its_family():
    lines = [algorithm("a", ".one:A", "A", "–"), algorithm("b", ".two:B", "B", "–", unit="backups", policy="MlpPolicy")]
    family = Family.of("bandits", title="Bandits", about="Arms.", shared={"policy": "TabularPolicy", "lockstep": False}, algorithms=lines)
    a, b = family.entries

    assert (a.target, a.family, a.policy, a.unit, a.lockstep) == ("from_scratch.bandits.one:A", "bandits", "TabularPolicy", "steps", False)
    assert (b.target, b.policy, b.unit, b.lockstep) == ("from_scratch.bandits.two:B", "MlpPolicy", "backups", False)
    assert family.is_ours and a.base == "from_scratch" and a.learns == "table"


@pytest.mark.parametrize("family", [family for family in FAMILIES.values() if family.is_ours], ids=lambda family: family.key)
def test_a_family_s_page_lists_every_file_of_its_folder_and_says_what_to_read_first(family):
    package = importlib.import_module(f"from_scratch.{family.key}")
    files = sorted(path.stem for path in Path(package.__file__).parent.glob("*.py") if path.stem != "__init__")
    named = {entry.target.partition(":")[0].rpartition(".")[2] for entry in family.entries}
    machinery = {"dynamic_programming": {"planner"}, "model_based": {"updates"}, "offline": {"soft"}}.get(family.key, set())  # what several of the folder share

    assert package.FAMILY is family
    assert set(files) - machinery == named
    first = re.findall(r"`(\w+\.py)`", package.__doc__)
    assert first and all((Path(package.__file__).parent / name).is_file() for name in first), "the page says what to read first"


def test_no_algorithm_is_named_twice():
    assert len(ENTRIES) == sum(len(family.entries) for family in FAMILIES.values())
    assert len({entry.target for entry in ENTRIES.values()}) == len(ENTRIES)


def test_settings_are_found_under_the_name_that_twins_share():
    assert [registry.settings_of(id) for id in ("dqn", "sb3/dqn", "contrib/trpo", "cleanrl/dqn")] == ["dqn", "dqn", "trpo", "cleanrl/dqn"]


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(UnknownAlgorithm, match=r"^unknown algorithm 'pp0': did you mean 'ppo'\? \(sb3-course list\)$"):
        registry.find("pp0")
    with pytest.raises(UnknownAlgorithm, match=r"^unknown algorithm 'sb3/dqm': did you mean 'sb3/dqn'\?"):
        registry.load("sb3/dqm")
    with pytest.raises(UnknownAlgorithm, match=r"^unknown algorithm 'zzz': \(sb3-course list\)$"):
        registry.find("zzz")


def test_a_missing_class_is_an_attribute_error_that_lists_what_there_is():
    with pytest.raises(AttributeError, match=r"'from_scratch' has no attribute 'PP0'\. It has: .*PPO"):
        from_scratch.PP0  # noqa: B018


def test_importing_the_package_imports_no_algorithm_and_nothing_heavy():
    """The families' pages and what entries are made of; aliases of former modules hold nothing of their own."""
    program = """
import sys, json, from_scratch, from_scratch.registry
dir(from_scratch)
print(json.dumps([name for name, module in sys.modules.items() if getattr(module, "__name__", name) == name]))
"""
    loaded = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    families = [f"from_scratch.{key}" for key, family in FAMILIES.items() if family.is_ours]

    assert {"torch", "numpy", "gymnasium", "stable_baselines3", "sb3_contrib"}.isdisjoint(loaded)
    faces = ["from_scratch", "from_scratch.own", "from_scratch.policies", "from_scratch.registry"]
    assert sorted(name for name in loaded if name.startswith("from_scratch")) == sorted([*faces, "from_scratch.core", "from_scratch.core.entry", *families])
