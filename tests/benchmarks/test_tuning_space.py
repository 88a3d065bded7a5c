"""Search spaces: what their lines mean, which algorithms have one, and what is said of a line that means nothing."""

import math

import pytest

from benchmarks import UserError
from benchmarks.tuning import space
from benchmarks.tuning.space import Parameter
from from_scratch import registry

LEARNERS = [entry.id for entry in registry.ENTRIES.values() if entry.learns == "deep" and not entry.predicts and entry.loop != "none"]


def one(**line):
    return space.read({"x": line, "n_steps": {"int": [1, 4]}}, "here")[0]


@pytest.mark.parametrize(
    ("line", "drawn", "value"),
    [
        ({"log": [0.001, 0.1]}, {"kind": "float", "low": 0.001, "high": 0.1, "log": True}, (0.0123456789, 0.0123457)),
        ({"uniform": [0, 2]}, {"kind": "float", "low": 0, "high": 2, "log": False}, (1.5, 1.5)),
        ({"log_int": [1, 100]}, {"kind": "int", "low": 1, "high": 100, "log": True}, (7, 7)),
        ({"power_of_2": [32, 512]}, {"kind": "int", "low": 5, "high": 9, "log": False}, (8, 256)),
        ({"one_minus_log": [0.9, 0.999]}, {"kind": "float", "low": 0.001, "high": 0.1, "log": True}, (0.02, 0.98)),
        ({"choice": ["auto", 0.1]}, {"kind": "categorical", "choices": ["auto", 0.1]}, (0.1, 0.1)),
        ({"choice": [[64, 64], [256]]}, {"kind": "categorical", "choices": ["[64,64]", "[256]"]}, ("[256]", [256])),
    ],
)
def test_a_line_says_what_is_drawn_and_what_it_means(line, drawn, value):
    parameter = one(**line)
    assert parameter.distribution() == drawn
    assert parameter.value(value[0]) == value[1]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"log": [0, 1]}, "x: on a logarithmic scale both ends are above 0; they are 0 and 1"),
        ({"log": [1, 0.1]}, "x: log has two ends, the lower first; it has [1, 0.1]"),
        ({"power_of_2": [3, 8]}, "x: 3 and 8 are not both powers of 2"),
        ({"int": [0.5, 2]}, "x: int has whole numbers as its ends; they are 0.5 and 2"),
        ({"one_minus_log": [0.9, 1.0]}, "x: one_minus_log lies between 0 and 1, below 1; its ends are 0.9 and 1.0"),
        ({"choice": [1]}, "x: choice is a list of 2 to 100 different values; it is [1]"),
        ({"choice": [1, 2], "default": 3}, "x: its default 3 is not among its choices"),
        ({"normal": [0, 1]}, "x: write one of log, uniform, int, log_int, power_of_2, one_minus_log, choice, value, same_as, as in {log: [0.0001, 0.01]}; "
                             "it has {'normal': [0, 1]}"),
        ({"log": [1, 2], "at_most": "batch"}, "x follows batch, which is not in the space"),
        ({"same_as": "y"}, "x follows y, which is not in the space"),
        ({"log": [1, math.inf]}, "x: log has two ends, the lower first; it has [1, inf]"),
    ],
)  # fmt: skip
def test_a_line_that_means_nothing_is_told_in_one_line(line, says):
    with pytest.raises(UserError) as error:
        one(**line)
    assert str(error.value) == f"here: {says}"


def test_what_is_drawn_goes_over_what_it_is_tuned_from_and_into_the_parts_of_policy_kwargs():
    lines = space.read({"learning_rate": {"log": [0.001, 0.1]}, "policy_kwargs.net_arch": {"choice": [[64, 64], [8]]},
                        "policy_kwargs.activation_fn": {"choice": ["nn.ReLU", "nn.Tanh"]}}, "here")  # fmt: skip
    base = {"learning_rate": 0.5, "gamma": 0.9, "policy_kwargs": "dict(log_std_init=-3, activation_fn=nn.Tanh)"}
    drawn = {"learning_rate": 0.01, "policy_kwargs.net_arch": "[8]", "policy_kwargs.activation_fn": "nn.ReLU"}

    assert space.settings(lines, drawn, base) == {
        "learning_rate": 0.01, "gamma": 0.9, "policy_kwargs": "dict(log_std_init=-3, activation_fn=nn.ReLU, net_arch=[8])"
    }  # fmt: skip
    assert base["learning_rate"] == 0.5


def test_a_minibatch_is_at_most_the_rollout_and_one_setting_can_follow_another():
    lines = space.read({"batch_size": {"power_of_2": [8, 512], "at_most": "n_steps"}, "n_steps": {"int": [16, 64]}, "train_freq": {"choice": [1, 4]},
                        "gradient_steps": {"same_as": "train_freq"}}, "here")  # fmt: skip
    drawn = {"batch_size": 9, "n_steps": 20, "train_freq": 4}

    assert space.settings(lines, drawn, {"n_envs": 2}) == {"batch_size": 40, "n_steps": 20, "train_freq": 4, "gradient_steps": 4, "n_envs": 2}


def test_the_settings_that_are_tuned_from_are_found_in_the_space_or_their_nearest_point_is_and_it_says_where():
    lines = space.of("sac")
    drawn, differing = space.default_draw(lines, {}, "sac")
    assert space.settings(lines, drawn, {}) == {  # SAC's own defaults
        "learning_rate": 0.0003, "gamma": 0.99, "tau": 0.005, "batch_size": 256, "learning_starts": 100, "train_freq": 1, "gradient_steps": 1,
        "policy_kwargs": "dict(net_arch=[256, 256])", "ent_coef": "auto",
    }  # fmt: skip
    assert differing == []

    drawn, differing = space.default_draw(lines, {"learning_rate": "lin_0.05", "batch_size": 100, "ent_coef": 0.04}, "sac")
    assert (drawn["learning_rate"], drawn["batch_size"], drawn["ent_coef"]) == (0.01, 7, 0.05)  # the end, 2^7, the nearest choice
    assert differing == ["learning_rate", "batch_size", "ent_coef"]


@pytest.mark.parametrize("algo", LEARNERS)
def test_every_deep_learner_and_its_twin_has_a_space_of_its_own_hyper_parameters(algo):
    lines = space.of(algo)
    known = space._known(algo)
    assert {parameter.name.partition(".")[0] for parameter in lines} <= known
    assert "learning_rate" in {parameter.name for parameter in lines} or algo == "cem"
    drawn, _ = space.default_draw(lines, {}, algo)
    assert set(space.settings(lines, drawn, {})) <= known


def test_a_twin_has_the_space_of_ours():
    assert space.of("sb3/ppo") == space.of("ppo") and space.of("contrib/tqc") == space.of("tqc")


@pytest.mark.parametrize("algo", ["q_learning", "sarsa_lambda", "dyna_q", "mc_control", "true_online_sarsa_lambda", "ucb_bandit", "n_step_semi_gradient_sarsa"])
def test_tabular_and_linear_learners_have_one_too(algo):
    assert any(parameter.is_drawn for parameter in space.of(algo))


def test_what_has_nothing_to_be_drawn_says_how_one_is_given():
    says = r"^value_iteration has no search space: give one with --space FILE \(docs/tuning.md\); there is gamma, theta, tolerance, max_sweeps to be drawn$"
    with pytest.raises(UserError, match=says):
        space.of("value_iteration")


def test_a_space_of_one_s_own_is_read_and_its_misspelt_names_are_told(tmp_path):
    file = tmp_path / "space.yaml"
    file.write_text("learning_rate: {log: [0.01, 1]}\n")
    assert space.from_file(file, "q_learning") == (Parameter("learning_rate", "log", ends=(0.01, 1)),)

    file.write_text("learning_rat: {log: [0.01, 1]}\n")
    with pytest.raises(UserError, match="q_learning has no hyper-parameter 'learning_rat': did you mean 'learning_rate'"):
        space.from_file(file, "q_learning")
    file.write_text("seed: {int: [0, 9]}\n")
    with pytest.raises(UserError, match="seed"):
        space.from_file(file, "q_learning")
    file.write_text("env_wrapper: {choice: [a.B, c.D]}\n")
    with pytest.raises(UserError, match="env_wrapper of q_learning is not drawn: it belongs to the problem"):
        space.from_file(file, "q_learning")
    with pytest.raises(UserError, match="there is no such file"):
        space.from_file(tmp_path / "none.yaml", "q_learning")
