"""Searches, from the first trial to the page: what a trial's score is, what becomes of one that fails or is killed, how a search goes on."""

import json
import multiprocessing
import os
import signal
import textwrap
import time

import numpy as np
import pytest
import yaml

from benchmarks import IncompleteData, IntegrityError, UserError
from benchmarks.running import launchers, worker
from benchmarks.store import records
from benchmarks.store.store import Store
from benchmarks.studies import plan, study
from sb3_course import cli

optuna = pytest.importorskip("optuna", reason="needs the extra tune")

from benchmarks.tuning import best, importance, page, record, samplers, scores, search, trial, tuning  # noqa: E402

SMALL = {"steps": 100, "n_seeds": 2, "eval_episodes": 2, "eval_points": 2, "env_kwargs": {"is_slippery": False}, "startup": 2}
COMMAND = ["tune", "--algo", "q_learning", "--env", "FrozenLake-v1", "--env-kwargs", "is_slippery:False", "-n", "100", "--seeds", "2", "--eval-episodes", "2",
           "--eval-points", "2"]  # fmt: skip


def asked(**changes):
    return tuning.planned("q_learning", "FrozenLake-v1", **{**SMALL, **changes})


def space_file(tmp_path, text):
    file = tmp_path / "space.yaml"
    file.write_text(textwrap.dedent(text))
    return file


@pytest.fixture(scope="module", autouse=True)
def few_resamples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importance, "REPS", 3)
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A search of twelve trials, the best two of them confirmed: its folder, what was asked, what was found."""
    folder = tmp_path_factory.mktemp("tuning") / "lake"
    what = asked(pruner="none")
    record_of = search.search(folder, what, 12, jobs=0, confirm=2, confirm_seeds=3)
    best.write(folder, what, record_of)
    page.write(folder, what, record_of)
    return folder, what, record_of


# --- a trial


def test_a_trial_s_score_is_the_one_that_runs_of_a_study_with_its_seeds_have(tmp_path):
    resolved = study.adhoc(["q_learning"], ["FrozenLake-v1"], steps=100, overrides=["seeds=[7,8]", "protocol.eval_points=2", "protocol.eval_episodes=2"])
    store = Store(tmp_path / "study")
    store.save_study(plan.pinned(resolved))
    launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": "inprocess"})
    curves = store.curves()

    outcome = trial.Outcome()
    trial.train([run for _, run in store.planned()], outcome)
    assert outcome.curve == {step: [float(curves[(curves.seed == seed) & (curves.step == step)].score.iloc[0]) for seed in (7, 8)] for step in (50, 100)}
    assert outcome.steps == 200 and outcome.pruned_at is None


def test_a_trial_that_is_ended_early_stops_training_there():
    what, outcome, told = asked(), trial.Outcome(), []
    trial.train([what.run(what.base, seed) for seed in what.seeds], outcome, lambda number, score: told.append(number) is None)
    assert told == [1] and outcome.pruned_at == 50 and outcome.steps == 100 and list(outcome.curve) == [50]


def test_seeds_that_cannot_go_in_lock_step_go_one_after_the_other_and_are_told_apart():
    what = tuning.planned("sb3/ppo", "CartPole-v1", steps=64, n_seeds=2, eval_episodes=1, eval_points=2,
                          overrides={"n_steps": 32, "n_envs": 1, "batch_size": 32, "n_epochs": 1})  # fmt: skip
    outcome, told = trial.Outcome(), []
    trial.train([what.run(what.base, seed) for seed in what.seeds], outcome, lambda number, score: bool(told.append(number)))
    assert told == [1, 2, 3]  # the last evaluation is the trial's score
    assert [len(of_seeds) for of_seeds in outcome.curve.values()] == [2, 2] and outcome.steps == 128


def test_the_score_is_the_iqm_over_seeds_of_the_mean_of_the_last_evaluations():
    curve = {10: [0.0, 0.0, 0.0, 0.0], 20: [1.0, 2.0, 3.0, 90.0], 30: [3.0, 4.0, 5.0, 110.0]}
    assert scores.by_seed(curve, 1, 4) == [3.0, 4.0, 5.0, 110.0]
    assert scores.by_seed(curve, 2, 4) == [2.0, 3.0, 4.0, 100.0]
    assert scores.iqm([2.0, 3.0, 4.0, 100.0]) == 3.5  # a quarter is left out at either end
    assert scores.iqm([1.0, 2.0, 6.0]) == 3.0  # of three seeds there is no quarter


def test_a_score_that_is_no_number_ends_the_trial_as_diverged(monkeypatch):
    what = asked()
    monkeypatch.setattr(worker.Checkpoints, "_score", lambda self, steps: [curve.append(type("C", (), {"score": np.nan})) for curve in self.curves])
    with pytest.raises(trial.Diverged, match="a score is not finite at step 50: nan, nan"):
        trial.train([what.run(what.base, seed) for seed in what.seeds], trial.Outcome())


# --- a search


def test_trial_0_is_what_is_tuned_from_and_the_best_is_never_worse(found):
    _, what, record_of = found
    default = record_of.trial(0)
    assert default["default"] and default["settings"] == what.base
    assert record_of.complete[0]["value"] >= default["value"]
    assert record_of.best["number"] in record_of.confirmed


def test_no_seed_of_a_search_is_one_that_a_study_has_by_itself(found):
    folder, what, record_of = found
    assert what.seeds == [10_000, 10_001] and record_of.confirmed[0]["seeds"] == [20_000, 20_001, 20_002]
    assert not {*what.seeds, *record_of.confirmed[0]["seeds"]} & set(study.compose(str(folder / "best.yaml")).seeds)


def test_a_search_that_was_stopped_goes_on_as_if_it_never_had_been(found, tmp_path):
    _, what, whole = found
    for n_trials in (3, 3, 12):
        stopped = search.search(tmp_path / "lake", what, n_trials, jobs=0)
    assert [(one["drawn"], one["value"], one["curve"]) for one in stopped.trials] == [(one["drawn"], one["value"], one["curve"]) for one in whole.trials]


@pytest.mark.parametrize("sampler", ["random", "cmaes", "qmc", "gp"])
def test_each_sampler_draws_in_the_space_and_draws_the_same_again(sampler, tmp_path):
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    file = space_file(tmp_path, "learning_rate: {log: [0.01, 1]}\ninitial_value: {uniform: [0, 1]}\n")
    what = asked(sampler=sampler, space=file, steps=20, n_seeds=1, startup=2 if sampler in ("cmaes", "gp") else None, pruner="none")
    once, again = (search.search(tmp_path / name, what, 5, jobs=0) for name in ("a", "b"))
    rates = [one["settings"]["learning_rate"] for one in once.trials]
    assert all(0.01 <= rate <= 1 for rate in rates) and len(set(rates)) > 3  # where all scores are equal, an end may be tried twice
    assert [one["drawn"] for one in once.trials] == [one["drawn"] for one in again.trials]


def test_a_crash_is_a_failed_trial_with_its_traceback_and_the_search_goes_on(tmp_path):
    file = space_file(tmp_path, "learning_rate: {choice: [0.1, -3.0]}\n")
    what = asked(space=file, sampler="random", pruner="none", startup=None)
    record_of = search.search(tmp_path / "lake", what, 8, jobs=0)
    failed = [one for one in record_of.trials if one["state"] == "failed"]
    assert failed and len(record_of.trials) == 8 and {one["settings"]["learning_rate"] for one in failed} == {-3.0}
    assert "learning_rate" in failed[0]["error"] and "Traceback" in failed[0]["traceback"] and failed[0]["value"] is None
    assert failed[0]["error"] in page.html("lake", what, record_of).replace("&#39;", "'")


def test_a_hopeless_trial_is_ended_early_and_is_no_candidate(tmp_path, monkeypatch):
    """With scores that are known: each is the trial's initial value, at both evaluations. The median of the first two trials, 0 and x, ends what lies below."""
    def train(runs, outcome, stop):
        score = runs[0].hyperparams["initial_value"]
        for number, step in enumerate(runs[0].checkpoints, 1):
            outcome.curve[step] = [score] * len(runs)
            if number < 4 and stop(number, score):
                outcome.pruned_at = step
                return

    monkeypatch.setattr(trial, "train", train)
    file = space_file(tmp_path, "initial_value: {uniform: [-10, 10]}\n")
    what = asked(space=file, sampler="random", eval_points=4)
    record_of = search.search(tmp_path / "lake", what, 12, jobs=0)
    values = [one["settings"]["initial_value"] for one in record_of.trials]
    for k, one in enumerate(record_of.trials[2:], start=2):
        earlier = [value for value, other in zip(values[:k], record_of.trials[:k], strict=True) if other["state"] == "complete"]
        assert one["state"] == ("pruned" if values[k] < np.median(earlier) else "complete"), (k, values)
        assert one["state"] == "complete" or (one["pruned_at"], one["value"]) == (25, None)
    assert all(record_of.trial(number)["state"] == "complete" for number in record_of.candidates(12))


def test_a_search_says_every_argument_of_sampler_and_pruner(found):
    folder, _, _ = found
    told = tuning.read(folder)
    assert told.sampler["class"] == "TPESampler" and told.sampler["arguments"]["n_startup_trials"] == 2
    assert {"multivariate", "group", "constant_liar", "n_ei_candidates"} <= set(told.sampler["arguments"])
    assert samplers.described_pruner("median", None, 5) == {
        "name": "median", "class": "MedianPruner", "arguments": {"n_startup_trials": 5, "n_warmup_steps": 1, "interval_steps": 1, "n_min_trials": 1}
    }  # fmt: skip


# --- what is interrupted


def test_a_trial_that_nobody_trains_any_more_has_failed_and_its_settings_are_tried_again(tmp_path):
    what, folder = asked(), tmp_path / "lake"
    search.search(folder, what, 3, jobs=0)
    left = search._claimed(folder, search.opened(folder, what), what, 4)  # and then the process is gone
    record_of = search.search(folder, what, 4, jobs=0)

    killed, again = record_of.trial(3), record_of.trial(4)
    assert killed["state"] == "killed" and killed["error"] == "its search was stopped" and killed["drawn"] == left.params
    assert again["state"] in ("complete", "pruned") and again["drawn"] == left.params and again["retry_of"] == 3
    assert len(record_of.counted) == 4


def test_settings_whose_worker_dies_three_times_are_given_up(tmp_path):
    what, folder = asked(), tmp_path / "lake"
    what.save(folder)
    opened = search.opened(folder, what)
    search._begin(opened, what)
    for _ in range(3):
        search._claimed(folder, opened, what, 1)
        assert len(search.sweep(opened, worker=os.getpid())) == 1
    states = [(one["state"], one["error"]) for one in record.of(opened).trials]
    assert states == [("killed", "its process died")] * 2 + [("failed", "its process died, 3 times")]
    assert search._claimed(folder, opened, what, 1) is None  # it counts


def test_half_a_line_at_the_journal_s_end_and_a_lock_that_was_left_are_no_obstacle(tmp_path):
    what, folder = asked(), tmp_path / "lake"
    before = search.search(folder, what, 2, jobs=0)
    with (folder / search.JOURNAL).open("ab") as file:
        file.write(b'{"op_code":6,"worker_id":"x"')
    os.symlink(folder / search.JOURNAL, folder / f"{search.JOURNAL}.lock")
    after = search.search(folder, what, 3, jobs=0)
    assert after.trials[:2] == before.trials and len(after.trials) == 3


def test_one_command_at_a_time_searches_in_a_folder(tmp_path):
    with search.locked(tmp_path / "lake"), pytest.raises(UserError, match="another command tunes there now"):
        search.search(tmp_path / "lake", asked(), 1, jobs=0)


def test_a_folder_of_another_search_is_refused_with_what_differs(found):
    folder, what, _ = found
    with pytest.raises(UserError, match=r"was begun with another seeds: \[10000, 10001\]; now \[10000, 10001, 10002\]\. Its trials would not be comparable"):
        tuning.refuse_another(folder, asked(n_seeds=3, pruner="none"))
    assert tuning.refuse_another(folder, what).hash == what.hash


def _dies_in_trial_1(folder, k, jobs, n_trials):
    """A worker that is killed in the middle of trial 1, the first time."""
    real = trial.train

    def train(runs, outcome, stop):
        marker = folder / "died"
        if record.of(search.opened(folder, tuning.read(folder))).trials[-1]["number"] == 1 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        real(runs, outcome, stop)

    trial.train = train
    search._search(folder, k, jobs, n_trials)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_trial_is_tried_again(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(search.Told, "died", lambda self, number, code: told.append((number, code)))
    what, folder = asked(pruner="none"), tmp_path / "lake"
    what.save(folder)
    study_ = search.opened(folder, what)
    search._begin(study_, what)
    search._conduct(folder, study_, 1, _dies_in_trial_1, (3,), search.Told())
    states = [one["state"] for one in record.of(study_).trials]
    assert told == [(1, -signal.SIGKILL)] and states == ["complete", "killed", "complete", "complete"]


@pytest.mark.slow
def test_workers_side_by_side_make_neither_one_too_many_nor_the_same(tmp_path):
    what = asked(pruner="none", sampler="random", startup=None)
    record_of = search.search(tmp_path / "lake", what, 6, jobs=3)
    assert len(record_of.trials) == 6 and len({json.dumps(one["drawn"]) for one in record_of.trials}) == 6


@pytest.mark.slow
def test_workers_end_with_their_conductor_however_it_ends(tmp_path):
    folder = tmp_path / "lake"
    context = multiprocessing.get_context("spawn")
    conductor = context.Process(target=search.search, args=(folder, asked(steps=200_000), 50, 1))
    conductor.start()
    pid = None
    deadline = time.monotonic() + 120
    while pid is None and time.monotonic() < deadline:
        time.sleep(0.2)
        if (folder / search.JOURNAL).exists():
            lines = (folder / search.JOURNAL).read_text().splitlines()
            pid = next((json.loads(line)["user_attr"]["worker"] for line in lines if '"worker":' in line), None)
    conductor.kill()
    conductor.join()
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert pid is not None and not os.path.exists(f"/proc/{pid}")


# --- what is written


def test_what_was_found_is_a_suite_that_compare_takes_and_no_seed_of_the_search_may_be_evaluated_on(found):
    folder, what, record_of = found
    resolved = study.compose(str(folder / "best.yaml"))
    assert resolved.pairs == [("q_learning", "FrozenLake-v1"), ("q_learning~tuned", "FrozenLake-v1")]
    assert resolved.hyperparams["q_learning~tuned"]["FrozenLake-v1"] == record_of.best["settings"]
    assert resolved.hyperparams["q_learning"]["FrozenLake-v1"] == what.base
    assert resolved.envs["FrozenLake-v1"]["kwargs"] == {"is_slippery": False}
    assert resolved.budget["FrozenLake-v1"] == {"q_learning": 200_000, "q_learning~tuned": 200_000}  # its own, not the search's

    assert records.of_study(resolved.as_dict()) == []  # what a stranger's verification asks of it

    said = study.tuning_of(resolved, "q_learning~tuned")
    assert said.startswith(f"tuned by Optuna {optuna.__version__} (TPESampler, no pruner), 100 steps a seed: 12 trials × 2 seeds (10000–10001) = 24 runs")
    assert "settings again × 3 seeds (20000–20002); cost: " in said and "seconds of a processor; source: lake, trial " in said
    for seed in (10_001, 20_002):
        with pytest.raises(UserError, match=f"seed {seed} was also used for tuning q_learning~tuned \\(lake, trial"):
            study.compose(str(folder / "best.yaml"), [f"seeds=[1,{seed}]"])


def test_a_forged_study_whose_seeds_confirmed_its_settings_is_seen(found):
    folder, _, _ = found
    parts = study.compose(str(folder / "best.yaml")).as_dict()
    parts["seeds"] = [20_001]
    assert records.of_study(parts) == ["study.yaml: tuning of q_learning~tuned: a seed of it is among the study's, and a report says that none is"]


@pytest.mark.parametrize("again", [{"trials": 2}, {"trials": "two", "seeds": [7]}, 5, {"trials": 2, "seeds": [7], "more": 1}])
def test_a_confirmation_that_says_too_little_or_too_much_is_refused(again):
    how = {"method": "tpe", "trials": 5, "seeds": [100], "source": "x", "confirmed": again}
    with pytest.raises(UserError, match="tuning of ppo: confirmed="):
        study._tuning({"ppo": how}, {"hyperparams": {"ppo": {}}, "seeds": [0]})


def test_the_record_is_read_without_optuna_and_is_what_the_journal_says(found):
    folder, what, record_of = found
    assert record.read(folder) == record_of == record.of(search.opened(folder, what))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 1, "trials": [{"number": 0}], "confirmed": {}}', '{"format": 2, "trials": [], "confirmed": {}}'])
def test_a_record_that_is_none_is_told_in_one_line(text, tmp_path):
    (tmp_path / record.FILE).write_text(text)
    with pytest.raises(IntegrityError, match=r"trials\.json cannot be read"):
        record.read(tmp_path)


def test_a_damaged_tuning_yaml_is_told_in_one_line(found, tmp_path):
    folder, _, _ = found
    whole = yaml.safe_load((folder / tuning.FILE).read_text())
    for wrong in ({**whole, "seeds": "many"}, {**whole, "seeds": []}, {**whole, "more": 1}, [1]):
        (tmp_path / tuning.FILE).write_text(yaml.safe_dump(wrong))
        with pytest.raises(IntegrityError, match=r"tuning\.yaml cannot be read"):
            tuning.read(tmp_path)


def test_the_page_holds_everything_and_shows_what_was_found(found):
    folder, what, record_of = found
    text = (folder / page.FILE).read_text()
    assert text.count("<svg") == 4 and "src=" not in text and "<script" not in text
    assert f"<h1>Tuning {what.algo} on {what.env}</h1>" in text
    for words in (best.said(what, record_of, record_of.best), "TPESampler(", "multivariate=None", "seconds of a processor", "The settings were chosen by"):
        assert words in text, words
    assert text == page.html("lake", what, record_of)  # the same each time


def test_a_stranger_s_words_are_text_on_the_page(found):
    folder, what, _ = found
    evil = record.read(folder)
    evil.trials[1].update(state="failed", value=None, error="<script>alert(1)</script>", traceback="</pre><b>")
    text = page.html("lake", what, evil)
    assert "<script" not in text and "</pre><b>" not in text and "&lt;script&gt;" in text


# --- the command line


def test_the_command_searches_goes_on_and_shows(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(search, "_conduct", lambda folder, study_, jobs, task, given, told: _here(folder, study_, task, given, told))
    out = str(tmp_path / "lake")
    assert cli.main([*COMMAND, "--trials", "2", "--out", out]) == 0
    assert "trial 0 (what it is tuned from): " in capsys.readouterr().out
    assert cli.main([*COMMAND, "--trials", "3", "--out", out]) == 0
    said = capsys.readouterr().out
    assert "2 of them are finished" in said and "trial 2: " in said and "trial 1: " not in said
    assert cli.main(["tune", "--show", out]) == 0
    assert "Settings: " in capsys.readouterr().out
    assert cli.main([*COMMAND, "--trials", "3", "--seed", "1", "--out", out]) == 2
    assert "was begun with another seed: 0; now 1" in capsys.readouterr().err

    args = ["train", "--algo", "q_learning", "--env", "FrozenLake-v1", "-n", "20", "--eval-freq", "0", "--verbose", "0", "-f", str(tmp_path / "logs")]
    assert cli.main([*args, "--study", out, "--trial-id", "1"]) == 0
    config, kept = (yaml.safe_load((tmp_path / "logs" / "q_learning" / "FrozenLake-v1_1" / "FrozenLake-v1" / name).read_text())
                    for name in ("config.yml", "args.yml"))  # fmt: skip
    assert config == {"n_timesteps": 20, **record.read(tmp_path / "lake").trial(1)["settings"]}
    assert kept["env_spec"]["kwargs"] == {"is_slippery": False}
    assert cli.main([*args, "-conf", f"{out}/best.yaml"]) == 0


def _here(folder, study_, task, given, told):
    teller = search._Teller(folder, study_, told)
    task(folder, 0, 1, *given)
    teller.look()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--algo", "q_learning"], "tune needs --algo and --env"),
        ([*COMMAND[1:], "--sampler", "grid"], "--sampler grid: one of tpe, random, cmaes, gp, qmc"),
        ([*COMMAND[1:], "--pruner", "mean"], "--pruner mean: one of median, halving, hyperband, none"),
        ([*COMMAND[1:], "--last", "3"], "--last 3: a trial has 2 evaluations"),
        ([*COMMAND[1:], "--trials", "0"], "--trials 0: give a whole number of at least 1"),
        ([*COMMAND[1:], "--space", "none.yaml"], "--space none.yaml: there is no such file"),
        (["--algo", "td0", "--env", "FrozenLake-v1"], "td0 learns what a policy is worth, not a better one: its return says nothing of its settings"),
        (["--algo", "random", "--env", "FrozenLake-v1"], "random learns nothing"),
        (["--algo", "sac", "--env", "CartPole-v1"], "SAC needs a Box action space"),
        (["--algo", "sacc", "--env", "Pendulum-v1"], "unknown algorithm 'sacc': did you mean 'sac'?"),
        (["--show", "nowhere"], "nowhere is no folder of tuning"),
    ],
)
def test_a_mistake_is_told_in_one_line(words, says, capsys):
    assert cli.main(["tune", *words]) == 2
    line = capsys.readouterr().err
    assert says in line and line.count("\n") == 1


def test_without_a_score_the_command_says_why(tmp_path, capsys):
    what = asked(space=space_file(tmp_path, "learning_rate: {choice: [-3.0, -2.0]}\n"), overrides={"gamma": 0.9}, pruner="none")
    search.search(tmp_path / "lake", what, 2, jobs=0)
    record_of = record.read(tmp_path / "lake")
    for one in record_of.trials:
        one.update(state="failed", value=None, error="broken")
    from sb3_course.commands import tune

    with pytest.raises(IncompleteData, match="no trial has a score; the last failed with broken"):
        tune._summary(tmp_path / "lake", what, record_of)


def test_what_is_given_is_not_drawn_and_others_may_follow_it(tmp_path):
    what = tuning.planned("ppo", "CartPole-v1", steps=512, n_seeds=2, overrides={"n_steps": 128})
    what.save(tmp_path)
    again = tuning.read(tmp_path).drawn_from  # which reads the space again
    assert what.drawn_from == again and {one.name: one for one in again}["n_steps"].choices == (128,)
    assert "n_steps" not in search.distributions(what) and "batch_size" in search.distributions(what)


def test_training_by_a_suite_s_settings_is_on_its_environment(tmp_path):
    file = tmp_path / "best.yaml"
    file.write_text("env: {FrozenLake-v1: {kwargs: {is_slippery: false}}}\nalgo: {q_learning~tuned: {FrozenLake-v1: {learning_rate: 0.3}}}\n")
    assert best.of_file(file, "q_learning", "FrozenLake-v1") == ({"learning_rate": 0.3}, {"kwargs": {"is_slippery": False}})
    words = ["train", "--algo", "q_learning", "--env", "FrozenLake-v1", "-n", "20", "--eval-freq", "0", "--verbose", "0", "-f", str(tmp_path / "logs")]
    assert cli.main([*words, "-conf", str(file)]) == 0
    kept = yaml.safe_load((tmp_path / "logs/q_learning/FrozenLake-v1_1/FrozenLake-v1/args.yml").read_text())
    assert kept["env_spec"]["kwargs"] == {"is_slippery": False}


def test_settings_of_a_file_are_found_in_the_zoo_s_form_too_and_a_stranger_s_wrapper_is_not_imported(tmp_path, capsys):
    file = tmp_path / "zoo.yml"
    file.write_text("FrozenLake-v1:\n  n_timesteps: 50\n  learning_rate: 0.3\n  env_wrapper: wrapper_of_a_stranger.Wrapper\n")
    assert best.of_file(file, "q_learning", "FrozenLake-v1") == ({"n_timesteps": 50, "learning_rate": 0.3, "env_wrapper": "wrapper_of_a_stranger.Wrapper"}, {})
    args = ["train", "--algo", "q_learning", "--env", "FrozenLake-v1", "--eval-freq", "0", "--verbose", "0", "-f", str(tmp_path / "logs"), "-conf", str(file)]
    assert cli.main(args) == 2
    assert "would run the wrapper wrapper_of_a_stranger.Wrapper, which is not this project's own: add --trust" in capsys.readouterr().err
    with pytest.raises(UserError, match="it has no settings of q_learning on CliffWalking-v1"):
        best.of_file(file, "q_learning", "CliffWalking-v1")
