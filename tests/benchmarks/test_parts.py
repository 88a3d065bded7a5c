"""Algorithms and environments of one's own: what their names mean, what follows from the class, what their code is made of, and what reading never does."""

import sys

import pytest
import stable_baselines3
import yaml

from benchmarks import IntegrityError, UserError
from benchmarks.store import records
from benchmarks.studies import environments, parts, plan, study, trust
from from_scratch import own, registry
from sb3_course import cli

ALGORITHMS = """
import stable_baselines3
from from_scratch import PPO

class Mine(PPO):
    '''My PPO, which is better.'''

class Alone(PPO):
    entry = {"title": "Alone", "lockstep": False, "actions": ["Discrete"], "updates": {"times": 3, "every": 2}}

class Misspelt(PPO):
    entry = {"titel": "x"}

class Theirs(stable_baselines3.DQN):
    pass

class Nothing:
    pass
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with modules, on Python's path and forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(own, "PLACES", {})
    (tmp_path / "algos_of_mine.py").write_text(ALGORITHMS)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    own._entry.cache_clear()


def test_a_subclass_is_known_as_its_parent_is_but_has_no_twin(place):
    entry, ppo = registry.find("algos_of_mine:Mine"), registry.find("ppo")
    assert (entry.title, entry.settings, entry.twin, entry.family) == ("My PPO, which is better", "ppo", None, "own")
    assert (entry.actions, entry.updates, entry.lockstep, entry.policy) == (ppo.actions, ppo.updates, True, ppo.policy)


def test_a_subclass_of_theirs_has_their_settings_and_no_lockstep(place):
    entry = registry.find("algos_of_mine:Theirs")
    assert (entry.settings, entry.lockstep, entry.loop) == ("dqn", False, "replay")
    assert issubclass(entry.load(), stable_baselines3.DQN)


def test_a_class_says_what_is_otherwise(place):
    entry = registry.find("algos_of_mine:Alone")
    assert (entry.title, entry.lockstep, entry.actions, entry.updates.per_step({})) == ("Alone", False, ("Discrete",), 1.5)


def test_a_file_is_its_module_wherever_it_lies(place):
    (place / "pack").mkdir()
    (place / "pack" / "__init__.py").write_text("")
    (place / "pack" / "inner_of_mine.py").write_text(ALGORITHMS)
    assert own.spelled(f"{place}/pack/inner_of_mine.py:Mine") == "pack.inner_of_mine:Mine"
    assert registry.find("pack.inner_of_mine:Mine").settings == "ppo"


def test_an_installed_package_offers_an_algorithm_by_a_short_name(place):
    folder = place / "offering-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: offering\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[sb3_course.algorithms]\nmine_ppo = algos_of_mine:Mine\n")
    sys.path.append(str(place))
    assert registry.find("mine_ppo").load().__name__ == "Mine"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nowhere_of_mine:X", "nowhere_of_mine:X: there is no module 'nowhere_of_mine', neither in this folder nor installed"),
        ("algos_of_mine:Mime", "algos_of_mine has no class 'Mime': did you mean 'Mine'?"),
        ("algos_of_mine:Nothing", "is no algorithm: it lacks learn, predict, save, load, set_logger"),
        ("algos_of_mine:Misspelt", "its entry states 'titel', which no entry has: did you mean 'title'?"),
        ("broken_of_mine:X", "broken_of_mine:X: importing broken_of_mine failed: RuntimeError: the first line"),
        ("lacking_of_mine:X", "importing lacking_of_mine failed: ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("nowhere.py:X", "nowhere.py:X: there is no file nowhere.py"),
        ("json.py:X", "json.py:X: Python knows another module 'json'"),
    ],
)
def test_a_name_that_leads_to_nothing_is_one_line(place, name, line, capsys):
    (place / "broken_of_mine.py").write_text("raise RuntimeError('the first line\\nthe second')")
    (place / "lacking_of_mine.py").write_text("import not_there_at_all")
    (place / "json.py").write_text("")
    assert cli.main(["train", "--algo", name, "--env", "CartPole-v1"]) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1


def test_an_environment_need_not_know_the_word_render_mode(place):
    (place / "envs_of_mine.py").write_text(ENVIRONMENT)
    assert environments.make_env("envs_of_mine:Small-v0").reset(seed=0)[0] == 0


ENVIRONMENT = """
import gymnasium as gym
import rules_of_mine

class Small(gym.Env):
    observation_space, action_space = gym.spaces.Discrete(2), gym.spaces.Discrete(2)
    def __init__(self):
        pass
    def reset(self, *, seed=None, options=None):
        return 0, {}
    def step(self, action):
        return 0, rules_of_mine.REWARD, True, False, {}

gym.register("Small-v0", entry_point="envs_of_mine:Small")
"""


@pytest.fixture(autouse=True)
def rules(place):
    (place / "rules_of_mine.py").write_text("REWARD = 1.0\n")


def test_a_closure_holds_the_files_that_are_imported_and_the_project_behind_them_but_no_library(place):
    own.imported("algos_of_mine", "x")
    closure = parts.own_closure(parts.of_algorithm("algos_of_mine:Mine"))
    assert set(closure.sources) == {"algos_of_mine"}
    assert "from_scratch.policy_gradient.ppo" in closure.project
    assert "stable_baselines3" in closure.packages and "pytest" not in closure.packages


def test_a_comment_changes_no_version_and_a_number_does(place):
    (place / "envs_of_mine.py").write_text(ENVIRONMENT)
    before = plan.code_version("q_learning", "envs_of_mine:Small-v0")
    (place / "rules_of_mine.py").write_text('"""Words."""\nREWARD = 1.0  # one\n')
    assert plan.code_version("q_learning", "envs_of_mine:Small-v0") == before
    (place / "rules_of_mine.py").write_text("REWARD = 2.0\n")
    assert plan.code_version("q_learning", "envs_of_mine:Small-v0") != before


def test_a_wrapper_of_ones_own_is_a_part_of_the_version(place):
    (place / "wraps_of_mine.py").write_text("import gymnasium as gym\nclass W(gym.Wrapper):\n    pass\n")
    resolved = study.adhoc(["ppo"], ["CartPole-v1"], seeds=1, steps=10)
    resolved.hyperparams["ppo"]["CartPole-v1"]["env_wrapper"] = "wraps_of_mine.W"
    own.imported("wraps_of_mine", "x")
    before = plan.code_versions(resolved)
    (place / "wraps_of_mine.py").write_text("import gymnasium as gym\nclass W(gym.Wrapper):\n    x = 1\n")
    assert plan.code_versions(resolved) != before


def test_a_text_that_was_changed_in_the_study_is_seen(place):
    resolved = plan.pinned(study.adhoc(["algos_of_mine:Mine", "ppo"], ["CartPole-v1"], seeds=2, steps=10))
    assert records.of_study(resolved.as_dict()) == [] and parts.faults(resolved) == []
    resolved.own["modules"]["algos_of_mine"]["source"] += "# more"
    assert parts.faults(resolved) == ["study.yaml: own: algos_of_mine: hash mismatch"]


# ---------------------------------------------------------------------------------------------------------- nothing is run


@pytest.fixture
def payload(place):
    """A module whose import makes a folder."""
    (place / "stranger.py").write_text(f"import os\nos.mkdir({str(place / 'ran')!r})\n" + ALGORITHMS)
    return place / "ran"


def test_a_suite_of_a_strangers_is_not_imported_without_trust(place, payload, capsys):
    (place / "suite.yaml").write_text(yaml.safe_dump({"name": "x", "groups": [{"name": "g", "algos": ["stranger:Mine"], "envs": ["CartPole-v1"]}]}))
    assert cli.main(["compare", "suite.yaml", "--dry-run"]) == 2
    assert "suite.yaml would import stranger:Mine" in capsys.readouterr().err and not payload.exists()
    assert cli.main(["compare", "suite.yaml", "--dry-run", "--trust"]) == 0 and payload.exists()


@pytest.fixture
def strange(place):
    """The plan of a stranger: his algorithm on his environment."""
    resolved = plan.pinned(study.adhoc(["ppo"], ["CartPole-v1"], seeds=2, steps=10))
    text = resolved.asking().to_yaml().replace("ppo", "stranger:Mine").replace("CartPole-v1", "stranger:Env-v0")
    parts_of = yaml.safe_load(text)
    return study.Study.of(parts_of).asking()


def test_reading_a_study_imports_nothing_that_it_names(place, payload, strange):
    assert len(plan.plan(strange)) == 2
    assert trust.foreign(strange) == ["the algorithm stranger:Mine", "the environment stranger:Env-v0"]
    assert not payload.exists()


@pytest.mark.parametrize("words", [["status"], ["report"], ["reproduce"], ["reproduce", "--level", "3"], ["retry"], ["archive"], ["register"]])
def test_no_verb_imports_what_a_study_names_unless_it_is_trusted(place, payload, strange, words, capsys):
    (place / "theirs").mkdir()
    (place / "theirs" / "study.yaml").write_text(strange.to_yaml())
    cli.main([words[0], "theirs", *words[1:]])
    assert "unexpected" not in capsys.readouterr().err and not payload.exists()


def test_a_study_of_own_parts_without_versions_of_their_code_is_refused_not_imported(place, payload, strange):
    parts_of = strange.as_dict()
    del parts_of["code"]
    with pytest.raises(IntegrityError, match="no version of the code of stranger:Mine, stranger:Env-v0"):
        plan.plan(study.Study.of(parts_of))
    assert not payload.exists()


def test_runs_of_other_programs_may_have_any_name_and_nothing_is_imported(place, payload, capsys):
    rows = "".join(f"{algo},CartPole-v1,{seed},{step},{seed + step}\n" for algo in ("stranger:Mine", "ppo") for seed in range(3) for step in (10, 20))
    (place / "runs.csv").write_text(f"algo,env,seed,step,score\n{rows}")
    cli.main(["report", "--from-csv", "runs.csv", "--reps", "100"])
    assert not payload.exists()


# ------------------------------------------------------------------------------------------------------------ suites, comparisons

SUITE = """
name: mine
question: "?"
groups: [{name: g, algos: ["algos_of_mine:Mine", ppo], envs: [CartPole-v1]}]
steps: 100
algo:
  ppo: {CartPole-v1: {vf_coef: 0.4}}
  "algos_of_mine:Mine": {default: {target_kl: 0.1}}
env:
  CartPole-v1: {normalise: {random: 1, expert: 2, source: mine}, references: [{label: mine, score: 3}]}
"""


def composed(place, text):
    (place / "suite.yaml").write_text(text)
    return study.compose("suite.yaml", trusted=True)


def test_a_suite_may_set_what_no_file_of_ours_sets(place):
    resolved = composed(place, SUITE)
    ppo, mine = (resolved.hyperparams[algo]["CartPole-v1"] for algo in ("ppo", "algos_of_mine:Mine"))
    assert ppo["vf_coef"] == 0.4 and mine == {**ppo, "target_kl": 0.1}
    assert resolved.normalise["CartPole-v1"]["expert"] == 2 and resolved.references["CartPole-v1"] == [{"label": "mine", "score": 3}]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("steps:", "stepps:", "no setting 'stepps': did you mean 'steps'?"),
        ("  ppo:", "  ppi:", "no setting 'algo.ppi': did you mean 'ppo'?"),
        ("{CartPole-v1: {vf", "{CartPol-v1: {vf", "no setting 'algo.ppo.CartPol-v1': did you mean 'CartPole-v1'?"),
        ("{normalise", "{normalize", "no setting 'env.CartPole-v1.normalize': did you mean 'normalise'?"),
        ("expert:", "exprt:", "no setting 'env.CartPole-v1.normalise.exprt': did you mean 'expert'?"),
    ],
)
def test_a_misspelt_setting_of_a_suite_gets_its_nearest_name(place, old, new, line):
    with pytest.raises(UserError) as refused:
        composed(place, SUITE.replace(old, new))
    assert line in str(refused.value)


def test_a_launcher_that_is_given_as_a_word_is_refused_in_one_line(place):
    with pytest.raises(UserError, match="launcher=inprocess: give settings by name, of name, "):
        composed(place, SUITE + "launcher: inprocess\n")


def test_an_algorithm_of_ones_own_is_compared_with_all_others(place):
    pairs = study.natural_comparisons(["algos_of_mine:Mine", "ppo", "sb3/ppo", "random"])
    assert len(pairs) == 6 and ["algos_of_mine:Mine", "ppo"] in pairs


def test_of_many_the_twins_are_compared_and_the_first_with_the_rest():
    algos = ["a2c", "ppo", "sb3/ppo", "dqn", "random"]
    pairs = study.natural_comparisons(algos)
    assert pairs == [["ppo", "sb3/ppo"], ["a2c", "ppo"], ["a2c", "sb3/ppo"], ["a2c", "dqn"], ["a2c", "random"]]
    said = study.compared({"algos": algos, "comparisons": pairs})
    assert said.startswith("a2c against the rest: ppo and sb3/ppo (twins), ") and said.endswith("corrected for all 5 by Holm")


def test_pairs_may_hold_names_with_colons():
    algos = ["m:A", "ppo", "m:B"]
    assert study.chosen_comparisons("m:A:m:B,ppo:m:A", algos) == [["m:A", "m:B"], ["ppo", "m:A"]]
    with pytest.raises(UserError, match="--pairs ppo:dqn: give two of m:A, ppo, m:B"):
        study.chosen_comparisons("ppo:dqn", algos)


def test_unequal_tuning_is_said_and_equal_tuning_is_not(place):
    resolved = study.adhoc(["algos_of_mine:Mine", "ppo", "reinforce", "random"], ["CartPole-v1", "MountainCar-v0"], seeds=2, steps=10)
    said = study.unequal_tuning(resolved, {"comparisons": [["algos_of_mine:Mine", "ppo"], ["ppo", "random"]], "envs": ["CartPole-v1"]})
    assert said == []
    resolved.provenance["algos_of_mine:Mine"]["CartPole-v1"] = "the class's defaults"
    said = study.unequal_tuning(resolved, resolved.groups[0])
    assert "Unequal tuning on CartPole-v1: algos_of_mine:Mine has default settings, ppo settings tuned for the task" in said
