"""A planted fault flips the verdicts on learners from data sets: judged on runs in which what is claimed is not so."""

import numpy as np
import pandas as pd

from benchmarks.claims import claim as claims
from benchmarks.claims.metrics import Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, judge


def verdict(name, scores, measure, measured):
    """What a claim says of invented runs: returns and a measure at the end of training, one a seed of each arm."""
    claim = claims.find(name)
    seeds, (task,), steps = list(claim.study_settings["seeds"]), claim.study_settings["groups"][0]["envs"], claim.study_settings["steps"]
    common = [{"algo": arm, "env": task, "seed": seed, "step": steps} for arm in scores for seed in seeds]
    both = lambda cells: [x for arm in scores for x in cells[arm]]
    frame = pd.DataFrame([{**row, "score": x, "episode_length": 200.0, "seconds": 0.0} for row, x in zip(common, both(scores), strict=True)])
    training = pd.DataFrame([{**row, "key": f"measure/{measure}", "value": x} for row, x in zip(common, both(measured), strict=True)])
    outcome = judge(claim, Results(seeds, frame, training), seeds)
    return outcome.verdict, {judged.number.name: judged.verdict for judged in outcome.numbers}


def about(mean, spread=5.0):
    return np.random.default_rng(0).normal(mean, spread, 10)


LEARNT = {"offline_td3": about(-1500), "cql": about(-200)}


def test_values_below_and_above_the_true_ones_are_reproduced():
    found = verdict("cql-bound", LEARNT, "value_gap", {"offline_td3": about(50), "cql": about(-20)})
    assert found == (REPRODUCED, {"cql-below": REPRODUCED, "td3-above": REPRODUCED})


def test_a_penalty_without_weight_contradicts_the_bound():
    """The fault: conservative_weight is ignored, and CQL's values lie above, as TD3's do."""
    overall, numbers = verdict("cql-bound", LEARNT, "value_gap", {"offline_td3": about(50), "cql": about(50)})
    assert overall == CONTRADICTED and numbers["cql-below"] == CONTRADICTED


def test_values_that_are_true_but_for_noise_do_not_tell():
    """The fault: both arms have the same loss, and their errors have either sign."""
    either = np.array([-1.0, 1.0] * 5)
    overall, numbers = verdict("cql-bound", LEARNT, "value_gap", {"offline_td3": either, "cql": either})
    assert overall != REPRODUCED and set(numbers.values()) == {NOT_DISTINGUISHED}


ALIKE = {"td3_bc": about(-200, 30), "cql": about(-210, 30)}


def test_as_good_for_a_quarter_of_the_time_is_reproduced():
    assert verdict("td3bc-minimal", ALIKE, "processor_seconds", {"td3_bc": about(5, 0.2), "cql": about(20, 0.5)})[0] == REPRODUCED


def test_cloning_that_forgets_the_critic_is_not_as_good():
    """The fault: α = 0, and what is cloned is a medium policy."""
    scores = {"td3_bc": about(-480, 30), "cql": about(-210, 30)}
    overall, numbers = verdict("td3bc-minimal", scores, "processor_seconds", {"td3_bc": about(5, 0.2), "cql": about(20, 0.5)})
    assert overall != REPRODUCED and numbers["return"] != REPRODUCED and numbers["cost"] == REPRODUCED


def test_the_same_algorithm_twice_costs_the_same():
    """The fault: both arms are CQL."""
    overall, numbers = verdict("td3bc-minimal", ALIKE, "processor_seconds", {"td3_bc": about(20, 0.5), "cql": about(20, 0.5)})
    assert overall != REPRODUCED and numbers["cost"] != REPRODUCED and numbers["return"] == REPRODUCED
