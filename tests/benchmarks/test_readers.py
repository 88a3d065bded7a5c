"""Runs that other programs made: read as they were written, or refused by name."""

import json
from collections import OrderedDict

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks import IntegrityError, UserError
from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import IncompleteStudy
from benchmarks.report import figures
from benchmarks.report.page import render_store
from benchmarks.store.readers import Reading, from_csv, from_sb3, from_zoo
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
    groups = from_zoo(tmp_path, FAST).study().groups
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


# --- the files of Monitor, as jobs that were killed and continued leave them

START = '#{"t_start": 100.0, "env_id": "CartPole-v1"}\n'


def written(root, *texts, seed=1, algo="ppo"):
    """A run's folder with a monitor file of each text, of episodes of 10 steps or whatever they say."""
    folder = root / algo / f"CartPole-v1_{seed}"
    folder.mkdir(parents=True)
    for k, text in enumerate(texts):
        (folder / f"{k}.monitor.csv").write_bytes(text.encode())
    return folder


def rows(returns, seconds, length=10):
    return "".join(f"{r},{length},{t}\r\n" for r, t in zip(returns, seconds, strict=True))  # the line ends that Monitor writes


def trained(root, **how):
    """The learning curve of the only run in the Zoo's folders: a point an episode of 10 steps, each its own score."""
    return from_zoo(root, Reading(**{"points": 8, "window": 1, "reps": 200, **how}))


def test_a_continued_job_is_read_in_the_files_order_and_not_by_its_clock(tmp_path):
    written(tmp_path, START + "r,l,t\r\n" + rows([10, 20, 30, 40], [1, 2, 3, 110]) + rows([50, 60, 70, 200], [1, 2, 3, 4]))
    store = trained(tmp_path)
    assert list(store.curves()["score"]) == [10, 20, 30, 40, 50, 60, 70, 200]
    assert list(store.curves()["seconds"]) == [1, 2, 3, 110, 111, 112, 113, 114]  # of training: a session follows the one before
    assert store.notes == (f"{tmp_path}/ppo/CartPole-v1_1/0.monitor.csv: a job that was continued (at line 7); its episodes are read in the file's order",)
    assert store.notes[0] in store.study().protocol["words"]["Evaluation"]


@pytest.mark.parametrize("header", [START.replace("100.0", "90000.0") + "r,l,t\n", "r,l,t\n", START + "r,l,t,level\n"])
def test_a_header_in_mid_file_begins_a_session(tmp_path, header):
    later = rows([3, 4], [5, 6]) if "level" not in header else rows([3, 4], [5, 6]).replace("\r\n", ",easy\r\n")
    written(tmp_path, START + "r,l,t\n" + rows([1, 2], [1, 2]) + header + later)
    curves = trained(tmp_path, points=4).curves()
    assert list(curves["score"]) == [1, 2, 3, 4] and list(curves["seconds"]) == [1, 2, 7, 8]


def test_the_environments_of_a_continued_job_are_merged_session_by_session(tmp_path):
    header = START + "r,l,t\n"
    written(tmp_path, header + rows([1, 3], [1, 3]) + rows([5, 7], [1, 3]), header.replace("100.0", "100.5") + rows([2, 4], [1, 90]) + rows([6, 8], [1.5, 4]))
    curves = trained(tmp_path).curves()
    assert list(curves["score"]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert curves["seconds"].iloc[3] == 90.5 and curves["seconds"].iloc[4] == 91.5  # the second session begins where the last of the first ended


def test_files_that_were_continued_different_numbers_of_times_are_read_and_it_is_said(tmp_path):
    header = START + "r,l,t\n"
    written(tmp_path, header + rows([1, 3], [1, 3]) + rows([5], [1]), header + rows([2], [2]))
    assert "different numbers of times (starts: 0.monitor.csv 2, 1.monitor.csv 1)" in trained(tmp_path, points=4).notes[-1]


@pytest.mark.parametrize("cut", ["4,1", "4", "4,10", "4,10,", "4,10,0", "-", "\0\0\0", "#{", '#{"t_start": 1'])
def test_a_last_line_that_a_kill_cut_is_left_out_and_said(tmp_path, cut):
    folder = written(tmp_path, START + "r,l,t\r\n" + rows([1, 2, 3], [1, 2, 3]) + cut)
    store = trained(tmp_path, points=3)
    assert list(store.curves()["score"]) == [1, 2, 3]
    assert store.notes == (() if cut.startswith("#") else (f"{folder}/0.monitor.csv line 6 was cut off; that episode is left out",))


def test_a_last_line_without_its_line_end_is_an_episode(tmp_path):
    written(tmp_path, START + "r,l,t\n" + rows([1, 2, 3], [1, 2, 3]) + "4,10,4.5")
    assert list(trained(tmp_path, points=4).curves()["score"]) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "row, said",
    [
        ("nan,10,2", r"line 4: return r is nan\. A run with such an episode has failed"),
        ("inf,10,2", "line 4: return r is inf"),
        ("1,10,nan", "line 4: time t is nan"),
        ("1,-10,2", "line 4: length l is -10; an episode has a whole number of steps"),
        ("1,0,2", "line 4: length l is 0"),
        ("1,nan,2", "line 4: length l is nan"),
        ("1,9.5,2", "line 4: length l is 9.5"),
        ("1,ten,2", "line 4 is no episode: could not convert string to float: 'ten'"),
        ("1,10", "line 4 is no episode: 2 fields under the 3 columns r,l,t"),
        ("1,1012,10,3", "line 4 is no episode: 4 fields under the 3 columns r,l,t. If a kill cut it and the next job wrote on, remove the line"),
        ("#no", "line 4 is not what Monitor writes: no JSON with t_start behind the #"),
        ("r,t", "line 4 is not what Monitor writes: columns r, t, without l"),
    ],
)
def test_a_row_that_is_no_episode_is_refused_with_its_file_and_line(tmp_path, row, said):
    written(tmp_path, START + "r,l,t\n" + rows([1], [1]) + row + "\n" + rows([1], [3]))
    with pytest.raises(IntegrityError, match=r"0\.monitor\.csv " + said):
        trained(tmp_path)


@pytest.mark.parametrize("row", ["nan,10,2", "1,-10,2", "1,0,2", "1,10,inf"])
def test_a_last_row_that_is_whole_but_cannot_be_is_refused_too(tmp_path, row):
    written(tmp_path, START + "r,l,t\n" + rows([1], [1]) + row + "\n")
    with pytest.raises(IntegrityError, match=r"0\.monitor\.csv line 4: "):
        trained(tmp_path)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", r"0\.monitor\.csv is empty, so its environment's episodes are not known"),
        (START, r"CartPole-v1_1: no episode has ended in 0\.monitor\.csv\. Remove the folder, and its seed counts as missing"),
        (START + "r,l,t\r\n", "no episode has ended in"),
        (START + "r,l,t\r\n1,10", "no episode has ended in"),
        (START + "1,10,2\n", "line 2 is not what Monitor writes: expected the names of the columns, r, l, t"),
        ("#{}\nr,l,t\n1,10,2\n", "line 1 is not what Monitor writes: no JSON with t_start"),
    ],
)
def test_a_monitor_file_without_episodes_is_refused_in_one_line(tmp_path, text, said):
    written(tmp_path, text)
    with pytest.raises(IntegrityError, match=said):
        trained(tmp_path)


def test_what_monitor_itself_appends_when_a_job_is_continued_is_read(tmp_path):
    """SB3's Monitor with override_existing=False: rows without a header, and a clock that begins again; and its file of a killed job, cut anywhere."""
    from stable_baselines3.common.monitor import Monitor

    folder = tmp_path / "ppo" / "CartPole-v1_1"
    lengths = []
    for session in range(2):
        env = Monitor(gym.make("CartPole-v1"), str(folder / "0"), override_existing=session == 0)
        for k in range(3):
            env.t_start -= 1000.0 * (session == 0)  # the first session took long
            env.reset(seed=10 * session + k)
            while not env.needs_reset:
                env.step(k % 2)
        lengths += env.get_episode_lengths()
        env.close()
    whole = (folder / "0.monitor.csv").read_bytes()
    assert list(trained(tmp_path, scores="training", points=3).curves()["step"])[-1] == sum(lengths)
    rows_from = whole.index(b"t\r\n") + 3
    for end in range(rows_from + 20, len(whole)):
        (folder / "0.monitor.csv").write_bytes(whole[:end])
        assert trained(tmp_path, points=1).curves()["step"].item() in np.cumsum(lengths)


# --- evaluations.npz that is not whole


def test_an_evaluation_of_nan_is_refused_with_its_step(tmp_path):
    evaluations(tmp_path, "ppo", "CartPole-v1", 1, [100, 200], [1, float("nan")])
    with pytest.raises(IntegrityError, match=r"evaluations\.npz: episode 1 of the checkpoint at step 200 has the return nan"):
        from_zoo(tmp_path, FAST)


@pytest.mark.parametrize(
    "steps, results, said",
    [
        ([100.5, 200.0], [[1.0], [2.0]], "its timesteps are float64, not whole numbers"),
        ([100, 200], np.zeros((2, 0)), "expected .checkpoints. and .checkpoints, episodes., of one at least"),
        ([100, 200], [["a"], ["b"]], "is not what EvalCallback writes: could not convert string to float"),
    ],
)
def test_evaluations_of_another_form_are_refused(tmp_path, steps, results, said):
    (tmp_path / "ppo" / "CartPole-v1_1").mkdir(parents=True)
    np.savez(tmp_path / "ppo" / "CartPole-v1_1" / "evaluations.npz", timesteps=steps, results=results)
    with pytest.raises(IntegrityError, match=said):
        from_zoo(tmp_path, FAST)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_evaluations_file_is_refused_or_reads_the_same_wherever_it_is_damaged(tmp_path, save):
    (tmp_path / "ppo" / "CartPole-v1_1").mkdir(parents=True)
    path = tmp_path / "ppo" / "CartPole-v1_1" / "evaluations.npz"
    save(path, timesteps=[100, 200], results=[[1.0, 2.0], [3.0, 4.0]])
    whole = path.read_bytes()
    damaged = [whole[:end] for end in range(0, len(whole), 7)] + [whole[:k] + bytes([whole[k] ^ 0xFF]) + whole[k + 1 :] for k in range(0, len(whole), 5)]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            assert scores_of(from_zoo(tmp_path, FAST), "ppo") == {1: 3.5}  # the byte was of no consequence
        except IntegrityError:
            refused += 1
    assert refused > len(damaged) / 2


# --- progress.csv, of SB3's logger


def test_the_loggers_table_is_read_where_there_is_nothing_else(tmp_path):
    for seed in (1, 2):
        folder = tmp_path / "ppo" / "CartPole-v1" / str(seed)
        folder.mkdir(parents=True)
        lines = ["rollout/ep_rew_mean,time/total_timesteps,eval/mean_reward", "10,100,", f",100,{20 + seed}", "11,200,", f",200,{30 + seed}"]
        (folder / "progress.csv").write_text("\n".join(lines) + "\n")
    store = from_sb3(f"{tmp_path}/{{algo}}/{{env}}/{{seed}}", FAST)
    assert scores_of(store, "ppo") == {1: 31, 2: 32} and sorted(store.curves()["step"].unique()) == [100, 200]


def test_the_loggers_table_of_sb3_itself_is_read(tmp_path):
    from stable_baselines3 import PPO
    from stable_baselines3.common.logger import configure

    folder = tmp_path / "ppo" / "CartPole-v1" / "3"
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, seed=3, device="cpu")
    model.set_logger(configure(str(folder), ["csv"]))
    model.learn(192)
    store = from_sb3(f"{tmp_path}/{{algo}}/{{env}}/{{seed}}", FAST)
    assert list(store.curves()["step"]) == [64, 128, 192] and np.isfinite(list(scores_of(store, "ppo").values())).all()


# --- charts that Weights & Biases exported


def chart(path, values, axis="global_step", metric="charts/episodic_return", merged=False):
    """A chart's table: values are run -> {step: value}; every cell is quoted, empty where the run recorded nothing, and MIN and MAX stand beside each line."""
    steps = sorted({step for line in values.values() for step in line})
    header = [axis]
    for run in values:
        for name in (*(["_step"] if axis != "Step" else []), metric):
            header += [f"{run} - {name}{end}" for end in ("", "__MIN", "__MAX")]
    lines = [header]
    for step in steps:
        line = [step]
        for run in values:
            value = values[run].get(step, "")
            line += [step // 2] * 3 * (axis != "Step") + [value, value, value + 1 if merged and value != "" else value]
        lines.append(line)
    path.write_text("\n".join(",".join(f'"{cell}"' for cell in line) for line in lines) + "\n")
    return path


RUNS = {f"CartPole-v1__{algo}__{seed}__170000000{seed}": {20 * k + seed: float(k * seed) for k in range(1, 11)} for algo in ("dqn", "ppo") for seed in (1, 2)}


def test_a_chart_of_cleanrls_runs_is_read_with_what_their_names_say(tmp_path):
    store = from_csv([chart(tmp_path / "wandb_export.csv", RUNS)], Reading(window=1, points=4, reps=200))
    assert scores_of(store, "dqn") == scores_of(store, "ppo") == {1: 10.0, 2: 18.0}  # at step 201, where the shortest ends
    assert store.notes == ()


def test_a_chart_becomes_a_report_by_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(figures, "svg", lambda canvas, key, alt: "<svg></svg>")
    path = chart(tmp_path / "wandb_export.csv", RUNS, axis="Step", merged=True)
    assert cli.main(["report", "--from-csv", str(path), "--points", "5", "--reps", "200", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "Note: " in said and "x axis is Weights & Biases' own Step, which counts environment steps only if" in said
    assert "at 40 of 40 points the chart merges several values and shows the last" in said
    assert "merges several values" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


NAMED = {f"{algo}-CartPole-v1-{seed}": {100: seed, 200: 2.0 * seed} for algo in ("ppo", "my-a2c") for seed in (3, 4)}


def test_names_of_ones_own_are_read_by_a_pattern(tmp_path):
    path = chart(tmp_path / "a.csv", NAMED, metric="eval/mean_reward")
    store = from_csv([path], FAST, run_names="{algo}-{env}-{seed}")
    assert scores_of(store, "ppo") == scores_of(store, "my-a2c") == {3: 6.0, 4: 8.0}
    path = chart(tmp_path / "b.csv", {"ppo-Own-Maze-v0-3": {100: 1.0}, "ppo-Own-Maze-v0-4": {100: 2.0}})
    assert from_csv([path], Reading(points=1, reps=200), run_names="{algo}-{env}-{seed}").study().groups[0]["envs"] == ["Own-Maze-v0"]


def test_names_that_say_nothing_are_read_by_the_table_of_runs(tmp_path):
    path = chart(tmp_path / "a.csv", {"royal-sweep-5": {100: 1.0}, "imperial-droid-52": {100: 2.0}}, metric="rollout/ep_rew_mean")
    (tmp_path / "runs.csv").write_text('"Name","State","algo","seed"\n"imperial-droid-52","finished","ppo","7"\n"royal-sweep-5","finished","ppo","8"\n')
    store = from_csv([path], FAST, run_names=str(tmp_path / "runs.csv"), known={"env": "CartPole-v1"})
    assert scores_of(store, "ppo") == {8: 1.0, 7: 2.0}


def test_a_name_that_says_nothing_is_refused_with_advice_that_works(tmp_path, capsys):
    path = chart(tmp_path / "a.csv", {"ppo-3": {100: 1.0}, "ppo-4": {100: 2.0}}, metric="eval/mean_reward")
    report = ["report", "--from-csv", str(path), "--reps", "200", "--out", str(tmp_path / "out")]
    assert cli.main(report) == 2
    said = capsys.readouterr().err
    assert "run 'ppo-3', read as CleanRL's env__algo__seed__time, does not say its algo, env, seed" in said
    assert "--run-names '{algo}-{env}-{seed}'" in said and "--known env=NAME" in said
    assert cli.main([*report, "--column", "algo=exp_name"]) == 2
    assert "--column algo=exp_name: a chart has a column for each run, and none for its algo" in capsys.readouterr().err
    assert cli.main([*report, "--run-names", "{algo}_{seed}"]) == 2
    assert "run 'ppo-3', read by --run-names {algo}_{seed}, does not say its algo, env, seed" in capsys.readouterr().err
    assert cli.main([*report, "--run-names", "{algo}-{seed}", "--known", "env=CartPole-v1"]) == 0


@pytest.mark.parametrize(
    "values, how, said",
    [
        ({"Group: ppo": {100: 1.0}}, {}, "'Group: ppo' is the mean of a group of runs, and a report needs each run: turn grouping off"),
        ({"exp_name: ppo": {100: 1.0}}, {}, "'exp_name: ppo' is the mean of a group of runs"),
        (RUNS, {"axis": "Relative Time (Process)"}, r"x axis is Relative Time \(Process\), which is no step. Set it to the metric"),
        (RUNS | {"CartPole-v1__ppo__3__17": {}}, {}, "run 'CartPole-v1__ppo__3__17' has no value of charts/episodic_return; hide it"),
        (RUNS | {"CartPole-v1__ppo__3__17": {101: "NaN"}}, {}, r"line 10: score \(.*ppo__3.*\) is NaN"),
    ],
)
def test_a_chart_that_cannot_be_read_is_refused_with_the_way_out(tmp_path, values, how, said):
    with pytest.raises(UserError, match=said):
        from_csv([chart(tmp_path / "a.csv", values, **how)], FAST)


def test_the_metric_of_a_chart_is_named_where_it_is_not_known(tmp_path):
    path = chart(tmp_path / "a.csv", NAMED, metric="eval/success")
    path.write_text(path.read_text().replace("ppo-CartPole-v1-3 - eval/success", "ppo-CartPole-v1-3 - eval/loss"))
    with pytest.raises(UserError, match="which of eval/loss, eval/success is the score"):
        from_csv([path], FAST, run_names="{algo}-{env}-{seed}")
    assert scores_of(from_csv([path], FAST, {"score": "eval/success"}, "{algo}-{env}-{seed}"), "ppo") == {4: 8.0}


def test_two_runs_of_one_name_in_a_chart_are_refused(tmp_path):
    path = chart(tmp_path / "a.csv", NAMED)
    path.write_text(path.read_text().replace("v1-4", "v1-3"))
    with pytest.raises(UserError, match=r"two columns are called my-a2c-CartPole-v1-3 - _step"):
        from_csv([path], FAST, run_names="{algo}-{env}-{seed}")


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
    assert plain.study().groups[0]["comparisons"] == [["mine", "ppo"]]


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


def test_what_all_runs_share_needs_no_column(tmp_path, capsys):
    path = table(tmp_path / "a.csv", [row[:1] + row[2:] for row in LONG], ("algo", "seed", "step", "score"))
    assert cli.main(["report", "--from-csv", str(path), "--column", "env=CartPole-v1"]) == 2
    assert "no column CartPole-v1 among algo, seed, step, score; --known env=CartPole-v1 says that all runs are of it" in capsys.readouterr().err
    assert scores_of(from_csv([path], FAST, known={"env": "CartPole-v1"}), "ppo") == {0: 5, 1: 6, 2: 7}


def test_a_runs_name_in_a_column_says_whose_a_row_is(tmp_path):
    rows = [(f"CartPole-v1__{algo}__{seed}__17", step, score) for algo, _, seed, step, score in LONG]
    store = from_csv([table(tmp_path / "a.csv", rows, ("run_name", "step", "eval/mean_reward"))], FAST)
    assert scores_of(store, "ppo") == {0: 5, 1: 6, 2: 7}


def test_a_runs_history_has_rows_without_the_score(tmp_path):
    """What wandb's API gives as a run's history: each row holds what was recorded at a time."""
    rows = [(k, 1.7e9 + k, 10 * k if k % 2 else "", float(k) if k % 2 else "", 0.1 if not k % 2 else "") for k in range(12)]
    name = "CartPole-v1__dqn__1__1700000000"
    table(tmp_path / f"{name}.csv", rows, ("_step", "_timestamp", "global_step", "charts/episodic_return", "losses/td_loss"))
    assert scores_of(from_csv([tmp_path / f"{name}.csv"], Reading(points=2, window=1, reps=200)), "dqn") == {1: 11.0}


def test_the_line_of_a_bad_cell_counts_comments_and_blank_lines(tmp_path):
    (tmp_path / "a.csv").write_text("# made by hand\n\nalgo,env,seed,step,score\nppo,CartPole-v1,1,100,1\n\nppo,CartPole-v1,1,200,nan\n")
    with pytest.raises(UserError, match=r"line 6: score \(score\) is nan"):
        from_csv([tmp_path / "a.csv"], FAST)


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
