"""Our own data sets: recipes that make the same steps each time, manifests that say how, cards, and checks."""

import copy
import dataclasses
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import yaml

from benchmarks import UserError
from benchmarks.datasets import card, checking, making, recipes, tables, training
from benchmarks.datasets.recipes import Recipe
from from_scratch.core.datasets import BadDataset, Recorder, as_dataset, places
from from_scratch.core.datasets.minari import ID
from from_scratch.core.exact.values import expected_return, policy_values
from from_scratch.envs import GridWorld, StitchingMaze
from sb3_course import cli

ROOT = Path(__file__).parents[2]
TINY = {
    "env": "CartPole-v1", "about": "a training that is none", "algorithm": "dqn", "seed": 3, "steps": 60, "checkpoints": 20, "medium": 0.0,
    "hyperparameters": {"learning_starts": 20, "policy_kwargs": {"net_arch": [8]}}, "picking": {"episodes": 1, "seed": 0}, "scores": {"episodes": 2, "seed": 9},
}  # fmt: skip
SETS = {
    "random-v0": {"by": "random", "steps": 30, "seed": 1}, "expert-v0": {"by": "expert", "steps": 30, "seed": 2, "epsilon": 0.5},
    "medium-replay-v0": {"replay": "medium"}, "both-v0": {"join": ["random-v0", "expert-v0"]},
}  # fmt: skip
TABLES = [name for name, recipe in recipes.recipes().items() if not recipe.training]
PACKED = [name for name, recipe in recipes.recipes().items() if recipe.is_packed]


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A family whose training takes no time, and a folder of its own for what is made."""
    known = {f"tiny/{name}": Recipe("tiny", name, TINY, own) for name, own in SETS.items()}
    monkeypatch.setattr(recipes, "recipes", lambda: known)
    monkeypatch.setattr(checking, "recipes", lambda: known)
    monkeypatch.setenv("SB3_COURSE_DATASETS", str(tmp_path / "made"))
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.setattr(places, "PACKED", tmp_path / "packed")
    return known


# ------------------------------------------------------------------------------------------------------------------------ recipes
def test_every_name_is_one_that_minari_takes_and_comes_behind_those_that_it_joins():
    names = list(recipes.recipes())

    assert all(ID.fullmatch(name) for name in names)
    assert all(names.index(part) < names.index(name) for name, recipe in recipes.recipes().items() for part in recipe.parts)


def test_a_family_stands_for_its_sets_and_a_misspelt_name_is_corrected():
    assert [recipe.name for recipe in recipes.chosen(["grid", "maze/stitching-v0"])] == ["maze/stitching-v0", "grid/soft-v0", "grid/uniform-v0"]
    with pytest.raises(UserError, match=r"there is no recipe for grid/sof-v0: did you mean grid/soft-v0\?"):
        recipes.chosen(["grid/sof-v0"])


@pytest.mark.parametrize("name", PACKED)
def test_what_comes_with_the_library_was_made_by_the_recipe_that_is_here_from_a_commit(name):
    data, recipe = as_dataset(name), recipes.find(name)  # which compares its steps with the manifest's hash

    assert data.name == name and data.facts["recipe"]["hash"] == recipe.digest
    assert data.facts["source"]["commit"] and data.facts["source"]["dirty"] is False
    assert data.facts["reference"]["random"]["score"] <= data.facts["reference"]["expert"]["score"]
    assert (places.PACKED / places.packed_name(name)).stat().st_size <= 300_000


@pytest.mark.parametrize("name", TABLES)
def test_a_table_s_data_set_made_again_is_the_one_that_comes_with_the_library(name, tmp_path):
    assert making.made(recipes.find(name), tmp_path).hash == as_dataset(name).hash


# ------------------------------------------------------------------------------------------------------------------------- tables
def test_no_demonstration_leads_from_the_start_of_the_maze_to_its_goal_and_a_fifth_of_those_at_the_crossing_turn_to_it():
    data, letters = as_dataset("maze/stitching-v0"), StitchingMaze().letters
    ways = {}
    for steps in data.episodes():
        cells = [letters[s] for s in (*data.observations[steps], data.next_observations[steps.stop - 1])]
        ways.setdefault((cells[0], cells[-1]), []).append("+" in cells)

    assert {way: len(episodes) for way, episodes in ways.items()} == {("S", "p"): 200, ("S", "E"): 200, ("A", "G"): 50}
    assert all(ways["A", "G"]) and all(ways["S", "E"]) and not any(ways["S", "p"])


def test_the_grid_s_policy_stands_in_its_manifest_with_its_exact_values():
    data = as_dataset("grid/soft-v0")
    env, pi = GridWorld("4x3", slip=0.2, step_reward=-0.04), np.array(data.facts["probabilities"])
    visits = np.zeros_like(pi)
    np.add.at(visits, (data.observations, data.actions), 1)
    n = visits.sum(1, keepdims=True)
    z = (visits - n * pi)[n[:, 0] > 0] / np.sqrt(n * pi * (1 - pi))[n[:, 0] > 0]

    assert np.abs(z).max() < 4  # each action as often as its probability says
    np.testing.assert_allclose(data.facts["values"], policy_values(env, pi, 0.95), rtol=1e-12)  # solved by a library, which rounds by the processor
    assert data.facts["expected_return"] == pytest.approx(expected_return(env, pi, 200), abs=1e-9)
    assert abs(data.returns.mean() - data.facts["expected_return"]) < 4 * data.returns.std() / np.sqrt(data.n_episodes)


def test_a_soft_policy_takes_the_best_action_with_probability_1_less_epsilon_and_its_share_of_the_rest():
    pi = tables.probabilities(GridWorld(desc=["SG"]), {"epsilon": 0.4, "gamma": 0.9})
    assert pi[0].tolist() == [0.1, 0.1, 0.1, pytest.approx(0.7)]


# ---------------------------------------------------------------------------------------------------------------- trained families
def test_a_family_made_twice_has_the_same_steps(tiny, tmp_path):
    for name, recipe in tiny.items():
        assert making.made(recipe, tmp_path / "one").hash == making.made(recipe, tmp_path / "two").hash, name


def test_the_manifest_says_how_a_data_set_came_to_be(tiny):
    made = json.loads((making.make(tiny["tiny/expert-v0"]) / "data" / "manifest.json").read_text())
    behaviour = made["behaviour"]

    assert (made["name"], made["env"], made["steps"]) == ("tiny/expert-v0", "CartPole-v1", 30)
    assert (behaviour["algorithm"], behaviour["seed"], behaviour["epsilon"], behaviour["trained_for"] in (20, 40, 60)) == ("dqn", 3, 0.5, True)
    assert len(behaviour["weights"]) == len(made["hash"]) == 64
    assert (made["reference"]["random"]["episodes"], made["reference"]["expert"]["seed"]) == (2, 9)
    assert set(made) >= {"source", "machine", "packages", "licence", "recipe", "observation_space", "action_space", "episodes"}


def test_replay_is_what_training_saw_until_the_medium_model_and_a_joint_set_is_both(tiny):
    replay, both = (as_dataset(making.make(tiny[f"tiny/{name}"])) for name in ("medium-replay-v0", "both-v0"))
    one, two = (as_dataset(making.make(tiny[f"tiny/{name}"])) for name in ("random-v0", "expert-v0"))

    assert len(replay) % 20 == 0 and replay.facts["behaviour"]["replay"].endswith(f"until step {len(replay)}")
    assert both.hash == (one + two).hash


def test_what_is_there_is_not_made_again_and_models_are_trained_once(tiny, monkeypatch):
    path = making.make(tiny["tiny/random-v0"])
    monkeypatch.setattr(training, "_train", lambda *arguments: pytest.fail("trained again"))
    assert making.make(tiny["tiny/random-v0"]) == path
    assert len(as_dataset(making.make(tiny["tiny/expert-v0"]))) == 30


def test_training_leaves_the_recipe_as_it_is(tiny, tmp_path):
    recipe = dataclasses.replace(tiny["tiny/expert-v0"], of_family=copy.deepcopy({**TINY, "env": "Pendulum-v1", "algorithm": "sac"}))
    before = recipe.digest
    making.made(recipe, tmp_path)
    assert recipe.digest == before  # SAC's constructor writes into its policy_kwargs


@pytest.mark.parametrize("where", ["benchmarks.datasets.training.weights_hash", "from_scratch.core.datasets.minari.stacked"])
def test_interrupted_it_leaves_nothing_half_made_and_the_same_call_makes_it(where, tiny, monkeypatch, tmp_path):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(where, interrupted)
        making.make(tiny["tiny/expert-v0"])
    assert places.names() == {} and not list((tmp_path / "made").glob("**/main_data.hdf5")) and not list((tmp_path / "made" / ".models").glob(".*"))
    assert len(as_dataset(making.make(tiny["tiny/expert-v0"]))) == 30


def test_the_medium_model_is_the_first_that_comes_a_share_of_the_way_and_the_expert_the_first_of_the_best():
    scores = {10: 0.0, 20: 39.0, 30: 45.0, 40: 41.0, 50: 100.0, 60: 100.0}
    assert training.picked(scores, random=10.0, share=1 / 3) == (30, 50)


def test_a_score_is_the_mean_return_of_whole_episodes_each_from_its_own_seed():
    def returns(*seeds):
        found = []
        for seed in seeds:
            env = Recorder(gym.make("CartPole-v1"))
            env.reset(seed=seed)
            env.action_space.seed(seed)
            while not env.steps or not any(env.steps[-1][4:]):
                env.step(env.action_space.sample())
            found.append(len(env.steps))
        return found

    found = training.score(lambda: gym.make("CartPole-v1"), None, {"episodes": 2, "seed": 5}, making.silent, "")
    assert (found["score"], found["deterministic"]) == (np.mean(returns(5, 6)), False)


# ----------------------------------------------------------------------------------------------------------------------- checking
def test_a_check_finds_the_same_steps_again(tiny):
    making.make(tiny["tiny/random-v0"])
    assert [(found.level, found.state) for found in checking.check("tiny/random-v0")] == [(1, "pass"), (2, "pass")]


def test_steps_that_come_out_otherwise_fail_on_this_machine_and_decide_nothing_for_another(tiny, monkeypatch):
    making.make(tiny["tiny/random-v0"])
    other = making.made(tiny["tiny/random-v0"], places.cache()).with_rewards(2.0)
    monkeypatch.setattr(checking, "made", lambda *arguments: other)
    assert checking.check("tiny/random-v0")[1].state == "fail"
    monkeypatch.setattr(checking.provenance, "machine", lambda: {"os": "another"})
    assert checking.check("tiny/random-v0")[1].state == "unverified" and "other machine" in checking.check("tiny/random-v0")[1].said


def test_what_does_not_come_with_the_library_is_compared_with_what_was_recorded_of_it(tiny, monkeypatch):
    making.make(tiny["tiny/random-v0"])
    said = {"commit": "c" * 40, "machine": "a processor", "packages": {"torch": "2.0"}, "hash": as_dataset("tiny/random-v0").hash}
    monkeypatch.setattr(checking, "recorded", lambda: {"tiny/random-v0": said})
    found = checking.check("tiny/random-v0", level=1)[1]
    assert (found.state, found.said) == ("pass", "the steps that this name has had since they were made at commit cccccccccccc (a processor; torch 2.0)")
    said["hash"] = "0" * 64
    found = checking.check("tiny/random-v0", level=1)[1]
    assert found.state == "unverified" and "whose hash is 000000000000…: results on those are of another data set" in found.said


def test_recorded_are_sets_that_do_not_come_with_the_library_and_the_published_study_s_are_among_them():
    for name, said in recipes.recorded().items():
        recipe = recipes.find(name)
        assert not recipe.is_packed and len(said["hash"]) == 64
        assert said["steps"] == recipe.own.get("steps", said["steps"])
    study = yaml.safe_load((ROOT / "results" / "offline-hopper" / "study.yaml").read_text(encoding="utf-8"))
    for said in (spec["dataset"] for spec in study["envs"].values()):
        assert recipes.recorded()[said["name"]]["hash"] == said["hash"]


@pytest.mark.parametrize(("env", "has"), [("HalfCheetah-v5", True), ("CartPole-v1", False)])
def test_a_manifest_names_the_simulator_of_its_environment(env, has):
    if has:
        pytest.importorskip("mujoco")
    assert ("mujoco" in making.packages(Recipe("family", "set-v0", {"env": env}, {}))) == has


def test_another_recipe_and_no_manifest_decide_nothing(tiny, tmp_path):
    making.make(tiny["tiny/random-v0"])
    tiny["tiny/random-v0"] = dataclasses.replace(tiny["tiny/random-v0"], own={"by": "random", "steps": 31, "seed": 1})
    assert "another recipe" in checking.check("tiny/random-v0")[1].said
    packed = as_dataset("tiny/random-v0")
    object.__setattr__(packed, "facts", {})
    path = packed.save(tmp_path / "x")
    (path / "data" / "manifest.json").unlink()
    assert [found.state for found in checking.check(str(path))] == ["unverified"]


# -------------------------------------------------------------------------------------------------------------------------- cards
def test_a_card_counts_what_is_there():
    said = dict(card.rows(as_dataset("gamble/uniform-v0")))

    assert said["episodes"] == "1\u202f000, of which 1\u202f000 terminated and 0 were cut"
    assert said["lengths"] == "1 to 2, median 1" and said["rewards"] == "0.000 to 1.000"
    assert (said["random score"], said["expert score"]) == ("0.550 (exact)", "0.600 (exact)")


def test_a_picture_is_the_same_bytes_each_time():
    data = as_dataset("maze/stitching-v0")
    assert card.as_svg(data) == card.as_svg(data) and "maze/stitching-v0" in card.as_svg(data)


def test_the_least_and_the_most_value_lie_in_the_middle_of_the_outer_bins():
    assert card.bins(np.array([1, 2, 4])).tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert card.bins(np.full(3, 200)).tolist() == [190, 210]


# ------------------------------------------------------------------------------------------------------------------- command line
def test_the_command_makes_shows_and_checks(tiny, tmp_path, capsys):
    assert cli.main(["dataset", "make", "tiny/both-v0", "tiny/random-v0"]) == 0
    assert "1/2 tiny/random-v0 made in" in capsys.readouterr().out
    assert cli.main(["dataset", "make", "tiny/random-v0"]) == 0 and "tiny/random-v0 was there" in capsys.readouterr().out
    assert cli.main(["dataset", "show", "tiny/both-v0", "--out", str(tmp_path / "x.svg")]) == 0
    assert "  steps         60\n" in capsys.readouterr().out and (tmp_path / "x.svg").read_text().startswith("<svg ")
    assert cli.main(["dataset", "check", "tiny/random-v0", "--level", "1"]) == 0
    assert "1  steps: pass" in capsys.readouterr().out
    assert cli.main(["dataset", "list"]) == 0
    out = capsys.readouterr().out
    assert "tiny/expert-v0         to be made" in out and "tiny/both-v0           here, in" in out


def test_a_picture_goes_where_it_is_to_and_another_kind_is_refused_before_the_card(tmp_path, capsys):
    assert cli.main(["dataset", "show", "gamble/uniform-v0", "--out", str(tmp_path / "new" / "x.png")]) == 0
    assert (tmp_path / "new" / "x.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert cli.main(["dataset", "show", "gamble/uniform-v0", "--out", "x.txt"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "--out x.txt: a picture is a .svg or a .png file" in said.err


def test_what_is_not_there_or_was_altered_gets_one_line_and_its_exit_code(tiny, capsys):
    assert cli.main(["dataset", "show", "tiny/randm-v0"]) == 2
    assert capsys.readouterr().err.startswith("There is no data set 'tiny/randm-v0' here.")
    path = making.make(tiny["tiny/random-v0"])
    with pytest.importorskip("h5py").File(path / "data" / "main_data.hdf5", "a") as file:
        file["episode_0/rewards"][0] = 17.0
    with pytest.raises(BadDataset):
        as_dataset(path)
    assert cli.main(["dataset", "check", str(path)]) == 4
    assert "1  steps: FAIL" in capsys.readouterr().out
