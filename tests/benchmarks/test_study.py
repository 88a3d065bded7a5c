"""A study is composed, checked and resolved before anything runs."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
import torch.nn as nn
import yaml

from benchmarks import UserError
from benchmarks.configs import CONFIGS, options
from benchmarks.studies import environments, hyperparams, study
from from_scratch.registry import UnknownAlgorithm


def test_the_quickstart_pairs_each_algorithm_with_its_twin_at_the_zoos_hyperparameters():
    quickstart = study.compose("quickstart")
    control = quickstart.groups[0]
    assert control["comparisons"] == [["ppo", "sb3/ppo"], ["dqn", "sb3/dqn"]]
    assert quickstart.hyperparams["ppo"] == quickstart.hyperparams["sb3/ppo"]
    assert quickstart.hyperparams["ppo"]["CartPole-v1"]["n_steps"] == 32  # RL Zoo, hyperparams/ppo.yml
    assert quickstart.hyperparams["dqn"]["Acrobot-v1"]["exploration_fraction"] == 0.12  # RL Zoo, hyperparams/dqn.yml
    assert quickstart.seeds == list(range(10))


def test_a_twin_has_its_algorithms_budget_and_the_zoos_own_stands_beside_it():
    quickstart = study.compose("quickstart")
    for env, budgets in quickstart.budget.items():
        for algo, steps in budgets.items():
            assert steps == budgets[algo.removeprefix("sb3/")], env
    assert quickstart.zoo_budget["Acrobot-v1"]["ppo"] == 1_000_000
    assert quickstart.zoo_budget["FrozenLake-v1"] == {}, "the Zoo has no entry for Q-learning"


def test_a_study_says_where_its_hyper_parameters_come_from_and_what_was_changed():
    said = study.compose("quickstart").provenance
    assert said["ppo"]["CartPole-v1"].startswith("configs/algo/ppo.yaml, entry of the task, from RL Baselines3 Zoo, hyperparams/ppo.yml")
    assert said["sb3/ppo"] == said["ppo"] and "Zoo" not in said["q_learning"]["FrozenLake-v1"]
    changed = study.compose("quickstart", ["algo.ppo.CartPole-v1.gamma=0.9"])
    assert changed.provenance["ppo"]["CartPole-v1"].endswith("; changed: gamma") and "changed" not in changed.provenance["ppo"]["Acrobot-v1"]
    assert changed.content_hash() == replace(changed, provenance=None).content_hash()


def test_the_reference_scores_of_the_tabular_tasks_are_the_exact_ones():
    """Backward induction over the transition table within the time limit that the study sets."""
    import gymnasium as gym
    import numpy as np

    resolved = study.compose("quickstart")
    for env_id, limit in (("FrozenLake-v1", 100), ("CliffWalking-v1", resolved.envs["CliffWalking-v1"]["max_episode_steps"])):
        env = gym.make(env_id).unwrapped
        random = best = np.zeros(len(env.P))
        for _ in range(limit):
            def backup(v, env=env):
                return np.array([[sum(p * (r + (0 if done else v[s])) for p, s, r, done in env.P[state][a]) for a in env.P[state]] for state in env.P])

            random, best = backup(random).mean(1), backup(best).max(1)
        reference = resolved.normalise[env_id]
        assert env.initial_state_distrib @ random == pytest.approx(reference["random"], rel=1e-3)
        assert env.initial_state_distrib @ best == pytest.approx(reference["expert"], rel=1e-4)


def test_hydra_overrides_reach_seeds_protocol_and_hyperparameters():
    resolved = study.compose("smoke", ["seeds=[3,7]", "protocol.eval_episodes=50", "algo.ppo.CartPole-v1.gamma=0.5", "+algo.ppo.CartPole-v1.vf_coef=0.25"])
    assert resolved.seeds == [3, 7]
    assert resolved.protocol["eval_episodes"] == 50
    assert resolved.hyperparams["sb3/ppo"]["CartPole-v1"]["gamma"] == 0.5
    assert resolved.hyperparams["sb3/ppo"]["CartPole-v1"]["vf_coef"] == 0.25


def test_a_suite_can_be_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "seeds": 2, "steps": 100, "groups": [{"name": "g", "algos": ["sb3/ppo"], "envs": ["CartPole-v1"]}]}))
    mine = study.compose(str(path), ["seeds=3"])
    assert mine.name == "mine" and mine.seeds == [0, 1, 2] and mine.budget == {"CartPole-v1": {"sb3/ppo": 100}}


def test_default_settings_on_a_task_that_has_settings_here_are_refused_since_nobody_would_see_them(tmp_path):
    path = tmp_path / "mine.yaml"

    def hyperparams(algo, env, of_ppo):
        groups = [{"name": "g", "algos": [algo], "envs": [env]}]
        path.write_text(yaml.safe_dump({"name": "mine", "seeds": 2, "steps": 100, "groups": groups, "algo": {"ppo": of_ppo}}))
        return study.compose(str(path)).hyperparams[algo][env]

    for algo, env in (("ppo", "CartPole-v1"), ("sb3/ppo", "CartPole-v1"), ("ppo", "CartPole-v1~long"), ("ppo~mine", "CartPole-v1")):
        with pytest.raises(UserError, match=rf"algo.ppo.default has no effect on {env}, for which .*/ppo.yaml has settings: write algo.ppo.{env}, or"):
            hyperparams(algo, env, {"default": {"gamma": 0.5}})
    assert hyperparams("ppo", "CartPole-v1~long", {"default": {"gamma": 0.5}, "CartPole-v1": {"gamma": 0.25}})["gamma"] == 0.25
    assert hyperparams("ppo", "FrozenLake-v1", {"default": {"gamma": 0.5}})["gamma"] == 0.5  # for which there is nothing else


def test_a_study_of_ones_own_takes_a_launcher_by_name(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "seeds": 2, "steps": 100, "groups": [{"name": "g", "algos": ["sb3/ppo"], "envs": ["CartPole-v1"]}]}))
    assert study.compose(str(path), ["launcher=inprocess", "launcher.jobs=1"]).launcher["name"] == "inprocess"
    with pytest.raises(UserError, match="there is no launcher 'elsewhere'; there are inprocess, local"):
        study.compose(str(path), ["launcher=elsewhere"])


def test_the_hash_of_a_study_follows_its_content_and_not_the_order_of_its_keys_or_the_number_of_processes():
    base = study.compose("smoke")
    again = study.compose("smoke", ["launcher.jobs=7"])
    assert base.hash == again.hash
    assert study.digest({"a": 1, "b": 2}) == study.digest({"b": 2, "a": 1})
    assert base.asking(protocol=base.protocol | {"eval_episodes": 4}).hash != base.hash


def test_a_rectangle_named_on_the_command_line_compares_every_pair_and_only_twins_where_there_is_nothing_else():
    resolved = study.adhoc(["ppo", "dqn", "sb3/ppo"], ["CartPole-v1"], seeds=4, steps=500)
    assert resolved.groups[0]["comparisons"] == [["ppo", "dqn"], ["ppo", "sb3/ppo"], ["dqn", "sb3/ppo"]]
    assert study.natural_comparisons(["ppo", "dqn", "sb3/ppo", "sb3/dqn"]) == [["ppo", "sb3/ppo"], ["dqn", "sb3/dqn"]]
    assert resolved.budget["CartPole-v1"] == {"ppo": 500, "dqn": 500, "sb3/ppo": 500}
    assert study.natural_comparisons(["ppo", "dqn"]) == [["ppo", "dqn"]]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: study.compose("smke"), "unknown suite 'smke': did you mean 'smoke'?"),
        (lambda: study.compose("smoke", ["seedz=3"]), "did you mean 'seeds'?"),
        (lambda: study.compose("smoke", ["seeds=0"]), "at least 1 seed"),
        (lambda: study.compose("smoke", ["seeds=[1,1]"]), "each seed once"),
        (lambda: study.compose("smoke", ["steps=0.5"]), "whole number of training steps"),
        (lambda: study.compose("smoke", ["+budget.CartPole-v1=500"]), "give steps by algorithm, such as budget.CartPole-v1."),
        (lambda: study.compose("smoke", ["launcher=cluster"]), "there is no launcher 'cluster'; there are inprocess, local"),
        (lambda: study.adhoc(["sb3/ppo"], ["CartPol-v1"]), "unknown environment 'CartPol-v1': did you mean 'CartPole-v1'?"),
        (lambda: hyperparams.parse_pairs(["gamma=3"]), "write name:value"),
    ],
)
def test_a_mistake_is_answered_with_the_way_out(call, line):
    with pytest.raises(UserError, match=line.replace("?", r"\?")):
        call()


def test_an_unknown_algorithm_is_answered_with_the_nearest_name():
    with pytest.raises(UnknownAlgorithm, match="did you mean 'ppo'"):
        study.adhoc(["pp0"], ["CartPole-v1"])


@pytest.mark.parametrize(
    ("algo", "env", "raw", "line"),
    [
        ("sb3/sac", "CartPole-v1", {}, r"SAC needs a Box action space; CartPole-v1 has Discrete\(2\)"),
        ("sb3/dqn", "Pendulum-v1", {}, "DQN needs a Discrete action space"),
        ("q_learning", "CartPole-v1", {}, "needs a Discrete or MultiDiscrete observation space"),
        ("sb3/ppo", "CartPole-v1", {"lerning_rate": 0.1}, r"no hyper-parameter 'lerning_rate': did you mean 'learning_rate'\?"),
        ("sb3/ppo", "CartPole-v1", {"learning_rate": "fast"}, "neither a number nor a schedule"),
        ("sb3/ppo", "CartPole-v1", {"batch_size": 1}, "sb3/ppo on CartPole-v1: `batch_size` must be greater than 1"),
        ("sb3/ppo", "CartPole-v1", {"n_envs": 0}, "at least 1 environment"),
        ("sb3/ppo", "CartPole-v1", {"policy": "MlpPolcy"}, "sb3/ppo on CartPole-v1: Policy MlpPolcy unknown"),
    ],
)
def test_what_cannot_train_is_refused_before_anything_runs(algo, env, raw, line):
    with pytest.raises(UserError, match=line):
        study.check_pair(algo, env, raw, {})


def test_a_missing_extra_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(environments.importlib.util, "find_spec", lambda name: None)
    for env, package, extra in (("ALE/Pong-v5", "ale-py", "atari"), ("Hopper-v5", "mujoco", "mujoco"), ("LunarLander-v3", "Box2D", "box2d")):
        with pytest.raises(UserError) as error:
            environments.check(env)
        assert str(error.value) == f'{env} needs {package}: pip install "sb3-course[{extra}]"'


def test_expressions_in_hyperparameters_are_read_and_never_executed():
    assert hyperparams.literal("dict(net_arch=dict(pi=[256, 256]), log_std_init=-2, activation_fn=nn.ReLU)") == {
        "net_arch": {"pi": [256, 256]}, "log_std_init": -2, "activation_fn": nn.ReLU,
    }  # fmt: skip
    for harmful in ("__import__('os').system('true')", "dict(a=open('x'))", "nn.Module.__init__", "[x for x in ()]", "dict(**{})"):
        with pytest.raises(UserError):
            hyperparams.literal(harmful)


def test_a_linear_schedule_falls_from_its_rate_to_zero_with_the_remaining_progress():
    schedule = hyperparams.constructor_arguments({"learning_rate": "lin_0.001", "n_envs": 8, "normalize": True})
    assert list(schedule) == ["learning_rate"], "what is not the constructor's stays out"
    assert [schedule["learning_rate"](progress) for progress in (1.0, 0.5, 0.0)] == pytest.approx([1e-3, 5e-4, 0.0])


def test_normalisation_discounts_returns_as_the_algorithm_does():
    assert hyperparams.normalize_arguments({"normalize": True, "gamma": 0.9}) == {"gamma": 0.9}
    assert hyperparams.normalize_arguments({"normalize": "{'norm_reward': False}"}) == {"norm_reward": False}
    assert hyperparams.normalize_arguments({"gamma": 0.9}) is None


def test_every_tuned_entry_belongs_to_an_algorithm_and_can_be_read():
    from from_scratch.registry import ENTRIES

    settings = {entry.settings for entry in ENTRIES.values()}
    for name in options("algo"):
        assert name in settings
        for env, raw in yaml.safe_load((CONFIGS / "algo" / f"{name}.yaml").read_text(encoding="utf-8")).items():
            assert {"n_timesteps", "policy"} <= set(raw), (name, env)
            if "policy_kwargs" in raw:
                assert isinstance(hyperparams.literal(raw["policy_kwargs"]), dict)


def test_every_reference_score_says_where_it_comes_from():
    for name in options("env"):
        settings = yaml.safe_load((CONFIGS / "env" / f"{name}.yaml").read_text(encoding="utf-8"))
        assert settings["normalise"]["random"] < settings["normalise"]["expert"], name
        assert len(settings["normalise"]["source"]) > 20, name


# --- the record


@pytest.mark.parametrize("name", ["quickstart", "parity"])
def test_a_published_study_is_read_and_written_again_to_the_byte_under_its_hash(name):
    text = (Path(__file__).parents[2] / "results" / name / "study.yaml").read_text(encoding="utf-8")
    read = study.Study.from_yaml(text, "study.yaml")
    assert read.to_yaml() == text
    assert read.content_hash() == read.hash


def test_a_study_is_never_altered():
    with pytest.raises(FrozenInstanceError):
        study.compose("smoke").seeds = [1]


def test_a_study_that_asks_something_else_has_the_hash_of_that():
    smoke = study.compose("smoke")
    assert smoke.asking(seeds=[7]).hash == study.compose("smoke", ["seeds=[7]"]).hash != smoke.hash


def test_how_a_study_is_run_is_not_what_it_asks():
    smoke = study.compose("smoke")
    run = replace(smoke.launched(jobs=3), command="sb3-course compare smoke", code={}, source={"commit": None}, keep_models=False)
    assert run.content_hash() == smoke.hash


def test_a_part_that_a_study_does_not_have_is_not_written_and_one_that_is_none_of_a_study_s_is_kept():
    parts = study.compose("smoke").as_dict()
    assert "tuning" not in parts and "command" not in parts
    assert study.Study.of(parts | {"colour": "red"}).as_dict() == parts | {"colour": "red"}
    del parts["name"]
    assert study.Study.of(parts).as_dict() == parts


def test_the_pairs_of_a_study_are_those_of_all_its_groups_once():
    groups = [{"algos": ["a", "b"], "envs": ["X"]}, {"algos": ["b"], "envs": ["X", "Y"]}]
    assert replace(study.compose("smoke"), groups=groups).pairs == [("a", "X"), ("b", "X"), ("b", "Y")]
