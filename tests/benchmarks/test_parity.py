"""Ours follow Stable-Baselines3 in every case; and the comparison sees what differs."""

import dataclasses
import json

import gymnasium as gym
import numpy as np
import pytest
import torch

from benchmarks.parity import cases, compare
from benchmarks.parity.compare import Case, Trace
from from_scratch.core.lockstep.selfcheck import follows_torch
from from_scratch.registry import ENTRIES
from sb3_course.cli import main
from tests.some import some

pytestmark = pytest.mark.numerical

QUICK = {  # by default: together they pass every branch of the files and of the core; `-m ""` runs them all
    "ppo": ("discrete-4-envs", "box-3-envs", "multi-discrete-actions", "multi-binary-actions", "discrete-observations", "bytes-observations", "gsde",
            "gsde-squashed", "vec-normalize", "own-extractor", "two-own-extractors", "adam-options", "linear", "gelu-not-orthogonal", "value-clipping",
            "clip-schedules", "target-kl", "last-minibatch-of-one", "dict-3-envs-normalised"),
    "a2c": ("defaults", "box-3-envs", "advantages-normalised", "gsde-resampled", "adam", "rmsprop-of-tensorflow", "learning-rate-schedule", "elu"),
    "maskable_ppo": ("discrete-4-envs", "action-masker", "multi-discrete-actions", "multi-binary-actions", "vec-normalize", "clip-schedules", "whole-rollout",
                     "own-extractor", "dict-3-envs-normalised"),
    "trpo": ("discrete-4-envs", "box-3-envs", "multi-discrete-actions", "multi-binary-actions", "gsde-resampled", "own-extractor", "vec-normalize",
             "sub-sampling", "dict-3-envs-normalised"),
    "dqn": ("default-nets", "4-envs", "episodes", "n-step-2-envs", "small-memory", "optimised-memory", "vec-normalize", "polyak", "her", "time-limits",
            "own-extractor", "adamw", "image", "dict", "matrix-observations"),
    "qrdqn": ("4-envs", "episodes", "n-step-2-envs", "vec-normalize", "polyak", "many-quantiles", "her", "time-limits", "own-extractor", "image"),
    "ddpg": ("toy", "normal-noise", "her-final", "three-critics"),
    "td3": ("toy", "4-envs", "n-step", "ou-noise-2-envs", "wide-actions", "shared-extractor", "one-critic", "delay-3", "target-noise", "her",
            "image-channels-last"),
    "sac": ("toy", "4-envs", "n-step", "vec-normalize", "fixed-temperature", "temperature-from", "slow-targets", "gsde-2-envs", "gsde-at-warm-up",
            "shared-extractor", "dict", "her"),
    "ars": ("default-nets", "box-clipped", "box-squashed", "mlp-without-biases", "discrete-observations", "image", "vec-normalize", "two-episodes",
            "alive-bonus"),
    "recurrent_ppo": ("without-velocities", "lstm-of-both", "lstm-of-the-policy-alone", "time-limits", "vec-normalize", "last-minibatch-smaller",
                      "gsde-squashed", "dict-lstm-of-both"),
    "tqc": ("toy", "4-envs", "n-step", "vec-normalize", "fixed-temperature", "gsde-2-envs", "five-critics", "nothing-dropped", "all-but-one-dropped",
            "25-quantiles", "shared-extractor", "her"),
    "crossq": ("toy", "4-envs", "vec-normalize", "gsde-2-envs", "without-normalisation", "renormalised", "renormalised-modules"),
}  # fmt: skip
# Values after the rollout in one pass; the quantile Huber loss in one pass; the sum of a last bias.
OWN_OPERATIONS = ("ppo", "a2c", "maskable_ppo", "trpo", "recurrent_ppo", "qrdqn", "tqc", "crossq", "ars")
MAGNIFIES = ("crossq",)  # rounding, by batch normalisation: where torch's own bits are not to be had, moments are some 1e-6 apart, and weights are not
LONG, SHORT = 200, 120  # steps of most cases with a replay memory, and how many are enough by default: 70 of learning, and a copy into target networks


def is_long(case):
    return case.steps == LONG and case.hyperparameters.get("learning_starts", LONG) <= 50


def shortened(case):
    return dataclasses.replace(case, steps=SHORT)


SHORTENED = [(algorithm, name) for algorithm, names in QUICK.items() for name in names if is_long(cases.of(algorithm)[name])]
ALL = [
    pytest.param(algorithm, name, marks=[] if name in QUICK[algorithm] and (algorithm, name) not in SHORTENED else pytest.mark.slow, id=f"{algorithm}-{name}")
    for algorithm in cases.CASES
    for name in cases.of(algorithm)
]


@pytest.mark.parity
@pytest.mark.parametrize(("algorithm", "name"), ALL)
def test_the_same_seed_gives_the_same_run_and_the_same_batch_the_same_update(algorithm, name):
    assert_same(algorithm, cases.of(algorithm)[name])


@pytest.mark.parity
@pytest.mark.parametrize(("algorithm", "name"), some(SHORTENED), ids=["-".join(words) for words in SHORTENED])
def test_fewer_steps_of_the_same_seed_give_the_same_run_too(algorithm, name):
    assert_same(algorithm, shortened(cases.of(algorithm)[name]))


def assert_same(algorithm, case):
    ours, twin = compare.pair(algorithm)
    for outcome in (compare.same_run(ours, twin, case), compare.same_update(ours, twin, case)):
        of_moments = algorithm in MAGNIFIES and not follows_torch() and "optimizer.state" in str(outcome.difference)  # they come last: all else is the same
        assert outcome.same or of_moments, str(outcome)
        assert outcome.largest <= compare.WEIGHTS
        assert algorithm in OWN_OPERATIONS or outcome.exact or not follows_torch()  # where the operations are the same, so are the bits


def test_every_algorithm_with_a_twin_has_its_cases():
    """What `sb3-course parity --help` offers comes from the registry, and can be run."""
    assert set(cases.CASES) == {entry.id for entry in ENTRIES.values() if entry.twin}


def test_every_quick_case_exists():
    assert [(algorithm, name) for algorithm, names in QUICK.items() for name in names if name not in cases.of(algorithm)] == []


# ------------------------------------------------------------------------------------------------------- the comparison itself
SMALL = Case(lambda: gym.make("CartPole-v1"), {"n_steps": 16, "batch_size": 16, "n_epochs": 1}, steps=64)


def differing(**hyperparameters):
    """What is said of our PPO against SB3's with other hyper-parameters."""
    ours, twin = compare.pair("ppo")
    other = dataclasses.replace(SMALL, hyperparameters={**SMALL.hyperparameters, **hyperparameters})
    _, expected = compare.train(twin, SMALL)
    _, found = compare.train(ours, other)
    return compare.first_difference(expected, found)


def test_the_first_step_and_quantity_that_differ_are_named():
    assert differing(gae_lambda=0.5).startswith("step 16: rollout advantages by ")
    assert differing(learning_rate=3.1e-4).startswith("step 32: logged train/learning_rate by 1.0e-05") or "weights" in differing(learning_rate=3.1e-4)
    assert "torch's stream" in differing(policy_kwargs={"net_arch": [64, 65]}) or "weights" in differing(policy_kwargs={"net_arch": [64, 65]})
    assert differing() is None


def test_an_extra_draw_is_seen_at_once():
    ours, twin = compare.pair("ppo")

    class Spendthrift(ours):
        def act(self, obs, deterministic=False):
            np.random.rand()
            return super().act(obs, deterministic)

    assert compare.same_run(Spendthrift, twin, SMALL).difference.startswith("step 16: NumPy's stream")


def test_a_member_of_the_zip_that_only_one_side_has_is_seen():
    ours, twin = compare.pair("ppo")

    class Hoarder(ours):
        def check(self):
            super().check()
            self.treasure = 1

    assert compare.same_run(Hoarder, twin, SMALL).difference == "step 64: zip data keys, only SB3 has [], only ours ['treasure']"


def test_an_update_that_differs_is_seen_in_tier_b():
    ours, twin = compare.pair("ppo")

    class ValueFirst(ours):
        def loss(self, b):
            loss, metrics = super().loss(b)
            return loss + 0.1 * metrics["value_loss"], metrics

    outcome = compare.same_update(ValueFirst, twin, SMALL)
    assert not outcome.same and "weights policy" in str(outcome)


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [
        (1.0, 1.0, 0.0), (1.0, 1.5, 0.5), (100.0, 150.0, 0.5), (float("nan"), float("nan"), 0.0), (float("nan"), 0.0, np.inf), (None, 0, np.inf),
        ("x", "x", 0.0), ("x", "y", np.inf), (np.zeros(2), np.zeros(3), np.inf), (np.zeros(2), np.zeros(2, int), np.inf), (np.inf, np.inf, 0.0),
        (torch.ones(2).numpy(), np.array([1, 1.25], np.float32), 0.25), (np.zeros(0), np.zeros(0), 0.0),
    ],
)  # fmt: skip
def test_distances(a, b, apart):
    assert compare.distance(a, b) == apart


def test_what_only_one_side_records_is_a_difference():
    a, b = Trace(), Trace()
    a.note(0, "weights", 1.0)
    assert compare.first_difference(a, b) == "step 0: only SB3 has weights"
    b.note(0, "actions", 1.0)
    assert compare.first_difference(a, b) == "step 0: SB3 has weights, ours actions"


# ----------------------------------------------------------------------------------------------------------------- command line
def test_the_command_prints_cases_writes_json_and_says_yes_by_its_exit_code(tmp_path, capsys):
    assert main(["parity", "a2c", "--case", "discrete", "--json", str(tmp_path / "out.json")]) == 0
    said = capsys.readouterr().out
    assert "discrete" in said and "same run (" in said and "same update (" in said and "1 of 1 cases are the same" in said
    (row,) = json.loads((tmp_path / "out.json").read_text())["cases"]
    assert row["case"] == "discrete" and row["A"]["difference"] is None and row["A"]["compared"] > 100


def test_the_command_says_no_by_its_exit_code(monkeypatch, capsys):
    ours, twin = compare.pair("a2c")
    monkeypatch.setattr(compare, "pair", lambda algorithm: (type("A2C", (ours,), {"gae_lambda": property(lambda self: 0.9, lambda self, value: None)}), twin))
    assert main(["parity", "a2c", "--case", "discrete"]) == 1
    assert "differs: step 16: rollout advantages" in capsys.readouterr().out


def test_the_command_lists_cases_and_refuses_what_it_does_not_know(capsys):
    assert main(["parity", "td3", "--list"]) == 0
    assert "ou-noise" in capsys.readouterr().out.split()
    assert main(["parity", "sarsa"]) == 2 and "only an algorithm with a twin" in capsys.readouterr().err
    assert main(["parity", "ppo", "--case", "nonsense"]) == 2 and "no case 'nonsense'" in capsys.readouterr().err
