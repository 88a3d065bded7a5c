"""Runs that other programs made: read as they were written, or refused by name."""

import json
from collections import OrderedDict

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks import IntegrityError, UserError, figures
from benchmarks.analysis import IncompleteStudy, analyse
from benchmarks.readers import Reading, from_csv, from_sb3, from_zoo
from benchmarks.report import render_store
from sb3_course import cli

FAST = Reading(reps=200)


def scores_of(store, algo, env="CartPole-v1"):
    """Final scores by seed."""
    curves = store.curves()
    return curves[(curves["algo"] == algo) & (curves["env"] == env)].sort_values("step").groupby("seed")["score"].last().to_dict()


def analysed(store, **options):
    return analyse(store.study(), store.runs(), store.curves(), **options)


# --- what Stable-Baselines3 writes


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """The Zoo's folders, as SB3's EvalCallback and Monitor fill them: A2C, three seeds, 256 steps in two environments."""
    from stable_baselines3 import A2C
    from stable_baselines3.common.callbacks import EvalCallback
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.monitor import Monitor

    root = tmp_path_factory.mktemp("logs")
    for seed in (11, 12, 13):
        folder = root / "a2c" / f"CartPole-v1_{seed - 10}"
        venv = make_vec_env("CartPole-v1", n_envs=2, seed=seed, monitor_dir=str(folder))
        model = A2C("MlpPolicy", venv, seed=seed, device="cpu")
        score = EvalCallback(Monitor(gym.make("CartPole-v1")), n_eval_episodes=2, eval_freq=64, log_path=str(folder), verbose=0)
        model.learn(256, callback=score)
        (folder / "CartPole-v1").mkdir()
        arguments = OrderedDict([("algo", "a2c"), ("env", "CartPole-v1"), ("seed", seed), ("conf_file", None)])
        (folder / "CartPole-v1" / "args.yml").write_text(yaml.dump(arguments))  # with Python's tag, as the Zoo does
        venv.close()
    return root


def test_the_zoos_folders_are_read_with_their_seeds_and_evaluations(logs):
    store = from_zoo(logs, FAST)
    expected = {seed: np.load(logs / "a2c" / f"CartPole-v1_{seed - 10}" / "evaluations.npz")["results"][-1].mean() for seed in (11, 12, 13)}
    assert scores_of(store, "a2c") == expected
    assert sorted(store.curves()["step"].unique()) == [128, 256]
    assert set(store.curves()["n_episodes"]) == {2}


def test_episodes_of_training_are_read_from_all_monitors_at_common_steps(logs):
    store = from_zoo(logs, Reading(scores="training", points=2, window=5, reps=200))
    folder = logs / "a2c" / "CartPole-v1_1"
    pieces = []
    for path in folder.glob("*.monitor.csv"):
        start = json.loads(path.read_text().splitlines()[0][1:])["t_start"]
        pieces.append(pd.read_csv(path, skiprows=1).assign(t=lambda table, start=start: table["t"] + start))
    episodes = pd.concat(pieces).sort_values("t")
    end = store.curves()["step"].max()
    ended = episodes[episodes["l"].cumsum() <= end]
    assert scores_of(store, "a2c")[11] == pytest.approx(ended["r"].tail(5).mean())
    assert len(store.curves()) == 3 * 2


def test_any_folders_are_read_by_a_pattern(logs):
    store = from_sb3(f"{logs}/{{algo}}/{{env}}_{{seed}}", FAST)
    assert list(scores_of(store, "a2c")) == [1, 2, 3]  # the numbers of the folders
    with pytest.raises(UserError, match=r"it lacks \{seed\}"):
        from_sb3(f"{logs}/{{algo}}/{{env}}", FAST)


def test_the_command_reports_on_them_and_claims_no_more_than_is_known(logs, tmp_path, capsys):
    assert cli.main(["report", "--from-zoo", str(logs), "--reps", "200", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "it was not fixed before these runs" in text and "not known" in text and "Not known: the runs were made by other programs." in text
    assert "over 2 evaluation episodes" in text.replace("a mean over", "over")
    assert cli.main(["report", "quickstart", "--from-zoo", str(logs)]) == 2
    assert "a report is of one of them" in capsys.readouterr().err


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no runs in .*: expected"):
        from_zoo(tmp_path, FAST)


# --- folders made by hand


def evaluations(root, algo, env, seed, steps, scores, episodes=2):
    folder = root / algo / f"{env}_{seed}"
    folder.mkdir(parents=True)
    results = np.repeat(np.asarray(scores, dtype=float)[:, None], episodes, axis=1)
    np.savez(folder / "evaluations.npz", timesteps=np.asarray(steps), results=results, ep_lengths=np.ones_like(results))


def test_checkpoints_that_do_not_match_are_refused_by_name(tmp_path):
    evaluations(tmp_path, "ppo", "CartPole-v1", 1, [100, 200], [1, 2])
    evaluations(tmp_path, "ppo", "CartPole-v1", 2, [100, 250], [3, 4])
    with pytest.raises(UserError, match=r"ppo on CartPole-v1, seed 2 .*: its checkpoint 2 is at step 250, that of another seed at 200"):
        from_zoo(tmp_path, FAST)


def test_a_run_that_ended_early_has_failed_and_is_not_cut_to_size(tmp_path):
    for seed in (1, 2, 3):
        evaluations(tmp_path, "ppo", "CartPole-v1", seed, [100, 200, 300][: 2 if seed == 2 else 3], [1 * seed, 2, 3 * seed][: 2 if seed == 2 else 3])
    store = from_zoo(tmp_path, FAST)
    with pytest.raises(IncompleteStudy, match=r"1 of 3 seeds missing for ppo on CartPole-v1 \(1 failed\)"):
        analysed(store)
    partial = analysed(store, allow_partial=True)
    assert partial.groups[0].cells["ppo", "CartPole-v1"].seeds == [1, 3]
    assert store.runs().query("seed == 2")["error"].item() == "ended early: its last score is at step 200, the others go on to 300"


def test_a_seed_that_one_algorithm_lacks_is_missing(tmp_path):
    for algo, seeds in (("ppo", (1, 2, 3)), ("a2c", (1, 3))):
        for seed in seeds:
            evaluations(tmp_path, algo, "CartPole-v1", seed, [100], [10 * seed + len(algo)])
    with pytest.raises(IncompleteStudy, match="1 of 3 seeds missing for a2c on CartPole-v1"):
        analysed(from_zoo(tmp_path, FAST))


def test_algorithms_with_different_tasks_are_groups_of_their_own(tmp_path):
    for algo, env in (("ppo", "CartPole-v1"), ("a2c", "CartPole-v1"), ("sac", "Pendulum-v1")):
        evaluations(tmp_path, algo, env, 1, [100], [len(algo)])
    groups = from_zoo(tmp_path, FAST).study()["groups"]
    assert [(g["algos"], g["envs"]) for g in groups] == [(["a2c", "ppo"], ["CartPole-v1"]), (["sac"], ["Pendulum-v1"])]


def test_the_same_numbers_under_two_seeds_are_refused_as_a_copy(tmp_path):
    evaluations(tmp_path, "ppo", "CartPole-v1", 1, [100, 200], [1, 2])
    evaluations(tmp_path, "ppo", "CartPole-v1", 2, [100, 200], [1, 2])
    with pytest.raises(UserError, match=r"seed 2 .* equals seed 1 .* at all 2 checkpoints: one is a copy"):
        from_zoo(tmp_path, FAST)


def test_two_runs_of_one_seed_are_refused(tmp_path):
    for number in (1, 2):
        evaluations(tmp_path, "ppo", "CartPole-v1", number, [100], [number])
        inner = tmp_path / "ppo" / f"CartPole-v1_{number}" / "CartPole-v1"
        inner.mkdir()
        (inner / "args.yml").write_text("seed: 5\n")
    with pytest.raises(UserError, match=r"ppo on CartPole-v1, seed 5, is there twice: .*_1.* and .*_2"):
        from_zoo(tmp_path, FAST)


def test_a_file_that_two_trainings_wrote_is_refused(tmp_path):
    evaluations(tmp_path, "ppo", "CartPole-v1", 1, [100, 200, 100], [1, 2, 3])
    with pytest.raises(IntegrityError, match="step 100 follows 200; did two trainings write into one file"):
        from_zoo(tmp_path, FAST)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04cut"])
def test_a_file_that_is_none_of_evalcallbacks_is_refused(tmp_path, content):
    (tmp_path / "ppo" / "CartPole-v1_1").mkdir(parents=True)
    (tmp_path / "ppo" / "CartPole-v1_1" / "evaluations.npz").write_bytes(content)
    with pytest.raises(IntegrityError, match="is not what EvalCallback writes"):
        from_zoo(tmp_path, FAST)


def test_an_args_file_makes_no_object_of_its_own(tmp_path):
    evaluations(tmp_path, "ppo", "CartPole-v1", 4, [100], [1])
    inner = tmp_path / "ppo" / "CartPole-v1_4" / "CartPole-v1"
    inner.mkdir()
    (inner / "args.yml").write_text(f"!!python/object/apply:os.mkdir\n- {tmp_path}/made\n")
    assert list(scores_of(from_zoo(tmp_path, FAST), "ppo")) == [4]  # the folder's number stands for the seed
    assert not (tmp_path / "made").exists()


def monitor(root, algo, seed, returns, length=10):
    folder = root / algo / f"CartPole-v1_{seed}"
    folder.mkdir(parents=True)
    rows = "".join(f"{r},{length},{k + 1}\n" for k, r in enumerate(returns))
    (folder / "0.monitor.csv").write_text('#{"t_start": 0.0, "env_id": "CartPole-v1"}\nr,l,t\n' + rows)


def test_a_score_of_training_is_the_mean_of_the_last_episodes(tmp_path):
    monitor(tmp_path, "ppo", 1, [1, 2, 3, 4, 5, 6, 7, 8])  # ends at steps 10, 20, ..., 80
    curve = from_zoo(tmp_path, Reading(points=4, window=3, reps=200)).curves()
    assert list(curve["step"]) == [20, 40, 60, 80]
    assert list(curve["score"]) == [(1 + 2) / 2, (2 + 3 + 4) / 3, (4 + 5 + 6) / 3, (6 + 7 + 8) / 3]
    assert list(curve["seconds"]) == [2, 4, 6, 8]


def test_training_that_stopped_early_has_failed(tmp_path):
    monitor(tmp_path, "ppo", 1, range(100))
    monitor(tmp_path, "ppo", 2, range(50))
    monitor(tmp_path, "ppo", 3, range(2, 101))  # its last episode was still going on
    with pytest.raises(IncompleteStudy, match=r"1 of 3 seeds missing for ppo on CartPole-v1 \(1 failed\)"):
        analysed(from_zoo(tmp_path, FAST))


def test_no_episode_before_the_first_checkpoint_is_refused_with_the_way_out(tmp_path):
    monitor(tmp_path, "ppo", 1, [1, 2], length=100)
    with pytest.raises(UserError, match="no episode had ended by step 10; fewer --points"):
        from_zoo(tmp_path, Reading(points=20, reps=200))


def test_evaluations_and_training_do_not_stand_side_by_side(tmp_path):
    monitor(tmp_path, "a2c", 1, range(100))
    evaluations(tmp_path, "ppo", "CartPole-v1", 1, [100], [1])
    with pytest.raises(UserError, match=r"has episodes of training only, .* has evaluations"):
        from_zoo(tmp_path, FAST)


def test_a_monitor_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "ppo" / "CartPole-v1_1").mkdir(parents=True)
    (tmp_path / "ppo" / "CartPole-v1_1" / "0.monitor.csv").write_text("r,l,t\n1,2,3\n")
    with pytest.raises(IntegrityError, match="is not what Monitor writes"):
        from_zoo(tmp_path, FAST)


# --- tables


def table(path, rows, columns=("algo", "env", "seed", "step", "score")):
    pd.DataFrame(rows, columns=list(columns)).to_csv(path, index=False)
    return path


LONG = [(algo, "CartPole-v1", seed, step, seed + step / 100 + len(algo)) for algo in ("ppo", "mine") for seed in (0, 1, 2) for step in (100, 200)]


def test_a_long_table_is_read_whatever_its_columns_are_called(tmp_path):
    plain = from_csv([table(tmp_path / "a.csv", LONG)], FAST)
    other = from_csv([table(tmp_path / "b.csv", LONG, ("exp_name", "env_id", "Seed", "global_step", "eval/mean_reward"))], FAST)
    own = from_csv([table(tmp_path / "c.csv", LONG, ("who", "env", "seed", "step", "score"))], FAST, {"algo": "who"})
    expected = {0: 0 + 2 + 3, 1: 1 + 2 + 3, 2: 2 + 2 + 3}
    assert scores_of(plain, "ppo") == scores_of(other, "ppo") == scores_of(own, "ppo") == expected
    assert plain.study()["groups"][0]["comparisons"] == [["mine", "ppo"]]


def test_a_table_becomes_a_report_and_known_environments_their_reference_scores(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "svg", lambda canvas, key, alt: "<svg></svg>")
    rendered = render_store(from_csv([table(tmp_path / "a.csv", LONG)], FAST), tmp_path / "report")
    assert "normalised score" in rendered.verdicts[0] and "mine against ppo on CartPole-v1, 3 runs each" in rendered.verdicts[0]
    first = (tmp_path / "report" / "repro.json").read_bytes()
    render_store(from_csv([tmp_path / "a.csv"], FAST), tmp_path / "report")
    assert first == (tmp_path / "report" / "repro.json").read_bytes()


def test_cleanrls_files_are_named_after_their_run(tmp_path):
    for seed in (1, 2):
        rows = [(1.7e9 + k, 20 * k, float(seed * k)) for k in range(1, 11)]
        table(tmp_path / f"CartPole-v1__dqn__{seed}__1700000000.csv", rows, ("Wall time", "Step", "Value"))
    store = from_csv(sorted(tmp_path.glob("*.csv")), FAST)
    assert scores_of(store, "dqn") == {1: 10.0, 2: 20.0}
    assert store.curves()["seconds"].max() == 9.0


def test_episodes_of_many_environments_may_end_at_one_step(tmp_path):
    rows = [("dqn", "CartPole-v1", 1, 10 * (k // 2 + 1), float(k)) for k in range(20)]
    store = from_csv([table(tmp_path / "a.csv", rows, ("exp_name", "env_id", "seed", "global_step", "episodic_return"))], Reading(points=5, window=4, reps=200))
    assert scores_of(store, "dqn") == {1: (16 + 17 + 18 + 19) / 4}


@pytest.mark.parametrize(
    "rows, said",
    [
        ([*LONG, LONG[0]], "ppo on CartPole-v1, seed 0 .*: step 100 occurs twice"),
        ([*LONG, ("ppo", "CartPole-v1", 3, 100, float("nan"))], r"line 14: score \(score\) is nan; a run that failed has no row"),
        ([*LONG, ("ppo", "CartPole-v1", 3, 150, 1.0)], "seed 3 .*: its checkpoint 1 is at step 150, that of another seed at 100"),
        ([(*LONG[0][:2], "first", *LONG[0][3:])], r"line 2: seed \(seed\) is first"),
        ([LONG[0], (*LONG[1][:2], 1.5, *LONG[1][3:])], r"line 3: seed \(seed\) is 1.5, not a whole number"),
        ([(*LONG[0][:3], 100.5, *LONG[0][4:])], r"line 2: step \(.*\) is 100.5, not a whole number"),
    ],
)
def test_rows_that_cannot_be_are_refused_by_name(tmp_path, rows, said):
    with pytest.raises(UserError, match=said):
        from_csv([table(tmp_path / "a.csv", rows)], FAST)


def test_a_run_in_two_tables_is_refused_with_both_names(tmp_path):
    paths = [table(tmp_path / f"{name}.csv", LONG) for name in "ab"]
    with pytest.raises(UserError, match=r"is there twice: .*a\.csv and .*b\.csv"):
        from_csv(paths, FAST)


def test_a_table_without_a_column_is_refused_with_the_flag_that_names_it(tmp_path, capsys):
    path = table(tmp_path / "a.csv", [row[:2] + row[3:] for row in LONG], ("algo", "env", "step", "score"))
    assert cli.main(["report", "--from-csv", str(path)]) == 2
    assert "no column for seed among algo, env, step, score; --column seed=NAME says which" in capsys.readouterr().err
    assert cli.main(["report", "--from-csv", str(path), "--column", "seed"]) == 2
    assert cli.main(["report", "--from-csv", str(tmp_path / "none.csv")]) == 2


def test_reference_scores_of_ones_own_go_before_the_known_ones(tmp_path):
    (tmp_path / "scales.yaml").write_text("CartPole-v1: {random: 0, expert: 10, source: ours}\n")
    store = from_csv([table(tmp_path / "a.csv", LONG)], Reading(reps=200, normalise=str(tmp_path / "scales.yaml")))
    assert analysed(store).groups[0].aggregates["iqm"]["ppo"].point == pytest.approx(0.6)
    (tmp_path / "scales.yaml").write_text("CartPole-v1: {random: 0}\n")
    with pytest.raises(UserError, match="CartPole-v1 needs random and expert"):
        from_csv([tmp_path / "a.csv"], Reading(reps=200, normalise=str(tmp_path / "scales.yaml")))


# ------------------------------------------------------------------------------------------------------------------ large and odd


def test_more_checkpoints_than_a_report_can_resample_are_refused_with_what_to_keep(tmp_path):
    rows = [("ppo", "CartPole-v1", 0, step, step % 7) for step in range(1, 2502)]
    path = table(tmp_path / "a.csv", rows)
    with pytest.raises(UserError, match=r"has 2,501 checkpoints, and 50,000 bootstrap repetitions allow 1,000: keep one row in 3"):
        from_csv([path], Reading())
    assert len(from_csv([path], FAST).curves()) == 2501


def test_a_backslash_in_a_name_is_a_letter_like_others(tmp_path):
    rows = [(algo, r"Cart\Pole\1", seed, step, seed + step) for algo in (r"my\ppo", r"d\qn") for seed in range(3) for step in (1, 2)]
    page = render_store(from_csv([table(tmp_path / "a.csv", rows)], FAST), tmp_path / "report").path.read_text(encoding="utf-8")
    assert r"my\ppo" in page and r"Cart\Pole\1" in page
