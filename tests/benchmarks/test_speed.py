"""The measuring of speed: that what is divided is what it says, and that nobody is credited with work that was not done.

How fast anything is, is not asserted: that depends on the machine.
"""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import IntegrityError, UserError
from benchmarks.speed import __main__ as speed
from benchmarks.speed import cases, measure, offline, tables
from benchmarks.speed.cases import CASES, Case
from benchmarks.speed.measure import Growth, Ratio, Result, Times
from from_scratch import registry

ROOT = Path(__file__).parents[2]
TINY = Case("ppo", "CartPole-v1", warm_up=16, steps=32, quick_steps=16, hyperparameters={"n_steps": 16, "batch_size": 8, "n_epochs": 1})
RATIO = {"median": float, "min": float, "max": float}


def command(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "benchmarks.speed", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def result(**seconds: Times) -> Result:
    return Result("ppo", "CartPole-v1", "SB3", 1, "", "", 0, 100, seconds=dict(seconds))


# -------------------------------------------------------------------------------------------------------------------------- ratios
def test_a_ratio_is_formed_within_each_round_before_the_median_is_taken():
    assert Ratio.of([20, 400, 30], [10, 100, 10]) == Ratio(median=3, min=2, max=4)  # a machine that is slow for a round is slow for both
    assert Ratio.of([6, 90, 10], [3, 10, 10]) == Ratio(median=2, min=1, max=9)  # the ratio of the medians would be 10 / 10


def test_rounds_that_are_missing_on_one_side_are_refused():
    with pytest.raises(ValueError):
        Ratio.of([1, 2, 3], [1, 2])


def test_one_seed_is_told_as_a_speed_up_and_a_stack_as_the_cost_in_runs_of_the_other_side():
    timed = result(**{"baseline": Times([8, 10, 12], [6, 6, 6]), "1": Times([2, 2, 2], [3, 2, 1]), "10": Times([4, 5, 9], [3, 3, 3])})
    assert timed.speedup() == Ratio(median=5, min=4, max=6)
    assert timed.speedup("cpu") == Ratio(median=3, min=2, max=6)
    assert timed.in_runs("10") == Ratio(median=0.5, min=0.5, max=0.75)
    assert timed.in_runs("10", "cpu") == Ratio(median=0.5, min=0.5, max=0.5)
    assert timed.stacks() == ["10"]


def test_the_share_of_the_environment_counts_the_environments_of_every_seed():
    timed = result(**{"baseline": Times([10], [10]), "1": Times([2], [2]), "10": Times([8], [8]), "raw": Times([0.4], [0.4])})
    assert timed.raw_share("baseline").median == pytest.approx(0.04)
    assert timed.raw_share("1").median == pytest.approx(0.2)
    assert timed.raw_share("10").median == pytest.approx(0.5)  # ten times 0.4 of 8


def test_memory_per_seed_is_what_nine_more_seeds_take_divided_by_nine():
    timed = result()
    timed.memory_mb = {"imports": 200, "baseline": 260, "1": 250, "10": 295}
    assert timed.memory_per_seed() == 5


def test_growth_is_told_per_step_and_in_runs_of_the_shortest_length():
    growth = Growth("ppo", "CartPole-v1", "SB3", steps=100)
    growth.lengths = {"baseline": {100: Times([2, 4], [1, 1]), 200: Times([4, 4], [1, 1])}, "1": {100: Times([1, 1], [1, 1])}}
    growth.seeds = {10: Times([3, 4], [1, 1])}
    assert tables.per_step(growth.lengths["baseline"]) == {100: pytest.approx(30_000), 200: pytest.approx(20_000)}
    assert tables.in_runs(growth) == {10: Ratio(median=1.25, min=1.0, max=1.5)}


# ------------------------------------------------------------------------------------------------------------------------ honesty
def test_contenders_that_did_other_work_than_the_baseline_are_refused():
    timed = result()
    timed.timesteps, timed.updates = {"baseline": 64, "1": 64, "10": 64}, {"baseline": 8, "1": 8, "10": 7}
    with pytest.raises(IntegrityError, match="with 10 seeds ours took 64 steps and 7 updates, SB3 64 and 8"):
        measure.check_same_work("tiny", timed)


def test_where_runs_end_with_an_episode_seconds_are_told_per_step_asked_for(monkeypatch):
    case = replace(TINY, same_work=False)
    contender = measure.Contender(case, 24, range(1))  # a rollout has 16 steps, so that 32 are taken
    monkeypatch.setattr(measure, "timed", lambda work: (work(), (8.0, 4.0))[1])
    assert contender.go() == measure.Work(6.0, 3.0, 32, contender.model._n_updates - 1)


def test_a_class_without_a_twin_is_timed_beside_the_one_that_its_case_names():
    case = replace(TINY, algorithm="ppo_penalty", beside="sb3/ppo", same_run=False)
    measured = measure.measure("tiny", case, rounds=1, seeds=(1,), steps=32, parts=())
    assert measured.baseline == "`sb3/ppo`"
    assert measured.weights_apart is None  # two algorithms


def test_a_model_that_learns_nothing_is_refused():
    frozen = replace(TINY, hyperparameters={**TINY.hyperparameters, "learning_rate": 0.0})
    with pytest.raises(IntegrityError, match="did not change its weights in 32 steps"):
        measure.Contender(frozen, 32, range(2)).go()


def test_contenders_take_turns_and_each_round_begins_with_another(monkeypatch):
    turns = []

    class Recorder(measure.Contender):
        def __init__(self, case, steps, seeds):
            turns.append("baseline" if seeds is None else str(len(seeds)))
            super().__init__(case, steps, seeds)

    monkeypatch.setattr(measure, "Contender", Recorder)
    measure.measure("tiny", TINY, rounds=3, seeds=(1, 2), steps=16, parts=())
    assert turns == ["baseline", "1", "2", "1", "2", "baseline", "2", "baseline", "1"]


def test_the_warm_up_is_neither_timed_nor_counted():
    work = measure.Contender(TINY, 32, range(3)).go()
    assert (work.timesteps, work.updates) == (32, 2)  # two rollouts of 16, one epoch each; the warm-up's is left out


def test_one_seed_is_the_same_run_as_the_baseline_s():
    measured = measure.measure("tiny", TINY, rounds=1, seeds=(1,), steps=32, parts=("update",))
    assert measured.weights_apart < 1e-5
    assert all(us > 0 for us in measured.update_us["1"].wall)


def test_gradient_steps_are_counted_with_the_last_partial_minibatch():
    case = Case("ppo", "CartPole-v1", 20, 20, 20, hyperparameters={"n_steps": 20, "batch_size": 8, "n_epochs": 2})
    with pytest.warns(UserWarning, match="does not divide"):
        model = case.ours(range(1))
    model.learn(20)
    _, gradient_steps = measure.update(model)
    assert gradient_steps == 48  # 8 calls of 2 epochs of 3 minibatches: 8, 8 and 4 samples


def test_plain_value_iteration_makes_the_same_values_with_as_many_backups():
    plain, ours = CASES["value-iteration"].baseline(), CASES["value-iteration"].ours(range(1))
    plain.learn(6400), ours.learn(6400)
    assert plain.num_timesteps == ours.num_timesteps == 6400
    assert measure.apart(ours, plain) < 1e-12


def test_plain_q_learning_learns_what_ours_does():
    beside_goal = []  # the greedy value of state 14, which every seed has seen often
    for seed in range(5):
        plain = CASES["q-learning"].baseline()
        plain.random.seed(seed)
        plain.learn(20_000)
        beside_goal.append(plain.values[14])
    ours = CASES["q-learning"].ours(range(5))
    ours.learn(20_000)
    assert statistics.mean(beside_goal) == pytest.approx(ours.values[:, 14].mean(), abs=0.3)
    assert min(beside_goal) > 0.2


def test_a_case_beside_a_package_that_is_not_installed_says_so():
    case = replace(CASES["td3-bc-pendulum"], needs="no_such_package")
    assert case.missing() == "no_such_package is not installed, which td3_bc is timed beside: benchmarks/speed/d3.py says how."


def test_d3rlpy_takes_as_many_updates_as_ours_and_learns_in_them():
    pytest.importorskip("d3rlpy")
    theirs, ours = CASES["td3-bc-pendulum"].baseline(), CASES["td3-bc-pendulum"].ours(range(1))
    before = theirs.values
    theirs.learn(3), ours.learn(3)
    assert theirs.num_timesteps == ours.num_timesteps == 3 and not np.array_equal(before, theirs.values)


@pytest.mark.parametrize("name", CASES)
def test_every_case_names_hyper_parameters_that_both_sides_know(name):
    case = CASES[name]
    entry = registry.find(case.algorithm)
    assert set(case.hyperparameters) <= {*entry.load().hyperparameters, "policy_kwargs"}
    assert bool(case.plain or case.beside) == (entry.twin is None)
    assert case.why or not case.hyperparameters  # a departure from the defaults is explained
    assert case.quick_steps <= case.steps


# ------------------------------------------------------------------------------------------------------------------------ command
def test_an_unknown_case_exits_2_with_the_nearest_name(capsys):
    assert speed.main(["ppo-cartpol"]) == 2
    assert capsys.readouterr().err.startswith("unknown case 'ppo-cartpol': did you mean 'ppo-cartpole'?")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "1,ten"], "--seeds 1,ten: write numbers"),
        (["--seeds", "0"], "--seeds 0: write numbers"),
        (["--rounds", "0"], "--rounds 0: at least one"),
        (["--without", "cpu"], "--without cpu: there are processes, raw, update, memory"),
        (["--json", "nowhere/at/all.json"], "there is no directory"),
        (["--growth", "x.svg", "--write-docs"], "give one of them"),
    ],
)
def test_impossible_wishes_exit_2_before_anything_is_measured(arguments, words, capsys):
    assert speed.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_case_whose_environment_is_not_installed_is_skipped_with_the_reason(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(Case, "missing", lambda self: "MuJoCo is not installed")
    assert speed.main(["ppo-hopper", "--json", str(tmp_path / "speed.json")]) == 0
    assert "ppo-hopper: skipped. MuJoCo is not installed" in capsys.readouterr().err
    assert json.loads((tmp_path / "speed.json").read_text())["skipped"] == {"ppo-hopper": "MuJoCo is not installed"}


def test_a_quick_run_prints_ratios_and_writes_json(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(CASES, "tiny", TINY)
    file = tmp_path / "speed.json"
    assert speed.main(["tiny", "--quick", "--seeds", "1,2", "--without", "processes,memory", "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "one seed" in printed and "times faster (min" in printed and "2 seeds" in printed and "SB3 runs (min" in printed
    document = json.loads(file.read_text())
    assert document["schema"] == 1 and document["quick"] is True and document["rounds"] == 2
    assert document["machine"]["torch_threads"] == 1
    assert document["machine"]["cpu"] and document["machine"]["packages"]["torch"] and document["machine"]["packages"]["stable-baselines3"]
    case = document["cases"]["tiny"]
    assert case["timesteps"] == {"baseline": 16, "1": 16, "2": 16} and case["updates"] == {"baseline": 1, "1": 1, "2": 1}
    assert set(case["seconds"]) == {"baseline", "1", "2", "raw"}
    assert all(len(times[clock]) == 2 for times in case["seconds"].values() for clock in ("wall", "cpu"))
    ratios = case["ratios"]
    for ratio in (*ratios["one_seed_speedup"].values(), *ratios["stack_in_baseline_runs"]["2"].values(), *ratios["raw_step_share"]["2"].values()):
        assert {key: type(value) for key, value in ratio.items()} == RATIO
        assert 0 < ratio["min"] <= ratio["median"] <= ratio["max"]
    assert set(ratios["raw_step_share"]) == {"baseline", "1", "2"}


@pytest.mark.slow
def test_growth_is_measured_and_drawn(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(CASES, "tiny", TINY)
    assert speed.main(["tiny", "--quick", "--seeds", "1,3", "--rounds", "1", "--growth", str(tmp_path / "growth.svg"), "--json", str(tmp_path / "g.json")]) == 0
    growth = json.loads((tmp_path / "g.json").read_text())["growth"]["tiny"]
    assert list(growth["lengths"]["baseline"]) == list(growth["lengths"]["1"]) == ["16", "32", "64", "128"]
    assert list(growth["seeds"]) == ["1", "3"]
    assert "µs per step" in capsys.readouterr().out
    assert "<svg" in (tmp_path / "growth.svg").read_text()


@pytest.mark.slow  # five processes are started, and each imports torch
def test_the_command_measures_processes_and_memory_too(tmp_path):
    done = command("q-learning", "--quick", "--seeds", "1", "--rounds", "1", "--json", str(tmp_path / "speed.json"))
    assert done.returncode == 0, done.stderr
    case = json.loads((tmp_path / "speed.json").read_text())["cases"]["q-learning"]
    assert set(case["seconds"]) == {"baseline", "1", "2x5", "raw"}
    assert case["timesteps"]["2x5"] == 5000
    assert 10 < case["memory_mb"]["imports"] <= case["memory_mb"]["1"] < 2000
    assert "2 processes × 5 seeds" in done.stdout and "peak memory" in done.stdout


@pytest.mark.slow  # a process that imports torch
def test_a_process_s_peak_memory_does_not_include_what_its_parent_holds():
    ballast = b"x" * 300_000_000  # would be counted in ru_maxrss
    with measure.workers(1) as (worker,):
        worker.prepare(CASES["q-learning"], 100, range(1))
        worker.wait(), worker.go()
        _, imports, peak = worker.result()
    assert imports <= peak
    if os.path.exists("/proc/self/status"):
        assert measure.peak_memory() - peak > len(ballast) / 2**20 / 2


@pytest.mark.slow  # a process that imports torch
def test_what_goes_wrong_in_a_process_is_raised_here():
    frozen = replace(TINY, hyperparameters={**TINY.hyperparameters, "learning_rate": 0.0})
    with measure.workers(2) as two, pytest.raises(IntegrityError, match="did not change its weights"):
        measure.side_by_side(two, frozen, 16)


# --------------------------------------------------------------------------------------------------------------------------- docs
def test_only_what_is_between_the_marks_of_the_page_is_replaced():
    page = f"before\n{tables.BEGIN}\nold | table\n{tables.END}\nafter\n"
    assert tables.renewed(page, "new") == f"before\n{tables.BEGIN}\nnew\n{tables.END}\nafter\n"
    assert tables.renewed(tables.renewed(page, "new"), "new") == tables.renewed(page, "new")


@pytest.mark.parametrize("page", ["no marks", f"{tables.END}\n{tables.BEGIN}", f"{tables.BEGIN}\n{tables.BEGIN}\n{tables.END}"])
def test_a_page_without_its_marks_is_left_alone(page):
    with pytest.raises(UserError, match="must hold the line"):
        tables.renewed(page, "new")


def test_write_docs_puts_this_run_s_tables_into_the_page(monkeypatch, tmp_path):
    page = tmp_path / "speed.md"
    page.write_text(f"# Speed\n{tables.BEGIN}\n{tables.END}\n", encoding="utf-8")
    monkeypatch.setattr(speed, "PAGE", page)
    monkeypatch.setitem(CASES, "tiny", TINY)
    assert speed.main(["tiny", "--quick", "--seeds", "1", "--rounds", "1", "--without", "processes,memory,update", "--write-docs"]) == 0
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"# Speed\n{tables.BEGIN}\nMeasured on ") and written.endswith(f"{tables.END}\n")
    assert "| `tiny` | SB3: " in written and "1 torch thread per process" in written


def test_the_page_in_the_repository_holds_a_measured_table():
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    _, _, rest = page.partition(tables.BEGIN)
    between, end, _ = rest.partition(tables.END)
    assert end and "Measured on" in between and "| `ppo-cartpole` | SB3: " in between


def test_numbers_keep_the_figures_that_count():
    assert [tables.number(x) for x in (0.0464, 0.523, 1.87, 6.25, 27.7, 1984.2)] == ["0.046", "0.52", "1.87", "6.2", "28", "1984"]


def test_unknown_cases_are_the_user_s_error():
    with pytest.raises(UserError, match="There are: ppo-cartpole, "):
        cases.find("nothing like it")


def test_every_class_that_learns_from_data_can_be_timed_with_one_seed_and_with_several():
    for entry in offline.CLASSES.values():
        timed = offline.model(entry, 2)
        assert timed.n_seeds == 2 and timed.data is not None, entry.id
    assert offline.seconds(offline.model(offline.CLASSES["bc"], 1), 3) > 0


def test_a_class_that_does_not_learn_from_data_is_not_timed_so(capsys):
    with pytest.raises(SystemExit):
        offline.main(["ppo"])
    assert "no class ppo learns from data here: bc, filtered_bc" in capsys.readouterr().err
