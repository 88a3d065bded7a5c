"""Variants: one algorithm with several settings, one environment in several forms, each an arm or a task of its own in a study."""

import pytest

from benchmarks import UserError
from benchmarks.studies import plan, study, trust
from benchmarks.studies.environments import make_env
from from_scratch import registry
from sb3_course import cli


def suite(**more):
    return {
        "name": "variants", "question": "?", "seeds": 2, "steps": 100,
        "groups": [{"name": "all", "algos": ["dqn", "dqn~n3"], "envs": ["CartPole-v1", "CartPole-v1~short"]}],
        "algo": {"dqn~n3": {"default": {"n_steps": 3}}},
        "env": {"CartPole-v1~short": {"max_episode_steps": 50}},
        **more,
    }  # fmt: skip


def test_a_variant_has_its_algorithms_settings_and_its_own_over_them():
    found = study.composed("here", suite())
    base, own = (found.hyperparams[algo]["CartPole-v1"] for algo in ("dqn", "dqn~n3"))
    assert own == {**base, "n_steps": 3} and base["batch_size"] == 64
    assert found.provenance["dqn~n3"]["CartPole-v1"].endswith("changed: n_steps")


def test_a_task_of_a_variant_has_its_environments_settings_and_scores():
    found = study.composed("here", suite())
    assert found.hyperparams["dqn"]["CartPole-v1~short"] == found.hyperparams["dqn"]["CartPole-v1"]
    assert found.normalise["CartPole-v1~short"] == found.normalise["CartPole-v1"]
    assert found.envs["CartPole-v1~short"]["max_episode_steps"] == 50
    assert make_env("CartPole-v1~short", found.envs["CartPole-v1~short"]).spec.max_episode_steps == 50


def test_every_variant_makes_runs_of_its_own():
    runs = [run for _, run in plan.plan(study.composed("here", suite()))]
    assert len({run.id for run in runs}) == 8 and not any("~" in run.id for run in runs)


def test_the_registry_knows_a_variant_by_its_algorithm_and_as_nobodys_twin():
    entry = registry.find("ppo~small")
    assert (entry.settings, entry.twin, entry.load().__name__) == ("ppo", None, "PPO")
    assert registry.known("mine:Algo~x") is None
    with pytest.raises(registry.UnknownAlgorithm, match="did you mean 'ppo'"):
        registry.find("pp0~small")


def test_a_variant_of_a_known_algorithm_runs_nothing_foreign():
    assert trust.foreign(study.composed("here", suite())) == []


def test_the_command_line_gives_an_arm_its_settings(capsys):
    words = ["compare", "--algos", "dqn,dqn~n3", "--envs", "CartPole-v1", "--seeds", "2", "-n", "100", "--dry-run", "--arm", "dqn~n3", "n_steps:3"]
    assert cli.main(words) == 0
    assert "Compared: dqn and dqn~n3" in capsys.readouterr().out
    arms = study.adhoc(["dqn", "dqn~n3"], ["CartPole-v1"], arms={"dqn~n3": {"n_steps": 3}})
    assert arms.hyperparams["dqn~n3"]["CartPole-v1"]["n_steps"] == 3


@pytest.mark.parametrize(
    ("algos", "arms", "line"),
    [
        (["dqn", "dqn~n3"], {}, "dqn~n3 has no settings of its own"),
        (["dqn"], {"dqn~n3": {"n_steps": 3}}, "--arm dqn~n3: name it among --algos"),
        (["dqn"], {"dqn": {"n_steps": 3}}, "--arm dqn: name it among --algos, with ~ before its own name"),
        (["dqn", "dqn~n3"], {"dqn~n3": {}}, "--arm dqn~n3: give what differs from dqn, such as"),
        (["dqn~a b"], {"dqn~a b": {"n_steps": 3}}, "dqn~a b: behind ~ stand letters"),
        (["dqn~a~b"], {"dqn~a~b": {"n_steps": 3}}, "dqn~a~b: behind ~ stand letters"),
    ],
)
def test_an_arm_without_a_name_or_without_settings_is_refused(algos, arms, line):
    with pytest.raises(UserError, match=line):
        study.adhoc(algos, ["CartPole-v1"], arms=arms)


def test_a_misspelt_measure_gets_the_nearest_name(monkeypatch):
    from benchmarks.studies import measured

    monkeypatch.setitem(measured.MEASURES, "overestimation", "overestimation:Overestimation")
    with pytest.raises(UserError, match="unknown measure 'overestimaton': did you mean 'overestimation'"):
        study.composed("here", suite(protocol={"measures": ["overestimaton"]}))
