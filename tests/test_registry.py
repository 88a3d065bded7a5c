"""The registry: every name in it leads somewhere, and reading it costs nothing."""

import inspect
import json
import re
import subprocess
import sys

import pytest
from stable_baselines3.common.base_class import BaseAlgorithm

import from_scratch
from from_scratch import policies, registry
from from_scratch.registry import ENTRIES, UnknownAlgorithm

OURS = [entry for entry in ENTRIES.values() if entry.target.startswith("from_scratch.")]
TWINS = [entry for entry in ENTRIES.values() if entry not in OURS]


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
def test_every_entry_of_ours_is_a_base_algorithm_in_its_family_s_folder(entry):
    cls = entry.load()

    assert issubclass(cls, BaseAlgorithm)
    assert f"{cls.__module__}:{cls.__name__}" == entry.target, "the target names the file that holds the class, not one that passes it on"
    assert cls.__module__.startswith(f"from_scratch.{entry.family}")
    assert getattr(from_scratch, entry.class_name) is cls
    assert entry.class_name in dir(from_scratch)


@pytest.mark.parametrize("entry", TWINS, ids=lambda entry: entry.id)
def test_every_twin_is_there_under_the_name_of_its_package(entry):
    package, _, name = entry.id.partition("/")

    assert (package, name) == ("sb3", entry.class_name.lower())
    assert issubclass(entry.load(), BaseAlgorithm)


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
def test_every_entry_of_ours_is_documented_by_its_file(entry):
    """A file opens with its paper, or with the section of the book: what the table says, the reader finds there."""
    opening = inspect.getmodule(entry.load()).__doc__ or ""

    assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.id)
    assert entry.title
    assert entry.unit in ("steps", "backups")
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
    program = "import sys, json, from_scratch, from_scratch.registry; dir(from_scratch); print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)

    assert {"torch", "numpy", "gymnasium", "stable_baselines3"}.isdisjoint(loaded)
    former = [f"from_scratch.{name}" for name in policies._FORMER]  # addresses of the past, which lead to from_scratch.policies
    mine = [name for name in loaded if name.startswith("from_scratch") and name not in former]
    assert mine == ["from_scratch", "from_scratch.policies", "from_scratch.registry"]
