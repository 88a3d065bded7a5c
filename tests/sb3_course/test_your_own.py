"""What is one's own, as a user has it: files in a folder outside of this project, the command line in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your_own.md").read_text(encoding="utf-8")
SMALL = ["protocol.eval_points=2", "protocol.eval_episodes=2", "statistics.reps=200", "launcher=inprocess"]

KIT = {  # a package: an environment, a PPO with another loss from a module beside it, an algorithm on the contract (the example of CONTRIBUTING.md)
    "kit/__init__.py": "import gymnasium as gym\n\ngym.register('kit/Walk-v0', entry_point='kit.walk:LineWalk', max_episode_steps=50)\n",
    "kit/walk.py": PAGE[PAGE.index("import gymnasium") : PAGE.index("\n\ngym.register")] + "\n",
    "kit/penalty.py": "WEIGHT = 0.5\n",
    "kit/kl.py": (
        "from from_scratch import PPO\nfrom from_scratch.core.lockstep import per_seed\n\nfrom . import penalty\n\n\n"
        "class KLPPO(PPO):\n    kl_coef: float = penalty.WEIGHT\n\n    @per_seed\n    def loss(self, b):\n        loss, metrics = super().loss(b)\n"
        "        log_ratio = self.actor_critic.evaluate(b.obs, b.action)[1] - b.log_prob\n"
        "        return loss + self.kl_coef * (log_ratio**2).mean(-1), metrics\n"
    ),
    "kit/soft.py": re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)[1],
}
SUITE = {
    "name": "kit", "question": "Which walks?", "seeds": 2, "steps": 256,
    "groups": [{"name": "line", "algos": ["kit.kl:KLPPO", "ppo", "kit.soft:SoftmaxQLearning"], "envs": ["kit:kit/Walk-v0"]}],
    "algo": {"ppo": {"default": {"n_steps": 128}}, "kit.kl:KLPPO": {"default": {"n_epochs": 3}},
             "kit.soft:SoftmaxQLearning": {"default": {"temperature": 0.5}}},
    "env": {"kit:kit/Walk-v0": {"kwargs": {"n": 7}, "normalise": {"random": -25.0, "expert": -3.5, "source": "by hand"}}},
}  # fmt: skip


def sb3_course(*words, at):
    """(exit code, what was printed) of the command line in that folder, which knows nothing of this test."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    program = f"import sys; sys.path.append({str(ROOT)!r}); from sb3_course.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-P", "-c", program, *map(str, words)], cwd=at, env=env, capture_output=True, text=True, timeout=280)
    return done.returncode, done.stdout + done.stderr


def written(files, folder):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The folder of the package, with its suite compared once."""
    folder = written({**KIT, "suite.yaml": yaml.safe_dump(SUITE)}, tmp_path_factory.mktemp("home"))
    code, said = sb3_course("compare", "suite.yaml", "--trust", "--out", "kit-study", *SMALL, at=folder)
    assert code == 0, said
    return folder


def dry(folder):
    return sb3_course("compare", "suite.yaml", "--trust", "--out", "kit-study", "--dry-run", *SMALL, at=folder)[1]


@pytest.mark.slow
def test_a_package_of_ones_own_is_compared_as_its_suite_says(home):
    kept = yaml.safe_load((home / "kit-study" / "study.yaml").read_text(encoding="utf-8"))
    assert kept["hyperparams"]["kit.kl:KLPPO"]["kit:kit/Walk-v0"] == {"policy": "MlpPolicy", "n_steps": 128, "n_epochs": 3}
    assert kept["hyperparams"]["kit.soft:SoftmaxQLearning"]["kit:kit/Walk-v0"] == {"temperature": 0.5}
    assert kept["normalise"]["kit:kit/Walk-v0"]["random"] == -25.0
    assert set(kept["own"]["modules"]) == {"kit", "kit.walk", "kit.kl", "kit.penalty", "kit.soft"}
    assert kept["own"]["algorithms"]["kit.kl:KLPPO"] == ["kit", "kit.kl", "kit.penalty"]
    report = (home / "kit-study" / "report" / "report.html").read_text(encoding="utf-8")
    assert kept["own"]["modules"]["kit.penalty"]["sha256"][:16] in report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "todo"),
    [
        ("kit/kl.py", "class KLPPO(PPO):", "# a comment\nclass KLPPO(PPO):", []),
        ("kit/penalty.py", "0.5", "0.7", ["kit.kl:KLPPO"]),
        ("kit/soft.py", "argmax", "argmin", ["kit.soft:SoftmaxQLearning"]),
        ("kit/walk.py", "-1.0", "-2.0", ["kit.kl:KLPPO", "ppo", "kit.soft:SoftmaxQLearning"]),
    ],
)  # fmt: skip
def test_an_edit_makes_exactly_the_runs_that_it_touches_stale(home, file, old, new, todo):
    text = (home / file).read_text(encoding="utf-8")
    assert old in text
    (home / file).write_text(text.replace(old, new), encoding="utf-8")
    try:
        said = dry(home)
    finally:
        (home / file).write_text(text, encoding="utf-8")
    assert re.findall(r"^  (\S+) on kit:kit/Walk-v0: 2 seeds", said, re.M) == todo


@pytest.mark.slow
def test_only_what_is_stale_is_trained_again_and_the_archive_is_verified_where_nothing_of_it_is(home, tmp_path):
    mine = written({**KIT, "kit/penalty.py": "WEIGHT = 0.9\n", "suite.yaml": yaml.safe_dump(SUITE)}, tmp_path / "mine")
    (home / "kit-study").rename(mine / "kit-study")
    try:
        code, said = sb3_course("compare", "suite.yaml", "--trust", "--out", "kit-study", *SMALL, at=mine)
        assert code == 0 and "6 runs (4 finished), 2 to do" in said, said
        assert "WEIGHT = 0.9" in (mine / "kit-study" / "study.yaml").read_text(encoding="utf-8")
        code, said = sb3_course("archive", "kit-study", tmp_path / "kit.tar.gz", at=mine)
        assert code == 0, said
    finally:
        (mine / "kit-study").rename(home / "kit-study")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code, said = sb3_course("reproduce", tmp_path / "kit.tar.gz", "--level", "2", at=elsewhere)
    assert code == 0 and "FAIL" not in said, said
    code, said = sb3_course("reproduce", tmp_path / "kit.tar.gz", "--level", "3", at=elsewhere)
    assert code == 2 and "would run the algorithm kit.kl:KLPPO" in said
    code, said = sb3_course("reproduce", tmp_path / "kit.tar.gz", "--level", "3", "--sample", "6", "--trust", at=elsewhere)
    assert code == 0 and said.count("the same weights") == 6, said


@pytest.mark.slow
def test_the_page_runs(tmp_path):
    """Its files, and its commands with a smaller protocol; then train and enjoy by the files' paths, from another folder."""
    files = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, re.S))
    assert set(files) == {"my_envs.py", "my_algo.py", "my_suite.yaml"}
    folder = written(files, tmp_path / "mine")
    command = re.search(r"^sb3-course (compare --algos .*)$", PAGE, re.M)[1].split()
    code, said = sb3_course(*command, *SMALL, at=folder)
    assert code == 0, said
    code, said = sb3_course(*re.search(r"`sb3-course (compare my_suite.yaml --trust)`", PAGE)[1].split(), "--dry-run", at=folder)
    assert code == 0 and "ppo and sb3/ppo (twins)" in said, said
    other = tmp_path / "other"
    other.mkdir()
    names = ["--algo", "../mine/my_algo.py:KLPenaltyPPO", "--env", "../mine/my_envs.py:LineWalk-v0"]
    code, said = sb3_course("train", *names, "-n", "64", "--eval-freq", "0", "--verbose", "0", "-params", "n_steps:32", "batch_size:32", at=other)
    assert code == 0, said
    code, said = sb3_course("enjoy", *names, "--no-render", "-n", "60", at=other)
    assert code == 0 and "return" in said, said
