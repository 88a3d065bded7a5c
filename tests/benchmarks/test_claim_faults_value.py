"""A planted fault flips the verdict: claims on value-based methods, judged on runs in which what they claim is not so."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.claims import claim as claims
from benchmarks.claims import record
from benchmarks.claims.metrics import OF_CURVE, Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, judge
from benchmarks.running import worker
from benchmarks.store.store import Store
from benchmarks.studies.plan import Job, pinned, plan


def _results(claim, cells):
    """Invented runs: {(arm, task): {key: values}}, values [seeds] at the only checkpoint, or [seeds, checkpoints]."""
    seeds = claim.study_settings["seeds"]
    curves, training = [], []
    for (arm, env), of_cell in cells.items():
        for key, values in of_cell.items():
            rows = np.asarray(values, dtype=float).reshape(len(seeds), -1)
            for seed, row in zip(seeds, rows, strict=True):
                at = [{"algo": arm, "env": env, "seed": seed, "step": 100 * (k + 1), "value": value} for k, value in enumerate(row)]
                if key in OF_CURVE:
                    curves += [{**point, key: point["value"]} for point in at]
                else:
                    training += [{**point, "key": key} for point in at]
    columns = ["algo", "env", "seed", "step", "value"]
    return Results(seeds, pd.DataFrame(curves, columns=[*columns, *OF_CURVE]).drop(columns="value"), pd.DataFrame(training, columns=[*columns, "key"]))


def _verdict(name, cells):
    """What the claim says of invented runs, and of each of its numbers."""
    claim = claims.find(name)
    outcome = judge(claim, _results(claim, cells), claim.study_settings["seeds"])
    return outcome.verdict, {judged.number.name: judged.verdict for judged in outcome.numbers}


def _draws(name, seed=0):
    """normal(mean, sd): as many draws as the claim has seeds."""
    rng, n = np.random.default_rng(seed), len(claims.find(name).study_settings["seeds"])
    return lambda mean, sd: rng.normal(mean, sd, n)


def _run(name, path, n_seeds, steps):
    """Real runs of a claim's study, of fewer seeds and steps."""
    claim = claims.find(name)
    study = pinned(claim.study([f"seeds={list(range(n_seeds))}", f"steps={steps}"]))
    store = Store(path)
    store.save_study(study)
    jobs: dict[tuple[str, str], list] = {}
    for _, run in plan(study):
        jobs.setdefault((run.algo, run.env), []).append(run)
    for runs in jobs.values():
        worker.execute(Job(tuple(runs)), store)
    assert store.runs()["error"].isna().all(), store.runs()["error"].tolist()
    return {judged.number.name: judged.verdict for judged in judge(claim, record.results_of(store), study.seeds).numbers}


# ------------------------------------------------------------------------------------------------------- maximisation bias
N_ACTIONS = (8, 16, 32, 64)


def _lefts(q_learning, double, normal):
    """Shares of left of both algorithms at 8 to 64 actions."""
    tasks = [f"from_scratch/MaximisationBias-v0~{n}" for n in N_ACTIONS]
    cells = {("q_learning", env): {"measure/left_share": normal(mean, 8)} for env, mean in zip(tasks, q_learning, strict=True)}
    cells |= {("double_q_learning", env): {"measure/left_share": normal(mean, 2)} for env, mean in zip(tasks, double, strict=True)}
    return cells | {("q_learning~random", tasks[0]): {"measure/left_share": normal(50, 2)}}


def test_maximisation_bias_is_reproduced_where_it_grows_and_two_tables_remove_it():
    assert _verdict("maxbias-deep", _lefts([18, 21, 30, 52], [6, 7, 7, 7], _draws("maxbias-deep")))[0] == REPRODUCED


def test_maximisation_bias_that_does_not_grow_is_not_distinguished():
    verdict, numbers = _verdict("maxbias-deep", _lefts([18, 18, 18, 18], [6, 6, 6, 6], _draws("maxbias-deep")))
    assert verdict == NOT_DISTINGUISHED and numbers["growth"] == NOT_DISTINGUISHED and numbers["excess"] == REPRODUCED


def test_a_double_q_learning_that_is_q_learning_contradicts_that_it_has_no_bias():
    verdict, numbers = _verdict("maxbias-deep", _lefts([18, 21, 30, 52], [10, 11, 12, 20], _draws("maxbias-deep")))
    assert verdict == CONTRADICTED and numbers["flat"] == CONTRADICTED


@pytest.mark.slow
def test_double_q_learning_that_asks_the_choosing_table_for_the_value_shows_no_excess(tmp_path, monkeypatch):
    from from_scratch.core.tabular.tables import greedy
    from from_scratch.temporal_difference.double_q_learning import DoubleQLearning

    assert _run("maxbias-deep", tmp_path / "sound", 10, 600)["excess"] == REPRODUCED

    def broken(self, s, a, r, s_next, discount, w, ties=None):
        Q, i = self.Q12, self.i
        δ = r + discount * Q[i, w, s_next, greedy(Q[i, w, s_next], ties)] - Q[i, w, s, a]
        Q[i, w, s, a] += self.step_size(w, s, a) * δ
        self.Q[i, s, a] = Q[i, :, s, a].mean(-1)
        self.keep(δ)

    monkeypatch.setattr(DoubleQLearning, "update", broken)
    assert _run("maxbias-deep", tmp_path / "broken", 10, 600)["excess"] != REPRODUCED


# -------------------------------------------------------------------------------------------------- replay and target network
REMEDIES = ("dqn_diagnosed", "dqn_without_target", "dqn_without_replay", "naive_deep_q")  # both, replay alone, target alone, neither


def _remedies(means, sd=8.0):
    """Scores of the four arms at two checkpoints."""
    normal = _draws("replay-target")
    return {(arm, "CartPole-v1"): {"score": np.repeat(normal(mean, sd)[:, None], 2, axis=1)} for arm, mean in zip(REMEDIES, means, strict=True)}


def test_replay_and_target_are_reproduced_where_each_helps_and_replay_more():
    assert _verdict("replay-target", _remedies([250, 200, 100, 20]))[0] == REPRODUCED


def test_a_target_network_without_effect_is_not_distinguished():
    verdict, numbers = _verdict("replay-target", _remedies([250, 250, 100, 20]))
    assert verdict == NOT_DISTINGUISHED and numbers["target"] == NOT_DISTINGUISHED and numbers["replay"] == REPRODUCED


def test_a_memory_that_is_switched_off_in_both_arms_is_not_distinguished():
    assert _verdict("replay-target", _remedies([250, 200, 250, 200]))[1]["replay"] == NOT_DISTINGUISHED


def test_a_target_network_that_does_more_than_replay_contradicts():
    verdict, numbers = _verdict("replay-target", _remedies([250, 20, 100, 20]))
    assert verdict == CONTRADICTED and numbers["more"] == CONTRADICTED


def test_four_arms_that_learn_nothing_leave_the_claim_void():
    assert _verdict("replay-target", _remedies([9, 9, 9, 9], sd=0.1))[0] == VOID


# ----------------------------------------------------------------------------------------------------------- the deadly triad


def _runaways(shares):
    """For each arm the shares of runs beyond the bound on CartPole and Acrobot."""
    n = len(claims.find("deadly-triad").study_settings["seeds"])
    cells = {}
    for arm, of_tasks in shares.items():
        for env, share in zip(("CartPole-v1", "Acrobot-v1"), of_tasks, strict=True):
            cells[arm, env] = {"train/soft_divergence": np.arange(n) < round(share * n), "score": np.full(n, 200.0)}
    return cells


def test_the_triad_is_reproduced_where_targets_and_longer_returns_hold_values():
    shares = {"dqn_without_target": (1, 0.9), "dqn_without_target~n3": (0.5, 0.5), "dqn_without_target~n10": (0, 0), "dqn_diagnosed~every50": (0, 0)}
    assert _verdict("deadly-triad", _runaways(shares))[0] == REPRODUCED


def test_a_target_network_that_moves_with_every_update_is_not_distinguished():
    shares = {"dqn_without_target": (1, 0.9), "dqn_without_target~n3": (0.5, 0.5), "dqn_without_target~n10": (0, 0), "dqn_diagnosed~every50": (1, 0.9)}
    verdict, numbers = _verdict("deadly-triad", _runaways(shares))
    assert verdict == NOT_DISTINGUISHED and numbers == {"target": NOT_DISTINGUISHED, "returns": REPRODUCED}


def test_n_steps_without_effect_are_not_distinguished():
    shares = dict.fromkeys(("dqn_without_target", "dqn_without_target~n3", "dqn_without_target~n10"), (1, 0.9)) | {"dqn_diagnosed~every50": (0, 0)}
    assert _verdict("deadly-triad", _runaways(shares))[1] == {"target": REPRODUCED, "returns": NOT_DISTINGUISHED}


# -------------------------------------------------------------------------------------------------------------- time limits


def _timeouts(bias, achieved):
    """Bias in percent and discounted return, of bootstrapping and of taking time-outs for terminations."""
    normal, env = _draws("timelimit"), "CartPole-v1~50"
    return {
        (arm, env): {"measure/value_bias_percent": normal(b, 8), "measure/value_achieved": normal(a, 4), "score": normal(50, 0)}
        for arm, b, a in zip(("ppo~bootstraps", "ppo~dies"), bias, achieved, strict=True)
    }


def test_time_limits_are_reproduced_where_death_costs_value_and_return():
    assert _verdict("timelimit", _timeouts([10, -45], [45, 35]))[0] == REPRODUCED


def test_a_wrapper_that_changes_nothing_is_not_distinguished():
    verdict, numbers = _verdict("timelimit", _timeouts([0, 0], [45, 45]))
    assert verdict == NOT_DISTINGUISHED and set(numbers.values()) == {NOT_DISTINGUISHED}


def test_a_policy_that_is_better_for_its_deaths_contradicts():
    verdict, numbers = _verdict("timelimit", _timeouts([10, -45], [35, 45]))
    assert verdict == CONTRADICTED and numbers["bias"] == numbers["apart"] == REPRODUCED


# --------------------------------------------------------------------------------------------------------- memory and n steps
MEMORIES = ("dqn~n1-1k", "dqn~n1-20k", "dqn~n3-1k", "dqn~n3-20k")


def _memories(means, sd=15.0):
    """Scores of the four arms at two checkpoints, the best of them a hundred above the mean."""
    normal = _draws("nstep-replay")
    levels = {arm: normal(mean, sd)[:, None] for arm, mean in zip(MEMORIES, means, strict=True)}
    return {(arm, "CartPole-v1"): {"score": np.concatenate([level - 100, level + 100], axis=1)} for arm, level in levels.items()}


def test_a_memory_that_pays_with_n_steps_alone_is_reproduced():
    assert _verdict("nstep-replay", _memories([150, 150, 150, 300]))[0] == REPRODUCED


def test_a_memory_whose_size_is_ignored_is_not_distinguished():
    assert _verdict("nstep-replay", _memories([250, 250, 250, 250]))[1]["interaction"] == NOT_DISTINGUISHED


def test_a_memory_that_pays_with_one_step_as_well_contradicts():
    verdict, numbers = _verdict("nstep-replay", _memories([150, 300, 150, 300]))
    assert verdict == CONTRADICTED and numbers == {"interaction": NOT_DISTINGUISHED, "without": CONTRADICTED}


# ------------------------------------------------------------------------------------------------------------------- n steps
STEPS = ("dqn~n1", "dqn~n3", "dqn~n5", "dqn~n20")


def _returns(means):
    """Scores of n = 1, 3, 5 and 20 at two checkpoints, the better of them a hundred and fifty above the mean."""
    normal = _draws("nstep-sparse")
    levels = {arm: normal(mean, 40)[:, None] for arm, mean in zip(STEPS, means, strict=True)}
    return {(arm, "Acrobot-v1"): {"score": np.concatenate([level - 150, level + 150], axis=1)} for arm, level in levels.items()}


def test_n_steps_are_reproduced_where_a_few_help_and_many_hurt():
    assert _verdict("nstep-sparse", _returns([-350, -240, -230, -350]))[0] == REPRODUCED


def test_an_n_that_is_ignored_is_not_distinguished():
    verdict, numbers = _verdict("nstep-sparse", _returns([-240, -240, -240, -240]))
    assert verdict == NOT_DISTINGUISHED and REPRODUCED not in numbers.values()


def test_twenty_steps_that_are_the_best_contradict():
    assert _verdict("nstep-sparse", _returns([-350, -260, -240, -150]))[1]["many"] == CONTRADICTED
