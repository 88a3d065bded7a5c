"""The command line: words in, a line and an exit code out."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.store.store import Store
from from_scratch.envs.registration import ENVIRONMENTS
from sb3_course import cli

TINY = ["steps=256", "seeds=1"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(cli.__file__).parents[1]))
    monkeypatch.delenv("SB3_COURSE_DEBUG", raising=False)


def _compare(*words):
    return cli.main(["compare", "smoke", *TINY, "--launcher", "inprocess", *words])


def _store():
    return Store("studies/smoke")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("compare --algos pp0 --envs CartPole-v1", "unknown algorithm 'pp0': did you mean 'ppo'? (sb3-course list)"),
        ("compare --algos sb3/ppo --envs CartPol-v1", "unknown environment 'CartPol-v1': did you mean 'CartPole-v1'? (sb3-course list)"),
        ("compare --algos sb3/ppo", "--algos without --envs: name both, or a suite"),
        ("compare smoke --seeds 0", "--seeds 0: a study needs at least 1 seed; 10 is usual"),
        ("compare smoke -n 0", "-n 0: a run needs at least 1 training step"),
        ("compare smoke --jobs 0", "--jobs 0: at least 1 process is needed"),
        ("compare smoke --launcher local --limit-minutes 0", "launcher.limit_minutes=0.0: a number above 0 is needed"),
        ("compare smoke --launcher inprocess --limit-memory 1", "limits end the process of a run, and launcher=inprocess has none of its own"),
        ("compare smoke --address auto", "--address auto goes with --launcher ray"),
        ("compare smoke --algos ppo --envs x", "either the suite 'smoke' or --algos and --envs, not both"),
        ("compare smoke --sedes 3", "unrecognized arguments: --sedes 3 (sb3-course compare --help)"),
        ("compare smoke statistics.reps=1", "statistics.reps=1: give at least 100 bootstrap repetitions"),
        ("compare smke", "unknown suite 'smke': did you mean 'smoke'? (or name --algos and --envs)"),
        ("compare --algos td0,random --envs FrozenLake-v1 -n 100", "td0: learns what a given policy is worth, so a return says nothing of what it learnt"),
        ("comparre smoke", "unknown verb 'comparre': did you mean 'compare'? (sb3-course --help)"),
        ("train --algo sb3/dqn --env Pendulum-v1", "DQN needs a Discrete action space; Pendulum-v1 has Box(-2.0, 2.0, (1,), float32)."),
        ("train --algo sb3/ppo --env CartPole-v1 -params lerning_rate:1", "sb3/ppo has no hyper-parameter 'lerning_rate': did you mean 'learning_rate'?"),
        ("train --algo sb3/ppo --env CartPole-v1 --seed -1", "--seed -1: a seed is 0 or more"),
        ("status nowhere", "no study at nowhere or studies/nowhere: sb3-course compare makes one"),
        ("enjoy --algo sb3/ppo --env CartPole-v1 --no-render", "no training of sb3/ppo on CartPole-v1 in logs"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(words, line, capsys):
    assert cli.main(words.split()) == 2
    out, err = capsys.readouterr()
    assert err.startswith(line) and err.count("\n") == 1
    assert not out and not list(Path.cwd().iterdir()), "nothing was begun"


def test_compare_runs_reports_and_when_repeated_trains_nothing_again(capsys):
    assert _compare() == 0
    out = capsys.readouterr().out
    assert "2 runs, 2 to do" in out and "1 seeds x 256 steps (the RL Zoo: 100,000)" in out
    report = Path(out.split("Report (")[1].split(": ", 1)[1].strip())
    assert report.is_file() and "<html" in report.read_text(encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in Path("studies/smoke/runs").rglob("*")}
    assert _compare() == 0
    assert "2 runs (2 finished), 0 to do" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in Path("studies/smoke/runs").rglob("*")} == before


def test_a_dry_run_prints_the_plan_and_begins_nothing(capsys):
    assert _compare("--dry-run") == 0
    assert "sb3/dqn on CartPole-v1: 1 seeds x 256 steps" in capsys.readouterr().out
    assert not Path("studies").exists()


def test_overrides_may_stand_before_and_after_flags(capsys):
    assert cli.main(["compare", "smoke", "seeds=2", "--dry-run", "steps=64"]) == 0
    assert "2 seeds x 64 steps" in capsys.readouterr().out
    assert cli.main(["compare", "seeds=2", "--dry-run"]) == 0
    assert "Study quickstart" in capsys.readouterr().out


def test_a_rectangle_of_algorithms_and_environments_is_a_study_with_a_name_of_its_own(capsys):
    assert cli.main(["compare", "--algos", "sb3/ppo,sb3/dqn", "--envs", "CartPole-v1", "--seeds", "3", "-n", "500", "--dry-run", "--out", "here"]) == 0
    out = capsys.readouterr().out
    assert "Study sb3_ppo-sb3_dqn-on-CartPole-v1" in out and "in here" in out and "6 runs, 6 to do" in out


def test_a_damaged_run_is_named_quarantined_and_run_again(capsys):
    _compare()
    run = next(Path("studies/smoke/runs").glob("sb3_ppo-*"))
    (run / "curve.parquet").write_bytes(b"damaged")
    capsys.readouterr()
    assert cli.main(["status", "smoke"]) == 3
    assert f"run {run.name}/curve.parquet: hash mismatch; sb3-course retry quarantines it" in capsys.readouterr().err
    assert cli.main(["report", "smoke"]) == 3
    assert cli.main(["retry", "smoke"]) == 0
    assert f"run {run.name}/curve.parquet: hash mismatch; moved to quarantine/{run.name}" in capsys.readouterr().err
    assert _store().runs()["status"].tolist() == ["finished"] * 2
    assert [path.name.split(".")[0] for path in Path("studies/smoke/quarantine").iterdir()] == [run.name]


def test_a_failed_run_is_refused_by_the_report_allowed_by_request_and_mended_by_retry(monkeypatch, capsys):
    from stable_baselines3 import PPO

    with monkeypatch.context() as patch:
        patch.setattr(PPO, "train", lambda self: 1 / 0)
        assert _compare() == 3
    err = capsys.readouterr().err
    assert "failed: sb3_ppo-CartPole-v1-s0-" in err and "ZeroDivisionError: division by zero" in err and "sb3-course retry" in err
    assert _compare() == 3, "compare does not repeat what failed"
    assert _store().runs()["status"].tolist() == ["failed", "finished"]
    assert cli.main(["report", "smoke"]) == 3
    assert cli.main(["report", "smoke", "--allow-partial"]) == 0
    assert cli.main(["retry", "smoke"]) == 0
    assert _store().runs()["status"].tolist() == ["finished"] * 2


def test_retry_refuses_to_mix_code_versions(monkeypatch, capsys):
    _compare()
    monkeypatch.setattr("benchmarks.studies.plan.code_version", lambda algo, env: "edited")
    capsys.readouterr()
    assert cli.main(["retry", "smoke"]) == 2
    assert "the code or its packages changed" in capsys.readouterr().err


def test_an_unreadable_study_is_exit_code_4(capsys):
    _compare()
    Path("studies/smoke/study.yaml").write_text("{")
    assert cli.main(["status", "smoke"]) == 4


def test_a_bug_of_ours_is_one_line_too_unless_debugging(monkeypatch, capsys):
    monkeypatch.setattr("sb3_course.commands.catalogue.options", lambda group: 1 / 0)
    assert cli.main(["list"]) == 1
    assert capsys.readouterr().err == "unexpected ZeroDivisionError: division by zero (SB3_COURSE_DEBUG=1 shows where)\n"
    monkeypatch.setenv("SB3_COURSE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["list"])


def test_list_names_algorithms_twins_environments_and_suites_without_importing_torch():
    script = "import sys; from sb3_course.cli import main; main(['list']); print('torch' in sys.modules or 'numpy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "Proximal policy optimisation" in out and "sb3/sac" in out and "CliffWalking-v1" in out and "quickstart" in out
    assert out.strip().endswith("False")


def test_train_saves_what_enjoy_plays(capsys, monkeypatch):
    words = ["train", "--algo", "sb3/ppo", "--env", "CartPole-v1", "-n", "512", "--eval-freq", "256", "--verbose", "0", "--seed", "3"]
    words += ["--hyperparams", "gamma:0.9", "policy_kwargs:dict(net_arch=[8])"]
    assert cli.main(words) == 0
    folder = Path("logs/sb3/ppo/CartPole-v1_1")
    for name in ("CartPole-v1.zip", "best_model.zip", "evaluations.npz", "command.txt", "CartPole-v1/config.yml", "CartPole-v1/args.yml"):
        assert (folder / name).is_file(), name
    assert "gamma: 0.9" in (folder / "CartPole-v1/config.yml").read_text()
    capsys.readouterr()
    assert cli.main(["enjoy", "--algo", "sb3/ppo", "--env", "CartPole-v1", "--no-render", "-n", "200"]) == 0
    assert "episodes: mean return" in capsys.readouterr().out
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if sys.platform == "linux":
        assert cli.main(["enjoy", "--algo", "sb3/ppo", "--env", "CartPole-v1"]) == 2
        assert "--no-render" in capsys.readouterr().err


def test_a_second_training_does_not_overwrite_the_first():
    for _ in range(2):
        assert cli.main(["train", "--algo", "sb3/ppo", "--env", "CartPole-v1", "-n", "256", "--eval-freq", "0", "--verbose", "0"]) == 0
    assert sorted(path.name for path in Path("logs/sb3/ppo").iterdir()) == ["CartPole-v1_1", "CartPole-v1_2"]


OURS = [("ppo", "Acrobot-v1"), ("dqn", "CartPole-v1"), ("q_learning", "FrozenLake-v1"), ("value_iteration", "CliffWalking-v1")]


@pytest.mark.parametrize(("algo", "env"), OURS)
def test_ours_train_save_and_play_from_the_command_line(algo, env, capsys):
    assert cli.main(["train", "--algo", algo, "--env", env, "-n", "2000", "--verbose", "0", "--eval-episodes", "1"]) == 0
    assert cli.main(["enjoy", "--algo", algo, "--env", env, "--no-render", "-n", "600"]) == 0
    assert "episodes: mean return" in capsys.readouterr().out


def test_a_file_that_is_no_model_is_an_integrity_error(capsys):
    folder = Path("logs/sb3/ppo/CartPole-v1_1")
    folder.mkdir(parents=True)
    (folder / "CartPole-v1.zip").write_bytes(b"not a zip")
    assert cli.main(["enjoy", "--algo", "sb3/ppo", "--env", "CartPole-v1", "--no-render"]) == 4
    assert "is no model that can be read without running it: File is not a zip file" in capsys.readouterr().err


def test_doctor_finds_nothing_to_mend_here_and_names_the_pin_that_does_not_hold(monkeypatch, capsys):
    from sb3_course.commands import doctor

    assert cli.main(["doctor"]) == 0
    assert "Nothing to mend." in capsys.readouterr().out
    real = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda package: "3.1.1" if package == "pandas" else real(package))
    assert cli.main(["doctor"]) == 1
    captured = capsys.readouterr()
    assert "pandas 3.1.1: with pandas 3, `import rliable.library` raises TypeError. pip install 'pandas<3'" in captured.out
    assert captured.err == "1 problem found\n"


def _killed_after(seconds, words):
    """Start the command line in a process of its own and kill it without warning; its exit code, 0 if it was faster."""
    process = subprocess.Popen([sys.executable, "-m", "sb3_course.cli", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait()


def _assert_nothing_is_half_written(store):
    for _, run in store.planned():
        assert store.status(run)[0] in ("finished", "missing", "running"), "a run is there whole or not at all"
    for path in store.runs_path.glob("[!.]*/run.json"):
        assert json.loads(path.read_text())["status"] == "finished"


@pytest.mark.slow
def test_killed_three_times_at_random_moments_compare_finishes_only_what_is_missing():
    words = ["compare", "smoke", "seeds=3", "steps=3072", "--jobs", "2"]
    chance = random.Random(0)
    survivors: dict[str, int] = {}
    for _ in range(3):
        _killed_after(chance.uniform(6, 14), words)
        time.sleep(1.0)  # the workers notice
        if not _store().exists():
            continue
        _assert_nothing_is_half_written(_store())
        now = {path.parent.name: path.stat().st_mtime_ns for path in _store().runs_path.glob("[!.]*/run.json")}
        assert survivors.items() <= now.items(), "what was finished stays as it was"
        survivors = now
    finished = subprocess.run([sys.executable, "-m", "sb3_course.cli", *words], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert f"{6 - len(survivors)} to do" in finished.stdout
    now = {path.parent.name: path.stat().st_mtime_ns for path in _store().runs_path.glob("[!.]*/run.json")}
    assert survivors.items() <= now.items() and len(now) == 6
    assert not list(_store().runs_path.glob(".tmp-*"))
    assert (_store().runs()["status"] == "finished").all()


def test_a_run_that_was_killed_while_it_was_written_is_run_again_from_the_beginning(capsys):
    """What a kill leaves: a temporary directory of a process that is no more, with some of its files."""
    _compare()
    store = _store()
    victim = next(store.runs_path.glob("sb3_dqn-*"))
    (victim / "run.json").unlink()
    orphan = store.runs_path / f".tmp-999999-1-{victim.name}"
    os.rename(victim, orphan)
    capsys.readouterr()
    assert _compare() == 0
    assert "2 runs (1 finished), 1 to do" in capsys.readouterr().out
    assert not orphan.exists() and victim.is_dir()


def test_what_there_is_is_listed_with_its_kind_and_so_are_our_environments(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    kinds = {line.split()[0]: line.split()[1] for line in lines if line.startswith("  ") and len(line.split()) > 3}
    assert [kinds[id] for id in ("td0", "q_learning", "value_iteration", "ucb_bandit", "lstd")] == ["prediction", "control", "planning", "bandit", "prediction"]
    assert cli.main(["list", "--envs"]) == 0
    shown = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]]
    assert shown == sorted(ENVIRONMENTS)
